# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same sequences of runs and of other people's deeds on the fakes and on real Cinder, Nova and Ironic: they come to the same.

What is compared of each run is what it wrote and what it said, and at the end what there is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openstack
import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.connection import Cloud
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import kind as nodes_kind
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import a_node
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import a_network
from ansible_collections.bfv.openstack.tests.unit.laws import world
from ansible_collections.bfv.openstack.tests.unit.laws.world import FLEET, Task, Told, Watched
from ansible_collections.bfv.openstack.tests.unit.nova_records import a_flavor

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.long]

SEQUENCES = 40
AT_ONCE = 5
TIMEOUT = 90  # seconds of one run
STRANGER = "5f0c7b52-9d38-4f0e-9d6e-0b8a5b0b7a11"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+|Z)?")


@dataclass(frozen=True)
class Deed:
    """What somebody does to the volume of a name, where there is one."""

    name: str
    what: str


Step = Task | Deed
Outcome = list[object]


def a_sequence(number: int, prefix: str) -> list[Step]:
    """The steps of a sequence: of volumes mostly, some of servers and of nodes."""
    dice = random.Random(number)
    own = f"{prefix}{number}-"
    if number % 8 == 5:
        return _of_checkpoint(dice, own)
    if number % 8 == 6:
        return _of_server(dice, own)
    if number % 8 == 7:
        return _of_node(dice, own)
    root: Json = {"name": f"{own}root", "size": 1}
    steps: list[Step] = [Task("volume", root)]
    for _step in range(4):
        steps.append(dice.choice(_VOLUME_STEPS)(root))
    return steps


def _in_capitals(name: str) -> str:
    """The same name to MariaDB. Its beginning stays, by which the lab clears up."""
    return name.replace("root", "ROOT")


_VOLUME_STEPS: tuple[Callable[[Json], Step], ...] = (
    lambda root: Task("volume", root),
    lambda root: Task("volume", {**root, "size": 2}),
    lambda root: Task("volume", {**root, "metadata": {"role": "web"}, "bootable": True}),
    lambda root: Task("volume", {**root, "volume_type": "unknown", "retype": True}),
    lambda root: Task("volume", {**root, "volume_type": "__DEFAULT__", "recreate": "on_drift"}),
    lambda root: Task("volume", {**root, "availability_zone": "nowhere", "recreate": "on_drift"}),
    lambda root: Task(
        "volume", {**root, "size": 2, "recreate": "on_drift", "recreate_order": "delete_first", "volume_type": "tgt"}
    ),
    lambda root: Task("volume", {"name": root["name"], "state": "absent"}),
    lambda root: Task("volume", {"name": _in_capitals(root["name"]), "state": "absent"}),
    lambda root: Task("volume", {"name": root["name"], "state": "absent", "cascade": True}),
    lambda root: Deed(root["name"], "make one of that name"),
    lambda root: Deed(root["name"], "make one in capitals"),
    lambda root: Deed(root["name"], "copy its marks onto another one of that name"),
    lambda root: Deed(root["name"], "take a snapshot"),
    lambda root: Deed(root["name"], "attach"),
    lambda root: Deed(root["name"], "error_extending"),
    lambda root: Deed(root["name"], "error"),
)


def _of_server(dice: random.Random, own: str) -> list[Step]:
    web: Json = {"name": f"{own}web", "flavor": "bfv.small", "networks": "none", "boot": {"image": IMAGE}}
    more = [
        Task("server", {**web, "state": "stopped"}),
        Task("server", {**web, "flavor": "bfv.medium"}),
        Task("server", {"name": f"{own}web", "metadata": {"role": "web"}}),
        Task("server", {"name": f"{own}WEB", "state": "absent", "boot_volume_on_delete": "delete"}),
        Deed(f"{own}web-boot", "copy its marks onto another one of that name"),
    ]
    fate = dice.choice(["keep", "delete", "as_attached"])
    return [
        Task("server", web),
        *dice.sample(more, 2),
        Task("server", {"name": f"{own}web", "state": "absent", "boot_volume_on_delete": fate}),
    ]


