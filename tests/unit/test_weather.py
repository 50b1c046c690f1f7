# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs whose answers are lost or bad: each still comes to its end by itself, and makes nothing twice."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected, Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, storage, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_volume,
    an_image,
    in_its_time,
    manage,
    planned,
    settle,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network

STATUSES = {"500": 500}
KINDS = ("reset", *STATUSES)


def error(kind: str, what: str) -> BfvError:
    if kind == "reset":
        return Unanswered(f"Failed to {what}: no connection (the peer has reset it).")
    return Rejected(what, "the fake", STATUSES[kind], "no answer to that")


FLEET = "fleet"
RESOURCES: dict[str, Any] = {
    "volume": volume,
    "server": server,
    "connector": connector,
    "target": target,
    "node storage": storage,
    "checkpoint": checkpoint,
}


class Stormy(FakeCloud):
    """Loses answers at some instants: before or after a write takes place."""

    kind = "reset"
    strikes: frozenset[int] = frozenset()
    instants = 0

    def _instant(self, request: Request) -> None:
        self.instants += 1
        if self.instants in self.strikes:
            raise error(self.kind, request.what)

    def send(self, request: Request) -> Json:
        self._instant(request)
        answer = super().send(request)
        self._instant(request)
        return answer


def a_fleet(state: str, **volume: Any) -> Json:
    names = ["bm-0", "bm-1"]
    nodes = [
        {
            "node": name,
            "storage_interface": "cinder",
            "iscsi_boot": True,
            "volumes": [{"name": f"{name}-root", "image": "debian", **volume}],
        }
        for name in names
    ]
    return {"nodes": nodes, "state": state}


WEB: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
DATA: Json = {"source_type": "volume", "destination_type": "volume", "uuid": "data", "boot_index": -1}
MAY_LOSE: Json = {"replace_may_lose": ["user_data"]}
WITH_DATA: list[tuple[str, Json]] = [("volume", {"name": "data", "size": 1}), ("server", {**WEB, "block_devices": [DATA]})]
FRIDAY: Json = {"server": "web", "name": "friday"}
# What was there before, and what is asked for: each a kind of thing and its options.
Ask = tuple[str, Json]
STORIES: dict[str, tuple[list[Ask], Ask]] = {
    "a volume": ([], ("volume", {"name": "root", "image": "debian"})),
    "a blank volume": ([], ("volume", {"name": "root", "size": 1, "bootable": True})),
    "a volume through a golden one": ([], ("volume", {"name": "root", "image": "debian", "via_golden": True})),
    "a volume anew": (
        [("volume", {"name": "root", "image": "debian"})],
        ("volume", {"name": "root", "image": "fedora", "recreate": "on_drift"}),
    ),
    "a volume anew, the old one first": (
        [("volume", {"name": "root", "image": "debian"})],
        ("volume", {"name": "root", "image": "fedora", "recreate": "on_drift", "recreate_order": "delete_first"}),
    ),
    "a larger volume": ([("volume", {"name": "root", "size": 1})], ("volume", {"name": "root", "size": 2})),
    "no volume": ([("volume", {"name": "root", "size": 1})], ("volume", {"name": "root", "state": "absent"})),
    "a server": ([], ("server", WEB)),
    "a server with data": ([("volume", {"name": "data", "size": 1})], ("server", {**WEB, "block_devices": [DATA]})),
    "an attachment": (
        [("volume", {"name": "data", "size": 1}), ("server", WEB)],
        ("server", {**WEB, "block_devices": [DATA]}),
    ),
    "a resize": ([("server", WEB)], ("server", {**WEB, "flavor": "large", "on_flavor_change": "resize"})),
    "a server in the place of another": (
        [("server", WEB)],
        ("server", {**WEB, "flavor": "large", "on_flavor_change": "replace", **MAY_LOSE}),
    ),
    "a server from another image": (
        [("server", WEB)],
        ("server", {**WEB, "boot": {"image": "fedora"}, "on_image_change": "replace", **MAY_LOSE}),
    ),
    "a stop": ([("server", WEB)], ("server", {**WEB, "state": "stopped"})),
    "no server": ([("server", WEB)], ("server", {"name": "web", "state": "absent", "boot_volume_on_delete": "delete"})),
    "a checkpoint": (WITH_DATA, ("checkpoint", FRIDAY)),
    "a checkpoint of a stopped server": (WITH_DATA, ("checkpoint", {**FRIDAY, "quiesce": True})),
    "a checkpoint and not the one before": (
        [*WITH_DATA, ("checkpoint", {**FRIDAY, "name": "monday"})],
        ("checkpoint", {**FRIDAY, "keep": 1}),
    ),
    "no checkpoint": ([*WITH_DATA, ("checkpoint", FRIDAY)], ("checkpoint", {**FRIDAY, "state": "absent"})),
    "a server that goes back": (
        [*WITH_DATA, ("checkpoint", FRIDAY)],
        ("checkpoint", {**FRIDAY, "state": "reverted", **MAY_LOSE}),
    ),
    "a connector": ([], ("connector", {"node": "bm-0"})),
    "a target": ([], ("target", {"node": "bm-0", "volume": "there"})),
    "a node's storage": ([], ("node storage", {"node": "bm-0", "storage_interface": "cinder", "iscsi_boot": True})),
    "a fleet": ([], (FLEET, a_fleet("deployed"))),
    "a fleet through a golden volume": ([], (FLEET, {**a_fleet("deployed"), "golden": True})),
    "a fleet anew": (
        [(FLEET, a_fleet("deployed"))],
        (FLEET, {**a_fleet("deployed", image="fedora", recreate="on_drift"), "on_drift": "redeploy"}),
    ),
    "an undeployment": ([(FLEET, a_fleet("deployed"))], (FLEET, a_fleet("undeployed"))),
    "no fleet": ([(FLEET, a_fleet("deployed"))], (FLEET, {**a_fleet("absent"), "volumes_on_undeploy": "delete"})),
}


