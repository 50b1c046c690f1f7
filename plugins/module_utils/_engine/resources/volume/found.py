# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there of a volume, and which of several of its name it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...cloud.connection import Cloud
from ...values.errors import Unusable
from . import golden, record, source
from .drift import is_recreated, needs_more
from .needs import Needs
from .needs import read as read_needs
from .record import REPLACES, Volume
from .source import Source
from .wanted import Wanted


@dataclass(frozen=True)
class Found:
    """The volumes of the wanted name or id, and what their plan needs beside them.

    That is the source and the golden volumes where they are asked for, the snapshots that hold a volume that is to go, and, where
    one may have to be made, what the project may have. ``lacks`` tells why there is no source though one is asked for: only a volume
    that is to be made needs it.
    """

    volumes: tuple[Volume, ...] = ()
    source: Source | None = None
    snapshots: tuple[str, ...] = ()
    golden: tuple[Volume, ...] = ()
    needs: Needs | None = None
    lacks: Unusable | None = None


@dataclass(frozen=True)
class Standing:
    """The volume that is meant, and what stands beside it under its name.

    ``successor`` takes its place: it says so itself, and this collection made it. ``surplus`` is what this run made while another
    one was faster.
    """

    volume: Volume | None
    successor: Volume | None = None
    surplus: Volume | None = None


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read what is there of the wanted volume."""
    volumes = record.read(cloud, name=want.name, id=want.id)
    if want.state == "absent":
        return Found(volumes, snapshots=read_snapshots(cloud, volumes))
    made_from, lacks = read_source(cloud, want)
    found = Found(volumes, made_from, golden=golden.read(cloud, made_from) if made_from and want.via_golden else (), lacks=lacks)
    going = tuple(one for one in volumes if is_recreated(want, one, made_from))
    if volumes and not going and not any(needs_more(want, one) for one in volumes):
        return found
    return replace(found, snapshots=read_snapshots(cloud, going), needs=read_needs(cloud))


def read_source(cloud: Cloud, want: Wanted) -> tuple[Source | None, Unusable | None]:
    """The source that is asked for, or why there is none."""
    if want.source is None:
        return None, None
    try:
        return source.observe(cloud, *want.source), None
    except Unusable as error:
        return None, error


def read_snapshots(cloud: Cloud, volumes: tuple[Volume, ...]) -> tuple[str, ...]:
    """The names and ids of the volume's snapshots: Cinder's refusal to delete does not tell them."""
    what = "read the volume's snapshots"
    one_by_one = (cloud.block_storage.list("/snapshots", "snapshots", what, volume_id=volume.id) for volume in volumes)
    of = {volume.id for volume in volumes}
    return tuple(record.snapshot_label(one) for snapshots in one_by_one for one in snapshots if one["volume_id"] in of)


def standing(want: Wanted, found: Found, made: Collection[str]) -> Standing:
    """Which of the volumes of the wanted name is meant. Raises Refused where that is not certain.

    A run that has made one looks once more: every run takes the one that was made first, and a later one goes by the run that made it.
    """
    ones = sorted(found.volumes, key=lambda one: (one.created_at, one.id))
    for old, new in (ones, ones[::-1]) if len(ones) == 2 else ():
        going = old.status == "deleting" or is_recreated(want, old, found.source, made)
        says_so = new.metadata.get(REPLACES) == old.id and new.is_made_here
        if going and (says_so or (want.backup is not None and new.is_made_by(made))):  # a restored backup takes the metadata away
            return Standing(old, successor=new)
    if any(one.is_made_by(made) for one in ones):
        own = next((one for one in ones[1:] if one.is_made_by(made)), None)
        return Standing(ones[0], surplus=own)
    return Standing(record.only(found.volumes, want.label))
