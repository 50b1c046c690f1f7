# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checkpoints of many machines: the playbook bfv.openstack.checkpoint, and the variable of the role baremetal_deploy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import CHECKPOINT

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node
from .runs import Ansible, Run

pytestmark = [pytest.mark.full, pytest.mark.long]

REPOSITORY = Path(__file__).resolve().parents[2]
PLAYBOOK = "bfv.openstack.checkpoint"
SAVE_SERVER, SAVE_NODE = "Save the server or bring it back", "Save the node or bring it back"


def test_the_playbook_passes_all_options_of_the_module_that_a_machine_of_its_kind_has() -> None:
    plays = yaml.safe_load((REPOSITORY / "playbooks" / "checkpoint.yml").read_text(encoding="utf-8"))
    passed = [set(play["tasks"][0]["bfv.openstack.boot_checkpoint"]) - {"cloud", "volume_cloud", "timeout"} for play in plays]
    assert passed == [set(CHECKPOINT) - {"node", "without_nova"}, set(CHECKPOINT) - {"server", "quiesce"}]


@dataclass(frozen=True)
class Fleet:
    """A server and a node in one inventory, and a node that is not deployed."""

    server: str
    node: Node
    name: str  # of the checkpoint
    inventory: str
    saved: Run


def play(ansible: Ansible, fleet_inventory: str, name: str, **variables: object) -> Run:
    said = json.dumps({"checkpoint": name, **variables})
    return ansible.playbook(PLAYBOOK, "-i", fleet_inventory, "-e", said)


@pytest.fixture(scope="module")
def fleet(lab: Lab, ansible: Ansible) -> Fleet:
    server, node, name = lab.name("vm"), lab.node("bm"), lab.name("friday")
    volume = {"name": f"{node.name}-root", "size": 1, "bootable": True}
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    wish = {"flavor": "bfv.small", "boot": {"image": IMAGE}, "networks": "none"}
    groups: Json = {
        "servers": {"hosts": {server: {"server_deploy_options": wish}}, "vars": {"server_deploy_cloud": PROJECT, **here}},
        "baremetal": {
            "hosts": {node.name: {"baremetal_deploy_volumes": [volume]}},
            "vars": {"baremetal_deploy_cloud": SYSTEM, "baremetal_deploy_volume_cloud": PROJECT, **here},
        },
    }
    inventory = str(ansible.file("fleet.json", groups))
    for playbook in ("bfv.openstack.server", "bfv.openstack.deploy"):
        made = ansible.playbook(playbook, "-i", inventory, "-e", f"baremetal_deploy_checkpoint={name}-role")
        assert made.code == 0, made.text
    return Fleet(server, node, name, inventory, play(ansible, inventory, name))


def test_a_server_and_a_node_are_saved_under_one_name(fleet: Fleet, lab: Lab) -> None:
    assert fleet.saved.code == 0, fleet.saved.text
    assert [fleet.saved[task]["checkpoint"]["name"] for task in (SAVE_SERVER, SAVE_NODE)] == [fleet.name] * 2
    assert [recap["changed"] for recap in fleet.saved.recap.values()] == [1, 1]


def test_both_are_brought_back_and_a_second_run_changes_nothing(fleet: Fleet, lab: Lab, ansible: Ansible) -> None:
    back: Json = {"checkpoint_state": "reverted", "checkpoint_may_lose": ["user_data"]}
    runs = [play(ansible, fleet.inventory, fleet.name, **back) for _time in range(2)]
    assert [run.code for run in runs] == [0, 0], runs[0].text
    assert [sorted(recap["changed"] for recap in run.recap.values()) for run in runs] == [[1, 1], [0, 0]]
    assert lab.servers(fleet.server)[0]["status"] == "ACTIVE"
    assert lab.look(fleet.node)["provision_state"] == "active"


def test_the_inventory_finds_both_as_it_asks_for_them(fleet: Fleet, ansible: Ansible) -> None:
    """It names volumes, and the new ones have the names of the old ones."""
    runs = [ansible.playbook(f"bfv.openstack.{playbook}", "-i", fleet.inventory) for playbook in ("server", "deploy")]
    assert [run.code for run in runs] == [0, 0], runs[0].text + runs[1].text
    assert [recap["changed"] for run in runs for recap in run.recap.values()] == [0] * len(runs)


def test_the_role_saves_what_runs_already_and_nothing_else(fleet: Fleet, lab: Lab, ansible: Ansible) -> None:
    # when it was deployed for the first time there was nothing to save
    assert [one for one in lab.cinder.list("/snapshots", "snapshots") if one["name"] == f"{fleet.name}-role"] == []
    name = f"{fleet.name}-monday"
    run = ansible.playbook("bfv.openstack.deploy", "-i", fleet.inventory, "-e", f"baremetal_deploy_checkpoint={name}")
    assert run["Save the node"]["checkpoint"]["name"] == name