def _of_checkpoint(dice: random.Random, own: str) -> list[Step]:
    """Names that only the lab has, by which it clears up."""
    web: Json = {"name": f"{own}web", "flavor": "bfv.small", "networks": "none", "boot": {"image": IMAGE}}
    friday, monday = ({"server": f"{own}web", "name": f"{own}{day}"} for day in ("friday", "monday"))
    more: list[Step] = [
        Task("checkpoint", monday),
        Task("checkpoint", {**monday, "keep": 1}),
        Task("checkpoint", {**friday, "state": "absent"}),
        Task("checkpoint", {**friday, "server": f"{own}WEB"}),
        Task("server", {"name": f"{own}web", "state": "absent"}),
        Deed(f"{own}web-boot", "take a snapshot"),
    ]
    end = Task("checkpoint", {**friday, "quiesce": dice.choice([True, False]), "keep": 1})
    return [Task("server", web), Task("checkpoint", friday), *dice.sample(more, 3), end]


def _of_node(dice: random.Random, own: str) -> list[Step]:
    node: Json = {"node": f"{own}node", "volumes": [{"name": f"{own}root", "image": IMAGE}]}
    more = [
        Task(FLEET, {"nodes": [node], "state": "deployed"}),
        Deed(f"{own}root", "copy its marks onto another one of that name"),
        Task("connector", {"node": f"{own}node", "state": "absent"}),
    ]
    end: Json = {"state": dice.choice(["undeployed", "absent"]), "volumes_on_undeploy": dice.choice(["keep", "delete"])}
    return [Task(FLEET, {"nodes": [node], "state": "deployed"}), *dice.sample(more, 2), Task(FLEET, {"nodes": [node], **end})]


def _told(told: Told) -> object:
    """What a run wrote and said, without what is other in each cloud."""
    error = _ID.sub("ID", _TIME.sub("TIME", told.error))
    return [_ID.sub("ID", action) for action in told.actions], re.sub(r"«.*?»", "«»", error), told.changed


def _volumes(volumes: list[Json]) -> object:
    return sorted((one["name"], one["status"], one["size"], one["volume_type"], len(one["attachments"])) for one in volumes)


# On the fakes


def on_fakes(steps: list[Step], image: Json, own: str) -> Outcome:
    cloud = Watched(
        images=[image],
        volume_types=[{"id": "tgt-id", "name": "tgt"}, {"id": "default-id", "name": "__DEFAULT__"}],
        flavors=[a_flavor("bfv.small"), a_flavor("bfv.medium")],
        networks=[a_network("sandbox")],
        nodes=[a_node(f"{own}node", properties={"capabilities": "boot_mode:uefi"}, storage_interface="noop")],
    )
    cloud.zones = {"nova": True}
    said: Outcome = []
    for step in steps:
        if isinstance(step, Task):
            said.append(_told(world.run(cloud, step)))
        else:
            _do_to_fake(cloud, step)
        world.rest(cloud)
    servers = sorted((one["name"], one["status"], one["flavor"]["original_name"]) for one in cloud.compute.servers.values())
    nodes = [
        (one["provision_state"], len(cloud.targets)) for one in cloud.nodes.values() if any(_is_of_node(step) for step in steps)
    ]
    return [*said, _volumes(list(cloud.volumes.values())), servers, nodes]


def _is_of_node(step: Step) -> bool:
    return isinstance(step, Task) and step.module == FLEET


def _do_to_fake(cloud: Watched, deed: Deed) -> None:
    if deed.what.startswith("make one"):
        name = _in_capitals(deed.name) if "capitals" in deed.what else deed.name
        deeds.make_volume(cloud, name, size=1, bootable="false", volume_type="tgt", volume_type_id="tgt-id")
        return
    found = next((one for one in cloud.volumes.values() if one["name"] == deed.name), None)
    if found is None:
        return
    if deed.what.startswith("copy"):
        other = deeds.make_volume(cloud, deed.name, size=1, bootable="false", volume_type="tgt", volume_type_id="tgt-id")
        deeds.copy_marks(found, other)
    elif deed.what == "take a snapshot" and found["status"] in ("available", "in-use"):
        deeds.snapshot(cloud, found)["name"] = f"{deed.name}-snapshot"
    elif deed.what == "attach" and found["status"] == "available":
        deeds.attach_elsewhere(found, STRANGER, "/dev/vda")
    elif deed.what.startswith("error") and not found["attachments"]:
        found["status"] = deed.what


# On real services


