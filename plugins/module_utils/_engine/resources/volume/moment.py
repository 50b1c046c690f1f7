# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume of Cinder that is attached to this run for a moment, as any member of its project may.

Cinder shows of an attachment neither its host nor its initiator, so that the volume's metadata tell which process made which one. The next
run lets go what a killed one has left, where it sees that the process has ended, and tells of it otherwise. Of two runs that see the volume
free at the same moment one may write its note over the other's: so an attachment counts as a run's only where the note names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...cloud.connection import Cloud
from ...cloud.errors import is_unclear
from ...cloud.wait import Rounds
from ...values import identifiers, permits
from ...values.errors import BfvError, Invalid, Refused
from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Request
from . import record, reservation, this_run
from .record import Volume

NOTE = f"{record.OWN_KEYS}at_work"  # in the volume's metadata: its own id, since copies of it have its metadata, the process, and the attachment
_WORDS = 5  # of a process, as a text
_AT_REST = 60.0  # seconds in which Cinder lets go of an attachment


@dataclass(frozen=True)
class Connection:
    """How the volume is reached. ``cleared`` tells what an earlier run had left."""

    volume: str
    portals: tuple[str, ...]
    iqn: str
    lun: int
    username: str | None
    password: str | None = field(repr=False)
    cleared: tuple[str, ...] = ()


def foreseen(cloud: Cloud, label: str) -> str:
    """The id of the volume that would be attached. Raises Refused where it could not be."""
    volume = _found(cloud, label)
    if not _left(cloud, volume):
        _check_free(volume)
    return volume.id


@contextmanager
def attached(cloud: Cloud, label: str, initiator: str) -> Iterator[Connection]:
    """The volume of that name or id, attached for as long as the block runs. Raises BfvError."""
    volume = _found(cloud, label)
    what = f"attach volume {record.called(volume)} for a moment"
    cleared = _left(cloud, volume)
    for request in cleared:
        _send(cloud, request)
        volume = _at_rest(cloud, volume.id)
    _check_free(volume)
    _send(cloud, _note(volume, what))
    try:
        answer = _send(cloud, _attach(volume, initiator, what))["attachment"]
    except BfvError as error:
        # Where nobody knows what became of it, the note stays, and the next run looks.
        if not is_unclear(error):
            _send(cloud, _forget(volume))
        raise
    try:
        _send(cloud, _note(volume, what, answer["id"]))
        yield _connection(volume, answer.get("connection_info") or {}, what, tuple(_told(request) for request in cleared))
    finally:
        _send(cloud, _let_go(volume, answer["id"], permits.created(answer["id"], [answer["id"]])))
        _at_rest(cloud, volume.id)
        _send(cloud, _forget(volume))


def _send(cloud: Cloud, request: Request) -> dict[str, Any]:
    permits.check(request)
    return cloud.send(request)


def _found(cloud: Cloud, label: str) -> Volume:
    volume = record.only(record.find(cloud, label), label)
    if volume is None:
        raise Refused(
            f"Failed to attach volume {label}: there is no such volume. Check its name, and the project of volume_cloud."
        )
    return volume


def _check_free(volume: Volume) -> None:
    if volume.status != "available":
        holders = f" (attached to {', '.join(volume.attached_to)})" if volume.attached_to else ""
        raise Refused(
            f"Failed to attach volume {record.called(volume)} for a moment: its status is {volume.status}{holders}. "
            "Only what nobody uses can be looked at: undeploy the node, or detach the volume."
        )


def _left(cloud: Cloud, volume: Volume) -> list[Request]:
    """What lets go of that which a killed run has left. Raises Refused where it may not have ended."""
    own, *told = volume.metadata.get(NOTE, "").split(" ")
    process = this_run.read(" ".join(told[:_WORDS])) if own == volume.id else None
    if process is None:
        return []
    attached = "".join(told[_WORDS:])
    held = [id for id, server in reservation.read(cloud, volume.id) if not server]
    if not held:
        return []
    what = f"attach volume {record.called(volume)} for a moment"
    ended = this_run.has_ended(process)
    if ended is False:
        raise Refused(f"Failed to {what}: process {process.number} of this host is at work on it. Run again when it has ended.")
    if ended is None:
        raise Refused(
            f"Failed to {what}: process {process.number} of host {process.host} has attached it, and from here nobody can see whether it has ended. "
            f"If it has, delete what it left (openstack volume attachment delete {' '.join(held)}), and run again."
        )
    if held != [attached]:
        raise Refused(
            f"Failed to {what}: from here nobody can see who has attached it. It may have been a run that was killed. Where nothing is at work on it, "
            f"let it go (openstack volume attachment delete {' '.join(held)}), and run again."
        )
    return [_let_go(volume, attached, permits.of_ended_run(attached, of=volume.id, noted=own, attached=attached, ended=ended))]


def _told(request: Request) -> str:
    return f"A run that was killed had left something: {request.what}."


def _at_rest(cloud: Cloud, id: str) -> Volume:
    rounds = Rounds(_AT_REST)
    while True:
        volume = _found(cloud, id)
        if volume.status not in (*reservation.RESERVED, *record.ON_THE_WAY) or not rounds.pause():
            return volume


def _note(volume: Volume, what: str, attachment: str = "") -> Request:
    body = {"metadata": {NOTE: f"{volume.id} {this_run.this().text} {attachment}".rstrip()}}
    return Request(
        f"note who will {what}",
        "block_storage",
        "POST",
        path_of("volumes", volume.id, "metadata"),
        "volume",
        volume.id,
        body=body,
    )


def _forget(volume: Volume) -> Request:
    path = path_of("volumes", volume.id, "metadata", NOTE)
    return Request(f"remove the note from volume {record.called(volume)}", "block_storage", "DELETE", path, "volume", volume.id)


def _attach(volume: Volume, initiator: str, what: str) -> Request:
    connector = {
        "initiator": initiator,
        "host": this_run.this().host,
        "ip": "0.0.0.0",
        "multipath": False,
        "platform": "x86_64",
        "os_type": "linux",
    }
    body = {"attachment": {"volume_uuid": volume.id, "connector": connector}}
    return Request(what, "block_storage", "POST", "/attachments", "attachment", body=body)


def _let_go(volume: Volume, id: str, permit: Permit) -> Request:
    what = f"let go of volume {record.called(volume)} (attachment {id})"
    return Request(what, "block_storage", "DELETE", path_of("attachments", id), "attachment", id, permits=(permit,))


def _connection(volume: Volume, info: dict[str, Any], what: str, cleared: tuple[str, ...]) -> Connection:
    if info.get("driver_volume_type") != "iscsi":
        raise Refused(
            f"Failed to {what}: Cinder reaches it over {info.get('driver_volume_type') or 'nothing'}, and not over iSCSI. Name one of an iSCSI backend."
        )
    try:
        return Connection(
            volume.id,
            (str(identifiers.portal(info["target_portal"])),),
            identifiers.iscsi_name(info["target_iqn"]),
            identifiers.lun(info["target_lun"]),
            info.get("auth_username"),
            info.get("auth_password"),
            cleared,
        )
    except (KeyError, Invalid) as error:
        raise BfvError(
            f"Failed to {what}: Cinder does not tell where it is ({error}). Look into the log of its volume service."
        ) from None
