# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checkpoints on real Cinder and Nova: what is written onto a server's disks is there again when it has gone back; and of a node."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from .lab import IMAGE, NETWORK, PROJECT, SYSTEM, Json, Lab, Node
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, Task, task
from .test_interrupted import kill
from .waiting import until

pytestmark = pytest.mark.full

SMALL = "bfv.small"
PATTERN_AT = 64 * 2**20  # behind what the image has


def checkpoint(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, "bfv.openstack.boot_checkpoint", check=check, proxy=proxy, **{"cloud": PROJECT, **options})


def thrice(title: str, quiet: Proxy, **options: object) -> list[Task]:
    return [
        checkpoint(f"{title} check", check=True, proxy=quiet.url, **options),
        checkpoint(title, **options),
        checkpoint(f"{title} again", proxy=quiet.url, **options),
    ]


def done(run: Run, title: str) -> Json:
    """What a task returned that did not fail, whose second run changed nothing."""
    again = run[f"{title} again"]
    assert not run[title]["failed"], run[title]["msg"]
    assert (again["failed"], again["changed"], again["actions"]) == (False, False, []), again
    assert set(again) - {"warnings"} == set(run[title]) - {"warnings"}
    return run[title]


@dataclass(frozen=True)
class Machine:
    """A server with a boot disk and a further one."""

    name: str
    friday: str  # the name of its checkpoint
    wish: Json


def write(lab: Lab, machine: Machine, what: str) -> None:
    """The machine writes onto its disks: what is on a volume of the sandbox is in a file."""
    for disk in server(lab, machine)["os-extended-volumes:volumes_attached"]:
        with lab.disk(disk["id"]).open("r+b") as file:
            file.seek(PATTERN_AT)
            file.write(what.encode().ljust(16))


def read(lab: Lab, volume_id: str) -> str:
    with lab.disk(volume_id).open("rb") as file:
        file.seek(PATTERN_AT)
        return file.read(16).decode().strip()


def server(lab: Lab, machine: Machine) -> Json:
    (found,) = lab.servers(machine.name)
    return found


def disks(lab: Lab, machine: Machine) -> list[str]:
    return [disk["id"] for disk in server(lab, machine)["os-extended-volumes:volumes_attached"]]


def addresses(lab: Lab, machine: Machine) -> list[str]:
    return sorted(one["addr"] for many in server(lab, machine)["addresses"].values() for one in many)


def snapshots(lab: Lab, name: str) -> list[Json]:
    return [one for one in lab.cinder.list("/snapshots/detail", "snapshots") if one["name"] == name]


def a_machine(lab: Lab, ansible: Ansible, what: str) -> Machine:
    data = lab.volume(lab.name(f"{what}-data"))
    name = lab.name(what)
    wish = {
        "name": name,
        "flavor": SMALL,
        "boot": {"image": IMAGE},
        "networks": NETWORK,
        "block_devices": [{"volume_id": data["id"]}],
    }
    made = ansible.tasks(task("create", "bfv.openstack.bfv_server", cloud=PROJECT, **wish))["create"]
    assert not made["failed"], made["msg"]
    return Machine(name, lab.name(f"{what}-friday"), wish)


# Saved, changed, and back


@dataclass(frozen=True)
class Story:
    """A server that was saved in use, has gone on, and has gone back."""

    machine: Machine
    saved: Run
    back: Run
    before: list[str]  # its addresses
    old: list[str]  # its disks
    quiet: Proxy


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    machine, quiet = a_machine(lab, ansible, "web"), new_proxy()
    before, old = addresses(lab, machine), disks(lab, machine)
    write(lab, machine, "friday")
    wish: Json = {"server": machine.name, "name": machine.friday}
    saved = ansible.tasks(*thrice("save", quiet, **wish))
    write(lab, machine, "today")
    back = ansible.tasks(
        checkpoint("refused", proxy=quiet.url, **wish, state="reverted"),
        *thrice("back", quiet, **wish, state="reverted", replace_may_lose=["user_data"]),
    )
    return Story(machine, saved, back, before, old, quiet)


