# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is there of a whole fleet, read in bulk: a handful of list requests, however many nodes there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..cloud.connection import Cloud
from ..cloud.service import Json
from ..resources import connector, node, target, volume_record, volume_source
from ..resources.connector import Connector, Key
from ..resources.node import Node
from ..resources.target import Target
from ..resources.volume_record import Volume
from ..resources.volume_source import Source
from ..values.errors import Refused
from ..values.plan import Request
from .wanted import UNDEPLOYED, NodeWanted

Record = TypeVar("Record", Connector, Target)


@dataclass(frozen=True)
class NodeFound:
    """One node with what belongs to it. ``volumes`` and ``sources`` are by the names that were asked for."""

    node: Node
    connectors: tuple[Connector, ...] = ()
    taken: Mapping[Key, Connector] = field(default_factory=dict, repr=False)
    targets: tuple[Target, ...] = ()
    volumes: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], Source | Refused] = field(default_factory=dict)


def observe(cloud: Cloud, wants: Iterable[NodeWanted]) -> dict[str, NodeFound | Refused]:
    """What is there of each wanted node, by the name under which it is wanted."""
    wants = list(wants)
    nodes = read_nodes(cloud)
    connectors = _by_node(map(connector.from_api, _records(cloud, "connectors")))
    taken = connector.by_key(one for ones in connectors.values() for one in ones)
    targets = _by_node(map(target.from_api, _records(cloud, "targets")))
    volumes = read_volumes(cloud, {label for want in wants for label in labels(want)})
    sources = _read_sources(
        cloud, {one.source for want in wants if want.state != UNDEPLOYED for one in want.volumes if one.source}
    )
    found: dict[str, NodeFound | Refused] = {}
    for want in wants:
        seen = nodes.get(want.node)
        if seen is None:
            found[want.node] = node.unknown(want.node)
            continue
        found[want.node] = NodeFound(
            node=seen,
            connectors=tuple(connectors[seen.uuid]),
            taken=taken,
            targets=tuple(targets[seen.uuid]),
            volumes={label: volumes.get(label, ()) for label in labels(want)},
            sources=sources,
        )
    return found


def _records(cloud: Cloud, kind: str) -> Iterator[Json]:
    return cloud.baremetal.list(f"/volume/{kind}", kind, f"read the volume {kind}", detail=True)


def _by_node(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.node_uuid].append(record)
    return found


def labels(want: NodeWanted) -> list[str]:
    """The names and ids under which the node's volumes are asked for."""
    return [one.label for one in want.volumes] + [one.volume for one in want.targets if one.volume]


def read_nodes(cloud: Cloud) -> dict[str, Node]:
    """Every node that the user may see, by name and by UUID: one request a page of 1000."""
    found = {}
    for one in map(node.from_api, cloud.baremetal.list("/nodes", "nodes", "read the nodes", fields=",".join(node.FIELDS))):
        found[one.name] = found[one.uuid] = one
    return found


def read_volumes(cloud: Cloud, wanted: set[str]) -> dict[str, tuple[Volume, ...]]:
    """The project's volumes of the wanted names and ids: one request a page of 1000, none where nothing is wanted."""
    found: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    if not wanted:
        return found
    for one in map(volume_record.from_api, cloud.block_storage.list("/volumes/detail", "volumes", "read the volumes")):
        for label in {one.id, one.name} & wanted:
            found[label] += (one,)
    return found


def _read_sources(cloud: Cloud, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Source | Refused]:
    """Each wanted source of volumes, or why it cannot be used: that concerns only the nodes that want it."""
    found: dict[tuple[str, str], Source | Refused] = {}
    for kind, name in sorted(wanted):
        try:
            found[kind, name] = volume_source.observe(cloud, kind, name)
        except Refused as error:
            found[kind, name] = error
    return found


def absorb(found: NodeFound, request: Request, answer: Mapping[str, Any]) -> NodeFound | None:
    """What is there after a write, by its answer; None where the answer does not tell, and only another look does."""
    if request.changes == "connector":
        return replace(found, connectors=_without(found.connectors, request.key, connector.from_api(answer) if answer else None))
    if request.changes == "target":
        return replace(found, targets=_without(found.targets, request.key, target.from_api(answer) if answer else None))
    if request.changes == "node" and "uuid" in answer:
        return replace(found, node=node.from_api(answer))
    if request.changes == "volume" and "status" in answer.get("volume", ()):
        one = volume_record.from_api(answer["volume"])
        return replace(
            found, volumes={**found.volumes, **{label: (one,) for label in found.volumes if label in (one.id, one.name)}}
        )
    return None


def _without(records: tuple[Any, ...], key: str, new: Any) -> tuple[Any, ...]:
    return tuple(record for record in records if record.uuid != key) + ((new,) if new else ())
