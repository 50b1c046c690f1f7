# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node goes back to a checkpoint: with new volumes, or in place where Cinder can; and what is lost is said before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import node_anew, places
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.record import Snapshot
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node_record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.target import Target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import Volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import run
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_snapshot,
    a_target,
    a_volume,
    attached,
    planned,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal

FRIDAY: Json = {"node": "bm-0", "name": "friday"}
BACK: Json = {**FRIDAY, "state": "reverted"}
IN_PLACE: Json = {**BACK, "safety": False}
NODE = uuid_of("bm-0")


def write(cloud: FakeCloud, what: str) -> None:
    """The machine writes onto its disks."""
    for one in disks(cloud):
        cloud.volumes[one]["_content"] = what


def disks(cloud: FakeCloud) -> list[str]:
    ones = sorted((one for one in cloud.targets.values() if one["node_uuid"] == NODE), key=lambda one: str(one["boot_index"]))
    return [one["volume_id"] for one in ones]


def reads(cloud: FakeCloud) -> list[str]:
    return [cloud.volumes[one]["_content"] for one in disks(cloud)]


def saved(cls: type[Any] = FakeCloud, **node: Any) -> Any:
    """A node that runs from two volumes, was saved on friday, and has gone on since."""
    held = attached(NODE, "ironic_mountpoint")
    cloud = cls(
        nodes=[a_node(provision_state="active", power_state="power on", **node), a_node("bm-1")],
        volumes=[a_volume("root", **held), a_volume("data", bootable="false", **held), a_volume("other")],
        targets=[a_target(), a_target(volume="data", boot_index=3, extra={"rack": "3"}), a_target("bm-1", "other")],
        connectors=[a_connector()],
    )
    write(cloud, "friday")
    run(cloud, **FRIDAY)
    write(cloud, "today")
    cloud.writes.clear()
    return cloud


def has_gone_back(cloud: FakeCloud) -> None:
    """It runs from what it had on friday, at the same places, and nothing is left of the way."""
    assert (reads(cloud), cloud.nodes[NODE]["provision_state"]) == (["friday", "friday"], "active")
    own = sorted((one for one in cloud.targets.values() if one["node_uuid"] == NODE), key=lambda one: int(one["boot_index"]))
    assert [(one["boot_index"], one["volume_type"], one["extra"]) for one in own] == [
        (0, "iscsi", {}),
        (3, "iscsi", {"rack": "3"}),
    ]
    assert {cloud.volumes[one]["metadata"]["bfv_reverted_step"] for one in disks(cloud)} == {"done"}
    assert {cloud.volumes[one]["status"] for one in disks(cloud)} == {"in-use"}
    assert len(cloud.targets) == 3
    again = planned(cloud, checkpoint, **BACK)
    assert (again.changed, again.settled) == (False, True)


def kept(cloud: FakeCloud) -> list[tuple[str, str]]:
    """The old ones, which have given their names to those that the node boots from; one that was not saved keeps its own."""
    ones = [one for one in cloud.volumes.values() if one.get("_content") == "today"]
    assert [one["name"] for one in ones if not one["name"].endswith(f"-kept-{one['id'][:8]}") and one["name"] != "later"] == []
    assert [cloud.volumes[one]["name"] for one in disks(cloud)] == ["root", "data"]
    return sorted((one["name"].partition("-kept-")[0], one["status"]) for one in ones)


def names(cloud: FakeCloud) -> list[str]:
    return list(dict.fromkeys(one["name"] for one in cloud.snapshots.values()))


def test_a_disk_from_before_a_rollout_does_not_say_that_it_is_the_rollouts() -> None:
    cloud = saved()
    old = disks(cloud)[0]
    run(cloud, **BACK)  # the node has another disk than the one that was saved, as after a rollout
    marks = {"rollout": "next", "rollout_of": old, "rollout_takes": "root", "owner": "shop"}
    cloud.volumes[disks(cloud)[0]]["metadata"] |= marks
    run(cloud, **{**BACK, "name": "before-friday-1"})
    new = cloud.volumes[disks(cloud)[0]]["metadata"]
    assert {key: new.get(key) for key in marks} == {**dict.fromkeys(marks), "owner": "shop"}


