# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import plan as plans
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import seed
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.address import Address
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.disk import Disk
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.found import Content, Found, Place, Source
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.image import Image
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.login import Path, Unit
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.plan import Fill, Sow, Wanted, plan
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.programs import Copier, Deadline
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.disk_layout import Layout, Partition
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused

PORTAL = "192.0.2.10:3260"
ADDRESS = Address((PORTAL,), "iqn.2010-10.org.example:array.a", 1, "iqn.2010-10.org.example:node", "user", "secret-word")
NAME = f"LUN 1 of {ADDRESS.iqn} at {PORTAL}"
UNIT = Unit(size=2**30, block=512, vendor="IET", product="VIRTUAL-DISK", serial="beaf11")
DISK = Disk(ADDRESS, PORTAL, UNIT, Copier("secret-word", Deadline(60)))
PARTITION = Partition(2, 2**21, 2**26, name="config-2")
EMPTY = Place(PARTITION, is_empty=True)
SEED = seed.wanted({"hostname": "node-1"}, "a")
BOOTABLE = Content(Layout("gpt", (PARTITION,), True), ("bios",), EMPTY)
SOURCE = Source(Image("/images/a.raw", "raw", 2**29), BOOTABLE, has_layout=True, digest="d1" * 32)

BLANK = Found((Path(PORTAL, UNIT),), DISK, is_blank=True, source=SOURCE)
HELD = replace(BLANK, is_blank=False, content=BOOTABLE)
FILL = Wanted(ADDRESS, image="/images/a.raw")


def held(place: Place | None) -> Found:
    return replace(HELD, content=replace(BOOTABLE, seed=place))


def test_a_blank_disk_is_filled() -> None:
    planned = plan(FILL, BLANK)
    (step,) = planned.steps
    assert isinstance(step, Fill)
    assert step.is_blank
    assert step.permit.id == NAME
    assert plans.actions(planned) == [f"write image /images/a.raw (SHA-256 {'d1' * 32}) to {NAME}"]
    assert planned.changed
    assert planned.after["boot_modes"] == ["bios"]
    assert "destroys" not in planned.diff["after"]


def test_a_disk_that_holds_something_is_left_alone() -> None:
    planned = plan(FILL, HELD)
    assert not planned.changed
    assert planned.steps == ()


@pytest.mark.parametrize("found", [BLANK, HELD], ids=["blank", "held"])
def test_a_disk_is_looked_at_where_no_image_is_named(found: Found) -> None:
    assert not plan(Wanted(ADDRESS), replace(found, source=None)).changed


def test_anew_writes_over_it_and_tells() -> None:
    planned = plan(replace(FILL, write="anew"), HELD)
    assert isinstance(planned.steps[0], Fill)
    assert not planned.steps[0].is_blank
    assert planned.diff["after"]["destroys"] == [f"{NAME}: {planned.steps[0].what}, since the task names it (write: anew)"]


def test_anew_leaves_what_is_there_already() -> None:
    assert not plan(replace(FILL, write="anew"), replace(HELD, source=replace(SOURCE, is_there=True))).changed


def test_never_writes_nothing() -> None:
    want = replace(FILL, write="never", seed=SEED)
    assert not plan(want, BLANK).changed
    assert not plan(want, held(None)).changed


BEGUN = replace(HELD, content=Content(), unfinished="d1" * 32, source=replace(SOURCE, is_begun=True))


def test_what_a_killed_run_has_begun_is_written_again() -> None:
    (step,) = plan(FILL, BEGUN).steps
    assert isinstance(step, Fill)
    assert not step.is_blank
    assert "ended too early" in step.permit.why


def test_a_note_that_is_older_than_what_is_on_the_disk_permits_nothing() -> None:
    stale = replace(BEGUN, source=SOURCE)
    with pytest.raises(Refused, match=r"something else has come to the disk since. Nothing was written"):
        plan(FILL, stale)
    assert plan(replace(FILL, write="anew"), stale).changed


