# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes would do as a spare: each as it will be when it has taken the disks of a node over. Pure.

What keeps a node from booting is told by readiness.py; here is only what a spare needs beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...cloud.service import Json
from ...resources.node import connector, deployment, states
from ...resources.node import record as nodes
from ...resources.node import storage as node_storage
from ...resources.node.connector import Connector
from ...resources.node.record import Node
from ...values import capabilities
from ...values.errors import refuse
from . import readiness
from .info import NodeSeen
from .readiness import Setup


@dataclass(frozen=True)
class Spare:
    """A node, and every reason why it would not do; none where it would."""

    node: Node
    reasons: tuple[str, ...]


def judge(old: NodeSeen, others: Iterable[NodeSeen]) -> tuple[Spare, ...]:
    """Of each other node whether it would do. Raises Refused where the node boots from no disk that another one could boot from."""
    refuse(f"find a spare for node {old.setup.node.name}", nodes.storage_obstacles(old.setup.node))
    uuid = old.setup.node.uuid
    return tuple(Spare(one.setup.node, tuple(reasons(old, one))) for one in others if one.setup.node.uuid != uuid)


def reasons(old: NodeSeen, spare: NodeSeen) -> list[str]:
    """Why the spare would not do, in one line each."""
    will_be = _set_up(old.setup, spare.setup)
    boots = readiness.reasons(will_be) if will_be.targets else readiness.of_machine(will_be)
    return list(dict.fromkeys([*_of_kind(old, spare), *_of_use(spare.setup), *boots]))


def view(spare: Spare) -> Json:
    """The spare as a module returns it."""
    return {"name": spare.node.name, "uuid": spare.node.uuid, "fits": not spare.reasons, "reasons": list(spare.reasons)}


def _of_kind(old: NodeSeen, spare: NodeSeen) -> Iterator[str]:
    """Where it is not the hardware that the disk was made for."""
    name, was, now = old.setup.node.name, old.record, spare.record
    traits, missing = was["traits"], sorted(set(was["traits"]) - set(now["traits"]))
    if was["resource_class"] != now["resource_class"] and (missing or not traits):
        lacks = f", and it has not all traits of that one: {', '.join(missing)}" if missing else ""
        yield f"its resource class is {now['resource_class']}, and that of node {name} is {was['resource_class']}{lacks}."
    for what, of_old, own in (
        ("boot mode", _boot_mode(old), _boot_mode(spare)),
        ("CPU architecture", *((one["properties"] or {}).get("cpu_arch") for one in (was, now))),
    ):
        if of_old and own and of_old != own:
            yield f"its {what} is {own}, and that of node {name} is {of_old}."


def _boot_mode(seen: NodeSeen) -> str | None:
    return capabilities.parse(seen.setup.node.capabilities).get("boot_mode")


def _of_use(setup: Setup) -> Iterator[str]:
    """Where it is somebody's already, or not at rest."""
    node, state = setup.node, states.of(setup.node.provision_state)
    if deployment.is_deployed(node):
        yield f"it has a machine of its own: its provision state is {node.provision_state}."
        return
    if node.provision_state != "available":
        yield states.needs(node.provision_state, state.deploy or state.change)
    if node.protected:
        yield deployment.PROTECTED
    if node.is_allocated and node.instance_uuid:
        yield (
            f"allocation {node.instance_uuid} has it. Delete that one if nobody needs it (baremetal allocation delete {node.instance_uuid})."
        )
    if node.power_state != nodes.POWER_OFF:
        yield f"its power state is {node.power_state or 'unknown'}. Power it off (baremetal node power off)."
    for one in sorted(setup.targets, key=lambda one: one.boot_index):
        yield (
            f"it has volume target {one.boot_index} ({one.volume_id}) of its own. Remove that one if nobody needs it (bfv.openstack.volume_target)."
        )


def _set_up(old: Setup, spare: Setup) -> Setup:
    """The spare as baremetal_fleet sets it up, with the other one's disks. Their volumes are not looked at: they are that node's still."""
    unreadable = spare.node.capabilities_are == capabilities.OTHER
    announced = nodes.BOOT_CAPABILITY.get(old.boots_by)
    want = node_storage.Wanted(
        spare.node.name,
        storage_interface=old.node.storage_interface,
        capabilities={announced: True} if announced and not unreadable else None,
        image_source="absent",
    )
    own = Connector("", spare.node.uuid, "iqn", connector.identifier(connector.Wanted(spare.node.name), spare.node))
    iqn = next((one for one in old.connectors if one.type == "iqn"), own)
    others = (one for one in spare.connectors if one.type != "iqn")
    return replace(
        spare,
        node=node_storage.goal(want, node_storage.Found(spare.node)),
        connectors=(*others, iqn),
        targets=old.targets,
        volumes=None,
    )
