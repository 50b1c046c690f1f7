# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint is there complete, or not at all: whatever a machine is, and wherever a run is broken off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import creation, record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import FRIDAY, a_cloud, a_mark, complete, run
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import by_id
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_snapshot,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal, at_once
from ansible_collections.bfv.openstack.tests.unit.server_cloud import the_server

# What is taken


def test_each_disk_is_saved_in_use_the_root_first_and_a_second_run_changes_nothing() -> None:
    cloud = a_cloud()
    foreseen = planned(cloud, checkpoint, **FRIDAY)
    ran = run(cloud, **FRIDAY)
    complete(cloud)
    assert ran.way.actions == foreseen.actions
    assert [one["body"]["snapshot"]["force"] for one in map(vars, cloud.writes[:2])] == [True, True]
    assert foreseen.diff["before"] == {"checkpoints": []}
    assert foreseen.diff["after"] == {"checkpoints": ["friday"]}
    cloud.writes.clear()
    again = run(cloud, **FRIDAY)
    assert (again.plan.changed, again.plan.warnings, cloud.writes) == (False, (), [])


def test_the_result_tells_the_snapshots_and_the_names_of_all() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    run(cloud, **{**FRIDAY, "name": "monday"})
    found = run(cloud, **FRIDAY).found
    result: Any = checkpoint.result(checkpoint.wanted(FRIDAY), found)
    assert result["checkpoints"] == ["friday", "monday"]
    assert [(one["order"], one["size"], one["status"]) for one in result["checkpoint"]["snapshots"]] == [
        (0, 3, "available"),
        (1, 5, "available"),
    ]
    assert result["checkpoint"]["complete"] is True


def test_by_its_id_a_server_has_the_checkpoints_of_its_name() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    assert not planned(cloud, checkpoint, name="friday", server=the_server(cloud)["id"]).changed


def test_a_server_that_was_made_anew_has_its_checkpoints() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    one = the_server(cloud)
    cloud.compute.servers = by_id([{**one, "id": uuid_of("another")}])
    assert not planned(cloud, checkpoint, **FRIDAY).changed


def test_other_disks_of_the_machine_are_told_and_no_change() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    attached = the_server(cloud)["os-extended-volumes:volumes_attached"]
    del attached[1 if attached[0]["id"] == the_server(cloud)["_root"] else 0]
    plan = planned(cloud, checkpoint, **FRIDAY)
    assert (plan.changed, plan.settled, len(plan.warnings)) == (False, True, 1)
    assert "Take one of another name" in plan.warnings[0]


def test_a_snapshot_that_is_being_backed_up_is_there() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    next(iter(cloud.snapshots.values()))["status"] = "backing-up"
    assert not planned(cloud, checkpoint, **FRIDAY).changed


# What is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "friday"}, "neither server nor node"),
        ({"name": "friday", "server": "web", "node": "bm-0"}, "both given"),
        ({"name": " friday", "server": "web"}, "its name has to have"),
        ({"name": "x" * 101, "server": "web"}, "its name has to have"),
    ],
)
def test_bad_options_are_refused(options: Json, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        checkpoint.wanted(options)


def local(cloud: FakeCloud) -> None:
    the_server(cloud)["image"] = {"id": uuid_of("debian")}


def unseen(cloud: FakeCloud) -> None:
    del cloud.volumes[uuid_of("data")]


def reserved(cloud: FakeCloud) -> None:
    the_server(cloud)["status"] = "SHELVED_OFFLOADED"
    for one in cloud.volumes.values():
        one.update(status="reserved", attachments=[])


def in_error(cloud: FakeCloud) -> None:
    cloud.volumes[uuid_of("data")]["status"] = "error_extending"


def uncertain(cloud: FakeCloud) -> None:
    for one in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        one["_device"] = "/dev/vdr"


def no_room(cloud: FakeCloud) -> None:
    cloud.limits["snapshots"] = 1


def no_room_of_type(cloud: FakeCloud) -> None:
    cloud.limits["snapshots_lvm"] = 1


def no_room_told_by_limits(cloud: FakeCloud) -> None:
    cloud.limits["snapshots"] = 1
    cloud.hides_quota = True


def gone(cloud: FakeCloud) -> None:
    cloud.compute.servers.clear()


def going(cloud: FakeCloud) -> None:
    the_server(cloud)["OS-EXT-STS:task_state"] = "deleting"


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (local, "boots from a local disk"),
        (unseen, f"Cinder does not show its volume {uuid_of('data')}"),
        (reserved, "has status reserved, .* openstack server unshelve"),
        (in_error, "has status error_extending"),
        (uncertain, "does not tell for certain"),
        (no_room, "1 snapshots are left, and 2 are needed"),
        (no_room_of_type, "1 snapshots of type lvm are left"),
        (no_room_told_by_limits, "1 snapshots are left, and 2 are needed"),
        (gone, "Nova shows no server web"),
        (going, "it is being deleted"),
    ],
)
def test_what_cannot_be_saved_whole_is_refused_before_anything_is_written(deed: Any, words: str) -> None:
    cloud = a_cloud()
    deed(cloud)
    with pytest.raises(Refused, match=words):
        run(cloud, **FRIDAY)
    assert (cloud.writes, cloud.snapshots) == ([], {})


def test_two_servers_of_the_name_are_refused_with_their_ids() -> None:
    cloud = a_cloud()
    cloud.compute.servers |= by_id([a_server("web", "data")])
    with pytest.raises(Refused, match="2 servers have that name"):
        run(cloud, **FRIDAY)


