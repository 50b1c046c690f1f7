# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there of a whole fleet, read in bulk: a handful of list requests, however many nodes there are. A few nodes are read singly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...cloud.connection import Cloud
from ...resources.node import connector, deployment, hardware, instance, target, target_properties
from ...resources.node import record as node
from ...resources.node import storage as node_storage
from ...resources.node.connector import Connector, Key
from ...resources.node.hardware import Hardware
from ...resources.node.record import Node
from ...resources.node.storage import Default
from ...resources.node.target import Target
from ...resources.volume import drift, golden, reservation
from ...resources.volume import plan as volume
from ...resources.volume import record as volume_record
from ...resources.volume import source as volume_source
from ...resources.volume.needs import Needs
from ...resources.volume.needs import read as read_needs
from ...resources.volume.record import Volume
from ...resources.volume.source import Source
from ...values.errors import BfvError, Refused, Unusable
from ...values.identifiers import is_uuid
from ...values.plan import Request
from . import claims, holders, lists
from .claims import Claims, Disk, Rival
from .holders import Holder, Place
from .wanted import ABSENT, DEPLOYED, GOING, NodeWanted


@dataclass(frozen=True)
class NodeFound:
    """One node with what belongs to it. ``volumes`` and ``sources`` are by the names that were asked for."""

    node: Node
    connectors: tuple[Connector, ...] = ()
    taken: Mapping[Key, Connector] = field(default_factory=dict, repr=False)
    targets: tuple[Target, ...] = ()
    volumes: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], Source | Unusable] = field(default_factory=dict)
    golden: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)  # by the image's name
    # By their ids, those of targets that Cinder shows; None where it tells this user nothing.
    held: Mapping[str, Volume] | None = field(default_factory=dict, repr=False)
    snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by the volume's id, where volumes may have to go
    needs: Needs | None = None  # what the project may have; read only where a volume may have to be made, or to grow
    hardware: Hardware = field(default_factory=Hardware, repr=False)  # read only where a node may be deployed
    claims: Claims = field(default_factory=dict, repr=False)  # read only where volumes may have to go, or a node may be deployed
    rivals: tuple[Rival, ...] = ()  # other nodes whose targets name its disks; read only where it may be deployed
    default_storage_interface: Default | None = None  # read only where a node is to be reset
    holders: tuple[Holder, ...] = ()  # other nodes that have its disks or its initiator; read only where it may take these over


def observe(cloud: Cloud, wants: Iterable[NodeWanted]) -> dict[str, NodeFound | Refused]:
    """What is there of each wanted node, by the name under which it is wanted."""
    wants = list(wants)
    with lists.ahead(cloud, len(wants)) as ahead:
        nodes = lists.read_nodes(cloud, [want.node for want in wants], lists.SHORT)
        nodes |= _with_instances(cloud, wants, nodes)
        known = {nodes[want.node].uuid for want in wants if want.node in nodes}
        singly = lists.is_few(len(known), len({one.uuid for one in nodes.values()}))
        connectors, targets = (None if singly else ahead()) or lists.read_records(cloud, known if singly else None)
    sources = _read_sources(
        cloud, {one.source for want in wants if want.state not in GOING for one in want.volumes if one.source}
    )
    volumes, golden = read_volumes(cloud, wants, sources)
    to_deploy = _to_deploy(wants, nodes)
    running = {uuid: targets[uuid] for uuid in _running(wants, nodes) | to_deploy}
    used = {one.volume_id for ones in running.values() for one in ones} | _ids_of_targets(wants, nodes)
    volumes = {label: reservation.known(cloud, ones) for label, ones in volumes.items()}
    held = _read_held(cloud, used, {one.id: one for ones in volumes.values() for one in ones})
    taken = _read_taken(cloud, wants, nodes, connectors, in_bulk=not singly)
    claimed = claims.read(cloud, None if singly else targets) if to_deploy or any(want.deletes_volumes for want in wants) else {}
    snapshots = _read_snapshots(cloud) if any(map(_may_delete, wants)) else {}
    resets = {nodes[want.node].driver for want in wants if want.state == ABSENT and want.node in nodes}
    defaults = {driver: node_storage.read_default(cloud, driver) for driver in resets}
    boots = hardware.read(cloud, to_deploy if lists.is_few(len(to_deploy), len(known)) else None) if to_deploy else Hardware()
    needs = read_needs(cloud) if any(_needs_room(want, volumes, sources) for want in wants) else None
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
            held=held,
            snapshots=snapshots,
            claims=claimed,
            hardware=boots,
            needs=needs,
            default_storage_interface=defaults.get(seen.driver),
        )
    found |= _with_rivals(cloud, wants, found, to_deploy)
    return found | _with_holders(cloud, wants, found, None if singly else (connectors, targets))


