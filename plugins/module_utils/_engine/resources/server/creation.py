# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new server: its disk first, and then the server that boots from it, from a blueprint where it takes the place of another one. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...values.errors import Refused
from ...values.merge import merged
from ...values.plan import Plan, Request
from ..volume import plan as volume
from ..volume import record as volume_record
from ..volume.record import Volume
from . import blueprint, needs, networks, note, ports, preflight, record, rivals
from .blueprint import Blueprint
from .disk import Disk, is_made_for
from .disk import of as disk_of
from .found import Found, predecessor
from .needs import Flavor
from .note import Note
from .record import REPLACES, TO_COME, Server
from .release import plan_release, without_hold
from .stage import Stage
from .wanted import Wanted

# What Nova takes for a host name up to microversion 2.93 (nova/api/validation/parameter_types.py).
_HOSTNAME = re.compile(r"[a-zA-Z0-9-]{1,63}")
_LETTING_GO = ("reserved", "detaching", "in-use")


@dataclass(frozen=True)
class _Place:
    """The place that the new server takes: that of one which is gone, as its disk tells."""

    disk: Volume
    note: Note
    blueprint: Blueprint


def plan_creation(want: Wanted, found: Found, made: Collection[str]) -> Stage:
    """Create the server, in the place of one that is gone where its disk tells so. A disk of that one that is kept is returned. Raises Refused."""
    if want.name is None or want.id is not None:
        raise Refused(f"Failed to find server {want.id}: Nova shows none with that id. Give a name, and no id, to create one.")
    place = _place(want, found)
    return _plan(want, place, found, made).returning(note.kept(place.disk, place.note) if place else {})


def _plan(want: Wanted, place: _Place | None, found: Found, made: Collection[str]) -> Stage:
    subject, what = f"server {want.label}", f"create server {want.label}"
    wish = blueprint.wished(want, place.blueprint) if place else want
    if found.flavor is None:
        raise Refused(f"Failed to {what}: no flavor is given. Give flavor.")
    old = _booted_before(place, found)
    if not want.boots and old is None:
        raise Refused(f"Failed to {what}: it has nothing to boot from. Give boot.volume, boot.image or boot.snapshot.")
    needs.check_flavor(found.flavor, want.flavor_denylist, what)
    hints = _checked(wish, place, found, found.flavor, what)
    disk = disk_of(want, found.boot, old, made, what)
    needs.check_memory(found.flavor, disk.expected, what)
    volumes = [*([disk.there] if disk.there else []), *(one for ones in found.disks.values() for one in ones)]
    rivals.check(volumes, found.rivals, what)
    if release := plan_release(subject, {}, volumes, found, what):
        return release
    preflight.check_made(_new_ones(want, place), found.sources, found.boot.needs, None if disk.there else disk.expected, what)
    devices = _devices(wish, place, found, what)
    tells = _told(place)
    let_go = _still_held(want, disk, place, found)
    server = _server(wish, found, disk.expected, devices, place)
    after = record.described(server)
    if let_go:
        plan = Plan(subject, {}, after, waiting=f"volume {let_go.name or let_go.id} to be released")
        return Stage(plan, without_hold(let_go, found), tells)
    _check_bare_metal(wish, found.flavor, disk.expected, what)
    volume_record.check_attachable(disk.expected, (), boots=True, what=what)
    if not disk.plan.settled:
        waiting = disk.plan.waiting or f"volume {disk.expected.name} to be ready"
        plan = Plan(subject, {}, after, disk.plan.steps, waiting, disk.plan.warnings, disk.plan.then)
        return Stage(plan, with_disk(found, disk), tells)
    rests = [] if place else [request for one in found.noted for request in note.remove(one)]
    steps = (*rests, _create(wish, found, disk.expected, devices, place, hints))
    warnings = (*disk.plan.warnings, *_groups_without_ports(want, place))
    plan = Plan(subject, {}, after, steps, f"{subject} to become active", warnings)
    return Stage(plan, _with_server(found, server, disk, place), tells)