def test_a_size_that_may_be_too_much_is_told() -> None:
    cloud = a_cloud()
    cloud.limits["gigabytes"] = 10
    assert "8 GiB, and 2 GiB" in planned(cloud, checkpoint, **FRIDAY).warnings[0]


def test_a_server_at_work_is_waited_for() -> None:
    cloud = a_cloud()
    the_server(cloud).update({"status": "REBOOT", "_next": {"status": "ACTIVE"}, "OS-EXT-STS:task_state": "rebooting"})
    plan = planned(cloud, checkpoint, **FRIDAY)
    assert (plan.steps, "to come to rest" in plan.waiting, len(plan.then)) == ((), True, 4)
    run(cloud, **FRIDAY)
    complete(cloud)


# Rests of broken runs


@pytest.mark.parametrize("status", ["available", "creating", "error"])
def test_the_rest_of_a_broken_run_is_not_filled_up_but_goes_when_a_whole_one_is_there(status: str) -> None:
    rest = a_snapshot("half", volume="data", metadata=a_mark(1), status=status)
    cloud = a_cloud(snapshots=[rest])
    ran = run(cloud, **FRIDAY)
    complete(cloud)
    order = [one.split()[0] for one in ran.way.actions]
    assert order == ["take", "take", "note", "note", "delete"]
    assert rest["id"] in ran.way.actions[-1]


@pytest.mark.parametrize(
    ("status", "made", "is_refused"),
    [
        ("available", True, False),
        ("creating", True, False),
        ("error", True, True),
        ("deleting", True, True),
        ("error", False, False),
    ],
)
def test_what_this_run_took_in_vain_is_not_taken_again_and_a_part_of_it_is(status: str, made: bool, is_refused: bool) -> None:
    ones = record.gathered([record.Snapshot("half", "friday", "data", status, metadata=a_mark(1))])
    if not is_refused:
        creation._check_lost(ones, {"half"} if made else (), "take")
        return
    with pytest.raises(Refused, match=f"Failed to take: snapshot half of volume data has status {status}"):
        creation._check_lost(ones, {"half"}, "take")


def test_a_set_in_error_counts_for_nothing() -> None:
    cloud = a_cloud()
    cloud.snapshots_end_in = "error"
    with pytest.raises(BfvError, match="has status error"):
        run(cloud, **FRIDAY)
    assert [one["status"] for one in cloud.snapshots.values()] == ["error", "error"]
    cloud.snapshots_end_in = "available"
    run(cloud, **FRIDAY)
    complete(cloud)


@pytest.mark.parametrize("deed", ["gone", "error", "deleting"])
def test_what_was_complete_and_has_lost_a_disk_is_neither_taken_anew_nor_deleted(deed: str) -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    one = next(iter(cloud.snapshots))
    if deed == "gone":
        del cloud.snapshots[one]
    else:
        cloud.snapshots[one]["status"] = deed
    cloud.writes.clear()
    with pytest.raises(Refused, match="it was complete, and is not any more"):
        run(cloud, **FRIDAY)
    assert cloud.writes == []


def test_a_copy_of_marks_is_no_part_of_a_checkpoint_and_stays() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    marks = dict(next(iter(cloud.snapshots.values()))["metadata"])
    cloud.snapshots |= by_id([a_snapshot("somebody", volume="data", metadata=marks)])
    assert not planned(cloud, checkpoint, **FRIDAY, keep=1).changed
    assert uuid_of("somebody") in cloud.snapshots


def test_a_rest_that_somebody_has_copied_stays_and_is_told() -> None:
    ones = [a_snapshot(name, volume="data", metadata=a_mark(1)) for name in ("half", "copy")]
    cloud = a_cloud(snapshots=ones)
    ran = run(cloud, **FRIDAY)
    assert {one["id"] for one in ones} <= set(cloud.snapshots)
    assert any("is left alone" in warning for warning in ran.plan.warnings)


def test_a_rest_that_cannot_be_deleted_is_told_and_not_waited_for() -> None:
    cloud = a_cloud(snapshots=[a_snapshot("half", volume="data", metadata=a_mark(1))])
    cloud.snapshot_deletions = "error_deleting"
    run(cloud, **FRIDAY)
    assert "is in error_deleting" in planned(cloud, checkpoint, **FRIDAY).warnings[0]


# Killed, and at once


def instants(count: int = 0) -> int:
    cloud = a_cloud(cls=Mortal)
    cloud.instants = count
    run(cloud, **FRIDAY)
    return int(cloud.instants)


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next() -> None:
    every = instants()
    assert every > 8
    for instant in range(1, every + 1):
        cloud = a_cloud(cls=Mortal)
        cloud.instants, cloud.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(cloud, **FRIDAY)
        cloud.breaks_at = -1
        run(cloud, **FRIDAY)
        complete(cloud)
        assert not planned(cloud, checkpoint, **FRIDAY).changed


def test_a_run_that_is_killed_twice_is_finished_by_the_third() -> None:
    for instant in range(1, instants() + 1):
        cloud = a_cloud(cls=Mortal)
        for _life in range(2):
            cloud.instants, cloud.breaks_at = 0, instant
            try:
                run(cloud, **FRIDAY)
            except Killed:
                continue
        cloud.breaks_at = -1
        run(cloud, **FRIDAY)
        complete(cloud)


@pytest.mark.parametrize("seed", range(64))
def test_runs_at_once_end_with_one_checkpoint_and_each_is_content(seed: int) -> None:
    cloud = a_cloud()
    order = [(seed >> bit) & 1 for bit in range(6)] * 4
    assert at_once(cloud, checkpoint, order, FRIDAY, FRIDAY) == []
    for _round in range(3):
        cloud.tick()
    settle(cloud, checkpoint, **FRIDAY)
    complete(cloud)
