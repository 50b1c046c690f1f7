# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a single resource's rules need to see of a node, also of a node as it is going to be. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...resources.node import record as node
from ...resources.node import target
from ...resources.node.record import Node
from ...resources.volume import plan as volume
from ...resources.volume import record as volume_record
from ...resources.volume.drift import is_recreated
from ...values.errors import Unusable
from .observe import NodeFound
from .wanted import NodeWanted


def of_volume(want: volume.Wanted, found: NodeFound) -> volume.Found:
    """What there is of the volume and its source. Where that cannot be used, only a volume that is to be made is refused for it."""
    seen = found.sources.get(want.source) if want.source else None
    source, lacks = (None, seen) if isinstance(seen, Unusable) else (seen, None)
    golden = found.golden.get(source.name, ()) if source and want.via_golden else ()
    volumes = found.volumes.get(want.label, ())
    going = [one for one in volumes if want.state == "absent" or is_recreated(want, one, source)]
    snapshots = tuple(name for one in going for name in found.snapshots.get(one.id, ()))
    # Whether there is room is looked at for all nodes together: see room.py.
    needs = replace(found.needs, left={}, pools=None) if found.needs else None
    return volume.Found(volumes, source, snapshots, golden, needs, lacks)


def of_target(want: target.Wanted, node_wanted: NodeWanted, found: NodeFound, goal: Node, made: Collection[str]) -> target.Found:
    """What there is around the target when its turn comes: the node set up, its volumes made."""
    volumes = found.volumes.get(want.volume or "", ())
    ours = next((one for one in node_wanted.volumes if one.label == want.volume), None)
    if ours:
        volumes = (volume.expected(ours, of_volume(ours, found), made),)
    return target.Found(goal, found.targets, volumes)


def undeployed(found: NodeFound) -> NodeFound:
    """What there is once the node is undeployed: Ironic powers it off, removes its targets and, with the interface cinder, sets its volumes free."""
    # ironic/conductor/manager.py, _do_node_tear_down: the instance goes as well.
    state = "manageable" if found.node.retired else "available"
    rests = replace(found.node, provision_state=state, power_state=node.POWER_OFF, instance_uuid=None)
    free = let_go(found, found.node.holders) if found.node.storage_interface == "cinder" else found
    return replace(free, node=rests, targets=())


def let_go(found: NodeFound, holders: Collection[str]) -> NodeFound:
    """What there is once a node, that has volumes under these ids, has let go of them."""
    free = {label: tuple(_released(one, holders) for one in ones) for label, ones in found.volumes.items()}
    held = {id: _released(one, holders) for id, one in (found.held or {}).items()}
    return replace(found, volumes=free, held=None if found.held is None else held)


def _released(one: volume_record.Volume, holders: Collection[str]) -> volume_record.Volume:
    others = tuple(holder for holder in one.attached_to if holder not in holders)
    return replace(one, attached_to=others, status="available" if one.attached_to and not others else one.status)
