# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small cloud in which runs and other people are at work, and how one run of one task goes in it.

The runs go by the engine's own entry points; the weather breaks them: killed at an instant, or answers lost at one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, an_image, in_its_time, manage
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network
from ansible_collections.bfv.openstack.tests.unit.machines import Machines
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from ansible_collections.bfv.openstack.tests.unit.server_cloud import manage as manage_servers

FLEET = "fleet"
RESOURCES: Mapping[str, Any] = {
    "volume": volume,
    "server": server,
    "connector": connector,
    "target": target,
    "checkpoint": checkpoint,
}
NODES = ("bm-0", "bm-1")
_TIMEOUT = 200
_REST = 30  # more rounds than anything takes


@dataclass(frozen=True)
class Task:
    """What one run is asked for: a module and its options. ``as_fleet``: by the module for many, as the only one of them."""

    module: str
    options: Mapping[str, Any]
    as_fleet: bool = False

    def __repr__(self) -> str:
        return f"Task({self.module!r}, {dict(self.options)!r}{', as_fleet=True' if self.as_fleet else ''})"


@dataclass(frozen=True)
class Weather:
    """What befalls a run: nothing; its end, or the loss of an answer, at this instant of its writes and pauses; or a service that fails."""

    kind: str = "fair"
    instant: int = -1


FAIR = Weather()
# What fails, and how the fakes are told so.
FAILURES: Mapping[str, tuple[str, object]] = {
    "creations fail": ("volumes_end_in", "error"),
    "extensions fail": ("extensions_end_in", "error_extending"),
    "extensions find no room": ("extensions_end_in", "back"),
    "retypes fail": ("retypes_fail", True),
    "deletions fail": ("deletions_fail", True),
    "servers fail": ("compute.servers_end_in", "ERROR"),
    "resizes fail": ("compute.resizes_fail", True),
    "snapshots fail": ("snapshots_end_in", "error"),
    "deletions of snapshots fail": ("snapshot_deletions", "error_deleting"),
    "snapshots are needed": ("snapshot_deletions", "busy"),
}


@dataclass
class Told:
    """What a run, or its check mode, said. ``error`` is empty where it did not fail; a killed run says nothing more."""

    actions: list[str] = field(default_factory=list)
    destroys: list[str] = field(default_factory=list)
    changed: bool = False
    error: str = ""
    killed: bool = False


class Watched(Mortal, Machines):
    """Remembers which volumes ever were available: on those there may be somebody's data. No two machines run on one."""

    def __init__(self, **records: Any) -> None:
        self.were_available: set[str] = set()
        self.gone_down: list[tuple[str, set[str]]] = []  # of each undeployment the node, and the names of volumes that were sound
        super().__init__(**records)

    def look(self) -> None:
        self.were_available |= {one["id"] for one in self.volumes.values() if one["status"] in ("available", "in-use")}

    def tick(self) -> None:
        super().tick()
        self.look()

    def send(self, request: Request) -> Json:
        if isinstance(request.body, dict) and request.body.get("target") == "deleted":
            sound = {one["name"] for one in self.volumes.values() if one["status"] in ("available", "in-use")}
            self.gone_down.append((self.nodes[request.key]["name"], sound))
        return super().send(request)


def a_world() -> Watched:
    """A project with all that servers and nodes need, and no volume yet."""
    return Watched(
        images=[an_image(), an_image("fedora")],
        flavors=[a_flavor("small"), a_flavor("large")],
        networks=[a_network()],
        keypairs=["operations"],
        security_groups=[a_group(), a_group("web")],
        nodes=[a_node(name) for name in NODES],
    )


def rest(cloud: FakeCloud) -> None:
    """Time goes by until nothing moves any more."""
    for _round in range(_REST):
        cloud.tick()


def check(cloud: FakeCloud, task: Task) -> Told:
    """The task in check mode."""
    try:
        if task.module == FLEET or task.as_fleet:
            return _of_fleet(cloud, task, check_mode=True)
        plan = start(cloud, task).plan
        return Told(plan.actions, plan.destroys, plan.changed)
    except BfvError as error:
        return Told(error=str(error))


def run(cloud: Mortal, task: Task, weather: Weather = FAIR) -> Told:
    """The task, in that weather."""
    cloud.instants, cloud.breaks_at = 0, weather.instant
    cloud.end = Killed() if weather.kind == "killed" else Unanswered("no answer came")
    with _failing(cloud, weather.kind):
        try:
            is_fleet = task.module == FLEET or task.as_fleet
            return _of_fleet(cloud, task, check_mode=False) if is_fleet else _of_one(cloud, task)
        except Killed:
            return Told(killed=True)
        finally:
            cloud.breaks_at = -1


@contextmanager
def _failing(cloud: FakeCloud, kind: str) -> Iterator[None]:
    """Of services that fail: until what was begun has come to its end."""
    if kind not in FAILURES:
        yield
        return
    path, value = FAILURES[kind]
    service, _dot, name = path.rpartition(".")
    with patch.object(getattr(cloud, service) if service else cloud, name, value):
        yield
        rest(cloud)


def start(cloud: Any, task: Task) -> Settling[Any]:
    """A run of a single resource, before its first step."""
    resource = RESOURCES[task.module]
    want = resource.wanted(deepcopy(dict(task.options)))
    return Settling(cloud, lambda: resource.observe(cloud, want), lambda found, made: resource.plan(want, found, made))  # type: ignore[arg-type]


def _of_one(cloud: FakeCloud, task: Task) -> Told:
    settling = None
    destroys: list[str] = []
    try:
        with in_its_time(cloud):
            settling = start(cloud, task)
            destroys = settling.plan.destroys
            settling.run(timeout=_TIMEOUT)
        return Told(settling.way.actions, destroys, settling.plan.changed or settling.taken)
    except BfvError as error:
        return Told(settling.way.actions if settling else [], destroys, bool(settling and settling.taken), str(error))


def _of_fleet(cloud: FakeCloud, task: Task, *, check_mode: bool) -> Told:
    options: Json = deepcopy(dict(task.options))
    if task.as_fleet:
        return of_outcomes(manage_servers(cloud, [options], check_mode=check_mode, concurrency=1, timeout=_TIMEOUT))
    nodes = [{**node, "node": node["node"]} for node in options.pop("nodes")]
    return of_outcomes(manage(cloud, nodes, check_mode=check_mode, concurrency=1, timeout=_TIMEOUT, **options))


def of_outcomes(outcomes: Mapping[str, Outcome]) -> Told:
    """What became of the nodes of a fleet, as of one."""
    plans: list[Plan] = [outcome.plan for outcome in outcomes.values()]
    return Told(
        [f"{name}: {action}" for name, outcome in sorted(outcomes.items()) for action in outcome.actions],
        [line for plan in plans for line in plan.destroys],
        any(outcome.changed for outcome in outcomes.values()),
        "; ".join(outcome.msg for outcome in outcomes.values() if outcome.msg),
    )
