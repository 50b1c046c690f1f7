# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node takes its disks over from another one: that one is fenced, gives up its hold on them, and is undeployed. Pure.

Two machines on one disk destroy it. So nothing moves before Ironic has seen the other node off, or a person has named it as one
whose machine is off for good. The last thing that leads back to that node, its target, moves at the end and carries a note of it:
whichever step a run ends after, the next one finds the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...resources.node import connector, deployment, handover, states, target
from ...resources.node import record as nodes
from ...resources.node.connector import Connector
from ...resources.node.target import Target
from ...values import permits, references
from ...values.errors import BfvError, refuse
from ...values.permits import Permit
from ...values.plan import Plan, Request, Step
from ..stage import EVERYTHING, Stage
from . import surroundings
from .holders import Holder
from .observe import NodeFound
from .wanted import CONFIRMED, KEEP, POWERED_OFF, NodeWanted


def plan(want: NodeWanted, found: NodeFound) -> list[Stage]:
    """What comes before the node's own set-up. Raises Refused before anything of it was taken."""
    what = f"take over the disks of node {found.node.name}"
    refuse(what, _of_several(found))
    if not found.holders:
        return []
    (holder,) = found.holders
    refuse(f"{what} from node {holder.node.name}", obstacles(want, holder))
    if deployment.is_undeploying(holder.node):
        return [_stage(Plan(_subject(holder), {}, {}, waiting=f"node {holder.node.name} to be undeployed"))]
    fence, undeployment = _fence(want, found, holder), _undeployment(want, found, holder)
    rest = [_release(want, holder), _move(want, found, holder)]
    # A target that moves remembers the other node. By all else it is found only as long as it has that.
    plans = [fence, *rest, undeployment] if holder.disks else [fence, undeployment, *rest]
    return [_stage(one) for one in plans]


def check_fenced(found: NodeFound, sent: Iterable[Request]) -> None:
    """Raise Ironic's reason where the other node was to be powered off, and was not. Ironic clears it when it begins."""
    for holder in found.holders:
        other = holder.node
        if other.power_state != nodes.POWER_OFF and other.last_error and any(map(handover.is_power_off, sent)):
            raise BfvError(
                f"Failed to power off node {other.name}: Ironic says «{str(other.last_error).rstrip('.')}». Nothing was taken over. "
                f"Repair its controller, or see to it that its machine is off for good and say so (takeover {CONFIRMED}, takeover_confirmed {other.name})."
            )


def after(want: NodeWanted, found: NodeFound) -> NodeFound:
    """What there is when it has been taken over."""
    for holder in found.holders:
        moved = tuple(
            replace(
                one,
                node_uuid=found.node.uuid,
                boot_index=holder.boot_index(one),
                extra=handover.noted(one, holder.node, found.node),
            )
            for one in holder.disks
        )
        gone = [one.uuid for one in _in_its_place(found, holder)]
        initiators = [replace(one, node_uuid=found.node.uuid) for one in _moving(want, holder)]
        own = [one.uuid for one in _given_up(want, found, holder)]
        found = replace(
            surroundings.let_go(found, holder.node.holders),
            connectors=(*(one for one in found.connectors if one.uuid not in own), *initiators),
            taken={**found.taken, **connector.by_key(initiators)},
            targets=(*(one for one in found.targets if one.uuid not in gone), *moved),
            rivals=tuple(one for one in found.rivals if one.node.uuid != holder.node.uuid),
            holders=(),
        )
    return found


def _of_several(found: NodeFound) -> Iterator[str]:
    if len(found.holders) > 1:
        names = " and ".join(one.node.name for one in found.holders)
        yield f"nodes {names} have a part of them each. Take over from one after the other, with what that one has."


