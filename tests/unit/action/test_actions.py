# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module that talks to OpenStack has an action plugin of its name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
GROUP = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text())["action_groups"]["openstack"]
ROLES = ("baremetal_deploy", "server_deploy")  # each the task of a role: its module is documentation


@pytest.mark.parametrize("name", [name for name in GROUP if isinstance(name, str) and name not in ROLES])
def test_its_action_plugin_runs_this_module(name: str) -> None:
    action = import_module(f"ansible_collections.bfv.openstack.plugins.action.{name}").ActionModule
    assert action.module.__name__ == f"ansible_collections.bfv.openstack.plugins.modules.{name}"