def test_nothing_is_written_to_a_disk_from_which_a_machine_runs() -> None:
    with pytest.raises(Refused, match="a machine runs from it"):
        plan(replace(FILL, in_use=True), BLANK)
    assert not plan(replace(FILL, in_use=True), HELD).changed


def test_an_image_that_is_larger_than_the_disk_is_refused() -> None:
    with pytest.raises(Refused, match=f"the image has {2**31} bytes, and the LUN {2**30}"):
        plan(FILL, replace(BLANK, source=replace(SOURCE, image=Image("/images/a.raw", "raw", 2**31))))


def test_an_image_for_other_blocks_is_refused() -> None:
    with pytest.raises(Refused, match="blocks of 512 bytes, and the LUN has blocks of 4096"):
        plan(FILL, replace(BLANK, disk=replace(DISK, unit=replace(UNIT, block=4096)), source=replace(SOURCE, has_layout=False)))


def test_a_disk_that_does_not_answer_is_told_and_refused_where_it_is_written_to() -> None:
    away = Found((Path(PORTAL, cause="nobody_listens", why=f"nobody listens at {PORTAL}"),))
    with pytest.raises(Refused, match=f"nobody listens at {PORTAL}. Nothing was written"):
        plan(FILL, away)
    assert not plan(Wanted(ADDRESS), away).changed
    told = plans.result(away, None)
    assert told["reachable"] is False
    assert told["cause"] == "nobody_listens"


def test_a_path_that_is_dead_is_warned_of() -> None:
    other = Path("192.0.2.11:3260", cause="no_answer", why="192.0.2.11:3260 does not answer within 5 s")
    planned = plan(Wanted(ADDRESS), replace(HELD, paths=(*HELD.paths, other)))
    assert planned.warnings == ("192.0.2.11:3260 does not answer within 5 s. Until it answers, the machine has one path less.",)


def test_a_seed_goes_into_the_partition_of_the_image_that_is_written() -> None:
    fill, sow = plan(replace(FILL, seed=SEED), BLANK).steps
    assert isinstance(fill, Fill)
    assert isinstance(sow, Sow)
    assert sow.partition == PARTITION
    assert sow.permit.id == f"partition 2 of {NAME}"


@pytest.mark.parametrize(
    "place",
    [EMPTY, Place(PARTITION, stamp="another"), Place(PARTITION, stamp=SEED.digest.upper()), Place(PARTITION, stamp="")],
    ids=["empty", "another", "in another case", "unfinished"],
)
def test_a_seed_alone_is_written_where_another_one_is_there(place: Place) -> None:
    planned = plan(replace(FILL, seed=SEED), held(place))
    (step,) = planned.steps
    assert isinstance(step, Sow)
    assert ("destroys" in planned.diff["after"]) == (place != EMPTY)


def test_a_seed_that_is_there_is_left_alone() -> None:
    assert not plan(replace(FILL, seed=SEED), held(Place(PARTITION, stamp=SEED.digest))).changed


def test_somebody_elses_config_drive_is_left_alone_but_for_anew() -> None:
    want, found = Wanted(ADDRESS, seed=SEED), replace(held(Place(PARTITION)), source=None)
    with pytest.raises(Refused, match="Leave out the seed, or write: anew"):
        plan(want, found)
    (step,) = plan(replace(want, write="anew"), found).steps
    assert isinstance(step, Sow)


@pytest.mark.parametrize("found", [held(None), replace(BLANK, source=replace(SOURCE, content=replace(BOOTABLE, seed=None)))])
def test_a_seed_without_a_place_is_refused(found: Found) -> None:
    with pytest.raises(Refused, match="has no partition for a config drive"):
        plan(replace(FILL, seed=SEED), found)


def test_no_secret_is_told() -> None:
    want = replace(FILL, seed=seed.wanted({"user_data": "secret-word"}, "a"))
    planned = plan(want, BLANK)
    assert "secret-word" not in f"{want} {BLANK} {planned} {planned.diff} {plans.result(BLANK, None)}"
