# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node of a fleet, planned with the very rules of the single resources. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ...resources.node import connector, deployment, hardware, states, target
from ...resources.node import record as node
from ...resources.node import storage as node_storage
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.settle import Way
from ...resources.volume import plan as volume
from ...resources.volume import record as volume_record
from ...resources.volume.record import Volume
from ...resources.volume.wanted import DELETE_FIRST
from ...values.errors import Refused, refuse
from ...values.plan import Plan, together
from ..stage import OWN, RELEASED, VOLUMES, Stage
from . import claims, drift, surroundings, takeover
from .observe import NodeFound
from .wanted import ABSENT, DEPLOYED, GOING, UNDEPLOYED, NodeWanted


def plan(want: NodeWanted, found: NodeFound, made: Collection[str] = ()) -> list[Stage]:
    """The way of the node to where it is wanted, in order. ``made`` are the ids of what this run created. Raises Refused before anything of it was taken."""
    return _plan_undeployment(want, found, made) if want.state in GOING else _plan_deployment(want, found, made)


def is_started(way: Way) -> bool:
    """Whether this run has begun a deployment or undeployment."""
    return any(map(deployment.is_start, way.requests))


def _plan_deployment(want: NodeWanted, found: NodeFound, made: Collection[str]) -> list[Stage]:
    node.check_not_novas(found.node, f"set up node {found.node.name}")
    if deployment.is_on_the_way(found.node):
        rest = deployment.plan(deployment.Wanted(want.node, want.state), found.node)
        return [Stage(rest, RELEASED if deployment.is_undeploying(found.node) else OWN)]
    if deployment.is_free(found.node):
        return [*takeover.plan(want, found), *_plan_setup(want, takeover.after(want, found), want.volumes, made)]
    running = drift.look(want, found, made)
    if not running.differs:
        return _stages(want, found, _plan_volumes(want, want.volumes, found, made), running.connectors, running.targets, made)
    what = (
        f"set up node {found.node.name}: it is {found.node.provision_state}, and its {running.differs} is not what is asked for "
        f"({running.how})"
    )
    if found.node.provision_state != "active":
        advice = states.of(found.node.provision_state).undeploy or "Undeploy it and run again"
        raise Refused(f"Failed to {what}. {advice}.")
    if want.on_drift == "fail" or want.state != DEPLOYED:
        raise Refused(f"Failed to {what}. Undeploy it and run again, or permit that (state=deployed with on_drift=redeploy).")
    return _plan_redeployment(want, found, made)


def _plan_redeployment(want: NodeWanted, found: NodeFound, made: Collection[str]) -> list[Stage]:
    """Its new disks are there before the machine goes down; all the rest is planned, and so looked at, as it will be then."""
    down = surroundings.undeployed(found)
    ahead = [one for one in want.volumes if _can_stand_beside(one, found, made)]
    rest = [one for one in want.volumes if one not in ahead]
    return [
        Stage(together("volumes", _plan_volumes(want, ahead, down, made)), VOLUMES),
        _undeploy(want, found, f"redeployment of node {found.node.name}"),
        *_plan_setup(want, down, rest, made),
    ]


def _can_stand_beside(want: volume.Wanted, found: NodeFound, made: Collection[str]) -> bool:
    """Whether the volume can be made ready while the machine runs: it does not run from it, or a new one takes its place."""
    held = any(set(found.node.holders) & set(one.attached_to) for one in found.volumes.get(want.label, ()))
    anew = volume.is_recreated(want, surroundings.of_volume(want, found), made)
    return want.recreate_order != DELETE_FIRST if anew else not held


def _plan_setup(want: NodeWanted, found: NodeFound, wanted: Sequence[volume.Wanted], made: Collection[str]) -> list[Stage]:
    volumes = _plan_volumes(want, wanted, found, made)
    connectors = [connector.plan(one, connector.Found(found.node, found.connectors, found.taken)) for one in want.connectors]
    return _stages(want, found, volumes, connectors, _plan_targets(want, found, made), made)


def _plan_volumes(want: NodeWanted, wanted: Sequence[volume.Wanted], found: NodeFound, made: Collection[str]) -> list[Plan]:
    """The volumes, as they are needed. One whose place another takes stays until the machine has been deployed from that."""
    kept = [replace(one, keeps_old=want.state == DEPLOYED) for one in wanted]
    return [volume.plan(one, surroundings.of_volume(one, found), made) for one in kept]


def _plan_successions(want: NodeWanted, found: NodeFound, made: Collection[str]) -> list[Stage]:
    anew = [one for one in want.volumes if one.recreate != "never"] if want.state == DEPLOYED else []
    plans = [volume.plan(one, surroundings.of_volume(one, found), made) for one in anew]
    return [Stage(together("volumes", plans), VOLUMES)] if plans else []


def _stages(
    want: NodeWanted,
    found: NodeFound,
    volumes: list[Plan],
    connectors: list[Plan],
    targets: list[Plan],
    made: Collection[str],
) -> list[Stage]:
    return [
        Stage(together("volumes", volumes), VOLUMES),
        Stage(node_storage.plan(want.storage, node_storage.Found(found.node))),
        Stage(together("connectors", connectors)),
        Stage(together("targets", targets)),
        Stage(deployment.plan(deployment.Wanted(want.node, want.state, want.validate), found.node)),
        *_plan_successions(want, found, made),
    ]


