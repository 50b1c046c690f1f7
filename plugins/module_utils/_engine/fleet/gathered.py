# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What bfv_info tells: nodes, and the volumes of a project that a machine can boot from, with who holds them. It reads, and never writes.

The volumes are for a tenant as well, who sees no Ironic: the nodes are asked for only where they are wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cloud.connection import Cloud
from ..resources.volume import record
from ..resources.volume.record import Volume
from ..values.errors import Refused
from ..values.plan import Plan
from . import info

NODES, VOLUMES = "nodes", "volumes"


@dataclass(frozen=True)
class Wanted:
    """What is asked for, and of which nodes."""

    gather: tuple[str, ...]
    nodes: info.Wanted


@dataclass(frozen=True)
class Found:
    """The nodes, the volumes that one can boot from, and the names of the project's servers by their ids."""

    nodes: list[info.NodeSeen] = field(default_factory=list)
    volumes: tuple[Volume, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for."""
    return Wanted(tuple(params["gather"]), info.wanted(params))


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read it. Raises Refused where a node that is named is not there."""
    nodes = info.observe(cloud, want.nodes) if NODES in want.gather else []
    if VOLUMES not in want.gather:
        return Found(nodes)
    volumes = tuple(one for one in record.read_all(cloud) if one.bootable)
    return Found(nodes, volumes, _servers(cloud) if any(one.attached_to for one in volumes) else {})


def _servers(cloud: Cloud) -> dict[str, str]:
    """A cloud without Nova has none, and its volumes are held by nodes."""
    try:
        nova = cloud.compute
    except Refused:
        return {}
    return {one["id"]: one["name"] for one in nova.list("/servers", "servers", "read the servers")}


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """Nothing to do: whoever asks changes nothing."""
    return info.plan(want.nodes, found.nodes, made)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """Nodes and volumes as a module returns them, each sorted by name."""
    names = {one.setup.node.uuid: one.setup.node.name for one in found.nodes}
    volumes = sorted(found.volumes, key=lambda one: (one.name, one.id))
    return {**info.result(want.nodes, found.nodes), "volumes": [_view(one, found.servers, names) for one in volumes]}


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
