# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that are made anew, get another type, or go with their snapshots."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_backup,
    a_snapshot,
    a_volume,
    an_image,
    attached,
    of_image,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal

OURS: Json = {"metadata": {"bfv_made": uuid_of("root")}}
FAILED: Json = {"status": "error", "metadata": {"bfv_made": "new"}}  # its making did


def a_cloud(cls: type[FakeCloud] = FakeCloud, **fields: Any) -> FakeCloud:
    return cls(volumes=[a_volume(**fields)], images=[an_image()])


def only(cloud: FakeCloud) -> Json:
    (found,) = cloud.volumes.values()
    return found


# recreate


@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
@pytest.mark.parametrize("order", ["create_first", "delete_first"])
def test_a_volume_that_could_not_be_made_is_made_anew_where_that_is_permitted(order: str, recreate: str) -> None:
    cloud = a_cloud(**FAILED)
    settle(cloud, volume, name="root", image="debian", recreate=recreate, recreate_order=order)
    assert (only(cloud)["status"], only(cloud)["id"] == uuid_of("root")) == ("available", False)


def test_a_failed_volume_stays_where_it_is_not_permitted() -> None:
    with pytest.raises(Refused, match=r"its status is error\. .*recreate=on_error"):
        planned(a_cloud(**FAILED), volume, name="root", image="debian", recreate="never")


ERRORS = ["error", "error_extending", "error_managing", "error_restoring", "error_deleting", "error_backing-up"]


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("metadata", [{}, OURS["metadata"], {"bfv_made_as": "root"}])
def test_field_d3_an_error_says_nothing_of_the_data(status: str, metadata: Json) -> None:
    cloud = a_cloud(status=status, metadata=metadata)
    with pytest.raises(Refused, match=f"its status is {status}. What is on it may be sound"):
        settle(cloud, volume, name="root", image="debian", recreate="on_error")
    assert (only(cloud)["id"], cloud.writes) == (uuid_of("root"), [])


def test_field_d3_a_volume_that_fails_to_grow_is_kept() -> None:
    cloud = a_cloud(**OURS)
    cloud.extensions_end_in = "error_extending"
    with pytest.raises(Refused, match="What is on it may be sound"):
        settle(cloud, volume, name="root", size=40, recreate="on_error")
    assert only(cloud)["id"] == uuid_of("root")


@pytest.mark.parametrize("seen", [attached("server-1"), of_image()])
def test_field_d3_what_shows_that_it_was_there_once_is_kept(seen: Json) -> None:
    cloud = a_cloud(**{**seen, **FAILED})
    with pytest.raises(Refused, match="What is on it may be sound"):
        planned(cloud, volume, name="root", image="debian", recreate="on_error")


@pytest.mark.parametrize("status", ["available", "reserved", "error_extending", "error_deleting"])
def test_a_volume_that_was_not_seen_yet_is_made_anew_only_where_its_making_failed(status: str) -> None:
    cloud = a_cloud(status=status, metadata={"bfv_made": "new"})
    want = volume.wanted({"name": "root", "size": 10, "recreate": "on_error"})
    assert not volume.is_recreated(want, volume.observe(cloud, want))  # type: ignore[arg-type]


STATUSES = ["deleting", *ERRORS, "creating", "downloading", "restoring-backup", "extending", "detaching", "retyping"]


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_in_error_or_not_at_rest_is_not_made_anew_for_a_difference(status: str) -> None:
    cloud = a_cloud(status=status, **OURS, **of_image("fedora"))
    want = volume.wanted({"name": "root", "image": "debian", "recreate": "on_drift"})
    assert not volume.is_recreated(want, volume.observe(cloud, want))  # type: ignore[arg-type]


DRIFTS = [{"image": "debian"}, {"volume_type": "fast", "size": 10}, {"availability_zone": "az1", "size": 10}]
OTHER: Json = {**OURS, **of_image("fedora")}
both_orders = pytest.mark.parametrize("order", ["create_first", "delete_first"])


