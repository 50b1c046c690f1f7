# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is there: what is changed in place, and what is only told. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.merge import merged
from ...values.plan import Plan, Request
from ..volume import record as volume_record
from ..volume.record import REPLACES as TAKES_PLACE_OF
from ..volume.removal import plan_removal
from . import needs, power, record, requests, rivals, root, states
from .detachment import plan_detachment
from .disk import differs
from .drift import drift
from .found import (
    Found,
    differs_in_boot_volume,
    differs_in_flavor,
    differs_in_image,
    found_no_node,
    has,
    is_replaced,
    label,
    named,
    stays_or_goes,
)
from .record import Server
from .release import plan_release
from .removal import back
from .replacement import plan_end, plan_replacement
from .resize import plan_resize, plan_verdict
from .stage import Stage
from .wanted import Wanted


def plan_update(want: Wanted, server: Server, found: Found, made: Collection[str]) -> Stage:
    subject, view = f"server {want.label}", record.described(server)
    if server.is_going:
        return Stage(Plan(subject, {}, view, waiting=f"{subject}, which is being deleted, to be gone"))
    if surplus := _plan_surplus(server, found, made):
        return surplus
    if server.status == "ERROR" and (want.recreate == "never" or server.id in made) and not found_no_node(server, found):
        boots = f" Its disk is volume {label(found.root, found)}." if found.root else ""
        raise Refused(
            f"Failed to set up {record.called(server)}: it is in ERROR, and Nova says «{server.fault or 'nothing'}».{boots} "
            "Repair that, or permit to create it anew around its disk (recreate=on_error)."
        )
    if server.status == "SOFT_DELETED":
        raise Refused(f"Failed to set up {record.called(server)}: {states.why(server.status, server.id)}")
    if server.is_busy:
        return Stage(Plan(subject, view, view, waiting=f"{subject} ({server.status}) to come to rest"))
    if server.status == "VERIFY_RESIZE" and (verdict := plan_verdict(want, server, found)):
        return verdict
    if server.status in ("ACTIVE", "SHUTOFF") and (end := plan_end(want, server, found)):
        return end
    if way := power.plan_way_back(want, server, found):
        return replace(way, plan=replace(way.plan, warnings=tuple(drift(want, server, found))))
    _check_at_rest(want, server, found)
    if is_replaced(want, server, found):
        return plan_replacement(want, server, found, made)
    if undone := back(want, server, found):
        return undone
    _check_boot_volume(want, server, found)
    if deep := plan_resize(want, server, found) or plan_reimage(want, server, found):
        return deep
    if detached := plan_detachment(want, server, found):
        return detached
    missing = [one for ones in found.disks.values() for one in ones if one.id not in server.disks]
    what = f"attach volumes to server {server.name}"
    return plan_release(subject, view, missing, found, what) or _plan_details(want, server, found)


def _plan_surplus(server: Server, found: Found, made: Collection[str]) -> Stage | None:
    """A disk that this run made while another run made one too, and booted the server from that: it removes its own.

    Which one the server boots from has to be certain: of one that has no host, yet or any more, Nova shows no volumes.
    """
    if found.root is None or server.is_busy:
        return None
    for one in found.boot.volumes:
        needed = one.id in server.disks or one.attached_to or one.metadata.get(TAKES_PLACE_OF) == found.root
        if one.is_made_by(made) and not needed:
            what = f"volume {one.name} ({one.id})"
            return Stage(plan_removal(what, one, permits.created(one.id, made, one.mark), (), cascade=False))
    return None


def _check_at_rest(want: Wanted, server: Server, found: Found) -> None:
    """Refuse in a state that is unknown, or from which it is not certain what becomes of the server, what goes deeper than details."""
    permitted = (
        ("flavor", want.on_flavor_change, differs_in_flavor(server, found)),
        ("image", want.on_image_change, differs_in_image(server, found)),
        ("boot volume", want.on_boot_volume_change, differs_in_boot_volume(want, server, found)),
    )
    differs = [name for name, how, does in permitted if does and how != "fail"]
    if differs and not states.of(server.status).rests:
        raise Refused(
            f"Failed to change the {' and '.join(differs)} of {record.called(server)}: {states.why(server.status, server.id)}"
        )


