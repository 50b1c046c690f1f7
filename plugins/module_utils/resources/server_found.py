# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is there of a server, and what a new one would need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..cloud.connection import Cloud
from . import server_address, server_needs, server_record, volume, volume_record, volume_source
from .server_address import Address
from .server_needs import Flavor
from .server_record import Server
from .server_wanted import BOOT_OF, Wanted
from .volume_record import Volume
from .volume_source import Source

_ROOT_DEVICES = ("/dev/vda", "/dev/sda", "/dev/xvda", "/dev/hda")


@dataclass(frozen=True)
class Found:
    """The servers of the wanted name or id and their disks.

    The flavor is read where it is a new one, the networks where a server is made, and the addresses where one is to be replaced.
    """

    servers: tuple[Server, ...] = ()
    boot: volume.Found = field(default_factory=volume.Found)
    disks: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)
    sources: Mapping[tuple[str, str], Source] = field(default_factory=dict)  # the images and snapshots of further disks
    flavor: Flavor | None = None
    networks: str | list[dict[str, str]] = "none"
    addresses: tuple[Address, ...] = ()


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the server and its disks, and what a new one would need where one is to be made. Raises Refused."""
    servers = server_record.read(cloud, name=want.name, id=want.id)
    server = servers[0] if len(servers) == 1 else None
    found = Found(servers, _read_boot(cloud, want, server))
    if want.state == "absent":
        return found
    found = replace(found, disks={name: volume_record.find(cloud, name) for name in _volume_names(want)})
    anew = server is None or is_replaced(want, server, found)
    if want.flavor and (server is None or anew or want.flavor != server.flavor):
        found = replace(found, flavor=server_needs.read_flavor(cloud, want.flavor))
        anew = server is None or is_replaced(want, server, found)
    if not anew:
        return found
    sources = {key: volume_source.observe(cloud, *key) for key in _source_names(want)}
    addresses = server_address.read(cloud, server.id) if server else ()
    return replace(found, networks=_read_networks(cloud, want, found), addresses=addresses, sources=sources)


def _read_boot(cloud: Cloud, want: Wanted, server: Server | None) -> volume.Found:
    """The boot volume: the one that is named, or that was made for the server, or that somebody else's server boots from."""
    wanted_disk = want.disk if want.state != "absent" else replace(want.disk, image=None, snapshot=None)
    if want.boot.volume:
        return volume.observe(cloud, wanted_disk)
    volumes = volume_record.read_marked(cloud, BOOT_OF, want.name or "") if want.name else ()
    if server is None and not volumes:
        volumes = volume_record.read(cloud, name=wanted_disk.name)
    if server and server.boots_from_volume and server.disks and not any(one.id in server.disks for one in volumes):
        attached = [one for one in volume_record.read_all(cloud) if one.id in server.disks]
        roots = [one for one in attached if one.devices.get(server.id) in _ROOT_DEVICES]
        volumes = (*volumes, *(roots or attached)[:1])
    if wanted_disk.source is None or (server and want.boot.snapshot):  # of a snapshot nothing is compared later
        return volume.Found(volumes)
    return volume.Found(volumes, volume_source.observe(cloud, *wanted_disk.source))


def _volume_names(want: Wanted) -> list[str]:
    return [str(one["uuid"]) for one in want.block_devices if one["source_type"] == "volume"]


def _source_names(want: Wanted) -> list[tuple[str, str]]:
    return [
        (str(one["source_type"]), str(one["uuid"])) for one in want.block_devices if one["source_type"] in ("image", "snapshot")
    ]


def _read_networks(cloud: Cloud, want: Wanted, found: Found) -> str | list[dict[str, str]]:
    """Where the new server is to be on the network. What else it refers to is looked for as well, so that it is refused now."""
    if want.key_name:
        server_needs.check_key(cloud, want.key_name)
    if want.security_groups:
        server_needs.check_security_groups(cloud, want.security_groups)
    boot = boot_volume(want, found)
    kept = server_address.noted(boot.metadata) if boot else ()
    return server_address.networks(cloud, kept) if kept else server_needs.read_networks(cloud, want.networks)


def boot_volume(want: Wanted, found: Found) -> Volume | None:
    """The volume that a new server boots from. Where it may have another image, that of the wanted one is taken."""
    source = found.boot.source
    if source is None or source.kind != "image":
        return volume_record.only(found.boot.volumes, want.disk.label)
    # Cinder tells the image of a volume only when it is made; until then ours is the one that is on its way.
    fitting = [
        one
        for one in found.boot.volumes
        if one.image_id == source.id or (one.image_id is None and one.status in volume_record.ON_THE_WAY)
    ]
    if not fitting and want.on_image_change == "replace":
        return None
    return volume_record.only(tuple(fitting) or found.boot.volumes, want.disk.label)


def attached_boot(server: Server, found: Found) -> Volume | None:
    """The volume that a server boots from now; None where it boots from a local disk."""
    if not server.boots_from_volume:
        return None
    return next((one for one in found.boot.volumes if one.id in server.disks), None)


def differs_in_flavor(server: Server, found: Found) -> bool:
    return found.flavor is not None and found.flavor.name != server.flavor


def differs_in_image(server: Server, found: Found) -> bool:
    boot, source = attached_boot(server, found), found.boot.source
    return bool(boot and source and source.kind == "image" and boot.image_id != source.id)


def is_replaced(want: Wanted, server: Server, found: Found) -> bool:
    """Whether the server is to be deleted and created anew."""
    if server.is_going or server.is_busy or server.status == "VERIFY_RESIZE":
        return False
    by_flavor = want.on_flavor_change == "replace" and differs_in_flavor(server, found)
    by_image = want.on_image_change == "replace" and differs_in_image(server, found)
    return by_flavor or by_image or (server.status == "ERROR" and want.recreate == "on_error")
