# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes in every state, on the real Ironic: what a fleet says of each, and that its advice leads out of there.

Some states need hardware that goes wrong. They are written into the sandbox's own database, from which Ironic's conductor reads them.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .runs import BIN, Ansible, Run, Task, task
from .waiting import until

pytestmark = pytest.mark.long

_AT_REST = ("enroll", "manageable", "available", "active", "deploy failed", "clean failed", "inspect failed", "service failed")
_WAITS = ("clean wait", "wait call-back")  # for an agent, which no machine of the sandbox has


def put(node: Node, state: str, target: str | None = None) -> None:
    goal = f"'{target}'" if target else "NULL"
    Lab.database(f"UPDATE nodes SET provision_state='{state}', target_provision_state={goal} WHERE uuid='{node.uuid}'")


def at_rest(lab: Lab, node: Node) -> bool:
    seen = lab.look(node)
    return not seen["reservation"] and seen["provision_state"] in (*_AT_REST, *_WAITS)


def follow(lab: Lab, node: Node, *commands: str) -> None:
    """Do what the advice says, with the client that it names."""
    for command in commands:
        _follow(lab, node, command)


def _follow(lab: Lab, node: Node, command: str) -> None:
    words = command.split()
    arguments = [*words[:1], node.name, *words[1:]] if words[0] == "unset" else [*words, node.name]
    client = [str(BIN / "baremetal"), "--os-cloud", SYSTEM, "node", *arguments]
    done = subprocess.run(client, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    until(f"node {node.name} at rest after {command}", lambda: at_rest(lab, node))


# How a node gets there.


def enrolled(lab: Lab, node: Node) -> None:
    managed(lab, node)
    put(node, "enroll")


def managed(lab: Lab, node: Node) -> None:
    lab.provision(node, "manage", "manageable")


def held_in_cleaning(lab: Lab, node: Node) -> None:
    put(node, "clean hold", "available")


def failed_cleaning(lab: Lab, node: Node) -> None:
    put(node, "clean failed", "available")
    Lab.database(f"UPDATE nodes SET maintenance=1, fault='clean failure', last_error='A disk is dead.' WHERE uuid='{node.uuid}'")


def retired(lab: Lab, node: Node) -> None:
    managed(lab, node)
    lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/retired", "value": True}])


def resting(lab: Lab, node: Node) -> None:
    lab.ironic("PUT", f"/nodes/{node.uuid}/maintenance", {})


def rescued(lab: Lab, node: Node) -> None:
    lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/rescue_interface", "value": "fake"}])
    lab.provision(node, "active", "active")
    lab.ironic_now("PUT", f"/nodes/{node.uuid}/states/provision", {"target": "rescue", "rescue_password": "a secret"})
    until(
        f"node {node.name} in rescue", lambda: lab.look(node)["provision_state"] == "rescue" and not lab.look(node)["reservation"]
    )


def rescued_in_vain(state: str) -> Callable[[Lab, Node], None]:
    def get_there(lab: Lab, node: Node) -> None:
        rescued(lab, node)
        put(node, state, "active" if state == "unrescue failed" else "rescue")

    return get_there


def in_state(state: str, target: str | None = None, deployed: bool = False) -> Callable[[Lab, Node], None]:
    def get_there(lab: Lab, node: Node) -> None:
        if deployed:
            lab.provision(node, "active", "active")
        put(node, state, target)

    return get_there


@dataclass(frozen=True)
class Case:
    """How the node gets into the state, what is said of it, and the commands of each advice until it is deployed."""

    get_there: Callable[[Lab, Node], None]
    said: str
    rounds: tuple[tuple[str, ...], ...]


PROVIDED = ("manage", "provide")
CASES = {
    "enroll": Case(enrolled, "its provision state is enroll", (PROVIDED,)),
    "manageable": Case(managed, "its provision state is manageable", (("provide",),)),
    "clean hold": Case(held_in_cleaning, "its provision state is clean hold", (("abort",), PROVIDED)),
    "clean failed": Case(failed_cleaning, "it is in maintenance for a clean failure. Repair", (("maintenance unset",), PROVIDED)),
    "inspect failed": Case(in_state("inspect failed", "manageable"), "Repair what its last_error says", (PROVIDED,)),
    "adopt failed": Case(in_state("adopt failed", "active"), "its provision state is adopt failed", (PROVIDED,)),
    "deploy hold": Case(in_state("deploy hold", "active"), "its provision state is deploy hold", (("abort",),)),
    "error": Case(in_state("error", "available", deployed=True), "its provision state is error", (("undeploy",),)),
    "service hold": Case(in_state("service hold", "active", deployed=True), "its provision state is service hold", (("abort",),)),
    "service failed": Case(
        in_state("service failed", "active", deployed=True), "its provision state is service failed", (("abort",),)
    ),
    # The same states, and the other way out of them.
    "clean hold, let go on": Case(held_in_cleaning, "its provision state is clean hold", (("unhold", "abort"), PROVIDED)),
    "deploy hold, let go on": Case(
        in_state("deploy hold", "active"), "its provision state is deploy hold", (("unhold", "abort"),)
    ),
    "adopt failed, with a machine": Case(
        in_state("adopt failed", "active", deployed=True), "its provision state is adopt failed", (("adopt",),)
    ),
    "rescue": Case(rescued, "its provision state is rescue", (("unrescue",),)),
    "rescue failed": Case(rescued_in_vain("rescue failed"), "its provision state is rescue failed", (("unrescue",),)),
    "unrescue failed": Case(rescued_in_vain("unrescue failed"), "its provision state is unrescue failed", (("unrescue",),)),
    "retired": Case(retired, "it is retired", (("unset --retired",), ("provide",))),
    "maintenance": Case(resting, "it is in maintenance. End that", (("maintenance unset",),)),
}


def entry(node: Node) -> Json:
    target = {"volume_id": str(uuid4()), **a_lun()}
    return {"node": node.name, "storage_interface": "external", "iscsi_boot": True, "targets": [target]}


def fleet(title: str, entries: list[Json], check: bool = False, **options: object) -> Task:
    given = {"cloud": SYSTEM, "volume_cloud": PROJECT, "nodes": entries, **options}
    return task(title, "bfv.openstack.baremetal_fleet", check=check, **given)


@dataclass(frozen=True)
class Led:
    """What was said to each node by each run, and how often it was asked."""

    nodes: dict[str, Node]
    foreseen: dict[str, str]
    said: dict[str, list[str]]
    states: dict[str, str]


def _bring(lab: Lab, node: Node, case: Case) -> None:
    lab.set_up(node)
    lab.target(node, str(uuid4()), **a_lun())
    case.get_there(lab, node)


def _said(run: Run, name: str, nodes: dict[str, Node]) -> dict[str, str]:
    told: Json = run[name]["nodes"]
    return {case: told[node.name]["msg"] for case, node in nodes.items()}


@pytest.fixture(scope="module")
def led(lab: Lab, ansible: Ansible) -> Led:
    nodes = dict(zip(CASES, lab.nodes(*(re.sub("[ ,]+", "-", case) for case in CASES)), strict=True))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: _bring(lab, nodes[case], CASES[case]), nodes))
    entries = {case: {**entry(node), "targets": []} for case, node in nodes.items()}
    foreseen = _said(ansible.tasks(fleet("look", list(entries.values()), check=True)), "look", nodes)
    said: dict[str, list[str]] = {case: [] for case in nodes}
    for turn in range(4):
        run = ansible.tasks(fleet("deploy", list(entries.values())))
        for case, msg in _said(run, "deploy", nodes).items():
            said[case].append(msg)
        todo = {case: one.rounds[turn] for case, one in CASES.items() if turn < len(one.rounds)}
        if not todo:
            break
        for case, commands in todo.items():
            advice = re.findall(r"baremetal node ((?:maintenance )?\w+(?: --\w+)?)", said[case][-1])
            assert [one for one in commands if one not in advice] == [], f"{case}: {said[case][-1]}"
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one: follow(lab, nodes[one[0]], *one[1]), todo.items()))
        for case in todo:
            if not lab.targets(nodes[case]):  # they went with the deployment
                entries[case] = entry(nodes[case])
    return Led(nodes, foreseen, said, {case: lab.look(node)["provision_state"] for case, node in nodes.items()})