def _with_rivals(
    cloud: Cloud, wants: Iterable[NodeWanted], found: Mapping[str, NodeFound | Refused], to_deploy: Collection[str]
) -> dict[str, NodeFound]:
    """What was found of the nodes that may be deployed, with others whose targets name their disks."""
    seen = [(want, one) for want in wants if isinstance(one := found[want.node], NodeFound) and one.node.uuid in to_deploy]
    if not seen:
        return {}
    claimed = seen[0][1].claims
    rivals = claims.read_rivals(
        cloud, claimed, {one.node.uuid: [*disks(want, one, want.targets or one.targets)] for want, one in seen}
    )
    return {want.node: replace(one, rivals=rivals[one.node.uuid]) for want, one in seen}


def disks(want: NodeWanted, found: NodeFound, targets: Iterable[target.Wanted | Target]) -> Iterator[Disk]:
    """What targets of the node lead to and only one machine can have.

    Several may well have a LUN for a cluster's data. With another interface than cinder the id of a target may mean anything.
    """
    interface = want.storage.storage_interface or found.node.storage_interface
    for one in targets:
        if interface == "cinder":
            yield from _disk_of_cinder(one, found)
        elif one.boot_index == 0 and not (isinstance(one, target.Wanted) and one.shared):
            yield from map(claims.of_lun, sorted(target_properties.luns(one.properties or {})))


def _disk_of_cinder(one: target.Wanted | Target, found: NodeFound) -> Iterator[Disk]:
    """One that is yet to be made has no id, and wanted.py refuses its name twice."""
    named = found.volumes.get(one.volume or "", ()) if isinstance(one, target.Wanted) else ()
    volume = named[0] if len(named) == 1 else (found.held or {}).get(one.volume_id or "")
    if volume is None and one.volume_id:
        yield claims.of_id(one.volume_id)
    elif volume and not volume.multiattach:
        yield claims.of_volume(volume)


def _with_holders(
    cloud: Cloud,
    wants: Iterable[NodeWanted],
    found: Mapping[str, NodeFound | Refused],
    every: lists.Records | None,
) -> dict[str, NodeFound]:
    """What was found of the nodes that may take something over, with the nodes that have it. ``every`` are the records of all nodes."""
    seen = [
        (want, one) for want in wants if isinstance(one := found[want.node], NodeFound) and holders.takes_over(want, one.node)
    ]
    if not seen:
        return {}
    places = [(want, Place(one.node, one.targets, dict(_to_attach(want, one)), one.taken)) for want, one in seen]
    held = holders.read(cloud, places, *(every or lists.read_records(cloud, None)))
    return {want.node: replace(one, holders=held[want.node]) for want, one in seen}


def _to_attach(want: NodeWanted, found: NodeFound) -> Iterator[tuple[int, Volume]]:
    """The volumes of Cinder that the node is to boot with and that only one machine can have, by their boot indices."""
    for one in want.targets:
        volumes = found.volumes.get(one.volume or "", ())
        known = volumes[0] if len(volumes) == 1 else (found.held or {}).get(one.volume_id or "")
        if known and not known.multiattach:
            yield one.boot_index, known


