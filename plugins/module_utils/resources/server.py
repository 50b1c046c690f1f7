# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A server that boots from a volume.

The disk is the lasting part: it is made and named before the server, and the server is made, changed and replaced around it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ..cloud.connection import Cloud
from ..values import block_devices
from ..values.errors import Invalid, Refused
from ..values.identifiers import is_uuid
from ..values.merge import merged
from ..values.plan import Plan, Request, Step
from . import server_address, server_needs, server_record, volume, volume_record
from .server_address import Address
from .server_needs import Flavor, Networks
from .server_record import Server
from .volume_record import Volume

_BOOT_OF = "bfv_boot_of"  # marks a volume that was made for a server, in its metadata
_ROOT_DEVICES = ("/dev/vda", "/dev/sda", "/dev/xvda", "/dev/hda")
_STATUS = {"started": "ACTIVE", "stopped": "SHUTOFF"}


@dataclass(frozen=True)
class Boot:
    """What the server boots from: a volume that is there, or one that is made from an image or a snapshot."""

    volume: str | None = None
    image: str | None = None
    snapshot: str | None = None
    size: int | None = None
    volume_type: str | None = None
    volume_name: str | None = None
    delete_on_termination: bool | None = None
    device_type: str | None = None
    disk_bus: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The server that is asked for. None leaves alone."""

    name: str | None = None
    id: str | None = None
    state: str = "present"
    flavor: str | None = None
    boot: Boot = Boot()
    block_devices: tuple[Mapping[str, Any], ...] = ()
    networks: str | list[dict[str, str]] = "auto"
    key_name: str | None = None
    security_groups: tuple[str, ...] | None = None
    user_data: str | None = field(default=None, repr=False)
    config_drive: bool | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str | None] | None = None
    scheduler_hints: Mapping[str, object] | None = None
    on_flavor_change: str = "fail"
    on_image_change: str = "fail"
    recreate: str = "never"
    boot_volume_on_delete: str = "as_attached"
    flavor_denylist: tuple[str, ...] = ()
    image_size_limit: int | None = None

    @property
    def label(self) -> str:
        return self.id or self.name or ""

    @property
    def disk(self) -> volume.Wanted:
        """The boot volume in the terms of volumes."""
        boot = self.boot
        if boot.volume:
            return volume.Wanted(id=boot.volume) if is_uuid(boot.volume) else volume.Wanted(name=boot.volume)
        return volume.Wanted(
            name=boot.volume_name or f"{self.name}-boot",
            image=boot.image,
            snapshot=boot.snapshot,
            size=boot.size,
            volume_type=boot.volume_type,
            metadata={_BOOT_OF: self.name or ""},
            image_size_limit=self.image_size_limit,
        )


@dataclass(frozen=True)
class Found:
    """The servers of the wanted name or id and their disks.

    The flavor is read where it is a new one, the networks where a server is made, and the addresses where one is to be replaced.
    """

    servers: tuple[Server, ...] = ()
    boot: volume.Found = field(default_factory=volume.Found)
    disks: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)
    flavor: Flavor | None = None
    networks: Networks = "none"
    addresses: tuple[Address, ...] = ()


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**{**given, "boot": Boot(**(params.get("boot") or {})), "block_devices": (), "networks": "auto"})
    where = f"Failed to read server {want.label}"
    if not want.label:
        raise Invalid("Failed to read the server: neither name nor id is given. Give one of them.")
    if want.id and not is_uuid(want.id):
        raise Invalid(f'{where}: id "{want.id}" is not a UUID. Give it as Nova shows it, or the name.')
    sources = [kind for kind in ("volume", "image", "snapshot") if getattr(want.boot, kind)]
    if len(sources) > 1:
        raise Invalid(f"{where}: boot has {' and '.join(sources)}. Give one of them.")
    devices, boot = _devices(params, want.boot, where)
    texts = {str(key): None if value is None else str(value) for key, value in (want.metadata or {}).items()}
    return replace(
        want,
        boot=boot,
        block_devices=tuple(devices),
        networks=server_needs.wanted_networks(params.get("networks") or "auto", want.label),
        security_groups=None if want.security_groups is None else tuple(want.security_groups),
        flavor_denylist=tuple(want.flavor_denylist),
        metadata=texts if want.metadata is not None else None,
    )


def _devices(params: Mapping[str, Any], boot: Boot, where: str) -> tuple[list[dict[str, object]], Boot]:
    """The further disks, and the boot disk where it is one of them: the old grammars name it by its device."""
    try:
        devices = block_devices.block_devices(params.get("block_devices") or ())
        if boot.volume or boot.image or boot.snapshot:
            placeholder = {"source_type": "volume", "destination_type": "volume", "uuid": "boot", "boot_index": 0}
            return block_devices.boot_order([placeholder, *devices])[1:], boot
        ordered = block_devices.boot_order(devices) if devices else []
    except Invalid as error:
        raise Invalid(f"{where}: {error}") from None
    root = next((one for one in ordered if one.get("boot_index") == 0), None)
    if root is None or root["source_type"] != "volume":
        return ordered, boot
    rest = [one for one in ordered if one is not root]
    shared = {name: root.get(name) for name in ("delete_on_termination", "device_type", "disk_bus", "tag")}
    return rest, Boot(volume=str(root["uuid"]), **shared)  # type: ignore[arg-type]  # block_devices has checked their types


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the server and its disks, and what a new one would need where one is to be made. Raises Refused."""
    servers = server_record.read(cloud, name=want.name, id=want.id)
    server = servers[0] if len(servers) == 1 else None
    found = Found(servers, _read_boot(cloud, want, server))
    if want.state == "absent":
        return found
    found = replace(found, disks={name: volume_record.find(cloud, name) for name in _volume_names(want)})
    if want.flavor and (server is None or want.flavor != server.flavor):
        found = replace(found, flavor=server_needs.read_flavor(cloud, want.flavor))
    if server is None:
        return replace(found, networks=_read_networks(cloud, want, found))
    return replace(found, addresses=server_address.read(cloud, server.id)) if _is_replaced(want, server, found) else found


