# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkpoint that is to be there. Pure.

A run takes the snapshots of all disks at once, and when it has seen all of them available it notes that in each. A set without that
note, of which one is missing or in error, is the rest of a run that was broken off: it is never filled up, since its snapshots were taken
at another time. A whole new set is taken, and then the rest goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from uuid import UUID, uuid5

from ...values import permits
from ...values.errors import Refused
from ...values.paths import path_of
from ...values.plan import Plan, Request
from ..volume.record import MADE, NEW, TO_COME, Volume
from . import machine, quiesce, record, removal, room
from .found import Found
from .phase import Phase, in_turn
from .record import COMING, DELETABLE, FAILED, GOING, Checkpoint, Snapshot, elect
from .removal import described
from .wanted import Wanted


def plan_presence(want: Wanted, found: Found, made: Collection[str]) -> Plan:
    """Take the checkpoint where there is none. Raises Refused before anything is changed, or when a server that was stopped runs again."""
    try:
        return _plan(want, found, made, elect(found.named(want.name)))
    except Refused:
        undone = quiesce.back(want, found)
        if undone is None:
            raise
        return undone


def plan_safety(want: Wanted, found: Found, made: Collection[str]) -> Plan:
    """Take the checkpoint now: one that another run has begun is of another time, and counts only where that run has seen it complete."""
    elected = elect(found.named(want.name), lambda one: _is_of_now(one, made))
    if elected and found.named(want.name) == (elected,) and elected.is_complete and elected.was_complete:
        return Plan("", {}, {})
    return _plan(want, found, made, elected)


def _is_of_now(one: Checkpoint, made: Collection[str]) -> bool:
    return one.was_complete or any(snapshot.id in made for snapshot in one.snapshots)


def _plan(want: Wanted, found: Found, made: Collection[str], elected: Checkpoint | None) -> Plan:
    what = f"take checkpoint {want.name} of {found.label}"
    if elected is None:
        _check_lost(found.named(want.name), made, what)
        machine.check(want, found, what)
    volumes = found.disks if elected is None else ()
    is_noted = quiesce.is_noted(found)
    starts, forgotten = quiesce.started(want, found, is_taken=elected is not None)
    going = _going(want, found, elected, made)
    phases = [
        Phase(waiting=machine.at_work(found) if elected is None or is_noted else ""),
        quiesce.stop(want, found) if elected is None else Phase(),
        Phase(tuple(_take(want, found, volumes, made)), _coming(elected, volumes)),
        Phase((*_notes(elected, volumes), *starts.requests, *_gone(want, found, elected, made)), starts.waiting or going),
        replace(forgotten, waiting=going),
    ]
    subject = f"checkpoint {want.name} of {found.label}"
    return in_turn(subject, described(found.checkpoints), _after(want, found), phases, _told(want, found, elected, made))


# What would be refused


def _check_lost(ones: Iterable[Checkpoint], made: Collection[str], what: str) -> None:
    """Refuse to take anew what was complete once, and what this very run has taken in vain."""
    for one in ones:
        if one.was_complete:  # else it would be the one that counts
            raise Refused(
                f"Failed to {what}: it was complete, and is not any more: {record.told(one)}. "
                "Remove what is left of it (state: absent), or give another name."
            )
        for snapshot in one.snapshots:
            if snapshot.id in made and snapshot.status in (*FAILED, *GOING):
                raise Refused(
                    f"Failed to {what}: snapshot {snapshot.id} of volume {snapshot.volume_id} has status {snapshot.status}. "
                    "Cinder tells why in its log, and in openstack volume message list."
                )


# What is written


def _take(want: Wanted, found: Found, volumes: Collection[Volume], made: Collection[str]) -> Iterator[Request]:
    """The requests that make the set. Another attempt, or a run that sees what this one has made, makes another one."""
    there = "".join(sorted(snapshot.id for one in found.named(want.name) for snapshot in one.snapshots))
    mark = str(uuid5(UUID(want.attempt), there))
    # an answer that did not come has left a part of a set, and this run takes a whole one
    before = sum(any(snapshot.id in made for snapshot in one.snapshots) for one in found.named(want.name) if one.is_lost)
    again = f", attempt {before + 1}" if before else ""
    undo = quiesce.start(found.server) if found.server and quiesce.is_noted(found) and found.server.status == "SHUTOFF" else None
    for order, volume in enumerate(volumes):
        metadata = {
            record.NAME: want.name,
            record.OF: found.of,
            record.SET: mark,
            record.ORDER: str(order),
            record.DISKS: str(len(volumes)),
            **next((record.marks_of(one) for one in found.targets if one.volume_id == volume.id), {}),
            MADE: NEW,
        }
        # a volume in use needs force before microversion 3.66, which takes it too (cinder/api/v3/snapshots.py, create)
        body = {"snapshot": {"name": want.name, "volume_id": volume.id, "force": True, "metadata": metadata}}
        what = f"take snapshot {want.name} of volume {volume.name or volume.id} ({volume.id}, {volume.size} GiB{again})"
        yield Request(what, "block_storage", "POST", "/snapshots", "snapshot", body=body, once=True, undo=undo)


