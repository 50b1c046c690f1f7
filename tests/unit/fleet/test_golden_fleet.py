# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of one image for many nodes: converted once, cloned for each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_volume,
    an_image,
    manage,
    of_image,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

GOLDEN = f"golden-{uuid_of('debian')}"
MARKS = {"bfv_golden_image_id": uuid_of("debian"), "bfv_golden_image": "debian"}


def names(number: int) -> list[str]:
    return [f"bm-{index}" for index in range(number)]


def entry(name: str, image: str = "debian", **more: Any) -> Json:
    return {"node": name, "volumes": [{"name": f"{name}-root", "image": image}], **more}


def a_cloud(number: int, kind: type[FakeCloud] = FakeCloud, **records: Any) -> FakeCloud:
    return kind(nodes=[a_node(name) for name in names(number)], images=[an_image(), an_image("trixie")], **records)


def a_golden(name: str = GOLDEN, **fields: Any) -> Json:
    """A golden volume that this collection made."""
    return a_volume(
        GOLDEN, **{"id": uuid_of(name), "metadata": {**MARKS, "bfv_made": uuid_of(name)}, "size": 3, **of_image(), **fields}
    )


def run(cloud: FakeCloud, number: int = 3, **options: Any) -> dict[str, Outcome]:
    return manage(cloud, [entry(name) for name in names(number)], golden=True, **options)


def made(cloud: FakeCloud) -> Counter[str]:
    """How the volumes were made: from which image, or as a clone of which volume."""
    named = {one["id"]: one["name"] for one in cloud.volumes.values()} | {one["id"]: one["name"] for one in cloud.images.values()}
    bodies = [request.body["volume"] for request in cloud.writes if request.path == "/volumes"]  # type: ignore[index]
    return Counter(named.get(body.get("imageRef") or body.get("source_volid"), "blank") for body in bodies)


def active(cloud: FakeCloud) -> int:
    return sum(node["provision_state"] == "active" for node in cloud.nodes.values())


@pytest.mark.parametrize("number", [1, 3, 12])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_the_image_is_converted_once_and_cloned_for_each(number: int, concurrency: int) -> None:
    cloud = a_cloud(number)
    outcomes = run(cloud, number, concurrency=concurrency)
    assert [outcome.msg for outcome in outcomes.values()] == [""] * number
    assert (made(cloud), active(cloud)) == ({"debian": 1, GOLDEN: number}, number)


def test_one_node_alone_tells_that_it_made_the_golden_volume() -> None:
    outcomes = run(a_cloud(3))
    makers = [
        name
        for name, outcome in outcomes.items()
        if any(GOLDEN in action for action in outcome.actions if "from image" in action)
    ]
    assert len(makers) == 1


def test_a_clone_waits_until_the_golden_volume_is_there() -> None:
    cloud = a_cloud(3)
    outcomes = run(cloud, wait=False)
    assert made(cloud) == {"debian": 1}
    assert sum(outcome.changed for outcome in outcomes.values()) == 1
    assert not any(outcome.failed for outcome in outcomes.values())


def test_runs_that_do_not_wait_get_there_all_the_same() -> None:
    cloud = a_cloud(3)
    for _run in range(8):
        assert not any(outcome.failed for outcome in run(cloud, wait=False).values())
        for _step in range(3):
            cloud.tick()
    assert (made(cloud), active(cloud)) == ({"debian": 1, GOLDEN: 3}, 3)


def test_a_second_run_sees_what_is_there() -> None:
    cloud = a_cloud(3)
    run(cloud)
    cloud.writes.clear()
    outcomes = run(cloud)
    assert (cloud.writes, [outcome.changed for outcome in outcomes.values()]) == ([], [False] * 3)


def test_a_later_run_clones_the_same_golden_volume() -> None:
    cloud = a_cloud(5)
    run(cloud, 2)
    cloud.writes.clear()
    run(cloud, 5)
    assert (made(cloud), active(cloud)) == ({GOLDEN: 3}, 5)


def test_a_golden_volume_that_is_being_made_is_waited_for() -> None:
    cloud = a_cloud(
        2, volumes=[a_golden(status="downloading", metadata={**MARKS, "bfv_made": "new"}, _becomes={"status": "available"})]
    )
    assert not any(outcome.failed for outcome in run(cloud, 2).values())
    assert made(cloud) == {GOLDEN: 2}


def test_each_image_and_each_type_has_its_own() -> None:
    cloud = a_cloud(6)
    typed = [{"name": f"{name}-root", "image": "trixie", "volume_type": "fast"} for name in names(6)]
    nodes = [entry("bm-0"), entry("bm-1"), entry("bm-2", "trixie"), entry("bm-3", "trixie")]
    nodes += [{"node": name, "volumes": [typed[int(name[-1])]]} for name in ("bm-4", "bm-5")]
    outcomes = manage(cloud, nodes, golden=True)
    assert [outcome.msg for outcome in outcomes.values()] == [""] * 6
    trixie = f"golden-{uuid_of('trixie')}"
    assert made(cloud) == {"debian": 1, "trixie": 2, GOLDEN: 2, trixie: 2, f"{trixie}-fast": 2}


