# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Cinder volume that a machine can boot from.

It is ready when it is available and bootable. Cinder's names are not unique, so a name that matches twice is refused. What a
volume was made of and its zone cannot be changed, its type only where a retype is permitted: a difference is reported, or the
volume made anew where that is permitted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...values import permits
from ...values.plan import Plan
from . import golden
from .change import goal, plan_update
from .creation import new, plan_creation, will_boot
from .drift import drift
from .drift import is_recreated as _is_recreated
from .found import Found, Standing, observe, standing
from .record import ON_THE_WAY, TO_COME, Volume, described, view
from .recreation import plan_recreation, plan_succession
from .removal import delete, plan_removal
from .wanted import Wanted, wanted

__all__ = ["TO_COME", "Found", "Wanted", "differences", "expected", "is_recreated", "observe", "plan", "result", "wanted"]


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the volume is as wanted. ``made`` are the ids of what this run created. Pure. Raises Refused."""
    there = standing(want, found, made)
    if want.state == "absent":
        return _plan_absence(want, there.volume, found)
    plan = _plan_presence(want, there, found, made)
    if not want.prune_golden or found.source is None:
        return plan
    pruned = tuple(
        replace(delete(one, permits.outdated(one.id, is_ours=one.is_made_here, option="prune_golden")), common=True)
        for one in golden.outdated(found.golden, found.source)
    )
    return replace(plan, steps=pruned) if plan.settled else replace(plan, then=(*plan.then, *pruned))


def _plan_presence(want: Wanted, there: Standing, found: Found, made: Collection[str]) -> Plan:
    volume, subject = there.volume, f"volume {want.label}"
    if there.surplus:
        going = plan_removal(
            subject, there.surplus, permits.created(there.surplus.id, made, there.surplus.mark), (), cascade=False
        )
        return replace(going, after=going.before)  # what is wanted is there: another run made it
    if volume and (second := _own_second_golden(want, found, made)):
        going = plan_removal(f"volume {second.name}", second, permits.created(second.id, made, second.mark), (), cascade=False)
        return replace(going, subject=subject, before=described(volume), after=described(volume))
    if volume and there.successor:
        return plan_succession(want, volume, there.successor, found, made)
    if volume is None:
        return plan_creation(want, found, made)
    if volume.status == "deleting":
        return Plan(subject, {}, described(new(want, found)), waiting=f"{subject}, which is being deleted, to be gone")
    if _is_recreated(want, volume, found.source, made):
        return plan_recreation(want, volume, found, made)
    return plan_update(want, volume, found, made)


def _own_second_golden(want: Wanted, found: Found, made: Collection[str]) -> Volume | None:
    """A golden volume of this run of which another run has made the first, and the volume from it as well."""
    if not want.via_golden or found.source is None or not made:
        return None
    return next(iter(golden.elect(found.golden, found.source, want.volume_type, made).surplus), None)


def _plan_absence(want: Wanted, volume: Volume | None, found: Found) -> Plan:
    subject = f"volume {want.label}"
    if volume is None:
        return Plan(subject, {}, {})
    permit = permits.named(want.label, ((one.id, one.name) for one in found.volumes))
    return plan_removal(subject, volume, permit, found.snapshots, cascade=want.cascade)


def is_recreated(want: Wanted, found: Found, made: Collection[str] = ()) -> bool:
    """Whether the volume that is there is to be made anew. Raises Refused where the name matches twice."""
    there = standing(want, found, made)
    return there.volume is not None and (there.successor is not None or _is_recreated(want, there.volume, found.source, made))


def expected(want: Wanted, found: Found, made: Collection[str] = ()) -> Volume:
    """The volume as it is once its plan is settled, so that what needs it can be planned before. Raises Refused."""
    there = standing(want, found, made)
    volume = there.successor or there.volume
    fails = there.successor is not None and there.successor.status.startswith("error")  # its plan says what becomes of it
    if (
        volume is None
        or fails
        or volume.status == "deleting"
        or (not there.successor and _is_recreated(want, volume, found.source, made))
    ):
        return new(want, found)
    after = goal(want, volume)
    if volume.status in ON_THE_WAY:
        return replace(after, status="available", bootable=after.bootable or will_boot(want, found.source))
    return after


def differences(want: Wanted, found: Found) -> list[str]:
    """What of the volume that is there is not as wanted, and is left as it is, in words."""
    one = _first_made(found)
    if want.state == "absent" or one is None or _is_recreated(want, one, found.source):
        return []
    return drift(want, one, found.source)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The wanted volume as a module returns it, or None where there is none. Of several the one that was made first."""
    one = _first_made(found)
    return {"volume": view(one) if one else None, "differs": differences(want, found)}


def _first_made(found: Found) -> Volume | None:
    return min(found.volumes, key=lambda one: (one.created_at, one.id), default=None)
