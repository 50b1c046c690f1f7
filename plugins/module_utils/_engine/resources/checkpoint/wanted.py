# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for of a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from ...values.block_device_item import quoted
from ...values.errors import Invalid
from ..volume.record import new_mark

# Cinder cuts blanks off a snapshot's name, and MariaDB's older character sets take no emoji. The name has to fit into notes too.
_NAME = re.compile(r"[\w.:@+-](?:[\w .:@+-]{0,98}[\w.:@+-])?", re.ASCII)

_LONGEST = 88  # of a name that still fits with before- and a number


@dataclass(frozen=True)
class Wanted:
    """The checkpoint that is asked for. None leaves alone.

    ``attempt`` tells this run from every other one: two that take the same checkpoint at once take two sets.
    """

    name: str
    server: str | None = None
    node: str | None = None
    state: str = "present"
    keep: int | None = None
    quiesce: bool = False
    safety: bool = True
    replace_may_lose: tuple[str, ...] = ()
    without_nova: bool = False
    attempt: str = field(default_factory=lambda: str(uuid4()), compare=False)

    @property
    def mark(self) -> str:
        """The mark of the volumes that this run makes."""
        return new_mark(self.attempt)

    @property
    def machine(self) -> str:
        """The machine as the task calls it."""
        return f"server {self.server}" if self.server else f"node {self.node}"


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    want = Wanted(**{name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None})
    where = f"Failed to read checkpoint {quoted(want.name)}"
    if not want.server and not want.node:
        raise Invalid(f"{where}: neither server nor node is given. Give one of them.")
    if want.server and want.node:
        raise Invalid(f"{where}: server and node are both given. Give one of them.")
    if not _NAME.fullmatch(want.name):
        raise Invalid(
            f"{where}: its name has to have 1 to 100 letters, digits, blanks within and the signs . : @ + - _. Give such a one."
        )
    if want.keep is not None and want.keep < 1:
        raise Invalid(f"{where}: keep is {want.keep}, and the checkpoint that the task names stays. Give 1 or more.")
    if want.keep is not None and want.state != "present":
        raise Invalid(f"{where}: keep is for state: present. Leave it out.")
    if want.quiesce and want.state != "present":
        raise Invalid(f"{where}: quiesce is for state: present. Leave it out.")
    if want.quiesce and want.node:
        raise Invalid(
            f"{where}: quiesce is for servers. Power the node off before (baremetal node power off --soft), and on again after the task."
        )
    if want.state == "reverted" and want.safety and len(want.name) > _LONGEST:
        raise Invalid(
            f"{where}: its safety checkpoint would have a longer name than 100 characters. Leave that out (safety: false)."
        )
    return replace(want, replace_may_lose=tuple(want.replace_may_lose))
