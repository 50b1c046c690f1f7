# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a new volume needs is asked for only when one is made; which image a name means; how large a volume of it must be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_backup,
    a_node,
    a_snapshot,
    a_volume,
    an_image,
    manage,
    of_image,
    planned,
    settle,
    uuid_of,
)

GIB = 2**30
SECOND = uuid_of("second")

# How the image of a volume that is there may have been rotated since, and what a new volume of it would be refused with.
ROTATED = {
    "deleted": ([], "Glance shows none of that name or id"),
    "deactivated": ([an_image(status="deactivated")], "its status is deactivated"),
    "doubled": ([an_image(), an_image(id=SECOND)], "2 images have that name"),
    "hidden": ([an_image(os_hidden=True)], "it is hidden"),
    "being uploaded again": ([an_image(id=SECOND, status="saving")], "its status is saving"),
    "renamed": ([an_image(name="debian-old")], "Glance shows none of that name or id"),
}
each_rotation = pytest.mark.parametrize("images", [images for images, _words in ROTATED.values()], ids=list(ROTATED))


def a_cloud(images: list[Json], *volumes: Json, **records: Any) -> FakeCloud:
    there = volumes or (a_volume(**of_image()),)
    return FakeCloud(volumes=there, images=images, **records)


@each_rotation
@pytest.mark.parametrize("recreate", ["never", "on_error", "on_drift"])
@pytest.mark.parametrize(
    "golden", [{}, {"via_golden": True}, {"via_golden": True, "prune_golden": True}], ids=["", "golden", "pruned"]
)
def test_field_s8_a_volume_stays_as_it_is_when_its_image_was_rotated(images: list[Json], recreate: str, golden: Json) -> None:
    ours = {"bfv_made": uuid_of("root")}
    cast = a_volume("golden-older", metadata={"bfv_golden_image": "debian", "bfv_golden_image_id": "older"})
    cloud = a_cloud(images, a_volume(metadata=ours, **of_image()), cast)
    plan = planned(cloud, volume, name="root", image="debian", recreate=recreate, **golden)
    assert (plan.changed, plan.settled, cloud.writes) == (False, True, [])


@pytest.mark.parametrize(("images", "words"), ROTATED.values(), ids=list(ROTATED))
def test_field_s8_an_origin_that_cannot_be_compared_is_told(images: list[Json], words: str) -> None:
    plan = planned(a_cloud(images, a_volume(**of_image("fedora"))), volume, name="root", image="debian")
    assert (plan.settled, len(plan.warnings)) == (True, 1)
    assert "whether it was made from image debian cannot be told" in plan.warnings[0]
    assert words in plan.warnings[0]


@pytest.mark.parametrize("rotation", ["deactivated", "doubled", "hidden"])
def test_field_s8_what_was_made_from_an_image_of_that_name_is_no_difference(rotation: str) -> None:
    assert planned(a_cloud(ROTATED[rotation][0]), volume, name="root", image="debian").warnings == ()


def test_field_s8_an_image_that_is_gone_is_no_difference_where_it_is_named_by_its_id() -> None:
    assert planned(a_cloud([]), volume, name="root", image=uuid_of("debian")).warnings == ()


@each_rotation
def test_field_s8_other_things_of_the_volume_are_changed_all_the_same(images: list[Json]) -> None:
    cloud = a_cloud(images)
    settle(cloud, volume, name="root", image="debian", size=12, description="d", metadata={"a": "1"})
    (one,) = cloud.volumes.values()
    assert (one["size"], one["description"], one["metadata"]) == (12, "d", {"a": "1"})


@pytest.mark.parametrize(("images", "words"), ROTATED.values(), ids=list(ROTATED))
@pytest.mark.parametrize(
    "there",
    [[], [a_volume(status="deleting")], [a_volume(status="error", metadata={"bfv_made": "new"})]],
    ids=["none", "one that goes", "one whose making failed"],
)
def test_field_s8_a_volume_that_is_to_be_made_needs_its_image(images: list[Json], words: str, there: list[Json]) -> None:
    cloud = FakeCloud(volumes=there, images=images)
    with pytest.raises(Refused, match=f"image debian: .*{words}"):
        planned(cloud, volume, name="root", image="debian", recreate="on_error")