@both_orders
@pytest.mark.parametrize("options", DRIFTS)
def test_a_drifted_volume_is_made_anew_where_that_is_permitted(options: Json, order: str) -> None:
    cloud = a_cloud(**OTHER)
    settle(cloud, volume, name="root", recreate="on_drift", recreate_order=order, **options)
    assert only(cloud)["id"] != uuid_of("root")
    assert planned(cloud, volume, name="root", recreate="on_drift", **options).changed is False


@pytest.mark.parametrize(
    "source", [{"volume": "root"}, {"volume": uuid_of("root")}, {"snapshot": "friday"}], ids=["itself", "its id", "its snapshot"]
)
def test_a_volume_that_is_made_of_itself_does_not_go_before(source: Json) -> None:
    cloud = FakeCloud(volumes=[a_volume(**OTHER)], snapshots=[a_snapshot()], images=[an_image()])
    options = {**source, "name": "root", "availability_zone": "az1", "recreate": "on_drift", "cascade": True, "size": 10}
    with pytest.raises(Refused, match=r"which would go before\. recreate_order=create_first makes the new one before"):
        planned(cloud, volume, recreate_order="delete_first", **options)
    assert planned(cloud, volume, recreate_order="create_first", **options).changed


@both_orders
def test_check_mode_says_all_that_a_recreation_writes(order: str) -> None:
    cloud = a_cloud(**OTHER)
    options = {"name": "root", "image": "debian", "bootable": False, "recreate": "on_drift", "recreate_order": order}
    said = planned(cloud, volume, **options)
    settle(cloud, volume, **options)
    assert said.actions == [request.what for request in cloud.writes]
    assert [line.partition(":")[0] for line in said.destroys] == [uuid_of("root")]


def test_the_old_volume_is_there_until_the_new_one_is() -> None:
    cloud = a_cloud(**OTHER)
    settle(cloud, volume, name="root", image="debian", recreate="on_drift")
    assert [request.method for request in cloud.writes] == ["POST", "POST", "DELETE"]


@pytest.mark.parametrize("options", DRIFTS)
@pytest.mark.parametrize("recreate", ["never", "on_error"])
def test_a_drifted_volume_stays_where_it_is_not_permitted(options: Json, recreate: str) -> None:
    plan = planned(a_cloud(**OTHER), volume, name="root", recreate=recreate, **options)
    assert (plan.settled, len(plan.warnings)) == (True, 1)


@pytest.mark.parametrize("options", DRIFTS)
def test_what_another_run_was_still_making_is_made_anew_as_check_mode_says(options: Json) -> None:
    cloud = a_cloud(**{**OTHER, "metadata": {"bfv_made": "new"}})
    foreseen = planned(cloud, volume, name="root", recreate="on_drift", **options)
    plans = settle(cloud, volume, name="root", recreate="on_drift", **options)
    assert only(cloud)["id"] != uuid_of("root")
    assert len(foreseen.actions) == len([request for plan in plans for request in plan.steps])


COPIED: Json = {"bfv_made": "new", "src_backup_id": uuid_of("backup")}  # of a volume that was saved while it was new


OF_OTHERS = [{}, {"bfv_made": uuid_of("another")}, {"bfv_made": uuid_of("root").upper()}, {"bfv_made_as": "root"}, COPIED]


@pytest.mark.parametrize("metadata", OF_OTHERS)
@pytest.mark.parametrize("options", DRIFTS)
def test_field_d5_a_volume_that_was_not_made_here_is_not_made_anew(options: Json, metadata: Json) -> None:
    cloud = a_cloud(metadata=metadata, **of_image("fedora"))
    plans = settle(cloud, volume, name="root", recreate="on_drift", **options)
    assert (only(cloud)["id"], len(plans[0].warnings)) == (uuid_of("root"), 1)
    assert not [request for request in cloud.writes if request.method == "DELETE"]


