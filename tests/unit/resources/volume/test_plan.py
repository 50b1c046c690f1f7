# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    a_backup,
    a_snapshot,
    a_volume,
    an_image,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import at_once

GIB = 2**30


def a_cloud(*volumes: dict[str, Any], images: tuple = (an_image(),)) -> FakeCloud:
    return FakeCloud(volumes=volumes, images=images)


def only(cloud: FakeCloud) -> dict[str, Any]:
    (found,) = cloud.volumes.values()
    return found


# Creation


def test_a_volume_is_made_from_an_image_and_waited_for_until_it_can_boot() -> None:
    cloud = a_cloud()
    plans = settle(cloud, volume, name="root", image="debian")
    assert [plan.waiting for plan in plans] == [
        "volume root to become available",
        "volume root (downloading) to become available",
        "",
        "",
    ]
    assert only(cloud)["metadata"] == {"bfv_made": only(cloud)["id"]}
    assert (only(cloud)["status"], only(cloud)["bootable"], only(cloud)["size"]) == ("available", "true", 3)


@pytest.mark.parametrize(
    "options", [{"image": "debian"}, {"size": 2}, {"image": "debian", "size": 9, "metadata": {"a": 1}, "description": "d"}]
)
def test_a_second_run_changes_nothing(options: dict[str, Any]) -> None:
    cloud = a_cloud()
    first = settle(cloud, volume, name="root", **options)[0]
    again = planned(cloud, volume, name="root", **options)
    assert (again.changed, again.settled, len(cloud.volumes)) == (False, True, 1)
    told = {key: value for key, value in first.after.items() if value is not None and key != "metadata"}
    assert {key: again.before[key] for key in told} == told
    made = {**first.after["metadata"], "bfv_made": only(cloud)["id"]}  # type: ignore[dict-item]
    assert again.before["metadata"] == made


def test_check_mode_says_all_that_a_run_writes() -> None:
    for options in ({"image": "debian"}, {"size": 2, "bootable": True}, {"image": "debian", "bootable": False}):
        cloud = a_cloud()
        said = planned(cloud, volume, name="root", **options)
        settle(cloud, volume, name="root", **options)
        assert said.actions == [request.what for request in cloud.writes]


def test_a_volume_of_a_killed_run_is_finished() -> None:
    cloud = a_cloud(a_volume(metadata={"bfv_made": "new"}))
    said = planned(cloud, volume, name="root")
    settle(cloud, volume, name="root")
    assert (only(cloud)["metadata"], said.actions) == ({"bfv_made": uuid_of("root")}, [cloud.writes[0].what])
    assert planned(cloud, volume, name="root").changed is False


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ({"min_disk": 0, "size": 1}, 1),
        ({"min_disk": 5, "size": 1}, 5),
        ({"min_disk": 0, "size": 1, "virtual_size": 2 * GIB + 1}, 3),
        ({"min_disk": 1, "size": 9 * GIB, "virtual_size": 4 * GIB}, 4),
        ({"min_disk": None, "size": None}, 1),
    ],
)
def test_the_size_is_what_the_image_needs(image: dict[str, Any], size: int) -> None:
    cloud = a_cloud(images=(an_image(**image),))
    assert planned(cloud, volume, name="root", image="debian").after["size"] == size


def test_a_size_that_the_image_does_not_fit_in_is_refused() -> None:
    with pytest.raises(Refused, match="size is 2 GiB, and image debian needs 3 GiB"):
        planned(a_cloud(), volume, name="root", image="debian", size=2)


def test_a_blank_volume_needs_a_size() -> None:
    with pytest.raises(Refused, match="a blank volume needs a size"):
        planned(a_cloud(), volume, name="root")


def test_all_that_is_described_is_asked_for() -> None:
    cloud = a_cloud()
    options = {"size": 2, "volume_type": "fast", "availability_zone": "az1", "description": "d", "metadata": {"a": 1, "b": None}}
    (request,) = planned(cloud, volume, name="root", scheduler_hints={"same_host": ["x"]}, **options).steps
    described = {**options, "name": "root", "metadata": {"a": "1", "bfv_made": request.mark}}
    assert request.body == {"volume": described, "OS-SCH-HNT:scheduler_hints": {"same_host": ["x"]}}


