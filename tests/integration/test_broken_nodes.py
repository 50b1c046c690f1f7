# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that fails makes its own host fail, and no other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import IMAGE, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, task

ALIAS = "it-alias"  # the host of the good node
UNDEFINED = "it-undefined"  # the host whose variables cannot be read
TASK = "Bring the node where it should be"
CASES = {
    "malformed IQN": ("iqn.2026.example", "not an iSCSI name"),
    "malformed portal": ("192.0.2.10:http", "not a TCP port"),
    "unknown image": ("it-no-such-image", "Failed to find image"),
    "unknown node": ("it-no-such-node", "Failed to find node"),
    "locked": ("is locked by host", "run again"),
    "in maintenance": ("maintenance", "Failed to deploy node"),
}


@dataclass(frozen=True)
class Broken:
    run: Run
    nodes: dict[str, Node]
    locks: int  # how often the node that is locked for a while was asked in vain


def locked(node: Node) -> Answer:
    """What Ironic answers while something works on a node. It does so for too short a time to be met on demand."""
    said = f"Node {node.uuid} is locked by host sandbox, please retry after the current operation is completed."
    body = {"error_message": json.dumps({"faultcode": "Client", "faultstring": said, "debuginfo": None})}
    return Answer(409, (("Content-Type", "application/json"),), json.dumps(body).encode())


def of_array() -> Json:
    return {"volume_id": str(uuid4()), **a_lun()}


@pytest.fixture(scope="module")
def broken(lab: Lab, ansible: Ansible) -> Broken:
    names = ["good", "locked for a while", *CASES]
    names.remove("unknown node")
    nodes = dict(zip(names, lab.nodes(*(name.replace(" ", "-") for name in names)), strict=True))
    lab.ironic("PUT", f"/nodes/{nodes['in maintenance'].uuid}/maintenance", {})
    root = of_array()
    external = {"baremetal_deploy_storage_interface": "external"}
    # The first host of the batch is the one that the only call for all hosts is made on.
    hosts: dict[str, Json] = {UNDEFINED: {"baremetal_deploy_targets": "{{ it_nowhere }}"}}
    hosts |= {node.name: {**external, "baremetal_deploy_targets": [of_array()]} for node in nodes.values()}
    hosts[nodes["malformed IQN"].name]["baremetal_deploy_connectors"] = [{"connector_id": "iqn.2026.example"}]
    hosts[nodes["malformed portal"].name]["baremetal_deploy_targets"] = [{**root, "target_portal": "192.0.2.10:http"}]
    hosts[nodes["unknown image"].name] = {
        "baremetal_deploy_volumes": [
            {"name": f"{nodes['unknown image'].name}-data", "image": IMAGE},
            {"name": f"{nodes['unknown image'].name}-root", "image": "it-no-such-image"},
        ]
    }
    hosts[ALIAS] = {**hosts.pop(nodes["good"].name), "baremetal_deploy_node": nodes["good"].uuid}
    hosts["it-no-such-node"] = {**external, "baremetal_deploy_targets": [root]}
    always, for_a_while = nodes["locked"], nodes["locked for a while"]

    def lock(request: Request) -> Answer | None:
        if request.method != "PATCH":
            return None
        if request.path.endswith(always.uuid):
            return locked(always)
        asked = [one for one in proxy.requests if one.method == "PATCH" and one.path.endswith(for_a_while.uuid)]
        return locked(for_a_while) if request in asked and len(asked) <= 2 else None

    with Proxy(lab.services) as proxy:
        proxy.instead = lock
        inventory = str(ansible.inventory(hosts))
        run = ansible.playbook("bfv.openstack.site", "-i", inventory, "--diff", environment=proxy.environment)
        tries = [one for one in proxy.requests if one.method == "PATCH" and one.path.endswith(for_a_while.uuid)]
    return Broken(run, nodes, len(tries) - 1)


