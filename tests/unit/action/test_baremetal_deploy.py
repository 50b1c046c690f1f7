# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the role baremetal_deploy, where its call comes to nothing. What it does of a call stands in the integration tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
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


@pytest.mark.parametrize(("batch", "alike"), [(["a", "b"], True), (["a", "b", "c"], False)])
def test_it_is_told_whether_all_hosts_of_the_batch_were_in_one_call(batch: list[str], alike: bool) -> None:
    """Those that were not may be of another cloud, and are looked at for themselves: see the role's tasks."""
    action = ActionModule.__new__(ActionModule)
    action._templar = SimpleNamespace(template=lambda value: value, copy_with_new_env=lambda **_options: action._templar)
    action._task = SimpleNamespace(args={})
    of = {host: {"baremetal_deploy_node": host, "baremetal_deploy_probe": True} for host in "ab"}
    found = action.results(of, {"ansible_play_batch": batch})
    assert {host: (one["stage"], one["all_in_one_call"]) for host, one in found.items()} == dict.fromkeys("ab", ("before", alike))


def test_what_is_looked_at_once_is_so_only_where_all_hosts_were_in_one_call() -> None:
    tasks = Path(__file__).resolve().parents[3] / "roles" / "baremetal_deploy" / "tasks"
    looks = [
        one for name in ("save.yml", "storage.yml") for one in yaml.safe_load((tasks / name).read_text()) if "run_once" in one
    ]
    assert [one["run_once"] for one in looks] == ["{{ baremetal_deploy_result.all_in_one_call }}"] * 2
