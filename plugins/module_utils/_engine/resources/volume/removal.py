# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that is to go: when Cinder deletes it, and the one request that does. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...values.errors import Refused
from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Plan, Request, Still
from .record import ON_THE_WAY, Volume, called, described

# cinder/volume/api.py, delete: every other status is refused by Cinder.
DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")


def check(volume: Volume, snapshots: Iterable[str], what: str, *, cascade: bool = False) -> None:
    """Refuse what Cinder would not delete, and what has snapshots unless they are to go as well (``cascade``). Raises Refused."""
    if volume.attached_to:
        raise Refused(
            f"Failed to {what}: it is attached to {', '.join(volume.attached_to)}. Detach it first, or undeploy the node."
        )
    names = ", ".join(snapshots)
    if names and not cascade:
        raise Refused(f"Failed to {what}: it has snapshots ({names}). Delete them first, or permit it with cascade=true.")
    if volume.status not in (*DELETABLE, *ON_THE_WAY, "deleting"):
        raise Refused(f"Failed to {what}: its status is {volume.status}, and Cinder deletes only {', '.join(DELETABLE)} volumes.")


def delete(volume: Volume, permit: Permit, snapshots: tuple[str, ...] = ()) -> Request:
    """The one request of this collection that deletes a volume, with its snapshots where they are told.

    One that has another name by then is kept: whoever gave it that may have meant to save it.
    """
    what = f"delete volume {called(volume)}" + (f" with snapshots {', '.join(snapshots)}" if snapshots else "")
    path = path_of("volumes", volume.id) + ("?cascade=true" if snapshots else "")
    named = {"name": volume.name} if volume.name else {}
    still = Still(path_of("volumes", volume.id), {**named, "status": volume.status, "attachments": []}, "volume")
    return Request(what, "block_storage", "DELETE", path, "volume", volume.id, permits=(permit,), still=still)


def plan_removal(subject: str, volume: Volume, permit: Permit, snapshots: tuple[str, ...], *, cascade: bool) -> Plan:
    """Delete the volume and wait until it is gone. Raises Refused."""
    check(volume, snapshots, f"delete {subject}", cascade=cascade)
    if volume.status == "deleting":
        return Plan(subject, {}, {}, waiting=f"{subject} to be gone")
    request = delete(volume, permit, snapshots)
    if volume.status in ON_THE_WAY:
        waiting = f"{subject} ({volume.status}) to come to rest before it is deleted"
        return Plan(subject, described(volume), {}, waiting=waiting, then=(request,))
    return Plan(subject, described(volume), {}, (request,), f"{subject} to be gone")