def test_a_second_look_plans_the_very_same_requests() -> None:
    """Else what a list misses once would look as if somebody had removed it."""
    cloud, want = saved(), checkpoint.wanted(BACK)
    one, other = (checkpoint.plan(want, checkpoint.observe(cloud, want)) for _look in range(2))
    assert any(request.path == "/volumes" for request in (*one.requests, *one.then))
    assert (one.steps, one.then) == (other.steps, other.then)


# With new volumes


def test_new_volumes_that_cinder_cannot_make_leave_none_that_is_not_named() -> None:
    """Each run makes the failed one of the run before anew, and removes its own that fails as well."""
    cloud = saved()
    cloud.volumes_end_in = "error"
    there = set(cloud.volumes)
    with pytest.raises(BfvError, match="It could not be made, and nothing is on it"):
        run(cloud, **BACK)
    failed = set(cloud.volumes) - there
    for _run in range(2):
        with pytest.raises(BfvError) as told:
            run(cloud, **BACK)
        assert set(cloud.volumes) - there == failed
        assert [id for id in failed if id in str(told.value)] != []
    cloud.volumes_end_in = "available"
    run(cloud, **BACK)
    has_gone_back(cloud)


def test_it_is_deployed_from_new_volumes_at_the_same_places_and_the_old_ones_are_kept() -> None:
    cloud = saved()
    had = disks(cloud)
    foreseen = planned(cloud, checkpoint, **BACK)
    ran = run(cloud, **BACK)
    has_gone_back(cloud)
    assert set(disks(cloud)) & set(had) == set()
    assert kept(cloud) == [("data", "available"), ("root", "available")]
    assert [one["id"] for one in ran.result["kept_volumes"]] == had  # type: ignore[attr-defined]
    assert names(cloud) == ["friday", "before-friday-1"]
    assert {one["_content"] for one in cloud.snapshots.values() if one["name"] == "before-friday-1"} == {"today"}
    assert (foreseen.actions, foreseen.result) == (ran.way.actions, ran.result)
    assert [line.partition(":")[0] for line in foreseen.destroys] == [NODE]
    again = run(cloud, **BACK)
    assert (again.plan.changed, again.way.actions) == (False, [])


def test_the_machine_runs_until_all_is_there_that_it_goes_back_with() -> None:
    cloud = saved()
    actions = run(cloud, **BACK).way.actions
    undeployed = next(number for number, action in enumerate(actions) if action.startswith("undeploy"))
    assert [number for number, action in enumerate(actions) if "create volume" in action and "target" not in action] == [0, 1]
    assert max(number for number, action in enumerate(actions) if "snapshot" in action) < undeployed


def test_check_mode_foresees_each_time_that_it_goes_back_in_place() -> None:
    cloud = saved()
    run(cloud, **IN_PLACE)
    run(cloud, **{**FRIDAY, "name": "tuesday"})
    again = {**IN_PLACE, "name": "tuesday"}
    foreseen = planned(cloud, checkpoint, **again)
    assert foreseen.actions == run(cloud, **again).way.actions


def test_it_goes_to_and_fro() -> None:
    cloud = saved()
    run(cloud, **BACK)
    write(cloud, "after")
    run(cloud, **{**BACK, "name": "before-friday-1"})
    assert reads(cloud) == ["today", "today"]
    run(cloud, **BACK)
    assert reads(cloud) == ["friday", "friday"]  # new ones: those of the first time have gone on since
    has_gone_back(cloud)


def test_a_node_that_was_only_prepared_is_not_deployed() -> None:
    cloud = saved()
    cloud.nodes[NODE].update(provision_state="available", power_state="power off")
    for one in ("root", "data"):
        cloud.volumes[uuid_of(one)].update(status="available", attachments=[])
    foreseen = planned(cloud, checkpoint, **BACK)
    ran = run(cloud, **BACK)
    assert (reads(cloud), cloud.nodes[NODE]["provision_state"]) == (["friday", "friday"], "available")
    assert foreseen.actions == ran.way.actions
    assert not [one for one in ran.way.actions if "deploy" in one]
    assert not planned(cloud, checkpoint, **BACK).changed


def test_a_target_that_came_later_is_not_there_afterwards() -> None:
    cloud = saved()
    later = a_target(volume="later", boot_index=5)
    cloud.targets[later["uuid"]] = later
    cloud.volumes[uuid_of("later")] = a_volume("later", _content="today", **attached(NODE))
    run(cloud, **BACK)
    has_gone_back(cloud)
    assert kept(cloud) == [("data", "available"), ("later", "available"), ("root", "available")]


