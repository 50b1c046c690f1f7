# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an active node boots with, against what is asked for: nothing of that is changed under a running machine. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...resources.node import connector, target, target_secrets
from ...resources.node import record as node
from ...resources.node import storage as node_storage
from ...resources.volume import plan as volume
from ...values import differences
from ...values.errors import refuse
from ...values.identifiers import is_uuid
from ...values.plan import Plan
from . import surroundings
from .observe import NodeFound, labels
from .wanted import GOING, NodeWanted


@dataclass(frozen=True)
class Running:
    """What can be done to an active node, and the first thing that cannot: it is not as asked for, and needs another deployment.

    ``how`` tells all that differs, in words.
    """

    connectors: list[Plan]
    targets: list[Plan]
    differs: str = ""
    how: str = ""


def look(want: NodeWanted, found: NodeFound, made: Collection[str]) -> Running:
    """Compare an active node with what is asked for. Raises Refused where that could not be had even if it were off, or nobody can say."""
    if want.targets:
        refuse(f"set up node {found.node.name}", unseen(want, found))
    # Off, its connectors and targets could be changed in place: the plans for that tell what differs.
    off = replace(found, node=replace(found.node, power_state=node.POWER_OFF))
    connectors = [connector.plan(one, connector.Found(off.node, off.connectors, off.taken)) for one in want.connectors]
    goal = node_storage.goal(want.storage, node_storage.Found(off.node))
    around = [surroundings.of_target(one, want, off, goal, made) for one in want.targets]
    wanted = [_comparable(one, found) for one in want.targets]
    targets = [target.plan(one, seen).seen({"target"}) for one, seen in zip(wanted, around, strict=True)]
    differs = _volumes(want, found, made) or _storage(want, found) or _connectors(connectors) or _targets(want, found, targets)
    how = "; ".join(_how(want, found, made, connectors, targets)) if differs else ""
    return Running([_left(one) for one in connectors], [_left(one) for one in targets], differs, how)


def left(want: NodeWanted, found: NodeFound) -> list[str]:
    """What of the node's volumes is not as asked for, and is left as it is, in words."""
    if want.state in GOING:
        return []
    return [
        f"volume {one.label}: {differs}"
        for one in want.volumes
        for differs in volume.differences(one, surroundings.of_volume(one, found))
    ]


def unseen(want: NodeWanted, found: NodeFound) -> Iterator[str]:
    """Why nobody can say whether the node runs from what is asked for. What is not seen is no difference, and nothing goes down for it."""
    if found.node.storage_interface != "cinder":
        return  # to the other interfaces an id of a volume may mean anything
    asked_for = {one.volume_id for one in want.targets}
    asked_for |= {one.id for ones in found.volumes.values() for one in ones}
    missing = [label for label in dict.fromkeys(labels(want)) if not found.volumes.get(label)]
    others = [one for one in found.targets if is_uuid(one.volume_id) and one.volume_id not in asked_for]
    for one in others:
        runs = f"it is {found.node.provision_state}, and its volume target {one.boot_index} is volume {one.volume_id}"
        held = (found.held or {}).get(one.volume_id)
        if held is None:
            yield f"{runs}, which Cinder does not show to this user. Name the cloud of its project (volume_cloud)."
        elif missing:
            yield (
                f"{runs} ({held.name}), which is not asked for, while there is no volume {', '.join(missing)}: it may have been renamed, "
                f"or be another project's (volume_cloud). Make {', '.join(missing)} first (bfv.openstack.bfv_volume) if that is to be a "
                "new disk, or undeploy the node."
            )


def _comparable(want: target.Wanted, found: NodeFound) -> target.Wanted:
    """A password of which no digest was kept counts as the same: nobody knows whether it differs."""
    current = target.find(want, found.targets)
    return want if current is None or target_secrets.DIGEST in current.extra else replace(want, update_password="on_create")


def _volumes(want: NodeWanted, found: NodeFound, made: Collection[str]) -> str:
    """A volume of that name that the node holds, and that is not the one to come: it is made anew."""
    for one in want.volumes:
        held = {seen.id for seen in found.volumes.get(one.label, ()) if set(found.node.holders) & set(seen.attached_to)}
        if held and volume.expected(one, surroundings.of_volume(one, found), made).id not in held:
            return f"volume {one.label}"
    return ""


def _storage(want: NodeWanted, found: NodeFound) -> str:
    return next(iter(_interfaces(want, found)), "")


def _interfaces(want: NodeWanted, found: NodeFound) -> dict[str, str]:
    """The interfaces that differ, each with what it is and what is asked for."""
    goal = node_storage.goal(want.storage, node_storage.Found(found.node))
    shown = {
        name: str(getattr(found.node, name)) for name in ("storage_interface", "boot_interface") if getattr(found.node, name)
    }
    return {name: f"{name} {was} -> {getattr(goal, name)}" for name, was in shown.items() if getattr(goal, name) != was}


def _how(
    want: NodeWanted, found: NodeFound, made: Collection[str], connectors: Iterable[Plan], targets: Iterable[Plan]
) -> Iterator[str]:
    if differs := _volumes(want, found, made):
        yield f"{differs} is to be another one"
    yield from _interfaces(want, found).values()
    for one in connectors:
        if one.before and _boots_otherwise(one):
            yield _told(one)
    yield from (_told(one) for one in targets if _boots_otherwise(one))
    wanted = {one.boot_index for one in want.targets}
    for other in found.targets:
        if wanted and other.boot_index not in wanted:
            yield f"volume target {other.boot_index} is not asked for"


def _told(plan: Plan) -> str:
    subject = plan.subject.partition(" of node ")[0]
    if not plan.before:
        return f"{subject} is missing"
    return f"{subject}: {differences.told(_without_notes(plan.before), _without_notes(plan.after))}"


def _connectors(plans: list[Plan]) -> str:
    """A connector that is missing is no difference: it can be registered at any time."""
    return next((one.subject.partition(" of node ")[0] for one in plans if one.before and _boots_otherwise(one)), "")


def _targets(want: NodeWanted, found: NodeFound, plans: list[Plan]) -> str:
    """The boot indices of targets that differ, are missing, or are there beside all that are asked for."""
    wanted = {one.boot_index for one in want.targets}
    places = {one.boot_index for one, plan in zip(want.targets, plans, strict=True) if _boots_otherwise(plan)}
    places |= {one.boot_index for one in found.targets if wanted and one.boot_index not in wanted}
    return f"volume target {', '.join(map(str, sorted(places)))}" if places else ""


def _boots_otherwise(plan: Plan) -> bool:
    return not plan.settled and _without_notes(plan.before) != _without_notes(plan.after)


def _without_notes(seen: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in seen.items() if name != "extra"}


def _left(plan: Plan) -> Plan:
    """The plan without the notes that could only be changed while the machine is off."""
    if plan.settled or not plan.before or _boots_otherwise(plan):
        return plan
    warning = f"the extra of {plan.subject} is not what is asked for, and was left as it is: it can be changed when the node is not deployed"
    return replace(plan, after=plan.before, steps=(), warnings=(*plan.warnings, warning))