def _read_boot(cloud: Cloud, want: Wanted, server: Server | None) -> volume.Found:
    """The boot volume by its name, or that of a server which somebody else made and whose volume has another name."""
    disk = want.disk if want.state != "absent" else replace(want.disk, image=None, snapshot=None)
    found = volume.observe(cloud, disk)
    if server is None or not server.disks or any(one.id in server.disks for one in found.volumes):
        return found
    attached = [one for one in volume_record.read_all(cloud) if one.id in server.disks]
    roots = [one for one in attached if one.devices.get(server.id) in _ROOT_DEVICES]
    return replace(found, volumes=tuple(roots or attached)[:1])


def _volume_names(want: Wanted) -> list[str]:
    return [str(one["uuid"]) for one in want.block_devices if one["source_type"] == "volume"]


def _read_networks(cloud: Cloud, want: Wanted, found: Found) -> Networks:
    """Where the new server is to be on the network. What else it refers to is looked for as well, so that it is refused now."""
    if want.key_name:
        server_needs.check_key(cloud, want.key_name)
    if want.security_groups:
        server_needs.check_security_groups(cloud, want.security_groups)
    boot = _boot_volume(want, found)
    kept = server_address.noted(boot.metadata) if boot else ()
    return server_address.networks(cloud, kept) if kept else server_needs.read_networks(cloud, want.networks)


def plan(want: Wanted, found: Found) -> Plan:
    """What to do so that the server is as wanted. Pure. Raises Refused."""
    server = server_record.only(found.servers, want.label)
    if want.state == "absent":
        return _plan_absence(want, server, found)
    if server is None:
        return _plan_creation(want, found)
    return _plan_update(want, server, found)


def _boot_volume(want: Wanted, found: Found) -> Volume | None:
    """The boot volume. Of two that two runs made at once for one server, every run takes the same, the older one."""
    ours = [one for one in found.boot.volumes if one.metadata.get(_BOOT_OF) == want.name]
    if len(ours) > 1 and len(ours) == len(found.boot.volumes):
        return min(ours, key=lambda one: (not one.attached_to, one.created_at, one.id))
    return volume_record.only(found.boot.volumes, want.disk.label)


# Creation