def test_what_is_not_described_is_left_to_cinder() -> None:
    (request,) = planned(a_cloud(), volume, name="root", size=2).steps
    assert request.body == {"volume": {"name": "root", "size": 2, "metadata": {"bfv_made": request.mark}}}


def test_a_blank_volume_is_made_bootable_where_that_is_asked_for() -> None:
    cloud = a_cloud()
    settle(cloud, volume, name="root", size=2, bootable=True)
    assert only(cloud)["bootable"] == "true"


def test_an_id_cannot_be_created() -> None:
    with pytest.raises(Refused, match="shows none with that id"):
        planned(a_cloud(), volume, id=uuid_of("root"), size=2)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ((), "Glance shows none of that name or id"),
        ((an_image(), an_image(id=uuid_of("second"))), "2 images have that name"),
        ((an_image(status="queued"),), "its status is queued"),
    ],
)
def test_an_image_that_cannot_be_used_gives_one_clear_line(images: tuple, words: str) -> None:
    with pytest.raises(Refused, match=f"image debian: .*{words}"):
        planned(a_cloud(images=images), volume, name="root", image="debian")


def test_an_image_is_found_by_its_id() -> None:
    assert planned(a_cloud(), volume, name="root", image=uuid_of("debian")).after["image_id"] == uuid_of("debian")
    with pytest.raises(Refused, match="none of that name or id"):
        planned(a_cloud(), volume, name="root", image=uuid_of("fedora"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "root", "size": 0}, "above zero"),
        ({}, "neither name nor id"),
        ({"name": ""}, "neither name nor id"),
        ({"id": "detail"}, "is not a UUID"),
        ({"name": "root", "metadata": {"bfv_made": "x"}}, "keys that begin with bfv_ are this collection's own"),
    ],
)
def test_malformed_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        volume.wanted(options)


# Names


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_field_d6_a_name_is_compared_exactly_whatever_the_filter_does(state: str, drops: bool) -> None:
    cloud = a_cloud(a_volume("db-root"), a_volume("other"))
    cloud.drops_filters = drops
    settle(cloud, volume, name="DB-ROOT", size=1, state=state)
    assert {"db-root", "other"} <= {one["name"] for one in cloud.volumes.values() if one["status"] == "available"}


@pytest.mark.parametrize("kind", ["snapshot", "volume", "backup", "image"])
def test_field_d6_a_source_is_compared_exactly_too(kind: str) -> None:
    records = {f"{kind}s": [{"snapshot": a_snapshot, "volume": a_volume, "backup": a_backup, "image": an_image}[kind]("friday")]}
    with pytest.raises(Refused, match=f"Failed to find {kind} Friday"):
        planned(FakeCloud(**records), volume, name="root", **{kind: "Friday"})


def test_a_volume_that_a_list_tells_twice_is_one() -> None:
    cloud = a_cloud(a_volume())
    cloud.list_repeats = {uuid_of("root")}
    assert planned(cloud, volume, name="root").settled


def restored(cloud: FakeCloud, **fields: Any) -> str:
    """What Cinder makes of a backup: another volume, with the name and all metadata of the original."""
    copy = {**cloud.volumes[uuid_of("root")], "id": uuid_of("restored"), "created_at": "2026-03-01", "attachments": [], **fields}
    cloud.volumes[copy["id"]] = copy
    return str(copy["id"])


