# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes of checkpoints: by the name that a task gives, or beyond the number that it keeps; each by a permit, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import record, removal
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.found import Found
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.record import Snapshot
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.wanted import Wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.permits import victim
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import FRIDAY, a_cloud, a_mark, complete, run, sets
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import by_id
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_snapshot,
    a_volume,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal

ABSENT: Json = {**FRIDAY, "state": "absent"}
DAYS = ("monday", "tuesday", "wednesday", "thursday")


def a_set(name: str, set: str, *, day: int = 0, lost: bool = False, noted: bool = True) -> list[Snapshot]:
    """The snapshots of two disks. ``lost``: one of them is in error."""
    return [
        Snapshot(
            id := f"{set} {order}",
            name,
            f"disk {order}",
            "error" if lost and order else "available",
            metadata=a_mark(order, set=set, made=id if noted else "new", name=name),
            created_at=f"2026-01-0{day + 1}",
        )
        for order in range(2)
    ]


def with_checkpoints(*names: str, cls: type[Any] = FakeCloud) -> Any:
    cloud = a_cloud(cls=cls)
    for name in names:
        run(cloud, **{**FRIDAY, "name": name})
    cloud.writes.clear()
    return cloud


def there(cloud: FakeCloud) -> list[str]:
    return sorted({one["metadata"]["bfv_checkpoint"] for one in cloud.snapshots.values()})


def ids(cloud: FakeCloud, name: str) -> set[str]:
    return {one["id"] for one in cloud.snapshots.values() if one["metadata"]["bfv_checkpoint"] == name}


# By its name


def test_all_snapshots_of_the_checkpoint_go_and_no_other() -> None:
    cloud = with_checkpoints("friday", "monday")
    going = ids(cloud, "friday")
    foreseen = planned(cloud, checkpoint, **ABSENT)
    ran = run(cloud, **ABSENT)
    assert there(cloud) == ["monday"]
    assert ran.way.actions == foreseen.actions
    assert {victim(one) for one in cloud.writes} == going
    destroys: Any = foreseen.diff["after"]
    assert all(any(line.startswith(id) for line in destroys["destroys"]) for id in going)
    assert not planned(cloud, checkpoint, **ABSENT).changed


def test_of_a_server_that_is_gone_too() -> None:
    cloud = with_checkpoints("friday")
    cloud.compute.servers.clear()
    run(cloud, **ABSENT)
    assert cloud.snapshots == {}


def test_the_rest_of_a_broken_run_goes_with_it() -> None:
    cloud = with_checkpoints("friday")
    cloud.snapshots |= by_id([a_snapshot("half", volume="data", metadata=a_mark(1), status="creating")])
    plan = planned(cloud, checkpoint, **ABSENT)
    assert (plan.steps, len(plan.then)) == ((), 3)
    run(cloud, **ABSENT)
    assert cloud.snapshots == {}


@pytest.mark.parametrize("made", ["NEW", "first 0", "FIRST 1", ""])
def test_only_the_mark_of_its_own_id_or_of_a_beginning_makes_a_snapshot_ours(made: str) -> None:
    one = Snapshot("first 1", "friday", "disk 1", "available", metadata=a_mark(1, made=made))
    assert (one.is_made_here, record.gathered([one])) == (False, ())


@pytest.mark.parametrize("key", ["bfv_checkpoint", "bfv_checkpoint_set", "bfv_checkpoint_disks", "bfv_checkpoint_order"])
def test_a_snapshot_that_lacks_a_mark_belongs_to_no_checkpoint(key: str) -> None:
    marks = a_mark(1, made="own")
    del marks[key]
    one = Snapshot("own", "friday", "disk 1", "available", metadata=marks)
    assert (one.is_ours, record.gathered([one])) == (True, ())


def test_without_a_project_no_checkpoint_is_taken_for_gone() -> None:
    cloud = with_checkpoints("friday")
    cloud.project = ""
    with pytest.raises(Refused, match="without a project"):
        record.read(cloud, "server web")