def ask(cloud: FakeCloud, kind: str, options: Json) -> None:
    """One run. Raises what it fails with."""
    if kind == FLEET:
        outcomes = manage(
            cloud, options["nodes"], timeout=300, concurrency=1, **{k: v for k, v in options.items() if k != "nodes"}
        )
        assert {one.name: one.msg for one in outcomes.values() if one.failed} == {}
    else:
        settle(cloud, RESOURCES[kind], **options)


def before(story: str) -> Stormy:
    cloud = Stormy(
        images=[an_image(), an_image("fedora")],
        volumes=[a_volume("there")],
        flavors=[a_flavor("small"), a_flavor("large")],
        networks=[a_network()],
        security_groups=[a_group()],
        nodes=[a_node(name, storage_interface="noop", properties={}) for name in ("bm-0", "bm-1")],
    )
    if story == "a target":
        cloud.nodes[next(iter(cloud.nodes))].update(a_node())
    for kind, options in STORIES[story][0]:
        ask(cloud, kind, options)
    cloud.instants = 0
    cloud.writes.clear()
    return cloud


def seen(cloud: FakeCloud) -> tuple[Any, ...]:
    """All that counts of what is there, without the ids of what was made."""
    names = {one["id"]: one["name"] for one in cloud.volumes.values()}
    return (
        sorted((one["name"], one["provision_state"], one["storage_interface"]) for one in cloud.nodes.values()),
        sorted((one["name"], one["status"], one["size"], one["bootable"]) for one in cloud.volumes.values()),
        sorted((one["node_uuid"], one["boot_index"], names.get(one["volume_id"], "")) for one in cloud.targets.values()),
        sorted(one["node_uuid"] for one in cloud.connectors.values()),
        sorted((one["name"], one["status"], one["flavor"]["original_name"]) for one in cloud.compute.servers.values()),
        len(cloud.network.ports),
        sorted((one["name"], one["status"], names.get(one["volume_id"], "")) for one in cloud.snapshots.values()),
    )


@pytest.mark.parametrize("lost", KINDS)
@pytest.mark.parametrize("story", STORIES)
def test_field_b12_an_answer_that_is_lost_at_any_instant_fails_nothing(story: str, lost: str) -> None:
    kind, options = STORIES[story][1]
    whole = before(story)
    ask(whole, kind, options)
    assert whole.instants
    for instant in range(1, whole.instants + 1):
        cloud = before(story)
        cloud.strikes, cloud.kind = frozenset({instant}), lost
        ask(cloud, kind, options)
        assert cloud.instants >= instant
        assert seen(cloud) == seen(whole), f"lost at instant {instant}"
        cloud.writes.clear()
        ask(cloud, kind, options)
        assert cloud.writes == [], f"lost at instant {instant}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("story", STORIES)
def test_field_b12_with_every_fifth_answer_bad_one_run_is_enough(story: str, seed: int) -> None:
    kind, options = STORIES[story][1]
    whole = before(story)
    ask(whole, kind, options)
    chance = random.Random(f"{story} {seed}")
    cloud = before(story)
    cloud.strikes = frozenset(instant for instant in range(1, 1000) if chance.random() < 0.2)
    cloud.kind = chance.choice(KINDS)
    ask(cloud, kind, options)
    assert seen(cloud) == seen(whole)


class Broken(FakeCloud):
    """Answers one kind of write with an error, whether it does it or not."""

    method, path, kind, done = "", "", "reset", False

    def send(self, request: Request) -> Json:
        if request.method == self.method and request.path.endswith(self.path):
            if self.done:
                super().send(request)
            else:
                self.writes.append(request)
            raise error(self.kind, request.what)
        return super().send(request)


FAULTS: dict[str, tuple[Any, Json, str]] = {
    "volume": (volume, {"name": "root", "size": 1}, "/volumes"),
    "connector": (connector, {"node": "bm-0"}, "/volume/connectors"),
    "target": (target, {"node": "bm-0", "volume": "there"}, "/volume/targets"),
    "server": (server, WEB, "/servers"),
}