def on_services(lab: Lab, steps: list[Step], own: str) -> Outcome:
    project = Cloud({"cloud": PROJECT})
    system = Cloud({"cloud": SYSTEM, "volume_cloud": PROJECT})
    if any(_is_of_node(step) for step in steps):
        lab.ironic("PATCH", f"/nodes/{lab.node(f'n{own}').uuid}", [{"op": "replace", "path": "/name", "value": f"{own}node"}])
    said: Outcome = []
    for step in steps:
        if isinstance(step, Deed):
            _do(lab, step)
        else:
            cloud = project if step.module in ("volume", "server", "checkpoint") else system
            said.append(_told(_on_fleet(cloud, step) if step.module == FLEET else _on_one(cloud, step)))
    volumes = [one for one in lab.cinder.list("/volumes/detail", "volumes") if one["name"].lower().startswith(own.lower())]
    servers = list(lab.nova.list("/servers/detail", "servers", name=f"^{own}"))
    nodes = [one for one in lab.ironic.list("/nodes", "nodes", fields="uuid,name,provision_state") if one["name"] == f"{own}node"]
    targets = [len(lab.ironic.list("/volume/targets", "targets", node=one["uuid"])) for one in nodes]
    return [
        *said,
        _volumes(volumes),
        sorted((one["name"], one["status"], one["flavor"]["original_name"]) for one in servers),
        [(one["provision_state"], count) for one, count in zip(nodes, targets, strict=True)],
    ]


def _all_the_same(lab: Lab, steps: list[Step], own: str) -> Outcome:
    """What broke in one sequence is its own: the others are compared."""
    try:
        return on_services(lab, steps, own)
    except (AssertionError, openstack.exceptions.SDKException) as error:
        return [repr(error)]


def _on_one(cloud: Cloud, task: Task) -> Told:
    settling = None
    try:
        settling = world.start(cloud, task)
        settling.run(timeout=TIMEOUT)
        return Told(settling.way.actions, [], settling.plan.changed or settling.taken)
    except BfvError as error:
        return Told(settling.way.actions if settling else [], [], bool(settling and settling.taken), str(error))


def _on_fleet(cloud: Cloud, task: Task) -> Told:
    given: Mapping[str, Any] = {"concurrency": 1, "timeout": TIMEOUT, "wait": True, **task.options}
    return world.of_outcomes({one.name: one for one in fleet.manage(cloud, nodes_kind, given, check_mode=False).outcomes})


def _do(lab: Lab, deed: Deed) -> None:
    if deed.what.startswith("make one"):
        lab.volume(_in_capitals(deed.name) if "capitals" in deed.what else deed.name)
        return
    found = next((one for one in reversed(lab.volumes(deed.name)) if one["name"] == deed.name), None)  # the oldest
    if found is None:
        return
    if deed.what.startswith("copy"):
        other = lab.volume(deed.name)
        lab.cinder("POST", f"/volumes/{other['id']}/metadata", {"metadata": found["metadata"]})
    elif deed.what == "take a snapshot" and found["status"] in ("available", "in-use"):
        lab.snapshot(found["id"], f"{deed.name}-snapshot")
    elif deed.what == "attach" and found["status"] == "available":
        lab.attach(found["id"], STRANGER)
        until("the volume to be in use", lambda: lab.cinder("GET", f"/volumes/{found['id']}")["volume"]["status"] == "in-use")
    elif deed.what.startswith("error") and not found["attachments"]:
        lab.set_status(found["id"], deed.what)


@pytest.fixture(scope="module")
def outcomes(lab: Lab) -> Mapping[int, tuple[Outcome, Outcome]]:
    """Of each sequence what it came to on the fakes, and on real services."""
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    sequences = {number: a_sequence(number, lab.prefix) for number in range(SEQUENCES)}
    on_both = {number: on_fakes(steps, image, f"{lab.prefix}{number}-") for number, steps in sequences.items()}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        real = pool.map(lambda one: _all_the_same(lab, one[1], f"{lab.prefix}{one[0]}-"), sequences.items())
        return {number: (on_both[number], came_to) for number, came_to in zip(sequences, real, strict=True)}


@pytest.mark.parametrize("number", range(SEQUENCES))
def test_a_sequence_comes_to_the_same_on_the_fakes_and_on_real_services(
    outcomes: Mapping[int, tuple[Outcome, Outcome]], number: int
) -> None:
    fakes, services = outcomes[number]
    assert services == fakes
