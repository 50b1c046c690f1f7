# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One conversion of an image for each volume type, and clones from then on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import golden
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import from_api
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.source import Source
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_volume,
    an_image,
    attached,
    of_image,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal, at_once
from hypothesis import given
from hypothesis import strategies as st

ROOT: Json = {"name": "root", "image": "debian", "via_golden": True}
IMAGE = Source("image", uuid_of("debian"), "debian", 3)


def a_golden(image: str = "debian", number: str = "", **fields: Any) -> Json:
    """The golden volume of an image that is, or was, called debian."""
    id = uuid_of(f"golden {image} {number}")
    marks = {golden.IMAGE_ID: uuid_of(image), golden.IMAGE_NAME: "debian", "bfv_made": id}
    name = f"golden-{uuid_of(image)}"
    made = a_volume(name, id=id, size=3, metadata=marks, **of_image(image))
    return {**made, **fields}


def a_cloud(*volumes: Json) -> FakeCloud:
    return FakeCloud(volumes=volumes, images=[an_image()])


def conversions(cloud: FakeCloud) -> int:
    return sum("imageRef" in str(request.body) for request in cloud.writes)


def names(cloud: FakeCloud) -> list[str]:
    return sorted(one["name"] for one in cloud.volumes.values())


def test_the_first_volume_makes_the_golden_one_and_clones_it() -> None:
    cloud = a_cloud()
    settle(cloud, volume, **ROOT)
    assert (names(cloud), conversions(cloud)) == ([f"golden-{uuid_of('debian')}", "root"], 1)
    (root,) = (one for one in cloud.volumes.values() if one["name"] == "root")
    assert (root["bootable"], root["size"], root["volume_image_metadata"]["image_id"]) == ("true", 3, uuid_of("debian"))


def test_all_further_volumes_are_clones() -> None:
    cloud = a_cloud()
    for number in range(10):
        settle(cloud, volume, name=f"root-{number}", image="debian", via_golden=True, size=4)
    assert (len(cloud.volumes), conversions(cloud)) == (11, 1)


def test_a_second_run_changes_nothing() -> None:
    cloud = a_cloud()
    settle(cloud, volume, **ROOT)
    again = planned(cloud, volume, **ROOT)
    assert (again.settled, again.changed, again.warnings) == (True, False, ())


def test_a_golden_volume_is_marked() -> None:
    cloud = a_cloud()
    settle(cloud, volume, **ROOT)
    made = next(one for one in cloud.volumes.values() if one["name"].startswith("golden-"))
    marks = {"bfv_golden_image_id": uuid_of("debian"), "bfv_golden_image": "debian", "bfv_made": made["id"]}
    assert made["metadata"] == marks


def test_each_volume_type_has_a_golden_volume_of_its_own() -> None:
    cloud = a_cloud()
    for volume_type in ("fast", "ssd"):
        settle(cloud, volume, name=f"root-{volume_type}", image="debian", via_golden=True, volume_type=volume_type)
    types = {one["name"]: one["volume_type"] for one in cloud.volumes.values()}
    assert types == {
        f"golden-{uuid_of('debian')}-fast": "fast",
        f"golden-{uuid_of('debian')}-ssd": "ssd",
        "root-fast": "fast",
        "root-ssd": "ssd",
    }


def test_another_image_of_the_name_makes_a_new_golden_volume() -> None:
    cloud = a_cloud(a_golden("old debian"))
    settle(cloud, volume, **ROOT)
    assert (conversions(cloud), len(cloud.volumes)) == (1, 3)


def test_a_golden_volume_that_is_being_made_is_waited_for() -> None:
    cloud = a_cloud(a_golden(status="downloading"))
    first = settle(cloud, volume, **ROOT)[0]
    assert "golden volume" in first.waiting
    assert (conversions(cloud), len(cloud.volumes)) == (0, 2)


@pytest.mark.parametrize("status", ["maintenance", "awaiting-transfer"])
def test_a_golden_volume_that_nobody_gives_back_by_itself_is_not_waited_for(status: str) -> None:
    one = a_golden(status=status)
    with pytest.raises(Refused, match=f"golden volume {one['name']} .* has status {status}. Run again when it is available."):
        planned(a_cloud(one), volume, **ROOT)


@pytest.mark.parametrize(
    ("limits", "words"), [({"size": 2}, "needs 3 GiB"), ({"image_size_limit": 2}, "image_size_limit is 2 GiB")]
)
def test_what_is_refused_without_a_golden_volume_is_refused_with_one(limits: Json, words: str) -> None:
    with pytest.raises(Refused, match=words):
        planned(a_cloud(), volume, **ROOT, **limits)


@pytest.mark.parametrize("source", [{}, {"snapshot": "friday"}, {"volume": "base"}, {"backup": "tape"}])
def test_only_images_have_golden_volumes(source: Json) -> None:
    with pytest.raises(Invalid, match="via_golden is for volumes from an image"):
        volume.wanted({"name": "root", "via_golden": True, **source})


