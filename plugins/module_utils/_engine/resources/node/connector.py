# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume connector: an initiator of a node, by which storage knows it.

A node has one iqn connector at the most. With several, Ironic tells Cinder the first and iPXE the last, so that the storage
refuses the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...cloud.connection import Cloud
from ...values import connectors, permits
from ...values.errors import Invalid, Refused
from ...values.merge import merged
from ...values.paths import path_of
from ...values.plan import Plan, Request
from . import instance, listing
from . import record as nodes
from .record import Node

AUTO = "auto"
# The prefix of Ironic's own guide, to which the node's UUID is added.
IQN_PREFIX = "iqn.2017-08.org.openstack."
_FIELDS = "uuid,node_uuid,type,connector_id"


Key = tuple[str, str]  # type and canonical identifier: unique in a whole Ironic


@dataclass(frozen=True)
class Wanted:
    """The connector that is asked for. ``connector_id`` may be "auto" for the type iqn."""

    node: str
    type: str = "iqn"
    connector_id: str = AUTO
    iqn_prefix: str = IQN_PREFIX
    extra: Mapping[str, object] | None = None
    state: str = "present"
    power_off: bool = False
    without_nova: bool = False


@dataclass(frozen=True)
class Connector:
    """What Ironic says of a connector."""

    uuid: str
    node_uuid: str
    type: str
    connector_id: str
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The node, its connectors, and those of every node by their keys (read only where one is to be created)."""

    node: Node
    connectors: tuple[Connector, ...] = ()
    taken: Mapping[Key, Connector] = field(default_factory=dict, repr=False)


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**given)
    try:
        if want.connector_id != AUTO:
            return Wanted(**{**given, "connector_id": connectors.identifier(want.type, want.connector_id)})
        if want.type != "iqn":
            raise Invalid('"auto" is made up for the type iqn only: give the identifier that the hardware has')
        connectors.identifier("iqn", f"{want.iqn_prefix}00000000-0000-0000-0000-000000000000")
    except Invalid as error:
        raise Invalid(f"Failed to read the {want.type} connector of node {want.node}: {error}.") from None
    return want


def from_api(connector: Mapping[str, Any]) -> Connector:
    """A connector out of Ironic's JSON."""
    return Connector(
        uuid=connector["uuid"],
        node_uuid=connector["node_uuid"],
        type=connector["type"],
        connector_id=connector["connector_id"],
        extra=connector.get("extra") or {},
    )


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the node and its connectors, and those of all nodes where one must be made: their identifiers are unique."""
    (node,) = instance.known(cloud, [nodes.observe(cloud, want.node)], without_nova=want.without_nova)
    what = f"read the volume connectors of node {node.name}"
    of_node = tuple(map(from_api, listing.read(cloud, listing.CONNECTORS, what, node=node.uuid, detail=True)))
    found = Found(node, of_node)
    return Found(node, of_node, read_all(cloud)) if plan(want, found).steps and want.state == "present" else found


def read_all(cloud: Cloud) -> dict[Key, Connector]:
    """The connectors of all nodes by what must be unique of them."""
    return by_key(map(from_api, listing.read(cloud, listing.CONNECTORS, "read the volume connectors", fields=_FIELDS)))


def by_key(every: Iterable[Connector]) -> dict[Key, Connector]:
    """Connectors by what must be unique of them."""
    return {key_of(one): one for one in every}


def key_of(connector: Connector) -> Key:
    """What must be unique of the connector."""
    return _key(connector.type, connector.connector_id)


def key_wanted(want: Wanted) -> Key | None:
    """What must be unique of the wanted connector; None where it is made of the node's UUID."""
    return None if want.connector_id == AUTO else _key(want.type, want.connector_id)


def key_to_be(want: Wanted, node: Node, found: Iterable[Connector]) -> Key | None:
    """What must be unique of the wanted connector once it is there; None where the node keeps the one that it has.

    Also a name that is made of the node's UUID may be another node's, which has taken it over.
    """
    if want.connector_id == AUTO and any(one.type == want.type for one in found):
        return None
    return _key(want.type, identifier(want, node))