def _plan_creation(want: Wanted, found: Found) -> Plan:
    subject, what = f"server {want.label}", f"create server {want.label}"
    if want.name is None:
        raise Refused(f"Failed to find server {want.id}: Nova shows none with that id. Give a name to create one.")
    if found.flavor is None:
        raise Refused(f"Failed to {what}: no flavor is given. Give flavor.")
    if not (want.boot.volume or want.boot.image or want.boot.snapshot):
        raise Refused(f"Failed to {what}: it has nothing to boot from. Give boot.volume, boot.image or boot.snapshot.")
    server_needs.check_flavor(found.flavor, want.flavor_denylist, what)
    boot = _boot_volume(want, found)
    if want.boot.volume and boot is None:
        raise Refused(f"Failed to {what}: Cinder shows no volume {want.boot.volume}. Create it first (bfv.openstack.bfv_volume).")
    disk = volume.plan(want.disk, replace(found.boot, volumes=(boot,) if boot else ()))
    expected = volume.expected(want.disk, replace(found.boot, volumes=(boot,) if boot else ()))
    _check_bare_metal(want, found.flavor, expected, what)
    volume_record.check_attachable(expected, (), boots=True, what=what)
    devices = [_device(one, found, what) for one in want.block_devices]
    server = Server("", want.name, "ACTIVE", found.flavor.name, metadata=merged({}, want.metadata))
    server = replace(server, disks={expected.id: bool(want.boot.delete_on_termination)})
    after = server_record.described(server)
    if not disk.settled:
        return Plan(subject, {}, after, disk.steps, disk.waiting or f"volume {expected.name} to be ready")
    steps: tuple[Step, ...] = (_create(want, found, expected, devices), *_delete_doubles(want, found, expected))
    return Plan(subject, {}, after, steps, f"{subject} to become active", disk.warnings)


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
    """A further disk as Nova takes it, its volume by id."""
    if one["source_type"] != "volume":
        return dict(one)
    name = str(one["uuid"])
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
        "delete_on_termination": bool(want.boot.delete_on_termination),
        "device_type": want.boot.device_type,
        "disk_bus": want.boot.disk_bus,
        "tag": want.boot.tag,
    }
    server = {
        "name": want.name,
        "flavorRef": found.flavor.id if found.flavor else None,
        "block_device_mapping_v2": [{key: value for key, value in root.items() if value is not None}, *devices],
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


def _delete_doubles(want: Wanted, found: Found, boot: Volume) -> list[Request]:
    """The boot volumes that another run made at the same time, and that nobody uses."""
    doubles = [
        one
        for one in found.boot.volumes
        if one.id != boot.id and one.metadata.get(_BOOT_OF) == want.name and one.status == "available"
    ]
    return [
        Request(
            f"delete the second volume {one.name} ({one.id})", "block_storage", "DELETE", f"/volumes/{one.id}", "volume", one.id
        )
        for one in doubles
    ]


# Change


def _plan_update(want: Wanted, server: Server, found: Found) -> Plan:
    subject = f"server {want.label}"
    view = server_record.described(server)
    if server.status == "ERROR" and want.recreate == "on_error":
        return _plan_replacement(want, server, found)
    if server.status == "ERROR":
        raise Refused(
            f"Failed to set up {subject}: it is in ERROR, and Nova says «{server.fault or 'nothing'}». Repair that, or permit to create it anew (recreate=on_error)."
        )
    if server.status == "DELETED" or server.task == "deleting":
        return Plan(subject, {}, view, waiting=f"{subject}, which is being deleted, to be gone")
    if server.status == "VERIFY_RESIZE":
        return _plan_verdict(want, server, found)
    if server.is_busy:
        return Plan(subject, view, view, waiting=f"{subject} ({server.status}) to come to rest")
    if _is_replaced(want, server, found):
        return _plan_replacement(want, server, found)
    change = _flavor_change(want, server, found) or _image_change(want, server, found)
    if change:
        return change
    return _plan_details(want, server, found)


def _differs_in_flavor(server: Server, found: Found) -> bool:
    return found.flavor is not None and found.flavor.name != server.flavor


def _differs_in_image(want: Wanted, found: Found) -> bool:
    boot, source = _boot_volume(want, found), found.boot.source
    return bool(want.boot.image and boot and source and boot.image_id != source.id)


def _is_replaced(want: Wanted, server: Server, found: Found) -> bool:
    if server.is_busy or server.status == "VERIFY_RESIZE":
        return False
    by_flavor = want.on_flavor_change == "replace" and _differs_in_flavor(server, found)
    return (
        by_flavor
        or (want.on_image_change == "replace" and _differs_in_image(want, found))
        or (server.status == "ERROR" and want.recreate == "on_error")
    )


def _plan_replacement(want: Wanted, server: Server, found: Found) -> Plan:
    """Note the addresses, let go of the disks, delete the server. When it is gone, the next look finds none and makes it anew."""
    what = f"replace server {want.label}"
    boot = _boot_volume(want, found)
    if boot is None or boot.id not in server.disks:
        raise Refused(
            f"Failed to {what}: its boot volume {want.disk.label} is not attached to it. Name the volume that it boots from."
        )
    if found.flavor:
        server_needs.check_flavor(found.flavor, want.flavor_denylist, what)
        _check_bare_metal(want, found.flavor, boot, what)
    notes = server_address.notes(found.addresses)
    steps: list[Request] = []
    if notes and any(boot.metadata.get(key) != value for key, value in notes.items()):
        path = f"/volumes/{boot.id}/metadata"
        steps.append(
            Request(
                f"note the addresses of server {server.name}",
                "block_storage",
                "POST",
                path,
                "volume",
                boot.id,
                {"metadata": notes},
            )
        )
    steps += [_keep(server, disk, False) for disk, goes in server.disks.items() if goes]
    steps.append(replace(_delete(server), what=f"delete server {server.name} to create it anew", once=True))
    after = replace(server, status="ACTIVE", flavor=found.flavor.name if found.flavor else server.flavor, fault="")
    return Plan(
        f"server {want.label}",
        server_record.described(server),
        server_record.described(after),
        tuple(steps),
        f"server {want.label} to be gone",
    )


def _flavor_change(want: Wanted, server: Server, found: Found) -> Plan | None:
    if not _differs_in_flavor(server, found) or found.flavor is None:
        return None
    subject, flavor = f"server {want.label}", found.flavor
    if want.on_flavor_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: its flavor is {server.flavor}, and {flavor.name} is wanted. "
            "Permit the change with on_flavor_change: resize, or replace (delete the server, keep its disk and addresses, create it anew)."
        )
    server_needs.check_flavor(flavor, want.flavor_denylist, f"resize {subject}")
    after = server_record.described(replace(server, flavor=flavor.name))
    request = _act(
        server, f"resize server {server.name} from {server.flavor} to {flavor.name}", {"resize": {"flavorRef": flavor.id}}
    )
    return Plan(subject, server_record.described(server), after, (replace(request, once=True),), f"{subject} to be resized")