def test_of_one_node_two_volumes_may_come_from_one_image() -> None:
    cloud = a_cloud(2)
    nodes = [
        {"node": name, "volumes": [{"name": f"{name}-{what}", "image": "debian"} for what in ("root", "more")]}
        for name in names(2)
    ]
    assert [outcome.msg for outcome in manage(cloud, nodes, golden=True).values()] == ["", ""]
    assert made(cloud) == {"debian": 1, GOLDEN: 4}


def test_further_volumes_are_made_beside_it() -> None:
    cloud = a_cloud(3)
    nodes = [{"node": name, "volumes": [*entry(name)["volumes"], {"name": f"{name}-data", "size": 5}]} for name in names(3)]
    assert [outcome.msg for outcome in manage(cloud, nodes, golden=True).values()] == [""] * 3
    assert (made(cloud), active(cloud)) == ({"debian": 1, GOLDEN: 3, "blank": 3}, 3)


def test_a_volume_that_is_there_needs_no_golden_one() -> None:
    cloud = a_cloud(2, volumes=[a_volume(f"{name}-root", **of_image()) for name in names(2)])
    assert not any(outcome.failed for outcome in run(cloud, 2).values())
    assert made(cloud) == {}


def test_only_volumes_from_an_image_have_one() -> None:
    cloud = a_cloud(1, volumes=[a_volume("base", **of_image())])
    (outcome,) = manage(cloud, [{"node": "bm-0", "volumes": [{"name": "root", "volume": "base"}]}], golden=True).values()
    assert (outcome.msg, made(cloud)) == ("", {"base": 1})


def test_of_two_golden_volumes_the_older_one_is_cloned_and_the_other_is_left() -> None:
    younger = a_golden("younger", created_at="2026-02-01T00:00:00.000000")
    cloud = a_cloud(3, volumes=[younger, a_golden("older")])
    assert not any(outcome.failed for outcome in run(cloud).values())
    assert [request.path for request in cloud.writes if request.method == "DELETE"] == []
    cloned = {request.body["volume"]["source_volid"] for request in cloud.writes if request.path == "/volumes"}  # type: ignore[index]
    assert cloned == {uuid_of("older")}


def test_a_golden_volume_of_an_older_image_is_not_cloned() -> None:
    old = a_volume("golden-of-yesterday", metadata={**MARKS, "bfv_golden_image_id": uuid_of("yesterday")})
    cloud = a_cloud(2, volumes=[old])
    run(cloud, 2)
    assert made(cloud) == {"debian": 1, GOLDEN: 2}
    assert old["id"] in cloud.volumes


def test_a_failed_golden_volume_of_before_is_left_and_told() -> None:
    cloud = a_cloud(3, volumes=[a_golden("failed", status="error")])
    outcomes = run(cloud)
    assert [outcome.msg for outcome in outcomes.values()] == [""] * 3
    assert (made(cloud), active(cloud), uuid_of("failed") in cloud.volumes) == ({"debian": 1, GOLDEN: 3}, 3, True)
    assert all(uuid_of("failed") in " ".join(outcome.plan.warnings) for outcome in outcomes.values())


@pytest.mark.parametrize("mark", [{}, {"bfv_made": uuid_of("another")}], ids=["unmarked", "a restored backup"])
def test_a_golden_volume_that_somebody_else_made_is_not_cloned(mark: Json) -> None:
    cloud = a_cloud(2, volumes=[a_golden("theirs", metadata={**MARKS, **mark})])
    assert not any(outcome.failed for outcome in run(cloud, 2).values())
    assert made(cloud)["debian"] == 1
    assert uuid_of("theirs") in cloud.volumes


def test_without_golden_each_volume_is_converted() -> None:
    cloud = a_cloud(3)
    manage(cloud, [entry(name) for name in names(3)])
    assert made(cloud) == {"debian": 3}


def test_a_new_image_for_all_is_converted_once() -> None:
    cloud = a_cloud(3)
    run(cloud)
    cloud.writes.clear()
    nodes = [
        {"node": name, "volumes": [{"name": f"{name}-root", "image": "trixie", "recreate": "on_drift"}]} for name in names(3)
    ]
    outcomes = manage(cloud, nodes, golden=True, on_drift="redeploy")
    assert [outcome.msg for outcome in outcomes.values()] == [""] * 3
    assert (made(cloud), active(cloud)) == ({"trixie": 1, f"golden-{uuid_of('trixie')}": 3}, 3)


def test_check_mode_makes_none() -> None:
    cloud = a_cloud(3)
    told = run(cloud, check_mode=True)
    assert cloud.writes == []
    assert all(outcome.changed and not outcome.failed for outcome in told.values())


def test_going_nodes_leave_the_golden_volume() -> None:
    cloud = a_cloud(3)
    run(cloud)
    run(cloud, state="absent", volumes_on_undeploy="delete")
    assert [one["name"] for one in cloud.volumes.values()] == [GOLDEN]


