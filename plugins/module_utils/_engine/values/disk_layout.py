# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the first bytes of a disk, and of its partitions, say: its partition table, who could boot it, and where a config drive goes.

Rules: UEFI 2.10 chapter 5 (GPT, protective MBR) and 13.3 (the firmware's partition is FAT), Microsoft's FAT specification of 2005,
ECMA-119 (ISO 9660) 8.4, and the boot sector of the PC: its code is the first 440 bytes, its signature the last two.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

HEAD = 1024**2  # bytes: the partition table and its entries are within, and what boot loaders put before the first partition

_SECTOR = 512  # of an MBR, whatever the disk's blocks are
_SIGNATURE = b"\x55\xaa"
_CODE = 440
_ENTRIES, _ENTRY = 446, 16
_PROTECTIVE, _FIRMWARE_OF_MBR = 0xEE, 0xEF
_EXTENDED = (0x05, 0x0F, 0x85)
_FIRMWARE = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_SEED = "config-2"  # the label that cloud-init and Ironic's agent look for

# The primary volume descriptor of ISO 9660: where it is, its label, and the part that is left to applications.
DESCRIPTOR = 16 * 2048
_LABEL = slice(40, 72)
_OF_APPLICATION = slice(883, 1395)
_STAMP = "bfv.openstack seed "


@dataclass(frozen=True)
class Partition:
    """A partition: its number as Linux counts, its first byte and its size in bytes. ``name`` is GPT's."""

    number: int
    start: int
    size: int
    is_firmware: bool = False
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """What the first MiB of a disk says. ``table`` is gpt, dos, or None."""

    table: str | None = None
    partitions: tuple[Partition, ...] = ()
    has_boot_code: bool = False


def read(head: bytes, block: int) -> Layout:
    """The layout of a disk whose logical blocks have so many bytes, by its first MiB. What is damaged counts as not there."""
    mbr = head[:_SECTOR]
    if mbr[-2:] != _SIGNATURE:
        return Layout()
    has_code = any(mbr[:_CODE])
    entries = [_mbr_entry(mbr, number) for number in range(4)]
    if any(kind == _PROTECTIVE for kind, _first, _count in entries):
        partitions = _gpt(head, block)
        return Layout("gpt" if partitions is not None else None, partitions or (), has_code)
    found = tuple(
        Partition(number, first * block, count * block, kind == _FIRMWARE_OF_MBR)
        for number, (kind, first, count) in enumerate(entries, 1)
        if kind and count and kind not in _EXTENDED
    )
    # A FAT file system without partitions has the signature as well, and its own text where the entries would be.
    return Layout("dos", found, has_code) if found and not is_fat(head) else Layout(has_boot_code=has_code)


def _mbr_entry(mbr: bytes, number: int) -> tuple[int, int, int]:
    """The type, the first block and the number of blocks."""
    entry = mbr[_ENTRIES + number * _ENTRY :][:_ENTRY]
    first, count = struct.unpack_from("<II", entry, 8)
    return entry[4], first, count


def _gpt(head: bytes, block: int) -> tuple[Partition, ...] | None:
    header = head[block : 2 * block]
    if header[:8] != b"EFI PART":
        return None
    size, checksum = struct.unpack_from("<II", header, 12)
    first, count, length, sum_of_entries = struct.unpack_from("<QIII", header, 72)
    entries = head[first * block :][: count * length]
    if not 92 <= size <= block or length < 128 or len(entries) < count * length:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != checksum or zlib.crc32(entries) != sum_of_entries:
        return None
    return tuple(_gpt_entries(entries, length, block))


def _gpt_entries(entries: bytes, length: int, block: int) -> Iterator[Partition]:
    for number, at in enumerate(range(0, len(entries), length), 1):
        kind = UUID(bytes_le=entries[at : at + 16])
        first, last = struct.unpack_from("<QQ", entries, at + 32)
        if kind.int and last >= first:
            name = entries[at + 56 : at + 128].decode("utf-16-le", "replace").partition("\0")[0]
            yield Partition(number, first * block, (last - first + 1) * block, kind == _FIRMWARE, name)


def boot_modes(layout: Layout, firmware: bytes) -> list[str]:
    """Which firmwares could boot it. ``firmware`` is how the firmware partition begins; empty where there is none."""
    modes = {"bios": layout.has_boot_code and layout.table is not None, "uefi": is_fat(firmware)}
    return [mode for mode, holds in modes.items() if holds]


def is_fat(start: bytes) -> bool:
    """Whether a FAT file system begins with this."""
    return start[510:512] == _SIGNATURE and (start[54:57] == b"FAT" or start[82:85] == b"FAT")


def is_seed(partition: Partition, start: bytes) -> bool:
    """Whether a partition is for a config drive: by GPT's name or by the label of its file system. ``start`` is how it begins."""
    labels = (partition.name, _iso_label(start), _fat_label(start))
    return any(label.casefold() == _SEED for label in labels)


def is_empty_seed(start: bytes) -> bool:
    """Whether nothing is in it yet: all zeros, or a FAT file system without a file. ``start`` is its first MiB."""
    return not any(start) or (is_fat(start) and not any(_fat_files(start)))


def stamp(seed: bytes, digest: str) -> bytes:
    """An ISO 9660 image with the digest of what is in it, in the part of its descriptor that is left to applications."""
    there = slice(DESCRIPTOR + _OF_APPLICATION.start, DESCRIPTOR + _OF_APPLICATION.stop)
    text = f"{_STAMP}{digest}\n".encode()
    return seed[: there.start] + text.ljust(there.stop - there.start) + seed[there.stop :]


def stamped(start: bytes) -> str | None:
    """The digest of the seed that is there; empty for one whose writing has not ended. None where it is no seed of this collection."""
    if not _iso_label(start):
        return None
    text = start[DESCRIPTOR:][_OF_APPLICATION].decode("ascii", "replace").rstrip(" \n\0")
    return text[len(_STAMP) :] if f"{text} ".startswith(_STAMP) else None


def _iso_label(start: bytes) -> str:
    descriptor = start[DESCRIPTOR : DESCRIPTOR + 2048]
    return descriptor[_LABEL].decode("ascii", "replace").rstrip(" \0") if descriptor[:6] == b"\x01CD001" else ""


def _fat_label(start: bytes) -> str:
    label = start[43:54] if start[54:57] == b"FAT" else start[71:82]
    return label.decode("ascii", "replace").rstrip() if is_fat(start) else ""


def _fat_files(start: bytes) -> Iterator[bytes]:
    """The entries of FAT's root folder that are files or folders. Where the root folder is not within, that counts as one."""
    block, per_cluster, reserved, tables, entries = struct.unpack_from("<HBHBH", start, 11)
    length = struct.unpack_from("<H", start, 22)[0] or struct.unpack_from("<I", start, 36)[0]
    root = (reserved + tables * length) * block
    size = entries * 32 or per_cluster * block  # FAT32 has its root folder in the first cluster
    folder = start[root : root + size]
    if len(folder) < size:
        yield b"?"
        return
    for at in range(0, size, 32):
        entry = folder[at : at + 32]
        if entry[0] == 0:
            return
        if entry[0] != 0xE5 and not entry[11] & 0x08:  # deleted; a label, or a part of a long name
            yield entry
