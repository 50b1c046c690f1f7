# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the disks of a machine from being saved all together. Said before the first snapshot is taken. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ...values.errors import Refused, refuse
from ..node import record as nodes
from ..node.record import Node
from ..server import root, states
from ..server.record import Server
from ..volume.record import Volume
from . import quiesce, room
from .found import Found
from .wanted import Wanted

_TAKEN = ("available", "in-use")  # cinder/volume/api.py, create_snapshot_in_db, with force


def check(want: Wanted, found: Found, what: str) -> None:
    """Refuse a machine whose disks cannot all be saved. Raises Refused."""
    if found.node:
        refuse(what, _of_node(found.node, found))
    elif found.server is None:
        raise Refused(f"Failed to {what}: Nova shows no {found.label}. Check the name, and the project.")
    else:
        refuse(what, _of_server(found.server))
        if found.server.is_busy:
            return
        root.check(found.server, found.root, what)
        quiesce.check(want, found.server, what)
    refuse(what, _of_disks(found))
    if found.room:
        room.check(found.disks, found.room, what)


def at_work(found: Found) -> str:
    """What is waited for before the disks are known."""
    server = found.server
    return f"server {server.name} ({server.status}) to come to rest" if server and server.is_busy else ""


def _of_server(server: Server) -> Iterator[str]:
    if server.is_going:
        yield "it is being deleted."
    if not server.boots_from_volume:
        yield "it boots from a local disk, of which Cinder takes no snapshot. Make an image of it (openstack server image create)."
    if not server.disks and not server.is_busy:
        yield f"Nova shows no volumes of it. {states.why(server.status, server.id)}"


def of_storage(node: Node) -> Iterator[str]:
    """Why the disks of a node are not Cinder's."""
    if node.storage_interface == "external":
        yield "its disks are on an array that Cinder does not know, and the snapshots of an array are the array's own. Take them there."
    if not node.heeds_targets:
        yield from nodes.storage_obstacles(node)


def _of_node(node: Node, found: Found) -> Iterator[str]:
    yield from of_storage(node)
    for id in found.unseen:
        yield (
            f"Cinder does not show volume {id} of its volume target. Where that is a LUN of an array, the snapshots of an array are the array's own; "
            "otherwise name the project's cloud (volume_cloud)."
        )
    if found.root is None:
        yield "it has no volume target with boot index 0 (iscsi or fibre_channel), from which it boots. Deploy it first, or register one."


def _of_disks(found: Found) -> Iterator[str]:
    for id in found.unseen:
        yield f"Cinder does not show its volume {id}. Use a cloud whose user sees it."
    for one in found.disks:
        if one.status not in _TAKEN:
            yield (
                f"its volume {one.name or one.id} ({one.id}) has status {one.status}, and Cinder takes snapshots of volumes that are "
                f"{' or '.join(_TAKEN)}. {_advice(found.server, one)}"
            )


def _advice(server: Server | None, volume: Volume) -> str:
    if volume.status == "reserved" and server and server.status == "SHELVED_OFFLOADED":
        way = f"state: started of bfv.openstack.bfv_server, or openstack server unshelve {server.id}"
        return f"Bring the server back first ({way})."
    return "Run again when it is."