@pytest.mark.parametrize("reference", ["fast", uuid_of("volume type fast")])
@pytest.mark.parametrize("more", [{}, {"retype": True}, {"recreate": "on_drift"}])
def test_field_s4_a_type_is_meant_by_its_name_or_its_id(reference: str, more: Json) -> None:
    plan = planned(a_cloud(volume_type="fast", **OURS), volume, name="root", volume_type=reference, **more)
    assert (plan.changed, plan.warnings, plan.steps) == (False, (), ())


@pytest.mark.parametrize("more", [{}, {"retype": True}])
def test_an_empty_type_asks_for_none(more: Json) -> None:
    plan = planned(a_cloud(**OURS), volume, name="root", size=10, volume_type="", recreate="on_drift", **more)
    assert (plan.changed, plan.warnings, plan.actions) == (False, (), [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"volume_type": "fsat"}, "Cinder shows no volume type fsat to this project, but .*fast"),
        ({"volume_type": uuid_of("nothing")}, "Cinder shows no volume type"),
        ({"availability_zone": "az9"}, r"availability zone az9 is not one of Cinder's that work \(az1, nova\)"),
    ],
)
@both_orders
def test_field_d4_what_the_new_one_needs_is_looked_at_first(options: Json, words: str, order: str) -> None:
    cloud = a_cloud(**OURS)
    cloud.zone_fallback = True
    with pytest.raises(Refused, match=words):
        settle(cloud, volume, name="root", size=10, recreate="on_drift", recreate_order=order, **options)
    assert (only(cloud)["id"], cloud.writes) == (uuid_of("root"), [])


@pytest.mark.parametrize("options", [{"image": "debian"}, {"snapshot": "friday"}, {"volume": "base"}])
def test_field_d4_an_origin_that_is_not_known_is_no_drift(options: Json) -> None:
    """As after a migration, which makes a new record of the volume."""
    cloud = FakeCloud(volumes=[a_volume(**OURS), a_volume("base")], images=[an_image()], snapshots=[a_snapshot(volume="base")])
    plan = planned(cloud, volume, name="root", recreate="on_drift", **options)
    assert (plan.changed, len(plan.warnings)) == (False, 1)
    assert "Cinder does not show whether it was made from" in plan.warnings[0]


@pytest.mark.parametrize("field", ["volume_type", "availability_zone"])
def test_field_d4_a_field_that_is_not_shown_is_no_drift(field: str) -> None:
    cloud = a_cloud(**OURS)
    only(cloud)[field] = None
    plan = planned(cloud, volume, name="root", size=10, recreate="on_drift", volume_type="lvm", availability_zone="nova")
    assert (plan.changed, plan.warnings) == (False, ())


@pytest.mark.parametrize(("limit", "most"), [("volumes", 1), ("gigabytes", 15)])
def test_field_d4_where_there_is_no_room_for_both_that_is_said(limit: str, most: int) -> None:
    cloud = a_cloud(**OTHER)
    cloud.limits[limit] = most
    with pytest.raises(Refused, match=r"quota.*There is room for one of the two: recreate_order=delete_first"):
        settle(cloud, volume, name="root", image="debian", size=10, recreate="on_drift")
    assert cloud.writes == []
    settle(cloud, volume, name="root", image="debian", size=10, recreate="on_drift", recreate_order="delete_first")
    assert only(cloud)["id"] != uuid_of("root")


@both_orders
def test_field_d4_where_there_is_no_room_at_all_nothing_goes(order: str) -> None:
    cloud = a_cloud(**OTHER)
    cloud.limits["gigabytes"] = 10
    with pytest.raises(Refused, match=r"0 GiB are left, and [12]0 are needed") as refused:
        settle(cloud, volume, name="root", image="debian", size=20, recreate="on_drift", recreate_order=order)
    assert "There is room for one of the two" not in str(refused.value)
    assert cloud.writes == []


def test_field_d4_where_the_new_one_fails_the_old_one_stays() -> None:
    cloud = a_cloud(**OTHER)
    cloud.volumes_end_in = "error"
    with pytest.raises(Refused, match="needed again"):
        settle(cloud, volume, name="root", image="debian", recreate="on_drift")
    assert only(cloud)["id"] == uuid_of("root")


