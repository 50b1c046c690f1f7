# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who keeps a volume reserved: an attachment of Cinder, for a server that is there, or for one that never came about.

Nova reserves the volumes of a new server one by one, and lets none go where it then refuses the server (nova/compute/api.py,
_validate_bdm). It does so before its own record of the server is there, so that only a reservation that is some seconds old, and of
a server that Nova does not show, is nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ...cloud.connection import Cloud
from ...values import permits
from ...values.errors import Refused
from ...values.paths import path_of
from ...values.plan import Request, Still
from ..volume import reservation
from ..volume.record import Volume, called
from . import record

_IN_DOUBT = timedelta(seconds=30)  # what Nova may take between a reservation and its record of the server


@dataclass(frozen=True)
class Hold:
    """An attachment that keeps a volume reserved for ``server``, and that server in words where Nova shows it."""

    id: str
    volume: str
    server: str
    shown: str = ""
    in_doubt: bool = False

    @property
    def is_left_over(self) -> bool:
        return bool(self.server) and not self.shown


def read(cloud: Cloud, volumes: Iterable[Volume], now: str) -> tuple[Hold, ...]:
    """What keeps those of the volumes reserved that are so."""
    reserved = {one.id for one in volumes if one.status == "reserved" and not one.attached_to}
    return tuple(hold for id in sorted(reserved) for hold in _read(cloud, id, now))


def _read(cloud: Cloud, volume: str, now: str) -> list[Hold]:
    attachments = reservation.read(cloud, volume)
    body = cloud.block_storage.find(path_of("volumes", volume), f"read when volume {volume} was reserved")
    in_doubt = not body or _is_fresh(body["volume"], now)
    return [_hold(cloud, id, volume, server, in_doubt) for id, server in attachments]


def _is_fresh(volume: Mapping[str, Any], now: str) -> bool:
    """Whether the volume's record was changed, and so reserved, only a moment ago. Cinder tells the time without a zone, in UTC."""
    if not volume.get("updated_at"):
        return True
    return datetime.fromisoformat(now) - datetime.fromisoformat(volume["updated_at"]).replace(tzinfo=UTC) < _IN_DOUBT


def _hold(cloud: Cloud, id: str, volume: str, server: str, in_doubt: bool) -> Hold:
    found = record.read(cloud, id=server) if server else ()
    shown = "".join(f"server {one.name} ({one.id}, {one.status}) of project {one.project_id}" for one in found)
    return Hold(id, volume, server, shown, in_doubt)


def let_go(volume: Volume, holds: Iterable[Hold], what: str) -> list[Request] | None:
    """What frees a reserved volume of servers that are not there; None where that is not due yet. Raises Refused where it is somebody's."""
    ours = [one for one in holds if one.volume == volume.id]
    for one in ours:
        if not one.is_left_over:
            whose = f"for {one.shown}. Detach it there" if one.shown else "which tells no server. Delete that if it is left over"
            raise Refused(
                f"Failed to {what}: volume {called(volume)} is reserved by attachment {one.id}, {whose}, or name another volume."
            )
    return None if any(one.in_doubt for one in ours) else [_delete(volume, one) for one in ours]


def _delete(volume: Volume, hold: Hold) -> Request:
    what = f"let go of volume {volume.name or volume.id}: delete attachment {hold.id} of server {hold.server}, which is not there"
    permit = permits.left_over(hold.id, of=hold.server, is_there=bool(hold.shown))
    still = Still(path_of("volumes", volume.id), {"status": "reserved", "attachments": []}, "volume")
    return Request(
        what, "block_storage", "DELETE", path_of("attachments", hold.id), "volume", volume.id, permits=(permit,), still=still
    )
