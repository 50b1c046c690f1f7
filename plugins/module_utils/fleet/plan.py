# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One node of a fleet, planned with the very rules of the single resources. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..resources import connector, deployment, node, node_storage, target, volume
from ..resources.node import Node
from ..resources.target import Target
from ..values.errors import Refused, refuse
from ..values.plan import Plan, together
from . import drift, surroundings
from .observe import NodeFound
from .wanted import ABSENT, DEPLOYED, GOING, UNDEPLOYED, NodeWanted

# What is read again while a node waits.
NODES, VOLUMES = "nodes", "volumes"
RELEASED = "released"  # the node, and all that is its own when it has come to rest: undeployed, it loses targets and volumes
EVERYTHING = "everything"


@dataclass(frozen=True)
class Stage:
    """A part of the way. The first stage that is not settled is taken; ``looks_at`` is what is read again while it waits."""

    plan: Plan
    looks_at: str = NODES


def plan(want: NodeWanted, found: NodeFound) -> list[Stage]:
    """The way of the node to where it is wanted, in order. Raises Refused before anything of it was taken."""
    return _plan_undeployment(want, found) if want.state in GOING else _plan_deployment(want, found)


def whole(stages: list[Stage]) -> Plan:
    """All stages as one plan: what a diff shows of the node."""
    return together("", [stage.plan for stage in stages])


def _plan_deployment(want: NodeWanted, found: NodeFound) -> list[Stage]:
    node.check_not_novas(found.node, f"set up node {found.node.name}")
    if deployment.is_on_the_way(found.node):
        rest = deployment.plan(deployment.Wanted(want.state), found.node)
        return [Stage(rest, RELEASED if deployment.is_undeploying(found.node) else NODES)]
    if found.node.provision_state != "active":
        return _plan_setup(want, found)
    running = drift.look(want, found)
    if not running.differs:
        return _stages(want, found, _plan_volumes(want, found), running.connectors, running.targets)
    if want.on_drift == "fail" or want.state != DEPLOYED:
        raise Refused(
            f"Failed to set up node {found.node.name}: it is active, and its {running.differs} is not what is asked for. "
            "Undeploy it and run again, or permit that (state=deployed with on_drift=redeploy)."
        )
    again = _undeploy(found, f"redeployment of node {found.node.name}")
    return [again, *_plan_setup(want, surroundings.undeployed(found))]


def _plan_setup(want: NodeWanted, found: NodeFound) -> list[Stage]:
    volumes = _plan_volumes(want, found)
    connectors = [connector.plan(one, connector.Found(found.node, found.connectors, found.taken)) for one in want.connectors]
    return _stages(want, found, volumes, connectors, _plan_targets(want, found))


def _plan_volumes(want: NodeWanted, found: NodeFound) -> list[Plan]:
    return [volume.plan(one, surroundings.of_volume(one, found)) for one in want.volumes]


def _stages(want: NodeWanted, found: NodeFound, volumes: list[Plan], connectors: list[Plan], targets: list[Plan]) -> list[Stage]:
    return [
        Stage(together("volumes", volumes), VOLUMES),
        Stage(node_storage.plan(want.storage, node_storage.Found(found.node))),
        Stage(together("connectors", connectors)),
        Stage(together("targets", targets)),
        Stage(deployment.plan(deployment.Wanted(want.state, want.validate), found.node)),
    ]


def _plan_targets(want: NodeWanted, found: NodeFound) -> list[Plan]:
    """The targets that are asked for, and no others: an entry with targets describes all that the node boots with."""
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    if want.state == DEPLOYED:
        _check_deployable(want, found, goal)
    asked_for = {one.boot_index for one in want.targets}
    others = [one for one in found.targets if want.targets and one.boot_index not in asked_for]
    wanted = [target.plan(one, surroundings.of_target(one, want, found, goal)) for one in want.targets]
    return [_plan_removal(want, found, one) for one in others] + wanted


def _check_deployable(want: NodeWanted, found: NodeFound, goal: Node) -> None:
    """What Ironic would find out only after the node was set up, or in the middle of its deployment."""
    if not any(one.boot_index == 0 for one in want.targets or found.targets):
        raise Refused(
            f"Failed to deploy node {goal.name}: it has nothing to boot from. Name a volume, or a target with boot_index 0."
        )
    refuse(f"deploy node {goal.name}", node.capability_obstacles(goal))


def _plan_removal(want: NodeWanted, found: NodeFound, going: Target) -> Plan:
    gone = target.Wanted(node=want.node, boot_index=going.boot_index, state="absent", power_off=want.power_off)
    return target.plan(gone, target.Found(found.node, found.targets))


def _undeploy(found: NodeFound, subject: str) -> Stage:
    """Undeploy the node, whose targets Ironic removes by itself then."""
    undeploys = replace(deployment.plan(deployment.Wanted(UNDEPLOYED), found.node), subject=subject)
    gone = [target.taken_away(one, found.node) for one in found.targets if undeploys.waiting]
    return Stage(together(subject, [undeploys, *gone]), RELEASED)


def _plan_undeployment(want: NodeWanted, found: NodeFound) -> list[Stage]:
    if want.state == ABSENT:
        node.check_not_novas(found.node, f"take back the set-up of node {found.node.name}")
    undeploys = _undeploy(found, f"deployment of node {found.node.name}")
    # The targets of a node that was only prepared are left to us.
    rests = surroundings.undeployed(found) if undeploys.plan.waiting else found
    stages = [
        undeploys,
        Stage(together("targets", [_plan_removal(want, rests, one) for one in rests.targets])),
    ]
    if want.state == ABSENT:
        gone = [connector.plan(one, connector.Found(rests.node, rests.connectors)) for one in want.connectors]
        stages.append(Stage(together("connectors", gone)))
        stages.append(Stage(node_storage.plan(want.storage, node_storage.Found(rests.node, found.default_storage_interface))))
    if want.deletes_volumes:
        stages.append(Stage(together("volumes", _plan_volumes(want, rests)), VOLUMES))
    return stages