def _checked(want: Wanted, place: _Place | None, found: Found, flavor: Flavor, what: str) -> dict[str, object]:
    """The scheduler's hints. Raises Refused for all that Nova would refuse when the disk is made."""
    preflight.check_texts(want, what)
    preflight.check_zone(want.availability_zone, found.zones, what)
    preflight.check_local_disks(_new_ones(want, place), flavor, what)
    needs.check_instances(found.limits, what)
    needs.check_limits(found.limits, flavor, 0, 0, what)
    needs.check_metadata(found.limits, len(_metadata(want, place)), what)
    needs.check_ports(found.limits, networks.new_ports(want.networks), what)
    return preflight.hints(want, found.server_groups, what)


def _place(want: Wanted, found: Found) -> _Place | None:
    takes = predecessor(want, found)
    return _Place(takes[0], takes[1], takes[1].blueprint) if takes and takes[1].blueprint else None


def _booted_before(place: _Place | None, found: Found) -> Volume | None:
    """The disk that the note says is booted from, or else the one that it is on."""
    if place is None:
        return None
    return next((one for one in found.boot.volumes if one.id == place.note.boots), place.disk)


def _told(place: _Place | None) -> dict[str, object]:
    if place is None:
        return {}
    return {"takes_the_place_of": place.note.label, "carries_over": blueprint.carried(place.blueprint)}


def _still_held(want: Wanted, disk: Disk, place: _Place | None, found: Found) -> Volume | None:
    """A volume that the server before is just letting go of: Nova shows the server no more a moment earlier."""
    boot = disk.there
    if boot and boot.status == "reserved" and is_made_for(boot, want.name):
        return boot
    if place is None:
        return None
    data = [one for disk in place.blueprint.disks for one in found.disks.get(disk.id, ())]
    ones = [*([boot] if boot else []), *data]
    return next((one for one in ones if one.status in _LETTING_GO and set(one.attached_to) <= {place.note.server}), None)


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


def _devices(want: Wanted, place: _Place | None, found: Found, what: str) -> list[dict[str, object]]:
    """The further disks as Nova takes them: those that were there, and those that are wished for.

    What Nova makes of an image, a snapshot or nothing is made with a server once; such volumes are among those that were there.
    """
    there = place.blueprint.disks if place else ()
    devices = [_device(one, found, what) for one in _new_ones(want, place)]
    named = {str(one["uuid"]): one for one in devices if one["source_type"] == "volume"}
    kept = [
        _device({**_data_disk(one), **_without_none({"tag": one.tag}), **named.pop(one.id, {})}, found, what) for one in there
    ]
    rest = [one for one in devices if one["source_type"] != "volume" or one["uuid"] in named]
    return [*kept, *rest]


def _new_ones(want: Wanted, place: _Place | None) -> list[Mapping[str, Any]]:
    return [one for one in want.block_devices if not place or one["source_type"] == "volume" or _is_local(one)]


def _data_disk(one: blueprint.Disk) -> dict[str, object]:
    volume_to_volume = {"source_type": "volume", "destination_type": "volume", "boot_index": -1}
    return {**volume_to_volume, "uuid": one.id, "delete_on_termination": one.goes}


def _is_local(one: Mapping[str, Any]) -> bool:
    return bool(one["destination_type"] == "local")


def _device(one: Mapping[str, Any], found: Found, what: str) -> dict[str, object]:
    """A further disk as Nova takes it, what it is made from by id."""
    if one["source_type"] == "blank":
        return dict(one)
    name = str(one["uuid"])
    if one["source_type"] != "volume":
        return {**one, "uuid": found.sources[str(one["source_type"]), name].id}
    known = {**found.disks, **{seen.id: (seen,) for ones in found.disks.values() for seen in ones}}
    seen = volume_record.only(known[name], name)
    if seen is None:
        raise Refused(f"Failed to {what}: Cinder shows no volume {name}. Create it first (bfv.openstack.bfv_volume).")
    volume_record.check_attachable(seen, (), boots=False, what=what)
    return {**one, "uuid": seen.id}


