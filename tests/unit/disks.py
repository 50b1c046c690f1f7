# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks in memory, with partition tables and file systems as tools make them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

MIB = 1024**2
LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
FIRMWARE = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
CODE = b"\xeb\x63\x90 a boot loader"


@dataclass(frozen=True)
class Part:
    """A partition in MiB, and what it begins with."""

    start: int
    size: int
    kind: UUID = LINUX
    name: str = ""
    content: bytes = b""


def gpt(size: int, parts: Sequence[Part], *, code: bytes = b"", block: int = 512) -> bytes:
    """A disk of so many MiB with a GPT."""
    disk = bytearray(size * MIB)
    entries = b"".join(_gpt_entry(part, block) for part in parts).ljust(128 * 128, b"\0")
    head = struct.pack(
        "<8sIIIIQQQQ16sQIII",
        b"EFI PART",
        0x00010000,
        92,
        0,
        0,
        1,
        len(disk) // block - 1,
        34,
        len(disk) // block - 34,
        UUID(int=7).bytes_le,
        2,
        128,
        128,
        zlib.crc32(entries),
    )
    head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    disk[block : block + len(head)] = head
    disk[2 * block : 2 * block + len(entries)] = entries
    _mbr(disk, [(0xEE, 1, len(disk) // block - 1)], code)
    _put(disk, parts)
    return bytes(disk)


def dos(size: int, parts: Sequence[tuple[Part, int]], *, code: bytes = CODE) -> bytes:
    """A disk of so many MiB with a PC's partition table: each part with its type."""
    disk = bytearray(size * MIB)
    _mbr(disk, [(kind, part.start * MIB // 512, part.size * MIB // 512) for part, kind in parts], code)
    _put(disk, [part for part, _kind in parts])
    return bytes(disk)


def fat(label: str = "", *, file: str = "", size: int = 8) -> bytes:
    """The start of a FAT16 file system of so many MiB, with a label and at most one file in its root folder."""
    sectors, per_fat, entries = size * MIB // 512, 64, 512
    boot = bytearray(512)
    boot[0:11] = b"\xeb\x3c\x90mkfs.fat"
    struct.pack_into("<HBHBHHBHHHII", boot, 11, 512, 4, 4, 2, entries, sectors, 0xF8, per_fat, 32, 2, 0, 0)
    boot[38:62] = struct.pack("<BI11s8s", 0x29, 1, (label or "NO NAME").encode().ljust(11), b"FAT16   ")
    boot[510:512] = b"\x55\xaa"
    root = bytearray(entries * 32)
    found = [(label, 0x08)] if label else []
    for number, (name, attributes) in enumerate([*found, *([(file, 0x20)] if file else [])]):
        root[number * 32 : number * 32 + 12] = name.encode().ljust(11)[:11] + bytes([attributes])
    return bytes(boot).ljust((4 + 2 * per_fat) * 512, b"\0") + bytes(root)


def iso(label: str = "config-2") -> bytes:
    """The start of an ISO 9660 file system."""
    descriptor = bytearray(2048)
    descriptor[0:7] = b"\x01CD001\x01"
    descriptor[40:72] = label.encode().ljust(32)
    return bytes(16 * 2048) + bytes(descriptor) + b"\xffCD001\x01".ljust(2048, b"\0")


def bootable(size: int = 8, *, seed: bytes = b"", more: bytes = b"") -> bytes:
    """A disk that both firmwares could boot, with a partition for a config drive before its root."""
    parts = [
        Part(1, 1, FIRMWARE, "ESP", fat("EFI", file="EFI")),
        Part(2, 2, name="config-2", content=seed or fat("config-2", size=2)),
        Part(4, size - 5, name="root", content=b"the root file system" + more),
    ]
    return gpt(size, parts, code=CODE)


def _gpt_entry(part: Part, block: int) -> bytes:
    first, last = part.start * MIB // block, (part.start + part.size) * MIB // block - 1
    return (
        part.kind.bytes_le
        + UUID(int=part.start).bytes_le
        + struct.pack("<QQQ", first, last, 0)
        + part.name.encode("utf-16-le").ljust(72, b"\0")
    )


def _mbr(disk: bytearray, entries: Sequence[tuple[int, int, int]], code: bytes) -> None:
    disk[: len(code)] = code
    for number, (kind, first, count) in enumerate(entries):
        struct.pack_into("<BxxxBxxxII", disk, 446 + 16 * number, 0, kind, first, min(count, 0xFFFFFFFF))
    disk[510:512] = b"\x55\xaa"


def _put(disk: bytearray, parts: Sequence[Part]) -> None:
    for part in parts:
        disk[part.start * MIB : part.start * MIB + len(part.content)] = part.content
