# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes' targets name a disk, a volume of Cinder or a LUN of an array, whatever the storage says of who has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from ...cloud.connection import Cloud
from ...resources.node import record as node
from ...resources.node import states, target_properties
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.volume.record import Volume, called
from . import lists

Claims: TypeAlias = Mapping[str, frozenset[str]]  # the UUIDs of nodes, by what their targets call a disk


@dataclass(frozen=True)
class Disk:
    """A disk that only one machine can have, and ``why`` two cannot. A target may call it by its ``name`` as well."""

    id: str
    called: str
    name: str = ""
    why: str = "is not multiattach. Give each its own."


@dataclass(frozen=True)
class Rival:
    """Another node whose target names a disk that a node is to boot with."""

    node: Node
    disk: Disk


def of_volume(one: Volume) -> Disk:
    """A volume of Cinder."""
    return Disk(one.id, f"volume {called(one)}", one.name)


def of_id(volume_id: str) -> Disk:
    """A volume that Cinder does not show."""
    return Disk(volume_id, f"volume {volume_id}")


def of_lun(name: str) -> Disk:
    """A LUN of an array, by the name that it has in target_properties.py."""
    return Disk(name, name, why="its target is not shared. Give each its own, or set shared where several may boot it at once.")


def read(cloud: Cloud, targets: Mapping[str, list[Target]] | None) -> Claims:
    """Those of all nodes, whose targets are read where they are not known."""
    every = chain.from_iterable((lists.read_targets(cloud) if targets is None else targets).values())
    claims: dict[str, frozenset[str]] = defaultdict(frozenset)
    for one in every:
        for name in names(one):
            claims[name] |= {one.node_uuid}
    return claims


def names(one: Target) -> frozenset[str]:
    """The disk of a target, under each name that it may have."""
    return frozenset((one.volume_id, *target_properties.luns(one.properties)))


def of_others(claims: Claims, disk: Disk, own: str) -> frozenset[str]:
    """The UUIDs of the nodes that name a disk, without a node's own."""
    return (claims.get(disk.id, frozenset()) | claims.get(disk.name, frozenset())) - {own}


def read_rivals(cloud: Cloud, claims: Claims, disks: Mapping[str, Iterable[Disk]]) -> dict[str, tuple[Rival, ...]]:
    """The rivals of nodes by their UUIDs, of each of which the disks are given."""
    claimed = {own: [(uuid, one) for one in ones for uuid in sorted(of_others(claims, one, own))] for own, ones in disks.items()}
    uuids = {uuid for ones in claimed.values() for uuid, _one in ones}
    nodes = {uuid: node.find(cloud, uuid) for uuid in sorted(uuids)}
    return {own: tuple(Rival(other, one) for uuid, one in ones if (other := nodes[uuid])) for own, ones in claimed.items()}


def obstacles(rivals: Iterable[Rival]) -> Iterator[str]:
    """Why a node is not deployed: other machines may be at work on its disks."""
    for one in rivals:
        if states.of(one.node.provision_state).machine:
            yield (
                f"{one.disk.called} is the disk of node {one.node.name} as well, which is {one.node.provision_state}, and two machines on one disk "
                "destroy it. Undeploy that node first, or let this one take over from it (takeover)."
            )
