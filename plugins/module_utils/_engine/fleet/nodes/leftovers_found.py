# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read to tell left-overs: lists, whatever there is, and one request more for each thing that may be left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain

from ...cloud.connection import Cloud
from ...resources.checkpoint import record as checkpoint
from ...resources.server import holds
from ...resources.server import record as server
from ...resources.server.holds import Hold
from ...resources.volume import golden, image, reservation
from ...resources.volume.record import Volume
from .info import NodeSeen
from .leftovers import Found

_OF_IRONIC = "ironic_mountpoint"  # the device under which Ironic attaches (ironic/common/cinder.py, attach_volumes)


def observe(
    cloud: Cloud,
    volumes: tuple[Volume, ...],
    servers: Mapping[str, str] | None,
    nodes: Iterable[NodeSeen],
    *,
    every_node: bool,
) -> Found:
    """What there is beside these. ``servers`` is None in a cloud without Nova, ``every_node`` whether the nodes are all that the user sees."""
    nodes = tuple(nodes)
    there = {*(servers or ()), *chain.from_iterable(one.setup.node.holders for one in nodes)}
    cast = {one.metadata[golden.IMAGE_ID] for one in volumes if golden.IMAGE_ID in one.metadata}
    return Found(
        volumes,
        checkpoint.read_snapshots(cloud),
        _holds(cloud, volumes, there, has_nova=servers is not None, every_node=every_node),
        image.read_names(cloud, cast),
        nodes,
    )


def _holds(cloud: Cloud, volumes: Iterable[Volume], there: set[str], *, has_nova: bool, every_node: bool) -> tuple[Hold, ...]:
    """The attachments for whoever is not there. A server is asked for by its id once more: lists leave out what another project has.

    Whether a node is there nobody knows who has not seen all of them.
    """
    volumes = list(volumes)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    reserved = holds.read(cloud, volumes, now) if has_nova else ()
    found = [one for one in reserved if one.server not in there]
    for volume in volumes:
        absent = [one for one in volume.attached_to if one not in there]
        if any(every_node or volume.devices.get(one) != _OF_IRONIC for one in absent):
            found += [
                Hold(id, volume.id, holder, _shown(cloud, holder) if has_nova else "")
                for id, holder in reservation.read(cloud, volume.id)
                if holder in absent and (every_node or volume.devices.get(holder) != _OF_IRONIC)
            ]
    return tuple(found)


def _shown(cloud: Cloud, id: str) -> str:
    return "".join(server.called(one) for one in server.read(cloud, id=id))
