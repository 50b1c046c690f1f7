# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node lacks beside its state, and whose it is: the advice for each leads to a machine that runs, on the real Ironic."""

from __future__ import annotations

import re
import secrets
import shlex
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .runs import BIN, Ansible, Task, task
from .waiting import until

pytestmark = pytest.mark.long


def port_of(lab: Lab, node: Node) -> str:
    (port,) = lab.ironic.list("/ports", "ports", node=node.uuid)
    return str(port["uuid"])


# How it comes to lack it.


def without_port(lab: Lab, node: Node) -> None:
    lab.ironic("DELETE", f"/ports/{port_of(lab, node)}")


def with_a_port_of_another_use(lab: Lab, node: Node) -> None:
    lab.ironic("PUT", f"/nodes/{node.uuid}/maintenance", {})
    lab.ironic("PATCH", f"/ports/{port_of(lab, node)}", [{"op": "add", "path": "/pxe_enabled", "value": False}])
    lab.ironic("DELETE", f"/nodes/{node.uuid}/maintenance")


def in_a_group_without_conductor(lab: Lab, node: Node) -> None:
    lab.database(
        f"UPDATE nodes SET conductor_group='nowhere' WHERE uuid='{node.uuid}'"
    )  # Ironic takes none that has no conductor


def with_capabilities(value: object) -> Callable[[Lab, Node], None]:
    return lambda lab, node: lab.patch(node, "/properties/capabilities", value)


# What is done about it: what the command of the advice leaves open.


def with_address(_lab: Lab, node: Node, command: str) -> list[str]:
    return [*command.split(), "--node", node.uuid, f"52:54:02:{secrets.token_bytes(3).hex(':')}"]


def of_its_port(lab: Lab, node: Node, command: str) -> list[str]:
    return [*command.split(), port_of(lab, node) if command.startswith("port") else node.uuid]


def of_the_node(_lab: Lab, node: Node, command: str) -> list[str]:
    return [*shlex.split(command), node.uuid]


def with_good_ones(_lab: Lab, node: Node, command: str) -> list[str]:
    return [*command.partition("=")[0].split()[:-1], "capabilities=boot_mode:uefi,iscsi_boot:True", node.uuid]


@dataclass(frozen=True)
class Case:
    """How the node comes to lack something, what is said of it, and how a command of the advice is written out."""

    spoil: Callable[[Lab, Node], None]
    said: str
    written_out: Callable[[Lab, Node, str], list[str]]

    def follow(self, lab: Lab, node: Node, advice: str) -> None:
        (commands,) = re.findall(r"\(baremetal ([^)]*)\)", advice)
        for command in commands.split(", baremetal "):
            arguments = self.written_out(lab, node, command)
            subprocess.run([str(BIN / "baremetal"), "--os-cloud", SYSTEM, *arguments], check=True, capture_output=True)


CASES = {
    "no port": Case(without_port, "it has no port, by which it would boot", with_address),
    "no port to boot by": Case(with_a_port_of_another_use, "none of its ports has pxe_enabled", of_its_port),
    "no conductor": Case(in_a_group_without_conductor, "no living conductor of conductor group nowhere", of_the_node),
    "a capability": Case(with_capabilities("boot_mode:uefi,iscsi_boot:True,secure"), 'its capability "secure"', with_good_ones),
    "capabilities": Case(with_capabilities(["iscsi_boot"]), "its capabilities are no text that Ironic can read", with_good_ones),
}


def fleet(title: str, nodes: list[Node], **options: object) -> Task:
    entries: list[Json] = [{"node": node.name} for node in nodes]
    return task(title, "bfv.openstack.baremetal_fleet", cloud=SYSTEM, volume_cloud=PROJECT, nodes=entries, **options)


@dataclass(frozen=True)
class Repaired:
    refused: dict[str, str]
    deployed: dict[str, str]
    states: dict[str, str]


@pytest.fixture(scope="module")
def repaired(lab: Lab, ansible: Ansible) -> Repaired:
    nodes = dict(zip(CASES, lab.nodes(*(case.replace(" ", "-") for case in CASES)), strict=True))
    for case, node in nodes.items():
        lab.set_up(node)
        lab.target(node, str(uuid4()), **a_lun())
        CASES[case].spoil(lab, node)
    said: list[dict[str, str]] = []
    for turn in range(2):
        told: Json = ansible.tasks(fleet("deploy", list(nodes.values())))["deploy"]["nodes"]
        said.append({case: told[node.name]["msg"] for case, node in nodes.items()})
        if turn == 0:
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda one: CASES[one].follow(lab, nodes[one], said[0][one]), CASES))
    return Repaired(*said, {case: lab.look(node)["provision_state"] for case, node in nodes.items()})


@pytest.mark.parametrize("case", CASES)
def test_field_B3_the_advice_for_what_a_node_lacks_leads_to_a_machine_that_runs(repaired: Repaired, case: str) -> None:
    assert CASES[case].said in repaired.refused[case]
    assert (repaired.deployed[case], repaired.states[case]) == ("", "active")


def test_field_B3_a_node_of_an_allocation_is_deployed_and_the_allocation_goes_with_its_deployment(
    lab: Lab, ansible: Ansible
) -> None:
    node = lab.node("allocated")
    lab.set_up(node)
    lab.target(node, str(uuid4()), **a_lun())
    body = {"resource_class": "it", "candidate_nodes": [node.uuid], "name": lab.name("allocation")}
    allocation = lab.ironic_now("POST", "/allocations", body)["uuid"]
    until("the allocation", lambda: lab.ironic_now("GET", f"/allocations/{allocation}")["state"] == "active")
    assert lab.look(node)["instance_uuid"] == allocation
    run = ansible.tasks(fleet("deploy", [node]), fleet("undeploy", [node], state="undeployed"))
    assert run["deploy"]["nodes"][node.name]["msg"] == ""
    told = run["undeploy"]["nodes"][node.name]
    assert (told["msg"], told["actions"]) == (
        "",
        [f"undeploy node {node.name} ({node.uuid}), and with it its allocation {allocation}"],
    )
    assert lab.ironic_now.list("/allocations", "allocations", node=node.uuid) == []


def test_field_B3_a_node_that_no_nova_uses_is_ours_once_that_is_said(lab: Lab, ansible: Ansible) -> None:
    """Who sees all of Ironic may see no servers, and then nobody knows of an instance whose it is."""
    node, instance = lab.node("taken"), str(uuid4())
    lab.set_up(node)
    lab.target(node, str(uuid4()), **a_lun())
    lab.patch(node, "/instance_uuid", instance)
    run = ansible.tasks(
        fleet("deploy", [node]), fleet("ours", [node], without_nova=True), fleet("undeploy", [node], state="undeployed")
    )
    for title in ("deploy", "undeploy"):
        msg = run[title]["nodes"][node.name]["msg"]
        assert f"the node belongs to Nova (instance {instance})" in msg
        assert "Where no Nova uses this node, say so (without_nova=true)" in msg
    assert run["ours"]["nodes"][node.name]["msg"] == ""
    assert lab.look(node)["provision_state"] == "active"
