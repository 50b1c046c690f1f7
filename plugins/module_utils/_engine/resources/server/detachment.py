# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further volumes that a server has and the task does not name: detached where it says so. Never the root, and none is deleted. Pure."""

from __future__ import annotations

from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan, Request
from ..volume.record import Volume
from . import preflight, record, requests, root
from .found import Found, named, unnamed
from .record import Server
from .stage import Stage
from .wanted import Wanted

_HELD = ("in-use", "reserved")  # reserved: of a server that is shelved off its host
_COMES_OFF = ("detaching", "available")  # available: the server's record lags behind


def others(want: Wanted, server: Server, found: Found) -> list[str]:
    """The ids of the volumes of the server that are to be detached: not its root, and none that the task may mean. Raises Refused."""
    rest = unnamed(want, server, found)
    made = sum(map(preflight.is_made_by_nova, want.block_devices))
    if want.other_volumes == "keep" or len(rest) <= made:
        return []
    what = f"detach other volumes from server {server.name}"
    root.check(server, found.root, what)
    if made:
        raise Refused(
            f"Failed to {what}: which of its {len(rest)} other volumes ({', '.join(rest)}) Nova made for the {made} disks that block_devices "
            "asks for is not known. Name the volumes that are to stay (volume_id) in their place."
        )
    return rest


def plan_detachment(want: Wanted, server: Server, found: Found) -> Stage | None:
    """The stage that detaches the first of them. One after the other: before each the record is read once more."""
    disk = next(iter(others(want, server, found)), None)
    if disk is None:
        return None
    seen = {one.id: one for one in found.others}.get(disk)
    what = f"detach volume {disk} from server {server.name}"
    if server.bare_metal:
        raise Refused(
            f"Failed to {what}: it is bare metal, from which Nova detaches nothing. Create the server without the volume."
        )
    requests.check_takes(server, "volumes", what)
    steps = () if seen and _comes_off(seen, server) else _steps(want, server, found, disk, seen, what)
    rest = dict(server.disks)
    del rest[disk]
    stays = replace(server, disks=rest)
    plan = Plan(
        f"server {want.label}",
        record.described(server),
        record.described(stays),
        steps,
        _waiting(disk, server, seen),
    )
    return Stage(plan, replace(found, servers=(stays, *found.servers[1:])))


def _comes_off(volume: Volume, server: Server) -> bool:
    return volume.status in _COMES_OFF or (volume.status == "in-use" and server.id not in volume.attached_to)


def _waiting(disk: str, server: Server, seen: Volume | None) -> str:
    waiting = f"volume {disk} to be detached from server {server.name}"
    if seen is None or seen.status != "available":
        return waiting
    return (
        f"{waiting} (Cinder shows it as available: where somebody let go of it there alone, Nova detaches it when an administrator "
        f"has set its state back, openstack volume set --state in-use --attached {disk})"
    )


def _steps(want: Wanted, server: Server, found: Found, disk: str, seen: Volume | None, what: str) -> tuple[Request, ...]:
    if seen and seen.status not in _HELD:
        raise Refused(f"Failed to {what}: the volume has status {seen.status}. Run again when it is in-use.")
    # of a server that is off its host, Nova deletes what it detaches and goes with it (nova/compute/api.py, _detach_volume_shelved_offloaded)
    keep = (requests.set_fate(server, disk, False),) if server.disks[disk] else ()
    permit = permits.part(disk, server.id, named(want, found))
    kept = replace(server, disks={**server.disks, disk: False})
    return (*keep, replace(requests.detach(kept, disk, permit), once=True))
