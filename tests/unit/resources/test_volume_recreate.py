# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""Volumes that are made anew, get another type, or go with their snapshots."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.resources import volume
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_snapshot,
    a_volume,
    an_image,
    attached,
    of_image,
    planned,
    settle,
    uuid_of,
)


def a_cloud(**fields: Any) -> FakeCloud:
    return FakeCloud(volumes=[a_volume(**fields)], images=[an_image()])


def only(cloud: FakeCloud) -> Json:
    (found,) = cloud.volumes.values()
    return found


# recreate


@pytest.mark.parametrize("status", ["error", "error_extending", "error_managing", "error_restoring"])
@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
def test_a_failed_volume_is_made_anew_where_that_is_permitted(status: str, recreate: str) -> None:
    cloud = a_cloud(status=status)
    settle(cloud, volume, name="root", image="debian", recreate=recreate)
    assert (only(cloud)["status"], only(cloud)["id"] == uuid_of("root")) == ("available", False)


def test_a_failed_volume_stays_where_it_is_not_permitted() -> None:
    with pytest.raises(Refused, match=r"its status is error\. .*recreate=on_error"):
        planned(a_cloud(status="error"), volume, name="root", image="debian", recreate="never")


DRIFTS = [{"image": "debian"}, {"volume_type": "fast", "size": 10}, {"availability_zone": "az1", "size": 10}]


@pytest.mark.parametrize("options", DRIFTS)
def test_a_drifted_volume_is_made_anew_where_that_is_permitted(options: Json) -> None:
    cloud = a_cloud()
    settle(cloud, volume, name="root", recreate="on_drift", **options)
    assert only(cloud)["id"] != uuid_of("root")
    assert planned(cloud, volume, name="root", recreate="on_drift", **options).settled


@pytest.mark.parametrize("options", DRIFTS)
@pytest.mark.parametrize("recreate", ["never", "on_error"])
def test_a_drifted_volume_stays_where_it_is_not_permitted(options: Json, recreate: str) -> None:
    plan = planned(a_cloud(), volume, name="root", recreate=recreate, **options)
    assert (plan.settled, len(plan.warnings)) == (True, 1)


def test_the_diff_of_a_recreation_shows_the_new_volume() -> None:
    plan = planned(a_cloud(), volume, name="root", image="debian", recreate="on_drift")
    assert (plan.before["image_id"], plan.after["image_id"]) == (None, uuid_of("debian"))
    assert plan.changed


def test_what_is_as_wanted_is_not_made_anew() -> None:
    assert planned(a_cloud(**of_image()), volume, name="root", image="debian", recreate="on_drift").settled


@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
def test_an_attached_volume_is_never_made_anew(recreate: str) -> None:
    cloud = a_cloud(**{**attached("server-1"), "status": "error" if recreate == "on_error" else "in-use"})
    with pytest.raises(Refused, match="attached to server-1"):
        planned(cloud, volume, name="root", image="debian", recreate=recreate)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "a blank volume needs a size"),
        ({"image": "debian", "size": 2}, "needs 3 GiB"),
        ({"image": "debian", "image_size_limit": 2}, "image_size_limit is 2 GiB"),
        ({"image": "fedora"}, "Failed to find image fedora"),
    ],
)
def test_what_could_not_be_made_anew_is_not_deleted(options: Json, words: str) -> None:
    with pytest.raises(Refused, match=words):
        planned(a_cloud(status="error"), volume, name="root", recreate="on_error", **options)


@pytest.mark.parametrize("name", [{}, {"name": "root"}])
def test_an_id_cannot_be_made_anew(name: Json) -> None:
    """The new volume would have another id, and no later run would find it."""
    with pytest.raises(Refused, match="Give the name instead of the id"):
        planned(a_cloud(status="error"), volume, id=uuid_of("root"), **name, image="debian", recreate="on_error")


def test_an_id_that_is_gone_is_not_created_under_another() -> None:
    with pytest.raises(Refused, match="shows none with that id"):
        planned(FakeCloud(), volume, id=uuid_of("root"), name="root", size=1)


def test_a_volume_that_fails_again_is_not_made_for_ever() -> None:
    cloud = a_cloud(status="error")
    cloud.volumes_end_in = "error"
    with pytest.raises(Refused, match="this run did «delete volume root», and it is needed again"):
        settle(cloud, volume, name="root", image="debian", recreate="on_error")
    assert [request.method for request in cloud.writes] == ["DELETE", "POST"]


def test_a_drift_that_stays_is_not_made_for_ever() -> None:
    cloud = a_cloud(volume_type="lvm")

    class Stubborn(FakeCloud):
        def _create_volume(self, request: Any, wanted: Json) -> Json:
            return super()._create_volume(request, {**wanted, "volume_type": "lvm"})

    cloud = Stubborn(volumes=cloud.volumes.values())
    with pytest.raises(Refused, match="needed again"):
        settle(cloud, volume, name="root", size=10, volume_type="fast", recreate="on_drift")
    assert len(cloud.writes) == 2


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
    assert [plan.actions for plan in plans if plan.actions] == [
        ["change the type from lvm to fast of volume root"],
        ["grow the size from 10 to 12 GiB of volume root"],
    ]


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


def with_snapshots(**fields: Any) -> FakeCloud:
    return FakeCloud(volumes=[a_volume(**fields)], snapshots=[a_snapshot(), a_snapshot("monday"), a_snapshot("x", volume="web")])


def test_the_snapshots_that_hold_a_volume_are_named() -> None:
    with pytest.raises(Refused, match=r"it has snapshots \(friday, monday\)\. Delete them first, or permit it with cascade=true"):
        planned(with_snapshots(), volume, name="root", state="absent")


def test_a_snapshot_without_a_name_is_named_by_its_id() -> None:
    cloud = FakeCloud(volumes=[a_volume()], snapshots=[a_snapshot(name="", id=uuid_of("friday"))])
    with pytest.raises(Refused, match=uuid_of("friday")):
        planned(cloud, volume, name="root", state="absent")


def test_cascade_deletes_the_snapshots_as_well() -> None:
    cloud = with_snapshots()
    plan, *_rest = settle(cloud, volume, name="root", state="absent", cascade=True)
    assert plan.actions == ["delete volume root with snapshots friday, monday"]
    assert (cloud.volumes, [one["name"] for one in cloud.snapshots.values()]) == ({}, ["x"])


def test_cascade_does_not_detach() -> None:
    with pytest.raises(Refused, match="attached to server-1"):
        planned(with_snapshots(**attached("server-1")), volume, name="root", state="absent", cascade=True)


def test_without_snapshots_cascade_changes_nothing() -> None:
    (request,) = planned(a_cloud(), volume, name="root", state="absent", cascade=True).requests
    assert request.path == f"/volumes/{uuid_of('root')}"


@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
def test_a_volume_with_snapshots_is_not_made_anew_without_a_word(recreate: str) -> None:
    with pytest.raises(Refused, match=r"it has snapshots \(friday, monday\)"):
        planned(with_snapshots(status="error"), volume, name="root", size=1, recreate=recreate)