# Failures


def failed(**fields: Any) -> Json:
    """A golden volume whose making failed in a run before."""
    one = a_golden(status="error", **fields)
    del one["volume_image_metadata"]
    one["metadata"]["bfv_made"] = "new"
    return one


def test_a_failed_golden_volume_of_another_run_is_not_cloned_and_named() -> None:
    cloud = a_cloud(failed())
    plans = settle(cloud, volume, **ROOT)
    assert (conversions(cloud), len(cloud.volumes)) == (1, 3)
    assert f"({failed()['id']}) is in error, and was left" in plans[0].warnings[0]


def test_a_failed_golden_volume_goes_with_the_outdated_ones() -> None:
    cloud = a_cloud(failed())
    settle(cloud, volume, **ROOT, prune_golden=True)
    cloud.tick()
    assert failed()["id"] not in cloud.volumes


@pytest.mark.parametrize("status", ["error", "error_extending", "error_deleting"])
def test_a_golden_volume_that_was_available_is_kept_in_any_error(status: str) -> None:
    one = a_golden(status=status)
    cloud = a_cloud(one)
    settle(cloud, volume, **ROOT, prune_golden=True)
    assert cloud.volumes[one["id"]]["status"] == status


def test_a_conversion_that_fails_is_an_error_and_not_tried_for_ever() -> None:
    cloud = a_cloud()
    cloud.volumes_end_in = "error"
    for run in (1, 2):
        with pytest.raises(Refused, match=r"create volume golden-.* and it is needed again"):
            settle(cloud, volume, **ROOT)
        assert (conversions(cloud), cloud.volumes) == (run, {})


def test_a_golden_volume_that_failed_is_this_runs_own_or_left() -> None:
    one = from_api(failed())
    assert golden.elect([one], IMAGE, None, ()) == golden.Cast(failed=(one,))
    assert golden.elect([one], IMAGE, None, {one.id}) == golden.Cast(surplus=(one,))


def test_a_golden_volume_that_is_going_is_not_elected() -> None:
    one = from_api(a_golden(status="deleting"))
    assert golden.elect([one], IMAGE, None, ()) == golden.Cast()


# Two runs at once


def test_of_two_golden_volumes_every_run_takes_the_older_one_and_leaves_the_other() -> None:
    older = a_golden(number="2", created_at="2026-01-01T00:00:00.000000")
    newer = a_golden(number="1", created_at="2026-01-01T00:00:01.000000")
    for there in ([older, newer], [newer, older]):
        cloud = a_cloud(*there)
        settle(cloud, volume, **ROOT)
        assert {older["id"], newer["id"]} < set(cloud.volumes)
        assert next(one for one in cloud.volumes.values() if one["name"] == "root")["source_volid"] == older["id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"bfv_golden_image_id": uuid_of("debian"), "bfv_golden_image": "debian"}},  # a person's
        {"metadata": {**a_golden()["metadata"], "bfv_made": uuid_of("x")}},  # a restored backup
        of_image("fedora"),  # somebody wrote another image onto it
        {"name": "Golden"},
        {"name": f"Golden-{uuid_of('debian')}"},
        {"metadata": {**a_golden()["metadata"], "bfv_golden_image_id": uuid_of("x")}},
        {"metadata": {**a_golden()["metadata"], "bfv_golden_image_id": uuid_of("debian").upper()}},
    ],
)
def test_field_d14_what_is_not_certainly_the_golden_volume_is_neither_cloned_nor_pruned(fields: Json) -> None:
    stranger = a_golden(**fields)
    cloud = a_cloud(stranger)
    settle(cloud, volume, **ROOT, prune_golden=True)
    assert (conversions(cloud), cloud.volumes[stranger["id"]]) == (1, stranger)


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"bfv_golden_image_id": uuid_of("old"), "bfv_golden_image": "debian"}},
        {"metadata": {**a_golden("old")["metadata"], "bfv_made": uuid_of("x")}},
        {"name": f"Golden-{uuid_of('old')}"},
        {"name": "root-of-somebody"},
        {"metadata": {**a_golden("old")["metadata"], "bfv_golden_image": "Debian"}},
    ],
)
def test_field_d14_pruning_lets_nothing_go_that_is_not_certainly_ours(fields: Json) -> None:
    stranger = a_golden("old", **fields)
    cloud = a_cloud(stranger, a_golden())
    settle(cloud, volume, **ROOT, prune_golden=True)
    cloud.tick()
    assert cloud.volumes[stranger["id"]] == stranger


@given(st.lists(st.integers(0, 1), max_size=12))
def test_two_runs_at_once_leave_one_golden_volume(order: list[int]) -> None:
    cloud = a_cloud()
    both = [{**ROOT, "name": name} for name in ("root-0", "root-1")]
    at_once(cloud, volume, order, *both)
    for one in both:
        settle(cloud, volume, **one)
    settle(cloud, volume, name="root-2", image="debian", via_golden=True)
    assert names(cloud) == [f"golden-{uuid_of('debian')}", "root-0", "root-1", "root-2"]


