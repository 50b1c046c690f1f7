# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of bfv.openstack.bfv_server that is killed between any two of its steps, or has another one beside it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, Started, task
from .test_interrupted import kill
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.long]

SMALL, MEDIUM = "bfv.small", "bfv.medium"


@dataclass(frozen=True)
class Point:
    """Where a run is killed: when the service has answered such a request, or before the request comes to it."""

    method: str
    path: str
    before: bool = False

    def is_at(self, request: Request) -> bool:
        return request.method == self.method and self.path in f"{request.path}/"


NEW_VOLUME, NEW_SERVER = ("POST", "/v3/volumes/"), ("POST", "/v2.1/servers/")
CREATIONS = {
    "its volume was asked for": Point(*NEW_VOLUME),
    "its volume is there": Point(*NEW_SERVER, before=True),
    "it was asked for": Point(*NEW_SERVER),
}
REPLACEMENTS = {
    "the disk is to stay": Point("PUT", "/os-volume_attachments/"),
    "the old one is gone": Point(*NEW_SERVER, before=True),
    "the new one was asked for": Point(*NEW_SERVER),
    "the notes are removed": Point("DELETE", "/metadata/"),
}
REIMAGES = {
    "the new disk is noted": Point("POST", "/metadata/"),
    "the old one with its disk was deleted": Point("DELETE", "/v2.1/servers/"),
}


@dataclass(frozen=True)
class Case:
    """A server whose run was killed, and then completed by the next one."""

    name: str
    code: int  # of the killed run
    completed: Run
    address: list[str]  # of the server before
    disk: str  # that it booted from before


@pytest.fixture(scope="module")
def cases(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Case]:
    new_image = lab.name("image")
    lab.image(new_image, tmp_path_factory.mktemp("images"))
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    (network,) = lab.neutron.list("/networks", "networks", name=NETWORK)

    def there(name: str) -> Json:
        """A server of somebody else, whose disk would go with it."""
        disk = lab.volume(lab.name("root"), imageRef=image["id"])
        return lab.server(name, disk["id"], True, networks=[{"uuid": network["id"]}])

    def case(title: str) -> Case:
        name = lab.name("server")
        wish = {"name": name, "flavor": SMALL, "boot": {"image": IMAGE}, "networks": NETWORK, "replace_may_lose": ["user_data"]}
        address, disk = [], ""
        if title not in CREATIONS:
            seen = there(name)
            address = [one["addr"] for many in seen["addresses"].values() for one in many]
            (disk,) = (one["id"] for one in seen["os-extended-volumes:volumes_attached"])
        if title in REPLACEMENTS:
            wish |= {"flavor": MEDIUM, "on_flavor_change": "replace"}
        if title in REIMAGES:
            wish |= {"boot": {"image": new_image}, "on_image_change": "replace"}
        point = (CREATIONS | REPLACEMENTS | REIMAGES)[title]
        code = killed(ansible, new_proxy(), point, wish)
        completed = ansible.tasks(
            task("complete", "bfv.openstack.bfv_server", cloud=PROJECT, **wish),
            task("again", "bfv.openstack.bfv_server", cloud=PROJECT, **wish),
        )
        return Case(name, code, completed, address, disk)

    titles = [*CREATIONS, *REPLACEMENTS, *REIMAGES]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(titles, pool.map(case, titles), strict=True))


def killed(ansible: Ansible, proxy: Proxy, point: Point, wish: Json) -> int:
    """Start a run and kill it at that point. The exit code of the run."""
    reached, over = threading.Event(), threading.Event()

    def stop(request: Request) -> bool:
        if reached.is_set() or not point.is_at(request):
            return False
        reached.set()
        over.wait(120)
        return True

    if point.before:
        proxy.instead = lambda request: Answer(503, (), b"") if stop(request) else None
    else:
        proxy.change = lambda request, answer: (stop(request), answer)[1]
    started = start(ansible, proxy, wish)
    try:
        until(f"the run to come to {point}", lambda: reached.is_set() or started.process.poll() is not None, 400)
        assert reached.is_set(), started.records()
        kill(started.process.pid)
    finally:
        over.set()
    started.process.communicate(timeout=60)
    return started.process.returncode


