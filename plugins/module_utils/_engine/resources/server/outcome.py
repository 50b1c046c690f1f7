# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server and its boot volume as the module returns them."""

from __future__ import annotations

from dataclasses import replace

from ...cloud.connection import Cloud
from ..volume import record as volume_record
from . import ports, record
from .drift import differences
from .found import Found
from .record import Server
from .wanted import Wanted


def result(want: Wanted, found: Found) -> dict[str, object]:
    """What was read on the way, None where there is none; no ports. Of the volumes the boot volume is the first."""
    if not found.servers:
        boots = found.boot.volumes[0] if len(found.boot.volumes) == 1 else None
        return {"server": None, "volume": _view(boots), "kept_boot_volume": None, "differs": []}
    server = found.servers[0]
    differs = [] if want.state == "absent" else differences(want, server, found)
    return {"server": _server(server, found), "volume": _view(found.root_disk), "kept_boot_volume": None, "differs": differs}


def report(cloud: Cloud, want: Wanted, found: Found) -> dict[str, object]:
    """The server with its ports, read once when all is settled."""
    if not found.servers:
        return {}
    server = found.servers[0]
    return {"server": {**_server(server, found), "ports": ports.read_views(cloud, [server])[server.id]}}


def _server(server: Server, found: Found) -> dict[str, object]:
    disks = dict(sorted(server.disks.items(), key=lambda disk: disk[0] != found.root))
    image = found.root_disk.image_id if found.root_disk else None
    return {**record.view(replace(server, disks=disks)), "image": image, "ports": []}


def _view(volume: volume_record.Volume | None) -> dict[str, object] | None:
    return volume_record.view(volume) if volume else None