def _with_instances(cloud: Cloud, wants: Iterable[NodeWanted], nodes: Mapping[str, Node]) -> dict[str, Node]:
    """The wanted nodes that have an instance_uuid, with what is known of it."""
    had = [want for want in wants if want.node in nodes and nodes[want.node].instance_uuid]
    known = instance.known(cloud, [nodes[want.node] for want in had], without_nova=any(want.without_nova for want in had))
    return {want.node: one for want, one in zip(had, known, strict=True)}


def _to_deploy(wants: Iterable[NodeWanted], nodes: Mapping[str, Node]) -> set[str]:
    """The UUIDs of the nodes that a deployment may be started of."""
    return {
        nodes[want.node].uuid
        for want in wants
        if want.state == DEPLOYED and want.node in nodes and may_begin(want, nodes[want.node])
    }


def may_begin(want: NodeWanted, node: Node) -> bool:
    """Whether a run may bring the node further, which is not deployed yet, or may be deployed anew."""
    return want.on_drift != "fail" or not deployment.is_deployed(node)


def _read_taken(
    cloud: Cloud,
    wants: Sequence[NodeWanted],
    nodes: Mapping[str, Node],
    connectors: Mapping[str, list[Connector]],
    *,
    in_bulk: bool,
) -> dict[Key, Connector]:
    """The connectors by what must be unique of them. Those of all nodes where one is to be made."""
    own = connector.by_key(one for ones in connectors.values() for one in ones)
    coming = {
        connector.key_to_be(one, nodes[want.node], connectors[nodes[want.node].uuid])
        for want in wants
        if want.state not in GOING and want.node in nodes
        for one in want.connectors
    }
    return own if in_bulk or coming <= {None, *own} else connector.read_all(cloud)


def labels(want: NodeWanted) -> list[str]:
    """The names and ids under which the node's volumes are asked for."""
    return [one.label for one in want.volumes] + [one.volume for one in want.targets if one.volume]


def read_volumes(
    cloud: Cloud, wants: Iterable[NodeWanted], sources: Mapping[tuple[str, str], Source | Unusable]
) -> tuple[dict[str, tuple[Volume, ...]], dict[str, tuple[Volume, ...]]]:
    """The wanted volumes by the names and ids that were asked for, and the golden ones by the names of their images.

    One request for each where there are few among many, else one for a page of 1000 of the project's; none where nothing is wanted.
    """
    wants = list(wants)
    names = {label for want in wants for label in labels(want)}
    images = {sources.get(one.source) for want in wants for one in want.volumes if one.via_golden and one.source}
    cast = {one for one in images if isinstance(one, Source)}
    few = len(names) + len(cast) <= lists.FEW
    there = volume_record.read_short(cloud, lists.SHORT) if few and len(names) + len(cast) > 1 else None
    if few and there is None:
        return {name: volume_record.find(cloud, name) for name in names}, {one.name: golden.read(cloud, one) for one in cast}
    found: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    golden_of: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    for one in volume_record.read_all(cloud) if there is None else there:
        for label in {one.id, one.name} & names:
            found[label] += (one,)
        if golden.IMAGE_NAME in one.metadata:
            golden_of[one.metadata[golden.IMAGE_NAME]] += (one,)
    if few:  # an id may be that of another project's volume
        found |= {name: volume_record.find(cloud, name) for name in names - found.keys()}
    return found, golden_of


def _running(wants: Iterable[NodeWanted], nodes: Mapping[str, Node]) -> set[str]:
    """The nodes that run from volumes of Cinder, and might be deployed again."""
    seen = {nodes[want.node] for want in wants if want.state not in GOING and want.targets and want.node in nodes}
    return {one.uuid for one in seen if one.storage_interface == "cinder" and not deployment.is_free(one)}


def _ids_of_targets(wants: Iterable[NodeWanted], nodes: Mapping[str, Node]) -> set[str]:
    """The ids of volumes that targets name, of nodes that Ironic attaches them to."""
    return {
        one.volume_id
        for want in wants
        if want.state not in GOING and want.node in nodes
        if (want.storage.storage_interface or nodes[want.node].storage_interface) == "cinder"
        for one in want.targets
        if one.volume_id
    }


