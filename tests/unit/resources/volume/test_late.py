# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that Cinder makes after its request had no answer: the run knows it by its mark. A copy of that mark is of no use.

test_weather.py has whole runs of it.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume

WANT = volume.wanted({"name": "root", "size": 1, "mark": "new 0"})
LATER = "2026-01-02T00:00:00.000000"
MARK = {"bfv_made": WANT.mark}


def planned(made: set[str], first: Json, second: Json, **of_second: Any) -> Plan:
    """The plan of the run that made these, with two volumes of the name, by their metadata."""
    later = a_volume("root", id="later", size=1, metadata=second, created_at=LATER, **of_second)
    cloud = FakeCloud(volumes=[a_volume("root", id="first", size=1, metadata=first), later])
    return volume.plan(WANT, volume.observe(cloud, WANT), made)  # type: ignore[arg-type]


@pytest.mark.parametrize("made", [{WANT.mark}, {WANT.mark, "first"}, {WANT.mark, "later"}], ids=["mark", "first", "later"])
@pytest.mark.parametrize("status", ["available", "error"])
def test_of_two_that_this_run_asked_for_the_later_one_goes(made: set[str], status: str) -> None:
    assert planned(made, MARK, MARK, status=status).destroys == ["later: delete volume root (later), since this run made it"]


def test_one_that_another_run_made_before_is_taken() -> None:
    assert planned({WANT.mark}, {"bfv_made": "new 1"}, MARK).destroys == [
        "later: delete volume root (later), since this run made it"
    ]


def test_one_that_another_run_made_later_is_left_to_that() -> None:
    assert planned({WANT.mark}, MARK, {"bfv_made": "new 1"}).destroys == []


def test_one_that_this_run_made_does_not_take_the_place_of_another_without_saying_so() -> None:
    want = volume.wanted({"name": "root", "size": 1, "mark": "new 0", "recreate": "on_error"})
    failed = a_volume("root", id="first", size=1, metadata={"bfv_made": "new 1"}, status="error")
    own = a_volume("root", id="later", size=1, metadata=MARK, created_at=LATER)
    found = volume.observe(FakeCloud(volumes=[failed, own]), want)  # type: ignore[arg-type]
    assert volume.plan(want, found, {"later"}).destroys == ["later: delete volume root (later), since this run made it"]


@pytest.mark.parametrize(
    "copy", [{"src_backup_id": "b"}, {"bfv_made": "new"}, {"bfv_made": f"{WANT.mark} "}, {"bfv_made": "later"}]
)
def test_a_copy_stays(copy: Json) -> None:
    assert planned({WANT.mark, "first"}, MARK, {**MARK, **copy}).destroys == []


def test_where_every_request_had_its_answer_a_mark_tells_nothing() -> None:
    assert planned({"first"}, MARK, MARK).destroys == []
    with pytest.raises(Refused, match="2 volumes have that name"):
        planned(set(), MARK, MARK)


@pytest.mark.parametrize("mark", ["new", WANT.mark])
def test_marks_of_today_and_of_before_mean_the_same(mark: str) -> None:
    cloud = FakeCloud(volumes=[a_volume("root", size=1, metadata={"bfv_made": mark}, status="error")])
    want = volume.wanted({"name": "root", "size": 1, "recreate": "on_error"})
    found = volume.observe(cloud, want)  # type: ignore[arg-type]
    assert volume.is_recreated(want, found)
    assert not volume.is_recreated(want, found, {mark})  # what this run made itself is not made again


def test_each_run_has_a_mark_of_its_own() -> None:
    assert WANT.mark != volume.wanted({"name": "root", "size": 1}).mark
    assert volume.wanted({"name": "root", "size": 1}) == WANT


@pytest.mark.parametrize("mark", ["New 1", "newer", "renew 1", " new", ""])
def test_what_merely_looks_like_a_mark_is_none(mark: str) -> None:
    cloud = FakeCloud(volumes=[a_volume("root", size=1, metadata={"bfv_made": mark}, status="error")])
    want = volume.wanted({"name": "root", "size": 1, "recreate": "on_error"})
    assert not volume.is_recreated(want, volume.observe(cloud, want))  # type: ignore[arg-type]
