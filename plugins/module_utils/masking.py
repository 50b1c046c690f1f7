# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Secrets out of what a module returns.

Ansible looks for every secret in every text of a result. With the passwords of 1000 nodes in the results of 1000 nodes that would take
longer than all the rest; but a node's result can hold only the node's own, and the connection's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from .values import secrets


def hide_from_result(module: AnsibleModule) -> None:
    """Have Ansible hide the secrets within dicts too, and show who and where ``auth`` says."""
    # Ansible hides every value of auth. A project called web would make asterisks of each web in what the module returns.
    module.no_log_values.difference_update(secrets.open_values(module.params["auth"]))
    module.no_log_values.update(secrets.secret_values(module.params))


def hidden(text: str, values: Iterable[str]) -> str:
    """The text without these secrets: Ansible takes them out of results only, not out of warnings."""
    return str(remove_values(text, set(values)))  # type: ignore[no-untyped-call]


class OfNodes:
    """The secrets of a fleet's options: each node's own, and those of all."""

    def __init__(self, module: AnsibleModule) -> None:
        entries: list[Mapping[str, Any]] = module.params["nodes"]
        self._own = {entry["node"]: set(secrets.secret_values(entry)) for entry in entries}
        others = {name: value for name, value in module.params.items() if name != "nodes"}
        self._of_all = (set(module.no_log_values) - set().union(*self._own.values())) | set(secrets.secret_values(others))
        self._of_any = self._of_all.union(*self._own.values())
        # What is left for Ansible to look for, once the nodes' results are clean.
        module.no_log_values.intersection_update(self._of_all)
        given = {name: value for name, value in others.items() if value is not None}
        nodes = [secrets.mask({name: value for name, value in entry.items() if value is not None}) for entry in entries]
        self.invocation = {"module_args": {**given, "nodes": nodes}}

    def clean(self, node: str, value: Any) -> Any:
        """A node's result, or text about it, without secrets."""
        secrets_of = self._of_all | self._own[node] if node in self._own else self._of_any
        return remove_values(value, secrets_of)  # type: ignore[no-untyped-call]
