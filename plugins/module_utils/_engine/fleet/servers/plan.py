# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server of a fleet, planned with the very rules of bfv_volume and bfv_server: first its volumes, then the server around them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ...resources.server import plan as server
from ...resources.volume import plan as volume
from ...resources.volume.record import Volume
from ...values import references
from ...values.plan import together
from ..stage import EVERYTHING, VOLUMES, Stage
from .observe import ServerFound
from .wanted import ServerWanted


def plan(want: ServerWanted, found: ServerFound, made: Collection[str] = ()) -> list[Stage]:
    """The way of the server, in order. ``made`` are the ids of what this run created. Raises Refused before anything of it was taken."""
    volumes = [volume.plan(one, of_volume(one, found), made) for one in want.volumes]
    return [
        Stage(together("volumes", volumes), VOLUMES),
        Stage(server.plan(want.server, _with_volumes(want, found, made), made), EVERYTHING),
    ]


def of_volume(want: volume.Wanted, found: ServerFound) -> volume.Found:
    """What there is of a volume. Whether there is room is looked at for all servers together: see ../room.py."""
    one = found.volumes[want.label]
    return replace(one, needs=replace(one.needs, left={}, pools=None)) if one.needs else one


def _with_volumes(want: ServerWanted, found: ServerFound, made: Collection[str]) -> server.Found:
    """What the server's plan finds when its turn comes: its volumes made."""
    coming = {one.label: volume.expected(one, of_volume(one, found), made) for one in want.volumes}
    seen = found.server
    for label, one in coming.items():
        had = {each.id for each in found.volumes[label].volumes}
        if references.means(want.server.boot.volume, one.id, one.name):
            others = [each for each in seen.boot.volumes if each.id not in had]
            seen = replace(seen, boot=replace(seen.boot, volumes=(one, *others)))
        seen = replace(seen, disks=_disks(seen.disks, one))
    return seen


def _disks(disks: Mapping[str, tuple[Volume, ...]], coming: Volume) -> dict[str, tuple[Volume, ...]]:
    return {name: (coming,) if references.means(name, coming.id, coming.name) else ones for name, ones in disks.items()}