@pytest.mark.parametrize("case", CASES)
def test_field_B1_check_mode_says_what_the_run_says(led: Led, case: str) -> None:
    assert CASES[case].said in led.foreseen[case]
    assert led.said[case][0] == led.foreseen[case]


@pytest.mark.parametrize("case", CASES)
def test_field_B1_the_advice_leads_to_a_machine_that_runs(led: Led, case: str) -> None:
    assert (led.said[case][-1], led.states[case]) == ("", "active")


@pytest.fixture(scope="module")
def unknown(lab: Lab) -> Iterator[Node]:
    node = lab.node("unknown")
    put(node, "beaming")
    yield node
    put(node, "available")


@pytest.mark.parametrize("state", ["prepared", "deployed", "undeployed", "absent"])
def test_field_B4_a_state_of_tomorrow_is_said_and_left_alone(lab: Lab, ansible: Ansible, unknown: Node, state: str) -> None:
    before = lab.look(unknown)
    run = ansible.tasks(fleet("bring it there", [entry(unknown)], state=state, power_off=True))
    (told,) = run["bring it there"]["nodes"].values()
    assert [words for words in ("is beaming", "This collection does not know that state") if words not in told["msg"]] == []
    assert lab.look(unknown) == before
    assert (lab.connectors(unknown), lab.targets(unknown)) == ([], [])