# In place


def test_without_safety_the_snapshots_are_written_onto_their_volumes() -> None:
    cloud = saved()
    had = disks(cloud)
    foreseen = planned(cloud, checkpoint, **IN_PLACE)
    ran = run(cloud, **IN_PLACE)
    has_gone_back(cloud)
    assert (disks(cloud), kept(cloud), names(cloud)) == (had, [], ["friday"])
    assert (foreseen.actions, foreseen.result, ran.result["kept_volumes"]) == (ran.way.actions, ran.result, [])
    assert [line.partition(":")[0] for line in foreseen.destroys] == [NODE, *had]
    assert f"revert volume root ({had[0]}) to snapshot" in str(ran.way.actions)


def grown(cloud: FakeCloud) -> None:
    cloud.volumes[uuid_of("root")]["size"] = 20


def not_the_newest(cloud: FakeCloud) -> None:
    cloud.snapshots["later"] = {
        **next(one for one in cloud.snapshots.values() if one["volume_id"] == uuid_of("root")),
        "id": "later",
        "metadata": {},
        "created_at": "2027-01-01T00:00:00.000000",
    }


def anothers(cloud: FakeCloud) -> None:
    claim = a_target("bm-1", "root", boot_index=1)
    cloud.targets[claim["uuid"]] = claim


@pytest.mark.parametrize("deed", [grown, not_the_newest, anothers])
def test_where_cinder_cannot_or_another_node_has_a_claim_a_new_volume_is_made(deed: Any) -> None:
    cloud = saved()
    deed(cloud)
    run(cloud, **IN_PLACE)
    assert (reads(cloud), cloud.nodes[NODE]["provision_state"]) == (["friday", "friday"], "active")
    assert disks(cloud)[1] == uuid_of("data")
    assert kept(cloud) == [("root", "available")]


# Which volume is taken for a place

SNAPSHOT = Snapshot("friday", "friday", "root", "available", size=10, metadata={"bfv_checkpoint_order": "0"})
MARKS = {"bfv_reverted_step": "waits", "bfv_checkpoint_order": "0", "bfv_made": "new"}


def seen(*disks: Volume, marked: tuple[Volume, ...] = (), boots: str = "root") -> node_anew._Seen:
    target = Target("t", NODE, "iscsi", 0, boots)
    return node_anew._Seen(node_record.from_api(a_node()), (target,), disks, marked, "mark")


def one(id: str = "root", **fields: Any) -> Volume:
    return Volume(**{"id": id, "name": id, "status": "available", "size": 10, **fields})


@pytest.mark.parametrize(
    ("step", "fresh", "fresh_where_named"),
    [
        ("waits", True, True),
        ("WAITS", False, False),
        ("used by this run", False, True),
        ("written by this run", False, False),
        ("done", False, False),
        ("", False, False),
    ],
)
def test_a_machine_may_have_run_from_all_that_does_not_wait_or_is_not_named(
    step: str, fresh: bool, fresh_where_named: bool
) -> None:
    new = one(metadata={"bfv_reverted_step": step})
    assert (places.is_fresh(new, named=False), places.is_fresh(new, named=True)) == (fresh, fresh_where_named)


@pytest.mark.parametrize(
    ("step", "to_be_written", "written"),
    [
        ("waits", True, False),
        ("Waits", False, False),
        ("written by a", True, True),
        ("written by A", True, False),
        ("done", False, False),
    ],
)
def test_what_was_written_was_so_by_the_very_run(step: str, to_be_written: bool, written: bool) -> None:
    here = one(metadata={"bfv_reverted_step": step})
    assert (places.is_to_be_written(here), places.is_written(here, "a")) == (to_be_written, written)


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({}, True),
        ({"snapshot_id": None}, False),  # one that is written onto in place
        ({"snapshot_id": "monday"}, False),
        ({"metadata": {**MARKS, "bfv_made": "another"}}, False),
        ({"metadata": {**MARKS, "bfv_reverted_step": "done"}}, False),
        ({"metadata": {**MARKS, "bfv_checkpoint_order": "1"}}, False),
    ],
    ids=str,
)
def test_a_new_volume_is_made_of_the_very_snapshot_and_by_this_collection(fields: Json, taken: bool) -> None:
    new = one("new", **{"snapshot_id": "friday", "metadata": MARKS, **fields})
    assert node_anew._fresh(seen(marked=(new,)), SNAPSHOT) == (new if taken else None)


