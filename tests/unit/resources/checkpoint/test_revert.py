# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server goes back to a checkpoint: what was on its disks, its address and its ports; and no disk is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import revert
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.anew import Anew, Disk
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.found import Found
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint.wanted import Wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.record import Server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import DISKS, FRIDAY, a_cloud, run
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, planned, uuid_of
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, addresses, disks, goes, the_server, with_server

BACK: Json = {**FRIDAY, "state": "reverted", "replace_may_lose": ["user_data"]}


def write(cloud: FakeCloud, what: str) -> None:
    """The machine writes onto its disks."""
    for one in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        cloud.volumes[one["id"]]["_content"] = what


def reads(cloud: FakeCloud) -> list[str]:
    attached = the_server(cloud)["os-extended-volumes:volumes_attached"]
    return [
        cloud.volumes[one["id"]]["_content"] for one in sorted(attached, key=lambda one: one["id"] != the_server(cloud)["_root"])
    ]


def saved(cls: type[Any] = FakeCloud) -> Any:
    """A server that was saved on friday, and has gone on since."""
    cloud = a_cloud(cls=cls)
    write(cloud, "friday")
    run(cloud, **FRIDAY)
    write(cloud, "today")
    cloud.writes.clear()
    return cloud


def names(cloud: FakeCloud) -> list[str]:
    return list(dict.fromkeys(one["name"] for one in cloud.snapshots.values()))


