# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is there of a whole fleet, read in bulk: a handful of list requests, however many nodes there are. A few nodes are read singly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, TypeVar

from ..cloud.connection import Cloud
from ..cloud.errors import Rejected
from ..cloud.service import Json
from ..resources import connector, golden, node, target, volume_record, volume_source
from ..resources.connector import Connector, Key
from ..resources.node import Node
from ..resources.target import Target
from ..resources.volume_record import Volume
from ..resources.volume_source import Source
from ..values.errors import Refused
from ..values.plan import Request
from .wanted import ABSENT, GOING, NodeWanted

# Up to so many nodes, volumes or golden images are read one by one: on a cloud with many others that costs less than a list of all.
FEW = 4
# The connectors and targets of a node alone, against its part in the lists of all: Ironic reads each record's node (measured in tests/bench).
_SINGLE_COSTS = 4
_READERS = 4
_LIST_TRIES = 3

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
    golden: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)  # by the image's name
    snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by the volume's id, where volumes may have to go
    default_storage_interface: str | None = None  # read only where a node is to be reset


def observe(cloud: Cloud, wants: Iterable[NodeWanted]) -> dict[str, NodeFound | Refused]:
    """What is there of each wanted node, by the name under which it is wanted."""
    wants = list(wants)
    nodes = read_nodes(cloud, [want.node for want in wants])
    known = {nodes[want.node].uuid for want in wants if want.node in nodes}
    singly = _is_few(len(known), len({one.uuid for one in nodes.values()}))
    connectors, targets = read_records(cloud, known if singly else None)
    sources = _read_sources(
        cloud, {one.source for want in wants if want.state not in GOING for one in want.volumes if one.source}
    )
    volumes, golden = read_volumes(cloud, wants, sources)
    taken = _read_taken(cloud, wants, connectors, in_bulk=not singly)
    snapshots = _read_snapshots(cloud) if any(map(_may_delete, wants)) else {}
    defaults = _read_defaults(cloud, {nodes[want.node].driver for want in wants if want.state == ABSENT and want.node in nodes})
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
            golden=golden,
            snapshots=snapshots,
            default_storage_interface=defaults.get(seen.driver),
        )
    return found


def _is_few(wanted: int, there: int) -> bool:
    """Whether connectors and targets are read node by node. Ironic takes four times as long for a node alone as for its part of a list."""
    return wanted <= FEW or _SINGLE_COSTS * wanted < there


def read_records(cloud: Cloud, of: Collection[str] | None) -> tuple[dict[str, list[Connector]], dict[str, list[Target]]]:
    """The connectors and the targets by their nodes: those of nodes by their UUIDs, or all there are. Ironic is slow with both: at once."""
    queries: list[dict[str, object]] = [{}] if of is None else [{"node": uuid} for uuid in sorted(of)]
    with ThreadPoolExecutor(_READERS) as pool:
        connectors = pool.map(lambda query: _read(cloud, "connectors", connector.from_api, query), queries)
        targets = pool.map(lambda query: _read(cloud, "targets", target.from_api, query), queries)
        return _by_node(connectors), _by_node(targets)


def read_connectors(cloud: Cloud) -> list[Connector]:
    """The connectors of all nodes."""
    return _read(cloud, "connectors", connector.from_api, {})


def read_targets(cloud: Cloud, uuids: Collection[str]) -> dict[str, list[Target]]:
    """The targets of these nodes, and where those are many of every other as well."""
    queries: list[dict[str, object]] = [{}] if len(uuids) > FEW else [{"node": uuid} for uuid in uuids]
    return _by_node(_read(cloud, "targets", target.from_api, query) for query in queries)


def _read(cloud: Cloud, kind: str, form: Callable[[Json], Record], query: Mapping[str, object]) -> list[Record]:
    """Ironic looks up the node of each record, and answers 404 to the whole list where one is deleted just then: it is asked again."""
    for again in range(_LIST_TRIES, 0, -1):
        try:
            return list(map(form, cloud.baremetal.list(f"/volume/{kind}", kind, f"read the volume {kind}", detail=True, **query)))
        except Rejected as error:
            if error.status != 404 or again == 1:
                raise
    return []


def _by_node(answers: Iterable[list[Record]]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in chain.from_iterable(answers):
        found[record.node_uuid].append(record)
    return found


def _read_taken(
    cloud: Cloud, wants: Sequence[NodeWanted], connectors: Mapping[str, list[Connector]], *, in_bulk: bool
) -> dict[Key, Connector]:
    """The connectors by what must be unique of them. Those of all nodes where one is to be made with an identifier that was given."""
    own = connector.by_key(one for ones in connectors.values() for one in ones)
    given = {connector.key_wanted(one) for want in wants if want.state not in GOING for one in want.connectors}
    return own if in_bulk or given <= {None, *own} else connector.read_all(cloud)


def labels(want: NodeWanted) -> list[str]:
    """The names and ids under which the node's volumes are asked for."""
    return [one.label for one in want.volumes] + [one.volume for one in want.targets if one.volume]


def read_nodes(cloud: Cloud, names: Collection[str]) -> dict[str, Node]:
    """The nodes of these names and UUIDs, and where those are many every other as well: one request a page of 1000."""
    if len(names) <= FEW:
        return {name: one for name in names if (one := node.find(cloud, name))}
    found = {}
    for one in map(node.from_api, cloud.baremetal.list("/nodes", "nodes", "read the nodes", fields=",".join(node.FIELDS))):
        found[one.name] = found[one.uuid] = one
    return found


def read_volumes(
    cloud: Cloud, wants: Iterable[NodeWanted], sources: Mapping[tuple[str, str], Source | Refused]
) -> tuple[dict[str, tuple[Volume, ...]], dict[str, tuple[Volume, ...]]]:
    """The wanted volumes by the names and ids that were asked for, and the golden ones by the names of their images.

    One request for each where there are few, else one for a page of 1000 of the project's; none where nothing is wanted.
    """
    wants = list(wants)
    names = {label for want in wants for label in labels(want)}
    images = {sources.get(one.source) for want in wants for one in want.volumes if one.via_golden and one.source}
    cast = {one for one in images if isinstance(one, Source)}
    if len(names) + len(cast) <= FEW:
        return {name: volume_record.find(cloud, name) for name in names}, {one.name: golden.read(cloud, one) for one in cast}
    found: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    golden_of: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    for one in volume_record.read_all(cloud):
        for label in {one.id, one.name} & names:
            found[label] += (one,)
        if golden.IMAGE_NAME in one.metadata:
            golden_of[one.metadata[golden.IMAGE_NAME]] += (one,)
    return found, golden_of


def _read_defaults(cloud: Cloud, drivers: set[str]) -> dict[str, str]:
    """The storage interface that each driver gives a node that has none of its own."""
    return {
        name: cloud.baremetal.read(f"/drivers/{name}", f"read driver {name}")["default_storage_interface"] for name in drivers
    }


def _may_delete(want: NodeWanted) -> bool:
    """Whether volumes of the node may have to be deleted: Cinder refuses those with snapshots."""
    return want.deletes_volumes or any(one.recreate != "never" for one in want.volumes)


def _read_snapshots(cloud: Cloud) -> dict[str, tuple[str, ...]]:
    """The names of the project's snapshots by the ids of their volumes."""
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for one in cloud.block_storage.list("/snapshots", "snapshots", "read the snapshots"):
        found[one["volume_id"]] += (one["name"] or one["id"],)
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
