# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What machines, rollouts and broken runs have left: each thing with why nothing needs it, and the command that removes it. Pure.

Nothing here removes anything. Marks and names help to find; whoever types the command names the thing, by its id. What may still be of
use is left out: a volume with snapshots, or that a volume target names; whatever belongs to a node that a machine may run on.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from ...resources.checkpoint import removal as checkpoints
from ...resources.checkpoint.record import Checkpoint, Snapshot, gathered
from ...resources.checkpoint.succession import INSTEAD
from ...resources.node import deployment
from ...resources.node import record as nodes
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.server.holds import Hold
from ...resources.volume import golden
from ...resources.volume.record import REPLACES, Volume, called
from ...resources.volume.removal import DELETABLE
from ...values.identifiers import is_uuid
from .info import NodeSeen

ATTACHMENT, CONNECTOR, TARGET = "attachment", "connector", "target"
GOLDEN, OLD_DISK, CHECKPOINT = "golden_volume", "old_disk", "checkpoint"
KINDS = (ATTACHMENT, CONNECTOR, TARGET, GOLDEN, OLD_DISK, CHECKPOINT)

# What a new disk says of the one whose place it took: of this collection's own notes, and of the role rollout.
_SUCCEEDS = (REPLACES, INSTEAD, "rollout_of")
_IN_CINDER = "--os-volume-api-version 3.27 volume attachment"  # older clients ask for an older one by themselves


@dataclass(frozen=True)
class Clouds:
    """The names in clouds.yaml by which commands reach Ironic and Cinder. None where the task names none."""

    ironic: str | None = None
    cinder: str | None = None


@dataclass(frozen=True)
class Leftover:
    """One thing that nothing needs. ``name`` is its own, or that of what it belongs to."""

    kind: str
    id: str
    name: str
    why: str
    command: str


