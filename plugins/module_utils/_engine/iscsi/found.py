# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is on a LUN, and in the image that may be written to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from ..values import disk_layout
from ..values.disk_layout import HEAD, Layout, Partition
from ..values.errors import Refused
from . import image as images
from . import login
from .address import Address
from .disk import Begin, Disk, read_image
from .image import Image
from .login import Path
from .programs import Copier, Deadline

# What stands at the start of a disk while an image is being written: no firmware takes it for a boot sector.
UNFINISHED = "bfv.openstack: an image is being written to this disk, and is not complete. SHA-256: "
_UNFINISHED = re.compile(UNFINISHED.encode() + rb"([0-9a-f]{64})\n")

Reader = Callable[[int, int], bytes]
_NOTHING = Layout()


@dataclass(frozen=True)
class Place:
    """The partition for a config drive. ``stamp`` is the digest of the seed in it, empty for one that is not complete."""

    partition: Partition
    stamp: str | None = None
    is_empty: bool = False

    @property
    def content(self) -> str:
        if self.stamp is None:
            return "empty" if self.is_empty else "foreign"
        return "seed" if self.stamp else "unfinished"


@dataclass(frozen=True)
class Content:
    """What the first bytes of a disk say, and those of its partitions."""

    layout: Layout = _NOTHING
    boot_modes: tuple[str, ...] = ()
    seed: Place | None = None


_UNSEEN = Content()


@dataclass(frozen=True)
class Source:
    """The image that is asked for. ``digest`` is read where it will be written; ``is_there``: the disk is as the image is."""

    image: Image
    content: Content
    has_layout: bool
    digest: str = ""
    is_there: bool = False


@dataclass(frozen=True)
class Found:
    """A LUN. Where it does not answer at any portal, ``disk`` is None. ``unfinished`` is the digest of an image that was not written whole."""

    paths: tuple[Path, ...]
    disk: Disk | None = None
    content: Content = _UNSEEN
    is_blank: bool = False
    unfinished: str = ""
    source: Source | None = None
    start: bytes = field(default=b"", repr=False)  # what is overwritten last


def reach(place: Address, deadline: Deadline) -> Found:
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


def read_source(path: str, disk: Disk) -> Source:
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
