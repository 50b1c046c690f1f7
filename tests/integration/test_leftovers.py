# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody needs any more, on real services: each command that is told removes its thing, and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from .lab import PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import BIN, Ansible, Run, Task, task
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.extra]

KEPT = 1
IN_DOUBT = 30  # seconds in which Nova may still come up with the server of a reservation


def look(title: str, /, proxy: str | None = None, gather: tuple[str, ...] = ("nodes", "leftovers"), **options: object) -> Task:
    where = {"cloud": SYSTEM, "volume_cloud": PROJECT, "keep_checkpoints": KEPT}
    return task(title, "bfv.openstack.bfv_info", proxy=proxy, gather=list(gather), **{**where, **options})


def mark(lab: Lab, volume: Json, **marks: str) -> None:
    """The marks of a volume that this collection made."""
    lab.cinder("POST", f"/volumes/{volume['id']}/metadata", {"metadata": {"bfv_made": volume["id"], **marks}})


def attach(lab: Lab, volume: Json, holder: str, device: str) -> None:
    lab.act(lab.cinder, volume["id"], "os-reserve", {})
    lab.act(lab.cinder, volume["id"], "os-attach", {"instance_uuid": holder, "mountpoint": device})


def retire(lab: Lab, node: Node) -> None:
    lab.provision(node, "manage", "manageable")
    lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/retired", "value": True}])


@dataclass(frozen=True)
class Story:
    """One of each kind, beside what is still needed; ``names`` by what each is."""

    run: Run
    asked: Proxy
    wanted: dict[str, tuple[str, str]]  # the kind and the id of each that is to be told

    def told(self, title: str) -> dict[str, Json]:
        return {one["id"]: one for one in self.run[title]["leftovers"]}


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory) -> Story:
    names = ("reserved", "lost", "of-node", "old", "new", "elsewhere", "root")
    volumes = {name: lab.volume(lab.name(name)) for name in names}
    body = {"attachment": {"volume_uuid": volumes["reserved"]["id"], "instance_uuid": str(uuid4())}}
    lab.cinder("POST", "/attachments", body)
    attach(lab, volumes["lost"], str(uuid4()), "/dev/vda")
    attach(lab, volumes["of-node"], str(uuid4()), "ironic_mountpoint")
    retired, stale, moved, ready = lab.nodes("retired", "stale", "moved", "ready")
    for node in (retired, stale, moved, ready):
        lab.set_up(node, "cinder")
    gone, elsewhere = str(uuid4()), volumes["elsewhere"]["id"]
    attach(lab, volumes["elsewhere"], ready.uuid, "ironic_mountpoint")
    targets = {
        "retired": lab.target(retired, str(uuid4()), **a_lun()),
        "gone": lab.target(stale, gone),
        "elsewhere": lab.target(moved, elsewhere),
    }
    lab.target(ready, elsewhere)
    (connector,) = lab.connectors(retired)
    retire(lab, retired)
    attach(lab, volumes["new"], ready.uuid, "ironic_mountpoint")
    mark(lab, volumes["new"], bfv_replaces=volumes["old"]["id"])
    image = lab.image(lab.name("image"), tmp_path_factory.mktemp("images"))
    name = lab.glance("GET", f"/images/{image}")["name"]
    casts = {id: lab.volume(f"golden-{id}", metadata={"bfv_golden_image": name}) for id in (str(uuid4()), image)}
    for id, cast in casts.items():
        mark(lab, cast, bfv_golden_image_id=id, bfv_golden_image=name)
    lab.act(lab.cinder, volumes["root"]["id"], "os-set_bootable", {"bootable": True})
    server = lab.server(lab.name("server"), volumes["root"]["id"])
    saves = [
        task(name, "bfv.openstack.boot_checkpoint", cloud=PROJECT, server=server["name"], name=lab.name(name))
        for name in ("first", "second")
    ]
    lived = ansible.tasks(*saves)
    checkpoint = lived["first"]["checkpoint"]
    until("the reservation to be out of doubt", lambda: not in_doubt(lab, volumes["reserved"]["id"]), 60)
    asked = new_proxy()
    run = ansible.tasks(
        look("all", asked.url),
        look("tenant", cloud=PROJECT, volume_cloud=None, gather=("leftovers",)),
        look("check", check=True),
        look("nodes alone", gather=("nodes",)),
    )
    marks = lab.cinder("GET", f"/snapshots/{checkpoint['snapshots'][0]['id']}")["snapshot"]["metadata"]
    wanted = {
        "reserved": ("attachment", attachment_of(lab, volumes["reserved"])),
        "lost": ("attachment", attachment_of(lab, volumes["lost"])),
        "of node": ("attachment", attachment_of(lab, volumes["of-node"])),
        "connector": ("connector", connector["uuid"]),
        **{f"target {what}": ("target", target["uuid"]) for what, target in targets.items()},
        "golden": ("golden_volume", next(cast["id"] for id, cast in casts.items() if id != image)),
        "old disk": ("old_disk", volumes["old"]["id"]),
        "checkpoint": ("checkpoint", marks["bfv_checkpoint_set"]),
    }
    return Story(run, asked, wanted)


