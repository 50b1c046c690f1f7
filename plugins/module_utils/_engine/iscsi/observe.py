# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look at a LUN, and at the image that may be written to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..values import disk_layout
from ..values.disk_layout import HEAD, Partition
from ..values.errors import Refused
from . import image as images
from . import login
from .address import Address
from .disk import Begin, Disk, read_image
from .found import FIRST, UNFINISHED, Content, Found, Place, Source
from .plan import Wanted, may_fill
from .programs import Copier, Deadline

_UNFINISHED = re.compile(UNFINISHED.encode() + rb"([0-9a-f]{64})\n")

Reader = Callable[[int, int], bytes]


def observe(want: Wanted, deadline: Deadline, begin: Begin) -> Found:
    """The LUN, and of the image what has to be known before it is written. Raises BfvError."""
    found = read(_reach(want.place, deadline), begin)
    if found.disk is None or want.image is None or not may_fill(want, found):
        return found
    source = _read_source(want.image, found.disk)
    source = replace(source, is_there=not found.unfinished and not found.is_blank and _is_there(found.disk, source))
    if source.is_there:
        return replace(found, source=source)
    # To read all of a file takes its time: only where it will be written.
    digest = images.digest(source.image, deadline)
    begun = found.unfinished == digest and is_begun(found.start, read_image(source.image, found.disk.copier, 0, HEAD))
    return replace(found, source=replace(source, digest=digest, is_begun=begun))


def is_begun(start: bytes, image: bytes) -> bool:
    """Whether the first MiB of a disk, behind the note that an image is being written, has nothing but parts of that image.

    The note alone proves nothing: RAID, ZFS and others leave a disk's first sectors as they were, and with them a note that is
    older than what is on the disk.
    """
    blocks = [slice(first, first + FIRST) for first in range(FIRST, len(start), FIRST)]
    return all(not any(start[block]) or start[block] == image[block].ljust(len(start[block]), b"\0") for block in blocks)


def _reach(place: Address, deadline: Deadline) -> Found:
    """The LUN at its portals. Raises Refused where they lead to different disks."""
    paths = login.paths(place, deadline)
    there = [path for path in paths if path.unit]
    if not there or not (unit := there[0].unit):
        return Found(paths)
    for path in there[1:]:
        if path.unit != unit:
            raise Refused(
                f"Failed to look at {place.name}: {there[0].portal} and {path.portal} lead to different disks (serials {unit.serial or 'unknown'} and "
                f"{path.unit.serial if path.unit else 'unknown'}). A machine with both paths would write to both: correct the portals."
            )
    return Found(paths, Disk(place, there[0].portal, unit, Copier(place.password, deadline)))


def read(found: Found, begin: Begin) -> Found:
    """What is on the disk. Reads all of it where its first MiB is blank."""
    disk = found.disk
    if disk is None:
        return found
    head = disk.read(0, HEAD)
    unfinished = _UNFINISHED.match(head)
    return replace(
        found,
        content=_content(head, disk.unit.block, disk.read),
        is_blank=not any(head) and disk.is_zero(begin("seen to be blank", disk.unit.size)),
        unfinished=unfinished[1].decode() if unfinished else "",
        start=head,
    )


def _read_source(path: str, disk: Disk) -> Source:
    """The image, as a disk with blocks like those of the LUN."""
    image = images.find(path)
    reader = partial(read_image, image, disk.copier)
    head = reader(0, HEAD)
    content = _content(head, disk.unit.block, reader)
    return Source(image, content, has_layout=bool(content.layout.table) or not disk_layout.read(head, 512).table)


def _content(head: bytes, block: int, reader: Reader) -> Content:
    layout = disk_layout.read(head, block)
    starts = {one.number: reader(one.start, HEAD) for one in layout.partitions}
    seeds = [one for one in layout.partitions if disk_layout.is_seed(one, starts[one.number])]
    firmware = next((starts[one.number] for one in layout.partitions if one.is_firmware), b"")
    return Content(layout, tuple(disk_layout.boot_modes(layout, firmware)), _place(seeds[0], starts) if seeds else None)


def _place(partition: Partition, starts: dict[int, bytes]) -> Place:
    start = starts[partition.number][: partition.size]
    return Place(partition, disk_layout.stamped(start), disk_layout.is_empty_seed(start))


def _is_there(disk: Disk, source: Source) -> bool:
    """Whether the disk is as the image is, but for what is in the partition of the node's own data."""
    image, seed = source.image, source.content.seed
    if image.size > disk.unit.size:
        return False
    what = f"compare {disk.name} with image {image.path}"
    if seed is None:
        return disk.has(what, image, 0, image.size)
    first, last = seed.partition.start, seed.partition.start + seed.partition.size
    return disk.has(what, image, 0, first) and disk.has(what, image, min(last, image.size), image.size)
