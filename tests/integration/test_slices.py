# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One fleet in eight slices, which are deployed by as many processes at once, as AWX and ansible-runner start them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .lab import Json, Lab, Node
from .projects import ProjectLab, limit
from .projects import project as new_project
from .proxy import Proxy
from .runs import Ansible, Run
from .waiting import until

pytestmark = pytest.mark.extra

DEPLOY = "bfv.openstack.deploy"
TASK = "Bring the node where it should be"
NODES, SLICES = 16, 8
ROOM = 5  # for volumes of nodes, beside the golden one


@pytest.fixture(scope="module")
def rack(lab: Lab) -> Iterator[ProjectLab]:
    """The project that the fleet's volumes are in."""
    with new_project(lab) as project:
        rack = ProjectLab(lab.prefix, project)
        yield rack
        rack.clear()


@dataclass(frozen=True)
class Fleet:
    """Sixteen nodes, what is in the cloud for them, and the runs of their slices."""

    rack: ProjectLab
    ansible: Ansible
    nodes: list[Node]
    inventory: Path

    def run(self, *arguments: str, proxy: Proxy | None = None) -> Slices:
        """The slices at once. AWX gives each of them every eighth host."""
        limits = [",".join(node.name for node in self.nodes[number::SLICES]) for number in range(SLICES)]

        def one(hosts: str) -> Run:
            environment = proxy.environment if proxy else None
            return self.ansible.playbook(DEPLOY, "-i", str(self.inventory), "--limit", hosts, *arguments, environment=environment)

        with ThreadPoolExecutor(SLICES) as pool:
            runs = list(pool.map(one, limits))
        return Slices(runs, self.states(), self.volumes(), self.targets(), proxy.writes if proxy else [])

    def states(self) -> dict[str, str]:
        return {node.name: self.rack.look(node)["provision_state"] for node in self.nodes}

    def volumes(self) -> list[Json]:
        return [one for one in self.rack.cinder.list("/volumes/detail", "volumes") if one["status"] != "deleting"]

    def targets(self) -> dict[str, list[str]]:
        return {node.name: [one["volume_id"] for one in self.rack.targets(node)] for node in self.nodes}

    def drop_golden(self) -> None:
        """Have the image be converted anew by the next run. All else is gone."""
        (golden,) = self.volumes()
        self.rack.cinder("DELETE", f"/volumes/{golden['id']}")
        until("the golden volume to be gone", lambda: not self.rack.cinder.list("/volumes", "volumes"))

    def roots(self) -> set[str]:
        return {f"{node.name}-root" for node in self.nodes}


@dataclass(frozen=True)
class Slices:
    """The runs of all slices, and what there was behind them."""

    runs: list[Run]
    states: dict[str, str]
    volumes: list[Json]
    targets: dict[str, list[str]]
    writes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(run.text for run in self.runs)

    @property
    def codes(self) -> set[int]:
        return {run.code for run in self.runs}

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        return {host: counts for run in self.runs for host, counts in run.recap.items()}

    @property
    def failed(self) -> dict[str, str]:
        """What the hosts that failed say."""
        told = {host: result for run in self.runs for host, result in run.hosts(TASK).items()}
        return {host: result["msg"] for host, result in told.items() if result.get("failed")}

    @property
    def active(self) -> set[str]:
        return {name for name, state in self.states.items() if state == "active"}

    @property
    def golden(self) -> list[Json]:
        return [one for one in self.volumes if "bfv_golden_image" in one["metadata"]]

    @property
    def clones(self) -> list[Json]:
        return [one for one in self.volumes if one not in self.golden]


