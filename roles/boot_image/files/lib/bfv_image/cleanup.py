# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what a build leaves behind: loop devices, their partitions, and its folder.

python -m bfv_image.cleanup FOLDER PATH

PATH is that of the build: its kpartx has to be the one that takes the partitions away.
Waits until its standard input ends, which is when the build ends, however it does: the kernel closes the pipe of a build that
was killed, too. The build's mounts need no cleaning up, for they are in a namespace that ends with its processes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

# The processes of a killed build may take a moment to let go of their devices.
ATTEMPTS = 100
PAUSE = 0.2


def loop_devices(file: Path, path: str) -> list[str]:
    """Return the loop devices of a file. losetup compares devices and inodes: a path may look different in the namespace."""
    command = ["losetup", "--noheadings", "--output", "NAME", "--associated", str(file)]
    # losetup may be where only the PATH of root leads to.
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": path}).stdout.split()


def detach(device: str, path: str) -> None:
    """Take the partitions away first, which would keep the device busy. Both may be gone already."""
    for command in (["kpartx", "-d", device], ["losetup", "--detach", device]):
        if shutil.which(command[0], path=path):
            subprocess.run(command, check=False, capture_output=True, env={"PATH": path})


def detach_all(folder: Path, path: str) -> list[str]:
    """Detach the loop devices of all disks in a folder, and return those that are still busy in the end."""
    devices: list[str] = []
    for _attempt in range(ATTEMPTS):
        devices = [device for disk in folder.rglob("*.raw") for device in loop_devices(disk, path)]
        if not devices:
            break
        for device in devices:
            detach(device, path)
        time.sleep(PAUSE)
    return devices


def clean(folder: Path, path: str) -> None:
    if not folder.exists():
        return
    busy = detach_all(folder, path)
    if busy:
        sys.exit(f"The loop devices {', '.join(busy)} of {folder} are still in use: find out by whom, and run the role again.")
    shutil.rmtree(folder)


def main() -> None:
    # Nothing is ever written to it.
    sys.stdin.read()
    clean(Path(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()
