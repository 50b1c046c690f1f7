# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers of one call share: volumes and ports that only one can have, and the project's quota of servers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from ...resources.server import networks
from ...resources.server import plan as server
from ...resources.server.found import differs_in_image, going, label
from ...resources.server.needs import Limits
from ...resources.volume.record import Volume, called
from ...values import references
from ...values.errors import BfvError, Refused
from .observe import ServerFound
from .wanted import ABSENT, ServerWanted

Found: TypeAlias = Mapping[str, "ServerFound | BfvError"]

_NAMES = 10


def refuse_second(wants: Iterable[ServerWanted], found: Found) -> dict[str, ServerFound | BfvError]:
    """What was found, with a refusal in place of each server that asks for what another one has before it."""
    owners: dict[str, str] = {}
    judged = dict(found)
    for want in wants:
        seen = found[want.name]
        if isinstance(seen, BfvError) or want.state == ABSENT:
            continue
        for id, what in _own(want, seen):
            owner = owners.setdefault(id, want.name)
            if owner != want.name:
                judged[want.name] = Refused(
                    f"Failed to set up server {want.name}: {what} is asked for by server {owner} as well, and only one can have it. Give each its own."
                )
    return judged


def _own(want: ServerWanted, found: ServerFound) -> Iterator[tuple[str, str]]:
    """What only one server can have: the id of each, and what it is called. A volume that is yet to be made has no id: see wanted.py."""
    for one in _volumes(want, found):
        if not one.multiattach:
            yield one.id, f"volume {called(one)}"
    wanted = found.server.networks
    for network in wanted if isinstance(wanted, list) else ():
        if "port" in network:
            yield network["port"], f"port {network['port']}"


def _volumes(want: ServerWanted, found: ServerFound) -> Iterator[Volume]:
    boots = references.matching(want.server.boot.volume or "", found.server.boot.volumes, lambda one: (one.id, one.name))
    for ones in (tuple(boots), *found.server.disks.values()):
        if len(ones) == 1:
            yield ones[0]


def refuse_held(wants: Iterable[ServerWanted], found: Found) -> dict[str, ServerFound | BfvError]:
    """What was found, with a refusal in place of each server with which a disk is to go that another one asks for."""
    wants = list(wants)
    judged = dict(found)
    asking: dict[str | None, list[str]] = defaultdict(list)
    for want in wants:
        for asked in _asked_for(want, found[want.name]):
            asking[asked].append(want.name)
    for want in wants:
        seen = found[want.name]
        if isinstance(seen, BfvError):
            continue
        names = {one.id: one.name for one in seen.server.boot.volumes}
        for disk in _going(want, seen.server):
            others = [one for called in (disk, names.get(disk, "")) for one in asking.get(called, ())]
            if others:
                judged[want.name] = Refused(
                    f"Failed to set up server {want.name}: volume {label(disk, seen.server)}, which is to go with it, is asked for by server {others[0]}. "
                    "Keep it (boot_volume_on_delete: keep, delete_on_termination: false), or ask for another one there."
                )
    return judged


def _going(want: ServerWanted, found: server.Found) -> list[str]:
    """The ids of the disks that go with the server, or are exchanged for a new one and go then."""
    if len(found.servers) != 1:
        return []
    disks = going(want.server, found.servers[0], found)
    if want.state == ABSENT:
        return disks
    exchanged = want.server.on_image_change == "replace" and differs_in_image(found.servers[0], found)
    return [found.root] if exchanged and found.root in disks else []


def _asked_for(want: ServerWanted, seen: ServerFound | BfvError) -> Collection[str | None]:
    """The ids of the volumes that an entry asks for, or has others made of. Of one that could not be looked at, whatever it calls them."""
    if want.state == ABSENT:
        return ()
    if isinstance(seen, BfvError):
        further = [str(one.get("uuid")) for one in want.server.block_devices]
        sources = [one.source[1] for one in want.volumes if one.source]
        return {want.server.boot.volume, *further, *(one.label for one in want.volumes), *sources}
    own = [*seen.volumes.values()]
    sources = [each.source.id for each in own if each.source]
    return {*(one.id for one in _volumes(want, seen)), *(each.volumes[0].id for each in own if len(each.volumes) == 1), *sources}


def refuse_without_room(wants: Iterable[ServerWanted], found: Found) -> dict[str, ServerFound | BfvError]:
    """What was found, with a refusal in place of each new server where the project's quota has not enough for all of them together.

    Where there is not room for all, none is made. Whether there is room for one alone, its own plan sees.
    """
    new = {want.name: (want, seen) for want in wants if isinstance(seen := found[want.name], ServerFound) and _is_new(want, seen)}
    lacks = _lacks([*new.values()])
    if not lacks or len(new) < 2:
        return dict(found)
    names = ", ".join([*new][:_NAMES]) + (f" and {len(new) - _NAMES} more" if len(new) > _NAMES else "")
    why = f"the {len(new)} new servers of this run ({names}) need {lacks}. Raise the quota, remove what is not needed, or make fewer."
    return {**found, **{name: Refused(f"Failed to create server {name}: {why}") for name in new}}


def _is_new(want: ServerWanted, found: ServerFound) -> bool:
    return want.state != ABSENT and not found.server.servers and found.server.flavor is not None


def _lacks(new: list[tuple[ServerWanted, ServerFound]]) -> str:
    """What there is too little of for all of them, in words; empty where there is enough."""
    limits = next((seen.server.limits for _want, seen in new if seen.server.limits), Limits())
    flavors = [seen.server.flavor for _want, seen in new if seen.server.flavor]
    ports = next(
        (seen.server.limits.ports for _want, seen in new if seen.server.limits and seen.server.limits.ports is not None), None
    )
    needed = (
        ("servers", limits.instances, len(new)),
        ("cores", limits.vcpus, sum(flavor.vcpus for flavor in flavors)),
        ("MiB of RAM", limits.ram, sum(flavor.ram for flavor in flavors)),
        ("new ports", ports, sum(networks.new_ports(want.server.networks) for want, _seen in new)),
    )
    return " and ".join(
        f"{needs} {kind}, of which the project's quota has {max(left, 0)} left"
        for kind, left, needs in needed
        if left is not None and needs > max(left, 0)
    )