@pytest.mark.parametrize("case", CASES)
def test_a_broken_node_fails_its_own_host_with_one_clear_line(broken: Broken, case: str) -> None:
    host = broken.nodes[case].name if case in broken.nodes else "it-no-such-node"
    told = broken.run.hosts(TASK)[host]
    assert broken.run.recap[host]["failed"] == 1
    assert told["failed"]
    assert "\n" not in told["msg"]
    assert [word for word in CASES[case] if word not in told["msg"]] == []


def test_the_run_says_that_it_failed_without_a_traceback(broken: Broken) -> None:
    assert broken.run.code == 2
    assert "Traceback" not in broken.run.text


def test_a_host_whose_variables_cannot_be_read_fails_alone(broken: Broken) -> None:
    assert broken.run.recap[UNDEFINED]["failed"] == 1


@pytest.mark.parametrize("case", ["good", "locked for a while"])
def test_the_others_are_deployed(broken: Broken, lab: Lab, case: str) -> None:
    node = broken.nodes[case]
    host = ALIAS if case == "good" else node.name
    assert broken.run.recap[host]["failed"] == 0
    assert broken.run.recap[host]["changed"] >= 1
    assert lab.look(node)["provision_state"] == "active"


def test_a_lock_that_goes_away_is_waited_for(broken: Broken) -> None:
    assert broken.locks == 2


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"unknown node", "locked"}))
def test_a_node_that_is_refused_was_not_touched(broken: Broken, lab: Lab, case: str) -> None:
    node = broken.nodes[case]
    assert lab.look(node)["storage_interface"] == "noop"
    assert lab.look(node)["provision_state"] == "available"
    assert lab.connectors(node) == []
    assert lab.targets(node) == []


def test_a_node_with_an_unknown_image_gets_none_of_its_volumes(broken: Broken, lab: Lab) -> None:
    node = broken.nodes["unknown image"]
    assert lab.volumes(f"{node.name}-data") == lab.volumes(f"{node.name}-root") == []


# What each host's variables say of its target, and what its line must say.
MISTYPED = {
    "wrong type": ({"target_lun": "first"}, ("target_lun", "first")),
    "unknown option": ({"target_lum": 1}, ("target_lum",)),
}


@pytest.fixture(scope="module")
def mistyped(lab: Lab, ansible: Ansible) -> Broken:
    nodes = dict(zip(["good", *MISTYPED], lab.nodes("good", "wrong-type", "unknown-option"), strict=True))
    hosts: dict[str, Json] = {
        node.name: {
            "baremetal_deploy_storage_interface": "external",
            "baremetal_deploy_targets": [{**of_array(), **MISTYPED.get(case, ({}, ()))[0]}],
        }
        for case, node in nodes.items()
    }
    return Broken(ansible.playbook("bfv.openstack.site", "-i", str(ansible.inventory(hosts))), nodes, 0)


@pytest.mark.parametrize("case", MISTYPED)
def test_mistyped_variables_of_a_host_fail_that_host_alone(mistyped: Broken, lab: Lab, case: str) -> None:
    host = mistyped.nodes[case].name
    assert mistyped.run.recap[host]["failed"] == 1
    (told,) = (one["result"]["msg"] for one in mistyped.run.records if one["host"] == host and one["result"]["failed"])
    assert [word for word in MISTYPED[case][1] if word not in told] == []
    assert lab.look(mistyped.nodes["good"])["provision_state"] == "active"


def test_field_M1_three_hundred_nodes_that_fail_for_one_reason_give_one_readable_line(ansible: Ansible) -> None:
    names = [f"it-no-such-{number:03}" for number in range(300)]
    options = {"cloud": SYSTEM, "nodes": [{"node": name} for name in names]}
    run = ansible.tasks(task("deploy", "bfv.openstack.baremetal_fleet", **options))
    msg = run["deploy"]["msg"]
    assert msg.startswith(
        f"300 of 300 nodes failed ({', '.join(names[:3])} and 297 more): Failed to find node {names[0]}: Ironic shows"
    )
    assert len(msg) < 400
    assert [line for line in run.stdout.splitlines() if line.startswith("it-no-such")] == []
    assert {node["msg"].split(":")[0] for node in run["deploy"]["nodes"].values()} == {
        f"Failed to find node {name}" for name in names
    }