class Stubborn(FakeCloud):
    """Gives each volume the type lvm."""

    def _create_volume(self, request: Any, wanted: Json) -> Json:
        return super()._create_volume(request, {**wanted, "volume_type": "lvm"})


def test_field_d4_where_the_new_one_differs_too_the_old_one_stays() -> None:
    cloud = a_cloud(Stubborn, **OURS)
    with pytest.raises(Refused, match="needed again"):
        settle(cloud, volume, name="root", size=10, volume_type="fast", recreate="on_drift")
    assert only(cloud)["id"] == uuid_of("root")


def test_the_diff_of_a_recreation_shows_the_new_volume() -> None:
    plan = planned(a_cloud(**OTHER), volume, name="root", image="debian", recreate="on_drift")
    assert (plan.before["image_id"], plan.after["image_id"]) == (uuid_of("fedora"), uuid_of("debian"))
    assert plan.changed


def test_what_is_as_wanted_is_not_made_anew() -> None:
    assert planned(a_cloud(**OURS, **of_image()), volume, name="root", image="debian", recreate="on_drift").settled


@both_orders
def test_an_attached_volume_is_never_made_anew(order: str) -> None:
    cloud = a_cloud(**{**OTHER, **attached("server-1")})
    with pytest.raises(Refused, match="attached to server-1"):
        planned(cloud, volume, name="root", image="debian", recreate="on_drift", recreate_order=order)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "a blank volume needs a size"),
        ({"image": "debian", "size": 2}, "needs 3 GiB"),
        ({"image": "debian", "image_size_limit": 2}, "image_size_limit is 2 GiB"),
        ({"image": "fedora"}, "Failed to find image fedora"),
    ],
)
@both_orders
def test_what_could_not_be_made_anew_is_not_deleted(options: Json, words: str, order: str) -> None:
    with pytest.raises(Refused, match=words):
        planned(a_cloud(**FAILED), volume, name="root", recreate="on_error", recreate_order=order, **options)


@pytest.mark.parametrize("name", [{}, {"name": "root"}])
def test_an_id_cannot_be_made_anew(name: Json) -> None:
    """The new volume would have another id, and no later run would find it."""
    with pytest.raises(Refused, match="Give the name instead of the id"):
        planned(a_cloud(**FAILED), volume, id=uuid_of("root"), **name, image="debian", recreate="on_error")


def test_an_id_that_is_gone_is_not_created_under_another() -> None:
    with pytest.raises(Refused, match="shows none with that id"):
        planned(FakeCloud(), volume, id=uuid_of("root"), name="root", size=1)


@both_orders
def test_a_volume_that_fails_again_is_not_made_for_ever(order: str) -> None:
    cloud = a_cloud(**FAILED)
    cloud.volumes_end_in = "error"
    with pytest.raises(Refused, match=r"and it is needed again|run again to make it anew"):
        settle(cloud, volume, name="root", image="debian", recreate="on_error", recreate_order=order)
    assert sum(request.method == "POST" for request in cloud.writes) == 1


@both_orders
def test_a_recreation_that_is_killed_at_any_instant_is_finished_by_the_next_run(order: str) -> None:
    options = {"name": "root", "image": "debian", "recreate": "on_drift", "recreate_order": order}
    whole = a_cloud(Mortal, **OTHER)
    settle(whole, volume, **options)
    for instant in range(1, whole.instants + 1):  # type: ignore[attr-defined]
        cloud = a_cloud(Mortal, **OTHER)
        cloud.breaks_at = instant  # type: ignore[attr-defined]
        with pytest.raises(Killed):
            settle(cloud, volume, **options)
        settle(cloud, volume, **options)
        assert only(cloud)["volume_image_metadata"] == {"image_id": uuid_of("debian")}, f"killed at instant {instant}"
        assert planned(cloud, volume, **options).changed is False


