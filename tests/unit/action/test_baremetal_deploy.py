# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the role baremetal_deploy, where its call comes to nothing. What it does of a call stands in the integration tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.bfv.openstack.plugins.action.baremetal_deploy import ActionModule


class _Broken:
    def run(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        raise AnsibleError("Module failed.")


def test_of_a_module_that_ends_with_an_error_all_hosts_fail_and_none_tries_again() -> None:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(copy=SimpleNamespace)
    action._connection = action._play_context = action._loader = action._templar = None
    action._shared_loader_obj = SimpleNamespace(action_loader=SimpleNamespace(get=lambda _name, **_options: _Broken()))
    assert action._fleet({}, {}) == {"failed": True, "msg": "Module failed."}
