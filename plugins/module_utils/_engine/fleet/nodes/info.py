# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is of bare-metal nodes, and whether each would boot from its volume. It reads, and never writes.

A handful of list requests, however many nodes there are; a few that are named are read singly. The module bfv_info and the inventory plugin show the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...cloud import microversions
from ...cloud.connection import Cloud
from ...cloud.service import Json, Service
from ...resources.checkpoint import record as checkpoint
from ...resources.checkpoint.record import Checkpoint
from ...resources.node import connector, deployment, hardware, instance, target
from ...resources.node import record as node
from ...resources.node import storage as node_storage
from ...resources.node.connector import Connector, Key
from ...resources.node.record import Node
from ...resources.volume import record as volume_record
from ...resources.volume import reservation
from ...values import secrets
from ...values.plan import Plan
from . import lists
from .readiness import Setup, reasons

# Of a node, beside what every resource wants to know.
_MORE = (
    "resource_class",
    "conductor_group",
    "owner",
    "lessee",
    "traits",
    "reservation",
    "maintenance_reason",
    "fault",
    "protected",
    "protected_reason",
    "retired",
    "retired_reason",
    "target_provision_state",
)
# Filters that Ironic's list of nodes knows by itself; of provision_state it takes one value.
_OF_IRONIC = ("driver", "resource_class", "conductor_group", "owner", "lessee", "maintenance")


@dataclass(frozen=True)
class Wanted:
    """The nodes that are asked for, by name or UUID: all where it is None. ``volumes`` and ``checkpoints`` ask Cinder as well."""

    nodes: tuple[str, ...] | None = None
    filters: Mapping[str, object] = field(default_factory=dict)
    volumes: bool = False
    checkpoints: bool = False
    without_nova: bool = False


