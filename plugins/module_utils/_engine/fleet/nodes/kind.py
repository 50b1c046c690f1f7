# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes as a kind of machine: what the engine of all fleets is told of them (see ../kind.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...cloud.connection import Cloud
from ...resources.node import connector, deployment, target
from ...resources.node import storage as node_storage
from ...resources.settle import Way
from ...resources.volume import record as volume_record
from ...resources.volume.needs import Needs
from ...values.errors import Refused
from ..room import Around
from ..stage import Stage
from . import drift, plan, shared, surroundings, takeover
from . import observe as observing
from .again import look_again, look_at_last
from .observe import NodeFound, absorb
from .wanted import GOING, NodeWanted, read

__all__ = [
    "NOUN",
    "absorb",
    "differs",
    "identity",
    "look_again",
    "look_at_last",
    "name_of",
    "observe",
    "read",
    "stages",
    "view",
    "volumes",
]

NOUN = "node"


def name_of(entry: Mapping[str, Any]) -> str:
    """The node's name or UUID."""
    return str(entry["node"])


def observe(cloud: Cloud, wants: list[NodeWanted]) -> Mapping[str, NodeFound | Refused]:
    """What is there of each node, with a refusal where another one of the run is in its way."""
    found: shared.Found = observing.observe(cloud, wants)
    for judge in (shared.refuse_second, shared.refuse_held, shared.refuse_taken_over):
        found = judge(wants, found)
    return found


def identity(found: NodeFound) -> str:
    """The node's UUID."""
    return found.node.uuid


def stages(want: NodeWanted, found: NodeFound, way: Way) -> list[Stage]:
    """The way of the node, which has landed where this run sent it, and takes over from nodes that are fenced. Raises Refused."""
    if plan.is_started(way):
        deployment.check_landed(found.node)
    takeover.check_fenced(found, way.requests)
    return plan.plan(want, found, way.made)


def volumes(want: NodeWanted, found: NodeFound) -> tuple[Needs | None, Iterable[Around]]:
    """The node's volumes, where some may have to be made."""
    if want.state in GOING:
        return None, ()
    return found.needs, ((one, surroundings.of_volume(one, found)) for one in want.volumes)


def differs(want: NodeWanted, found: NodeFound) -> list[str]:
    """What of the node's volumes is left as it is."""
    return drift.left(want, found)


def view(want: NodeWanted | None, found: NodeFound | None) -> dict[str, object]:
    """The node and what belongs to it, each as its own module returns it."""
    return {
        "node": node_storage.view(found.node) if found else None,
        "connectors": [connector.view(one) for one in found.connectors] if found else [],
        "targets": [target.view(one) for one in found.targets] if found else [],
        "volumes": [volume_record.view(one) for ones in found.volumes.values() for one in ones] if found else [],
    }
