# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is deleted and made anew around its disk, or with another one. Pure.

The new server is made from what the old one is. What would refuse is looked for first, and a new disk is made and waited for. Then
all that only the server knows is noted on its disk, its disks are kept, and it is deleted. When the new one works it is given what
Nova does not give it, and only then the old disk goes, where that is its fate.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan, Request
from ..volume.record import REPLACES as TAKES_PLACE_OF
from ..volume.record import Volume, called, check_attachable
from ..volume.removal import DELETABLE, delete
from . import blueprint, needs, note, ports, record, requests, root
from .blueprint import Blueprint
from .creation import plan_creation, with_disk
from .disk import of as disk_of
from .found import Found, blueprint_of, found_no_node, has, is_exchanged, label, named, pending, stays_or_goes
from .node_to_come import once_more
from .note import Note
from .record import REPLACES, Server
from .stage import Stage
from .wanted import Wanted


def plan_replacement(want: Wanted, server: Server, found: Found, made: Collection[str]) -> Stage:
    """Raises Refused before anything is changed where the new server could not be made, or would lose what is not permitted."""
    subject = f"server {want.label}"
    what = f"replace {record.called(server)}"
    old = _checked_root(want, server, found, what)
    plan = blueprint_of(server, found)
    _check_ports(server, plan, found, what)
    if found.flavor:
        needs.check_limits(found.limits, found.flavor, server.vcpus, server.ram, what)
    disk = disk_of(want, found.boot, old, made, what)
    exchanged = is_exchanged(want, server, found)
    if exchanged:
        _check_exchange(want, server, disk.expected, found, what)
    view = record.described(server)
    ready = with_disk(found, disk)
    noted = _noted(server, old, disk.expected, plan, found, exchanged)
    gone = _when_gone(server, ready, noted)
    anew = plan_creation(want, gone, made)  # refuses what could not be created
    tells = {
        "carries_over": blueprint.carried(plan),
        "loses": [*_permitted_losses(want, server, what), *blueprint.changes(plan)],
    }
    if not disk.plan.settled:
        stage = Plan(subject, view, anew.plan.after, disk.plan.steps, disk.plan.waiting, disk.plan.warnings, disk.plan.then)
        return Stage(stage, ready, tells)
    steps: list[Request] = note.write(noted[1], noted[0])
    steps += [requests.set_fate(server, id, False) for id, goes in server.disks.items() if goes]
    stays = dict.fromkeys(server.disks, False)
    why, before, kept = " to create it anew", noted[0], note.kept(*noted)
    if kept:
        why += f" from volume {label(disk.expected.id, ready)}, and keep volume {called(before)}"
    warnings = _told(subject, before, disk.expected) if kept else ()
    steps.append(replace(requests.delete(server, stays, named(want, found), why), once=True))
    deleted = Plan(subject, view, anew.plan.after, tuple(steps), f"{subject} to be gone", warnings)
    way = Stage(deleted, gone, {**tells, **kept}).returning(kept)
    return once_more(server, found.time, way, anew) if found_no_node(server, found) else way


def _checked_root(want: Wanted, server: Server, found: Found, what: str) -> Volume:
    if want.id is not None:
        raise Refused(f"Failed to {what}: the new one would have another id. Give its name, and no id.")
    requests.check_unlocked(server, what)
    if not server.boots_from_volume:
        raise Refused(f"Failed to {what}: it boots from a local disk, which would be lost. Make a volume of that disk first.")
    root.check(server, found.root, what)
    if not has(want, server, found) and not is_exchanged(want, server, found):
        raise Refused(
            f"Failed to {what}: its boot volume {want.boot.volume} is not attached to it as its root. Name the volume that it boots from, "
            "or permit to exchange it (on_boot_volume_change: replace)."
        )
    if found.root_disk is None:
        raise Refused(
            f"Failed to {what}: Cinder does not show its root, volume {found.root}. Use a cloud whose user sees that volume."
        )
    return found.root_disk


