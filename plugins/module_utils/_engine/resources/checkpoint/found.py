# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there of a machine: its disks, the root first, and its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from ...cloud.connection import Cloud
from ...values.errors import Refused
from ...values.identifiers import is_uuid
from ..node import instance, listing, target
from ..node import record as nodes
from ..node.record import Node
from ..node.target import Target
from ..server import record as servers
from ..server import root
from ..server.record import Server
from ..volume import record as volumes
from ..volume.record import Volume
from . import anew, node_anew, record, room
from .anew import Anew
from .places import Back
from .record import Checkpoint, Snapshot, chosen, elect
from .room import Room
from .succession import Former
from .wanted import Wanted

_OF_CINDER = ("iscsi", "fibre_channel")  # what Ironic's storage interface cinder attaches


@dataclass(frozen=True)
class Found:
    """A machine with its disks and checkpoints.

    ``of`` is what its checkpoints say whose they are, and ``label`` what a person is told. ``server`` and ``node`` are None where none is
    there, and of the other kind. ``root`` is the id of the
    volume that it boots from, where that is certain. ``unseen`` are disks that Cinder does not show. ``made_from`` tells of snapshots which
    volumes were made of them, where some may have to go; ``room`` what the project may have, where some have to be made. ``anew`` are the
    disks of a server that goes back, ``back`` those of a node, and ``targets`` the volume targets of that.
    """

    of: str
    label: str
    server: Server | None = None
    node: Node | None = None
    root: str | None = None
    disks: tuple[Volume, ...] = ()
    unseen: tuple[str, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    made_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    room: Room | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # of the server's further disks, by their ids
    anew: Anew | None = None
    targets: tuple[Target, ...] = ()
    back: Back | None = None

    @property
    def name(self) -> str:
        """The name of the server."""
        return self.server.name if self.server else self.label.removeprefix("server ")

    def named(self, name: str) -> tuple[Checkpoint, ...]:
        """What is there of the checkpoint of that name: the sets of all attempts, the oldest first."""
        return tuple(one for one in self.checkpoints if one.name == name)

    @property
    def root_disk(self) -> Volume | None:
        return next((one for one in self.disks if one.id == self.root), None)


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the machine, its disks and its checkpoints. Raises Refused."""
    found = _observe_node(cloud, want) if want.node else _observe_server(cloud, want)
    found = replace(found, checkpoints=record.read(cloud, found.of))
    if want.state == "absent" or want.keep is not None:
        found = replace(found, made_from=_read_made_from(cloud, found.checkpoints))
    if want.state == "present" and not any(one.is_complete for one in found.named(want.name)):
        found = replace(found, room=room.read(cloud))
    if want.state == "reverted":
        return _observe_return(cloud, want, replace(found, room=room.read(cloud) if want.safety else None))
    return found


def _observe_return(cloud: Cloud, want: Wanted, found: Found) -> Found:
    """The new disks of a machine that goes back, and what their exchange needs."""
    safety = _free_name(want, found) if want.safety else ""
    if found.node:
        meant = chosen(found.checkpoints, want.name, f"revert {found.label} to checkpoint {want.name}")
        return replace(found, back=node_anew.read(cloud, found.node, found.targets, found.disks, meant, safety, want.mark))
    checkpoint = elect(found.named(want.name))
    if checkpoint is None:
        return found
    formers = _formers(found, checkpoint)
    read = anew.read(
        cloud, found.name, found.server, found.root_disk, checkpoint, want.replace_may_lose, safety, formers, want.mark
    )
    return replace(found, anew=read)


def _formers(found: Found, checkpoint: Checkpoint) -> dict[int, Former]:
    """The server's disks, each by the place that it has in the checkpoint. One that was not saved has none."""
    goes = found.server.disks if found.server else {}
    return {
        one.order: Former(disk, found.tags.get(disk.id), goes.get(disk.id, False))
        for one in checkpoint.snapshots
        for disk in found.disks
        if _has_place_of(disk, one, found.root)
    }


def _has_place_of(disk: Volume, snapshot: Snapshot, root: str | None) -> bool:
    """Whether the snapshot is the disk's, or the disk was made of one of its place when the server has gone back before."""
    if snapshot.order == 0 or disk.id == root:
        return snapshot.order == 0 and disk.id == root
    came_back = anew.TO in disk.metadata and disk.metadata.get(record.ORDER) == str(snapshot.order)
    return disk.id == snapshot.volume_id or came_back


def _free_name(want: Wanted, found: Found) -> str:
    """The first name of a safety checkpoint that none has which was ever complete."""
    taken = {one.name for one in found.checkpoints if one.was_complete}
    return next(name for number in count(1) if (name := f"before-{want.name}-{number}") not in taken)


def _observe_server(cloud: Cloud, want: Wanted) -> Found:
    reference = str(want.server)
    by_id = servers.read(cloud, id=reference) if is_uuid(reference) else ()
    server = servers.only(by_id or servers.read(cloud, name=reference), reference)
    if server is None:
        return Found(_of_server(reference), f"server {reference}")
    if by_id:
        _check_only(server, servers.read(cloud, name=server.name))
    found = Found(_of_server(server.name), f"server {server.name}", server)
    if want.state == "absent" or server.is_going:
        return found
    several = server.boots_from_volume and len(server.disks) > 1
    attachments = (root.read(cloud, server.id) or ()) if several else ()
    found = replace(found, root=root.of(server, attachments), tags={one.volume: one.tag for one in attachments if one.tag})
    ids = sorted(server.disks, key=lambda id: id != found.root)
    return _with_disks(cloud, found, ids)


def _check_only(server: Server, named: Iterable[Server]) -> None:
    """Refuse a server that shares its name: its checkpoints are found by that, and would be taken for the other one's."""
    others = [one for one in named if one.id != server.id and not one.is_going]
    if others:
        raise Refused(
            f"Failed to read the checkpoints of server {server.name} ({server.id}): {len(others) + 1} servers have that name "
            f"({', '.join([server.id, *(one.id for one in others)])}), by which they are kept. Rename one (bfv.openstack.bfv_server with id and name)."
        )


def _of_server(name: str) -> str:
    of = f"server {name}"
    if len(of) > record.LENGTH:
        raise Refused(
            f"Failed to read the checkpoints of {of}: the name is too long for Cinder's metadata. Give the server a shorter one."
        )
    return of


def _observe_node(cloud: Cloud, want: Wanted) -> Found:
    """A node, and the volumes that its volume targets name, in the order in which it boots from them."""
    node = nodes.find(cloud, str(want.node))
    if node is None and is_uuid(want.node) and want.state == "absent":
        return Found(f"node {want.node}", f"node {want.node}")
    if node is None:
        raise nodes.unknown(str(want.node))
    if want.state == "reverted":
        (node,) = instance.known(cloud, [node], without_nova=want.without_nova)
    found = Found(f"node {node.uuid}", f"node {node.name}", node=node)
    if want.state == "absent":
        return found
    read = listing.read(cloud, listing.TARGETS, f"read the volume targets of node {node.name}", node=node.uuid, detail=True)
    targets = [one for one in map(target.from_api, read) if one.node_uuid == node.uuid and one.volume_type in _OF_CINDER]
    targets.sort(key=lambda one: one.boot_index)
    found = replace(found, targets=tuple(targets), root=next((one.volume_id for one in targets if one.boot_index == 0), None))
    return _with_disks(cloud, found, [one.volume_id for one in targets])


def _with_disks(cloud: Cloud, found: Found, ids: Iterable[str]) -> Found:
    read = {id: volumes.read(cloud, id=id) for id in ids}
    return replace(
        found,
        disks=tuple(one for ones in read.values() for one in ones),
        unseen=tuple(id for id, ones in read.items() if not ones),
    )


def _read_made_from(cloud: Cloud, checkpoints: Iterable[Checkpoint]) -> dict[str, tuple[str, ...]]:
    """The volumes that were made of the snapshots, by their names and ids. Whether one still needs its snapshot, only the backend knows."""
    ids = {snapshot.id for one in checkpoints for snapshot in one.snapshots}
    made = [one for one in (volumes.read_all(cloud) if ids else ()) if one.snapshot_id in ids]
    return {id: tuple(volumes.called(one) for one in made if one.snapshot_id == id) for id in ids}
