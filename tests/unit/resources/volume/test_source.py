# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a volume is made from."""

from __future__ import annotations

from itertools import combinations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import from_api
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_backup,
    a_snapshot,
    a_volume,
    an_image,
    of_image,
    planned,
    settle,
    uuid_of,
)

KINDS = {"image": "debian", "snapshot": "friday", "volume": "root", "backup": "tape"}
GIB = 2**30
each_kind = pytest.mark.parametrize("kind", KINDS)
each_of_cinder = pytest.mark.parametrize("kind", ["snapshot", "volume", "backup"])


def a_cloud(**records: Json) -> FakeCloud:
    """One source of each kind, a single one of them otherwise than usual."""
    return FakeCloud(
        images=[an_image(**records.get("image", {}))],
        snapshots=[a_snapshot(**records.get("snapshot", {}))],
        volumes=[a_volume(**records.get("volume", of_image()))],
        backups=[a_backup(**records.get("backup", {}))],
    )


def made(cloud: FakeCloud) -> Json:
    (one,) = (volume for volume in cloud.volumes.values() if volume["name"] == "copy")
    return one


@each_kind
def test_a_volume_is_made_from_each_kind_of_source(kind: str) -> None:
    cloud = a_cloud()
    settle(cloud, volume, name="copy", **{kind: KINDS[kind]})
    assert (made(cloud)["status"], made(cloud)["size"]) == ("available", 3 if kind == "image" else 10)


@each_kind
def test_a_second_run_changes_nothing(kind: str) -> None:
    cloud = a_cloud()
    settle(cloud, volume, name="copy", **{kind: KINDS[kind]})
    again = planned(cloud, volume, name="copy", **{kind: KINDS[kind]})
    assert (again.changed, again.settled, again.warnings) == (False, True, ())


def source_of(request: Request) -> Json:
    """What is asked for, but the mark: each run has its own."""
    body: Json = request.body  # type: ignore[assignment]
    return {**body, "volume": {**body["volume"], "metadata": {}}} if "volume" in body else body


@each_kind
def test_a_source_is_found_by_its_id(kind: str) -> None:
    cloud = a_cloud()
    (by_name,) = planned(cloud, volume, name="copy", **{kind: KINDS[kind]}).requests
    (by_id,) = planned(cloud, volume, name="copy", **{kind: uuid_of(KINDS[kind])}).requests
    assert (by_id.what, source_of(by_id)) == (by_name.what, source_of(by_name))


@pytest.mark.parametrize("given", [*combinations(KINDS, 2), tuple(KINDS)], ids=" ".join)
def test_more_than_one_source_is_refused_before_any_request(given: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match=f"{' and '.join(given)} are given. Give one source, or none"):
        volume.wanted({"name": "copy", **{kind: KINDS[kind] for kind in given}})


@each_kind
def test_an_unknown_source_gives_one_clear_line(kind: str) -> None:
    for name in ("nothing", uuid_of("nothing")):
        with pytest.raises(Refused, match=f"Failed to find {kind} {name}: .* shows none of that name or id"):
            planned(a_cloud(), volume, name="copy", **{kind: name})


@each_of_cinder
def test_a_source_whose_name_matches_twice_is_refused(kind: str) -> None:
    cloud = a_cloud()
    records = getattr(cloud, f"{kind}s")
    records[uuid_of("second")] = {**records[uuid_of(KINDS[kind])], "id": uuid_of("second")}
    with pytest.raises(Refused, match=f"Failed to find {kind} {KINDS[kind]}: 2 have that name .*Give the id"):
        planned(cloud, volume, name="copy", **{kind: KINDS[kind]})
    assert planned(cloud, volume, name="copy", **{kind: uuid_of("second")}).changed


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("snapshot", "creating"),
        ("snapshot", "error"),
        ("snapshot", "in-use"),
        ("volume", "creating"),
        ("volume", "error"),
        ("volume", "reserved"),
        ("backup", "creating"),
        ("backup", "restoring"),
        ("backup", "error"),
    ],
)
def test_a_source_in_another_status_than_cinder_takes_is_refused(kind: str, status: str) -> None:
    with pytest.raises(Refused, match=f"Failed to use {kind} {KINDS[kind]}: its status is {status}, and"):
        planned(a_cloud(**{kind: {"status": status}}), volume, name="copy", **{kind: KINDS[kind]})


