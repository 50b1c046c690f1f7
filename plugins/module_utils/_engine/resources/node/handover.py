# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node that another one takes over from has to give up: its power, its hold on its disks, its initiator, its deployment.

A connector or target moves with one write of its node_uuid. Ironic wants only the node that gets it to be powered off then
(ironic/conductor/manager.py, update_volume_connector and update_volume_target), so that one whose controller is dead can be taken
over from as well, and its CHAP password, which nobody reads, goes along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Request, Still
from . import record as nodes
from .connector import Connector
from .record import Node
from .target import Target

_TAKEN_FROM = "bfv_taken_from"  # in a target's extra: the nodes that had it, the last one first

# A node that is none of the fleet's: what comes of it, only another look tells.
_CHANGES = "holder"


def power_off(node: Node, permit: Permit) -> Request:
    return Request(
        f"power off node {node.name} ({node.uuid})",
        "baremetal",
        "PUT",
        path_of("nodes", node.uuid, "states", "power"),
        _CHANGES,
        node.uuid,
        {"target": nodes.POWER_OFF},
        permits=(permit,),
        still=nodes.still(node),
    )


def is_power_off(request: Request) -> bool:
    """Whether the request powers off the node that is taken over from."""
    return request.changes == _CHANGES and request.path.endswith(path_of("states", "power"))


def maintain(node: Node, to: Node) -> Request:
    """Into maintenance: nobody deploys it, and Ironic does not switch it on by itself."""
    body = {"reason": f"bfv.openstack: its machine was said to be off, and node {to.name} takes its disk over"}
    path = path_of("nodes", node.uuid, "maintenance")
    return Request(f"set node {node.name} ({node.uuid}) into maintenance", "baremetal", "PUT", path, _CHANGES, node.uuid, body)


def let_go(node: Node, connectors: Iterable[Connector], volume: str, attachment: str, permit: Permit) -> tuple[Request, ...]:
    """Cinder's volume, as Ironic itself lets go of it (ironic/common/cinder.py, detach_volumes): the array's export ends with it."""
    path = path_of("volumes", volume, "action")
    terminate = {"os-terminate_connection": {"connector": _as_cinder_knows(node, connectors)}}
    detach = {"os-detach": {"attachment_id": attachment}}
    what = f"of volume {volume} to node {node.name}"
    return (
        Request(f"end the connection {what}", "block_storage", "POST", path, _CHANGES, volume, terminate),
        Request(f"end the attachment {what}", "block_storage", "POST", path, _CHANGES, volume, detach, permits=(permit,)),
    )


def _as_cinder_knows(node: Node, connectors: Iterable[Connector]) -> dict[str, object]:
    """ironic/drivers/modules/storage/cinder.py, _generate_connector."""
    told: dict[str, list[str]] = {}
    for one in connectors:
        told.setdefault(one.type, []).append(one.connector_id)
    known: dict[str, object] = {"host": node.uuid, "multipath": sum(map(len, told.values())) > 1}
    known |= {key: told[kind][0] for kind, key in (("iqn", "initiator"), ("ip", "ip")) if kind in told}
    return known | {f"{kind}s": told[kind] for kind in ("wwpn", "wwnn") if kind in told}


def move_connector(one: Connector, node: Node, to: Node) -> Request:
    what = f"move the {one.type} connector {one.connector_id} from node {node.name} to node {to.name}"
    path = path_of("volume", "connectors", one.uuid)
    return Request(what, "baremetal", "PATCH", path, _CHANGES, one.uuid, [_belongs(to)], still=_still(path, node))


def taken_from(one: Target) -> tuple[str, ...]:
    """The UUIDs of the nodes that had the target before: each may have been left by a run that ended before it was undeployed."""
    return tuple(uuid for uuid in str(one.extra.get(_TAKEN_FROM) or "").split(",") if uuid)


def noted(one: Target, node: Node, to: Node) -> dict[str, object]:
    """The target's extra once it was moved."""
    before = dict.fromkeys((node.uuid, *taken_from(one)))
    return {**one.extra, _TAKEN_FROM: ",".join(uuid for uuid in before if uuid != to.uuid)}


def move_target(one: Target, boot_index: int, node: Node, to: Node) -> Request:
    """With a note of where it was, for a run that ends before the other node is undeployed."""
    what = f"move volume target {one.boot_index} ({one.volume_id}) from node {node.name} to node {to.name}"
    body = [
        _belongs(to),
        {"op": "add", "path": "/boot_index", "value": boot_index},
        {"op": "add", "path": "/extra", "value": noted(one, node, to)},
    ]
    path = path_of("volume", "targets", one.uuid)
    return Request(what, "baremetal", "PATCH", path, _CHANGES, one.uuid, body, still=_still(path, node))


def _still(record: str, node: Node) -> Still:
    """Nobody else has taken the record over: Ironic would take it away from a node that runs by now as well."""
    return Still(record, {"node_uuid": node.uuid})


def _belongs(to: Node) -> dict[str, object]:
    return {"op": "add", "path": "/node_uuid", "value": to.uuid}


def undeploy(node: Node, fenced: Mapping[str, object], permit: Permit) -> Request:
    """``fenced`` is what Ironic must show still of a node that is off.

    It takes away the boot script that leads to the disk before all else, and so also where a controller is dead.
    """
    still = nodes.still(node)
    return Request(
        f"undeploy node {node.name} ({node.uuid})",
        "baremetal",
        "PUT",
        path_of("nodes", node.uuid, "states", "provision"),
        _CHANGES,
        node.uuid,
        {"target": "deleted"},
        permits=(permit,),
        still=Still(still.path, {**still.fields, **fenced}),
    )