def _plan_verdict(want: Wanted, server: Server, found: Found) -> Plan:
    """Confirm a resize to the wanted flavor, and revert any other: a run may have ended between."""
    subject = f"server {want.label}"
    right = want.flavor is None or not _differs_in_flavor(server, found)
    word, action = ("confirm", "confirmResize") if right else ("revert", "revertResize")
    request = _act(server, f"{word} the resize of server {server.name}", {action: None})
    return Plan(
        subject,
        server_record.described(server),
        server_record.described(replace(server, status="ACTIVE")),
        (request,),
        f"{subject} to come to rest",
    )


def _image_change(want: Wanted, server: Server, found: Found) -> Plan | None:
    if not _differs_in_image(want, found) or found.boot.source is None:
        return None
    subject, image = f"server {want.label}", found.boot.source
    if want.on_image_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: its boot volume was not made from image {image.name}. "
            "Permit the change with on_image_change: reimage, or replace. Both overwrite or replace the disk."
        )
    if found.flavor and found.flavor.bare_metal:
        raise Refused(
            f"Failed to reimage {subject}: flavor {found.flavor.name} is bare metal, and Ironic does not rebuild from volumes. Use replace."
        )
    request = _act(server, f"reimage server {server.name} with image {image.name}", {"rebuild": {"imageRef": image.id}})
    view = server_record.described(server)
    return Plan(subject, view, {**view, "image": image.id}, (replace(request, once=True),), f"{subject} to be reimaged")


def _plan_details(want: Wanted, server: Server, found: Found) -> Plan:
    """What is changed in place."""
    boot = _boot_volume(want, found)
    steps: list[Request] = []
    metadata = merged(server.metadata, want.metadata)
    written = {key: value for key, value in metadata.items() if server.metadata.get(key) != value}
    path = f"/servers/{server.id}"
    if written:
        what = f"set metadata {', '.join(sorted(written))} of server {server.name}"
        steps.append(Request(what, "compute", "POST", f"{path}/metadata", "server", server.id, {"metadata": written}))
    for key in sorted(set(server.metadata) - set(metadata)):
        steps.append(
            Request(
                f"remove metadata {key} of server {server.name}",
                "compute",
                "DELETE",
                f"{path}/metadata/{quote(key, safe='')}",
                "server",
                server.id,
            )
        )
    disks = dict(server.disks)
    for disk, goes in _wanted_disks(want, server, found, boot):
        if disk not in disks:
            steps.append(_attach(server, disk, bool(goes)))
        elif goes is not None and disks[disk] != goes:
            steps.append(_keep(server, disk, goes))
        disks[disk] = disks.get(disk, False) if goes is None else goes
    if boot and boot.id in server.disks:
        steps += [
            Request(
                f"remove the note {key} of volume {boot.name}",
                "block_storage",
                "DELETE",
                f"/volumes/{boot.id}/metadata/{key}",
                "volume",
                boot.id,
            )
            for key in server_address.notes_in(boot.metadata)
        ]
    status = _STATUS.get(want.state, server.status)
    after = replace(server, status=status, metadata=metadata, disks=disks)
    waiting = ""
    if status != server.status:
        action = {"os-start": None} if status == "ACTIVE" else {"os-stop": None}
        steps.append(_act(server, f"{'start' if status == 'ACTIVE' else 'stop'} server {server.name}", action))
        waiting = f"server {server.name} to be {want.state}"
    warnings = tuple(_drift(want, server, boot))
    return Plan(
        f"server {want.label}", server_record.described(server), server_record.described(after), tuple(steps), waiting, warnings
    )


