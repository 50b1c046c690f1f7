# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkpoint that is to go: by its name, or since there are more than a task keeps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...values import permits
from ...values.errors import Refused, refuse
from ...values.permits import Permit
from ...values.plan import Plan, Request
from . import record
from .found import Found
from .record import COMING, DELETABLE, Checkpoint, Snapshot
from .wanted import Wanted

_LEAVES = (*COMING, "deleting")  # statuses that end by themselves


def plan_absence(want: Wanted, found: Found) -> Plan:
    """Delete all that is there of the checkpoint. Raises Refused before anything is changed where Cinder would refuse a part of it."""
    subject, what = f"checkpoint {want.name} of {found.label}", f"delete checkpoint {want.name} of {found.label}"
    ones = found.named(want.name)
    _check_one(ones, what)
    refuse(what, (obstacle for one in ones for obstacle in obstacles(one)))
    here, left = described(found.checkpoints), described(one for one in found.checkpoints if one not in ones)
    snapshots = [snapshot for one in ones for snapshot in one.snapshots]
    coming = [one for one in snapshots if one.status in COMING]
    waiting = f"snapshots {', '.join(one.id for one in snapshots)} to be gone" if snapshots else ""
    if coming:
        waiting = f"snapshots {', '.join(one.id for one in coming)} to be available or in error, before they are deleted"
    # what the backend may keep for a volume goes first: where it does, the others are still there
    here_ones = [one for one in snapshots if one.status in (*DELETABLE, *COMING)]
    used = [one for one in here_ones if found.made_from.get(one.id)]
    first, then = (used, [one for one in here_ones if one not in used]) if used else (here_ones, [])
    requests, later = ([record.delete(one, _permit(want, found, one)) for one in some] for some in (first, then))
    if coming:
        return Plan(subject, here, left, waiting=waiting, then=(*requests, *later))
    return Plan(subject, here, left, tuple(requests), waiting, tuple(_told(subject, found, used)), tuple(later))


def _permit(want: Wanted, found: Found, snapshot: Snapshot) -> Permit:
    return record.of_checkpoint(snapshot, want.name, found.of, "state: absent")


def _check_one(ones: Iterable[Checkpoint], what: str) -> None:
    """Refuse marks that were copied, and a name that two checkpoints have that were complete once: nobody can say which is meant."""
    ones = list(ones)
    twice = [one for one in ones if one.was_complete]
    doubled = [one for one in ones if one.is_doubled] or (twice if len(twice) > 1 else [])
    if doubled:
        sets = " and ".join(map(record.told, doubled))
        raise Refused(
            f"Failed to {what}: its snapshots are there twice: {sets}. Delete those that are not meant (openstack volume snapshot delete), "
            "or take the marks of this collection from their metadata."
        )


def obstacles(checkpoint: Checkpoint) -> Iterator[str]:
    """Why Cinder would not delete a snapshot of it (cinder/volume/api.py, delete_snapshot)."""
    for one in checkpoint.snapshots:
        if one.group_id:
            yield f"snapshot {one.id} is part of group snapshot {one.group_id}. Delete that (openstack volume group snapshot delete)."
        if one.status not in (*DELETABLE, *_LEAVES):
            yield (
                f"snapshot {one.id} has status {one.status}, and Cinder deletes only {' and '.join(DELETABLE)} ones. Run again when it has come to "
                f"an end, or have its status reset (openstack volume snapshot set --state available {one.id}, by an administrator)."
            )


def _told(subject: str, found: Found, used: Iterable[Snapshot]) -> Iterator[str]:
    for one in used:
        made = ", ".join(found.made_from[one.id])
        yield (
            f"{subject}: of its snapshot {one.id} volume {made} was made. Where the backend still needs the snapshot for that, Cinder keeps it, "
            "and the task fails"
        )


# What a task does not keep


def outdated(want: Wanted, found: Found) -> Sequence[Checkpoint]:
    """The oldest checkpoints beyond as many as are kept, and what is left of older ones that a run began to delete.

    Never the one that the task names, nor one that was never complete.
    """
    if want.keep is None:
        return []
    return beyond([one for one in found.checkpoints if one.name != want.name and one.was_complete], want.keep - 1)


def beyond(saved: Sequence[Checkpoint], keep: int) -> Sequence[Checkpoint]:
    """Of a machine's checkpoints that were complete, the oldest first, those that go where so many are kept."""
    complete = [one for one in saved if one.is_complete]
    goes = len(complete) - keep
    if goes < 0:
        return []
    kept = complete[goes:]
    return saved[: saved.index(kept[0])] if kept else saved


def holds(checkpoint: Checkpoint, found: Found) -> list[str]:
    """Why a checkpoint stays that is not kept by the task's number."""
    used = sorted({name for one in checkpoint.snapshots for name in found.made_from.get(one.id, ())})
    why = [f"volume {', '.join(used)} was made of it, and the backend may need it for that"] if used else []
    return [*why, *obstacles(checkpoint)]


def let_go(checkpoint: Checkpoint, option: str) -> list[Request]:
    """The requests that delete what this collection made and saw complete."""
    return [
        record.delete(one, permits.outdated(one.id, is_ours=one.is_made_here, option=option))
        for one in checkpoint.snapshots
        if one.status in DELETABLE
    ]


def described(checkpoints: Iterable[Checkpoint]) -> dict[str, object]:
    """The checkpoints of a machine as a diff shows them."""
    return {"checkpoints": sorted({one.name for one in checkpoints if one.is_complete})}
