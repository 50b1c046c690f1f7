# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One node of a fleet, planned with the very rules of the single resources. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..resources import connector, deployment, node, node_storage, target, volume
from ..resources.node import Node
from ..resources.target import Target
from ..values import capabilities
from ..values.errors import Refused
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
    differs = drift.find(want, found) if found.node.provision_state == "active" else ""
    if not differs:
        return _plan_setup(want, found)
    if want.on_drift == "fail":
        raise Refused(
            f"Failed to set up node {found.node.name}: it is active, and its {differs} is not what is asked for. "
            "Undeploy it and run again, or permit that (on_drift=redeploy)."
        )
    undeploys = Stage(deployment.plan(deployment.Wanted(UNDEPLOYED), found.node), RELEASED)
    return [undeploys, *_plan_setup(want, surroundings.undeployed(found))]


def _plan_setup(want: NodeWanted, found: NodeFound) -> list[Stage]:
    volumes = [volume.plan(one, surroundings.of_volume(one, found)) for one in want.volumes]
    storage = node_storage.plan(want.storage, node_storage.Found(found.node))
    connectors = [connector.plan(one, connector.Found(found.node, found.connectors, found.taken)) for one in want.connectors]
    return [
        Stage(together("volumes", volumes), VOLUMES),
        Stage(storage),
        Stage(together("connectors", connectors)),
        Stage(together("targets", _plan_targets(want, found))),
        Stage(deployment.plan(deployment.Wanted(want.state, want.validate), found.node)),
    ]


def _plan_targets(want: NodeWanted, found: NodeFound) -> list[Plan]:
    """The targets that are asked for, and no others: an entry with targets describes all that the node boots with."""
    if found.node.provision_state == "active":
        return drift.plan_targets(want, found)
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
    undeploys = deployment.plan(deployment.Wanted(UNDEPLOYED), found.node)
    # Ironic removes the targets of a deployed node by itself; those of a node that was only prepared are left to us.
    rests = surroundings.undeployed(found) if undeploys.waiting else found
    stages = [
        Stage(undeploys, RELEASED),
        Stage(together("targets", [_plan_removal(want, rests, one) for one in rests.targets])),
    ]
    if want.state == ABSENT:
        gone = [connector.plan(one, connector.Found(rests.node, rests.connectors)) for one in want.connectors]
        stages.append(Stage(together("connectors", gone)))
        stages.append(Stage(node_storage.plan(want.storage, node_storage.Found(rests.node, found.default_storage_interface))))
    if want.deletes_volumes:
        volumes = [volume.plan(one, surroundings.of_volume(one, rests)) for one in want.volumes]
        stages.append(Stage(together("volumes", volumes), VOLUMES))
    return stages