def test_all_disks_are_saved_in_use_and_once(story: Story, lab: Lab) -> None:
    saved = done(story.saved, "save")
    assert story.saved["save check"]["actions"] == saved["actions"]
    ones = saved["checkpoint"]["snapshots"]
    assert ([one["order"] for one in ones], sorted(one["volume_id"] for one in ones)) == ([0, 1], sorted(story.old))
    assert {one["status"] for one in ones} == {"available"}
    assert len(snapshots(lab, story.machine.friday)) == 2


def test_user_data_that_nobody_can_read_is_lost_by_permission_only(story: Story) -> None:
    assert "replace_may_lose: [user_data]" in story.back["refused"]["msg"]


def test_what_was_on_its_disks_is_there_again_with_the_same_address(story: Story, lab: Lab) -> None:
    done(story.back, "back")
    new = disks(lab, story.machine)
    assert ([read(lab, id) for id in new], set(new) & set(story.old)) == (["friday", "friday"], set())
    assert addresses(lab, story.machine) == story.before != []
    assert server(lab, story.machine)["status"] == "ACTIVE"


def test_the_old_disks_are_kept_and_named(story: Story, lab: Lab) -> None:
    told = {one["id"]: one["name"] for one in story.back["back"]["kept_volumes"]}
    kept = list(told)
    assert sorted(kept) == sorted(story.old)
    seen = [lab.cinder("GET", f"/volumes/{id}")["volume"] for id in kept]
    assert {one["id"]: one["name"] for one in seen} == told
    new = [lab.cinder("GET", f"/volumes/{id}")["volume"]["name"] for id in disks(lab, story.machine)]
    assert sorted(name.partition("-kept-")[0] for name in told.values()) == sorted(new)
    assert {one["status"] for one in seen} == {"available"}
    assert {read(lab, id) for id in kept} == {"today"}
    assert [key for one in seen for key in one["metadata"] if key.startswith("bfv_note")] == []


def test_check_mode_foresees_the_way_back(story: Story, lab: Lab) -> None:
    now = server(lab, story.machine)
    bootable = {lab.cinder("GET", f"/volumes/{id}")["volume"]["bootable"]: id for id in disks(lab, story.machine)}
    to_come = {
        "(known when the volume is there) 1": bootable["false"],
        "(known when the volume is there)": bootable["true"],
        "(known when the server is there)": now["id"],
    }
    said = story.back["back check"]["actions"]
    for words, id in to_come.items():
        said = [action.replace(words, id) for action in said]
    assert said == story.back["back"]["actions"]


def test_a_safety_checkpoint_was_taken(story: Story, lab: Lab) -> None:
    safety = f"before-{story.machine.friday}-1"
    assert story.back["back"]["checkpoints"] == [story.machine.friday, safety]
    assert len(snapshots(lab, safety)) == 2


def test_refusals_check_mode_and_second_runs_write_nothing(story: Story) -> None:
    assert story.quiet.writes == []


def test_a_checkpoint_of_which_a_server_was_made_goes_by_its_name(story: Story, lab: Lab, ansible: Ansible) -> None:
    wish: Json = {"server": story.machine.name, "name": story.machine.friday, "state": "absent"}
    run = ansible.tasks(*thrice("remove", story.quiet, **wish))
    removed = done(run, "remove")
    assert run["remove check"]["actions"] == removed["actions"]
    assert (removed["checkpoint"], snapshots(lab, story.machine.friday)) == (None, [])
    assert [read(lab, id) for id in disks(lab, story.machine)] == ["friday", "friday"]


# Stopped for it, and the oldest go


