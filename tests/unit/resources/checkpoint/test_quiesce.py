# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server is off while its snapshots are taken, and runs again whatever comes; one that was off stays off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import FRIDAY, a_cloud, complete, run
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, planned, uuid_of
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from ansible_collections.bfv.openstack.tests.unit.server_cloud import the_server

QUIET: Json = {**FRIDAY, "quiesce": True}
NOTE = "bfv_checkpoint_quiesced"


class Watched(FakeCloud):
    """Notes in which status the server is when a snapshot is taken, and what the snapshots are when it is started."""

    seen: list[object]

    def _send(self, request: Request) -> Json:
        if request.path == "/snapshots":
            self.seen.append(the_server(self)["status"])
        if isinstance(request.body, dict) and "os-start" in request.body:
            self.seen.append([one["status"] for one in self.snapshots.values()])
        return super()._send(request)


def watched() -> Any:
    cloud = a_cloud(cls=Watched)
    cloud.seen = []
    return cloud


def notes(cloud: FakeCloud) -> list[str]:
    return [one["metadata"][NOTE] for one in cloud.volumes.values() if NOTE in one["metadata"]]


def status(cloud: FakeCloud) -> str:
    return str(the_server(cloud)["status"])


def test_it_is_stopped_before_and_started_when_all_are_available() -> None:
    cloud = watched()
    foreseen = planned(cloud, checkpoint, **QUIET)
    ran = run(cloud, **QUIET)
    complete(cloud)
    assert (status(cloud), notes(cloud)) == ("ACTIVE", [])
    assert cloud.seen == ["SHUTOFF", "SHUTOFF", ["available", "available"]]
    assert ran.way.actions == foreseen.actions
    assert any(the_server(cloud)["id"] in line and "stop server web" in line for line in foreseen.destroys)
    assert not planned(cloud, checkpoint, **QUIET).changed


def test_one_that_was_off_stays_off() -> None:
    cloud = watched()
    the_server(cloud)["status"] = "SHUTOFF"
    run(cloud, **QUIET)
    complete(cloud)
    assert (status(cloud), notes(cloud), len(cloud.seen)) == ("SHUTOFF", [], 2)


def test_without_quiesce_nothing_is_stopped() -> None:
    cloud = watched()
    run(cloud, **FRIDAY)
    assert cloud.seen == ["ACTIVE", "ACTIVE"]


@pytest.mark.parametrize("state", ["PAUSED", "SUSPENDED", "RESCUE", "ERROR"])
def test_a_status_in_which_nobody_knows_what_is_in_memory_is_refused(state: str) -> None:
    cloud = a_cloud()
    the_server(cloud)["status"] = state
    with pytest.raises(Refused, match=f"with quiesce: its status is {state}"):
        run(cloud, **QUIET)
    assert cloud.writes == []


def test_a_locked_server_is_refused_and_without_quiesce_saved() -> None:
    cloud = a_cloud()
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match="it is locked"):
        run(cloud, **QUIET)
    assert cloud.writes == []
    run(cloud, **FRIDAY)
    complete(cloud)


def test_a_lock_is_seen_before_it_is_told_that_the_server_could_not_be_started_again() -> None:
    cloud = a_cloud()
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match="Failed to take checkpoint friday of server web: it is locked"):
        planned(cloud, checkpoint, **QUIET)


@pytest.mark.parametrize("next_run", [QUIET, FRIDAY, {**QUIET, "name": "monday"}])
def test_a_run_that_is_killed_anywhere_leaves_nothing_that_the_next_does_not_start(next_run: Json) -> None:
    cloud = a_cloud(cls=Mortal)
    cloud.instants = 0
    run(cloud, **QUIET)
    every = int(cloud.instants)
    for instant in range(1, every + 1):
        cloud = a_cloud(cls=Mortal)
        cloud.instants, cloud.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(cloud, **QUIET)
        cloud.breaks_at = -1
        run(cloud, **next_run)
        complete(cloud, next_run["name"])
        assert (status(cloud), notes(cloud)) == ("ACTIVE", [])
        assert not planned(cloud, checkpoint, **next_run).changed


def test_a_note_of_another_server_counts_for_nothing() -> None:
    cloud = a_cloud()
    the_server(cloud)["status"] = "SHUTOFF"
    cloud.volumes[the_server(cloud)["_root"]]["metadata"][NOTE] = f"{uuid_of('another')} friday"
    run(cloud, **FRIDAY)
    assert status(cloud) == "SHUTOFF"


@pytest.mark.parametrize(("noted", "notes_first"), [("friday", False), ("FRIDAY", True), ("", True)])
def test_it_is_noted_for_which_checkpoint_a_server_is_stopped(noted: str, notes_first: bool) -> None:
    cloud = a_cloud()
    cloud.volumes[the_server(cloud)["_root"]]["metadata"][NOTE] = f"{the_server(cloud)['id']} {noted}"
    assert planned(cloud, checkpoint, **QUIET).actions[0].startswith("note on volume" if notes_first else "stop server")


def test_snapshots_in_error_fail_the_task_with_the_server_running_again() -> None:
    cloud = a_cloud()
    cloud.snapshots_end_in = "error"
    with pytest.raises(BfvError, match=r"has status error\. Cinder tells why"):
        run(cloud, **QUIET)
    assert (status(cloud), notes(cloud)) == ("ACTIVE", [])


class Full(FakeCloud):
    """Somebody takes the last of the quota when the server has been stopped."""

    def _send(self, request: Request) -> Json:
        if request.path == "/snapshots":
            self.limits["snapshots"] = 0
        return super()._send(request)


def test_a_refusal_of_cinder_fails_the_task_with_the_server_running_again() -> None:
    cloud = a_cloud(cls=Full)
    with pytest.raises(BfvError, match="Maximum number of snapshots"):
        run(cloud, **QUIET)
    for _round in range(2):
        cloud.tick()
    assert status(cloud) == "ACTIVE"
    with pytest.raises(Refused, match="0 snapshots are left"):
        run(cloud, **QUIET)
    assert notes(cloud) == []


def test_quiesce_is_for_servers_that_are_saved() -> None:
    for options, words in (
        ({"state": "absent"}, "quiesce is for state"),
        ({"server": None, "node": "bm-0"}, "quiesce is for servers"),
    ):
        with pytest.raises(Invalid, match=words):
            checkpoint.wanted({**QUIET, **options})