def broken(kind: str, lost: str, *, done: bool) -> tuple[Broken, Settling[Any]]:
    resource, options, path = FAULTS[kind]
    cloud = Broken(
        images=[an_image()],
        volumes=[a_volume("there")],
        flavors=[a_flavor("small")],
        networks=[a_network()],
        security_groups=[a_group()],
        nodes=[a_node()],
    )
    cloud.method, cloud.path, cloud.kind, cloud.done = "POST", path, lost, done
    want = resource.wanted(options)
    return cloud, Settling(cloud, lambda: resource.observe(cloud, want), lambda found, made: resource.plan(want, found, made))  # type: ignore[arg-type]


@pytest.mark.parametrize("lost", KINDS)
@pytest.mark.parametrize("kind", FAULTS)
def test_field_b12_what_is_never_answered_is_given_up_after_a_few_tries(kind: str, lost: str) -> None:
    cloud, run = broken(kind, lost, done=False)
    with in_its_time(cloud), pytest.raises(BfvError, match=r"^Failed to (create|set up) .*(reset it|no answer to that)"):
        run.run(timeout=3600)
    tries = [one for one in cloud.writes if one.path.endswith(cloud.path)]
    assert len(tries) == 6
    assert cloud.now < 60


@pytest.mark.parametrize("kind", FAULTS)
def test_field_b12_what_was_made_although_no_answer_came_is_found_and_told(kind: str) -> None:
    cloud, run = broken(kind, "reset", done=True)
    with in_its_time(cloud):
        run.run(timeout=3600)
    tries = [one for one in cloud.writes if one.path.endswith(cloud.path)]
    assert len(tries) == 1
    assert run.way.actions.count(tries[0].what) == 1
    resource, options, _path = FAULTS[kind]
    assert planned(cloud, resource, **options).settled


@pytest.mark.parametrize("kind", ["volume", "connector", "target"])
def test_field_b12_an_error_without_wait_is_looked_at_too(kind: str) -> None:
    cloud, run = broken(kind, "reset", done=False)
    with in_its_time(cloud), pytest.raises(BfvError, match=r"^Failed to (create|set up) .*(reset it|no answer to that)"):
        run.run(timeout=3600, wait=False)


def test_field_b12_a_node_whose_writes_are_never_answered_says_so_and_the_others_go_on() -> None:
    cloud = Broken(
        images=[an_image()], nodes=[a_node(name, storage_interface="noop", properties={}) for name in ("bm-0", "bm-1")]
    )
    cloud.method, cloud.path = "PATCH", next(iter(cloud.nodes))
    outcomes = manage(cloud, a_fleet("deployed")["nodes"], timeout=3600)
    failed = {one.name: one.msg for one in outcomes.values() if one.failed}
    assert len(failed) == 1
    assert "the peer has reset it" in str(failed)
    states = Counter(one["provision_state"] for one in cloud.nodes.values())
    assert states == {"available": 1, "active": 1}
    assert cloud.now < 120


@pytest.mark.parametrize("story", [story for story in STORIES if STORIES[story][1][0] != FLEET])
def test_a_second_look_plans_the_very_same_requests(story: str) -> None:
    """Else what a list misses once would look as if somebody had removed it."""
    kind, options = STORIES[story][1]
    cloud, resource = before(story), RESOURCES[kind]
    want = resource.wanted(options)
    one, other = (resource.plan(want, resource.observe(cloud, want)) for _look in range(2))
    assert (one.steps, one.then) == (other.steps, other.then)


class Late(FakeCloud):
    """Gives the first request for a volume no answer, and makes that volume when the run asks again: before the second one or after it."""

    first: Request | None = None
    after = again = done = False

    def send(self, request: Request) -> Json:
        if not (request.creates and request.path == "/volumes") or self.done:
            return super().send(request)
        if self.first is None:
            self.first = request
            raise error("reset", request.what)
        if request.what != self.first.what:
            return super().send(request)
        held, self.done = self.first, True
        if not self.after:
            super().send(held)
        answer = super().send(request)
        if self.after:
            super().send(held)
        if self.again:
            raise error("reset", request.what)
        return answer


LATE = [story for story in STORIES if story.split()[:2] in (["a", "volume"], ["a", "blank"], ["a", "server"], ["a", "fleet"])]


@pytest.mark.parametrize("again", [False, True], ids=["the second is answered", "nor the second"])
@pytest.mark.parametrize("after", [False, True], ids=["before the second", "after the second"])
@pytest.mark.parametrize("story", LATE)
def test_a_volume_that_is_made_late_after_the_run_asked_again_leaves_one(story: str, after: bool, again: bool) -> None:
    kind, options = STORIES[story][1]
    whole = before(story)
    ask(whole, kind, options)
    cloud = before(story)
    cloud.__class__ = Late
    assert isinstance(cloud, Late)
    cloud.after, cloud.again = after, again
    there = set(cloud.volumes)
    ask(cloud, kind, options)
    assert seen(cloud) == seen(whole)
    assert there & set(cloud.volumes) == there & set(whole.volumes)
    cloud.writes.clear()
    ask(cloud, kind, options)
    assert cloud.writes == []