def start(ansible: Ansible, proxy: Proxy, wish: Json) -> Started:
    tasks = [{"name": "server", "bfv.openstack.bfv_server": {"cloud": PROJECT, **wish}}]
    play: Path = ansible.file("play.yml", [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    return ansible.start(str(play), environment=proxy.environment)


def disks(lab: Lab, run: Run) -> list[Json]:
    """The volumes that were made for the server, or that it boots from."""
    made = run["again"]
    volumes = [one for one in lab.cinder.list("/volumes/detail", "volumes") if one["status"] != "deleting"]
    return [one for one in volumes if made["server"]["name"] in str(one["metadata"]) or one["id"] == made["volume"]["id"]]


@pytest.mark.parametrize("title", [*CREATIONS, *REPLACEMENTS, *REIMAGES])
def test_a_killed_run_is_completed_by_the_next_one(cases: dict[str, Case], lab: Lab, title: str) -> None:
    case = cases[title]
    assert case.code == -signal.SIGKILL
    completed = case.completed["complete"]
    assert not completed["failed"], completed.get("msg")
    assert completed["server"]["status"] == "ACTIVE"
    assert [one["id"] for one in lab.servers(case.name)] == [completed["server"]["id"]]
    assert [one["id"] for one in disks(lab, case.completed)] == [completed["volume"]["id"]]
    assert not case.completed["again"]["changed"]


@pytest.mark.parametrize("title", [*REPLACEMENTS, *REIMAGES])
def test_the_address_survives_the_killed_run(cases: dict[str, Case], title: str) -> None:
    assert cases[title].completed["complete"]["server"]["addresses"] == cases[title].address != []


@pytest.mark.parametrize("title", REPLACEMENTS)
def test_the_disk_survives_the_killed_run(cases: dict[str, Case], title: str) -> None:
    completed = cases[title].completed["complete"]
    assert completed["server"]["flavor"] == MEDIUM
    assert completed["server"]["volumes"] == [{"id": cases[title].disk, "delete_on_termination": True}]


@pytest.mark.parametrize("point", [NEW_VOLUME, NEW_SERVER], ids=["make the volume", "make the server"])
def test_two_runs_at_once_make_one_volume_and_one_server(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], point: tuple[str, str]
) -> None:
    name = lab.name("twin")
    wish: Json = {"name": name, "flavor": SMALL, "boot": {"image": IMAGE}, "networks": NETWORK}
    if point == NEW_SERVER:
        prepared = ansible.tasks(
            task("make", "bfv.openstack.bfv_server", cloud=PROJECT, **wish),
            task("keep", "bfv.openstack.bfv_server", cloud=PROJECT, name=name, state="absent", boot_volume_on_delete="keep"),
        )
        assert prepared["keep"]["changed"]
    meeting = threading.Barrier(2)

    def go_together(request: Request) -> Answer | None:
        """Neither run may see what the other one makes before it makes its own."""
        if Point(*point).is_at(request):
            with suppress(threading.BrokenBarrierError):  # by a second request of one of the runs
                meeting.wait(20)
        return None

    runs = []
    for _number in range(2):
        proxy = new_proxy()
        proxy.instead = go_together
        runs.append(start(ansible, proxy, wish))
    for one in runs:
        stdout, stderr = one.process.communicate(timeout=400)
        for record in one.records():
            assert not record["result"]["failed"] or "\n" not in record["result"]["msg"]
            assert "Traceback" not in stdout + stderr
    run = ansible.tasks(
        task("settle", "bfv.openstack.bfv_server", cloud=PROJECT, **wish),
        task("again", "bfv.openstack.bfv_server", cloud=PROJECT, **wish),
    )
    assert any(one.process.returncode == 0 for one in runs)
    assert [one["id"] for one in lab.servers(name)] == [run["settle"]["server"]["id"]]
    assert [one["id"] for one in lab.volumes(f"{name}-boot")] == [run["settle"]["volume"]["id"]]
    assert not run["again"]["changed"]
