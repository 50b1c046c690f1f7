# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One node of a fleet, planned with the very rules of the single resources. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..resources import connector, deployment, node, node_storage, target, volume
from ..resources.node import Node
from ..values.errors import Refused
from ..values.plan import Plan, together
from .observe import NodeFound
from .wanted import UNDEPLOYED, NodeWanted


@dataclass(frozen=True)
class Stage:
    """A part of the way. The first stage that is not settled is taken; ``looks_at`` is what is read again while it waits."""

    plan: Plan
    looks_at: str = "nodes"


def plan(want: NodeWanted, found: NodeFound) -> list[Stage]:
    """The way of the node to where it is wanted, in order. Raises Refused before anything of it was taken."""
    return _plan_undeployment(want, found) if want.state == UNDEPLOYED else _plan_deployment(want, found)


def whole(stages: list[Stage]) -> Plan:
    """All stages as one plan: what a diff shows of the node."""
    return together("", [stage.plan for stage in stages])


def _plan_deployment(want: NodeWanted, found: NodeFound) -> list[Stage]:
    node.check_not_novas(found.node, f"set up node {found.node.name}")
    deploys = deployment.plan(deployment.Wanted(want.state), found.node)
    if deployment.is_on_the_way(found.node):
        return [Stage(deploys)]
    volumes = [volume.plan(one, _volume_found(one, found)) for one in want.volumes]
    storage = node_storage.plan(want.storage, node_storage.Found(found.node))
    connectors = [connector.plan(one, connector.Found(found.node, found.connectors, found.taken)) for one in want.connectors]
    return [
        Stage(together("volumes", volumes), "volumes"),
        Stage(storage),
        Stage(together("connectors", connectors)),
        Stage(together("targets", _plan_targets(want, found))),
        Stage(deploys),
    ]


def _plan_targets(want: NodeWanted, found: NodeFound) -> list[Plan]:
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    if found.node.provision_state != "active":
        return [target.plan(one, _target_found(one, want, found, goal)) for one in want.targets]
    # An active node boots from what it was deployed with: a target that differs is told, and never changed under it.
    resting = replace(goal, power_state=node.POWER_OFF)
    plans = [target.plan(one, _target_found(one, want, found, resting)).seen({"target"}) for one in want.targets]
    differing = [plan.subject for plan in plans if not plan.settled]
    if differing:
        raise Refused(
            f"Failed to set up node {goal.name}: it is active, and its {', '.join(differing)} differs. Undeploy it and run again."
        )
    return plans


def _plan_undeployment(want: NodeWanted, found: NodeFound) -> list[Stage]:
    undeploys = deployment.plan(deployment.Wanted(want.state), found.node)
    stages = [Stage(undeploys)]
    # Ironic removes the targets of a deployed node by itself; those of a node that was only prepared are left to us.
    left = () if undeploys.waiting else found.targets
    targets = [target.plan(one, target.Found(found.node, left)) for one in want.targets]
    stages.append(Stage(together("targets", targets)))
    if want.deletes_volumes:
        released = [volume.plan(one, _released(one, found, undeploys)) for one in want.volumes]
        stages.append(Stage(together("volumes", released), "volumes"))
    return stages


def _volume_found(want: volume.Wanted, found: NodeFound) -> volume.Found:
    source = found.sources.get(want.source) if want.source else None
    if isinstance(source, Refused):
        raise source
    return volume.Found(found.volumes.get(want.label, ()), source)


def _released(want: volume.Wanted, found: NodeFound, undeploys: Plan) -> volume.Found:
    """The volumes as they are once the node has let go of them."""
    volumes = found.volumes.get(want.label, ())
    if undeploys.waiting:
        volumes = tuple(
            replace(one, status="available", attached_to=tuple(holder for holder in one.attached_to if holder != found.node.uuid))
            for one in volumes
        )
    return volume.Found(volumes)


def _target_found(want: target.Wanted, node_wanted: NodeWanted, found: NodeFound, goal: Node) -> target.Found:
    """The target's surroundings as they are when its turn comes: the node set up, its volumes made."""
    volumes = found.volumes.get(want.volume or "", ())
    ours = next((one for one in node_wanted.volumes if one.label == want.volume), None)
    if ours:
        volumes = (volume.expected(ours, _volume_found(ours, found)),)
    return target.Found(goal, found.targets, volumes)
