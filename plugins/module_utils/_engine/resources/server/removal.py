# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is to be absent, and the fate of the disk that Nova calls its root. Pure.

Only what this run saw attached goes. Where the server is not there, nothing of it is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan, Request
from . import note, record, requests, root
from .found import Found, going, label, named, own_note, pending, stays_or_goes
from .note import Note
from .record import Server
from .stage import Stage
from .wanted import Wanted


def plan_absence(want: Wanted, server: Server | None, found: Found) -> Stage:
    subject = f"server {want.label}"
    if server is None:
        rests = tuple(request for one in found.noted for request in note.remove(one))
        return Stage(Plan(subject, {}, {}, rests))
    view = record.described(server)
    if server.is_going:
        return Stage(Plan(subject, view, {}, waiting=f"{subject} to be gone"))
    if server.status == "SOFT_DELETED":
        left = f"{subject}: it was deleted, and Nova keeps it and its volumes for a while (openstack server delete --force {server.id})"
        return Stage(Plan(subject, view, view, warnings=(left,)))
    if own_note(server, found) and (first := back(want, server, found)):
        return first
    what = f"delete {record.called(server)}"
    requests.check_unlocked(server, what)
    goes = want.boot_volume_on_delete
    if goes != "as_attached":
        root.check(server, found.root, f"{goes} the disk of {subject}")
    _check_snapshots(going(want, server, found), found, what)
    disks = {disk: disk in going(want, server, found) for disk in server.disks}
    steps = (*switch(server, disks, found, want), requests.delete(server, disks, named(want, found)))
    return Stage(Plan(subject, view, {}, steps, f"{subject} to be gone"), _without(server, disks, found))


def _check_snapshots(disks: list[str], found: Found, what: str) -> None:
    for disk in disks:
        if names := found.snapshots.get(disk):
            raise Refused(
                f"Failed to {what}: volume {label(disk, found)} is to go with it, and has snapshots ({', '.join(names)}), so that Cinder would not delete it. "
                "Delete them first, or keep the volume (boot_volume_on_delete: keep, delete_on_termination: false)."
            )


def switch(server: Server, disks: Mapping[str, bool], found: Found, want: Wanted) -> tuple[Request, ...]:
    """Have the root go with its server, or stay. What was before is noted on it, so that it is switched back if the server stays."""
    disk = found.root_disk
    if disk is None or server.disks.get(disk.id) == disks.get(disk.id):
        return ()
    goes = disks[disk.id]
    about = Note(server.id, server.name, disk.id, found.time, {disk.id: server.disks[disk.id]})
    permit = permits.root(disk.id, found.root, f"boot_volume_on_delete: {want.boot_volume_on_delete}") if goes else None
    return (*note.write(about, disk), requests.set_fate(server, disk.id, goes, permit))


def switched_back(want: Wanted, server: Server, found: Found) -> tuple[Request, ...]:
    """What undoes the way of a replacement or a removal that did not come to its end, where the server is still there."""
    left, disk = own_note(server, found), found.root_disk
    if disk is None or (left is None and pending(server, found)):
        return ()
    switched = left.switched if left else {}  # of a rest of a note, or of another server's, nothing counts
    back = [stays_or_goes(want, server, found, id, went) for id, went in switched.items() if server.disks.get(id, went) != went]
    return (*back, *note.remove(disk))


def back(want: Wanted, server: Server, found: Found) -> Stage | None:
    """The stage that undoes such a way; None where there is nothing to undo."""
    steps, left = switched_back(want, server, found), own_note(server, found)
    if not steps:
        return None
    clean = replace(server, disks={id: (left.switched if left else {}).get(id, goes) for id, goes in server.disks.items()})
    volumes = tuple(note.without(one) if one.id == found.root else one for one in found.boot.volumes)
    plan = Plan(f"server {want.label}", record.described(server), record.described(clean), steps)
    undone = replace(found, servers=(clean, *found.servers[1:]), boot=replace(found.boot, volumes=volumes))
    return Stage(plan, undone, undoes=True)


def _without(server: Server, disks: Mapping[str, bool], found: Found) -> Found:
    """What will be found when the server is gone."""
    disk, left = found.root_disk, {one.id: one for one in found.noted if not disks.get(one.id)}
    if disk and disks.get(disk.id) is False and server.disks.get(disk.id):
        left[disk.id] = note.noted_on(disk, Note(server.id, server.name, disk.id, found.time, {disk.id: True}))
    return Found(time=found.time, noted=tuple(left.values()))
