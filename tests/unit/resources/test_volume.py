# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.resources import volume
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_volume, an_image, planned, settle, uuid_of

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
    ]
    assert (only(cloud)["status"], only(cloud)["bootable"], only(cloud)["size"]) == ("available", "true", 3)


@pytest.mark.parametrize(
    "options", [{"image": "debian"}, {"size": 2}, {"image": "debian", "size": 9, "metadata": {"a": 1}, "description": "d"}]
)
def test_a_second_run_changes_nothing(options: dict[str, Any]) -> None:
    cloud = a_cloud()
    first = settle(cloud, volume, name="root", **options)[0]
    again = planned(cloud, volume, name="root", **options)
    assert (again.changed, again.settled, len(cloud.volumes)) == (False, True, 1)
    assert {key: again.before[key] for key in first.after if first.after[key] is not None} == {
        key: value for key, value in first.after.items() if value is not None
    }


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
    described = {**options, "name": "root", "metadata": {"a": "1", "bfv_made_as": "root"}}
    assert request.body == {"volume": described, "OS-SCH-HNT:scheduler_hints": {"same_host": ["x"]}}


def test_what_is_not_described_is_left_to_cinder() -> None:
    (request,) = planned(a_cloud(), volume, name="root", size=2).steps
    assert request.body == {"volume": {"name": "root", "size": 2, "metadata": {"bfv_made_as": "root"}}}


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
    ],
)
def test_malformed_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        volume.wanted(options)


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
        ({"image": "debian"}, "image is none"),
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
    with pytest.raises(Refused, match=rf"its status is {status}\. Remove it \(state=absent\)"):
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
    assert planned(a_cloud(a_volume(status=status)), volume, name="root", state="absent").actions == ["delete volume root"]


def test_a_volume_is_deleted_and_waited_for_until_it_is_gone() -> None:
    cloud = a_cloud(a_volume())
    plan, again = settle(cloud, volume, name="root", state="absent")
    assert (plan.actions, plan.waiting, again.changed, cloud.volumes) == (
        ["delete volume root"],
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
