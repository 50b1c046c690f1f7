# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writing of an image and a seed, ended after each of its writes: no disk looks complete that is not, and the next run ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import disk as disk_module
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import observe, seed, writing
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.address import Address
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.found import Found, Source
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.image import Image
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.login import Path, Unit
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.plan import Wanted, plan
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.disk_layout import HEAD
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan

from .. import disks

MIB = 2**20
PORTAL = "192.0.2.10:3260"
ADDRESS = Address((PORTAL,), "iqn.2010-10.org.example:array.a", 1, "iqn.2010-10.org.example:node")
IMAGE = disks.bootable(8)
DIGEST = "d1" * 32
SEED = seed.wanted({"hostname": "node-1"}, "a")


class KilledError(Exception):
    """The run ends here."""


class Memory:
    """A LUN of 16 MiB in memory, as iscsi.disk.Disk is one of an array. A write may be the last one, or be half done."""

    name = f"LUN 1 of {ADDRESS.iqn} at {PORTAL}"
    unit = Unit(16 * MIB, 512, "IET", "VIRTUAL-DISK", "beaf11")
    copier = None

    def __init__(self, content: bytes = b"", writes: int = 99) -> None:
        self.content = bytearray(content.ljust(self.unit.size, b"\0"))
        self.writes = writes
        self.spoils = ""
        self.asked: list[str] = []

    def _write(self, start: int, data: bytes) -> None:
        if self.writes == 0:
            raise KilledError
        self.writes -= 1
        half = data[: len(data) // 2] if self.writes == 0 and len(data) > 4096 else data
        self.content[start : start + len(half)] = half
        if self.spoils == "the first sectors" and start == 0:
            self.content[-1 + len(half)] ^= data[:1] == IMAGE[:1]
        if self.spoils == "the node's own data" and 2 * MIB <= start < 4 * MIB:
            self.content[start] ^= 1

    def read(self, start: int, size: int) -> bytes:
        return bytes(self.content[start : start + size])

    def write(self, _what: str, start: int, data: bytes) -> None:
        self._write(start, data)

    def clear(self, _what: str, start: int) -> None:
        self.asked.append("clear")
        self._write(start, bytes(self.unit.size - start))

    def fill(self, _what: str, _image: Image, start: int, told: Any, *, is_zero: bool) -> None:
        assert not is_zero or not any(self.content[4096:])
        told(50.0)
        self._write(start, IMAGE[start:])
        if self.spoils == "a byte":
            self.content[5 * MIB] ^= 1

    def has(self, _what: str, _image: Image, start: int, end: int, _told: Any = None) -> bool:
        self.asked.append("read back")
        return bytes(self.content[start:end]) == IMAGE[start:end]

    def is_zero(self, _told: Any) -> bool:
        return not any(self.content)


def begin(_doing: str, _size: int) -> Callable[[float], None]:
    return lambda _percent: None


def look(memory: Memory) -> Found:
    found = observe.read(Found((Path(PORTAL, memory.unit),), cast(disk_module.Disk, memory)), begin)
    content = observe._content(IMAGE[:HEAD], 512, lambda start, size: IMAGE[start : start + size])
    begun = found.unfinished == DIGEST and observe.is_begun(found.start, IMAGE[:HEAD])
    image = Image("/images/a.raw", "raw", len(IMAGE))
    return replace(found, source=Source(image, content, has_layout=True, digest=DIGEST, is_begun=begun))


@pytest.fixture(autouse=True)
def drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image's bytes, and a config drive, without the programs that make them."""
    monkeypatch.setattr(disk_module, "read_image", lambda _image, _copier, start, size: IMAGE[start : start + size])
    stamped = disks.iso()
    monkeypatch.setattr(seed, "build", lambda wanted, _room: writing.stamp(stamped, wanted.digest))


def run(memory: Memory, want: Wanted) -> Plan:
    found = look(memory)
    planned = plan(want, found)
    writing.take(want, found, planned, begin, lambda _what: None)
    return planned


WANT = Wanted(ADDRESS, image="/images/a.raw", seed=SEED)
END = b"the second table"  # of what was there


@pytest.mark.parametrize("write", ["blank", "anew"])
@pytest.mark.parametrize("writes", range(8))
def test_a_run_that_ends_anywhere_leaves_nothing_that_boots_and_the_next_one_ends_it(write: str, writes: int) -> None:
    before = b"" if write == "blank" else disks.dos(16, [(disks.Part(1, 15, content=b"data"), 0x83)])[: -len(END)] + END
    memory, want = Memory(before, writes), replace(WANT, write=write)
    try:
        run(memory, want)
    except KilledError:
        found = look(memory)
        written = bytes(memory.content[: 2 * MIB]) == IMAGE[: 2 * MIB]
        assert not found.content.boot_modes or written or bytes(memory.content) == before.ljust(memory.unit.size, b"\0")
        memory.writes = 99
        run(memory, want)
    assert bytes(memory.content[: 2 * MIB]) == IMAGE[: 2 * MIB]
    assert bytes(memory.content[4 * MIB : len(IMAGE)]) == IMAGE[4 * MIB :]
    assert not any(memory.content[-MIB:])
    assert look(memory).content.seed.stamp == SEED.digest  # type: ignore[union-attr]
    assert not plan(replace(want, write="blank"), look(memory)).changed


def test_only_what_is_needed_is_cleared_and_read_back() -> None:
    blank, held, whole = Memory(), Memory(b"data"), Memory(b"data")
    whole.unit = replace(whole.unit, size=len(IMAGE))
    for memory, verify in ((blank, True), (held, False), (whole, False)):
        run(memory, replace(WANT, write="anew", verify=verify))
    assert (blank.asked, held.asked, whole.asked) == (["read back"], ["clear"], [])


def test_first_sectors_that_were_not_written_well_are_told() -> None:
    memory = Memory()
    memory.spoils = "the first sectors"
    with pytest.raises(BfvError, match=r"its first sectors are not what was written"):
        run(memory, WANT)
    memory = Memory()
    memory.spoils = "the first sectors"
    run(memory, replace(WANT, verify=False, seed=None))


def test_a_seed_that_was_not_written_well_is_told() -> None:
    memory = Memory()
    memory.spoils = "the node's own data"
    with pytest.raises(BfvError, match=r"Failed to write the node's own data .*: what was read back is not what was written"):
        run(memory, WANT)


def test_what_was_not_written_well_cannot_be_booted() -> None:
    memory = Memory()
    memory.spoils = "a byte"
    with pytest.raises(BfvError, match=r"what was read back is not what was written. The disk is left without its first sectors"):
        run(memory, WANT)
    assert look(memory).content.boot_modes == ()
    assert look(memory).unfinished == DIGEST


@pytest.mark.parametrize("before", [b"", b"DATA"])
def test_a_disk_that_somebody_has_written_to_meanwhile_is_left_alone(before: bytes) -> None:
    memory, want = Memory(before), replace(WANT, write="anew")
    found = look(memory)
    planned = plan(want, found)
    memory.content[:4] = b"data"
    with pytest.raises(Refused, match=r"somebody has written to it since it was looked at. Nothing was written"):
        writing.take(want, found, planned, begin, lambda _what: None)
    assert bytes(memory.content[:8]) == b"data\0\0\0\0"


def test_a_disk_to_which_nothing_is_written_may_change() -> None:
    """Such as one from which a machine runs."""
    memory, want = Memory(b"DATA"), Wanted(ADDRESS)
    found = look(memory)
    memory.content[:4] = b"data"
    writing.take(want, found, plan(want, found), begin, lambda _what: None)


def test_nothing_is_written_to_a_disk_that_does_not_answer() -> None:
    memory = Memory()
    planned = plan(WANT, look(memory))
    assert planned.steps
    writing.take(WANT, replace(look(memory), disk=None), planned, begin, lambda _what: None)
    assert not any(memory.content)


@pytest.mark.parametrize("by", [lambda _mark: b"another!", bytes.upper], ids=["another", "in another case"])
def test_another_run_at_the_same_disk_is_noticed(by: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()

    def has(*_given: object) -> bool:
        memory.content[:8] = by(bytes(memory.content[:8]))
        return True

    monkeypatch.setattr(memory, "has", has)
    with pytest.raises(BfvError, match="another run writes to the same disk"):
        run(memory, WANT)
    assert not look(memory).content.boot_modes


class Shared(Memory):
    """Another run takes the disk for that of a killed one, and has filled it before this run has; then its machine runs from it."""

    late = True

    def fill(self, what: str, image: Image, start: int, told: Any, *, is_zero: bool) -> None:
        if self.late:
            self.late = False
            run(self, WANT)
            self.content[5 * MIB : 5 * MIB + 4] = b"mine"
        super().fill(what, image, start, told, is_zero=is_zero and not any(self.content[4096:]))


def test_a_run_ends_as_soon_as_another_one_writes_to_the_same_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same image, and so with the same note: the other one's machine may run from it by now."""
    monkeypatch.setattr(writing, "_LOOK", 0.0)
    memory = Shared()
    with pytest.raises(BfvError, match="another run writes to the same disk"):
        run(memory, WANT)
    assert bytes(memory.content[5 * MIB : 5 * MIB + 4]) == b"mine"
    assert look(memory).content.boot_modes


def test_what_is_behind_the_image_is_not_cleared_while_another_run_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(b"DATA")
    monkeypatch.setattr(memory, "fill", lambda *_given, **_more: memory.content.__setitem__(slice(0, 8), b"another!"))
    memory.content[-4:] = b"mine"
    with pytest.raises(BfvError, match="another run writes to the same disk"):
        run(memory, replace(WANT, write="anew"))
    assert bytes(memory.content[-4:]) == b"mine"


def test_a_disk_is_looked_at_from_time_to_time_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    for seconds, many in ((60.0, 0), (0.0, 2)):
        monkeypatch.setattr(writing, "_LOOK", seconds)
        told = writing._watched(lambda _percent: None, lambda: looks.append(None))
        told(1.0)
        told(2.0)
        assert len(looks) == many


def test_nothing_is_written_without_a_permit_of_its_own() -> None:
    memory = Memory()
    found = look(memory)
    planned = plan(WANT, found)
    (fill, sow) = planned.steps
    for wrong in (
        replace(fill, permit=replace(fill.permit, id="another")),
        replace(sow, permit=replace(sow.permit, proven=False)),
    ):  # type: ignore[attr-defined, call-arg]
        with pytest.raises(Refused, match="no permit"):
            writing.take(WANT, found, replace(planned, steps=(wrong,)), begin, lambda _what: None)
    assert not any(memory.content)


@pytest.mark.parametrize("at", [4096, 8192, MIB - 4096], ids=["RAID", "ZFS", "the end of the first MiB"])
def test_what_came_to_a_disk_after_a_run_was_killed_survives(at: int) -> None:
    """Such as mdadm with metadata 1.2, or ZFS: both leave the first sectors, and with them the note of the killed run."""
    memory = Memory(writes=1)
    with pytest.raises(KilledError):
        run(memory, WANT)
    memory.writes = 99
    memory.content[at : at + 4] = b"\xfc\x4e\x2b\xa9"
    before = bytes(memory.content)
    with pytest.raises(Refused, match="something else has come to the disk since"):
        run(memory, WANT)
    assert bytes(memory.content) == before