def _plan_targets(want: NodeWanted, found: NodeFound, made: Collection[str]) -> list[Plan]:
    """The targets that are asked for, and no others: an entry with targets describes all that the node boots with."""
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    if want.state == DEPLOYED:
        _check_deployable(want, found, goal)
    asked_for = {one.boot_index for one in want.targets}
    others = [one for one in found.targets if want.targets and one.boot_index not in asked_for]
    wanted = [target.plan(one, surroundings.of_target(one, want, found, goal, made)) for one in want.targets]
    if want.state == DEPLOYED:
        refuse(f"deploy node {goal.name}", claims.obstacles(found.rivals))
    return [_plan_removal(want, found, one) for one in others] + wanted


def _check_deployable(want: NodeWanted, found: NodeFound, goal: Node) -> None:
    """What Ironic would find out only after the node was set up, or in the middle of its deployment."""
    if not any(one.boot_index == 0 for one in want.targets or found.targets):
        raise Refused(
            f"Failed to deploy node {goal.name}: it has nothing to boot from. Name a volume, or a target with boot_index 0."
        )
    what = f"deploy node {goal.name}"
    refuse(what, node.capability_obstacles(goal))
    refuse(what, hardware.obstacles(goal, found.hardware))
    for index, volume_id in _volumes_by_id(want, found):
        obstacles = target.volume_obstacles(goal, index, volume_id, found.held)
        refuse(what, (f"volume target {index}: {obstacle}" for obstacle in obstacles))


def _volumes_by_id(want: NodeWanted, found: NodeFound) -> Iterator[tuple[int, str]]:
    """The volumes that the node will use, but those that the task names: target.py looks at them itself."""
    for one in want.targets or found.targets:
        current = next((seen for seen in found.targets if seen.boot_index == one.boot_index), None)
        named = one.volume if isinstance(one, target.Wanted) else None
        volume_id = one.volume_id or (current.volume_id if current and not named else None)
        if volume_id:
            yield one.boot_index, volume_id


def _plan_removal(want: NodeWanted, found: NodeFound, going: Target) -> Plan:
    gone = target.Wanted(node=want.node, boot_index=going.boot_index, state="absent", power_off=want.power_off)
    return target.plan(gone, target.Found(found.node, found.targets))


def _undeploy(want: NodeWanted, found: NodeFound, subject: str) -> Stage:
    """Undeploy the node, whose targets Ironic removes by itself then."""
    undeploys = replace(deployment.plan(deployment.Wanted(want.node, UNDEPLOYED), found.node), subject=subject)
    gone = [target.taken_away(one, found.node) for one in found.targets if undeploys.waiting]
    return Stage(together(subject, [undeploys, *gone]), RELEASED)


def _plan_undeployment(want: NodeWanted, found: NodeFound, made: Collection[str]) -> list[Stage]:
    if want.state == ABSENT or want.deletes_volumes:
        node.check_not_novas(found.node, f"take back the set-up of node {found.node.name}")
    undeploys = _undeploy(want, found, f"deployment of node {found.node.name}")
    # The targets of a node that was only prepared are left to us.
    rests = surroundings.undeployed(found) if undeploys.plan.waiting else found
    stages = [
        undeploys,
        Stage(together("targets", [_plan_removal(want, rests, one) for one in rests.targets])),
    ]
    if want.state == ABSENT:
        stages.append(Stage(together("connectors", [_plan_disconnection(one, rests) for one in want.connectors])))
        stages.append(Stage(node_storage.plan(want.storage, node_storage.Found(rests.node, found.default_storage_interface))))
    if want.deletes_volumes:
        stages.append(Stage(together("volumes", [_plan_release(one, rests, made) for one in want.volumes]), VOLUMES))
    return stages


def _plan_disconnection(want: connector.Wanted, found: NodeFound) -> Plan:
    """Remove the connector. One that nobody names is that which this collection makes; another one was there before, and is told."""
    own = replace(want, connector_id=connector.identifier(want, found.node))
    gone = connector.plan(own, connector.Found(found.node, found.connectors))
    others = [one.connector_id for one in found.connectors if one.type == want.type]
    if gone.changed or want.connector_id != connector.AUTO or not others:
        return gone
    warning = f"{gone.subject} is kept: this collection did not make {', '.join(others)}. Name it in connectors if it is to go"
    return replace(gone, warnings=(warning,))


def _plan_release(want: volume.Wanted, found: NodeFound, made: Collection[str]) -> Plan:
    """Delete the volume where it is the fleet's own and nobody else's; any other is kept, and told."""
    subject = f"volume {want.label} of node {found.node.name}"
    one = volume_record.only(found.volumes.get(want.label, ()), want.label)
    if one and (reason := _keeps(want, one, found)):
        return Plan(subject, {}, {}, warnings=(f"{subject} is kept ({one.id}): {reason}",))
    return volume.plan(want, surroundings.of_volume(want, found), made)


def _keeps(want: volume.Wanted, one: Volume, found: NodeFound) -> str:
    """Why a volume is not the fleet's to delete; empty where it is."""
    if want.id:
        return "it is named by its id, as volumes of others are. Delete it with bfv.openstack.bfv_volume"
    if not one.is_ours:
        return "this collection did not make it. Delete it with bfv.openstack.bfv_volume"
    others = claims.of_others(found.claims, claims.of_volume(one), found.node.uuid)
    return f"a volume target of node {', '.join(sorted(others))} names it as well" if others else ""