SUCCESSOR = a_volume(id=uuid_of("new"), metadata={"bfv_made": uuid_of("new"), "bfv_replaces": uuid_of("root")}, **of_image())


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({}, {}),  # the task permits no recreation any more
        (
            {"metadata": {**SUCCESSOR["metadata"], "bfv_made": uuid_of("x")}},
            {"recreate": "on_drift"},
        ),  # a restored backup of the new one
        ({"metadata": {"bfv_made": uuid_of("new")}}, {"recreate": "on_drift"}),  # takes nobody's place
        ({"metadata": {**SUCCESSOR["metadata"], "bfv_replaces": uuid_of("x")}}, {"recreate": "on_drift"}),
        ({"metadata": {**SUCCESSOR["metadata"], "bfv_replaces": uuid_of("root").upper()}}, {"recreate": "on_drift"}),
    ],
)
def test_what_takes_no_place_by_permission_is_a_double(fields: Json, more: Json) -> None:
    cloud = FakeCloud(volumes=[a_volume(**OTHER), {**SUCCESSOR, **fields}], images=[an_image()])
    with pytest.raises(Refused, match="2 volumes have that name"):
        settle(cloud, volume, name="root", image="debian", **more)
    assert cloud.writes == []


def test_an_old_volume_that_fits_again_does_not_go_for_a_new_one() -> None:
    cloud = FakeCloud(volumes=[a_volume(**OURS, **of_image()), SUCCESSOR], images=[an_image()])
    with pytest.raises(Refused, match="2 volumes have that name"):
        settle(cloud, volume, name="root", image="debian", recreate="on_drift")
    assert cloud.writes == []


def test_a_volume_of_another_takes_no_place_for_a_backup_either() -> None:
    """A restored backup has lost what it says of itself: then the run has to have made it."""
    cloud = FakeCloud(volumes=[a_volume(**OURS), a_volume(id=uuid_of("new"))], backups=[a_backup()])
    with pytest.raises(Refused, match="2 volumes have that name"):
        settle(cloud, volume, name="root", backup="tape", volume_type="fast", recreate="on_drift")
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "error"}, "its status is error"),
        (of_image("fedora"), f"image is {uuid_of('fedora')}, and {uuid_of('debian')} is wanted"),
    ],
)
def test_a_successor_of_another_run_that_failed_is_named(fields: Json, words: str) -> None:
    cloud = FakeCloud(volumes=[a_volume(**OTHER), {**SUCCESSOR, **fields}], images=[an_image()])
    with pytest.raises(
        Refused,
        match=f"{uuid_of('new')} was to take the place of {uuid_of('root')}, and cannot: {words}. .*state=absent with its id",
    ):
        settle(cloud, volume, name="root", image="debian", recreate="on_drift")
    assert cloud.writes == []


def test_an_old_volume_that_is_going_is_waited_for_and_not_deleted_again() -> None:
    cloud = FakeCloud(volumes=[a_volume(**OTHER, status="deleting"), SUCCESSOR], images=[an_image()])
    plan = planned(cloud, volume, name="root", image="debian", recreate="on_drift")
    assert (plan.steps, plan.waiting) == ((), f"volume root ({uuid_of('root')}) to be gone")


@pytest.mark.parametrize(
    ("held", "snapshots", "words"),
    [(attached("server-1"), [], "attached to server-1"), ({}, [a_snapshot()], "it has snapshots .*friday")],
    ids=["attached", "with a snapshot"],
)
def test_an_old_volume_that_is_held_by_now_stays_beside_the_new_one(held: Json, snapshots: list[Json], words: str) -> None:
    cloud = FakeCloud(volumes=[a_volume(**{**OTHER, **held}), SUCCESSOR], images=[an_image()], snapshots=snapshots)
    with pytest.raises(Refused, match=words):
        planned(cloud, volume, name="root", image="debian", recreate="on_drift")


def test_a_broken_recreation_is_finished_by_the_next_run() -> None:
    cloud = a_cloud(status="deleting")
    settle(cloud, volume, name="root", image="debian", recreate="on_error")
    assert (len(cloud.volumes), only(cloud)["status"]) == (1, "available")


# retype