def _key(connector_type: str, connector_id: str) -> Key:
    return connector_type, connectors.canonical(connector_type, connector_id)


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the connector is as wanted. Pure. Raises Refused."""
    of_type = [connector for connector in found.connectors if connector.type == want.type]
    subject = f"{want.type} connector{'' if want.type == 'iqn' else ' ' + want.connector_id} of node {found.node.name}"
    if want.state == "absent":
        return _plan_absence(want, found.node, of_type, subject)
    if want.type == "iqn" and len(of_type) > 1:
        raise Refused(f"Failed to set up the {subject}: {_several(of_type)}")
    current = _current(want, of_type)
    if current is None:
        return _plan_creation(want, found, subject)
    return _plan_update(want, found, current, subject)


def _several(iqns: list[Connector]) -> str:
    names = ", ".join(connector.connector_id for connector in iqns)
    return (
        f"there are {len(iqns)} iqn connectors ({names}), and Ironic would tell Cinder the first and iPXE the last. "
        "Remove all but one (state absent with its connector_id)."
    )


def obstacles(
    found: Sequence[Connector], node: Node, volume_types: Collection[str], taken: Mapping[Key, Sequence[Connector]]
) -> Iterator[str]:
    """Why storage would not know the node by its connectors. ``volume_types`` are those of the node's targets."""
    iqns = [one for one in found if one.type == "iqn"]
    if "iscsi" in volume_types and not iqns:
        yield "there is no iqn connector, by which storage knows the node. Register one (bfv.openstack.volume_connector)."
    if len(iqns) > 1:
        yield _several(iqns)
    if "fibre_channel" in volume_types:
        yield from _fibre_channel_obstacles(found, node)
    for one in found:
        if one.type in connectors.TYPES:
            yield from _identifier_obstacles(one, taken)


def _fibre_channel_obstacles(found: Sequence[Connector], node: Node) -> Iterator[str]:
    """ironic/drivers/modules/storage/cinder.py, _validate_connectors."""
    wwpns, wwnns = (sum(one.type == name for one in found) for name in ("wwpn", "wwnn"))
    if node.storage_interface == "cinder" and (not wwpns or wwpns != wwnns):
        yield (
            f"there are {wwpns} wwpn and {wwnns} wwnn connectors, and Ironic wants as many of one as of the other, and one at least. "
            "Register those of each port (bfv.openstack.volume_connector)."
        )


def _identifier_obstacles(one: Connector, taken: Mapping[Key, Sequence[Connector]]) -> Iterator[str]:
    try:
        connectors.identifier(one.type, one.connector_id)
    except Invalid as error:
        yield f"its {one.type} connector is malformed: {error}. Change it (bfv.openstack.volume_connector)."
    for other in taken.get(key_of(one), ()):
        if other.node_uuid != one.node_uuid:
            yield (
                f"its {one.type} connector {one.connector_id} is that of node {other.node_uuid} as well (connector {other.uuid}). "
                "Remove the wrong one (bfv.openstack.volume_connector)."
            )


def identifier(want: Wanted, node: Node) -> str:
    """The identifier that a new connector gets."""
    return f"{want.iqn_prefix}{node.uuid}" if want.connector_id == AUTO else want.connector_id


def _current(want: Wanted, of_type: list[Connector]) -> Connector | None:
    """The connector that is meant: for iqn the only one there is, whatever its name; else the one with the identifier."""
    if want.type == "iqn":
        return of_type[0] if of_type else None
    return next((one for one in of_type if _same(want, one)), None)


def _same(want: Wanted, one: Connector) -> bool:
    return key_wanted(want) in (None, key_of(one))