def _wanted_disks(want: Wanted, server: Server, found: Found, boot: Volume | None) -> list[tuple[str, bool | None]]:
    """The volumes that the server should have, and whether each goes with it. Others that are attached are left alone."""
    wanted_disks: list[tuple[str, bool | None]] = []
    if boot and boot.id in server.disks:
        wanted_disks.append((boot.id, want.boot.delete_on_termination))
    for one in want.block_devices:
        if one["source_type"] != "volume":
            continue
        name = str(one["uuid"])
        seen = volume_record.only(found.disks[name], name)
        if seen is None:
            raise Refused(
                f"Failed to attach volume {name} to server {server.name}: Cinder shows none of that name. Create it first (bfv.openstack.bfv_volume)."
            )
        if seen.id not in server.disks:
            volume_record.check_attachable(seen, (server.id,), boots=False, what=f"attach volume {name} to server {server.name}")
        wanted_disks.append((seen.id, one.get("delete_on_termination")))
    return wanted_disks


def _drift(want: Wanted, server: Server, boot: Volume | None) -> list[str]:
    """What differs and cannot be changed in place."""
    drift = [
        f"{name} is {found or 'none'}, and {wanted} is wanted"
        for name, found, wanted in (
            ("key_name", server.key_name, want.key_name),
            ("availability_zone", server.availability_zone, want.availability_zone),
        )
        if wanted is not None and wanted != found
    ]
    if want.security_groups is not None and set(want.security_groups) != server.security_groups:
        drift.append(
            f"security_groups are {', '.join(sorted(server.security_groups)) or 'none'}, and {', '.join(want.security_groups) or 'none'} are wanted"
        )
    if want.boot.volume and (boot is None or boot.id not in server.disks):
        drift.append(f"it does not have volume {want.boot.volume}, and a server's boot volume cannot be exchanged")
    return [f"server {server.name}: {one}; it was left as it is" for one in drift]


# Absence


def _plan_absence(want: Wanted, server: Server | None, found: Found) -> Plan:
    subject = f"server {want.label}"
    boot = _boot_volume(want, found)
    if server is None:
        left = boot if boot and want.boot_volume_on_delete == "delete" else None
        return volume.plan(volume.Wanted(id=left.id, state="absent"), volume.Found((left,))) if left else Plan(subject, {}, {})
    view = server_record.described(server)
    if server.status == "DELETED" or server.task == "deleting":
        return Plan(subject, {}, {}, waiting=f"{subject} to be gone")
    goes = {"keep": False, "delete": True}.get(want.boot_volume_on_delete)
    steps = [_keep(server, boot.id, goes)] if boot and goes is not None and server.disks.get(boot.id, goes) != goes else []
    return Plan(subject, view, {}, (*steps, _delete(server)), f"{subject} to be gone")


# Requests


def _act(server: Server, what: str, action: Mapping[str, object]) -> Request:
    return Request(what, "compute", "POST", f"/servers/{server.id}/action", "server", server.id, dict(action))


def _delete(server: Server) -> Request:
    return Request(f"delete server {server.name}", "compute", "DELETE", f"/servers/{server.id}", "server", server.id)


def _keep(server: Server, disk: str, goes: bool) -> Request:
    """Whether a volume goes with its server (microversion 2.85)."""
    body = {"volumeAttachment": {"volumeId": disk, "delete_on_termination": goes}}
    what = f"{'delete' if goes else 'keep'} volume {disk} when server {server.name} is deleted"
    return Request(what, "compute", "PUT", f"/servers/{server.id}/os-volume_attachments/{disk}", "server", server.id, body)


def _attach(server: Server, disk: str, goes: bool) -> Request:
    body = {"volumeAttachment": {"volumeId": disk, "delete_on_termination": goes}}
    return Request(
        f"attach volume {disk} to server {server.name}",
        "compute",
        "POST",
        f"/servers/{server.id}/os-volume_attachments",
        "server",
        server.id,
        body,
    )


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The server and its boot volume as a module returns them, or None where there is none."""
    boot = _boot_volume(want, found)
    return {
        "server": server_record.view(found.servers[0]) if found.servers else None,
        "volume": volume_record.view(boot) if boot else None,
    }
