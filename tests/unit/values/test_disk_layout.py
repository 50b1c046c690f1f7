# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import disk_layout
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.disk_layout import HEAD, Partition

from .. import disks
from ..disks import MIB, Part


def test_a_gpt_is_read_with_its_names_and_its_firmware_partition() -> None:
    layout = disk_layout.read(disks.bootable()[:HEAD], 512)
    assert layout.table == "gpt"
    assert layout.partitions == (
        Partition(1, 1 * MIB, 1 * MIB, is_firmware=True, name="ESP"),
        Partition(2, 2 * MIB, 2 * MIB, name="config-2"),
        Partition(3, 4 * MIB, 3 * MIB, name="root"),
    )


@pytest.mark.parametrize("block", [512, 4096])
def test_a_gpt_counts_in_the_blocks_of_its_disk(block: int) -> None:
    disk = disks.gpt(8, [Part(1, 2)], block=block)
    assert disk_layout.read(disk[:HEAD], block).partitions == (Partition(1, 1 * MIB, 2 * MIB),)
    assert disk_layout.read(disk[:HEAD], 4608 - block).table is None


@pytest.mark.parametrize("at", [512 + 40, 1024 + 5], ids=["header", "entries"])
def test_a_damaged_gpt_is_none(at: int) -> None:
    disk = bytearray(disks.bootable())
    disk[at] ^= 1
    assert disk_layout.read(bytes(disk[:HEAD]), 512).table is None


def test_a_table_of_a_pc_is_read() -> None:
    disk = disks.dos(8, [(Part(1, 1), 0x83), (Part(2, 3), 0x0F), (Part(5, 1), 0xEF)])
    layout = disk_layout.read(disk[:HEAD], 512)
    assert layout.table == "dos"
    assert [(one.number, one.is_firmware) for one in layout.partitions] == [(1, False), (3, True)]


@pytest.mark.parametrize(
    "head", [bytes(HEAD), b"x" * HEAD, disks.fat("DATA").ljust(HEAD, b"\0"), disks.iso().ljust(HEAD, b"\0"), b""]
)
def test_what_is_no_partition_table_is_none(head: bytes) -> None:
    layout = disk_layout.read(head, 512)
    assert layout.table is None
    assert layout.partitions == ()
    assert disk_layout.boot_modes(layout, b"") == []


@pytest.mark.parametrize(
    ("disk", "modes"),
    [
        (disks.bootable(), ["bios", "uefi"]),
        (disks.gpt(8, [Part(1, 1, disks.FIRMWARE, content=disks.fat("EFI"))]), ["uefi"]),
        (disks.gpt(8, [Part(1, 1, disks.FIRMWARE)]), []),
        (disks.dos(8, [(Part(1, 1), 0x83)]), ["bios"]),
        (disks.dos(8, [(Part(1, 1), 0x83)], code=b""), []),
        (disks.dos(8, [(Part(1, 1, content=disks.fat()), 0xEF)], code=b""), ["uefi"]),
    ],
    ids=["both", "firmware partition", "without a file system", "boot code", "nothing", "PC with a firmware partition"],
)
def test_who_could_boot(disk: bytes, modes: list[str]) -> None:
    layout = disk_layout.read(disk[:HEAD], 512)
    firmware = next((disk[one.start :][:HEAD] for one in layout.partitions if one.is_firmware), b"")
    assert disk_layout.boot_modes(layout, firmware) == modes


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("config-2", b"", True),
        ("", disks.iso("config-2"), True),
        ("", disks.iso("CONFIG-2"), True),
        ("", disks.fat("CONFIG-2"), True),
        ("", disks.fat("config-20"), False),
        ("root", disks.iso("cidata"), False),
        ("", b"", False),
        ("", disks.iso()[:32770], False),
    ],
)
def test_a_place_for_a_config_drive(name: str, start: bytes, expected: bool) -> None:
    assert disk_layout.is_seed(Partition(1, 0, 0, name=name), start) is expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (bytes(MIB), True),
        (disks.fat("config-2").ljust(MIB, b"\0"), True),
        (disks.fat("config-2", file="USERDATA").ljust(MIB, b"\0"), False),
        (disks.fat("config-2")[:70000], False),
        (disks.iso(), False),
        (b"text", False),
    ],
    ids=["zeros", "FAT", "FAT with a file", "FAT that goes on elsewhere", "ISO", "anything"],
)
def test_nothing_is_lost_in_an_empty_place(start: bytes, expected: bool) -> None:
    assert disk_layout.is_empty_seed(start) is expected


def test_a_deleted_file_is_no_file() -> None:
    start = bytearray(disks.fat("config-2", file="USERDATA").ljust(MIB, b"\0"))
    start[(4 + 128) * 512 + 32] = 0xE5
    assert disk_layout.is_empty_seed(bytes(start))


def test_a_seed_tells_its_digest() -> None:
    drive = disks.iso()
    assert disk_layout.stamped(drive) is None
    stamped = disk_layout.stamp(drive, "ab" * 32)
    assert len(stamped) == len(drive)
    assert disk_layout.stamped(stamped) == "ab" * 32
    assert disk_layout.stamped(disk_layout.stamp(stamped, "")) == ""
    assert disk_layout.stamped(disks.fat("config-2")) is None
    assert disk_layout.is_seed(Partition(1, 0, 0), stamped)