def _check_boot_volume(want: Wanted, server: Server, found: Found) -> None:
    """Refuse another boot disk that the task names and does not permit to be exchanged."""
    if differs_in_boot_volume(want, server, found):
        boots = f"volume {label(found.root, found)}" if found.root else f"one of the volumes {', '.join(server.disks)}"
        raise Refused(
            f"Failed to set up server {want.label}: it boots from {boots}, and {want.boot.volume} is wanted. "
            "Permit the change with on_boot_volume_change: replace (delete the server, keep all its disks and addresses, create it anew)."
        )


def plan_reimage(want: Wanted, server: Server, found: Found) -> Stage | None:
    """Another image onto the disk, where another one is wanted. Raises Refused."""
    source, disk = found.boot.source, found.root_disk
    if source is None or disk is None or not differs(disk, source):
        return None
    subject = f"server {want.label}"
    if want.on_image_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: its boot volume was not made from image {source.name}. "
            "Permit the change with on_image_change: reimage, or replace. Both overwrite or replace the disk."
        )
    what = f"reimage {record.called(server)}"
    if server.bare_metal:
        raise Refused(
            f"Failed to {what}: it is bare metal, and Ironic does not rebuild from volumes. Use on_image_change: replace."
        )
    requests.check_unlocked(server, what)
    overwritten = permits.root(disk.id, found.root, "on_image_change: reimage")
    words = f"reimage server {server.name} ({server.id}) with image {source.name}"
    request = requests.destructive(server, named(want, found), words, {"rebuild": {"imageRef": source.id}}, overwritten)
    view = record.described(server)
    plan = Plan(subject, view, {**view, "image": source.id}, (replace(request, once=True),), f"{subject} to be reimaged")
    volumes = tuple(replace(one, image_id=source.id) if one.id == disk.id else one for one in found.boot.volumes)
    return Stage(plan, replace(found, boot=replace(found.boot, volumes=volumes)), {"image": source.id})


def _plan_details(want: Wanted, server: Server, found: Found) -> Stage:
    """What is changed in place."""
    steps: list[Request] = []
    renamed = replace(server, name=want.name or server.name)
    if renamed.name != server.name:
        steps.append(requests.rename(server, renamed.name))
    labelled = renamed
    if want.description is not None and want.description != (server.description or ""):
        steps.append(requests.describe(renamed, want.description))
        labelled = replace(labelled, description=want.description)
    if want.tags is not None and set(want.tags) != set(server.tags):
        steps.append(requests.set_tags(renamed, want.tags))
        labelled = replace(labelled, tags=want.tags)
    metadata = merged(server.metadata, want.metadata)
    written = {key: value for key, value in metadata.items() if server.metadata.get(key) != value}
    if metadata != server.metadata:
        what = f"change the metadata of server {server.name}"
        requests.check_takes(server, "metadata", what)
        if len(metadata) > len(server.metadata):
            needs.check_metadata(found.limits, len(metadata), what)
    if written:
        steps.append(requests.set_metadata(renamed, written))
    steps += [requests.remove_metadata(renamed, key) for key in sorted(set(server.metadata) - set(metadata))]
    disks = dict(server.disks)
    for disk, goes, tag in _wanted_disks(want, renamed, found):
        if disk not in disks:
            steps.append(requests.attach(renamed, disk, bool(goes), tag))
        elif goes is not None and disks[disk] != goes:
            steps.append(stays_or_goes(want, renamed, found, disk, goes))
        disks[disk] = disks.get(disk, False) if goes is None else goes
    state, waiting = power.switch(want, renamed, found)
    steps += state
    status = states.STATUS[want.state] if state else server.status
    after = record.described(replace(labelled, status=status, metadata=metadata, disks=disks))
    warnings = tuple(drift(want, server, found))
    return Stage(Plan(f"server {want.label}", record.described(server), after, tuple(steps), waiting, warnings))


def _wanted_disks(want: Wanted, server: Server, found: Found) -> list[tuple[str, bool | None, str | None]]:
    """The volumes that the server should have, whether each goes with it, and its tag. Others that are attached are left alone."""
    wanted_disks: list[tuple[str, bool | None, str | None]] = []
    if want.boot.delete_on_termination is not None and server.disks:
        root.check(server, found.root, f"set boot.delete_on_termination of server {server.name}")
    if found.root is not None and has(want, server, found):
        wanted_disks.append((found.root, want.boot.delete_on_termination, None))
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
            what = f"attach volume {name} to server {server.name}"
            requests.check_takes(server, "volumes", what)
            rivals.check([seen], found.rivals, what)
            volume_record.check_attachable(seen, (server.id,), boots=False, what=what)
        wanted_disks.append((seen.id, one.get("delete_on_termination"), one.get("tag")))
    return wanted_disks