OTHERS: dict[str, list[Snapshot]] = {
    "whole, and never seen complete": a_set("friday", "second", noted=False),
    "not complete any more": a_set("friday", "second", lost=True),
    "the rest of another": a_set("friday", "second")[:1],
    "of a name in another case": a_set("Friday", "second"),
}


@pytest.mark.parametrize("others", OTHERS.values(), ids=list(OTHERS))
def test_the_one_that_was_seen_complete_is_meant_whatever_is_there_beside_it(others: list[Snapshot]) -> None:
    found = record.gathered([*a_set("friday", "first", day=1), *others])
    assert record.chosen(found, "friday", "revert").set == "first"


def test_where_none_is_complete_those_that_are_are_named() -> None:
    coming = [replace(one, status="creating") for one in a_set("friday", "second", noted=False)]
    lost = a_set("tuesday", "third", lost=True)
    for others, known in (([], "none"), (a_set("monday", "first"), "monday")):
        with pytest.raises(Refused, match=rf"it has no complete checkpoint of that name\. It has: {known}\."):
            record.chosen(record.gathered([*others, *coming, *lost]), "friday", "revert")


def test_a_checkpoint_that_is_not_there_is_no_change_and_another_machines_stays() -> None:
    cloud = with_checkpoints("friday")
    assert planned(cloud, checkpoint, **{**ABSENT, "server": "db"}).settled
    assert planned(cloud, checkpoint, **{**ABSENT, "name": "monday"}).settled
    assert len(sets(cloud)) == 1


def in_error_deleting(cloud: FakeCloud) -> None:
    list(cloud.snapshots.values())[-1]["status"] = "error_deleting"


def backing_up(cloud: FakeCloud) -> None:
    list(cloud.snapshots.values())[-1]["status"] = "backing-up"


def in_a_group(cloud: FakeCloud) -> None:
    list(cloud.snapshots.values())[-1]["group_snapshot_id"] = uuid_of("group")


def there_twice(cloud: FakeCloud) -> None:
    for order, volume in enumerate(("web-boot", "data")):
        id = uuid_of(f"second {order}")
        one = a_snapshot(f"second {order}", volume=volume, id=id, metadata=a_mark(order, set="second", made=id))
        cloud.snapshots[id] = one


def copied(cloud: FakeCloud) -> None:
    cloud.snapshots |= by_id([a_snapshot(name, volume="data", metadata=a_mark(1)) for name in ("half", "copy")])


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (in_error_deleting, "has status error_deleting"),
        (backing_up, "has status backing-up"),
        (in_a_group, "is part of group snapshot"),
        (there_twice, "its snapshots are there twice"),
        (copied, "its snapshots are there twice"),
    ],
)
def test_what_cinder_would_refuse_and_what_is_not_certain_is_refused_first(deed: Any, words: str) -> None:
    cloud = with_checkpoints("friday")
    deed(cloud)
    with pytest.raises(Refused, match=words):
        run(cloud, **ABSENT)
    assert cloud.writes == []


def test_what_a_volume_was_made_of_goes_first_is_told_and_where_the_backend_keeps_it_all_else_stays() -> None:
    cloud = with_checkpoints("friday")
    used = max(cloud.snapshots.values(), key=lambda one: one["metadata"]["bfv_checkpoint_order"])
    cloud.volumes |= by_id([a_volume("copy", snapshot_id=used["id"])])
    plan = planned(cloud, checkpoint, **ABSENT)
    assert ([one.key for one in plan.requests], len(plan.then)) == ([used["id"]], 1)
    assert "volume copy" in plan.warnings[0]
    cloud.snapshot_deletions = "busy"
    with pytest.raises(BfvError, match="it is needed again"):
        run(cloud, **ABSENT)
    complete(cloud)
    cloud.snapshot_deletions = "gone"
    assert len(run(cloud, **ABSENT).way.actions) == 2
    assert cloud.snapshots == {}


