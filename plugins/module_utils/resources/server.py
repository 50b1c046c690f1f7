# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A server that boots from a volume.

The disk is the lasting part: it is made and named before the server, and the server is made, changed and replaced around it.
"""

from __future__ import annotations

from dataclasses import replace

from ..values.plan import Plan
from . import server_record, volume_record
from .server_change import plan_absence, plan_update
from .server_creation import plan_creation
from .server_found import Found, attached_boot, boot_volume, observe
from .server_wanted import Wanted, wanted

__all__ = ["Found", "Wanted", "observe", "plan", "result", "wanted"]


def plan(want: Wanted, found: Found) -> Plan:
    """What to do so that the server is as wanted. Pure. Raises Refused."""
    server = server_record.only(found.servers, want.label)
    if want.state == "absent":
        return plan_absence(want, server, found)
    if server is None:
        return plan_creation(want, found)
    return plan_update(want, server, found)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The server and its boot volume as a module returns them, or None where there is none. Of the volumes the boot volume is the first."""
    if not found.servers:
        boot = boot_volume(want, found)
        return {"server": None, "volume": volume_record.view(boot) if boot else None}
    server = found.servers[0]
    boot = attached_boot(server, found)
    disks = sorted(server.disks.items(), key=lambda disk: boot is None or disk[0] != boot.id)
    return {
        "server": server_record.view(replace(server, disks=dict(disks))),
        "volume": volume_record.view(boot) if boot else None,
    }
