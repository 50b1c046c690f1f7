# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a server that is there differs from what is asked for, and cannot be changed in place: it is told. Pure, but for ``read``.

What is not known is no difference: Nova shows user data to administrators only.
"""

from __future__ import annotations

import base64

from ..volume.record import Volume
from . import power, preflight
from .found import Found, has
from .record import Server
from .wanted import Wanted


def drift(want: Wanted, server: Server, found: Found) -> list[str]:
    """The differences, and what nobody knows, as warnings."""
    told = [*differences(want, server, found), *_unknown(want, server, found), *found.told, *power.doubts(want, server)]
    return [f"server {server.name}: {one}; it was left as it is" for one in told]


def differences(want: Wanted, server: Server, found: Found) -> list[str]:
    """What is known to differ, in words."""
    zone = (want.availability_zone or "").partition(":")[0]  # zone:host is for a new server
    differs = [
        f"{name} is {'none' if is_value in (None, '') else is_value}, and {wanted} is wanted"
        for name, is_value, wanted in (
            ("key_name", server.key_name, want.key_name),
            ("availability_zone", server.availability_zone, zone or None),
            ("config_drive", server.config_drive, want.config_drive),
        )
        if wanted is not None and wanted != is_value
    ]
    differs += _user_data(want, server)
    groups = {found.groups.get(one, one) for one in want.security_groups or ()}
    if want.security_groups is not None and groups != server.security_groups:
        has_groups, wants = ", ".join(sorted(server.security_groups)), ", ".join(want.security_groups)
        differs.append(f"security_groups are {has_groups or 'none'}, and {wants or 'none'} are wanted")
    if want.networks == "none" and server.networks:
        differs.append(f"networks is none, and it is in {', '.join(server.networks)}")
    differs += _disks(want, server, found)
    if server.status == "VERIFY_RESIZE":
        differs.append("it was resized, and that waits to be confirmed or reverted")
    return differs


def _unknown(want: Wanted, server: Server, found: Found) -> list[str]:
    if not server.boots_from_volume or not server.disks or has(want, server, found):
        return []
    return [f"whether it boots from volume {want.boot.volume} is not known: Nova does not tell for certain which one is its root"]


def _user_data(want: Wanted, server: Server) -> list[str]:
    if want.user_data is None or server.user_data is None:
        return []
    is_same = server.user_data_in_base64 == base64.b64encode(want.user_data.encode()).decode()
    return [] if is_same else ["its user data is another one"]


def _disks(want: Wanted, server: Server, found: Found) -> list[str]:
    boot = found.root_disk
    differs = _boot_disk(want, boot) if boot and has(want, server, found) else []
    if not server.boots_from_volume:
        differs.append("it boots from a local disk, and not from a volume")
    made = sum(map(preflight.is_made_by_nova, want.block_devices))
    named = {one.id for ones in found.disks.values() for one in ones}
    others = len(set(server.disks) - named - {found.root})
    if made > others:
        differs.append(
            f"{made} further disks are asked for that Nova makes with a new server only, and it has {others}: make a volume "
            "(bfv.openstack.bfv_volume), and name it as volume_id to have it attached"
        )
    return differs


def _boot_disk(want: Wanted, boot: Volume) -> list[str]:
    differs, how = [], "(bfv.openstack.bfv_volume changes it)"
    if want.boot.size is not None and want.boot.size != boot.size:
        differs.append(f"its boot volume has {boot.size} GiB, and boot.size is {want.boot.size} {how}")
    if want.boot.volume_type is not None and want.boot.volume_type not in (boot.volume_type, boot.volume_type_id):
        differs.append(f"its boot volume has type {boot.volume_type}, and boot.volume_type is {want.boot.volume_type} {how}")
    return differs