MARKS = [{}, {"bfv_made": uuid_of("root")}, {"bfv_made": "new"}, {"bfv_made_as": "root", "bfv_boot_of": "web"}]


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("held", [{}, {"status": "in-use", "attachments": [{"server_id": "server-1", "device": "/dev/vda"}]}])
@pytest.mark.parametrize(
    "options",
    [{}, {"state": "absent"}, {"recreate": "on_drift"}, {"recreate": "on_error"}, {"via_golden": True, "prune_golden": True}],
)
@pytest.mark.parametrize("which", ["root", "restored"])
def test_field_d2_a_restored_backup_and_its_original_stay(which: str, options: Any, held: Any, marks: Any) -> None:
    cloud = a_cloud(a_volume(metadata=marks))
    restored(cloud)
    cloud.volumes[uuid_of(which)].update(held)
    there = deepcopy(cloud.volumes)
    with pytest.raises(Refused, match=rf"2 volumes have that name .*{uuid_of('root')}: 10 GiB.*{uuid_of('restored')}"):
        settle(cloud, volume, name="root", image="debian", **options)
    assert (cloud.volumes, cloud.writes) == (there, [])


@pytest.mark.parametrize("recreate", ["on_drift", "on_error"])
@pytest.mark.parametrize("status", ["available", "error"])
def test_field_s3_a_restored_backup_alone_is_not_ours_to_make_anew(status: str, recreate: str) -> None:
    cloud = a_cloud(a_volume(metadata={"bfv_made": uuid_of("root")}, status=status))
    restored(cloud)
    del cloud.volumes[uuid_of("root")]
    with suppress(Refused):
        settle(cloud, volume, name="root", size=10, volume_type="fast", recreate=recreate)
    assert (list(cloud.volumes), cloud.writes) == ([uuid_of("restored")], [])


def test_of_two_runs_at_once_the_later_one_removes_its_own() -> None:
    """Its own alone: a volume that was there before stays, whatever marks it has."""
    for order in product((0, 1), repeat=8):
        cloud = a_cloud()
        said = at_once(cloud, volume, order, *[{"name": "root", "image": "debian"}] * 2)
        settle(cloud, volume, name="root", image="debian")
        cloud.tick()
        assert (len(cloud.volumes), said) == (1, []), order
        assert only(cloud)["created_at"].endswith("1"), order


# Changes


def test_a_name_that_matches_two_volumes_is_refused() -> None:
    cloud = a_cloud(a_volume(), a_volume(id=uuid_of("second")))
    for state in ("present", "absent"):
        with pytest.raises(Refused, match=r"2 volumes have that name .*Give the id"):
            planned(cloud, volume, name="root", state=state)
    assert planned(cloud, volume, id=uuid_of("second")).settled


@pytest.mark.parametrize("status", ["available", "in-use"])
def test_a_volume_grows(status: str) -> None:
    cloud = a_cloud(a_volume(status=status))
    plans = settle(cloud, volume, name="root", size=11)
    assert (only(cloud)["size"], plans[0].waiting) == (11, "volume root to be changed")


def test_a_volume_never_shrinks() -> None:
    with pytest.raises(Refused, match="it has 10 GiB, size is 9"):
        planned(a_cloud(a_volume()), volume, name="root", size=9)


@pytest.mark.parametrize("status", ["reserved", "attaching", "maintenance"])
def test_a_busy_volume_does_not_grow(status: str) -> None:
    with pytest.raises(Refused, match=f"volume root: its status is {status}"):
        planned(a_cloud(a_volume(status=status)), volume, name="root", size=11)


def test_a_volume_is_renamed_and_described_by_its_id() -> None:
    cloud = a_cloud(a_volume())
    plan, _settled = settle(cloud, volume, id=uuid_of("root"), name="web", description="of the web")
    assert (only(cloud)["name"], only(cloud)["description"]) == ("web", "of the web")
    assert plan.actions == ["set name and description of volume web"]


def test_metadata_is_merged_and_null_removes() -> None:
    cloud = a_cloud(a_volume(metadata={"rack": "3", "old": "x", "same": "1"}))
    settle(cloud, volume, name="root", metadata={"old": None, "new": 7, "same": 1, "never": None})
    assert only(cloud)["metadata"] == {"rack": "3", "new": "7", "same": "1"}


@pytest.mark.parametrize("key", ["a/b", "a?b", "a b", "\u00fc"])
def test_any_key_of_metadata_can_be_removed(key: str) -> None:
    (request,) = planned(a_cloud(a_volume(metadata={key: "1"})), volume, name="root", metadata={key: None}).steps
    assert request.path == f"/volumes/{uuid_of('root')}/metadata/{quote(key, safe='')}"