@pytest.fixture(scope="module")
def nights(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> tuple[Machine, Run, Proxy]:
    machine, proxy = a_machine(lab, ansible, "nightly"), new_proxy()
    wish: Json = {"server": machine.name, "quiesce": True, "keep": 2}
    run = ansible.tasks(
        *(checkpoint(str(night), proxy=proxy.url, name=f"{machine.friday}-{night}", **wish) for night in range(3))
    )
    return machine, run, proxy


def test_a_server_is_off_while_it_is_saved_and_runs_again(nights: tuple[Machine, Run, Proxy], lab: Lab) -> None:
    machine, run, proxy = nights
    assert not any(run[str(night)]["failed"] for night in range(3)), run.text
    assert server(lab, machine)["status"] == "ACTIVE"
    verbs = [_verb(request) for request in proxy.requests if request.method == "POST"]
    assert [verb for verb in verbs if verb][:4] == ["os-stop", "snapshot", "snapshot", "os-start"]
    volumes = [lab.cinder("GET", f"/volumes/{id}")["volume"] for id in disks(lab, machine)]
    assert [key for one in volumes for key in one["metadata"] if key == "bfv_checkpoint_quiesced"] == []


def _verb(request: Request) -> str:
    body = request.body.decode(errors="replace")
    return next(
        (word for word in ("os-stop", "os-start") if word in body), "snapshot" if request.path.endswith("/snapshots") else ""
    )


def test_the_oldest_beyond_the_number_went(nights: tuple[Machine, Run, Proxy], lab: Lab) -> None:
    machine, run, _proxy = nights
    assert run["2"]["checkpoints"] == [f"{machine.friday}-1", f"{machine.friday}-2"]
    assert [len(snapshots(lab, f"{machine.friday}-{night}")) for night in range(3)] == [0, 2, 2]


# Killed


@dataclass(frozen=True)
class Point:
    """Where a run is killed: before such a request comes to its service, or when it was answered; the how manieth it is."""

    method: str
    path: str
    number: int = 1
    before: bool = True

    def is_at(self, request: Request) -> bool:
        ends = self.path in request.path if self.path.endswith("/") else request.path.endswith(self.path)
        return request.method == self.method and ends


SAVES = {
    "the server was stopped": Point("POST", "/snapshots"),
    "the first snapshot was asked for": Point("POST", "/snapshots", before=False),
    "one of two was asked for": Point("POST", "/snapshots", 2),
    "all are there": Point("POST", "/metadata", 2),
}
RETURNS = {
    "one new disk was asked for": Point("POST", "/volumes", 2),
    "the server was to be stopped": Point("POST", "/action"),
    "the safety checkpoint was begun": Point("POST", "/snapshots", 2),
    "the old data disk was to be detached": Point("DELETE", "/os-volume_attachments/"),
    "the old server is gone": Point("POST", "/servers"),
    "the new server was asked for": Point("POST", "/servers", before=False),
}


def killed(ansible: Ansible, proxy: Proxy, point: Point, wish: Json) -> int:
    """Start a run and kill it at that point. The exit code of the run."""
    reached, over, seen = threading.Event(), threading.Event(), []

    def stop(request: Request) -> bool:
        if reached.is_set() or not point.is_at(request):
            return False
        seen.append(request)
        if len(seen) < point.number:
            return False
        reached.set()
        over.wait(120)
        return True

    if point.before:
        proxy.instead = lambda request: Answer(503, (), b"") if stop(request) else None
    else:
        proxy.change = lambda request, answer: (stop(request), answer)[1]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [checkpoint("checkpoint", **wish)]}]
    started = ansible.start(str(ansible.file("play.yml", play)), environment=proxy.environment)
    try:
        until(f"the run to come to {point}", lambda: reached.is_set() or started.process.poll() is not None, 400)
        assert reached.is_set(), started.records()
        kill(started.process.pid)
    finally:
        over.set()
    started.process.communicate(timeout=60)
    return started.process.returncode


@dataclass(frozen=True)
class Case:
    """A run that was killed, and completed by the next one."""

    machine: Machine
    code: int
    run: Run
    before: list[str]


