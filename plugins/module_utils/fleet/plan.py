# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One node of a fleet, planned with the very rules of the single resources. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..resources import connector, deployment, node, node_storage, target, volume
from ..resources.node import Node
from ..resources.target import Target
from ..values import capabilities
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
    connectors = _plan_connectors(want, found)
    return [
        Stage(together("volumes", volumes), "volumes"),
        Stage(storage),
        Stage(together("connectors", connectors)),
        Stage(together("targets", _plan_targets(want, found))),
        Stage(deploys),
    ]


def _plan_connectors(want: NodeWanted, found: NodeFound) -> list[Plan]:
    active = found.node.provision_state == "active"
    # A running machine is never powered off for a connector that only its next deployment would use.
    resting = replace(found.node, power_state=node.POWER_OFF) if active else found.node
    plans = [connector.plan(one, connector.Found(resting, found.connectors, found.taken)) for one in want.connectors]
    differing = [plan.subject for plan in plans if active and plan.before and not plan.settled]
    if differing:
        raise Refused(
            f"Failed to set up node {found.node.name}: it is active, and its {differing[0].partition(' of node ')[0]} is not what is asked for. "
            "Undeploy it and run again."
        )
    return plans


def _plan_targets(want: NodeWanted, found: NodeFound) -> list[Plan]:
    """The targets that are asked for, and no others: an entry with targets describes all that the node boots with."""
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    if found.node.provision_state == "active":
        return _check_active(want, found, goal)
    if want.state == "deployed":
        _check_deployable(want, found, goal)
    asked_for = {one.boot_index for one in want.targets}
    others = [one for one in found.targets if want.targets and one.boot_index not in asked_for]
    wanted = [target.plan(one, _target_found(one, want, found, goal)) for one in want.targets]
    return [_plan_removal(want, found, one) for one in others] + wanted


def _check_active(want: NodeWanted, found: NodeFound, goal: Node) -> list[Plan]:
    """An active node boots from what it was deployed with: a target that differs is told, and never changed under it."""
    resting = replace(goal, power_state=node.POWER_OFF)
    plans = [target.plan(one, _target_found(one, want, found, resting)).seen({"target"}) for one in want.targets]
    differing = [str(one.boot_index) for one, plan in zip(want.targets, plans, strict=True) if not plan.settled]
    if differing:
        raise Refused(
            f"Failed to set up node {goal.name}: it is active, and its volume target {', '.join(differing)} is not what is asked for. "
            "Undeploy it and run again."
        )
    return plans


def _check_deployable(want: NodeWanted, found: NodeFound, goal: Node) -> None:
    """What Ironic would find out only after the node was set up, or in the middle of its deployment."""
    if not any(one.boot_index == 0 for one in want.targets or found.targets):
        raise Refused(
            f"Failed to deploy node {goal.name}: it has nothing to boot from. Name a volume, or a target with boot_index 0."
        )
    malformed = capabilities.malformed(goal.capabilities)
    if malformed:
        raise Refused(
            f'Failed to deploy node {goal.name}: its capability "{malformed[0]}" is not name:value, which Ironic refuses then. '
            "Repair it (baremetal node set --property capabilities=...)."
        )


def _plan_removal(want: NodeWanted, found: NodeFound, going: Target) -> Plan:
    gone = target.Wanted(node=want.node, boot_index=going.boot_index, state="absent", power_off=want.power_off)
    return target.plan(gone, target.Found(found.node, found.targets))


def _plan_undeployment(want: NodeWanted, found: NodeFound) -> list[Stage]:
    undeploys = deployment.plan(deployment.Wanted(want.state), found.node)
    # Ironic removes the targets of a deployed node by itself; those of a node that was only prepared are left to us.
    left = () if undeploys.waiting else found.targets
    stages = [Stage(undeploys), Stage(together("targets", [_plan_removal(want, found, one) for one in left]))]
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