def _plan_creation(want: Wanted, found: Found, subject: str) -> Plan:
    name = identifier(want, found.node)
    _check_free(want.type, name, found, subject)
    extra = merged({}, want.extra)
    body = {"node_uuid": found.node.uuid, "type": want.type, "connector_id": name, "extra": extra}
    return Plan(subject, {}, _view(want.type, name, extra), (_create(f"create the {subject} as {name}", body),))


def _plan_update(want: Wanted, found: Found, current: Connector, subject: str) -> Plan:
    keeps_name = _same(want, current)
    name = current.connector_id if keeps_name else want.connector_id
    extra = merged(current.extra, want.extra)
    before, after = _view(current.type, current.connector_id, current.extra), _view(current.type, name, extra)
    if before == after:
        return Plan(subject, before, after)
    if not keeps_name:
        _check_free(want.type, name, found, subject)
    what = f"change the {subject}" + ("" if keeps_name else f" from {current.connector_id} to {name}")
    patch = [
        {"op": "add", "path": f"/{key}", "value": value}
        for key, value, was in (("connector_id", name, current.connector_id), ("extra", extra, current.extra))
        if value != was
    ]
    body = {"node_uuid": current.node_uuid, "type": current.type, "connector_id": name, "extra": extra}
    request = Request(what, "baremetal", "PATCH", path_of("volume", "connectors", current.uuid), "connector", current.uuid, patch)
    in_place = Plan(subject, before, after, (request,))
    if nodes.may_update_records(found.node):
        return in_place
    if nodes.may_delete_records(found.node):
        steps = _delete(want, current, found.node, f"{what} (delete)"), _create(f"{what} (create)", body)
        return replace(in_place, steps=steps)
    return nodes.when_off(in_place, found.node, want.node, what, permitted=want.power_off)


def _plan_absence(want: Wanted, node: Node, of_type: list[Connector], subject: str) -> Plan:
    if want.connector_id == AUTO and len(of_type) > 1:
        names = ", ".join(connector.connector_id for connector in of_type)
        raise Refused(f"Failed to remove the {subject}: there are {len(of_type)} ({names}). Say which one with connector_id.")
    going = [one for one in of_type if _same(want, one)]
    if not going:
        return Plan(subject, {}, {})
    what = f"remove the {subject} ({going[0].connector_id})"
    before = _view(going[0].type, going[0].connector_id, going[0].extra)
    removal = Plan(subject, before, {}, (_delete(want, going[0], node, what),))
    if nodes.may_delete_records(node):
        return removal
    return nodes.when_off(removal, node, want.node, what, permitted=want.power_off)


def _check_free(connector_type: str, name: str, found: Found, subject: str) -> None:
    other = found.taken.get(_key(connector_type, name))
    if other and other.node_uuid != found.node.uuid:
        raise Refused(
            f"Failed to set up the {subject}: {name} is taken by node {other.node_uuid} (connector {other.uuid}), and it must be unique. "
            "Remove it there, or give another connector_id."
        )


def _create(what: str, body: Mapping[str, object]) -> Request:
    return Request(what, "baremetal", "POST", "/volume/connectors", "connector", body=body)


def _delete(want: Wanted, connector: Connector, node: Node, what: str) -> Request:
    permit = permits.part(connector.uuid, connector.node_uuid, nodes.named(node, want.node))
    path = path_of("volume", "connectors", connector.uuid)
    return Request(f"{what} ({connector.uuid})", "baremetal", "DELETE", path, "connector", connector.uuid, permits=(permit,))


def _view(connector_type: str, connector_id: str, extra: Mapping[str, object]) -> dict[str, object]:
    return {"type": connector_type, "connector_id": connector_id, "extra": dict(extra)}


def view(connector: Connector) -> dict[str, object]:
    """The connector as a module returns it."""
    return {
        "uuid": connector.uuid,
        "node_uuid": connector.node_uuid,
        **_view(connector.type, connector.connector_id, connector.extra),
    }


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The wanted connector as a module returns it, or None where there is none."""
    current = _current(want, [connector for connector in found.connectors if connector.type == want.type])
    return {"connector": view(current) if current else None}
