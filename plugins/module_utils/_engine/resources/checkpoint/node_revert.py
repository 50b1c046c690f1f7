# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that goes back to a checkpoint. Pure.

New volumes are made while the machine runs, and the safety checkpoint is taken, so that what Cinder refuses costs nobody a machine. Then the
node is undeployed: Ironic detaches its volumes and deletes its targets. What can be written over in place is, the targets are made anew with
the same places and notes, and the node is deployed again as it is set up, where it was active.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused, refuse
from ...values.paths import path_of
from ...values.plan import Plan, Request, Still, Validate, together
from ..node import connector, deployment, hardware, states, target
from ..node import record as nodes
from ..node.record import Node
from ..volume import needs as volume_needs
from ..volume.record import Volume, called
from . import machine, places, succession
from .creation import plan_safety
from .found import Found
from .places import Back, Place
from .record import Checkpoint, Snapshot, chosen, of_checkpoint
from .wanted import Wanted


def plan_node_revert(want: Wanted, found: Found, node: Node, back: Back, made: Collection[str]) -> Plan:
    """The first part of the way that is not done. Raises Refused before anything is changed."""
    what = f"revert {found.label} to checkpoint {want.name}"
    checkpoint = chosen(found.checkpoints, want.name, what)
    refuse(what, machine.of_storage(node))
    if deployment.is_on_the_way(node):
        return replace(_plan(want, found, back, [], made), waiting=f"node {node.name} ({node.provision_state}) to come to rest")
    lets_go = not back.has_gone_back and states.of(node.provision_state).undeploys
    if not lets_go and not deployment.is_free(node) and not back.has_gone_back:
        raise Refused(f"Failed to {what}: {states.needs(node.provision_state, states.of(node.provision_state).undeploy)}")
    if lets_go and node.provision_state not in ("active", "deploy failed"):
        raise Refused(f"Failed to {what}: its provision state is {node.provision_state}. Bring it to active or available first.")
    free = _undeployed(node) if lets_go else node
    begin = [] if back.has_gone_back else _begin(want, found, node, back, checkpoint, made, what)
    undeploy = [_undeploy(want, found, node, back, what)] if lets_go else []
    exchange = [] if back.has_gone_back else _exchange(want, found, free, back, checkpoint, made, let_go=lets_go)
    return _plan(want, found, back, [*begin, *undeploy, *exchange, *_end(want, found, free, back, made, what)], made)


def _plan(want: Wanted, found: Found, back: Back, stages: list[Plan], made: Collection[str]) -> Plan:
    """The first stage that is not settled. All behind it is foreseen."""
    subject, here = f"checkpoint {want.name} of {found.label}", {"volumes": [called(one) for one in found.disks]}
    first, *rest = [stage for stage in stages if not stage.settled] or [Plan("", {}, {})]
    then = (*first.then, *(request for stage in rest for request in (*stage.requests, *stage.then)))
    if not (first.steps or first.waiting):
        return Plan(subject, here, here)
    there = {"volumes": [_told(one, back, made) for one in back.places]}
    kept = {"kept_volumes": succession.described(back.left, back.olds)}
    warnings = tuple(dict.fromkeys(line for stage in stages for line in stage.warnings))
    return Plan(subject, here, there, first.steps, first.waiting, warnings, then, kept)


def _told(place: Place, back: Back, made: Collection[str]) -> str:
    one = place.expected(made)
    if place.here:
        return f"{called(one)}, with snapshot {place.snapshot.id} on it"
    return succession.told(one, back.old_of(one), place.snapshot.id)


# While the machine runs


def _begin(
    want: Wanted, found: Found, node: Node, back: Back, checkpoint: Checkpoint, made: Collection[str], what: str
) -> list[Plan]:
    """The new volumes, the notes on those that stay, and the safety checkpoint."""
    lacking = [one.expected(made) for one in back.places if one.volume is None]
    if back.needs and lacking:
        volume_needs.check_room([volume_needs.use_of(one, back.needs) for one in lacking], back.needs, what)
    notes = [note for one in back.places for note in places.await_snapshot(one, back, node, checkpoint)]
    new = together("", [one.new.plan(made) for one in back.places if one.new])
    stages = [replace(new, steps=(*new.steps, *notes))]
    ours = {one.volume.id for one in back.places if one.volume}
    if back.safety and found.disks and not ours & {one.id for one in found.disks}:
        stages.append(plan_safety(replace(want, name=back.safety, state="present"), found, made))
    return stages


def _undeployed(node: Node) -> Node:
    """The node when Ironic has torn it down (ironic/conductor/manager.py, _do_node_tear_down)."""
    state = "manageable" if node.retired else "available"
    gone = replace(node, provision_state=state, power_state=nodes.POWER_OFF, instance_uuid=None)
    return replace(gone, is_allocated=False, image_source=None, config_drive=False)


def _undeploy(want: Wanted, found: Found, node: Node, back: Back, what: str) -> Plan:
    """Undeploy the node, when nothing is known that would keep it from being deployed again. Ironic itself is asked first."""
    _check_losses(want, node, back, what)
    refuse(what, nodes.storage_obstacles(node))
    plan = deployment.plan(deployment.Wanted(str(want.node), "undeployed"), node)
    asks = (Validate(node.uuid, node.name, deployment.REQUIRED),) if back.ran else ()
    gone = [target.taken_away(one, node) for one in found.targets]
    return replace(together("", [replace(plan, steps=(*asks, *plan.steps)), *gone]), subject=plan.subject)


