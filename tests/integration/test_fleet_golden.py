# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet whose volumes come from one image: it is converted once."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lab import Json, Lab, Node
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run
from .test_interrupted import kill

pytestmark = pytest.mark.extra

SITE = "bfv.openstack.site"
TASK = "Bring the node where it should be"


def created(proxy: Proxy, source: str) -> list[Json]:
    """The volumes that were asked for from such a source."""
    asked = [one for one in proxy.requests if one.method == "POST" and one.path.endswith("/volumes")]
    return [body for body in (json.loads(one.body)["volume"] for one in asked) if source in body]


def golden(lab: Lab, image: str) -> list[Json]:
    volumes = lab.cinder.list("/volumes/detail", "volumes")
    return [one for one in volumes if one["metadata"].get("bfv_golden_image") == image and one["status"] != "deleting"]


def hosts(nodes: list[Node], image: str) -> dict[str, Json]:
    return {node.name: {"baremetal_deploy_volumes": [{"name": f"{node.name}-root", "image": image}]} for node in nodes}


def states(lab: Lab, nodes: list[Node]) -> set[str]:
    return {lab.look(node)["provision_state"] for node in nodes}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@dataclass(frozen=True)
class Story:
    """Five nodes from one image, once more, and another image in its place."""

    nodes: list[Node]
    image: str
    runs: dict[str, Run]
    asked: dict[str, Proxy]
    kept: list[Json]  # the golden volumes after the first run


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], folder: Path) -> Story:
    nodes = lab.nodes(*(f"n{number}" for number in range(5)))
    image = lab.name("image")
    lab.image(image, folder)
    inventory = str(ansible.inventory(hosts(nodes, image), baremetal_deploy_golden=True))
    runs, asked = {}, {}
    for name in ("deploy", "again"):
        asked[name] = new_proxy()
        runs[name] = ansible.playbook(SITE, "-i", inventory, environment=asked[name].environment)
    return Story(nodes, image, runs, asked, golden(lab, image))


def test_five_nodes_take_one_conversion_and_five_clones(story: Story, lab: Lab) -> None:
    assert story.runs["deploy"].code == 0, story.runs["deploy"].text
    (kept,) = story.kept
    assert [one["name"] for one in created(story.asked["deploy"], "imageRef")] == [kept["name"]]
    clones = created(story.asked["deploy"], "source_volid")
    assert {one["name"] for one in clones} == {f"{node.name}-root" for node in story.nodes}
    assert {one["source_volid"] for one in clones} == {kept["id"]}
    assert states(lab, story.nodes) == {"active"}


def test_each_node_boots_from_its_own_clone(story: Story, lab: Lab) -> None:
    for node in story.nodes:
        (volume,) = lab.volumes(f"{node.name}-root")
        assert [target["volume_id"] for target in lab.targets(node)] == [volume["id"]]
        assert [one["server_id"] for one in volume["attachments"]] == [node.uuid]


def test_one_host_tells_the_conversion(story: Story) -> None:
    told = story.runs["deploy"].hosts(TASK)
    assert sum(any("from image" in action for action in one["actions"]) for one in told.values()) == 1
    assert all(any("from volume golden-" in action for action in one["actions"]) for one in told.values())


def test_the_second_run_changes_nothing(story: Story) -> None:
    assert story.asked["again"].writes == []
    assert {counts["changed"] for counts in story.runs["again"].recap.values()} == {0}


def test_a_run_that_is_killed_while_the_image_is_converted_is_finished_by_the_next(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], folder: Path
) -> None:
    nodes = lab.nodes("killed-a", "killed-b")
    image = lab.name("killed")
    lab.image(image, folder)
    inventory = str(ansible.inventory(hosts(nodes, image), baremetal_deploy_golden=True))
    reached, killed = threading.Event(), threading.Event()

    def hold_the_answer(request: Request, answer: Answer) -> Answer:
        if request.method == "POST" and b"imageRef" in request.body:
            reached.set()
            killed.wait(60)
        return answer

    proxy, next_proxy = new_proxy(), new_proxy()
    proxy.change = hold_the_answer
    started = ansible.start(SITE, "-i", inventory, environment=proxy.environment)
    assert reached.wait(60)
    kill(started.process.pid)
    killed.set()
    started.process.communicate(timeout=60)
    assert started.process.returncode == -signal.SIGKILL

    finishing = ansible.playbook(SITE, "-i", inventory, environment=next_proxy.environment)
    assert finishing.code == 0, finishing.text
    assert states(lab, nodes) == {"active"}
    assert len(golden(lab, image)) == 1
    assert (len(created(next_proxy, "imageRef")), len(created(next_proxy, "source_volid"))) == (0, 2)


def test_a_conversion_that_cinder_refuses_is_told_by_every_host(lab: Lab, ansible: Ansible, proxy: Proxy, folder: Path) -> None:
    nodes = lab.nodes("refused-a", "refused-b", "refused-c")
    image = lab.name("refused")
    lab.image(image, folder)
    said = "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'."

    def refuse(request: Request) -> Answer | None:
        if request.method != "POST" or b"imageRef" not in request.body:
            return None
        body = json.dumps({"overLimit": {"code": 413, "message": said}}).encode()
        return Answer(413, (("Content-Type", "application/json"),), body)

    proxy.instead = refuse
    inventory = str(ansible.inventory(hosts(nodes, image), baremetal_deploy_golden=True, baremetal_deploy_timeout=60))
    run = ansible.playbook(SITE, "-i", inventory, environment=proxy.environment)
    assert run.code == 2
    told = run.hosts(TASK)
    assert [said.rstrip(".") in told[node.name]["msg"] for node in nodes] == [True] * 3
    # The second time after another look, which had not found that of another run.
    assert len([one for one in proxy.requests if one.method == "POST" and b"imageRef" in one.body]) == 2
    assert states(lab, nodes) == {"available"}
