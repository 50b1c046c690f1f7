# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes that have what a node is to take over: a disk, or an initiator. Read only where a takeover is permitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ...cloud.connection import Cloud
from ...resources.node import connector, deployment, handover, instance, target, target_properties
from ...resources.node import record as node
from ...resources.node.connector import Connector, Key
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.volume.record import Volume
from ...values.errors import Refused
from .claims import names
from .wanted import DEPLOYED, NEVER, PREPARED, NodeWanted


@dataclass(frozen=True)
class Attachment:
    """A volume of Cinder as a node has it."""

    id: str
    volume: str
    ends: bool = False  # Cinder is letting go of it


@dataclass(frozen=True)
class Holder:
    """Another node, and all of its records.

    ``asked_for`` is what the node that is wanted asks for: disks by the ids of volumes or by IQN and LUN, with their places in its
    boot order, and initiators by their names. ``left``: its disks were moved to that node before, and it was not undeployed.
    """

    node: Node
    asked_for: Mapping[str, int]
    connectors: tuple[Connector, ...] = ()
    targets: tuple[Target, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    left: bool = False

    @property
    def disks(self) -> tuple[Target, ...]:
        """Its targets that lead to what is asked for."""
        return tuple(one for one in self.targets if names(one) & self.asked_for.keys())

    @property
    def initiators(self) -> tuple[Connector, ...]:
        """Its connectors that are asked for by their names."""
        return tuple(one for one in self.connectors if one.connector_id in self.asked_for)

    @property
    def has(self) -> frozenset[str]:
        """What the services say that it has."""
        held = [one.volume for one in self.attachments] + [one.connector_id for one in self.connectors]
        return frozenset(chain(held, *map(names, self.targets)))

    def boot_index(self, disk: Target) -> int:
        """Where one of its disks comes in the boot order of the node that is wanted."""
        return next(index for name, index in self.asked_for.items() if name in names(disk))


@dataclass(frozen=True)
class Place:
    """What is there of a node that is wanted, as far as others may have it. ``volumes`` of Cinder by their places in its boot order."""

    node: Node
    targets: tuple[Target, ...] = ()
    volumes: Mapping[int, Volume] = field(default_factory=dict)
    taken: Mapping[Key, Connector] = field(default_factory=dict)


def takes_over(want: NodeWanted, place: Node) -> bool:
    """Whether the node may take something from another one: it is at rest, and the task permits it."""
    return want.takeover.mode != NEVER and want.state in (PREPARED, DEPLOYED) and deployment.is_free(place)


def read(
    cloud: Cloud,
    wants: Sequence[tuple[NodeWanted, Place]],
    connectors: Mapping[str, Sequence[Connector]],
    targets: Mapping[str, Sequence[Target]],
) -> dict[str, tuple[Holder, ...]]:
    """Who has what these nodes want, by their names. ``connectors`` and ``targets`` are those of all nodes. Raises Refused."""
    had = _had(chain.from_iterable(targets.values()))
    uuids = {want.node: _uuids(want, place, had) for want, place in wants}
    nodes = _nodes(cloud, set().union(*uuids.values()), without_nova=any(want.without_nova for want, _place in wants))
    found: dict[str, tuple[Holder, ...]] = {}
    for want, place in wants:
        others = [nodes[uuid] for uuid in sorted(uuids[want.node]) if uuid in nodes]
        held = [_holder(want, place, one, connectors.get(one.uuid, ()), targets.get(one.uuid, ())) for one in others]
        found[want.node] = tuple(one for one in held if one.disks or one.attachments or one.initiators or one.left)
    return found


def _had(targets: Iterable[Target]) -> dict[str, set[str]]:
    """The nodes that have a disk for a target, by that disk."""
    had: dict[str, set[str]] = defaultdict(set)
    for one in targets:
        if target.is_hidden(one):
            raise Refused(
                "Failed to see which node has a disk that is to be taken over: Ironic hides the properties of targets from this user "
                "(policy baremetal:volume:view_target_properties). Use a cloud with system scope or the role admin."
            )
        for disk in names(one):
            had[disk].add(one.node_uuid)
    return had


def _asked_for(want: NodeWanted, place: Place) -> dict[str, int]:
    """Only with the interface cinder the id of a volume means one of Cinder's."""
    asked = {one.connector_id: -1 for one in _initiators(want, place)}
    if (want.storage.storage_interface or place.node.storage_interface) == "cinder":
        return asked | {volume.id: index for index, volume in place.volumes.items()}
    return asked | {disk: one.boot_index for one in want.targets for disk in target_properties.luns(one.properties or {})}


def _uuids(want: NodeWanted, place: Place, had: Mapping[str, set[str]]) -> set[str]:
    by_target = set(chain.from_iterable(had.get(disk, ()) for disk in _asked_for(want, place)))
    by_volume = set(chain.from_iterable(one.attached_to for one in place.volumes.values())) - {*place.node.holders}
    by_note = {uuid for one in place.targets for uuid in handover.taken_from(one)}
    by_name = {one.node_uuid for one in _initiators(want, place)}
    return (by_target | by_volume | by_note | by_name) - {place.node.uuid}


def _initiators(want: NodeWanted, place: Place) -> list[Connector]:
    """The connectors of other nodes that have a name which is asked for."""
    asked = {connector.key_wanted(one) for one in want.connectors}
    taken = [place.taken[key] for key in sorted(place.taken.keys() & asked)]
    return [one for one in taken if one.node_uuid != place.node.uuid]


def _nodes(cloud: Cloud, uuids: Iterable[str], *, without_nova: bool) -> dict[str, Node]:
    """What Ironic shows of them: who has a volume may be a server, or a node that is gone."""
    there = [one for uuid in sorted(uuids) if (one := node.find(cloud, uuid))]
    return {one.uuid: one for one in instance.known(cloud, there, without_nova=without_nova)}


def _holder(want: NodeWanted, place: Place, other: Node, connectors: Sequence[Connector], targets: Sequence[Target]) -> Holder:
    attachments = tuple(
        Attachment(id, volume.id, volume.status == "detaching")
        for volume in place.volumes.values()
        for holder, id in volume.attachments.items()
        if holder in other.holders
    )
    noted = any(other.uuid in handover.taken_from(one) for one in place.targets)
    asked_for = _asked_for(want, place)
    return Holder(other, asked_for, tuple(connectors), tuple(targets), attachments, noted and is_left(other, targets))


def is_left(other: Node, targets: Sequence[Target]) -> bool:
    """Whether a node is deployed, and has nothing any more to boot from: what a run leaves that ended before it undeployed it."""
    return deployment.may_be_undeployed(other) and other.has_nothing_else and not targets