def test_the_run_that_makes_a_volume_of_a_backup_looks_again_while_that_is_restoring() -> None:
    cloud = a_cloud(backup={"status": "restoring"})
    cloud.volumes["new"] = a_volume("copy", status="creating", metadata={"bfv_made": "new"})
    assert planned(cloud, volume, name="copy", backup="tape").waiting


def test_a_volume_in_use_can_be_cloned() -> None:
    cloud = a_cloud(volume={"status": "in-use"})
    settle(cloud, volume, name="copy", volume="root")
    assert made(cloud)["source_volid"] == uuid_of("root")


@each_of_cinder
def test_a_new_volume_is_not_smaller_than_its_source(kind: str) -> None:
    with pytest.raises(Refused, match=f"size is 9 GiB, and {kind} {KINDS[kind]} needs 10 GiB. Give a larger size"):
        planned(a_cloud(), volume, name="copy", size=9, **{kind: KINDS[kind]})


@each_of_cinder
def test_a_new_volume_may_be_larger_than_its_source(kind: str) -> None:
    cloud = a_cloud()
    settle(cloud, volume, name="copy", size=11, **{kind: KINDS[kind]})
    assert made(cloud)["size"] == 11


@pytest.mark.parametrize("bootable", [True, False])
def test_a_clone_is_as_bootable_as_its_source(bootable: bool) -> None:
    cloud = a_cloud(volume={"bootable": str(bootable).lower()})
    first = settle(cloud, volume, name="copy", volume="root")[0]
    assert (first.after["bootable"], made(cloud)["bootable"]) == (bootable, str(bootable).lower())


# image_size_limit


@pytest.mark.parametrize("size", [3, 200])
def test_an_image_above_the_limit_is_refused_before_the_request(size: int) -> None:
    cloud = a_cloud(image={"min_disk": 128})
    with pytest.raises(Refused, match="image debian needs 128 GiB, and image_size_limit is 127 GiB"):
        planned(cloud, volume, name="copy", image="debian", size=max(size, 128), image_size_limit=127)


def test_an_image_at_the_limit_is_taken() -> None:
    assert planned(a_cloud(image={"min_disk": 127}), volume, name="copy", image="debian", image_size_limit=127).changed


@each_of_cinder
def test_the_limit_is_for_images_only(kind: str) -> None:
    assert planned(a_cloud(), volume, name="copy", image_size_limit=1, **{kind: KINDS[kind]}).changed


def test_the_limit_does_not_matter_to_a_volume_that_is_there() -> None:
    assert planned(a_cloud(), volume, name="root", image="debian", image_size_limit=1).settled


# What cannot be compared, and what can


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("image", of_image("fedora"), f"image is {uuid_of('fedora')}, and {uuid_of('debian')} is wanted"),
        ("image", {}, "Cinder does not show whether it was made from image debian"),
        ("snapshot", {"snapshot_id": "other"}, f"snapshot is other, and {uuid_of('friday')} is wanted"),
        ("volume", {}, "Cinder does not show whether it was made from volume base"),
    ],
)
def test_another_source_is_reported_and_left(kind: str, fields: Json, words: str) -> None:
    cloud = a_cloud(volume=fields)
    cloud.volumes["base"] = a_volume("base")
    options = {"name": "root", kind: {**KINDS, "volume": "base"}[kind]}
    plan = planned(cloud, volume, **options)
    assert (plan.settled, plan.warnings) == (True, (f"volume root: {words}; it was left as it is",))
    want = volume.wanted(options)
    is_known = "is wanted" in words  # what Cinder does not show is no difference
    assert volume.result(want, volume.observe(cloud, want))["differs"] == ([words] if is_known else [])  # type: ignore[arg-type]


