# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node needs beside its own record to be deployed: a port to boot by, and a living conductor that knows its driver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ...cloud import microversions
from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...cloud.service import Json
from ...values import boot_interfaces
from .record import Node

# Ironic's client sets the empty name of that group only as JSON, and to have a group unset Ironic answers 500
# (ironic/api/controllers/v1/node.py, _update_changed_fields: KeyError).
_DEFAULT_GROUP = "'\"\"'"


@dataclass(frozen=True)
class Conductor:
    """A conductor that is alive."""

    group: str
    drivers: frozenset[str]


@dataclass(frozen=True)
class Hardware:
    """The nodes' ports, by the node's UUID whether each is one to boot by, and the living conductors. None is not known."""

    ports: Mapping[str, tuple[bool, ...]] | None = None
    conductors: tuple[Conductor, ...] | None = None


def read(cloud: Cloud, of: Collection[str] | None) -> Hardware:
    """Of some nodes by their UUIDs, or of all: one list of ports and one of conductors. Nothing is known where the user may not see them."""
    if not cloud.baremetal.offers(microversions.BAREMETAL_DETAILS):
        return Hardware()
    queries: list[dict[str, object]] = [{}] if of is None else [{"node": uuid} for uuid in sorted(of)]
    ports = [_listed(cloud, "ports", "node_uuid,pxe_enabled", **query) for query in queries]
    conductors = _listed(cloud, "conductors", "conductor_group,alive,drivers")
    boots: dict[str, tuple[bool, ...]] = defaultdict(tuple)
    for one in (one for ones in ports for one in ones or ()):
        boots[one["node_uuid"]] += (bool(one["pxe_enabled"]),)
    return Hardware(
        None if None in ports else boots,
        None if conductors is None else tuple(_conductor(one) for one in conductors if one["alive"]),
    )


def _conductor(one: Json) -> Conductor:
    return Conductor(one["conductor_group"].lower(), frozenset(one["drivers"]))


def _listed(cloud: Cloud, kind: str, fields: str, **query: object) -> list[Json] | None:
    """None where this user may not see them. Ironic answers 404 to a list of ports in which a node is deleted just then."""
    ironic = cloud.baremetal.at(microversions.BAREMETAL_DETAILS)
    try:
        return list(ironic.list(f"/{kind}", kind, f"read the {kind}", fields=fields, **query))
    except Rejected as error:
        if error.status in (403, 404):
            return None
        raise


def obstacles(node: Node, hardware: Hardware) -> Iterator[str]:
    """Why Ironic would not deploy the node, or why it would not boot."""
    yield from _port_obstacles(node, hardware)
    if hardware.conductors is None:
        return
    groups = {one.group for one in hardware.conductors if node.driver in one.drivers}
    if node.conductor_group.lower() not in groups:
        group = f"conductor group {node.conductor_group}" if node.conductor_group else "the default conductor group"
        ways = [f"baremetal node set --conductor-group {one or _DEFAULT_GROUP}" for one in sorted(groups)]
        other = f", or give the node another group ({', or '.join(ways)})" if ways else ""
        yield f"no living conductor of {group} has its driver {node.driver}. Start one{other}."


def _port_obstacles(node: Node, hardware: Hardware) -> Iterator[str]:
    """ironic/drivers/modules/pxe_base.py, validate; ironic/common/pxe_utils.py, _link_mac_pxe_configs."""
    if hardware.ports is None or node.boot_interface not in boot_interfaces.BY_PORT:
        return
    ports = hardware.ports.get(node.uuid, ())
    if not ports:
        yield "it has no port, by which it would boot. Make one (baremetal port create)."
    elif not any(ports):
        # ironic/conductor/manager.py, update_port: not in other states.
        yield (
            "none of its ports has pxe_enabled. Set it on the port that it boots by, while the node is in maintenance or manageable "
            "(baremetal node maintenance set, baremetal port set --pxe-enabled, baremetal node maintenance unset)."
        )
