# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on a LUN, and in the image that may be written to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..values.disk_layout import Layout, Partition
from .disk import Disk
from .image import Image
from .login import Path

# What stands at the start of a disk while an image is being written: no firmware takes it for a boot sector.
UNFINISHED = "bfv.openstack: an image is being written to this disk, and is not complete. SHA-256: "
# How much is written last: the boot sector, and GPT's header; with blocks of 4096 bytes the one of the two.
FIRST = 4096
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
    """The image that is asked for. ``digest`` is read where it will be written.

    ``is_there``: the disk is as the image is. ``is_begun``: an earlier run began to write this very image, and nothing else is seen.
    """

    image: Image
    content: Content
    has_layout: bool
    digest: str = ""
    is_there: bool = False
    is_begun: bool = False


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