def test_a_backup_leaves_no_trace_and_is_not_compared() -> None:
    assert planned(a_cloud(), volume, name="root", backup="tape").warnings == ()


@pytest.mark.parametrize("status", ["creating", "downloading"])
def test_a_volume_that_is_still_being_made_has_no_drift(status: str) -> None:
    """Cinder shows the image of a volume only when it is on it."""
    assert planned(a_cloud(volume={"status": status}), volume, name="root", image="debian").warnings == ()


def test_a_volume_of_a_source_that_is_doubled_by_now_is_no_difference() -> None:
    cloud = of_a_tape()
    settle(cloud, volume, name="copy", backup="tape")
    cloud.backups[uuid_of("second")] = {**a_backup(), "id": uuid_of("second")}
    assert planned(cloud, volume, name="copy", backup="tape").warnings == ()


def test_what_was_not_looked_for_is_not_told_as_unknown() -> None:
    want = volume.wanted({"name": "root", "image": "debian"})
    assert volume.plan(want, volume.Found(volumes=(from_api(a_volume()),))).warnings == ()


# What a backup brings


ORIGINAL = {"bfv_made": uuid_of("root"), "bfv_boot_of": "web", "bfv_replaces": uuid_of("older"), "whose": "the original's"}


def of_a_tape(*volumes: Json) -> FakeCloud:
    original = a_volume(metadata=dict(ORIGINAL), **of_image())
    return FakeCloud(volumes=[original, *volumes], backups=[a_backup(of=original), a_backup("other")])


def test_a_volume_from_a_backup_keeps_the_mark_of_its_own_making_and_none_of_the_originals() -> None:
    cloud = of_a_tape()
    settle(cloud, volume, name="copy", backup="tape", metadata={"whose": "the new one's"})
    one = made(cloud)
    assert one["metadata"] == {"bfv_made": one["id"], "whose": "the new one's", "src_backup_id": uuid_of("tape")}
    assert planned(cloud, volume, name="copy", backup="tape").settled


def test_the_marks_of_the_original_go_before_the_volume_gets_its_own() -> None:
    """A run that is killed between leaves a volume that nobody takes for what the original was made for."""
    cloud = of_a_tape()
    settle(cloud, volume, name="copy", backup="tape")
    marks = [one.what for one in cloud.writes if "metadata" in one.what or "note" in one.what]
    assert [what.partition(" of ")[0] for what in marks[:-1]] == ["remove metadata bfv_boot_of", "remove metadata bfv_replaces"]
    assert marks[-1] == "note in volume copy that it was made here"


def test_a_volume_of_a_backup_that_another_run_made_stays_unmarked() -> None:
    cloud = of_a_tape(a_volume("copy", metadata={**ORIGINAL, "src_backup_id": uuid_of("tape")}))
    assert planned(cloud, volume, name="copy", backup="tape").settled


def test_another_backup_is_told_and_nothing_is_made_anew_for_it() -> None:
    cloud = of_a_tape()
    settle(cloud, volume, name="copy", backup="tape")
    plan = planned(cloud, volume, name="copy", backup="other", recreate="on_drift")
    told = f"Cinder notes that it was restored from backup {uuid_of('tape')}, and {uuid_of('other')} is wanted"
    assert (plan.settled, plan.warnings) == (True, (f"volume copy: {told}; it was left as it is",))


@pytest.mark.parametrize("order", ["create_first", "delete_first"])
def test_a_volume_is_made_anew_of_a_backup(order: str) -> None:
    cloud = of_a_tape()
    settle(cloud, volume, name="copy", backup="tape")
    old = made(cloud)["id"]
    settle(cloud, volume, name="copy", backup="tape", volume_type="fast", recreate="on_drift", recreate_order=order)
    one = made(cloud)
    assert (one["id"] == old, one["volume_type"], one["metadata"]["bfv_made"]) == (False, "fast", one["id"])