def has_gone_back(cloud: FakeCloud, before: list[str]) -> None:
    """It has what it had on friday and its old address; what it had today is kept."""
    assert (reads(cloud), the_server(cloud)["status"], addresses(cloud)) == (["friday", "friday"], "ACTIVE", before)
    assert disks(cloud) == ["web-boot", "data"]
    kept = [one for one in cloud.volumes.values() if one.get("_content") == "today"]
    called = sorted((*one["name"].split("-kept-"), one["id"][:8], one["status"]) for one in kept)
    assert [(name, status) for name, end, id, status in called if end == id] == [("data", "available"), ("web-boot", "available")]
    assert goes(cloud) == [False, True]
    assert [key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")] == []
    assert "bfv_replaces" not in the_server(cloud)["metadata"]


def test_it_boots_from_what_was_on_its_disks_with_the_same_address_and_the_old_ones_are_kept() -> None:
    cloud = saved()
    before, old = addresses(cloud), the_server(cloud)["id"]
    had = [one["id"] for one in the_server(cloud)["os-extended-volumes:volumes_attached"]]
    foreseen = planned(cloud, checkpoint, **BACK)
    ran = run(cloud, **BACK)
    has_gone_back(cloud, before)
    assert the_server(cloud)["id"] != old
    kept: Any = ran.result["kept_volumes"]
    assert sorted(one["id"] for one in kept) == sorted(had)
    assert foreseen.result == ran.result
    assert names(cloud) == ["friday", "before-friday-1"]
    again = run(cloud, **BACK)
    assert (again.plan.changed, again.way.actions) == (False, [])


def test_the_task_that_made_it_finds_it_as_it_should_be() -> None:
    """It names the disks, and must not attach the old ones."""
    cloud = saved()
    for name in ("friday", "before-friday-1", "friday"):
        run(cloud, **{**BACK, "name": name})
        assert not planned(cloud, server, **WEB, **DISKS).changed


def test_new_disks_have_description_and_metadata_that_people_gave_the_old_ones() -> None:
    cloud = saved()
    for one in cloud.volumes.values():
        one["description"] = f"{one['name']} of the shop"
        one["metadata"] |= {"owner": one["name"], "src_backup_id": uuid_of("backup")}
    run(cloud, **BACK)
    told = {one["name"]: one["description"] for one in cloud.volumes.values() if "-kept-" not in one["name"]}
    assert told == {name: f"{name} of the shop" for name in ("web-boot", "data")}
    new = {one["name"]: one["metadata"] for one in cloud.volumes.values() if "-kept-" not in one["name"]}
    assert [(new[name]["owner"], "src_backup_id" in new[name]) for name in disks(cloud)] == [("web-boot", False), ("data", False)]


@pytest.mark.parametrize("before", [{}, {"rollout": "first", "rollout_of": "older"}], ids=["none", "an earlier one"])
def test_a_disk_from_before_a_rollout_does_not_say_that_it_is_the_rollouts(before: dict[str, str]) -> None:
    """Else the machine would count as one that runs the new image, and what is called its old disk would go."""
    cloud = saved()
    for one in cloud.volumes.values():
        one["metadata"] |= before
    saved_disk = the_server(cloud)["_root"]
    run(cloud, **BACK)  # the server has another disk than the one that was saved, as after a rollout
    cloud.volumes[the_server(cloud)["_root"]]["metadata"] |= {
        "rollout": "next",
        "rollout_of": saved_disk,
        "rollout_takes": "web-boot",
    }
    run(cloud, **{**BACK, "name": "before-friday-1"})
    new = cloud.volumes[the_server(cloud)["_root"]]
    assert {key: value for key, value in new["metadata"].items() if key.startswith("rollout")} == before
    assert not planned(cloud, checkpoint, **{**BACK, "name": "before-friday-1"}).changed


def test_a_disk_that_goes_back_to_what_it_was_since_a_rollout_is_still_the_rollouts() -> None:
    cloud = saved()
    marks = {"rollout": "next", "rollout_of": "older", "rollout_takes": "web-boot"}
    cloud.volumes[the_server(cloud)["_root"]]["metadata"] |= marks
    for name in ("friday", "before-friday-1", "friday"):
        run(cloud, **{**BACK, "name": name})
        assert marks.items() <= cloud.volumes[the_server(cloud)["_root"]]["metadata"].items()


def test_a_bare_metal_server_waits_for_its_node_to_be_free() -> None:
    """Nova finds no valid host until it has seen that: see node_to_come.py."""
    cloud = with_server(options={"flavor": "metal", "networks": "internal"}, snapshots=[])
    write(cloud, "friday")
    run(cloud, **FRIDAY)
    write(cloud, "today")
    before, old = addresses(cloud), the_server(cloud)["_root"]
    cloud.compute.cleaning = 30
    ran = run(cloud, **BACK)
    assert (reads(cloud), the_server(cloud)["status"], addresses(cloud)) == (["friday"], "ACTIVE", before)
    assert any("since there was no node" in action for action in ran.way.actions)
    assert ran.result == {"kept_volumes": [{"id": old, "name": cloud.volumes[old]["name"]}]}
    assert run(cloud, **BACK).way.actions == []


def test_its_further_disk_has_its_tag_again() -> None:
    cloud = saved()
    attachments = the_server(cloud)["os-extended-volumes:volumes_attached"]
    data = next(one for one in attachments if one["id"] != the_server(cloud)["_root"])
    data["_tag"] = "db"
    for name in ("friday", "before-friday-1"):
        run(cloud, **{**BACK, "name": name})
        new = the_server(cloud)["os-extended-volumes:volumes_attached"]
        assert [one["_tag"] for one in new if one["id"] != the_server(cloud)["_root"]] == ["db"]


def test_check_mode_foresees_it() -> None:
    cloud = saved()
    foreseen = planned(cloud, checkpoint, **BACK)
    ran = run(cloud, **BACK)
    (data,) = (id for id, one in cloud.volumes.items() if one["name"] == "data")
    new = {
        "(known when the volume is there) 1": data,
        "(known when the volume is there)": the_server(cloud)["_root"],
        "(known when the server is there)": the_server(cloud)["id"],
    }
    assert not [line for line in foreseen.warnings if "zone" in line]  # a new disk comes to be where the old one is
    said = foreseen.actions
    for words, id in new.items():
        said = [one.replace(words, id) for one in said]
    assert said == ran.way.actions


def test_the_safety_checkpoint_has_what_it_was_before() -> None:
    cloud = saved()
    run(cloud, **BACK)
    assert {one["_content"] for one in cloud.snapshots.values() if one["name"] == "before-friday-1"} == {"today"}
    write(cloud, "after")
    run(cloud, **{**BACK, "name": "before-friday-1"})
    assert reads(cloud) == ["today", "today"]
    run(cloud, **BACK)
    assert reads(cloud) == ["friday", "friday"]  # new ones: those of the first time have gone on since
    assert names(cloud) == ["friday", "before-friday-1", "before-before-friday-1-1", "before-friday-2"]


def test_without_safety_none_is_taken() -> None:
    cloud = saved()
    before = addresses(cloud)
    run(cloud, **BACK, safety=False)
    has_gone_back(cloud, before)
    assert names(cloud) == ["friday"]


def test_one_that_was_off_stays_off() -> None:
    cloud = saved()
    the_server(cloud)["status"] = "SHUTOFF"
    run(cloud, **BACK)
    assert (the_server(cloud)["status"], reads(cloud)) == ("SHUTOFF", ["friday", "friday"])
    assert not planned(cloud, checkpoint, **BACK).changed


def test_one_that_has_gone_back_is_left_as_it_is() -> None:
    cloud = saved()
    run(cloud, **BACK)
    the_server(cloud)["status"] = "SHUTOFF"
    assert not planned(cloud, checkpoint, **BACK).changed


# What is refused


def unknown(cloud: FakeCloud) -> None:
    cloud.snapshots.clear()


def in_error(cloud: FakeCloud) -> None:
    next(iter(cloud.snapshots.values()))["status"] = "error"


def locked(cloud: FakeCloud) -> None:
    the_server(cloud)["locked"] = True


def paused(cloud: FakeCloud) -> None:
    the_server(cloud)["status"] = "PAUSED"


def full(cloud: FakeCloud) -> None:
    cloud.limits["volumes"] = len(cloud.volumes) + 1


def full_of_snapshots(cloud: FakeCloud) -> None:
    cloud.limits["snapshots"] = 3


def gone(cloud: FakeCloud) -> None:
    cloud.compute.servers.clear()


def there_twice(cloud: FakeCloud) -> None:
    for one in list(cloud.snapshots.values()):
        id = uuid_of(f"second {one['id']}")
        cloud.snapshots[id] = {**one, "id": id, "metadata": {**one["metadata"], "bfv_checkpoint_set": "second", "bfv_made": id}}


def test_a_server_whose_root_is_not_certain_is_refused() -> None:
    cloud = saved()
    want = checkpoint.wanted(BACK)
    found = replace(checkpoint.observe(cloud, want), root=None)
    with pytest.raises(Refused, match="root"):
        revert.plan_revert(want, found, ())


def test_a_server_of_whose_way_back_nothing_was_read_is_refused() -> None:
    cloud = saved()
    want = checkpoint.wanted(BACK)
    found = replace(checkpoint.observe(cloud, want), anew=None)
    with pytest.raises(Refused, match="Failed to revert server web to checkpoint friday: Nova shows no server web"):
        revert.plan_revert(want, found, ())


@pytest.mark.parametrize(
    ("deed", "options", "words"),
    [
        (there_twice, {}, "it is there twice"),
        (unknown, {}, "no complete checkpoint of that name"),
        (in_error, {}, "no complete checkpoint of that name"),
        (locked, {}, "Failed to revert server web to checkpoint friday: it is locked"),
        (paused, {}, "its status is PAUSED"),
        (full, {}, "1 volumes are left, and 2 are needed"),
        (full_of_snapshots, {}, "1 snapshots are left, and 2 are needed"),
        (gone, {}, "Nova shows no server web"),
        (None, {"replace_may_lose": []}, "replace_may_lose"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(deed: Any, options: Json, words: str) -> None:
    cloud = saved()
    if deed:
        deed(cloud)
    with pytest.raises(Refused, match=words):
        run(cloud, **{**BACK, **options})
    assert cloud.writes == []


ONE = Server("s", "web", "SHUTOFF", disks={"root": True, "data": False})
DISK = Disk(volume.Wanted(name="new"), volume.Found((volume_record.Volume("new", "new", "available", 1),)))
GONE_ON = Found("server web", "server web", server=ONE, anew=Anew("s", ran=True, volumes=2, disks=(DISK,)))


def test_a_server_that_a_run_has_stopped_runs_again_before_it_is_refused() -> None:
    plan = revert.plan_revert(Wanted("friday", server="web", state="reverted"), GONE_ON, ())
    assert plan.actions == ["start server web (s) again"]


@pytest.mark.parametrize(
    ("server_fields", "anew_fields"),
    [
        ({"status": "ACTIVE"}, {}),
        ({"status": "PAUSED"}, {}),
        ({"locked": True}, {}),
        ({"disks": {"root": True}}, {}),
        ({}, {"ran": False}),
        ({}, {"disks": (replace(DISK, found=volume.Found()),)}),
        ({}, {"origin": "another"}),
        ({}, {"origin": "S"}),
    ],
    ids=str,
)
def test_no_other_server_is_started_before_it_is_refused(server_fields: Json, anew_fields: Json) -> None:
    assert GONE_ON.anew
    found = replace(GONE_ON, server=replace(ONE, **server_fields), anew=replace(GONE_ON.anew, **anew_fields))
    for one in (found, replace(found, server=None), replace(found, anew=None)):
        with pytest.raises(Refused, match="no complete checkpoint"):
            revert.plan_revert(Wanted("friday", server="web", state="reverted"), one, ())


def test_a_server_that_another_task_is_just_replacing_is_left_to_that() -> None:
    cloud = saved()
    wish = {**WEB, **DISKS, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
    for step in planned(cloud, server, **wish).requests:
        cloud.send(step)
    cloud.tick()
    cloud.tick()
    cloud.writes.clear()
    with pytest.raises(Refused, match="another task replaces it, and has not made the new one yet"):
        run(cloud, **BACK)
    assert cloud.writes == []


def test_new_disks_that_are_there_already_need_no_more_room() -> None:
    cloud = saved(cls=Mortal)
    cloud.instants, cloud.breaks_at = 0, 5  # both are made
    with pytest.raises(Killed):
        run(cloud, **BACK)
    cloud.breaks_at = -1
    assert len(cloud.volumes) == 4
    cloud.limits["volumes"] = 4
    assert planned(cloud, checkpoint, **BACK).changed


class Full(FakeCloud):
    """Somebody takes the last of the quota when the server has been stopped."""

    def _send(self, request: Request) -> Json:
        if request.path == "/snapshots" and "before" in request.what:
            self.limits["snapshots"] = 0
        return super()._send(request)


def test_a_safety_checkpoint_that_cinder_refuses_fails_the_task_with_the_server_running_again() -> None:
    cloud = saved(Full)
    with pytest.raises(BfvError, match="Maximum number of snapshots"):
        run(cloud, **BACK)
    for _round in range(2):
        cloud.tick()
    assert (the_server(cloud)["status"], reads(cloud)) == ("ACTIVE", ["today", "today"])


def test_a_safety_checkpoint_in_error_fails_the_task_with_the_server_running_again() -> None:
    cloud = saved()
    cloud.snapshots_end_in = "error"
    with pytest.raises(BfvError, match="has status error"):
        run(cloud, **BACK)
    assert (the_server(cloud)["status"], reads(cloud)) == ("ACTIVE", ["today", "today"])


@pytest.mark.parametrize("status", ["creating", "available"])
def test_new_disks_that_are_known_by_the_mark_of_the_run_alone_are_not_taken_for_surplus(status: str) -> None:
    """Their answers were lost."""
    cloud, want = saved(), checkpoint.wanted({**BACK, "safety": False})
    first = checkpoint.plan(want, checkpoint.observe(cloud, want))
    for request in first.requests:
        cloud.send(request)
    for one in cloud.volumes.values():
        if one["metadata"].get("bfv_made") == want.mark:
            one["status"] = status
    second = checkpoint.plan(want, checkpoint.observe(cloud, want), {want.mark})
    deleted = [
        request.what for request in (*second.requests, *second.then) if request.method == "DELETE" and "/volumes/" in request.path
    ]
    assert [words for words in deleted if words.startswith("delete volume")] == []


def test_a_second_look_plans_the_very_same_requests() -> None:
    """Else what a list misses once would look as if somebody had removed it."""
    cloud, want = saved(), checkpoint.wanted({**BACK, "safety": False})
    one, other = (checkpoint.plan(want, checkpoint.observe(cloud, want)) for _look in range(2))
    assert any(request.path == "/volumes" for request in (*one.requests, *one.then))
    assert (one.steps, one.then) == (other.steps, other.then)


# Killed


def test_a_run_that_is_killed_anywhere_is_finished_by_the_next() -> None:
    cloud = saved(Mortal)
    cloud.instants = 0
    run(cloud, **BACK)
    every = int(cloud.instants)
    assert every > 30
    for instant in range(1, every + 1):
        cloud = saved(Mortal)
        before = addresses(cloud)
        cloud.instants, cloud.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(cloud, **BACK)
        cloud.breaks_at = -1
        run(cloud, **BACK)
        has_gone_back(cloud, before)
        assert names(cloud) == ["friday", "before-friday-1"]
        assert not planned(cloud, checkpoint, **BACK).changed


def test_a_refusal_on_the_way_starts_a_server_that_has_all_of_its_disks_and_no_other() -> None:
    cloud = saved(Mortal)
    cloud.instants = 0
    run(cloud, **BACK)
    came_to = set()
    for instant in range(1, int(cloud.instants) + 1):
        broken = saved(Mortal)
        broken.instants, broken.breaks_at = 0, instant
        with pytest.raises(Killed):
            run(broken, **BACK)
        broken.breaks_at = -1
        for _round in range(3):
            broken.tick()
        if "bfv_replaces" in str(broken.compute.servers) or not broken.compute.servers or "today" not in reads(broken):
            continue
        before, count = the_server(broken)["status"], len(disks(broken))
        with pytest.raises(Refused, match=r"Permit the loss \(replace_may_lose: \[user_data\]\)"):
            run(broken, **{**BACK, "replace_may_lose": []})
        came_to.add((before, count, the_server(broken)["status"]))
    assert came_to == {("ACTIVE", 2, "ACTIVE"), ("SHUTOFF", 2, "ACTIVE"), ("SHUTOFF", 1, "SHUTOFF")}
