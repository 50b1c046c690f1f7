# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a server's volumes is its root: what Nova says, and nothing else.

Nova tells the root device to administrators, and the device of each volume to everybody. A volume that is attached alone to a
server without a local disk is the root, since Nova detaches no root (nova/api/openstack/compute/volume_attachments.py). Where this
leaves it open, the root is not known: neither the order of the volumes nor a mark or a name tells it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...cloud.connection import Cloud
from ...values.errors import Refused
from ...values.paths import path_of
from .record import Server

_FIRST_DEVICES = ("vda", "sda", "xvda", "hda")


@dataclass(frozen=True)
class Attachment:
    """A volume of a server, as Nova has attached it."""

    volume: str
    device: str = ""
    tag: str | None = None


def read(cloud: Cloud, server_id: str) -> tuple[Attachment, ...] | None:
    """The volumes of a server, in Nova's order. None where the server is gone."""
    body = cloud.compute.find(path_of("servers", server_id, "os-volume_attachments"), f"read the volumes of server {server_id}")
    if body is None:
        return None
    return tuple(Attachment(one["volumeId"], one.get("device") or "", one.get("tag")) for one in body["volumeAttachments"])


def of(server: Server, attachments: Iterable[Attachment]) -> str | None:
    """The id of the volume that the server boots from. None where it boots from a local disk, and where that is not certain."""
    if not server.boots_from_volume:
        return None
    if len(server.disks) == 1:
        return next(iter(server.disks))
    devices = (server.root_device,) if server.root_device else _FIRST_DEVICES
    first = {_bare(device) for device in devices}
    found = [one.volume for one in attachments if _bare(one.device) in first and one.volume in server.disks]
    return found[0] if len(found) == 1 else None


def check(server: Server, root: str | None, what: str) -> None:
    """Refuse what destroys or replaces a root that is not certain."""
    if root is None and server.boots_from_volume and server.disks:
        raise Refused(
            f"Failed to {what}: Nova does not tell for certain which of its volumes ({', '.join(server.disks)}) it boots from. "
            "Detach the others, or use a cloud whose user may see OS-EXT-SRV-ATTR:root_device_name, as administrators do."
        )


def _bare(device: str) -> str:
    return device.removeprefix("/dev/")