def _coming(elected: Checkpoint | None, volumes: Collection[Volume]) -> str:
    if elected and elected.any_in(*COMING):
        return f"the snapshots of checkpoint {elected.name} to be available"
    return "" if elected else f"the snapshots of {len(volumes)} volumes to be available"


def _notes(elected: Checkpoint | None, volumes: Collection[Volume]) -> Iterator[Request]:
    """Note in each snapshot that the whole set was seen available, by its own id: a copy of that note has another one's."""
    if elected is None:
        yield from (_note(TO_COME, volume.id) for volume in volumes)
    else:
        yield from (_note(one.id, one.volume_id) for one in elected.snapshots if not one.is_ours)


def _note(id: str, volume_id: str) -> Request:
    what = f"note in the snapshot of volume {volume_id} that its checkpoint is complete"
    body = {"metadata": {MADE: id}}
    return Request(what, "block_storage", "POST", path_of("snapshots", id, "metadata"), "snapshot", id, body)


# What goes


def _gone(want: Wanted, found: Found, elected: Checkpoint | None, made: Collection[str]) -> Iterator[Request]:
    """The rests of broken runs, what this run made while another one was faster, and what is not kept. The oldest first."""
    for one in _rests(want, found, elected, made):
        for snapshot in one.snapshots:
            if snapshot.status in DELETABLE:
                yield record.delete(snapshot, _rest(snapshot, made))
    for one in removal.outdated(want, found):
        if not removal.holds(one, found):
            yield from removal.let_go(one, f"keep: {want.keep}")


def _rests(want: Wanted, found: Found, elected: Checkpoint | None, made: Collection[str]) -> list[Checkpoint]:
    """What goes of that name: sets that were never complete, and one of this run where another run's was elected after all."""
    others = [one for one in found.named(want.name) if one is not elected and not one.is_doubled]
    return [one for one in others if not one.was_complete or all(snapshot.id in made for snapshot in one.snapshots)]


def _rest(snapshot: Snapshot, made: Collection[str]) -> permits.Permit:
    if snapshot.id in made:
        return permits.created(snapshot.id, made)
    return permits.outdated(snapshot.id, is_ours=snapshot.is_new, option="state: present, and its set was never complete")


def _going(want: Wanted, found: Found, elected: Checkpoint | None, made: Collection[str]) -> str:
    """What is waited for at the end: what goes, and of a broken run what cannot go yet."""
    snapshots: list[Snapshot] = [
        one for rest in _rests(want, found, elected, made) for one in rest.snapshots if one.status != "error_deleting"
    ]
    outdated = removal.outdated(want, found) if elected else []
    snapshots += [one for old in outdated if not removal.holds(old, found) for one in old.snapshots]
    snapshots += [
        one for old in found.checkpoints if want.keep and old.any_in("deleting") for one in old.snapshots if one not in snapshots
    ]
    return f"snapshots {', '.join(one.id for one in snapshots)} to be gone" if snapshots else ""


# What is told


def _after(want: Wanted, found: Found) -> dict[str, object]:
    gone = [one for one in removal.outdated(want, found) if not removal.holds(one, found)]
    stay = [one for one in found.checkpoints if one not in gone]
    return {"checkpoints": sorted({want.name, *(one.name for one in stay if one.is_complete)})}


def _told(want: Wanted, found: Found, elected: Checkpoint | None, made: Collection[str]) -> Iterator[str]:
    subject = f"checkpoint {want.name} of {found.label}"
    if elected is None and found.server and found.server.ephemeral:
        yield f"{subject}: its local disks ({found.server.ephemeral} GiB) are no part of it"
    if elected is None and found.room:
        yield from (f"{subject}: {doubt}" for doubt in room.doubts(found.disks, found.room))
    if elected is None:
        yield from (
            f"{subject}: the notes (extra) of volume target {one.boot_index} are no part of it: they are too long for Cinder's metadata, or secret"
            for one in found.targets
            if not record.keeps_extra(one)
        )
    if elected and found.disks:
        yield from _other_disks(subject, elected, found)
    yield from _left_alone(subject, want, found, elected, made)
    for one in removal.outdated(want, found) if elected else []:
        for why in removal.holds(one, found)[:1]:
            yield f"checkpoint {one.name} of {found.label} stays, beyond keep: {want.keep}: {why}"


def _left_alone(subject: str, want: Wanted, found: Found, elected: Checkpoint | None, made: Collection[str]) -> Iterator[str]:
    rests = _rests(want, found, elected, made)
    for one in found.named(want.name):
        if one != elected and one not in rests:
            yield f"{subject}: there is more of that name, which is left alone: {record.told(one)}"
    for snapshot in (each for one in rests for each in one.snapshots):
        if snapshot.status == "error_deleting":
            yield f"{subject}: snapshot {snapshot.id} of a run that was broken off is in error_deleting. Cinder's log says why"


def _other_disks(subject: str, elected: Checkpoint, found: Found) -> Iterator[str]:
    saved = [one.volume_id for one in elected.snapshots]
    has = [one.id for one in found.disks]
    if saved != has:
        yield f"{subject}: it has the volumes {', '.join(saved)}, and the machine has {', '.join(has)} by now. Take one of another name to save these"
