# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A server that is there: what is changed in place, and what replaces it around its disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from ..values.errors import Refused
from ..values.merge import merged
from ..values.plan import Plan, Request
from . import server_address, server_needs, server_record, volume, volume_record
from .server_creation import delete_others, plan_creation
from .server_found import Found, attached_boot, boot_volume, differs_in_flavor, differs_in_image, is_replaced
from .server_record import Server
from .server_wanted import BOOT_OF, Wanted
from .volume_record import Volume

_STATUS = {"started": "ACTIVE", "stopped": "SHUTOFF"}


def plan_update(want: Wanted, server: Server, found: Found) -> Plan:
    subject = f"server {want.label}"
    view = server_record.described(server)
    if server.is_going:
        return Plan(subject, {}, view, waiting=f"{subject}, which is being deleted, to be gone")
    if server.status == "ERROR" and want.recreate == "never":
        raise Refused(
            f"Failed to set up {subject}: it is in ERROR, and Nova says «{server.fault or 'nothing'}». "
            "Repair that, or permit to create it anew (recreate=on_error)."
        )
    if server.status == "VERIFY_RESIZE":
        return _plan_verdict(want, server, found)
    if server.is_busy:
        return Plan(subject, view, view, waiting=f"{subject} ({server.status}) to come to rest")
    if is_replaced(want, server, found):
        return _plan_replacement(want, server, found)
    change = _flavor_change(want, server, found) or _image_change(want, server, found)
    if change:
        return change
    return _plan_details(want, server, found)


def _plan_replacement(want: Wanted, server: Server, found: Found) -> Plan:
    """Note what only the server knows, let go of the disks, delete it. When it is gone, the next look finds none and makes it anew.

    For another image the new disk is made before: a server whose new disk cannot be made stays as it is.
    """
    subject = f"server {want.label}"
    disk = attached_boot(server, found)
    _check_replacement(want, server, found, disk)
    view = server_record.described(server)
    after = server_record.described(replace(server, status="ACTIVE", flavor=found.flavor.name if found.flavor else server.flavor))
    steps: list[Request] = []
    old = disk
    if differs_in_image(server, found):
        new = boot_volume(want, found)
        made = volume.plan(want.disk, replace(found.boot, volumes=(new,) if new else ()))
        if not made.settled:
            return replace(made, subject=subject, before=view, after={**after, "image": want.boot.image})
        disk = new
        steps += _note(old, {BOOT_OF: server.name}, f"mark the old disk of server {server.name}")
    notes = {BOOT_OF: server.name, **server_address.notes(found.addresses, _went(server, disk, old))}
    steps += _note(disk, notes, f"note the addresses of server {server.name}")
    steps += [_keep(server, one, False) for one, goes_too in server.disks.items() if goes_too]
    steps.append(replace(_delete(server), what=f"delete server {server.name} to create it anew", once=True))
    return Plan(subject, view, after, tuple(steps), f"{subject} to be gone")


def _note(disk: Volume | None, notes: Mapping[str, str], what: str) -> list[Request]:
    """Write notes into the metadata of a disk, where they are not there yet."""
    if disk is None or all(disk.metadata.get(key) == value for key, value in notes.items()):
        return []
    return [Request(what, "block_storage", "POST", f"/volumes/{disk.id}/metadata", "volume", disk.id, {"metadata": dict(notes)})]


def _went(server: Server, *disks: Volume | None) -> bool:
    """Whether the disk goes with the server. A run that ended between has noted it, and then let go of the disk."""
    noted = [disk for disk in disks if disk and server_address.notes_in(disk.metadata)]
    return server_address.goes(noted[0].metadata) if noted else any(server.disks.get(disk.id, False) for disk in disks if disk)


