# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests to Nova about a server that is there, those that destroy with their permits. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Request, Still
from . import states
from .record import Server


def named(label: str, servers: Iterable[Server]) -> Permit:
    """The task names the server, by its id or by a name that only one of those has that were found."""
    return permits.named(label, [(one.id, one.name) for one in servers])


def act(server: Server, what: str, action: Mapping[str, object]) -> Request:
    """One of Nova's actions. ``what`` is the begin of its words."""
    return Request(what, "compute", "POST", path_of("servers", server.id, "action"), "server", server.id, dict(action))


def destructive(server: Server, permit: Permit, what: str, action: Mapping[str, object], *more: Permit) -> Request:
    """An action that ends the server's work, or cannot be taken back. ``permit`` is for the server, ``more`` for its disks."""
    return replace(act(server, what, action), permits=(permit, *more), still=still(server))


def still(server: Server) -> Still:
    """Nobody has begun anything with the server since it was looked at."""
    fields = {"name": server.name, "status": server.status, "OS-EXT-STS:task_state": server.task, "locked": server.locked}
    return Still(path_of("servers", server.id), fields, "server")


def _still_with(server: Server, disks: Mapping[str, bool]) -> Still:
    """Nor with its disks."""
    attached = [{"id": disk, "delete_on_termination": goes} for disk, goes in disks.items()]
    seen = still(server)
    return replace(seen, fields={**seen.fields, "os-extended-volumes:volumes_attached": attached})


def delete(server: Server, disks: Mapping[str, bool], permit: Permit, why: str = "") -> Request:
    """Delete the server, and with it those of its disks that go along. It must have exactly these disks then."""
    along = tuple(permits.goes_along(disk, disks, permit) for disk, goes in disks.items() if goes)
    seen = _still_with(server, disks)
    what = f"delete server {server.name} ({server.id}){why}"
    path = path_of("servers", server.id)
    return Request(what, "compute", "DELETE", path, "server", server.id, permits=(permit, *along), still=seen)


def set_fate(server: Server, disk: str, goes: bool, permit: Permit | None = None) -> Request:
    """Whether a volume goes with its server (microversion 2.85). That it goes needs a permit."""
    body = {"volumeAttachment": {"volumeId": disk, "delete_on_termination": goes}}
    what = f"{'delete' if goes else 'keep'} volume {disk} when server {server.name} is deleted"
    path = path_of("servers", server.id, "os-volume_attachments", disk)
    granted = (permit,) if permit else ()
    return Request(what, "compute", "PUT", path, "server", server.id, body, permits=granted)


def attach(server: Server, disk: str, goes: bool, tag: str | None = None) -> Request:
    """Attach a volume; a tag is given to it then or never (microversion 2.49)."""
    body = {"volumeAttachment": {"volumeId": disk, "delete_on_termination": goes, **({"tag": tag} if tag else {})}}
    path = path_of("servers", server.id, "os-volume_attachments")
    return Request(f"attach volume {disk} to server {server.name}", "compute", "POST", path, "server", server.id, body)


def detach(server: Server, disk: str, permit: Permit) -> Request:
    """Detach a volume. The server must have exactly its disks then."""
    path = path_of("servers", server.id, "os-volume_attachments", disk)
    what = f"detach volume {disk} from server {server.name}"
    seen = _still_with(server, server.disks)
    return Request(what, "compute", "DELETE", path, "server", server.id, permits=(permit,), still=seen)


def rename(server: Server, name: str) -> Request:
    what = f"rename server {server.name} ({server.id}) to {name}"
    return Request(what, "compute", "PUT", path_of("servers", server.id), "server", server.id, {"server": {"name": name}})


def describe(server: Server, description: str | None) -> Request:
    """Nova takes it in every status, and of a locked server too."""
    what = f"describe server {server.name}" if description else f"remove the description of server {server.name}"
    body = {"server": {"description": description or None}}
    return Request(what, "compute", "PUT", path_of("servers", server.id), "server", server.id, body)


def set_tags(server: Server, tags: Collection[str]) -> Request:
    """Exactly these. Raises Refused in a status in which Nova takes none: those of metadata, and a lock does not count."""
    what = f"set the tags of server {server.name} to {', '.join(tags)}" if tags else f"remove the tags of server {server.name}"
    _check_status(server, "metadata", what)
    return Request(what, "compute", "PUT", path_of("servers", server.id, "tags"), "server", server.id, {"tags": list(tags)})


def set_metadata(server: Server, metadata: Mapping[str, str]) -> Request:
    what = f"set metadata {', '.join(sorted(metadata))} of server {server.name}"
    path = path_of("servers", server.id, "metadata")
    return Request(what, "compute", "POST", path, "server", server.id, {"metadata": dict(metadata)})


def remove_metadata(server: Server, key: str) -> Request:
    path = path_of("servers", server.id, "metadata", key)
    return Request(f"remove metadata {key} of server {server.name}", "compute", "DELETE", path, "server", server.id)


def check_unlocked(server: Server, what: str) -> None:
    """Refuse first what Nova would refuse: a locked server may be read, renamed, and told the fate of its disks.

    Nova does not show who locked it. It lets its owner undo an administrator's lock only by a policy (unlock:unlock_override).
    """
    if server.locked:
        reason = f" («{server.locked_reason}»)" if server.locked_reason else ""
        raise Refused(
            f"Failed to {what}: it is locked{reason}. Unlock it first (openstack server unlock {server.id}); "
            "where an administrator has locked it, only an administrator can."
        )


def check_takes(server: Server, kind: str, what: str) -> None:
    """Refuse first what Nova would refuse in this status, or of a locked server. ``kind`` is metadata or volumes."""
    check_unlocked(server, what)
    _check_status(server, kind, what)


def _check_status(server: Server, kind: str, what: str) -> None:
    state = states.of(server.status)
    if not (state.takes_metadata if kind == "metadata" else state.takes_volumes):
        raise Refused(f"Failed to {what}: {states.why(server.status, server.id)}")