@pytest.mark.parametrize("kind", ["snapshot", "volume", "backup"])
@pytest.mark.parametrize("records", [[], ["error"], ["available", "available"], ["creating"]], ids=str)
def test_field_s8_the_same_holds_for_every_kind_of_source(kind: str, records: list[str]) -> None:
    form = {"snapshot": a_snapshot, "volume": a_volume, "backup": a_backup}[kind]
    made = {f"{kind}s": [form("friday", id=uuid_of(f"friday {number}"), status=status) for number, status in enumerate(records)]}
    made["volumes"] = [*made.get("volumes", []), a_volume()]
    plan = planned(FakeCloud(**made), volume, name="root", recreate="on_drift", **{kind: "friday"})
    assert (plan.changed, plan.settled, len(plan.warnings)) == (False, True, 1)
    assert f"whether it was made from {kind} friday cannot be told" in plan.warnings[0]
    with pytest.raises(Refused, match=f"{kind} friday: "):
        planned(FakeCloud(**made), volume, name="another", **{kind: "friday"})


@each_rotation
@pytest.mark.parametrize("state", ["prepared", "deployed"])
@pytest.mark.parametrize("golden", [True, False])
def test_field_s8_a_fleet_keeps_its_volumes_when_the_image_was_rotated(images: list[Json], state: str, golden: bool) -> None:
    nodes = [{"node": "bm-0", "volumes": [{"name": "root", "image": "debian", "recreate": "on_drift"}]}]
    cloud = a_cloud([an_image()], a_volume(metadata={"bfv_made": uuid_of("root")}, **of_image()), nodes=[a_node()])
    assert not manage(cloud, nodes, state=state, golden=golden)["bm-0"].msg
    cloud.images = {one["id"]: one for one in images}
    again = manage(cloud, nodes, state=state, golden=golden)["bm-0"]
    assert (again.msg, again.changed) == ("", False)


def test_field_s8_a_node_whose_volume_is_to_be_made_is_refused_alone() -> None:
    nodes = [{"node": name, "volumes": [{"name": f"root-{name}", "image": "debian"}]} for name in ("bm-0", "bm-1")]
    cloud = a_cloud([an_image(status="deactivated")], a_volume("root-bm-0", **of_image()), nodes=[a_node("bm-0"), a_node("bm-1")])
    done = manage(cloud, nodes, state="prepared")
    assert (done["bm-0"].msg, "its status is deactivated" in done["bm-1"].msg) == ("", True)
    assert not [one for one in cloud.writes if "bm-1" in one.what]


def test_field_s8_nothing_is_pruned_for_an_image_that_is_not_certain() -> None:
    marks = {"bfv_golden_image": "debian", "bfv_golden_image_id": "older"}
    older = a_volume("golden-older", metadata={**marks, "bfv_made": uuid_of("golden-older")})
    for images, _words in ROTATED.values():
        cloud = a_cloud(images, a_volume(**of_image()), older)
        settle(cloud, volume, name="root", image="debian", via_golden=True, prune_golden=True)
        assert uuid_of("golden-older") in cloud.volumes


# Which image a name means


@pytest.mark.parametrize("status", ["deactivated", "queued", "saving", "uploading", "importing", "killed", "pending_delete"])
def test_field_s11_an_image_that_is_not_active_is_no_double(status: str) -> None:
    cloud = FakeCloud(images=[an_image(id=SECOND, status=status), an_image()])
    assert planned(cloud, volume, name="root", image="debian").after["image_id"] == uuid_of("debian")


def test_field_s11_two_active_images_of_a_name_are_refused_with_their_ids() -> None:
    cloud = FakeCloud(images=[an_image(), an_image(id=SECOND), an_image(id=uuid_of("third"), status="deactivated")])
    with pytest.raises(Refused, match=r"2 images have that name \(.*\)\. Give the id") as refused:
        planned(cloud, volume, name="root", image="debian")
    assert [id in str(refused.value) for id in (uuid_of("debian"), SECOND, uuid_of("third"))] == [True, True, False]


@pytest.mark.parametrize("reference", ["debian", uuid_of("debian")])
def test_field_s11_a_community_image_is_found(reference: str) -> None:
    cloud = FakeCloud(images=[an_image(visibility="community")])
    assert planned(cloud, volume, name="root", image=reference).after["image_id"] == uuid_of("debian")


def test_field_s11_a_community_image_of_anybody_is_no_double_of_the_projects_own() -> None:
    cloud = FakeCloud(images=[an_image(id=SECOND, visibility="community"), an_image()])
    assert planned(cloud, volume, name="root", image="debian").after["image_id"] == uuid_of("debian")


def test_field_s11_two_community_images_of_a_name_are_refused() -> None:
    cloud = FakeCloud(images=[an_image(id=SECOND, visibility="community"), an_image(visibility="community")])
    with pytest.raises(Refused, match="2 images have that name"):
        planned(cloud, volume, name="root", image="debian")