def test_field_B1_a_protected_node_is_undeployed_once_that_is_taken_back(lab: Lab, ansible: Ansible) -> None:
    node = lab.node("protected")
    lab.deploy(node)
    lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/protected", "value": True}])
    gone = fleet("undeploy", [{"node": node.name}], state="undeployed")
    msg = ansible.tasks(gone)["undeploy"]["nodes"][node.name]["msg"]
    assert "it is protected. Take that back first (baremetal node unset --protected)" in msg
    assert lab.look(node)["provision_state"] == "active"
    follow(lab, node, "unset --protected")
    assert ansible.tasks(gone)["undeploy"]["nodes"][node.name]["msg"] == ""
    assert lab.look(node)["provision_state"] == "available"


def test_field_B1_a_power_failure_that_is_repaired_ends_by_itself(lab: Lab) -> None:
    node = lab.node("powerless")
    lab.database(f"UPDATE nodes SET maintenance=1, fault='power failure' WHERE uuid='{node.uuid}'")
    until("Ironic to end the maintenance", lambda: not lab.look(node)["maintenance"])


def test_field_B1_a_retired_node_is_undeployed(lab: Lab, ansible: Ansible) -> None:
    node = lab.node("going")
    lab.deploy(node)
    lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/retired", "value": True}])
    run = ansible.tasks(fleet("undeploy", [{"node": node.name}], state="undeployed"))
    assert run["undeploy"]["nodes"][node.name]["msg"] == ""
    assert lab.look(node)["provision_state"] == "available"  # the sandbox cleans nothing


def test_field_B1_a_volume_that_is_reserved_is_let_go_as_the_advice_says(lab: Lab, ansible: Ansible) -> None:
    node, holder = lab.node("reserved"), str(uuid4())
    volume = lab.volume(f"{node.name}-root")
    lab.cinder("POST", f"/volumes/{volume['id']}/action", {"os-set_bootable": {"bootable": True}})
    held = lab.cinder("POST", "/attachments", {"attachment": {"volume_uuid": volume["id"], "instance_uuid": holder}})[
        "attachment"
    ]
    deploy = fleet(
        "deploy",
        [{"node": node.name, "storage_interface": "cinder", "iscsi_boot": True, "targets": [{"volume_id": volume["id"]}]}],
    )
    msg = ansible.tasks(deploy)["deploy"]["nodes"][node.name]["msg"]
    assert f"has status reserved, by attachment {held['id']} for {holder}" in msg
    (command,) = re.findall(r"\(openstack (.*)\)", msg)
    subprocess.run([str(BIN / "openstack"), "--os-cloud", PROJECT, *command.split()], check=True)
    assert ansible.tasks(deploy)["deploy"]["nodes"][node.name]["msg"] == ""
    assert lab.look(node)["provision_state"] == "active"