def _check_replacement(want: Wanted, server: Server, found: Found, disk: Volume | None) -> None:
    """Refuse before the server is deleted what could not be created again, or would lose a disk."""
    what = f"replace server {want.label}"
    if not server.boots_from_volume:
        raise Refused(f"Failed to {what}: it boots from a local disk, which would be lost. Make a volume of that disk first.")
    if disk is None:
        raise Refused(
            f"Failed to {what}: its boot volume {want.disk.label} is not attached to it. Name the volume that it boots from."
        )
    named = {one.id for name in found.disks for one in found.disks[name]}
    unnamed = [one for one in server.disks if one != disk.id and one not in named]
    if unnamed:
        raise Refused(
            f"Failed to {what}: it has volumes that the new one would not get ({', '.join(unnamed)}). Name them in block_devices, or detach them."
        )
    free = {name: tuple(_released(one, server) for one in ones) for name, ones in found.disks.items()}
    boot = replace(found.boot, volumes=tuple(_released(one, server) for one in found.boot.volumes))
    plan_creation(want, replace(found, servers=(), boot=boot, disks=free))


def _released(volume: Volume, server: Server) -> Volume:
    """The volume once the server is gone."""
    if volume.id not in server.disks:
        return volume
    holders = tuple(holder for holder in volume.attached_to if holder != server.id)
    return replace(volume, attached_to=holders, status="in-use" if holders else "available")


def _flavor_change(want: Wanted, server: Server, found: Found) -> Plan | None:
    if not differs_in_flavor(server, found) or found.flavor is None:
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
    right = want.flavor is None or not differs_in_flavor(server, found)
    if not right and want.on_flavor_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: it is resized to {server.flavor}, which waits for its confirmation. Confirm or revert it first."
        )
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
    if not differs_in_image(server, found) or found.boot.source is None:
        return None
    subject, image = f"server {want.label}", found.boot.source
    if want.on_image_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: its boot volume was not made from image {image.name}. "
            "Permit the change with on_image_change: reimage, or replace. Both overwrite or replace the disk."
        )
    if server.bare_metal:
        raise Refused(
            f"Failed to reimage {subject}: it is bare metal, and Ironic does not rebuild from volumes. Use on_image_change: replace."
        )
    request = _act(server, f"reimage server {server.name} with image {image.name}", {"rebuild": {"imageRef": image.id}})
    view = server_record.described(server)
    return Plan(subject, view, {**view, "image": image.id}, (replace(request, once=True),), f"{subject} to be reimaged")


def _plan_details(want: Wanted, server: Server, found: Found) -> Plan:
    """What is changed in place."""
    boot = attached_boot(server, found)
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
        steps += delete_others(want, found, boot)
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
        if seen.id not in server.disks and server.bare_metal:
            raise Refused(
                f"Failed to attach volume {name} to server {server.name}: it is bare metal, to which Nova attaches nothing later. Create it with the volume."
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
    if boot and want.boot.size is not None and want.boot.size != boot.size:
        drift.append(
            f"its boot volume has {boot.size} GiB, and boot.size is {want.boot.size} (bfv.openstack.bfv_volume changes it)"
        )
    if boot and want.boot.volume_type is not None and want.boot.volume_type not in (boot.volume_type, boot.volume_type_id):
        drift.append(
            f"its boot volume has type {boot.volume_type}, and boot.volume_type is {want.boot.volume_type} (bfv.openstack.bfv_volume changes it)"
        )
    if not server.boots_from_volume:
        drift.append("it boots from a local disk, and not from a volume")
    elif want.boot.volume and (boot is None or boot.id not in server.disks):
        drift.append(f"it does not have volume {want.boot.volume}, and a server's boot volume cannot be exchanged")
    return [f"server {server.name}: {one}; it was left as it is" for one in drift]


def plan_absence(want: Wanted, server: Server | None, found: Found) -> Plan:
    subject = f"server {want.label}"
    boot = attached_boot(server, found) if server else boot_volume(want, found)
    if server is None:
        ours = boot and (want.boot.volume or want.boot.volume_name or boot.metadata.get(BOOT_OF) == want.name)
        left = boot if ours and want.boot_volume_on_delete == "delete" else None
        return volume.plan(volume.Wanted(id=left.id, state="absent"), volume.Found((left,))) if left else Plan(subject, {}, {})
    view = server_record.described(server)
    if server.is_going:
        return Plan(subject, {}, {}, waiting=f"{subject} to be gone")
    goes = {"keep": False, "delete": True}.get(want.boot_volume_on_delete)
    steps = [_keep(server, boot.id, goes)] if boot and goes is not None and server.disks.get(boot.id, goes) != goes else []
    return Plan(subject, view, {}, (*steps, _delete(server)), f"{subject} to be gone")


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