def obstacles(want: NodeWanted, holder: Holder) -> Iterator[str]:
    """Why nothing of the other node can be taken over."""
    other, state = holder.node, states.of(holder.node.provision_state)
    yield from nodes.nova_obstacles(other, "Delete that server, or boot it from another disk")
    if other.protected:
        yield deployment.PROTECTED
    if state.leads_to and not deployment.is_undeploying(other):
        yield f"its provision state is {other.provision_state}. Run again when it has come to rest."
    elif state.machine and not state.undeploys:
        yield states.needs(other.provision_state, state.undeploy)
    if want.takeover.mode == CONFIRMED and not _is_confirmed(want, holder):
        yield (
            "takeover_confirmed does not name it. Where its machine is known to be off for good, name it; where its controller answers, "
            f"set takeover to {POWERED_OFF}."
        )
    if want.takeover.mode == POWERED_OFF and other.fault == states.POWER_FAILURE and other.power_state != nodes.POWER_OFF:
        yield (
            "Ironic does not reach its controller (power failure), and so cannot see it off. See to it that its machine is off and stays off, and say so "
            f"(takeover {CONFIRMED}, takeover_confirmed {other.name})."
        )
    places = [holder.boot_index(one) for one in holder.disks]
    twice = [str(one.boot_index) for one, place in zip(holder.disks, places, strict=True) if places.count(place) > 1]
    if twice:
        yield f"its volume targets {' and '.join(sorted(twice))} lead to one disk. Remove one of them (bfv.openstack.volume_target)."
    goes_down = state.machine or deployment.may_be_undeployed(other)
    rest = [one for one in holder.targets if one not in holder.disks] if goes_down else []
    for one in rest:
        yield (
            f"its machine has volume target {one.boot_index} ({one.volume_id}) as well, which is not asked for. Name all of its disks, or undeploy it first."
        )


def _is_confirmed(want: NodeWanted, holder: Holder) -> bool:
    return any(references.means(name, holder.node.uuid, holder.node.name) for name in want.takeover.confirmed)


def _stage(of: Plan) -> Stage:
    return Stage(of, EVERYTHING)


def _subject(holder: Holder) -> str:
    return f"node {holder.node.name}"


def _permit(found: NodeFound, holder: Holder) -> Permit:
    """For the node itself. One that was taken over from before has nothing any more, and the note of what was moved names it."""
    other = holder.node.uuid
    if holder.left:
        notes = [uuid for one in found.targets for uuid in handover.taken_from(one)]
        return permits.displaced(other, has=[other], wanted=notes, option="takeover")
    return permits.displaced(other, has=holder.has, wanted=holder.asked_for, option="takeover")


def _fence(want: NodeWanted, found: NodeFound, holder: Holder) -> Plan:
    other, subject = holder.node, f"power of node {holder.node.name}"
    if want.takeover.mode == CONFIRMED:
        warning = (
            f"node {other.name} was taken over from on somebody's word: its machine must not be switched on before Ironic has undeployed it, "
            "or two machines write to one disk"
        )
        if other.maintenance:
            return Plan(subject, {}, {}, warnings=(warning,))
        step = handover.maintain(other, to=found.node)
        return Plan(subject, {"maintenance": False}, {"maintenance": True}, (step,), warnings=(warning,))
    if other.power_state == nodes.POWER_OFF:
        return Plan(subject, {}, {})
    step = handover.power_off(other, _permit(found, holder))
    shown = {"power_state": other.power_state}, {"power_state": nodes.POWER_OFF}
    return Plan(subject, *shown, (step,), f"node {other.name} to be seen off")


def _release(want: NodeWanted, holder: Holder) -> Plan:
    """Let Cinder end the other node's hold. A volume that is on its way out is waited for.

    Of a node that is deployed Ironic does it by itself when it powers it off (ironic/conductor/utils.py, node_power_action).
    """
    other = holder.node
    goes_off = want.takeover.mode == POWERED_OFF and other.power_state != nodes.POWER_OFF
    by_ironic = goes_off and other.provision_state == "active" and other.storage_interface == "cinder"
    its_own = [one.volume_id for one in holder.targets] if by_ironic else []
    held = [one for one in holder.attachments if one.volume not in its_own]
    steps: tuple[Step, ...] = ()
    for one in held:
        if not one.ends:
            permit = permits.displaced(one.volume, has=[one.volume], wanted=holder.asked_for, option="takeover")
            steps += handover.let_go(other, holder.connectors, one.volume, one.id, permit)
    before = {one.volume: f"attached to node {other.name}" for one in held}
    waiting = f"volumes {', '.join(before)} to be let go of by node {other.name}" if before else ""
    return Plan(f"attachments of node {other.name}", before, dict.fromkeys(before, "available") if before else {}, steps, waiting)