def _check_exchange(want: Wanted, server: Server, new: Volume, found: Found, what: str) -> None:
    """Refuse a boot disk that is not free now: what could be let go later would be so when the server is gone."""
    named = {one.id for device in want.block_devices for one in found.disks.get(str(device.get("uuid")), ())}
    if new.id in server.disks or new.id in named:
        detach = (
            f"Detach it first (openstack server remove volume {server.id} {new.id}), and do" if new.id in server.disks else "Do"
        )
        raise Refused(
            f"Failed to {what}: volume {label(new.id, found)} is one of its further disks. {detach} not name it in block_devices."
        )
    held = tuple((one.id, one.server) for one in found.holds if one.volume == new.id)
    check_attachable(replace(new, reserved_by=held), (), boots=True, what=what)


def _told(subject: str, old: Volume, new: Volume) -> tuple[str, ...]:
    """What is told of an exchange. Whether a server may have a volume of another zone, the cloud alone knows (Nova's cross_az_attach)."""
    kept = f"{subject}: its boot volume {old.name} ({old.id}) is kept, and the server boots from another one"
    if new.availability_zone == old.availability_zone:
        return (kept,)
    zones = f"is in zone {new.availability_zone}, and the one before it in {old.availability_zone}"
    return kept, f"{subject}: volume {new.name} ({new.id}) {zones}. Where the cloud does not permit that, name the old one again"


def _permitted_losses(want: Wanted, server: Server, what: str) -> list[str]:
    """What is lost, in words. Raises Refused for what is not permitted."""
    lost = blueprint.losses(server, want)
    refused = {name: words for name, words in lost.items() if name not in want.replace_may_lose}
    if refused:
        give = "Give user_data as it was, or permit" if "user_data" in refused else "Permit"
        raise Refused(
            f"Failed to {what}: the new one would not have {' and '.join(refused.values())}. "
            f"{give} the loss (replace_may_lose: [{', '.join(refused)}])."
        )
    return list(lost.values())


def _check_ports(server: Server, plan: Blueprint, found: Found, what: str) -> None:
    """Refuse addresses that could not be asked for again: only the owner of a network chooses addresses in it.

    neutron/conf/policies/port.py, create_port:fixed_ips:ip_address. Who sees the root device is an administrator, who may.
    """
    for port in plan.ports:
        owner = found.plugged.get(port.network, ports.Network()).owner
        if port.stays or server.root_device or not port.first_ip or owner in (None, server.project_id):
            continue
        raise Refused(
            f"Failed to {what}: Nova made its port with {port.label}, on a network of another project, in which this project cannot choose "
            "an address again. Attach a port of your own in its place first (it then survives), or use a cloud of an administrator."
        )


def _noted(server: Server, old: Volume, new: Volume, plan: Blueprint, found: Found, exchanged: bool) -> tuple[Volume, Note]:
    """What is noted of the server, and on which disk: one that has not quite taken another's place stands in the note about that."""
    takes = pending(server, found)
    disk, about = takes or (old, _note(server, old, new.id, plan, found))
    if not exchanged:
        return disk, about
    # what was to become of the old disk says nothing of one that the task names
    return disk, replace(about, boots=new.id, kept=True, blueprint=replace(plan, root_goes=False))


def _note(server: Server, disk: Volume, boots: str, plan: Blueprint, found: Found) -> Note:
    switched = {**{one.id: one.goes for one in plan.disks}, disk.id: plan.root_goes}
    went = {id: goes for id, goes in switched.items() if goes and id in server.disks}
    return Note(server.id, server.name, disk.id, found.time, went, boots, plan)


def _when_gone(server: Server, found: Found, noted: tuple[Volume, Note]) -> Found:
    """What will be found when the server is gone: its volumes are free, and its disk tells of it."""
    disk, about = noted
    told = disk if note.read(disk) == about else note.noted_on(disk, about)
    boot = [_released(told if one.id == disk.id else one, server) for one in found.boot.volumes]
    plan = about.blueprint or Blueprint()
    return replace(
        found,
        servers=(),
        root=None,
        limits=found.limits.freed(server.vcpus, server.ram) if found.limits else None,
        boot=replace(found.boot, volumes=tuple(boot)),
        noted=(_released(told, server),),
        disks={name: tuple(_released(one, server) for one in ones) for name, ones in found.disks.items()},
        alive=frozenset(port.id for port in plan.ports if port.stays),
        floating=found.floating | ports.freed(plan.ports),
    )


