# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server with two disks, for the tests of its checkpoints."""

from __future__ import annotations

from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, in_its_time
from ansible_collections.bfv.openstack.tests.unit.server_cloud import blank, with_server

FRIDAY: Json = {"server": "web", "name": "friday"}
DISKS: Json = {"block_devices": ["vdb=data:::1"]}


def a_cloud(*, cls: type[Any] = FakeCloud, **records: Any) -> Any:
    """A server with two disks, without any snapshot."""
    return with_server(blank("data", size=5), cls=cls, options=DISKS, **{"snapshots": [], **records})


def run(cloud: FakeCloud, **options: Any) -> Settling[Any]:
    want = checkpoint.wanted(options)
    with in_its_time(cloud):
        settling = Settling(
            cloud, lambda: checkpoint.observe(cloud, want), lambda found, made: checkpoint.plan(want, found, made)
        )  # type: ignore[arg-type]
        settling.run(timeout=200)
    return settling


def sets(cloud: FakeCloud, name: str = "friday") -> list[list[str]]:
    """The volumes of each set of a name, in the order of the disks."""
    found: dict[str, list[Json]] = {}
    for one in cloud.snapshots.values():
        if one["metadata"].get("bfv_checkpoint") == name:
            found.setdefault(one["metadata"]["bfv_checkpoint_set"], []).append(one)
    ordered = [sorted(ones, key=lambda one: int(one["metadata"]["bfv_checkpoint_order"])) for ones in found.values()]
    return [[cloud.volumes[one["volume_id"]]["name"] for one in ones] for ones in ordered]


def complete(cloud: FakeCloud, name: str = "friday") -> None:
    """There is one set of that name, all of it available and noted; and nothing else of it."""
    assert sets(cloud, name) == [["web-boot", "data"]]
    ones = [one for one in cloud.snapshots.values() if one["metadata"].get("bfv_checkpoint") == name]
    assert [(one["status"], one["metadata"]["bfv_made"] == one["id"]) for one in ones] == [("available", True)] * 2


def a_mark(order: int, *, set: str = "first", made: str = "new", disks: int = 2, name: str = "friday") -> Json:
    """The metadata of a snapshot."""
    marks = {"": name, "_of": "server web", "_set": set, "_order": str(order), "_disks": str(disks)}
    return {**{f"bfv_checkpoint{key}": value for key, value in marks.items()}, "bfv_made": made}
