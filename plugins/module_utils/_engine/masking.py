# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets out of what a fleet returns.

With the passwords of 1000 machines looked for in the results of 1000 machines, that would take longer than all the rest; but the result of
one can hold only its own, and those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .module import Module
from .values import secrets
from .values.hiding import Hiding


class OfMachines:
    """The secrets of a fleet's options: each machine's own, and those of all."""

    def __init__(self, module: Module, option: str, name_of: Callable[[Mapping[str, Any]], str]) -> None:
        """``option`` names the list of entries, and ``name_of`` tells the name of an entry's machine."""
        entries: list[Mapping[str, Any]] = module.params[option]
        of_all = set(secrets.secret_values({name: value for name, value in module.params.items() if name != option}))
        own = {name_of(entry): set(secrets.secret_values(entry)) for entry in entries}
        self._of_all = Hiding(of_all)
        self._of_one = {name: Hiding(of_all | of_one) if of_one else self._of_all for name, of_one in own.items()}
        self._of_any = Hiding(of_all.union(*own.values()))
        # What is left to be looked for, once the machines' results are clean.
        module.hiding = self._of_all

    def clean(self, name: str, value: Any) -> Any:
        """A machine's result, or text about it, without secrets."""
        return self._of_one.get(name, self._of_any).value(value)
