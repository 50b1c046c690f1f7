# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a node is that has an instance_uuid: Nova's, an allocation's of Ironic, or nobody's any more.

Nova writes its server's id there, an allocation its own UUID (ironic/conductor/allocations.py), a person anything. As long as it is not
known that it is no server's, it counts as one's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...cloud import microversions
from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...values.errors import BfvError
from ...values.paths import path_of
from . import states
from .record import Node

# Up to so many are asked for one by one.
_FEW = 4


def known(cloud: Cloud, nodes: Iterable[Node], *, without_nova: bool) -> list[Node]:
    """The nodes, those with an instance_uuid with what is known of it. ``without_nova`` says that no Nova uses them."""
    nodes = list(nodes)
    had = {node.instance_uuid for node in nodes if node.instance_uuid}
    allocated = _allocations(cloud, had)
    theirs = [node for node in nodes if node.instance_uuid and node.instance_uuid not in allocated and not without_nova]
    # A machine that runs for somebody is never taken for nobody's: it may be the server of a Nova that is not this cloud's.
    asked = {str(node.instance_uuid) for node in theirs if not states.of(node.provision_state).machine}
    gone = _not_of_nova(cloud, asked)
    return [
        replace(
            node,
            is_allocated=node.instance_uuid in allocated,
            is_novas=not (without_nova or node.instance_uuid in allocated or node.instance_uuid in gone),
        )
        for node in nodes
    ]


def seen_again(was: Node, now: Node) -> Node:
    """A node that was read again: whose its instance is was found out before."""
    if now.instance_uuid != was.instance_uuid:
        return now
    return replace(now, is_allocated=was.is_allocated, is_novas=was.is_novas)


def _allocations(cloud: Cloud, ids: set[str]) -> set[str]:
    """Those of the ids that are allocations of Ironic, as far as this user sees them."""
    if not ids or not cloud.baremetal.offers(microversions.BAREMETAL_DETAILS):
        return set()
    ironic = cloud.baremetal.at(microversions.BAREMETAL_DETAILS)
    try:
        if len(ids) <= _FEW:
            return {id for id in ids if ironic.find(path_of("allocations", id), f"read allocation {id}")}
        return {one["uuid"] for one in ironic.list("/allocations", "allocations", "read the allocations")} & ids
    except Rejected as error:
        if error.status in (400, 403, 404):  # 400: what a person wrote there may be no UUID
            return set()
        raise


def _not_of_nova(cloud: Cloud, ids: set[str]) -> set[str]:
    """Those of the ids that no server of Nova has: known only to who may see the servers of all projects."""
    if not ids:
        return set()
    try:
        nova = cloud.compute
        nova.read("/servers", "read the servers of all projects", all_tenants=1, limit=1)
        return {id for id in ids if nova.find(path_of("servers", id), f"read server {id}") is None}
    except BfvError:
        return set()  # there is no Nova, or it does not say: nothing is known then