def _released(volume: Volume, server: Server) -> Volume:
    """The volume once the server is gone."""
    if volume.id not in server.disks:
        return volume
    holders = tuple(holder for holder in volume.attached_to if holder != server.id)
    return replace(volume, attached_to=holders, status="in-use" if holders else "available")


# When the new server is there


def plan_end(want: Wanted, server: Server, found: Found) -> Stage | None:
    """What the new server is still to get of the one before it, and what then goes. None where it has taken its place."""
    if REPLACES not in server.metadata:
        return None
    takes = pending(server, found)
    if takes is None or takes[1].blueprint is None:
        rests = [one for one in found.noted if note.read(one) is None or (takes and one is takes[0])]
        return _last(want, server, found, [request for one in rests for request in note.remove(one)])
    disk, plan = takes[0], takes[1].blueprint
    kept = note.kept(*takes)
    steps = ports.restored(server, plan.ports, found.ports, found.floating, with_groups=want.security_groups is None)
    steps += _fates(want, server, plan, found)
    if plan.is_stopped and want.state == "present" and server.status == "ACTIVE":
        return _stopped(want, server, replace(found, ports=plan.ports, floating=frozenset()), steps).returning(kept)
    lets_go = None if kept else _let_go(want, disk, plan, found)
    return _last(want, server, found, [*steps, *([lets_go] if lets_go else note.remove(disk))]).returning(kept)


def _stopped(want: Wanted, server: Server, then: Found, steps: list[Request]) -> Stage:
    """The server before was stopped, and so is the new one. What tells of that goes later: Nova sets no metadata meanwhile."""
    words = f"stop server {server.name} ({server.id}), as the one before it was"
    rests = replace(server, status="SHUTOFF")
    plan = Plan(
        f"server {want.label}",
        record.described(server),
        record.described(rests),
        (*steps, requests.destructive(server, named(want, then), words, {"os-stop": None})),
        f"server {server.name} to be stopped",
    )
    return Stage(plan, replace(then, servers=(rests,)))


def _last(want: Wanted, server: Server, found: Found, steps: list[Request]) -> Stage:
    """The mark that the server takes the place of another one goes when all else is done."""
    placed = replace(server, metadata={key: value for key, value in server.metadata.items() if key != REPLACES})
    steps = [*steps, requests.remove_metadata(server, REPLACES)]
    plan = Plan(f"server {want.label}", record.described(server), record.described(placed), tuple(steps))
    volumes = tuple(note.without(one) for one in found.boot.volumes)
    return Stage(plan, replace(found, servers=(placed,), noted=(), boot=replace(found.boot, volumes=volumes)))


def _fates(want: Wanted, server: Server, plan: Blueprint, found: Found) -> list[Request]:
    """Have the disks go with their server as before, where a run was killed while it replaced this one."""
    goes = {one.id: one.goes for one in plan.disks}
    if want.boot.delete_on_termination is None and found.root:
        goes[found.root] = plan.root_goes
    names = [str(one["uuid"]) for one in want.block_devices if "delete_on_termination" in one and "uuid" in one]
    wished = {seen.id for name in names for seen in found.disks.get(name, ())}
    back = [id for id, now in server.disks.items() if goes.get(id) and not now and id not in wished]
    return [stays_or_goes(want, server, found, id, True) for id in back]


def _let_go(want: Wanted, old: Volume, plan: Blueprint, found: Found) -> Request | None:
    """Delete the disk whose place another one has taken, where an option says so, or it went with its server."""
    if want.on_image_change != "replace":
        return None  # another task finishes what one began that permitted it
    new, fate = found.root_disk, want.boot_volume_on_delete
    goes = plan.root_goes if fate == "as_attached" else fate == "delete"
    if new is None or new.id == old.id or new.metadata.get(TAKES_PLACE_OF) != old.id or not new.is_ours or not goes:
        return None
    if old.attached_to or old.status not in DELETABLE or old.id in found.snapshots:
        return None  # it stays, as a disk of its own
    option = f"on_image_change: replace, boot_volume_on_delete: {fate}"
    permit = permits.replaced(old.id, new.id, replaces=new.metadata.get(TAKES_PLACE_OF), is_ours=new.is_ours, option=option)
    return delete(old, permit)