def test_bootable_is_left_as_it_is_where_it_is_not_named() -> None:
    assert planned(a_cloud(a_volume(bootable="false")), volume, name="root").settled


@pytest.mark.parametrize("bootable", [True, False])
def test_bootable_is_set(bootable: bool) -> None:
    cloud = a_cloud(a_volume(bootable=str(not bootable).lower()))
    settle(cloud, volume, name="root", bootable=bootable)
    assert only(cloud)["bootable"] == str(bootable).lower()


def test_a_volume_grows_last_since_it_is_busy_then() -> None:
    options = {"size": 11, "bootable": False, "description": "d", "metadata": {"a": "1"}}
    assert planned(a_cloud(a_volume()), volume, name="root", **options).actions[-1].startswith("grow the size")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"volume_type": "fast"}, "volume_type is lvm"),
        ({"availability_zone": "az1"}, "availability_zone is nova"),
        ({"image": "debian"}, "Cinder does not show whether it was made from image debian"),
    ],
)
def test_what_cannot_be_changed_is_reported(options: dict[str, str], words: str) -> None:
    plan = planned(a_cloud(a_volume()), volume, name="root", **options)
    assert plan.settled
    assert words in plan.warnings[0]


@pytest.mark.parametrize("status", ["creating", "downloading", "restoring-backup", "extending", "detaching", "retyping"])
def test_a_volume_on_its_way_is_waited_for_and_never_made_twice(status: str) -> None:
    cloud = a_cloud(a_volume(status=status))
    settle(cloud, volume, name="root", image="debian")
    assert (len(cloud.volumes), cloud.writes) == (1, [])


@pytest.mark.parametrize("status", ["creating", "downloading"])
def test_a_volume_on_its_way_is_expected_to_boot_as_one_from_an_image_does(status: str) -> None:
    cloud = a_cloud(a_volume(status=status, bootable="false"))  # Cinder says so until it is available
    want = volume.wanted({"name": "root", "image": "debian"})
    expected = volume.expected(want, volume.observe(cloud, want))
    assert (expected.id, expected.status, expected.bootable) == (uuid_of("root"), "available", True)


def test_a_volume_that_is_there_is_expected_as_it_is() -> None:
    cloud = a_cloud(a_volume(status="in-use", bootable="false"))
    want = volume.wanted({"name": "root", "image": "debian", "size": 11})
    expected = volume.expected(want, volume.observe(cloud, want))
    assert (expected.status, expected.bootable, expected.size) == ("in-use", False, 11)


@pytest.mark.parametrize("status", ["error", "error_extending", "error_deleting"])
def test_a_volume_in_error_is_refused(status: str) -> None:
    with pytest.raises(Refused, match=rf"its status is {status}\. What is on it may be sound"):
        planned(a_cloud(a_volume(status=status)), volume, name="root")


def test_a_volume_that_is_being_deleted_is_made_anew() -> None:
    cloud = a_cloud(a_volume(status="deleting"))
    plans = settle(cloud, volume, name="root", size=2)
    assert plans[0].waiting == "volume root, which is being deleted, to be gone"
    assert (only(cloud)["size"], only(cloud)["id"] == uuid_of("root")) == (2, False)


def test_a_volume_whose_creation_fails_is_an_error() -> None:
    cloud = a_cloud()
    cloud.volumes_end_in = "error"
    with pytest.raises(Refused, match="its status is error"):
        settle(cloud, volume, name="root", image="debian")


# Removal


@pytest.mark.parametrize("status", ["available", "error", "error_restoring", "error_extending", "error_managing"])
def test_a_volume_that_nobody_holds_is_deleted(status: str) -> None:
    plan = planned(a_cloud(a_volume(status=status)), volume, name="root", state="absent")
    assert plan.actions == [f"delete volume root ({uuid_of('root')})"]
    assert plan.diff["after"] == {"destroys": [f"{uuid_of('root')}: {plan.actions[0]}, since the task names it"]}