def test_field_s11_a_hidden_image_is_no_double_and_is_meant_by_its_id() -> None:
    cloud = FakeCloud(images=[an_image(id=SECOND, os_hidden=True), an_image()])
    assert planned(cloud, volume, name="root", image="debian").after["image_id"] == uuid_of("debian")
    assert planned(cloud, volume, name="root", image=SECOND).after["image_id"] == SECOND
    del cloud.images[uuid_of("debian")]
    with pytest.raises(Refused, match=rf"it is hidden, as outdated images are \({SECOND}\)\. Give the id"):
        planned(cloud, volume, name="root", image="debian")


def test_field_s11_images_of_which_none_can_be_used_are_all_told() -> None:
    cloud = FakeCloud(images=[an_image(status="deactivated"), an_image(id=SECOND, status="queued")])
    with pytest.raises(Refused, match="none of the 2 images of that name can be used") as refused:
        planned(cloud, volume, name="root", image="debian")
    assert f"{SECOND}: queued" in str(refused.value)
    assert f"{uuid_of('debian')}: deactivated" in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "status"), [(kind, status) for kind in ("snapshot", "backup") for status in ("error", "deleting")]
)
def test_field_s11_a_source_that_never_came_about_or_goes_is_no_double(kind: str, status: str) -> None:
    form = {"snapshot": a_snapshot, "backup": a_backup}[kind]
    cloud = FakeCloud(**{f"{kind}s": [form("friday"), form("friday", id=SECOND, status=status)]})
    assert planned(cloud, volume, name="root", **{kind: "friday"}).changed


def test_field_s11_a_volume_in_error_may_be_the_one_that_is_meant() -> None:
    cloud = FakeCloud(volumes=[a_volume("base"), a_volume("base", id=SECOND, status="error")])
    with pytest.raises(Refused, match="2 have that name"):
        planned(cloud, volume, name="root", volume="base")


# How large


@pytest.mark.parametrize("form", ["qcow2", "vmdk", "vhd", "vhdx", "vdi", "ploop", "something newer"])
def test_field_s15_a_size_is_asked_for_where_the_file_does_not_tell_it(form: str) -> None:
    cloud = FakeCloud(images=[an_image(disk_format=form, min_disk=0, virtual_size=None)])
    with pytest.raises(
        Refused, match=f"the image is {form}, and Glance tells neither its virtual_size nor a min_disk. Give size in GiB"
    ):
        planned(cloud, volume, name="root", image="debian")
    assert planned(cloud, volume, name="root", image="debian", size=20).after["size"] == 20


def test_field_s15_a_compressed_container_tells_nothing_of_a_raw_image() -> None:
    cloud = FakeCloud(images=[an_image(disk_format="raw", container_format="compressed", min_disk=0)])
    with pytest.raises(Refused, match="the image is compressed"):
        planned(cloud, volume, name="root", image="debian")


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ({"disk_format": "qcow2", "min_disk": 0, "virtual_size": 5 * GIB}, 5),
        ({"disk_format": "qcow2", "min_disk": 7}, 7),
        ({"disk_format": "raw", "min_disk": 0, "size": 4 * GIB + 1}, 5),
        ({"disk_format": "iso", "min_disk": 0, "size": GIB}, 1),
    ],
)
def test_field_s15_a_size_that_is_known_is_not_asked_for(image: Json, size: int) -> None:
    assert planned(FakeCloud(images=[an_image(**image)]), volume, name="root", image="debian").after["size"] == size


def test_field_s15_a_golden_volume_of_it_is_as_large_as_the_first_volume() -> None:
    cloud = FakeCloud(images=[an_image(disk_format="qcow2", min_disk=0)])
    with pytest.raises(Refused, match="Give size in GiB"):
        planned(cloud, volume, name="root", image="debian", via_golden=True)
    settle(cloud, volume, name="root", image="debian", via_golden=True, size=8)
    assert {one["size"] for one in cloud.volumes.values()} == {8}
    with pytest.raises(Refused, match=r"its size is 6 GiB, and golden volume .* has 8 GiB"):
        planned(cloud, volume, name="second", image="debian", via_golden=True, size=6)
    assert planned(cloud, volume, name="second", image="debian", via_golden=True, size=9).changed


def test_field_s15_a_volume_that_is_there_needs_no_size() -> None:
    cloud = a_cloud([an_image(disk_format="qcow2", min_disk=0)])
    assert planned(cloud, volume, name="root", image="debian").settled


def test_no_blank_volume_is_made_in_the_place_of_one_with_a_source_that_was_not_read() -> None:
    want = volume.wanted({"name": "root", "image": "debian", "size": 5})
    with pytest.raises(Refused, match="Failed to create volume root: image debian cannot be read"):
        volume.plan(want, volume.Found())
