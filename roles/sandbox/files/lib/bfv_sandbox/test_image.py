# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""The test image: a disk that boots and says so, made here."""

import os
import subprocess
from pathlib import Path

MEBIBYTE = 1024 * 1024
SIZE = 64 * MEBIBYTE
SECTOR = 512
PARTITION_START = 2048
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


def master_boot_record() -> bytes:
    """Boot code and a valid partition table: Glance refuses a disk with a broken one."""
    entry = bytes([0x80, 0, 2, 0, 0x83, 0, 3, 0])
    entry += PARTITION_START.to_bytes(4, "little") + (SIZE // SECTOR - PARTITION_START).to_bytes(4, "little")
    code = BOOT_CODE + MESSAGE + b"\0"
    return code.ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"


def write(path: Path) -> None:
    """Write the image as qcow2, so that its size in Glance differs from the disk's."""
    raw, unfinished = path.with_suffix(f".raw-{os.getpid()}"), path.with_suffix(f".{os.getpid()}")
    with raw.open("wb") as file:
        file.write(master_boot_record())
        file.seek(PARTITION_START * SECTOR)
        # Something to compare when a volume is read back.
        for number in range(MEBIBYTE // SECTOR):
            file.write(f"bfv-test sector {number}\n".encode().ljust(SECTOR, b"."))
        file.truncate(SIZE)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, unfinished], check=True)
    raw.unlink()
    unfinished.replace(path)