@pytest.fixture(scope="module")
def fleet(rack: ProjectLab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    nodes = rack.nodes(*(f"n{number:02}" for number in range(NODES)))
    image = rack.name("image")
    rack.image(image, tmp_path_factory.mktemp("image"))
    inventory = ansible.inventory(
        {node.name: {"baremetal_deploy_volumes": [{"name": f"{node.name}-root", "image": image}]} for node in nodes},
        baremetal_deploy_volume_cloud=rack.project.cloud,
        baremetal_deploy_golden=True,
        baremetal_deploy_concurrency=1,
        baremetal_deploy_volumes_on_undeploy="delete",
    )
    return Fleet(rack, ansible, nodes, inventory)


@dataclass(frozen=True)
class Story:
    """The slices with as much room as one run needs, once more, and all back."""

    deployed: Slices
    again: Slices
    undeployed: Slices


@pytest.fixture(scope="module")
def story(fleet: Fleet, rack: ProjectLab, new_proxy: Callable[[], Proxy]) -> Story:
    limit(rack, rack.project, volumes=NODES + 1)
    return Story(fleet.run(), fleet.run(proxy=new_proxy()), fleet.run("-e", "baremetal_deploy_state=undeployed"))


def assert_whole(fleet: Fleet, seen: Slices) -> None:
    """There is what one run gives: each node active from its own clone of one golden volume, and nothing twice."""
    assert seen.codes == {0}, seen.text
    assert set(seen.states.values()) == {"active"}
    (golden,) = seen.golden
    assert Counter(one["name"] for one in seen.clones) == Counter(fleet.roots())
    assert {one["source_volid"] for one in seen.clones} == {golden["id"]}
    held = {one["id"]: [each["server_id"] for each in one["attachments"]] for one in seen.clones}
    assert seen.targets == {node.name: [id for id, holders in held.items() if holders == [node.uuid]] for node in fleet.nodes}
    assert {len(ids) for ids in seen.targets.values()} == {1}


def test_eight_slices_at_once_give_what_one_run_gives(fleet: Fleet, story: Story) -> None:
    assert_whole(fleet, story.deployed)


def test_the_second_run_of_the_slices_changes_nothing(story: Story) -> None:
    assert story.again.writes == []
    assert {counts["changed"] for counts in story.again.recap.values()} == {0}
    assert len(story.again.recap) == NODES
    assert story.again.codes == {0}


def test_the_slices_take_back_what_they_made_and_leave_the_golden_volume(story: Story) -> None:
    seen = story.undeployed
    assert seen.codes == {0}, seen.text
    assert set(seen.states.values()) == {"available"}
    assert [ids for ids in seen.targets.values() if ids] == []
    assert (seen.clones, [one["id"] for one in seen.golden]) == ([], [one["id"] for one in story.deployed.golden])


@dataclass(frozen=True)
class Tight:
    """The slices with room for five nodes and no golden volume yet, with room for nothing more, and with room for all."""

    first: Slices
    full: Slices
    roomy: Slices


@pytest.fixture(scope="module")
def tight(fleet: Fleet, story: Story, rack: ProjectLab, new_proxy: Callable[[], Proxy]) -> Tight:
    fleet.drop_golden()
    limit(rack, rack.project, volumes=1 + ROOM)
    first = fleet.run()
    limit(rack, rack.project, volumes=len(first.volumes))
    full = fleet.run(proxy=new_proxy())
    limit(rack, rack.project, volumes=NODES + 1)
    return Tight(first, full, fleet.run())


def test_what_comes_too_late_fails_with_one_clear_line(tight: Tight) -> None:
    seen = tight.first
    assert set(seen.failed) == set(seen.states) - seen.active, seen.text
    assert [line for line in seen.failed.values() if "\n" in line or "quota" not in line] == []


def test_what_is_made_is_whole_and_nothing_else_is_there(tight: Tight) -> None:
    seen = tight.first
    assert set(seen.states.values()) == {"active", "available"}
    assert {one["name"] for one in seen.clones} == {f"{name}-root" for name in seen.active}
    assert len(seen.clones) == len(seen.active) <= ROOM
    assert len(seen.golden) == 1


def test_what_a_slice_sees_no_room_for_is_refused_before_it_is_made(tight: Tight) -> None:
    assert tight.full.writes == []
    assert set(tight.full.failed) == set(tight.first.failed)
    assert [line for line in tight.full.failed.values() if "There is room for 0 of" not in line] == []
    assert tight.full.active == tight.first.active


def test_with_room_the_next_run_finishes_it(fleet: Fleet, tight: Tight) -> None:
    assert_whole(fleet, tight.roomy)
