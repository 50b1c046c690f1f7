# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bfv_info tells: nodes, which of them would do as a spare, a project's volumes that a machine can boot from, with who holds them, and left-overs.

It reads, and never writes. Volumes and left-overs are for a tenant as well, who sees no Ironic: the nodes are asked for only where they are wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ...cloud.connection import Cloud
from ...resources.volume import record
from ...resources.volume.record import Volume
from ...values import references
from ...values.errors import Invalid, Refused
from ...values.plan import Plan
from . import info, leftovers, leftovers_found, spares
from .spares import Spare

NODES, VOLUMES, LEFTOVERS = "nodes", "volumes", "leftovers"


@dataclass(frozen=True)
class Wanted:
    """What is asked for, and of which nodes.

    ``keep`` is how many checkpoints a machine keeps, ``clouds`` what commands call the clouds, and ``spares_for`` the node that another
    one is to take over from.
    """

    gather: tuple[str, ...]
    nodes: info.Wanted
    keep: int | None = None
    clouds: leftovers.Clouds = field(default_factory=leftovers.Clouds)
    spares_for: str | None = None


@dataclass(frozen=True)
class Found:
    """The nodes, the volumes that one can boot from, the names of the project's servers by their ids, and what left-overs are told by."""

    nodes: list[info.NodeSeen] = field(default_factory=list)
    volumes: tuple[Volume, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    around: leftovers.Found = field(default_factory=leftovers.Found)
    spares: tuple[Spare, ...] = ()


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    keep, spares_for = params.get("keep_checkpoints"), params.get("spares_for")
    if keep is not None and keep < 0:
        raise Invalid(f"Failed to read left-overs: keep_checkpoints is {keep}. Give 0 or more.")
    ironic, cinder = params.get("cloud"), params.get("volume_cloud")
    names = [one if isinstance(one, str) else None for one in (ironic, ironic if cinder is None else cinder)]
    gather = (*params["gather"], *([] if spares_for is None else [NODES]))
    return Wanted(gather, info.wanted(params), keep, leftovers.Clouds(*names), spares_for)


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read it. Raises Refused where a node that is named is not there."""
    nodes = info.observe(cloud, want.nodes) if NODES in want.gather else []
    found = Found(nodes, spares=spares.judge(_node(cloud, want, nodes), nodes) if want.spares_for is not None else ())
    if not {VOLUMES, LEFTOVERS} & set(want.gather):
        return found
    every, without_cinder = _read_volumes(cloud, needed=NODES not in want.gather or VOLUMES in want.gather)
    if without_cinder:
        return replace(found, around=leftovers.Found(nodes=tuple(nodes), without_cinder=without_cinder))
    volumes = tuple(one for one in every if one.bootable) if VOLUMES in want.gather else ()
    looks_for_holders = LEFTOVERS in want.gather or any(one.attached_to for one in volumes)
    servers = _servers(cloud) if looks_for_holders else None
    around = leftovers.Found()
    if LEFTOVERS in want.gather:
        every_node = NODES in want.gather and want.nodes.nodes is None and not want.nodes.filters
        around = leftovers_found.observe(cloud, every, servers, nodes, every_node=every_node)
    return replace(found, volumes=volumes, servers=servers or {}, around=around)


def _node(cloud: Cloud, want: Wanted, nodes: list[info.NodeSeen]) -> info.NodeSeen:
    """The node that a spare is looked for. It need not be one of those that are asked for."""
    name = str(want.spares_for)
    there = references.matching(name, nodes, lambda one: (one.setup.node.uuid, one.setup.node.name))
    alone = replace(want.nodes, nodes=(name,), filters={}, volumes=False, checkpoints=False)
    (node,) = there or info.observe(cloud, alone)
    return node


def _read_volumes(cloud: Cloud, *, needed: bool) -> tuple[tuple[Volume, ...], str]:
    """The project's volumes, or why Cinder is not asked, as in a cloud that has arrays alone. Raises Refused where they are needed."""
    try:
        return record.read_all(cloud), ""
    except Refused as error:
        if needed:
            raise
        return (), str(error)


def _servers(cloud: Cloud) -> dict[str, str] | None:
    """None in a cloud without Nova, whose volumes are held by nodes."""
    try:
        nova = cloud.compute
    except Refused:
        return None
    return {one["id"]: one["name"] for one in nova.list("/servers", "servers", "read the servers")}


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """Nothing to do: whoever asks changes nothing."""
    reason = found.around.without_cinder
    warnings = (f"what is left over in Cinder is not told. {reason}",) if reason else ()
    return replace(info.plan(want.nodes, found.nodes, made), warnings=warnings)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """Nodes, volumes and spares as a module returns them, each sorted by name, and the left-overs by their kinds."""
    names = {one.setup.node.uuid: one.setup.node.name for one in found.nodes}
    volumes = sorted(found.volumes, key=lambda one: (one.name, one.id))
    return {
        **info.result(want.nodes, found.nodes),
        "volumes": [_view(one, found.servers, names) for one in volumes],
        "leftovers": [asdict(one) for one in leftovers.leftovers(found.around, want.clouds, want.keep)],
        "spares": [spares.view(one) for one in found.spares],
    }


def _view(volume: Volume, servers: Mapping[str, str], nodes: Mapping[str, str]) -> dict[str, object]:
    holders = [
        {
            "id": one,
            "kind": "server" if one in servers else "node" if one in nodes else None,
            "name": servers.get(one) or nodes.get(one),
            "device": volume.devices.get(one) or None,
        }
        for one in volume.attached_to
    ]
    return {**record.view(volume), "holders": holders}
