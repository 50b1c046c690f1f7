# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that is made anew: the new one first, and the old one goes when that is there. Pure.

The new one says in its metadata whose place it takes, so that a run that comes after a killed one goes on; what lets the old one go
is the task, which permits it each time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan
from . import needs, removal
from .change import plan_update
from .creation import new, plan_creation, use_of
from .drift import drift
from .found import Found
from .record import ON_THE_WAY, REPLACES, Volume, described
from .source import Source
from .wanted import DELETE_FIRST, Wanted

DELETES_FIRST = "There is room for one of the two: recreate_order=delete_first permits to delete the old one before."


def plan_recreation(want: Wanted, volume: Volume, found: Found, made: Collection[str]) -> Plan:
    """Make the volume anew. All that the new one needs is looked at before anything is written. Raises Refused."""
    what = f"create volume {want.label} anew, in the place of {volume.id}"
    if want.id:
        raise Refused(f"Failed to {what}: the new one would have another id. Give the name instead of the id.")
    wanted = new(want, found)
    removal.check(volume, found.snapshots, what, cascade=want.cascade)
    option = f"recreate={want.recreate}"
    if want.recreate_order == DELETE_FIRST:
        _check_source_stays(volume, found, what)
        if found.needs:
            needs.check([use_of(want, wanted, found, found.needs, made, volume)], found.needs, what)
        permit = permits.named(want.label, ((one.id, one.name) for one in found.volumes), option)
        going = removal.plan_removal(f"volume {want.label}", volume, permit, found.snapshots, cascade=want.cascade)
        follow = plan_creation(want, replace(found, volumes=(), needs=None), made)
        steps = tuple(replace(request, once=True) for request in going.requests)
        return replace(
            going, before=described(volume), after=described(wanted), steps=steps, then=(*follow.requests, *follow.then)
        )
    if found.needs:
        beside_it, in_its_place = (use_of(want, wanted, found, found.needs, made, goes) for goes in (None, volume))
        _check_room(beside_it, in_its_place, found.needs, what)
    making = plan_creation(want, replace(found, needs=None), made, replaces=volume)
    permit = permits.foreseen(volume.id, f"the new one takes its place ({option})")
    steps = tuple(replace(request, once=True) for request in making.requests)
    last = () if want.keeps_old else (removal.delete(volume, permit, found.snapshots),)
    return replace(making, steps=steps, then=(*making.then, *last))


def _check_source_stays(volume: Volume, found: Found, what: str) -> None:
    """Refuse where that which the new volume is made of would go before: the old one itself, or a snapshot of it."""
    source = found.source
    if source and goes_with(source, volume, found.snapshots):
        raise Refused(
            f"Failed to {what}: it is to be made of {source.kind} {source.name} ({source.id}), which would go before. "
            "recreate_order=create_first makes the new one before."
        )


def goes_with(source: Source, volume: Volume, snapshots: Iterable[str]) -> bool:
    """Whether a source is the volume, or one of its snapshots, and is gone when that is."""
    return source.id == volume.id or any(source.id in one for one in snapshots)


def _check_room(beside_it: needs.Use, in_its_place: needs.Use, have: needs.Needs, what: str) -> None:
    try:
        needs.check([beside_it], have, what)
    except Refused as error:
        needs.check([in_its_place], have, what)
        raise Refused(f"{error} {DELETES_FIRST}") from None


def plan_succession(want: Wanted, old: Volume, successor: Volume, found: Found, made: Collection[str]) -> Plan:
    """The new volume is there beside the old one: let the old one go when the new one is as wanted. Raises Refused."""
    subject = f"volume {want.label}"
    before, after = described(old), described(successor if found.lacks else new(want, found))
    if successor.status in ON_THE_WAY:
        return Plan(subject, before, after, waiting=f"{subject} ({successor.id}, {successor.status}) to become available")
    differs = drift(want, successor, found.source)
    if successor.status not in ("available", "in-use") or differs:
        if not successor.is_made_by(made):
            why = "; ".join(differs) or f"its status is {successor.status}"
            raise Refused(
                f"Failed to create {subject} anew: {successor.id} was to take the place of {old.id}, and cannot: {why}. "
                "Remove it (state=absent with its id), and run again."
            )
        steps = (removal.delete(successor, permits.created(successor.id, made, successor.mark)),)
        return Plan(subject, before, before, steps, f"{subject} ({successor.id}) to be gone")
    if old.status == "deleting":
        return Plan(subject, before, after, waiting=f"{subject} ({old.id}) to be gone")
    finishing = plan_update(want, successor, found, made, replaces=old)
    if not finishing.settled:
        return replace(finishing, subject=subject, before=before, after=after)
    if want.keeps_old:
        return Plan(subject, after, after)
    removal.check(old, found.snapshots, f"create {subject} anew, in the place of {old.id}", cascade=want.cascade)
    permit = permits.replaced(
        old.id,
        successor.id,
        replaces=successor.metadata.get(REPLACES),
        is_ours=successor.is_ours,
        option=f"recreate={want.recreate}",
    )
    return Plan(subject, before, after, (removal.delete(old, permit, found.snapshots),), f"{subject} ({old.id}) to be gone")
