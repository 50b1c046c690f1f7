# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs for the same nodes at once: each looks before the other has written. The loser of a race removes its own volume."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import kind as nodes_kind
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, an_image, manage

RUNS = 2


class Raced(FakeCloud):
    """Time goes on for one run at a time."""

    def sleep(self, seconds: float) -> None:
        with self._lock:
            super().sleep(seconds)


def at_once(cloud: Raced, nodes: list[Json], **options: Any) -> list[dict[str, str]]:
    """What each of the runs says of each node."""
    given = {"state": "deployed", "concurrency": 1, "timeout": 200, "wait": True, "nodes": nodes, **options}
    barrier = threading.Barrier(RUNS, timeout=20)
    planned = fleet._start

    def start(*args: Any) -> Any:
        progress = planned(*args)
        barrier.wait()  # of as many nodes in each run
        return progress

    def run(_number: int) -> dict[str, str]:
        result = fleet.manage(cloud, nodes_kind, given, check_mode=False)  # type: ignore[arg-type]
        return {one.name: one.msg for one in result.outcomes}

    with (
        patch.object(fleet, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep)),
        patch.object(fleet, "_start", start),
        ThreadPoolExecutor(RUNS) as pool,
    ):
        return list(pool.map(run, range(RUNS)))


def entry(name: str, **volume: Any) -> Json:
    return {
        "node": name,
        "storage_interface": "cinder",
        "iscsi_boot": True,
        "volumes": [{"name": f"{name}-root", "image": "debian", **volume}],
    }


@pytest.mark.parametrize("golden", [False, True])
@pytest.mark.parametrize("state", ["prepared", "deployed"])
@pytest.mark.parametrize("number", [1, 6])
def test_each_volume_is_there_once_and_each_node_is_set_up(number: int, state: str, golden: bool) -> None:
    names = [f"bm-{index}" for index in range(number)]
    cloud = Raced(nodes=[a_node(name, storage_interface="noop", properties={}) for name in names], images=[an_image()])
    said = at_once(cloud, [entry(name) for name in names], state=state, golden=golden)
    assert [run[name] for run in said for name in names] == [""] * RUNS * number
    there = Counter(one["name"] for one in cloud.volumes.values())
    assert set(there.values()) == {1}
    assert len(there) == number + golden
    assert {one["provision_state"] for one in cloud.nodes.values()} == {"active" if state == "deployed" else "available"}
    assert len(went(cloud)) >= (RUNS - 1 if golden else (RUNS - 1) * number)
    assert {one["volume_id"] for one in cloud.targets.values()} <= set(cloud.volumes)


@pytest.mark.parametrize("volumes", ["keep", "delete"])
@pytest.mark.parametrize("state", ["undeployed", "absent"])
@pytest.mark.parametrize("before", ["prepared", "deployed"])
@pytest.mark.parametrize("number", [1, 6])
def test_field_b12_two_undeployments_at_once_both_succeed(number: int, before: str, state: str, volumes: str) -> None:
    names = [f"bm-{index}" for index in range(number)]
    cloud = Raced(nodes=[a_node(name, storage_interface="noop", properties={}) for name in names], images=[an_image()])
    entries = [entry(name) for name in names]
    assert not any(one.failed for one in manage(cloud, entries, state=before).values())
    said = at_once(cloud, entries, state=state, volumes_on_undeploy=volumes)
    assert [run[name] for run in said for name in names] == [""] * RUNS * number
    assert {one["provision_state"] for one in cloud.nodes.values()} == {"available"}
    assert cloud.targets == {}
    assert len(cloud.volumes) == (0 if volumes == "delete" else number)
    assert len(cloud.connectors) == (0 if state == "absent" else number)


def went(cloud: FakeCloud) -> list[Request]:
    return [one for one in cloud.writes if one.method == "DELETE" and one.path.startswith("/volumes/")]


def test_what_goes_is_what_the_run_made_itself() -> None:
    cloud = Raced(nodes=[a_node()], images=[an_image()])
    at_once(cloud, [entry("bm-0")], state="prepared")
    (gone,) = went(cloud)
    assert [permit.why for permit in gone.permits] == ["this run made it"]
