# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A new server: its disk first, and then the server that boots from it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..values.errors import Refused
from ..values.merge import merged
from ..values.plan import Plan, Request
from . import server_address, server_needs, server_record, volume, volume_record
from .server_found import Found, boot_volume
from .server_needs import Flavor
from .server_record import Server
from .server_wanted import BOOT_OF, Wanted
from .volume_record import Volume


def plan_creation(want: Wanted, found: Found) -> Plan:
    subject, what = f"server {want.label}", f"create server {want.label}"
    if want.name is None or want.id is not None:
        raise Refused(f"Failed to find server {want.id}: Nova shows none with that id. Give a name, and no id, to create one.")
    if found.flavor is None:
        raise Refused(f"Failed to {what}: no flavor is given. Give flavor.")
    if not (want.boot.volume or want.boot.image or want.boot.snapshot):
        raise Refused(f"Failed to {what}: it has nothing to boot from. Give boot.volume, boot.image or boot.snapshot.")
    server_needs.check_flavor(found.flavor, want.flavor_denylist, what)
    boot = boot_volume(want, found)
    _check_image(want, boot, found, what)
    if want.boot.volume and boot is None:
        raise Refused(f"Failed to {what}: Cinder shows no volume {want.boot.volume}. Create it first (bfv.openstack.bfv_volume).")
    if boot and boot.status == "reserved" and boot.metadata.get(BOOT_OF) == want.name:  # by the server before, which is just gone
        after = server_record.described(Server("", want.name, "ACTIVE", found.flavor.name))
        return Plan(subject, {}, after, waiting=f"volume {boot.name} to be released")
    disk = volume.plan(want.disk, replace(found.boot, volumes=(boot,) if boot else ()))
    expected = volume.expected(want.disk, replace(found.boot, volumes=(boot,) if boot else ()))
    _check_bare_metal(want, found.flavor, expected, what)
    volume_record.check_attachable(expected, (), boots=True, what=what)
    devices = [_device(one, found, what) for one in want.block_devices]
    server = Server("", want.name, "ACTIVE", found.flavor.name, metadata=merged({}, want.metadata))
    server = replace(server, disks={expected.id: _goes(want, expected)})
    after = server_record.described(server)
    if not disk.settled:
        return Plan(subject, {}, after, disk.steps, disk.waiting or f"volume {expected.name} to be ready")
    steps = (_create(want, found, expected, devices), *delete_others(want, found, expected))
    return Plan(subject, {}, after, steps, f"{subject} to become active", disk.warnings)


def _check_image(want: Wanted, boot: Volume | None, found: Found, what: str) -> None:
    """A volume that is there from another image is somebody's disk: it is used, or written over, by permission only."""
    source = found.boot.source
    if boot and source and source.kind == "image" and boot.image_id not in (None, source.id) and want.on_image_change == "fail":
        raise Refused(
            f"Failed to {what}: volume {boot.name} is there, and was not made from image {source.name}. "
            "Name it as boot.volume to boot from it as it is, or permit the change with on_image_change: reimage, or replace."
        )


def _goes(want: Wanted, boot: Volume) -> bool:
    """Whether the disk goes with the server: as wanted, or else as it did with the server that is being replaced."""
    return server_address.goes(boot.metadata) if want.boot.delete_on_termination is None else want.boot.delete_on_termination


def _check_bare_metal(want: Wanted, flavor: Flavor, boot: Volume, what: str) -> None:
    """What Nova's driver for Ironic cannot do (nova/virt/ironic/driver.py), and finds out only on the way."""
    if not flavor.bare_metal:
        return
    if boot.multiattach:
        raise Refused(
            f"Failed to {what}: flavor {flavor.name} is bare metal, which cannot use the multiattach volume {boot.name}. Name another volume."
        )
    if want.config_drive:
        raise Refused(
            f"Failed to {what}: flavor {flavor.name} is bare metal, and a node that boots from a volume gets no config drive. Leave config_drive out."
        )


def _device(one: Mapping[str, Any], found: Found, what: str) -> dict[str, object]:
    """A further disk as Nova takes it, what it is made from by id."""
    if one["source_type"] == "blank":
        return dict(one)
    name = str(one["uuid"])
    if one["source_type"] != "volume":
        return {**one, "uuid": found.sources[str(one["source_type"]), name].id}
    seen = volume_record.only(found.disks[name], name)
    if seen is None:
        raise Refused(f"Failed to {what}: Cinder shows no volume {name}. Create it first (bfv.openstack.bfv_volume).")
    volume_record.check_attachable(seen, (), boots=False, what=what)
    return {**one, "uuid": seen.id}


def _create(want: Wanted, found: Found, boot: Volume, devices: list[dict[str, object]]) -> Request:
    root = {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": boot.id,
        "boot_index": 0,
        "delete_on_termination": _goes(want, boot),
        "device_type": want.boot.device_type,
        "disk_bus": want.boot.disk_bus,
        "tag": want.boot.tag,
    }
    server = {
        "name": want.name,
        "flavorRef": found.flavor.id if found.flavor else None,
        # the root last: Nova reserves the volumes in this order, and lets none go when it refuses a later disk
        "block_device_mapping_v2": [*devices, {key: value for key, value in root.items() if value is not None}],
        "networks": found.networks,
        "key_name": want.key_name,
        "security_groups": [{"name": group} for group in want.security_groups or ()] or None,
        "user_data": base64.b64encode(want.user_data.encode()).decode() if want.user_data else None,
        "config_drive": want.config_drive,
        "availability_zone": want.availability_zone,
        "metadata": merged({}, want.metadata) or None,
    }
    body: dict[str, object] = {"server": {key: value for key, value in server.items() if value is not None}}
    if want.scheduler_hints:
        body["os:scheduler_hints"] = dict(want.scheduler_hints)
    return Request(
        f"create server {want.name} from volume {boot.name or boot.id}",
        "compute",
        "POST",
        "/servers",
        "server",
        body=body,
        once=True,
    )


def delete_others(want: Wanted, found: Found, boot: Volume) -> tuple[Request, ...]:
    """Delete what else was made for the server and nobody uses: the disk of an image before, or that of a run at the same time."""
    others = [
        one
        for one in found.boot.volumes
        if one.id != boot.id and one.metadata.get(BOOT_OF) == want.name and one.status == "available"
    ]
    return tuple(
        Request(
            f"delete the other volume {one.name} ({one.id})",
            "block_storage",
            "DELETE",
            f"/volumes/{one.id}",
            "volume",
            one.id,
            shared=True,
        )
        for one in others
    )
