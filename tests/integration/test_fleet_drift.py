# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active nodes that boot with something else than what is asked for, nodes that are given up, and runs that are killed on the way."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import Json, Lab, Node, a_lun
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run
from .test_interrupted import kill

pytestmark = pytest.mark.extra

SITE = "bfv.openstack.site"
TASK = "Bring the node where it should be"


def of_array(**target: object) -> Json:
    targets = [{"volume_id": str(uuid4()), **a_lun(), **target}]
    return {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": targets}


def of_cinder(name: str) -> Json:
    return {"baremetal_deploy_volumes": [{"name": name, "size": 1, "bootable": True}]}


@dataclass(frozen=True)
class Snapshot:
    """What Ironic and Cinder show of the nodes at some time."""

    nodes: dict[str, Json]
    targets: dict[str, list[Json]]
    connectors: dict[str, list[Json]]
    volumes: dict[str, str]  # the status by the name
    scripts: dict[str, str]


@dataclass(frozen=True)
class Story:
    """Three active nodes: another LUN and another volume are asked for two of them."""

    array: Node
    cinder: Node
    same: Node
    runs: dict[str, Run]
    asked: dict[str, Proxy]
    seen: dict[str, Snapshot]

    def told(self, run: str, node: Node) -> Json:
        return self.runs[run].hosts(TASK)[node.name]


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    nodes = lab.nodes("array", "cinder", "same")
    array, cinder, same = nodes
    hosts = {array.name: of_array(), cinder.name: of_cinder(f"{cinder.name}-root"), same.name: of_array()}
    changed = deepcopy(hosts)
    changed[array.name]["baremetal_deploy_targets"][0]["target_lun"] = lab.release.lun
    changed[cinder.name] = of_cinder(f"{cinder.name}-new")
    runs, asked, seen = {}, {}, {}

    def run(name: str, wanted: dict[str, Json], *arguments: str, **variables: object) -> None:
        asked[name] = new_proxy()
        inventory = str(ansible.inventory(wanted, **variables))
        runs[name] = ansible.playbook(SITE, "-i", inventory, *arguments, environment=asked[name].environment)
        seen[name] = Snapshot(
            {node.name: lab.look(node) for node in nodes},
            {node.name: lab.targets(node) for node in nodes},
            {node.name: lab.connectors(node) for node in nodes},
            {
                one["name"]: one["status"]
                for one in lab.cinder.list("/volumes/detail", "volumes")
                if one["name"].startswith(lab.prefix)
            },
            {node.name: lab.boot_script(node) for node in nodes},
        )

    run("deploy", hosts)
    lab.volume(f"{cinder.name}-new")  # no machine goes down for a disk that is not there
    run("refused", changed)
    run("check", changed, "--check", "--diff", baremetal_deploy_on_drift="redeploy")
    run("redeploy", changed, baremetal_deploy_on_drift="redeploy")
    run("again", changed, baremetal_deploy_on_drift="redeploy")
    run("absent", changed, baremetal_deploy_state="absent")
    run("absent again", changed, baremetal_deploy_state="absent")
    run("deploy again", changed)
    return Story(array, cinder, same, runs, asked, seen)


def states(seen: Snapshot) -> set[str]:
    return {node["provision_state"] for node in seen.nodes.values()}


@pytest.mark.parametrize("name", ["deploy", "check", "redeploy", "again", "absent", "absent again", "deploy again"])
def test_the_run_succeeds(story: Story, name: str) -> None:
    assert story.runs[name].code == 0, story.runs[name].text


def test_a_running_machine_is_left_alone(story: Story) -> None:
    run = story.runs["refused"]
    assert {host: counts["failed"] for host, counts in run.recap.items()} == {
        story.array.name: 1,
        story.cinder.name: 1,
        story.same.name: 0,
    }
    for node in (story.array, story.cinder):
        assert "it is active, and its volume target 0 is not what is asked for" in story.told("refused", node)["msg"]
        assert "on_drift=redeploy" in story.told("refused", node)["msg"]
    assert story.asked["refused"].writes == []
    assert states(story.seen["refused"]) == {"active"}


def test_check_mode_tells_the_redeployment_and_does_nothing(story: Story) -> None:
    assert story.asked["check"].writes == []
    for node in (story.array, story.cinder):
        actions = story.told("check", node)["actions"]
        assert f"undeploy node {node.name} ({node.uuid})" in actions
        assert actions[-1] == f"deploy node {node.name}"
    assert story.told("check", story.same)["actions"] == []
    assert f"+++ after: node {story.array.name}" in story.runs["check"].stdout


def test_a_redeployed_node_boots_from_what_is_asked_for(story: Story, lab: Lab) -> None:
    seen = story.seen["redeploy"]
    assert states(seen) == {"active"}
    assert [one["properties"]["target_lun"] for one in seen.targets[story.array.name]] == [lab.release.lun]
    assert f":3260:{lab.release.lun:x}:" in seen.scripts[story.array.name]
    assert ":3260:0:" in story.seen["deploy"].scripts[story.array.name]


def test_the_volume_of_before_is_kept(story: Story) -> None:
    cinder = story.cinder.name
    assert story.seen["redeploy"].volumes == {f"{cinder}-root": "available", f"{cinder}-new": "in-use"}


def test_what_was_done_is_what_was_told(story: Story) -> None:
    for node in (story.array, story.cinder):
        assert story.told("redeploy", node)["actions"] == story.told("check", node)["actions"]


def test_a_node_that_is_as_asked_for_is_not_touched(story: Story) -> None:
    same = story.same
    assert not [one for one in story.asked["redeploy"].writes if same.uuid in one]
    bodies = [one.body for one in story.asked["redeploy"].requests if one.method == "POST" and not one.is_token]
    assert not [body for body in bodies if same.uuid.encode() in body]
    before, after = story.seen["deploy"].nodes[same.name], story.seen["redeploy"].nodes[same.name]
    assert after["updated_at"] == before["updated_at"]
    assert story.runs["redeploy"].recap[same.name]["changed"] == 0


@pytest.mark.parametrize("name", ["again", "absent again"])
def test_a_further_run_writes_nothing(story: Story, name: str) -> None:
    assert story.asked[name].writes == []
    assert {counts["changed"] for counts in story.runs[name].recap.values()} == {0}


def test_nodes_that_are_given_up_have_nothing_left_of_their_set_up(story: Story) -> None:
    seen = story.seen["absent"]
    assert states(seen) == {"available"}
    assert list(map(len, seen.targets.values())) == list(map(len, seen.connectors.values())) == [0, 0, 0]
    assert {node["storage_interface"] for node in seen.nodes.values()} == {"noop"}
    assert {node["properties"]["capabilities"] for node in seen.nodes.values()} == {"boot_mode:uefi"}
    assert set(seen.volumes.values()) == {"available"}


def test_nodes_that_were_given_up_can_be_deployed_again(story: Story) -> None:
    seen = story.seen["deploy again"]
    assert states(seen) == {"active"}
    assert seen.scripts[story.array.name].count("sanhook") == 1
    assert seen.volumes[f"{story.cinder.name}-new"] == "in-use"


@pytest.mark.parametrize("target", ["deleted", "active"])
def test_a_redeployment_that_is_killed_is_finished_by_the_next_run(lab: Lab, ansible: Ansible, proxy: Proxy, target: str) -> None:
    node = lab.node(f"killed-{target}")
    hosts = {node.name: of_array()}
    assert ansible.playbook(SITE, "-i", str(ansible.inventory(hosts))).code == 0
    hosts[node.name]["baremetal_deploy_targets"][0]["target_lun"] = lab.release.lun
    inventory = str(ansible.inventory(hosts, baremetal_deploy_on_drift="redeploy"))
    reached, killed = threading.Event(), threading.Event()

    def hold_the_answer(request: Request, answer: Answer) -> Answer:
        """Ironic has begun, and nobody hears of that."""
        if request.path.endswith("/states/provision") and json.loads(request.body)["target"] == target:
            reached.set()
            killed.wait(60)
        return answer

    proxy.change = hold_the_answer
    started = ansible.start(SITE, "-i", inventory, environment=proxy.environment)
    assert reached.wait(60)
    kill(started.process.pid)
    killed.set()
    started.process.communicate(timeout=60)
    assert started.process.returncode == -signal.SIGKILL

    finishing = ansible.playbook(SITE, "-i", inventory)
    assert finishing.code == 0, finishing.text
    assert lab.look(node)["provision_state"] == "active"
    assert [one["properties"]["target_lun"] for one in lab.targets(node)] == [lab.release.lun]
    assert f":3260:{lab.release.lun:x}:" in lab.boot_script(node)
    assert len(lab.connectors(node)) == 1