@pytest.mark.parametrize("status", ["available", "in-use"])
def test_another_type_is_set_where_that_is_permitted(status: str) -> None:
    cloud = a_cloud(status=status)
    settle(cloud, volume, name="root", volume_type="fast", retype=True)
    assert (only(cloud)["volume_type"], only(cloud)["status"]) == ("fast", status)


def test_a_volume_gets_its_type_and_grows_then() -> None:
    cloud = a_cloud()
    plans = settle(cloud, volume, name="root", volume_type="fast", size=12, retype=True)
    assert (only(cloud)["volume_type"], only(cloud)["size"]) == ("fast", 12)
    assert plans[0].actions == [
        "change the type from lvm to fast of volume root",
        "grow the size from 10 to 12 GiB of volume root",
    ]
    assert plans[0].actions == [request.what for request in cloud.writes]


def test_a_permitted_retype_is_no_drift() -> None:
    plan = planned(a_cloud(), volume, name="root", volume_type="fast", size=10, retype=True, recreate="on_drift")
    assert (plan.warnings, plan.actions) == ((), ["change the type from lvm to fast of volume root"])


@pytest.mark.parametrize("status", ["reserved", "maintenance"])
def test_a_busy_volume_keeps_its_type(status: str) -> None:
    with pytest.raises(Refused, match=f"volume root: its status is {status}"):
        planned(a_cloud(status=status), volume, name="root", volume_type="fast", retype=True)


def test_a_retype_that_fails_is_not_tried_for_ever() -> None:
    cloud = a_cloud()
    cloud.retypes_fail = True
    with pytest.raises(Refused, match="change the type from lvm to fast of volume root», and it is needed again"):
        settle(cloud, volume, name="root", volume_type="fast", retype=True)
    assert len(cloud.writes) == 1


# cascade


HOLDING = rf"friday \({uuid_of('friday')}\), monday \({uuid_of('monday')}\)"


def with_snapshots(**fields: Any) -> FakeCloud:
    return FakeCloud(volumes=[a_volume(**fields)], snapshots=[a_snapshot(), a_snapshot("monday"), a_snapshot("x", volume="web")])


def test_the_snapshots_that_hold_a_volume_are_named() -> None:
    with pytest.raises(Refused, match=rf"it has snapshots \({HOLDING}\)\. Delete them first, or permit it with cascade=true"):
        planned(with_snapshots(), volume, name="root", state="absent")


def test_a_snapshot_without_a_name_is_named_by_its_id() -> None:
    cloud = FakeCloud(volumes=[a_volume()], snapshots=[a_snapshot(name="", id=uuid_of("friday"))])
    with pytest.raises(Refused, match=uuid_of("friday")):
        planned(cloud, volume, name="root", state="absent")


def test_cascade_deletes_the_snapshots_as_well() -> None:
    cloud = with_snapshots()
    plan, *_rest = settle(cloud, volume, name="root", state="absent", cascade=True)
    assert plan.actions == [
        f"delete volume root ({uuid_of('root')}) with snapshots friday ({uuid_of('friday')}), monday ({uuid_of('monday')})"
    ]
    assert all(uuid_of(name) in plan.destroys[0] for name in ("root", "friday", "monday"))
    assert (cloud.volumes, [one["name"] for one in cloud.snapshots.values()]) == ({}, ["x"])


def test_cascade_does_not_detach() -> None:
    with pytest.raises(Refused, match="attached to server-1"):
        planned(with_snapshots(**attached("server-1")), volume, name="root", state="absent", cascade=True)


def test_without_snapshots_cascade_changes_nothing() -> None:
    (request,) = planned(a_cloud(), volume, name="root", state="absent", cascade=True).requests
    assert request.path == f"/volumes/{uuid_of('root')}"


@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
def test_a_volume_with_snapshots_is_not_made_anew_without_a_word(recreate: str) -> None:
    with pytest.raises(Refused, match=rf"it has snapshots \({HOLDING}\)"):
        planned(with_snapshots(**FAILED), volume, name="root", size=1, recreate=recreate)