@pytest.mark.parametrize(
    ("there", "is_written_over"),
    [
        (seen(one()), True),
        (seen(one(attached_to=(NODE,), status="in-use")), True),
        (seen(one(attached_to=(NODE, "another"), status="in-use")), False),
        (seen(one("other"), boots="other"), False),  # another volume is at the place
        (seen(one("other", status="reverting"), boots="other"), False),
        (seen(one(), boots="other"), False),  # it is at another place by now
        (seen(marked=(one(metadata=MARKS),)), True),
        (seen(marked=(one(metadata={**MARKS, "bfv_reverted_step": "used by a run"}),)), False),
        (seen(one(size=11)), False),
        (seen(one(status="error")), False),
    ],
)
def test_only_the_snapshots_own_volume_is_written_over_where_it_is_the_nodes(
    there: node_anew._Seen, is_written_over: bool
) -> None:
    cloud = FakeCloud(snapshots=[a_snapshot("friday", id="friday", volume_id="root")])
    found = node_anew._in_place(cloud, there, SNAPSHOT, ())  # type: ignore[arg-type]
    assert (found is not None) == is_written_over
    assert node_anew._in_place(cloud, there, SNAPSHOT, {"root"}) is None  # type: ignore[arg-type]
    assert node_anew._in_place(cloud, there, SNAPSHOT, None) is None  # type: ignore[arg-type]
    assert node_anew._in_place(cloud, there, replace(SNAPSHOT, id="Friday"), ()) is None  # type: ignore[arg-type]


LATER = "2027-01-01T00:00:00.000000"


@pytest.mark.parametrize(
    ("fields", "newest"),
    [
        ({"volume_id": "other"}, "friday"),
        ({"volume_id": "root"}, "later"),
        ({"volume_id": "root", "name": "[revert] volume root backup snapshot"}, "friday"),
        ({"volume_id": "root", "name": "[Revert] volume root backup snapshot"}, "later"),
        ({"volume_id": "root", "created_at": "2026-01-01T00:00:00.000000"}, None),
    ],
    ids=str,
)
def test_the_newest_snapshot_is_that_of_the_volume_which_cinder_has_not_taken_itself(fields: Json, newest: str | None) -> None:
    snapshots = [
        a_snapshot("friday", id="friday", volume_id="root"),
        {**a_snapshot("later", id="later", created_at=LATER), **fields},
    ]
    cloud = FakeCloud(snapshots=snapshots)
    cloud.drops_filters = True
    assert node_anew._newest(cloud, one()) == newest  # type: ignore[arg-type]


def test_a_revert_that_fails_in_cinder_is_made_good_by_a_new_volume() -> None:
    cloud = saved()
    cloud.reverts_end_in = "error"
    run(cloud, **IN_PLACE)
    assert (reads(cloud), cloud.nodes[NODE]["provision_state"]) == (["friday", "friday"], "active")
    assert set(disks(cloud)) & {uuid_of("root"), uuid_of("data")} == set()


def test_in_place_it_goes_back_once_more_after_another() -> None:
    cloud = saved()
    run(cloud, **IN_PLACE)
    write(cloud, "monday")
    run(cloud, node="bm-0", name="monday")
    write(cloud, "tuesday")
    run(cloud, node="bm-0", name="monday", state="reverted", safety=False)
    assert (reads(cloud), disks(cloud)) == (["monday", "monday"], [uuid_of("root"), uuid_of("data")])
    run(cloud, **IN_PLACE)  # not the newest any more
    assert reads(cloud) == ["friday", "friday"]


# What is refused


def deny(**fields: Any) -> Any:
    return lambda cloud: cloud.nodes[NODE].update(fields)


def without_connector(cloud: FakeCloud) -> None:
    cloud.connectors.clear()


def full(cloud: FakeCloud) -> None:
    cloud.limits["volumes"] = len(cloud.volumes) + 1


def full_of_snapshots(cloud: FakeCloud) -> None:
    cloud.limits["snapshots"] = 3