def test_a_snapshot_that_changes_before_it_is_deleted_is_looked_at_again() -> None:
    cloud = with_checkpoints("friday")
    want = checkpoint.wanted(ABSENT)
    (first, _second) = checkpoint.plan(want, checkpoint.observe(cloud, want)).requests
    cloud.snapshots[first.key]["metadata"]["bfv_made"] = "somebody"
    with pytest.raises(Refused, match="its metadata was"):
        cloud.send(first)


@pytest.mark.parametrize(("state", "keep"), [("absent", None), ("present", 1)])
def test_a_removal_that_is_killed_anywhere_is_finished_by_the_next(state: str, keep: int | None) -> None:
    def fresh() -> Any:
        cloud = with_checkpoints("monday", "friday", cls=Mortal)
        cloud.instants = 0
        return cloud

    wish = {**FRIDAY, "state": state, "keep": keep}
    cloud = fresh()
    run(cloud, **wish)
    expected, every = there(cloud), int(cloud.instants)
    for instant in range(1, every + 1):
        cloud = fresh()
        cloud.breaks_at = instant
        with pytest.raises(Killed):
            run(cloud, **wish)
        cloud.breaks_at = -1
        run(cloud, **wish)
        assert there(cloud) == expected


# Beyond the number that is kept


@pytest.mark.parametrize(
    ("keep", "stay"),
    [(1, []), (2, ["thursday"]), (4, ["thursday", "tuesday", "wednesday"]), (5, list(DAYS)), (6, list(DAYS)), (9, list(DAYS))],
)
def test_the_oldest_beyond_the_number_go_when_the_new_one_is_there(keep: int, stay: list[str]) -> None:
    cloud = with_checkpoints(*DAYS)
    foreseen = planned(cloud, checkpoint, **FRIDAY, keep=keep)
    ran = run(cloud, **FRIDAY, keep=keep)
    assert there(cloud) == sorted(["friday", *stay])
    assert ran.way.actions == foreseen.actions
    assert foreseen.diff["after"] == {
        "checkpoints": sorted(["friday", *stay]),
        **({"destroys": foreseen.destroys} if keep < 5 else {}),
    }
    verbs = [one.split()[0] for one in ran.way.actions]
    assert verbs == sorted(verbs, key=["take", "note", "delete"].index)
    again = planned(cloud, checkpoint, **FRIDAY, keep=keep)
    assert (again.changed, again.settled) == (False, True)


def test_the_one_that_the_task_names_stays_where_it_is_the_oldest() -> None:
    cloud = with_checkpoints("friday", *DAYS)
    run(cloud, **FRIDAY, keep=2)
    assert there(cloud) == ["friday", "thursday"]


@pytest.mark.parametrize(
    ("lost", "goes"), [((), ["monday", "tuesday"]), (("thursday",), ["monday"]), (("monday",), ["monday", "tuesday"])]
)
def test_what_is_not_complete_any_more_is_not_counted_and_goes_only_where_it_is_older(lost: Any, goes: list[str]) -> None:
    ones = [one for day, name in enumerate(DAYS) for one in a_set(name, name, day=day, lost=name in lost)]
    found = Found("server web", "server web", checkpoints=record.gathered(ones))
    assert [one.name for one in removal.outdated(Wanted("friday", keep=3), found)] == goes


def test_the_name_that_a_task_gives_is_compared_exactly() -> None:
    found = Found("server web", "server web", checkpoints=record.gathered(a_set("Friday", "first")))
    assert [one.name for one in removal.outdated(Wanted("friday", keep=1), found)] == ["Friday"]
    assert removal.outdated(Wanted("Friday", keep=1), found) == []


def test_of_what_goes_already_nothing_is_deleted_again() -> None:
    first, second = a_set("friday", "first")
    (checkpoint_,) = record.gathered([replace(first, status="deleting"), second])
    assert [one.key for one in removal.let_go(checkpoint_, "keep: 1")] == [second.id]
    plan = removal.plan_absence(Wanted("friday"), Found("server web", "server web", checkpoints=(checkpoint_,)))
    assert ([one.key for one in plan.requests], plan.waiting) == ([second.id], f"snapshots {first.id}, {second.id} to be gone")


