# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A server that boots from a volume.

The disk is the lasting part: it is made and named before the server, and the server is made, changed and replaced around it.
"""

from __future__ import annotations

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
    """The server and its boot volume as a module returns them, or None where there is none."""
    server = found.servers[0] if found.servers else None
    boot = attached_boot(server, found) if server else boot_volume(want, found)
    return {
        "server": server_record.view(server) if server else None,
        "volume": volume_record.view(boot) if boot else None,
    }
