# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare-metal node goes back to a checkpoint on real Cinder and Ironic: on new volumes, in place, and after a run that was killed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from .lab import PROJECT, SYSTEM, Json, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run, task
from .test_checkpoint import PATTERN_AT, Point, checkpoint, done, killed, read, snapshots, thrice

pytestmark = pytest.mark.extra

CLOUDS: Json = {"cloud": SYSTEM, "volume_cloud": PROJECT}


@dataclass(frozen=True)
class Machine:
    """A node that runs from two volumes, and its checkpoint."""

    node: Node
    friday: str

    @property
    def wish(self) -> Json:
        return {"node": self.node.name, "name": self.friday, **CLOUDS}


def disks(lab: Lab, machine: Machine) -> list[str]:
    return [one["volume_id"] for one in sorted(lab.targets(machine.node), key=lambda one: int(one["boot_index"]))]


def reads(lab: Lab, machine: Machine) -> list[str]:
    return [read(lab, id) for id in disks(lab, machine)]


def write(lab: Lab, machine: Machine, what: str) -> None:
    """The machine writes onto its disks: what is on a volume of the sandbox is in a file."""
    for id in disks(lab, machine):
        with lab.disk(id).open("r+b") as file:
            file.seek(PATTERN_AT)
            file.write(what.encode().ljust(16))


def status(lab: Lab, id: str) -> str:
    return str(lab.cinder("GET", f"/volumes/{id}")["volume"]["status"])


def a_machine(lab: Lab, ansible: Ansible, what: str) -> Machine:
    node = lab.node(what)
    volumes = [{"name": f"{node.name}-{disk}", "size": 1, "bootable": True} for disk in ("root", "data")]
    targets = [{"boot_index": index, "volume": one["name"]} for index, one in enumerate(volumes)]
    entry = {
        "node": node.name,
        "storage_interface": "cinder",
        "capabilities": {"iscsi_boot": True},
        "connectors": [{"type": "iqn"}],
        "volumes": volumes,
        "targets": targets,
    }
    # of several volumes Ironic knows the addresses only at the second time
    run = ansible.tasks(*(task(title, "bfv.openstack.baremetal_fleet", nodes=[entry], **CLOUDS) for title in ("first", "deploy")))
    assert not run["deploy"]["failed"], run["deploy"]["msg"]
    return Machine(node, lab.name(f"{what}-friday"))


def saved(lab: Lab, ansible: Ansible, what: str) -> Machine:
    machine = a_machine(lab, ansible, what)
    write(lab, machine, "friday")
    made = ansible.tasks(checkpoint("save", **machine.wish))["save"]
    assert not made["failed"], made["msg"]
    write(lab, machine, "today")
    return machine


# With new volumes, and in place


@dataclass(frozen=True)
class Story:
    """A node that was saved, has gone on, and has gone back."""

    machine: Machine
    run: Run
    old: list[str]  # its disks
    quiet: Proxy


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    machine, quiet = saved(lab, ansible, "bm"), new_proxy()
    old = disks(lab, machine)
    return Story(machine, ansible.tasks(*thrice("back", quiet, **machine.wish, state="reverted")), old, quiet)


def test_it_runs_from_what_was_on_its_disks_and_the_old_ones_are_kept(story: Story, lab: Lab) -> None:
    back = done(story.run, "back")
    new = disks(lab, story.machine)
    assert (reads(lab, story.machine), set(new) & set(story.old)) == (["friday", "friday"], set())
    assert lab.look(story.machine.node)["provision_state"] == "active"
    assert [status(lab, id) for id in new] == ["in-use", "in-use"]
    assert [one["id"] for one in back["kept_volumes"]] == story.old
    assert [(read(lab, id), status(lab, id)) for id in story.old] == [("today", "available")] * 2
    assert len(snapshots(lab, f"before-{story.machine.friday}-1")) == 2


def foresees(story: Story) -> bool:
    """Whether check mode tells what is done. That Ironic needs a second deployment of a node with several volumes it cannot tell."""
    return bool(story.run["back check"]["actions"] == list(dict.fromkeys(story.run["back"]["actions"])))


def test_check_mode_foresees_it_and_writes_nothing(story: Story) -> None:
    assert foresees(story)
    assert story.quiet.writes == []


@pytest.fixture(scope="module")
def in_place(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    machine, quiet = saved(lab, ansible, "place"), new_proxy()
    old = disks(lab, machine)
    run = ansible.tasks(*thrice("back", quiet, **machine.wish, state="reverted", safety=False))
    return Story(machine, run, old, quiet)


def test_without_safety_cinder_writes_the_snapshots_onto_its_disks(in_place: Story, lab: Lab) -> None:
    back = done(in_place.run, "back")
    assert foresees(in_place)
    assert (disks(lab, in_place.machine), reads(lab, in_place.machine)) == (in_place.old, ["friday", "friday"])
    assert lab.look(in_place.machine.node)["provision_state"] == "active"
    assert (back["kept_volumes"], in_place.quiet.writes) == ([], [])


# Refused


def test_what_would_not_be_deployed_again_stays_as_it_is(lab: Lab, ansible: Ansible, story: Story, proxy: Proxy) -> None:
    machine = story.machine
    name = f"before-{machine.friday}-1"
    lab.patch(machine.node, "/maintenance", True)
    wish = {**machine.wish, "name": name, "state": "reverted"}
    run = ansible.tasks(checkpoint("maintenance", proxy=proxy.url, **wish))
    lab.patch(machine.node, "/maintenance", False)
    assert "it is in maintenance" in run["maintenance"]["msg"]
    assert proxy.writes == []


# Killed

POINTS = {
    "one new disk was asked for": Point("POST", "/volumes", 2),
    "the node was to be undeployed": Point("PUT", "/states/provision"),
    "the node is undeployed": Point("POST", "/volume/targets"),
    "one target was made": Point("POST", "/volume/targets", 2),
    "the node was deployed": Point("PUT", "/states/provision", 2, before=False),
}


@dataclass(frozen=True)
class Case:
    """A run that was killed, and completed by the next one."""

    machine: Machine
    code: int
    run: Run


@pytest.fixture(scope="module")
def cases(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> dict[str, Case]:
    def case(point: Point) -> Case:
        machine = saved(lab, ansible, "killed")
        wish: Json = {**machine.wish, "state": "reverted"}
        code = killed(ansible, new_proxy(), point, wish)
        run = ansible.tasks(checkpoint("complete", **wish), checkpoint("complete again", **wish))
        return Case(machine, code, run)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(POINTS, pool.map(case, POINTS.values()), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("title", POINTS)
def test_a_killed_run_is_completed_by_the_next_one(cases: dict[str, Case], lab: Lab, title: str) -> None:
    case = cases[title]
    assert case.code == -signal.SIGKILL
    done(case.run, "complete")
    assert reads(lab, case.machine) == ["friday", "friday"]
    assert lab.look(case.machine.node)["provision_state"] == "active"
