# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thirty nodes in one run, of which three are broken in different ways, and the run that finishes those when they are repaired."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from .lab import IMAGE, Json, Lab, Node, a_lun
from .proxy import Proxy, Request
from .runs import Ansible, Run

pytestmark = pytest.mark.long

SITE = "bfv.openstack.site"
TASK = "Bring the node where it should be"
SUMMARY = r"deployed {done}/30, {failed} failed, 0 waiting, "
OF_CINDER = 3  # of the sound nodes; the others boot from an array
SOUND = 27

# What is wrong with a node, and what its host's line must say of it.
BROKEN = {
    "bad volume": ("Failed to set up volume", "its status is error", "have its status reset"),
    "locked": ("Failed to set up the storage of node", "is locked by host", "run again when it has finished"),
    "no connector": ("it is in deploy failed, and Ironic says", "onnect", "Repair that, and run again"),
}


def reserve(node: Node, holder: str | None) -> None:
    """Hold the node's lock as a conductor does, or let it go. No request does: whoever asks Ironic to work gives the lock back soon."""
    sandbox = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent
    value = f"'{holder}'" if holder else "NULL"
    subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={sandbox / 'run' / 'mariadb.sock'}", "ironic"],
        input=f"UPDATE nodes SET reservation = {value} WHERE uuid = '{node.uuid}'",
        text=True,
        check=True,
    )


@contextmanager
def reserved(node: Node) -> Iterator[None]:
    reserve(node, "another-conductor")
    try:
        yield
    finally:
        reserve(node, None)


@dataclass(frozen=True)
class Story:
    """A run with three broken nodes, one when they are repaired, and one more."""

    sound: list[Node]
    broken: dict[str, Node]
    runs: dict[str, Run]
    asked: dict[str, Proxy]
    seen: dict[str, dict[str, Json]]  # the nodes by their UUIDs after each run

    def host(self, run: str, node: Node) -> Json:
        """What the run told of the node's host."""
        return self.runs[run].hosts(TASK)[node.name]


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    nodes = lab.nodes(*(f"n{number:02}" for number in range(SOUND + len(BROKEN))))
    # In the middle of the others, so that these come before and behind them.
    broken = dict(zip(BROKEN, [nodes.pop(20), nodes.pop(10), nodes.pop(5)], strict=True))
    hosts = {node.name: of_array() for node in [*nodes, *broken.values()]}
    hosts |= {
        node.name: {"baremetal_deploy_volumes": [{"name": f"{node.name}-root", "image": IMAGE}]} for node in nodes[:OF_CINDER]
    }
    bad = f"{broken['bad volume'].name}-root"
    bad_volume = lab.volume(bad)["id"]
    lab.set_status(bad_volume, "error")
    hosts[broken["bad volume"].name] = {"baremetal_deploy_volumes": [{"name": bad, "size": 1, "bootable": True}]}
    volume = {"name": f"{broken['no connector'].name}-root", "size": 1, "bootable": True}
    hosts[broken["no connector"].name] = {"baremetal_deploy_volumes": [volume], "baremetal_deploy_connectors": []}
    runs, asked, seen = {}, {}, {}

    def run(name: str, **variables: object) -> None:
        asked[name] = new_proxy()
        inventory = ansible.inventory(hosts, **variables)
        runs[name] = ansible.playbook(SITE, "-i", str(inventory), environment=asked[name].environment)
        seen[name] = {node["uuid"]: node for node in lab.ironic.list("/nodes/detail", "nodes")}

    with reserved(broken["locked"]):
        run("broken", baremetal_deploy_validate=False)
    lab.set_status(bad_volume, "available")
    del hosts[broken["no connector"].name]["baremetal_deploy_connectors"]
    run("repaired")
    run("again")
    return Story(nodes, broken, runs, asked, seen)


