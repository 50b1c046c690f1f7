# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes' targets name a volume of Cinder, whatever Cinder says of who has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from ...cloud.connection import Cloud
from ...resources.node import record as node
from ...resources.node import states
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.volume.record import Volume, called
from . import lists

Claims: TypeAlias = Mapping[str, frozenset[str]]  # the UUIDs of nodes, by what their targets call a volume


@dataclass(frozen=True)
class Rival:
    """Another node whose target names a volume that only one machine can have, and that a node is to boot with."""

    node: Node
    volume: Volume


def read(cloud: Cloud, targets: Mapping[str, list[Target]] | None) -> Claims:
    """Those of all nodes, whose targets are read where they are not known."""
    every = chain.from_iterable((lists.read_targets(cloud) if targets is None else targets).values())
    claims: dict[str, frozenset[str]] = defaultdict(frozenset)
    for one in every:
        claims[one.volume_id] |= {one.node_uuid}
    return claims


def of_others(claims: Claims, one: Volume, own: str) -> frozenset[str]:
    """The UUIDs of the nodes that name a volume, without a node's own."""
    return (claims.get(one.id, frozenset()) | claims.get(one.name, frozenset())) - {own}


def read_rivals(cloud: Cloud, claims: Claims, disks: Mapping[str, Iterable[Volume]]) -> dict[str, tuple[Rival, ...]]:
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
                f"volume {called(one.volume)} is the disk of node {one.node.name} as well, which is {one.node.provision_state}, and two machines on "
                "one disk destroy it. Undeploy that node first, or let this one take over from it (takeover)."
            )