def unknown(cloud: FakeCloud) -> None:
    cloud.snapshots.clear()


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (deny(maintenance=True), "it is in maintenance"),
        (deny(protected=True), "it is protected"),
        (deny(retired=True), "it is retired"),
        (deny(provision_state="rescue"), "its provision state is rescue"),
        (deny(provision_state="service hold"), "its provision state is service hold. End its service first"),
        (deny(provision_state="deploy hold"), "its provision state is deploy hold. End its deployment first"),
        (deny(provision_state="quiesced"), "its provision state is quiesced. This collection does not know that state"),
        (deny(instance_uuid=uuid_of("a server")), "replace_may_lose"),
        (deny(instance_info={"configdrive": "******"}), r"its config drive.*replace_may_lose: \[config_drive\]"),
        (deny(_vifs=[{"id": "second"}, {"id": "first"}]), r"without its VIFs first, second.*replace_may_lose: \[vifs\]"),
        (deny(instance_info={"image_source": "x"}), "image_source"),
        (deny(properties={"capabilities": "boot_mode:uefi"}), "iscsi_boot"),
        (deny(storage_interface="external"), "an array that Cinder does not know"),
        (without_connector, "no iqn connector"),
        (full, "1 volumes are left, and 2 are needed"),
        (full_of_snapshots, "1 snapshots are left, and 2 are needed"),
        (unknown, "no complete checkpoint of that name"),
    ],
)
def test_what_would_not_be_deployed_again_is_refused_before_anything_is_written(deed: Any, words: str) -> None:
    cloud = saved()
    deed(cloud)
    with pytest.raises(Refused, match=words):
        run(cloud, **BACK)
    assert cloud.writes == []


def test_a_node_of_nova_is_refused_and_an_instance_is_lost_by_permission_only() -> None:
    cloud = saved(instance_uuid=uuid_of("somebody"))
    permitted = {**BACK, "replace_may_lose": ["instance"]}
    with pytest.raises(Refused, match="the node belongs to Nova"):
        run(cloud, **permitted)
    run(cloud, **permitted, without_nova=True)
    has_gone_back(cloud)


def test_what_ironic_itself_says_of_the_node_comes_before_it_is_undeployed() -> None:
    cloud = saved()
    cloud._validation = lambda node: {"boot": {"result": False, "reason": "no kernel"}}
    with pytest.raises(Refused, match="boot validation says «no kernel»"):
        run(cloud, **BACK)
    assert cloud.nodes[NODE]["provision_state"] == "active"


def test_a_deployment_that_fails_is_told_with_ironics_words_and_tried_again_by_the_next_run() -> None:
    cloud = saved()
    cloud.deployment_fails["bm-0"] = "the power failed"
    for _time in range(2):
        with pytest.raises(BfvError, match="the power failed"):
            run(cloud, **BACK)
    cloud.deployment_fails.clear()
    run(cloud, **BACK)
    has_gone_back(cloud)


class Forgetful(FakeCloud):
    """An Ironic that does not know the addresses of several volumes when they are attached at first."""

    def _move(self, node: Json) -> None:
        super()._move(node)
        if node["provision_state"] == "deploy failed":
            self.deployment_fails.clear()


def test_what_ironic_does_not_know_at_first_is_tried_once_more() -> None:
    cloud = saved(Forgetful)
    cloud.deployment_fails["bm-0"] = "KeyError: 'auth_username'"
    run(cloud, **BACK)
    has_gone_back(cloud)


# Killed


@pytest.mark.parametrize("options", [BACK, IN_PLACE])
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(options: Json) -> None:
    cloud = saved(Mortal)
    cloud.instants = 0
    run(cloud, **options)
    every = int(cloud.instants)
    assert every > 20
    for instant in range(1, every + 1):
        cloud = saved(Mortal)
        cloud.instants, cloud.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(cloud, **options)
        cloud.breaks_at = -1
        run(cloud, **options)
        has_gone_back(cloud)
        assert len(kept(cloud)) == (2 if options == BACK else 0)


@pytest.mark.parametrize(("first", "second"), [(BACK, IN_PLACE), (IN_PLACE, BACK)])
def test_the_next_run_may_have_other_options(first: Json, second: Json) -> None:
    cloud = saved(Mortal)
    cloud.instants = 0
    run(cloud, **first)
    for instant in range(1, int(cloud.instants) + 1):
        cloud = saved(Mortal)
        cloud.instants, cloud.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(cloud, **first)
        cloud.breaks_at = -1
        run(cloud, **second)
        has_gone_back(cloud)
