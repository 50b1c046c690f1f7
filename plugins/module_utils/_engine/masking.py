# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets out of what a fleet returns.

With the passwords of 1000 nodes looked for in the results of 1000 nodes, that would take longer than all the rest; but a node's
result can hold only the node's own, and those of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .module import Module
from .values import secrets
from .values.hiding import Hiding


class OfNodes:
    """The secrets of a fleet's options: each node's own, and those of all."""

    def __init__(self, module: Module) -> None:
        entries: list[Mapping[str, Any]] = module.params["nodes"]
        of_all = set(secrets.secret_values({name: value for name, value in module.params.items() if name != "nodes"}))
        own = {entry["node"]: set(secrets.secret_values(entry)) for entry in entries}
        self._of_all = Hiding(of_all)
        self._of_node = {node: Hiding(of_all | of_one) if of_one else self._of_all for node, of_one in own.items()}
        self._of_any = Hiding(of_all.union(*own.values()))
        # What is left to be looked for, once the nodes' results are clean.
        module.hiding = self._of_all

    def clean(self, node: str, value: Any) -> Any:
        """A node's result, or text about it, without secrets."""
        return self._of_node.get(node, self._of_any).value(value)
