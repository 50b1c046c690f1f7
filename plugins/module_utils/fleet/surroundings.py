# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a single resource's rules need to see of a node, also of a node as it is going to be. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..resources import node, target, volume, volume_record
from ..resources.node import Node
from ..values.errors import Refused
from .observe import NodeFound
from .wanted import NodeWanted


def of_volume(want: volume.Wanted, found: NodeFound) -> volume.Found:
    """What there is of the volume and its source. Raises Refused where the source cannot be used."""
    source = found.sources.get(want.source) if want.source else None
    if isinstance(source, Refused):
        raise source
    golden = found.golden.get(source.name, ()) if source and want.via_golden else ()
    volumes = found.volumes.get(want.label, ())
    snapshots = tuple(name for one in volumes for name in found.snapshots.get(one.id, ()))
    return volume.Found(volumes, source, snapshots, golden)


def of_target(want: target.Wanted, node_wanted: NodeWanted, found: NodeFound, goal: Node) -> target.Found:
    """What there is around the target when its turn comes: the node set up, its volumes made."""
    volumes = found.volumes.get(want.volume or "", ())
    ours = next((one for one in node_wanted.volumes if one.label == want.volume), None)
    if ours:
        volumes = (volume.expected(ours, of_volume(ours, found)),)
    return target.Found(goal, found.targets, volumes)


def undeployed(found: NodeFound) -> NodeFound:
    """What there is once the node is undeployed: Ironic powers it off, removes its targets and sets its volumes free."""
    free = {label: tuple(_released(one, found.node.uuid) for one in ones) for label, ones in found.volumes.items()}
    rests = replace(found.node, provision_state="available", power_state=node.POWER_OFF)
    return replace(found, node=rests, targets=(), volumes=free)


def _released(one: volume_record.Volume, node_uuid: str) -> volume_record.Volume:
    others = tuple(holder for holder in one.attached_to if holder != node_uuid)
    return replace(one, attached_to=others, status="available" if one.attached_to and not others else one.status)
