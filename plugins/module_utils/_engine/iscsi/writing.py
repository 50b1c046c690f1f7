# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writing of a plan's steps, in an order in which a run that ends anywhere leaves no disk that looks complete and is not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from ..values import permits
from ..values.disk_layout import DESCRIPTOR, HEAD, stamp
from ..values.errors import BfvError, Refused
from ..values.plan import Plan
from . import disk as disks
from . import seed as seeds
from .disk import Begin, Disk
from .found import FIRST, UNFINISHED, Found
from .plan import Fill, Sow, Wanted
from .programs import Told

_SECTOR = 2048  # of ISO 9660
_LOOK = 5.0  # seconds between two looks whether another run has come to the disk: a machine takes longer to start


def take(want: Wanted, found: Found, plan: Plan, begin: Begin, taken: Callable[[str], None]) -> None:
    """Write all of a plan. ``taken`` is told of each step when its writing begins. Raises BfvError."""
    disk = found.disk
    if disk is None or not plan.steps:
        return
    # All that can be refused is, before the first write.
    drives = {step.what: seeds.build(step.seed, step.partition.size) for step in plan.steps if isinstance(step, Sow)}
    _check_still(disk, found)
    for step in plan.steps:
        if isinstance(step, Fill):
            taken(step.what)
            _fill(want, disk, step, begin)
        elif isinstance(step, Sow):
            taken(step.what)
            _sow(disk, step, drives[step.what])


def _check_still(disk: Disk, found: Found) -> None:
    """Refuse where the disk is no more as the plan saw it: reading all of it may have taken long."""
    if disk.read(0, HEAD) != found.start:
        raise Refused(
            f"Failed to write {disk.name}: somebody has written to it since it was looked at. Nothing was written. Run again."
        )


def _fill(want: Wanted, disk: Disk, step: Fill, begin: Begin) -> None:
    image, what = step.source.image, step.what
    permits.check_of(step.permit, disk.name)
    start = disks.read_image(image, disk.copier, 0, FIRST)
    # of this run alone: another one with the same image writes the same, and its machine may run before this one has ended
    mark = f"{UNFINISHED}{step.source.digest}\n{secrets.token_hex(16)}\n".encode().ljust(FIRST, b"\0")

    def check_alone() -> None:
        if disk.read(0, FIRST) != mark:
            raise BfvError(f"Failed to {what}: another run writes to the same disk. See to it that it has ended, and run again.")

    disk.write(what, 0, mark)
    if image.size > FIRST:
        disk.fill(what, image, FIRST, _watched(begin("written", image.size), check_alone), is_zero=step.is_blank)
    check_alone()
    if not step.is_blank and image.size < disk.unit.size:
        # The second partition table of what was there, or a part of a RAID.
        disk.clear(what, max(image.size, disk.unit.size - HEAD))
    if want.verify and not disk.has(what, image, FIRST, image.size, begin("read back", image.size)):
        raise BfvError(
            f"Failed to {what}: what was read back is not what was written. The disk is left without its first sectors, and cannot be booted. "
            "Look into the array's log, and run again."
        )
    check_alone()
    disk.write(what, 0, start)
    if want.verify and disk.read(0, len(start)) != start:
        raise BfvError(f"Failed to {what}: its first sectors are not what was written. Look into the array's log, and run again.")


def _watched(told: Told, check: Callable[[], None]) -> Told:
    """The same, with a check every now and then. What that raises ends the program that writes."""
    last = time.monotonic()

    def watched(percent: float) -> None:
        nonlocal last
        if time.monotonic() - last >= _LOOK:
            check()
            last = time.monotonic()
        told(percent)

    return watched


def _sow(disk: Disk, step: Sow, drive: bytes) -> None:
    """Its descriptor is there first and says that it is not complete, and last, when it is: at any time it tells whose partition it is."""
    permits.check_of(step.permit, f"partition {step.partition.number} of {disk.name}")
    unfinished, descriptor = stamp(drive, ""), slice(DESCRIPTOR, DESCRIPTOR + _SECTOR)
    disk.write(step.what, step.partition.start + DESCRIPTOR, unfinished[descriptor])
    disk.write(step.what, step.partition.start, unfinished)
    disk.write(step.what, step.partition.start + DESCRIPTOR, drive[descriptor])
    if disk.read(step.partition.start, len(drive)) != drive:
        raise BfvError(
            f"Failed to {step.what}: what was read back is not what was written. Look into the array's log, and run again."
        )