@pytest.fixture(scope="module")
def cases(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> dict[str, Case]:
    def case(title: str) -> Case:
        machine = a_machine(lab, ansible, "killed")
        before = addresses(lab, machine)
        wish: Json = {"server": machine.name, "name": machine.friday}
        write(lab, machine, "friday")
        if title in RETURNS:
            saved = ansible.tasks(checkpoint("save", **wish))["save"]
            assert not saved["failed"], saved["msg"]
            write(lab, machine, "today")
            wish |= {"state": "reverted", "replace_may_lose": ["user_data"]}
        else:
            wish |= {"quiesce": True}
        code = killed(ansible, new_proxy(), {**SAVES, **RETURNS}[title], wish)
        run = ansible.tasks(checkpoint("complete", **wish), checkpoint("complete again", **wish))
        return Case(machine, code, run, before)

    titles = [*SAVES, *RETURNS]
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(titles, pool.map(case, titles), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("title", [*SAVES, *RETURNS])
def test_a_killed_run_is_completed_by_the_next_one(cases: dict[str, Case], lab: Lab, title: str) -> None:
    case = cases[title]
    assert case.code == -signal.SIGKILL
    done(case.run, "complete")
    assert len(snapshots(lab, case.machine.friday)) == 2
    assert server(lab, case.machine)["status"] == "ACTIVE"
    assert addresses(lab, case.machine) == case.before
    assert [read(lab, id) for id in disks(lab, case.machine)] == ["friday", "friday"]


# A node, and what is refused


@pytest.fixture
def node(lab: Lab) -> tuple[Node, list[Json]]:
    """A node whose targets name two volumes, the second first."""
    node, volumes = lab.node("saved"), [lab.volume(lab.name(what)) for what in ("root", "data")]
    lab.set_up(node, "cinder")
    for index, volume in reversed(list(enumerate(volumes))):
        body = {"node_uuid": node.uuid, "volume_type": "iscsi", "boot_index": index, "volume_id": volume["id"]}
        lab.ironic("POST", "/volume/targets", body)
    return node, volumes


def test_a_node_is_saved_by_its_targets_and_that_of_an_array_is_refused(
    lab: Lab, ansible: Ansible, node: tuple[Node, list[Json]], proxy: Proxy
) -> None:
    machine, volumes = node
    clouds, name = {"cloud": SYSTEM, "volume_cloud": PROJECT}, lab.name("node-friday")
    run = ansible.tasks(*thrice("save", proxy, node=machine.name, name=name, **clouds))
    saved = done(run, "save")["checkpoint"]["snapshots"]
    assert [one["volume_id"] for one in saved] == [one["id"] for one in volumes]
    lab.patch(machine, "/storage_interface", "external")
    later = ansible.tasks(
        checkpoint("refused", proxy=proxy.url, node=machine.name, name=lab.name("monday"), **clouds),
        checkpoint("remove", node=machine.uuid, name=name, state="absent", **clouds),
    )
    assert "the snapshots of an array are the array's own" in later["refused"]["msg"]
    assert (later["remove"]["changed"], snapshots(lab, name), proxy.writes) == (True, [], [])


def test_what_cannot_be_saved_whole_is_refused_before_anything_is_written(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    machine = a_machine(lab, ansible, "refused")
    data = machine.wish["block_devices"][0]["volume_id"]
    lab.set_status(data, "error_extending")
    run = ansible.tasks(
        checkpoint("error", proxy=proxy.url, server=machine.name, name=machine.friday),
        checkpoint("unknown", proxy=proxy.url, server=lab.name("nowhere"), name=machine.friday),
        checkpoint("no checkpoint", proxy=proxy.url, server=machine.name, name=machine.friday, state="reverted"),
    )
    lab.set_status(data, "in-use")
    assert "has status error_extending" in run["error"]["msg"]
    assert "Nova shows no server" in run["unknown"]["msg"]
    assert "no complete checkpoint of that name" in run["no checkpoint"]["msg"]
    assert (snapshots(lab, machine.friday), proxy.writes) == ([], [])
