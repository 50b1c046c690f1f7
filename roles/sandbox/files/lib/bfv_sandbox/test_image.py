# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test image: a disk that boots and says so, with a partition for a config drive, made here."""

import os
import struct
import subprocess
from pathlib import Path

MEBIBYTE = 1024 * 1024
SIZE = 64 * MEBIBYTE
SECTOR = 512
PARTITION_START = 2048
SEED_START = (SIZE - 4 * MEBIBYTE) // SECTOR
# Another number for another image: a cache may have one of an earlier release.
NAME = "bfv-test-2.qcow2"
MESSAGE = b"bfv-test: booted from this volume\r\n"

# 16-bit boot code: print MESSAGE through the BIOS, then halt.
BOOT_CODE = bytes.fromhex(
    "31c0"  # xor  ax, ax
    "8ed8"  # mov  ds, ax
    "be157c"  # mov  si, 0x7c15   (MESSAGE follows the code)
    "ac"  # lodsb
    "84c0"  # test al, al
    "7406"  # jz   halt
    "b40e"  # mov  ah, 0x0e      (teletype output)
    "cd10"  # int  0x10
    "ebf5"  # jmp  lodsb
    "f4"  # hlt
    "ebfd"  # jmp  hlt
)


def partition(kind: int, first: int, end: int, *, active: bool = False) -> bytes:
    return struct.pack("<B3sB3sII", 0x80 if active else 0, bytes([0, 2, 0]), kind, bytes([0, 3, 0]), first, end - first)


def master_boot_record() -> bytes:
    """Boot code and a valid partition table: Glance refuses a disk with a broken one."""
    entries = partition(0x83, PARTITION_START, SEED_START, active=True) + partition(0x0E, SEED_START, SIZE // SECTOR)
    code = BOOT_CODE + MESSAGE + b"\0"
    return code.ljust(446, b"\0") + entries.ljust(64, b"\0") + b"\x55\xaa"


def empty_seed() -> bytes:
    """The start of a FAT12 file system with the label of a config drive and no file."""
    label, tables, sectors = b"CONFIG-2   ", 6, SIZE // SECTOR - SEED_START
    start = b"\xeb\x3c\x90mkfs.fat" + struct.pack("<HBHBHHBHHHII", SECTOR, 4, 1, 2, 512, sectors, 0xF8, tables, 32, 2, 0, 0)
    start = start.ljust(38, b"\0") + struct.pack("<BI11s8s", 0x29, 1, label, b"FAT12   ")
    table = b"\xf8\xff\xff".ljust(tables * SECTOR, b"\0")
    return start.ljust(SECTOR - 2, b"\0") + b"\x55\xaa" + table + table + label + b"\x08"


def write(path: Path) -> None:
    """Write the image as qcow2, so that its size in Glance differs from the disk's."""
    raw, unfinished = path.with_suffix(f".raw-{os.getpid()}"), path.with_suffix(f".{os.getpid()}")
    with raw.open("wb") as file:
        file.write(master_boot_record())
        file.seek(PARTITION_START * SECTOR)
        # Something to compare when a volume is read back.
        for number in range(MEBIBYTE // SECTOR):
            file.write(f"bfv-test sector {number}\n".encode().ljust(SECTOR, b"."))
        file.seek(SEED_START * SECTOR)
        file.write(empty_seed())
        file.truncate(SIZE)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, unfinished], check=True)
    raw.unlink()
    unfinished.replace(path)