def of_array() -> Json:
    target = {"volume_id": str(uuid4()), **a_lun()}
    return {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": [target]}


def states(story: Story, run: str, nodes: list[Node]) -> Counter[str]:
    return Counter(story.seen[run][node.uuid]["provision_state"] for node in nodes)


def concerns(request: Request) -> str:
    """The UUID of the node that a write concerns."""
    if "/v1/nodes/" in request.path:
        return request.path.split("/")[3]
    return str(json.loads(request.body)["node_uuid"])


def test_twenty_seven_nodes_are_active(story: Story) -> None:
    assert states(story, "broken", story.sound) == {"active": SOUND}
    told = [story.host("broken", node) for node in story.sound]
    assert [(one["failed"], one["changed"]) for one in told] == [(False, True)] * SOUND


def test_three_hosts_fail_and_no_other(story: Story) -> None:
    run = story.runs["broken"]
    assert run.code == 2
    assert "Traceback" not in run.text
    failed = {host for host, counts in run.recap.items() if counts["failed"] or counts["unreachable"]}
    assert failed == {node.name for node in story.broken.values()}
    assert len(run.recap) == SOUND + len(BROKEN)


@pytest.mark.parametrize("case", BROKEN)
def test_each_fails_for_its_own_reason_in_one_clear_line(story: Story, case: str) -> None:
    told = story.host("broken", story.broken[case])
    assert told["failed"]
    assert "\n" not in told["msg"]
    assert [words for words in (story.broken[case].name, *BROKEN[case]) if words not in told["msg"]] == []


def test_the_three_reasons_differ(story: Story) -> None:
    assert len({story.host("broken", node)["msg"] for node in story.broken.values()}) == len(BROKEN)


@pytest.mark.parametrize("case", ["bad volume", "locked"])
def test_a_node_that_could_not_be_set_up_was_not_touched(story: Story, case: str) -> None:
    seen = story.seen["broken"][story.broken[case].uuid]
    assert (seen["provision_state"], seen["storage_interface"]) == ("available", "noop")
    assert not story.host("broken", story.broken[case])["changed"]


def test_no_node_is_validated_where_that_is_off(story: Story) -> None:
    def validated(run: str) -> int:
        return sum(one.path.endswith("/validate") for one in story.asked[run].requests)

    assert (validated("broken"), validated("repaired"), validated("again")) == (0, len(BROKEN), 0)


def test_the_run_tells_how_far_it_came(story: Story) -> None:
    assert SUMMARY.format(done=27, failed=3) in story.runs["broken"].stdout
    assert SUMMARY.format(done=30, failed=0) in story.runs["repaired"].stdout


def test_a_run_after_the_repair_finishes_the_three(story: Story) -> None:
    run = story.runs["repaired"]
    assert run.code == 0, run.text
    assert states(story, "repaired", list(story.broken.values())) == {"active": len(BROKEN)}
    for node in story.broken.values():
        assert story.host("repaired", node)["changed"]
        assert story.host("repaired", node)["actions"][-1] == f"deploy node {node.name}"


def test_the_run_after_the_repair_changes_nothing_else(story: Story) -> None:
    recap = story.runs["repaired"].recap
    sound = {node.name for node in story.sound}
    assert {host: (counts["changed"], counts["failed"]) for host, counts in recap.items() if host in sound} == dict.fromkeys(
        sound, (0, 0)
    )
    for node in story.sound:
        assert story.seen["repaired"][node.uuid]["updated_at"] == story.seen["broken"][node.uuid]["updated_at"]
        assert (
            story.seen["repaired"][node.uuid]["provision_updated_at"] == story.seen["broken"][node.uuid]["provision_updated_at"]
        )


def test_the_run_after_the_repair_writes_only_to_the_three(story: Story) -> None:
    writes = [one for one in story.asked["repaired"].requests if one.method != "GET" and not one.is_token]
    of_ironic = [one for one in writes if one.service == "baremetal"]
    assert {concerns(one) for one in of_ironic} == {node.uuid for node in story.broken.values()}
    # The volume of the node without a connector is there already, the bad one is only made bootable.
    assert [one.method for one in writes if one.service != "baremetal"] == ["POST"]
    assert [json.loads(one.body) for one in writes if one.service != "baremetal"] == [{"os-set_bootable": {"bootable": True}}]


def test_one_more_run_writes_nothing_and_reads_a_handful(story: Story) -> None:
    assert story.runs["again"].code == 0
    assert story.asked["again"].writes == []
    reads = [one for one in story.asked["again"].requests if one.service in ("baremetal", "block-storage", "image")]
    assert len([one for one in reads if one.path.strip("/") not in ("", "v1", "v3", "v2")]) <= 10