# Broken runs


def test_a_run_that_is_killed_at_any_instant_is_finished_by_the_next() -> None:
    whole = Mortal(images=[an_image()])
    settle(whole, volume, **ROOT)
    for instant in range(1, whole.instants + 1):
        cloud = Mortal(images=[an_image()])
        cloud.breaks_at = instant
        with pytest.raises(Killed):
            settle(cloud, volume, **ROOT)
        settle(cloud, volume, **ROOT)
        assert (names(cloud), conversions(cloud)) == (names(whole), 1), f"killed at instant {instant}"


# prune_golden


def test_outdated_golden_volumes_are_pruned_on_request_only() -> None:
    for prune, left in ((False, 3), (True, 2)):
        cloud = a_cloud(a_golden("old debian"))
        settle(cloud, volume, **ROOT, prune_golden=prune)
        cloud.tick()
        assert len(cloud.volumes) == left


def test_pruning_waits_until_the_new_volume_is_there() -> None:
    cloud = a_cloud(a_golden("old debian"))
    plans = settle(cloud, volume, **ROOT, prune_golden=True)
    assert [plan.actions for plan in plans if plan.actions][-1] == [
        f"delete volume golden-{uuid_of('old debian')} ({uuid_of('golden old debian ')})"
    ]


def test_pruning_spares_the_golden_volume_of_the_image() -> None:
    cloud = a_cloud(a_golden())
    settle(cloud, volume, **ROOT, prune_golden=True)
    assert len(cloud.volumes) == 2


def test_pruning_spares_other_images_and_what_is_not_marked() -> None:
    other = a_golden("fedora", metadata={golden.IMAGE_ID: uuid_of("fedora"), golden.IMAGE_NAME: "fedora"})
    unmarked = a_volume(f"golden-{uuid_of('old debian')}")
    cloud = a_cloud(other, unmarked)
    settle(cloud, volume, **ROOT, prune_golden=True)
    assert {other["id"], unmarked["id"]} < set(cloud.volumes)


HELD = attached("server-1")


@pytest.mark.parametrize(
    "fields",
    [
        HELD,
        {**HELD, "status": "available"},
        {**HELD, "status": "error_extending"},
        {"status": "creating"},
        {"status": "reserved"},
    ],
)
def test_pruning_spares_what_is_in_use_or_on_its_way(fields: Json) -> None:
    cloud = a_cloud(a_golden("old debian", **fields), a_golden(), a_volume(**of_image()))
    assert planned(cloud, volume, **ROOT, prune_golden=True).settled


def test_pruning_takes_the_golden_volumes_of_all_types() -> None:
    typed = a_golden("old debian", name=f"golden-{uuid_of('old debian')}-fast", volume_type="fast")
    cloud = a_cloud(typed, a_golden())
    settle(cloud, volume, **ROOT, prune_golden=True)
    cloud.tick()
    assert typed["id"] not in cloud.volumes


@pytest.mark.parametrize(("name", "goes"), [("debian", True), ("Debian", False), ("fedora", False)])
def test_pruning_compares_the_name_of_the_image_once_more(name: str, goes: bool) -> None:
    one = from_api(a_golden("old debian", metadata={**a_golden("old debian")["metadata"], golden.IMAGE_NAME: name}))
    assert golden.outdated([one], IMAGE) == ([one] if goes else [])


def test_an_image_of_another_spelling_of_the_id_is_another() -> None:
    other = str(uuid_of("debian")).upper()
    one = a_golden(name=f"golden-{other}")
    one["metadata"][golden.IMAGE_ID] = other
    assert golden.outdated([from_api(one)], IMAGE) == [from_api(one)]


@pytest.mark.parametrize("drops", [True, False], ids=["a filter that counts as none", "a filter without case"])
def test_what_is_read_by_its_metadata_is_compared_again(drops: bool) -> None:
    others = [a_golden("fedora", metadata={golden.IMAGE_NAME: name}, id=name) for name in ("fedora", "Debian")]
    cloud = a_cloud(a_golden(), *others)
    cloud.drops_filters = drops
    assert [one.id for one in golden.read(cloud, IMAGE)] == [a_golden()["id"]]  # type: ignore[arg-type]


def test_pruning_is_seen_in_check_mode_and_done_once() -> None:
    cloud = a_cloud(a_golden("old debian"), a_golden(), a_volume(**of_image()))
    assert planned(cloud, volume, **ROOT, prune_golden=True).changed
    settle(cloud, volume, **ROOT, prune_golden=True)
    assert not planned(cloud, volume, **ROOT, prune_golden=True).changed


def test_pruning_without_golden_volumes_is_a_mistake() -> None:
    with pytest.raises(Invalid, match="prune_golden"):
        volume.wanted({"name": "root", "image": "debian", "prune_golden": True})