@dataclass(frozen=True)
class Found:
    """The project's volumes and snapshots, who holds what, the names of the images of golden volumes, and the nodes that were asked for.

    ``holds`` are the attachments of volumes that somebody holds who was not among the servers and nodes that are there.
    ``without_cinder`` says why Cinder was not asked.
    """

    volumes: tuple[Volume, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    holds: tuple[Hold, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[NodeSeen, ...] = ()
    without_cinder: str = ""


def leftovers(found: Found, clouds: Clouds, keep: int | None = None) -> list[Leftover]:
    """All of it by its kind, in the order of KINDS, and by its name. ``keep`` is how many checkpoints a machine keeps: None keeps all."""
    ones = chain(
        _attachments(found, clouds),
        _records(found, clouds),
        _golden(found, clouds),
        _old_disks(found, clouds),
        _checkpoints(found, clouds, keep),
    )
    return sorted(ones, key=lambda one: (KINDS.index(one.kind), one.name, one.id))


def _attachments(found: Found, clouds: Clouds) -> Iterator[Leftover]:
    by_id = {one.id: one for one in found.volumes}
    for one in found.holds:
        if one.is_left_over and not one.in_doubt:
            why = f"it holds the volume for {one.server}, which is neither a server nor a node that this user sees"
            command = _openstack(clouds.cinder, f"{_IN_CINDER} delete", one.id)
            yield Leftover(ATTACHMENT, one.id, by_id[one.volume].name or one.volume, why, command)


def _records(found: Found, clouds: Clouds) -> Iterator[Leftover]:
    """Connectors and targets of nodes that no machine runs on."""
    volumes = None if found.without_cinder else {one.id: one for one in found.volumes}
    names = {id: seen.setup.node.name for seen in found.nodes for id in seen.setup.node.holders}
    for seen in found.nodes:
        node = seen.setup.node
        if not deployment.is_free(node) or any(nodes.nova_obstacles(node)):
            continue
        why = _of_no_use(node)
        off = "" if nodes.may_delete_records(node) else f". Switch it off first (openstack baremetal node power off {node.uuid})"
        for one in seen.setup.connectors if why else ():
            about = f"the {one.type} connector {one.connector_id}: {why}{off}"
            command = _openstack(clouds.ironic, "baremetal volume connector delete", one.uuid)
            yield Leftover(CONNECTOR, one.uuid, node.name, about, command)
        for target in seen.setup.targets:
            reason = why or _elsewhere(node, target, volumes, names)
            if reason:
                about = f"the target {target.boot_index} to volume {target.volume_id}: {reason}{off}"
                command = _openstack(clouds.ironic, "baremetal volume target delete", target.uuid)
                yield Leftover(TARGET, target.uuid, node.name, about, command)


def _of_no_use(node: Node) -> str:
    """Why nothing that is set up of the node is used; empty where it may be."""
    if node.retired:
        return "the node is retired, and nothing runs on it"
    if not node.heeds_targets:
        return f"the node has the storage interface {node.storage_interface}, which looks at none of it, and nothing runs on it"
    return ""


def _elsewhere(node: Node, target: Target, volumes: Mapping[str, Volume] | None, names: Mapping[str, str]) -> str:
    """Why the node could not have the target's volume; empty where it could. To an interface for arrays an id may mean anything."""
    if volumes is None or node.storage_interface != "cinder" or not is_uuid(target.volume_id):
        return ""
    volume = volumes.get(target.volume_id)
    if volume is None:
        return "Cinder shows no such volume in this project"
    others = [names.get(one, one) for one in volume.attached_to if one not in node.holders]
    return f"the volume is attached to {', '.join(others)}" if others and not volume.multiattach else ""


def _golden(found: Found, clouds: Clouds) -> Iterator[Leftover]:
    used = _used(found)
    for one in found.volumes:
        why = golden.unused(one, found.images)
        if why and one.id not in used:
            yield Leftover(GOLDEN, one.id, one.name, why, _openstack(clouds.cinder, "volume delete", one.id))


def _old_disks(found: Found, clouds: Clouds) -> Iterator[Leftover]:
    """Volumes whose places others took, and that run in a machine by now."""
    used, successors = _used(found), _successors(found.volumes)
    for one in found.volumes:
        new = successors.get(one.id)
        if new and one.id not in used and one.status in DELETABLE and not one.attached_to:
            why = f"{called(new)} took its place, and is attached to {', '.join(new.attached_to)}"
            yield Leftover(OLD_DISK, one.id, one.name, why, _openstack(clouds.cinder, "volume delete", one.id))


def _successors(volumes: Iterable[Volume]) -> dict[str, Volume]:
    """The volumes that took a place and are in use, by the ids of those whose place it was."""
    took = [one for one in volumes if one.is_ours and one.attached_to]
    return {old: one for one in took for key in _SUCCEEDS if (old := one.metadata.get(key)) not in (None, one.id)}


def _used(found: Found) -> set[str]:
    """The ids of volumes that have snapshots, which Cinder does not delete, or that a volume target names."""
    named = {target.volume_id for seen in found.nodes for target in seen.setup.targets}
    return named | {one.volume_id for one in found.snapshots}


def _checkpoints(found: Found, clouds: Clouds, keep: int | None) -> Iterator[Leftover]:
    """Those that boot_checkpoint would let go with that number: what volumes were made of stays."""
    if keep is None:
        return
    sources = {one.snapshot_id for one in found.volumes}
    names = {seen.setup.node.uuid: seen.setup.node.name for seen in found.nodes}
    machines: dict[str, list[Checkpoint]] = defaultdict(list)
    for saved in gathered(found.snapshots):
        if saved.was_complete:
            machines[saved.of].append(saved)
    for of, saved_of in machines.items():
        kind, _blank, machine = of.partition(" ")
        for one in checkpoints.beyond(saved_of, keep):
            ids = [each.id for each in one.snapshots]
            if sources.isdisjoint(ids) and not any(checkpoints.obstacles(one)):
                why = f"{kind} {names.get(machine, machine)} has newer ones, and keeps {keep}"
                command = _openstack(clouds.cinder, "volume snapshot delete", *ids)
                yield Leftover(CHECKPOINT, one.set, one.name, why, command)


def _openstack(cloud: str | None, command: str, *ids: str) -> str:
    """A command for a shell. All that is not this collection's own is quoted."""
    where = f"--os-cloud {shlex.quote(cloud)} " if cloud else ""
    return f"openstack {where}{command} {shlex.join(ids)}"