def test_a_volume_is_deleted_and_waited_for_until_it_is_gone() -> None:
    cloud = a_cloud(a_volume())
    plan, again = settle(cloud, volume, name="root", state="absent")
    assert (plan.actions, plan.waiting, again.changed, cloud.volumes) == (
        [f"delete volume root ({uuid_of('root')})"],
        "volume root to be gone",
        False,
        {},
    )


@pytest.mark.parametrize("volumes", [(), (a_volume(status="deleting"),)])
def test_what_is_going_or_gone_is_not_deleted_again(volumes: tuple) -> None:
    cloud = a_cloud(*volumes)
    assert not settle(cloud, volume, name="root", state="absent")[0].changed
    assert cloud.writes == []


def test_an_unknown_image_does_not_matter_for_a_removal() -> None:
    assert planned(a_cloud(a_volume(), images=()), volume, name="root", image="debian", state="absent").changed


def test_an_attached_volume_is_not_deleted() -> None:
    cloud = a_cloud(a_volume(status="in-use", attachments=[{"server_id": "server-1", "device": "/dev/vda"}]))
    with pytest.raises(Refused, match="attached to server-1"):
        planned(cloud, volume, name="root", state="absent")


@pytest.mark.parametrize("status", ["in-use", "reserved", "error_deleting", "maintenance"])
def test_what_cinder_would_not_delete_is_refused(status: str) -> None:
    with pytest.raises(Refused, match=f"its status is {status}, and Cinder deletes only"):
        planned(a_cloud(a_volume(status=status)), volume, name="root", state="absent")


@pytest.mark.parametrize("status", ["creating", "extending"])
def test_a_volume_on_its_way_is_deleted_when_it_has_come_to_rest(status: str) -> None:
    cloud = a_cloud(a_volume(status=status))
    settle(cloud, volume, name="root", state="absent")
    assert cloud.volumes == {}


@pytest.mark.parametrize("status", ["creating", "extending"])
def test_nothing_is_sent_while_a_volume_that_is_to_go_is_on_its_way(status: str) -> None:
    plan = planned(a_cloud(a_volume(status=status)), volume, name="root", state="absent")
    assert (plan.requests, plan.waiting) == ([], f"volume root ({status}) to come to rest before it is deleted")
    assert [request.method for request in plan.then] == ["DELETE"]


@pytest.mark.parametrize(
    "fields",
    [{"status": "available"}, {"attachments": [{"server_id": "server-1", "device": "/dev/vda"}]}, {"name": "root-kept"}],
    ids=["repaired", "attached", "renamed, to be kept"],
)
def test_a_volume_that_is_otherwise_since_it_was_looked_at_is_not_deleted(fields: dict[str, Any]) -> None:
    cloud = a_cloud(a_volume(status="error"))
    (request,) = planned(cloud, volume, name="root", state="absent").requests
    only(cloud).update(fields)
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)
    assert cloud.writes == []


def test_a_volume_without_a_name_is_deleted_by_its_id() -> None:
    for name in ("", None):
        cloud = a_cloud({**a_volume("", id=uuid_of("root")), "name": name})
        assert settle(cloud, volume, id=uuid_of("root"), state="absent")[0].actions == [f"delete volume {uuid_of('root')}"]
        assert cloud.volumes == {}


@pytest.mark.parametrize("volumes", [(), (a_volume(),)])
def test_the_result_has_the_same_keys_whether_it_is_there_or_not(volumes: tuple) -> None:
    cloud = a_cloud(*volumes)
    want = volume.wanted({"name": "root"})
    shown = volume.result(want, volume.observe(cloud, want))["volume"]
    assert shown == (
        {
            "id": uuid_of("root"),
            "name": "root",
            "status": "available",
            "size": 10,
            "bootable": True,
            "volume_type": "lvm",
            "availability_zone": "nova",
            "description": None,
            "metadata": {},
            "image_id": None,
            "snapshot_id": None,
            "source_volid": None,
            "multiattach": False,
            "attached_to": [],
        }
        if volumes
        else None
    )
