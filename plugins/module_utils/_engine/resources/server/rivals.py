# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other servers that have a volume by Nova's record, though Cinder shows it as available.

Somebody has detached it in Cinder alone, or reset its state. The other machine may still be at work on it, and where it goes with
its server, it is deleted then. Newer Nova looks at its own records before it attaches a volume (nova/compute/api.py,
_check_volume_already_attached), and does not before it boots a server from one. It detaches only what Cinder calls in-use
(cinder/volume/api.py, begin_detaching).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from ...cloud.connection import Cloud
from ...values.errors import Refused
from ..volume.record import Volume, called
from . import record
from .record import Server

Rivals: TypeAlias = Mapping[str, tuple[Server, ...]]  # by the ids of volumes


def read(cloud: Cloud, volumes: Iterable[Volume], own: Collection[str]) -> Rivals:
    """The project's servers, without those of the ids of ``own``, that have volumes which Cinder shows as available."""
    free = {one.id for one in volumes if one.status == "available" and not one.multiattach}
    rivals: dict[str, tuple[Server, ...]] = defaultdict(tuple)
    for server in record.read_shown(cloud) if free else ():
        for id in free.intersection(server.disks):
            if server.id not in own and not server.is_going:
                rivals[id] += (server,)
    return rivals


def check(volumes: Iterable[Volume], rivals: Rivals, what: str) -> None:
    """Refuse a volume that another server has."""
    for volume in volumes:
        for server in rivals.get(volume.id, ()):
            raise Refused(
                f"Failed to {what}: volume {called(volume)} is a disk of server {server.name} ({server.id}, {server.status}) as well, though Cinder "
                "shows it as available, and two machines on one disk destroy it. Have an administrator set its state back (openstack volume set --state "
                f"in-use --attached {volume.id}) and detach it from that server, or name another volume."
            )