def in_doubt(lab: Lab, volume: str) -> bool:
    changed = datetime.fromisoformat(lab.cinder("GET", f"/volumes/{volume}")["volume"]["updated_at"]).replace(tzinfo=UTC)
    return datetime.now(UTC) - changed < timedelta(seconds=IN_DOUBT + 1)


def attachment_of(lab: Lab, volume: Json) -> str:
    (one,) = lab.cinder.list("/attachments", "attachments", volume_id=volume["id"])
    return str(one["id"])


def mine(lab: Lab, story: Story, title: str) -> dict[str, Json]:
    """What is told of what the lab has made. Other tests leave things as well."""
    return {
        id: one
        for id, one in story.told(title).items()
        if id in {id for _kind, id in story.wanted.values()} or lab.prefix in one["name"]
    }


def test_each_of_them_is_told_and_nothing_that_is_needed(story: Story, lab: Lab) -> None:
    told = mine(lab, story, "all")
    assert {id: one["kind"] for id, one in told.items()} == {id: kind for kind, id in story.wanted.values()}
    assert all(one["why"] for one in told.values())


def test_a_tenant_is_told_what_is_in_his_project_without_ironic(story: Story, lab: Lab) -> None:
    kinds = {
        "reserved": "attachment",
        "lost": "attachment",
        "golden": "golden_volume",
        "old disk": "old_disk",
        "checkpoint": "checkpoint",
    }
    told = mine(lab, story, "tenant")
    assert {id: one["kind"] for id, one in told.items()} == {story.wanted[what][1]: kind for what, kind in kinds.items()}


def test_to_look_writes_nothing_and_is_a_handful_of_lists(story: Story) -> None:
    assert story.asked.writes == []
    assert [story.run[title]["changed"] for title in ("all", "check")] == [False, False]
    assert story.run["nodes alone"]["leftovers"] == []
    counts = {
        path: count
        for path, count in story.asked.counts.items()
        if path.endswith(("/detail", "/servers", "/v1/nodes", "/images"))
    }
    assert {path.rpartition("/")[2] if "/v1/" in path else path.rsplit("/", 2)[-2] for path in counts} >= {"nodes", "volumes"}
    lists = [path for path in counts if "/attachments/" not in path]
    assert {counts[path] for path in lists} == {1}, counts


def things(lab: Lab) -> Iterator[tuple[str, str]]:
    """All that the lab has, but what hangs on it by itself."""
    volumes = lab._mine(lab.cinder.list("/volumes/detail", "volumes"))
    yield from (("volume", one["id"]) for one in volumes if one["status"] != "deleting")
    yield from (
        ("snapshot", one["id"]) for one in lab.cinder.list("/snapshots/detail", "snapshots") if one["status"] != "deleting"
    )
    ids = {one["id"] for one in volumes}
    yield from (("attachment", one["id"]) for one in lab.cinder.list("/attachments", "attachments") if one["volume_id"] in ids)
    for seen in lab._mine(lab.ironic.list("/nodes", "nodes", fields="uuid,name,power_state")):
        node = Node(seen["uuid"], seen["name"])
        yield ("node", f"{node.uuid} {seen['power_state']}")
        yield from (("connector", one["uuid"]) for one in lab.connectors(node))
        yield from (("target", one["uuid"]) for one in lab.targets(node))
    yield from (("server", f"{one['id']} {one['status']}") for one in lab._mine(lab.nova.list("/servers/detail", "servers")))


WHATS = (
    "reserved", "lost", "of node", "connector", "target retired", "target gone", "target elsewhere", "golden", "old disk", "checkpoint",
)  # fmt: skip


@pytest.mark.parametrize("what", WHATS)
def test_the_command_removes_it_and_nothing_else(story: Story, lab: Lab, what: str) -> None:
    kind, id = story.wanted[what]
    told = story.told("all")[id]
    goes = {(kind, id)}
    if kind == "checkpoint":
        goes = {("snapshot", one) for one in told["command"].split(" delete ")[1].split()}
    elif kind in ("golden_volume", "old_disk"):
        goes = {("volume", id)}
    before = set(things(lab))
    assert goes <= before
    ended = subprocess.run(
        ["bash", "-c", told["command"]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": f"{BIN}:/usr/bin:/bin", **environment()},
    )
    assert ended.returncode == 0, ended.stderr
    until(f"{what} to be gone", lambda: goes.isdisjoint(things(lab)))
    assert before - set(things(lab)) == goes


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("HOME", "OS_CLIENT_CONFIG_FILE")}


def test_what_was_removed_is_told_no_more(story: Story, lab: Lab, ansible: Ansible) -> None:
    again = Story(ansible.tasks(look("all")), story.asked, story.wanted)
    assert mine(lab, again, "all") == {}