def _read_held(cloud: Cloud, used: Collection[str], seen: Mapping[str, Volume]) -> Mapping[str, Volume] | None:
    """The volumes that machines run from or will, by their ids; None where Cinder tells this user nothing.

    What was asked for by its name is not read again. A list tells a project's own volumes, an id any that the user may see.
    """
    missing = {id for id in used if is_uuid(id)} - seen.keys()
    try:
        found = {one.id: one for one in volume_record.read_all(cloud)} if len(missing) > lists.FEW else {}
        found |= {one.id: one for id in missing - found.keys() for one in volume_record.read(cloud, id=id)}
        return {**seen, **{one.id: one for one in reservation.known(cloud, found.values())}}
    except BfvError:
        return None  # what Cinder does not show is taken for nothing else: see drift.unseen


def _may_delete(want: NodeWanted) -> bool:
    """Whether volumes of the node may have to be deleted: Cinder refuses those with snapshots."""
    return want.deletes_volumes or any(one.recreate != "never" for one in want.volumes)


def _needs_room(
    want: NodeWanted, volumes: Mapping[str, tuple[Volume, ...]], sources: Mapping[tuple[str, str], Source | Unusable]
) -> bool:
    """Whether a volume of the node may have to be made, or to grow."""
    return want.state not in GOING and any(_makes(one, volumes.get(one.label, ()), sources) for one in want.volumes)


def _makes(want: volume.Wanted, there: Collection[Volume], sources: Mapping[tuple[str, str], Source | Unusable]) -> bool:
    seen = sources.get(want.source) if want.source else None
    source = None if isinstance(seen, Unusable) else seen
    return not there or any(drift.is_recreated(want, one, source) or drift.needs_more(want, one) for one in there)


def _read_snapshots(cloud: Cloud) -> dict[str, tuple[str, ...]]:
    """The names and ids of the project's snapshots by the ids of their volumes."""
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for one in cloud.block_storage.list("/snapshots", "snapshots", "read the snapshots"):
        found[one["volume_id"]] += (volume_record.snapshot_label(one),)
    return found


def _read_sources(cloud: Cloud, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Source | Unusable]:
    """Each wanted source of volumes, or why it cannot be used: that concerns only the nodes that want it."""
    found: dict[tuple[str, str], Source | Unusable] = {}
    for kind, name in sorted(wanted):
        try:
            found[kind, name] = volume_source.observe(cloud, kind, name)
        except Unusable as error:
            found[kind, name] = error
    return found


def absorb(found: NodeFound, request: Request, answer: Mapping[str, Any]) -> NodeFound | None:
    """What is there after a write, by its answer; None where the answer does not tell, and only another look does."""
    if request.changes == "connector":
        return replace(found, connectors=_without(found.connectors, request.key, connector.from_api(answer) if answer else None))
    if request.changes == "target":
        return replace(found, targets=_without(found.targets, request.key, target.from_api(answer) if answer else None))
    if request.changes == "node" and "uuid" in answer:
        return replace(found, node=node.changed(found.node, answer))
    if request.changes == "volume" and "status" in answer.get("volume", ()):
        return _with_volume(found, volume_record.from_api(answer["volume"]))
    if request.changes == "volume" and "metadata" in answer:
        known = next((one for ones in found.volumes.values() for one in ones if one.id == request.key), None)
        return None if known is None else _with_volume(found, replace(known, metadata={**known.metadata, **answer["metadata"]}))
    return None


def _with_volume(found: NodeFound, volume: Volume) -> NodeFound:
    """A volume that is new stands beside others of its name: one of them may be that whose place it takes."""

    def among(ones: tuple[Volume, ...]) -> tuple[Volume, ...]:
        return (*(one for one in ones if one.id != volume.id), volume)

    volumes = {label: among(ones) if label in (volume.id, volume.name) else ones for label, ones in found.volumes.items()}
    return replace(found, volumes=volumes)


def _without(records: tuple[Any, ...], key: str, new: Any) -> tuple[Any, ...]:
    return tuple(record for record in records if record.uuid != key) + ((new,) if new else ())