def _check_losses(want: Wanted, node: Node, back: Back, what: str) -> None:
    """Refuse what Ironic forgets with the deployment, and nobody can give back, unless the task permits it."""
    lost = {
        **({"config_drive": "its config drive"} if node.config_drive else {}),
        **({"instance": f"its instance_uuid {node.instance_uuid}"} if node.instance_uuid else {}),
        **({"vifs": f"its VIFs {', '.join(back.vifs)}"} if back.vifs else {}),
    }
    not_permitted = {name: words for name, words in lost.items() if name not in want.replace_may_lose}
    if not_permitted:
        raise Refused(
            f"Failed to {what}: it would be deployed again without {' and '.join(not_permitted.values())}, which Ironic forgets. "
            f"Permit the loss (replace_may_lose: [{', '.join(not_permitted)}])."
        )


# When the node has let go of its disks


def _exchange(
    want: Wanted, found: Found, node: Node, back: Back, checkpoint: Checkpoint, made: Collection[str], *, let_go: bool
) -> list[Plan]:
    written = [_written(want, found, one.snapshot, one.here, let_go=let_go) for one in back.places if one.here]
    there = () if let_go else found.targets
    indexes = {one.snapshot.boot_index for one in back.places}
    others = [_removed(want, node, one, there) for one in there if one.boot_index not in indexes]
    targets = [_target(want, node, one, there, made) for one in back.places]
    return [together("", written), together("", [*others, *targets])]


def _written(want: Wanted, found: Found, snapshot: Snapshot, here: Volume, *, let_go: bool) -> Plan:
    """Write the snapshot onto its volume. That Cinder has taken the order is noted right behind: to write it twice does no harm."""
    waiting = f"volume {called(here)} to be reverted"
    if here.status == "reverting":
        return Plan("", {}, {}, waiting=waiting)
    if places.is_written(here, want.attempt):
        return Plan("", {}, {})
    permit = permits.written_over(
        here.id, snapshot.volume_id, of_checkpoint(snapshot, want.name, found.of, "state: reverted"), "safety: false"
    )
    path = path_of("volumes", here.id)
    still = Still(path, {"status": "available", "size": snapshot.size, "attachments": []}, "volume")
    words = f"revert volume {called(here)} to snapshot {snapshot.id}"
    body = {"revert": {"snapshot_id": snapshot.id}}
    revert = Request(words, "block_storage", "POST", f"{path}/action", "volume", here.id, body, permits=(permit,), still=still)
    writes = (revert, places.begin_to_write(here, snapshot, want.attempt))
    if here.status != "available" and not let_go:
        return Plan("", {}, {}, waiting=f"volume {called(here)} ({here.status}) to be available", then=writes)
    return Plan("", {}, {}, writes, waiting)


def _target(want: Wanted, node: Node, place: Place, there: tuple[target.Target, ...], made: Collection[str]) -> Plan:
    """The target as it was, with the place's volume. Its address is Cinder's to write, when Ironic attaches it."""
    volume, snapshot = place.expected(made), place.snapshot
    wish = target.Wanted(
        node=str(want.node),
        boot_index=snapshot.boot_index,
        volume_type=snapshot.volume_type,
        volume=volume.name or volume.id,
        extra=snapshot.extra or None,
        without_nova=want.without_nova,
    )
    return target.plan(wish, target.Found(node, there, (volume,)), made)


def _removed(want: Wanted, node: Node, one: target.Target, there: tuple[target.Target, ...]) -> Plan:
    return target.plan(target.Wanted(node=str(want.node), boot_index=one.boot_index, state="absent"), target.Found(node, there))


# Deployed again


def _end(want: Wanted, found: Found, node: Node, back: Back, made: Collection[str], what: str) -> Iterator[Plan]:
    """Deploy the node, give the new volumes the names of the old ones, and note that it has gone back: on the root's volume last."""
    ones = [one.expected(made) for one in reversed(back.places)]
    if back.ran and node.provision_state != "active":
        refuse(what, _obstacles(node, back))
        yield _deploy(want, node, ones)
    # one that has gone back before is done with that, and not with this
    done = [one for one in ones if back.has_gone_back and places.is_done(one)]
    notes = tuple(places.finish(one, found.label, want.name) for one in ones if one not in done)
    if notes:
        names = (step for one in ones if (old := back.old_of(one)) for step in succession.exchange_names(one, old))
        yield Plan("", {}, {}, (*names, *notes))


def _deploy(want: Wanted, node: Node, ones: Iterable[Volume]) -> Plan:
    """Deploy the node. What this run has tried fails, but once where Ironic knows by now what it did not know then."""
    first, second = want.attempt, f"{want.attempt} again"
    attempt = first
    if node.provision_state == "deploy failed" and any(places.is_deployed_by(one, second) for one in ones):
        deployment.check_landed(node)
    if node.provision_state == "deploy failed" and any(places.is_deployed_by(one, first) for one in ones):
        if not deployment.is_unprepared(node):
            deployment.check_landed(node)
        attempt = second
    notes = tuple(places.take(one, node, attempt) for one in ones if not places.is_deployed_by(one, attempt))
    plan = deployment.plan(deployment.Wanted(str(want.node), "deployed"), node)
    return replace(plan, steps=(*notes, *plan.steps))


def _obstacles(node: Node, back: Back) -> Iterator[str]:
    """Why Ironic would not deploy the node, or it would not boot, as far as is known before it is undeployed."""
    types = {one.snapshot.volume_type for one in back.places}
    yield from deployment.obstacles(node)
    yield from nodes.storage_obstacles(node)
    yield from nodes.capability_obstacles(node)
    for volume_type in sorted(types):
        yield from nodes.interface_obstacles(node, volume_type)
    yield from nodes.boot_capability_obstacles(node, back.places[0].snapshot.volume_type)
    yield from hardware.obstacles(node, back.hardware)
    yield from connector.obstacles(back.connectors, node, types, {})