def _create(
    want: Wanted,
    found: Found,
    boot: Volume,
    devices: list[dict[str, object]],
    place: _Place | None,
    hints: Mapping[str, object],
) -> Request:
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
    plan = place.blueprint if place else Blueprint()
    server = {
        "name": want.name,
        "flavorRef": found.flavor.id if found.flavor else None,
        # the root last: Nova reserves the volumes in this order, and lets none go when it refuses a later disk
        "block_device_mapping_v2": [*devices, _without_none(root)],
        "networks": _networks(plan, found) if place else found.networks,
        "key_name": want.key_name,
        "security_groups": [{"name": group} for group in want.security_groups or ()] or None,
        "user_data": base64.b64encode(want.user_data.encode()).decode() if want.user_data else None,
        "config_drive": want.config_drive,
        "availability_zone": want.availability_zone,
        "metadata": _metadata(want, place) or None,
        "description": want.description or None,
        "tags": list(want.tags or ()) or None,
        "hostname": plan.hostname if plan.hostname and _HOSTNAME.fullmatch(plan.hostname) else None,
    }
    body: dict[str, object] = {"server": _without_none(server)}
    if hints:
        body["os:scheduler_hints"] = dict(hints)
    what = f"create server {want.name} from volume {boot.name or boot.id}"
    return Request(what, "compute", "POST", "/servers", "server", body=body, once=True)


def _networks(plan: Blueprint, found: Found) -> str | list[dict[str, str]]:
    return ports.networks(plan.ports, found.alive) if plan.ports else "none"


def _metadata(want: Wanted, place: _Place | None) -> dict[str, str]:
    return {**merged({}, want.metadata), **({REPLACES: place.note.server} if place else {})}


def _groups_without_ports(want: Wanted, place: _Place | None) -> list[str]:
    """Nova gives the groups to the ports that it makes itself (nova/network/neutron.py, allocate_for_instance)."""
    if not want.security_groups or place or not isinstance(want.networks, list):
        return []
    ports = ", ".join(one["port"] for one in want.networks if "port" in one)
    return [f"server {want.label}: security_groups are for ports that Nova makes: port {ports} keeps its own"] if ports else []


def _without_none(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}


# What will be found then


def _server(want: Wanted, found: Found, boot: Volume, devices: list[dict[str, object]], place: _Place | None) -> Server:
    """The server as it will be found."""
    data = {str(one["uuid"]): bool(one.get("delete_on_termination")) for one in devices if one["source_type"] == "volume"}
    return Server(
        TO_COME,
        want.name or "",
        "ACTIVE",
        found.flavor.name if found.flavor else "",
        bare_metal=bool(found.flavor and found.flavor.bare_metal),
        key_name=want.key_name,
        availability_zone=want.availability_zone,
        security_groups=frozenset(want.security_groups or ("default",)),
        description=want.description or None,
        tags=want.tags or (),
        metadata=_metadata(want, place),
        disks={boot.id: bool(want.boot.delete_on_termination), **data},
    )


def with_disk(found: Found, disk: Disk) -> Found:
    """What will be found when the disk is ready."""
    meant = {one.id for one in disk.found.volumes}
    rest = [one for one in found.boot.volumes if one.id not in meant]
    return replace(found, boot=replace(found.boot, volumes=(disk.expected, *rest)))


def _with_server(found: Found, server: Server, disk: Disk, place: _Place | None) -> Found:
    groups, had = (place.blueprint.security_groups, place.blueprint.ports) if place else ((), ())
    has = [ports.made_anew(one, found.alive, groups, found.plugged.get(one.network, ports.Network())) for one in had]
    return replace(
        found,
        servers=(server,),
        root=disk.expected.id,
        boot=volume.Found((disk.expected,), found.boot.source),
        noted=found.noted if place else (),
        others=tuple(replace(one, status="in-use", attached_to=(server.id,)) for one in found.others),
        ports=tuple(has),
        flavor=None,
    )