@dataclass(frozen=True)
class NodeSeen:
    """A node with all that belongs to it. ``record`` is what Ironic says of it."""

    record: Json
    setup: Setup
    reasons: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...] = ()


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for."""
    names = params.get("nodes")
    filters = {name: value for name, value in (params.get("filters") or {}).items() if value is not None}
    without_nova = bool(params.get("without_nova"))
    volumes, checkpoints = bool(params.get("volumes")), bool(params.get("checkpoints"))
    return Wanted(None if names is None else tuple(names), filters, volumes, checkpoints, without_nova)


def observe(cloud: Cloud, want: Wanted) -> list[NodeSeen]:
    """The wanted nodes, sorted by name. Raises Refused where one of those that are named is not there."""
    records = _read_nodes(cloud, want)
    if not records:
        return []
    few = {record["uuid"] for record in records} if len(records) <= lists.FEW and want.nodes is not None else None
    connectors, targets = lists.read_records(cloud, few)
    taken = _read_taken(cloud, connectors, in_bulk=few is None)
    volumes = {one.id: one for one in reservation.known(cloud, volume_record.read_all(cloud))} if want.volumes else None
    saved = checkpoint.read_of_nodes(cloud) if want.checkpoints else {}
    boots = hardware.read(cloud, few)
    ironic = cloud.ironic
    known = _known(cloud, want, (node.from_api(record, ironic) for record in records))
    found = []
    for record in records:
        uuid = record["uuid"]
        setup = Setup(known[uuid], connectors[uuid], targets[uuid], taken, volumes, boots)
        found.append(NodeSeen(record, setup, tuple(reasons(setup)), saved.get(uuid, ())))
    return sorted((one for one in found if _passes(one, want.filters)), key=lambda one: one.setup.node.name)


def _known(cloud: Cloud, want: Wanted, nodes: Iterable[Node]) -> dict[str, Node]:
    """The nodes by their UUIDs. Of those that are deployed it does not matter whose they are."""
    by_uuid = {one.uuid: one for one in nodes}
    free = [one for one in by_uuid.values() if not deployment.is_deployed(one)]
    return by_uuid | {one.uuid: one for one in instance.known(cloud, free, without_nova=want.without_nova)}


def _read_nodes(cloud: Cloud, want: Wanted) -> list[Json]:
    ironic = cloud.baremetal.at(microversions.BAREMETAL_DETAILS)
    fields = node.FIELDS + _MORE
    if want.nodes is not None and len(want.nodes) <= lists.FEW:
        return _named([], want.nodes, _asked(ironic, want.nodes, fields))
    # Ironic must not leave out nodes that are named: they would look as if they were not there.
    query = _query(want.filters) if want.nodes is None else {}
    records = list(ironic.list("/nodes", "nodes", "read the nodes", fields=",".join(fields), **query))
    if want.nodes is None:
        return records
    there = {name for record in records for name in (record["uuid"], record["name"]) if name}
    return _named(records, want.nodes, _asked(ironic, lists.spelled_otherwise(want.nodes, there), fields))


def _asked(ironic: Service, names: Iterable[str], fields: Iterable[str]) -> dict[str, Json]:
    """The nodes that Ironic has under these names."""
    return {name: record for name in names if (record := node.read(ironic, name, fields))}


def _query(filters: Mapping[str, object]) -> dict[str, object]:
    """What Ironic filters by itself."""
    # Ironic looks for an empty text itself, and finds no node: what is not set is no text there. Only the conductor group is.
    query = {name: filters[name] for name in _OF_IRONIC if name in filters and (filters[name] != "" or name == "conductor_group")}
    states = filters.get("provision_state")
    if isinstance(states, list) and len(states) == 1:
        query["provision_state"] = states[0]
    return query


def _named(records: list[Json], names: Iterable[str], asked: Mapping[str, Json]) -> list[Json]:
    by_name = {name: record for record in records for name in (record["uuid"], record["name"]) if name} | dict(asked)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise node.unknown(", ".join(unknown))
    return list({by_name[name]["uuid"]: by_name[name] for name in names}.values())


def _read_taken(cloud: Cloud, of_nodes: Mapping[str, list[Connector]], *, in_bulk: bool) -> Mapping[Key, list[Connector]]:
    """The connectors by what must be unique of them: of every node where one of these may be there a second time.

    Ironic itself compares the identifiers as text, and so keeps only an iqn unique, which has no other spelling.
    """
    found = [one for connectors in of_nodes.values() for one in connectors]
    if not in_bulk and any(one.type != "iqn" for one in found):
        found = lists.read_connectors(cloud)
    taken: dict[Key, list[Connector]] = defaultdict(list)
    for one in found:
        taken[connector.key_of(one)].append(one)
    return taken


def _passes(seen: NodeSeen, filters: Mapping[str, object]) -> bool:
    """Whether the node is as each filter says. What Ironic has filtered passes again."""
    is_now = {**seen.record, "storage_interface": seen.setup.node.storage_interface}
    is_now |= {"provision_state": seen.setup.node.provision_state, "ready": not seen.reasons}
    return all(
        is_now[name] in asked if isinstance(asked, (list, tuple)) else (is_now[name] or "") == (asked or "")
        for name, asked in filters.items()
    )


def plan(want: Wanted, found: list[NodeSeen], made: Collection[str] = ()) -> Plan:
    """Nothing to do: whoever asks changes nothing."""
    return Plan("nodes", {}, {})


def result(want: Wanted, found: list[NodeSeen]) -> dict[str, object]:
    """The nodes as a module returns them."""
    return {"nodes": [view(one) for one in found]}


def view(seen: NodeSeen) -> dict[str, object]:
    """One node with all that belongs to it, without secrets."""
    setup, record = seen.setup, seen.record
    attached = {one.volume_id for one in setup.targets}
    shown = {
        **node_storage.view(setup.node),
        "deploy_interface": setup.node.deploy_interface,
        "driver": setup.node.driver,
        **{name: record[name] for name in _MORE},
        "properties": record["properties"] or {},
        "maintenance": setup.node.maintenance,
        "instance_uuid": setup.node.instance_uuid,
        "last_error": setup.node.last_error,
        "connectors": [connector.view(one) for one in setup.connectors],
        "targets": [target.view(one) for one in sorted(setup.targets, key=lambda one: one.boot_index)],
        "volumes": [volume_record.view(one) for one in (setup.volumes or {}).values() if one.id in attached],
        "checkpoints": [checkpoint.in_short(one) for one in seen.checkpoints],
        "ready": not seen.reasons,
        "reasons": list(seen.reasons),
    }
    return secrets.mask(shown)