def test_a_diff_shows_the_complete_ones_before_and_after() -> None:
    ones = [*a_set("friday", "first"), *a_set("monday", "second"), *a_set("tuesday", "third", lost=True)]
    plan = removal.plan_absence(Wanted("friday"), Found("server web", "server web", checkpoints=record.gathered(ones)))
    assert (plan.before, plan.after) == ({"checkpoints": ["friday", "monday"]}, {"checkpoints": ["monday"]})


@pytest.mark.parametrize("keep", [0, -1])
def test_at_least_one_is_kept(keep: int) -> None:
    with pytest.raises(Invalid, match="keep is"):
        checkpoint.wanted({**FRIDAY, "keep": keep})


def test_keep_is_for_a_checkpoint_that_is_to_be_there() -> None:
    with pytest.raises(Invalid, match="keep is for"):
        checkpoint.wanted({**ABSENT, "keep": 1})


def test_another_machines_checkpoints_do_not_count() -> None:
    cloud = with_checkpoints("monday")
    for one in cloud.snapshots.values():
        one["metadata"]["bfv_checkpoint_of"] = "server WEB"
    run(cloud, **FRIDAY, keep=1)
    assert there(cloud) == ["friday", "monday"]


def test_what_a_volume_was_made_of_stays_and_is_told() -> None:
    cloud = with_checkpoints("monday")
    cloud.volumes |= by_id([a_volume("copy", snapshot_id=next(iter(cloud.snapshots)))])
    run(cloud, **FRIDAY, keep=1)
    assert there(cloud) == ["friday", "monday"]
    plan = planned(cloud, checkpoint, **FRIDAY, keep=1)
    assert (plan.settled, plan.changed) == (True, False)
    assert "checkpoint monday of server web stays, beyond keep: 1: volume copy" in plan.warnings[0]


@pytest.mark.parametrize("deed", [in_error_deleting, backing_up, in_a_group])
def test_what_cinder_would_not_delete_stays_whole(deed: Any) -> None:
    cloud = with_checkpoints("monday")
    deed(cloud)
    run(cloud, **FRIDAY, keep=1)
    assert len(ids(cloud, "monday")) == 2


def test_what_was_never_complete_is_not_counted_and_stays() -> None:
    cloud = with_checkpoints("monday")
    cloud.snapshots |= by_id([a_snapshot("half", volume="data", metadata=a_mark(1, name="saturday"))])
    run(cloud, **FRIDAY, keep=2)
    assert there(cloud) == ["friday", "monday", "saturday"]


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "friday"},
        {"name": "today", "keep": 1},
        {"name": "friday", "state": "absent"},
        {"name": "friday", "state": "reverted"},
    ],
    ids=["taken already", "kept", "removed", "reverted"],
)
def test_the_checkpoints_of_another_server_of_the_name_are_not_its_own(wish: Json) -> None:
    """They are found by the server's name: one that has the same takes them for its own, and neither is saved, or the other one's go."""
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    settle(cloud, server, name="other", flavor="small", boot={"image": "debian"})
    other = next(one for one in cloud.compute.servers.values() if one["name"] == "other")
    other["name"] = "web"
    there = deepcopy(cloud.snapshots)
    cloud.writes.clear()
    with pytest.raises(Refused, match=r"2 servers have that name .*Rename one"):
        run(cloud, server=other["id"], **wish)
    assert (cloud.snapshots, cloud.writes) == (there, [])


def test_a_server_of_the_name_that_is_being_deleted_is_no_other_one() -> None:
    cloud = a_cloud()
    (own,) = cloud.compute.servers
    going = {**deepcopy(cloud.compute.servers[own]), "id": uuid_of("going"), "OS-EXT-STS:task_state": "deleting"}
    cloud.compute.servers[going["id"]] = going
    run(cloud, server=own, name="friday")
    complete(cloud)
