# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What an active node boots with, against what is asked for: it is never changed under a running machine. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..resources import connector, node, node_storage, target, volume
from ..resources.node import Node
from ..values.plan import Plan
from . import surroundings
from .observe import NodeFound
from .wanted import NodeWanted


def find(want: NodeWanted, found: NodeFound) -> str:
    """The first thing that is not as asked for and would need another deployment, in words; empty where all is well."""
    return _volumes(want, found) or _storage(want, found) or _connectors(want, found) or _targets(want, found)


def plan_targets(want: NodeWanted, found: NodeFound) -> list[Plan]:
    """What would be done to each target if the machine were off."""
    goal = node_storage.goal(want.storage, node_storage.Found(_off(found.node)))
    around = [surroundings.of_target(one, want, found, goal) for one in want.targets]
    return [target.plan(one, seen).seen({"target"}) for one, seen in zip(want.targets, around, strict=True)]


def _volumes(want: NodeWanted, found: NodeFound) -> str:
    for one in want.volumes:
        held = any(found.node.uuid in seen.attached_to for seen in found.volumes.get(one.label, ()))
        if held and volume.is_recreated(one, surroundings.of_volume(one, found)):
            return f"volume {one.label}"
    return ""


def _storage(want: NodeWanted, found: NodeFound) -> str:
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    interfaces = ("storage_interface", "boot_interface")
    return next((name for name in interfaces if getattr(goal, name) != getattr(found.node, name)), "")


def _connectors(want: NodeWanted, found: NodeFound) -> str:
    around = connector.Found(_off(found.node), found.connectors, found.taken)
    plans = [connector.plan(one, around) for one in want.connectors]
    return next((plan.subject.partition(" of node ")[0] for plan in plans if plan.before and not plan.settled), "")


def _targets(want: NodeWanted, found: NodeFound) -> str:
    places = [one.boot_index for one, plan in zip(want.targets, plan_targets(want, found), strict=True) if not plan.settled]
    return f"volume target {', '.join(map(str, places))}" if places else ""


def _off(running: Node) -> Node:
    """The node as if it were off, when connectors and targets can be changed in place."""
    return replace(running, power_state=node.POWER_OFF)