def test_it_is_waited_for_no_longer_than_the_time_out() -> None:
    cloud = a_cloud(3)
    outcomes = run(cloud, timeout=0.4)
    assert all(f"Failed to wait for golden volume {GOLDEN}" in outcome.msg for outcome in outcomes.values())
    assert [outcome.msg for outcome in run(cloud).values()] == [""] * 3
    assert made(cloud) == {"debian": 1, GOLDEN: 3}


# What goes wrong


class Full(FakeCloud):
    """Converts no image."""

    def send(self, request: Request) -> Json:
        if request.path == "/volumes" and "imageRef" in str(request.body):
            raise Rejected(request.what, "Cinder", 413, "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded.")
        return super().send(request)


@pytest.mark.parametrize("number", [2, 12])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_node_gets_the_reason_why_there_is_none(number: int, concurrency: int) -> None:
    cloud = a_cloud(number, Full)
    outcomes = run(cloud, number, concurrency=concurrency)
    assert ["VolumeLimitExceeded" in outcome.msg for outcome in outcomes.values()] == [True] * number
    assert cloud.now < 5  # nobody waits for what will never come


def test_a_refused_conversion_fails_no_other_node() -> None:
    cloud = a_cloud(4, Full, volumes=[a_volume("bm-3-root", **of_image())])
    outcomes = run(cloud, 4)
    assert [outcome.failed for outcome in outcomes.values()] == [True, True, True, False]
    assert active(cloud) == 1


@pytest.mark.parametrize("number", [2, 12])
def test_a_conversion_that_fails_fails_every_node_and_is_tried_once(number: int) -> None:
    cloud = a_cloud(number)
    cloud.volumes_end_in = "error"
    outcomes = run(cloud, number)
    assert all(f"create volume {GOLDEN}" in outcome.msg and "error" in outcome.msg for outcome in outcomes.values())
    assert cloud.now < 10
    assert made(cloud) == {"debian": 1}


def test_the_run_after_a_failed_conversion_makes_another() -> None:
    cloud = a_cloud(3)
    cloud.volumes_end_in = "error"
    run(cloud)
    cloud.volumes_end_in = "available"
    cloud.writes.clear()
    assert [outcome.msg for outcome in run(cloud).values()] == [""] * 3
    assert made(cloud) == {"debian": 1, GOLDEN: 3}
    assert Counter(one["status"] for one in cloud.volumes.values()) == {"in-use": 3, "available": 1}


class Raced(FakeCloud):
    """The storage is too busy for the image at first."""

    refusal = (409, "Try again.")
    raced = False

    def send(self, request: Request) -> Json:
        if request.path == "/volumes" and "imageRef" in str(request.body) and not self.raced:
            self.raced = True
            self.meanwhile()
            error = Rejected(request.what, "Cinder", *self.refusal)
            error.of_record, error.new = False, "volume"
            raise error
        return super().send(request)

    def meanwhile(self) -> None:
        """What else happens at that moment."""


class Crowded(Raced):
    """Other golden volumes take the last room for a moment: a volume is gone before its room is free."""

    refusal = (413, "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.")


class Overtaken(Crowded):
    """The golden volume of another slice takes it."""

    def meanwhile(self) -> None:
        one = a_golden("of another slice")
        self.volumes[one["id"]] = one


@pytest.mark.parametrize("kind", [Raced, Crowded])
def test_a_conflict_of_the_sender_is_no_failure_of_the_others(kind: type[Raced]) -> None:
    cloud = a_cloud(3, kind)
    assert [outcome.msg for outcome in run(cloud).values()] == [""] * 3
    assert (made(cloud), active(cloud)) == ({"debian": 1, GOLDEN: 3}, 3)


def test_where_another_slice_took_the_last_room_its_golden_volume_is_cloned() -> None:
    cloud = a_cloud(3, Overtaken)
    assert [outcome.msg for outcome in run(cloud).values()] == [""] * 3
    assert (made(cloud), active(cloud)) == ({GOLDEN: 3}, 3)


class Slow(FakeCloud):
    """Takes long to convert the image trixie."""

    def tick_volumes(self) -> None:
        held = [one for one in self.volumes.values() if one["status"] == "downloading" and uuid_of("trixie") in one["name"]]
        super().tick_volumes()
        for volume in held if self.now < 30 else ():
            volume.update(status="downloading", _becomes={"status": "available", "bootable": "true", **of_image("trixie")})


def test_a_node_that_was_looked_at_alone_does_not_hide_the_images_of_the_others() -> None:
    cloud = a_cloud(2, Slow)
    manage(cloud, [entry("bm-0")])
    # This one is looked at alone when it is undeployed, while the other still waits for the conversion.
    again = {"node": "bm-0", "volumes": [{"name": f"bm-0-{what}", "image": "debian"} for what in ("root", "new")]}
    outcomes = manage(cloud, [again, entry("bm-1", "trixie")], golden=True, on_drift="redeploy")
    assert [outcome.msg for outcome in outcomes.values()] == ["", ""]
    assert active(cloud) == 2