def _move(want: NodeWanted, found: NodeFound, holder: Holder) -> Plan:
    """The initiator's name first, and the target last: until then the next run finds the other node by it."""
    node, other, what = found.node, holder.node, f"take over from node {holder.node.name}"
    removals = [_removal_of_connector(want, one, found) for one in _given_up(want, found, holder)]
    initiators = [handover.move_connector(one, other, node) for one in _moving(want, holder)]
    displaced = [_removal_of_target(want, one, found) for one in _in_its_place(found, holder)]
    moves = [handover.move_target(one, holder.boot_index(one), other, node) for one in holder.disks]
    steps = [
        *(step for one in removals for step in one.steps),
        *initiators,
        *(step for one in displaced for step in one.steps),
        *moves,
    ]
    if not steps:
        return Plan(f"disks of node {node.name}", {}, {})
    records = [one.connector_id for one in _moving(want, holder)] + [f"volume target {one.boot_index}" for one in holder.disks]
    shown = dict.fromkeys(records, f"node {other.name}"), dict.fromkeys(records, f"node {node.name}")
    moving = Plan(f"disks of node {node.name}", *shown, tuple(steps))
    if nodes.may_update_records(node):
        return moving
    return nodes.when_off(moving, node, want.node, what, permitted=want.power_off)


def _undeployment(want: NodeWanted, found: NodeFound, holder: Holder) -> Plan:
    """Where a machine was deployed. It is not waited for: it is off, or was said to be, and nothing leads it to the disk any more."""
    other, subject = holder.node, f"deployment of node {holder.node.name}"
    if not deployment.may_be_undeployed(other):
        return Plan(subject, {}, {})
    fenced = {"power_state": nodes.POWER_OFF} if want.takeover.mode == POWERED_OFF else {"maintenance": True}
    step = handover.undeploy(other, fenced, _permit(found, holder))
    return Plan(subject, {"provision_state": other.provision_state}, {"provision_state": "available"}, (step,))


def _moving(want: NodeWanted, holder: Holder) -> tuple[Connector, ...]:
    """The initiators that the node takes over: those that the task names, or with the disks the other node's iqn."""
    keeps = want.takeover.initiator == KEEP and any(one.connector_id == connector.AUTO for one in want.connectors)
    if not keeps or not holder.disks:
        return holder.initiators
    iqns = tuple(one for one in holder.connectors if one.type == "iqn")  # the task names none where it has auto
    return holder.initiators + iqns[:1]


def _given_up(want: NodeWanted, found: NodeFound, holder: Holder) -> list[Connector]:
    """The node's own iqn connector, in whose place another one comes: a node has one at the most."""
    comes = any(one.type == "iqn" for one in _moving(want, holder))
    return [one for one in found.connectors if one.type == "iqn"] if comes else []


def _in_its_place(found: NodeFound, holder: Holder) -> list[Target]:
    """The node's own targets, in whose places the other's come."""
    places = {holder.boot_index(one) for one in holder.disks}
    return [one for one in found.targets if one.boot_index in places]


def _removal_of_connector(want: NodeWanted, one: Connector, found: NodeFound) -> Plan:
    gone = connector.Wanted(want.node, one.type, one.connector_id, state="absent", power_off=want.power_off)
    off = replace(found.node, power_state=nodes.POWER_OFF)
    return connector.plan(gone, connector.Found(off, found.connectors))


def _removal_of_target(want: NodeWanted, one: Target, found: NodeFound) -> Plan:
    gone = target.Wanted(node=want.node, boot_index=one.boot_index, state="absent", power_off=want.power_off)
    off = replace(found.node, power_state=nodes.POWER_OFF)
    return target.plan(gone, target.Found(off, found.targets))
