# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there of a server, and what a new one would need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ...cloud.connection import Cloud
from ...values import permits, references
from ...values.errors import Refused, Unusable
from ...values.identifiers import is_uuid
from ...values.permits import Permit
from ...values.plan import Request
from ..volume import needs as volume_needs
from ..volume import plan as volume
from ..volume import record as volume_record
from ..volume import source as volume_source
from ..volume.record import Volume
from ..volume.source import Source
from . import blueprint, disk, holds, needs, networks, note, ports, preflight, record, requests, rivals, root, states
from .blueprint import Blueprint
from .holds import Hold
from .needs import Flavor, Limits
from .note import Note
from .ports import Network, Port
from .record import REPLACES, Server
from .rivals import Rivals
from .root import Attachment
from .wanted import Wanted

_NO_NODE = "No valid host was found."  # nova/exception.py, NoValidHost


@dataclass(frozen=True)
class Found:
    """The servers of the wanted name or id, the oldest first, and their disks.

    ``boot`` has the disk that the server boots from (``root`` is its id), and those that a new one may boot from. ``noted`` are disks
    with a note about a server of that name that is gone, ``holds`` what keeps volumes reserved, and ``rivals`` other servers that have
    some. ``told`` are differences that were found while reading, and what could not be compared. The flavor is read where it is a new
    one, what a new server needs where one is made, and the ports where a server takes the place of another one. ``time`` is now.
    """

    servers: tuple[Server, ...] = ()
    root: str | None = None
    attachments: tuple[Attachment, ...] = ()
    boot: volume.Found = field(default_factory=volume.Found)
    noted: tuple[Volume, ...] = ()
    disks: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict)  # further ones, by what they are called
    others: tuple[Volume, ...] = ()  # further ones of the server that the task does not name, where these are to be detached
    sources: Mapping[tuple[str, str], Source] = field(default_factory=dict)  # the images and snapshots of further disks
    holds: tuple[Hold, ...] = ()
    rivals: Rivals = field(default_factory=dict)
    told: tuple[str, ...] = ()
    snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of disks that are to go
    flavor: Flavor | None = None
    limits: Limits | None = None
    zones: tuple[str, ...] = ()  # of Nova, that work
    server_groups: tuple[tuple[str, str], ...] = ()  # the ids and names of all
    groups: Mapping[str, str] = field(default_factory=dict)  # the names of security groups that are wanted by their ids
    networks: str | list[dict[str, str]] = "none"
    ports: tuple[Port, ...] = ()
    plugged: Mapping[str, Network] = field(default_factory=dict)  # the ports' networks
    alive: frozenset[str] = frozenset()  # the ports that are there and free
    floating: frozenset[str] = frozenset()  # the floating addresses that lead nowhere
    time: str = ""

    @property
    def root_disk(self) -> Volume | None:
        """The volume that the server boots from."""
        return next((one for one in self.boot.volumes if one.id == self.root), None)


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the server and its disks, and what a new one would need where one is to be made. Raises Refused.

    Where an id is given nothing is looked up by the name.
    """
    servers = record.read(cloud, id=want.id) if want.id else record.read(cloud, name=want.name)
    found = Found(servers, time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if servers:
        return _observe_server(cloud, want, servers[0], found)
    return found if want.id else _observe_none(cloud, want, found)


def _observe_server(cloud: Cloud, want: Wanted, server: Server, found: Found) -> Found:
    if want.state == "absent" and server.is_going:
        return found  # it is waited for, whatever it had
    several = server.boots_from_volume and len(server.disks) > 1 and not server.is_going
    attachments = root.read(cloud, server.id) if several else ()
    if attachments is None:  # it has gone since it was listed, which the next look will show
        return replace(found, servers=(replace(server, task="deleting"), *found.servers[1:]))
    found = replace(found, attachments=attachments, root=root.of(server, attachments))
    named = _read_named(cloud, want) if want.state != "absent" else ()
    boots = () if any(one.id == found.root for one in named) or not found.root else volume_record.read(cloud, id=found.root)
    found = replace(found, boot=volume.Found((*named, *boots)))
    if want.state == "absent":
        left = _read_left(cloud, want.name or "") if not want.id else ()
        return replace(found, snapshots=_read_snapshots(cloud, going(want, server, found)), noted=left)
    found = _read_image(cloud, want, found)
    found = replace(found, disks={name: volume_record.find(cloud, name) for name in _volume_names(want)})
    found = replace(found, others=_read_others(cloud, want, server, found))
    to_come = [one for ones in found.disks.values() for one in ones if one.id not in server.disks]
    found = _read_holders(cloud, to_come, found)
    found = _read_flavor(cloud, want, server, found)
    new_keys = {key for key, value in (want.metadata or {}).items() if value is not None} - set(server.metadata)
    if new_keys or differs_in_flavor(server, found):
        found = replace(found, limits=needs.read_limits(cloud))
    if want.security_groups is not None and set(want.security_groups) != server.security_groups:
        found = replace(found, groups=needs.read_group_names(cloud, want.security_groups))
    found = replace(found, told=(*found.told, *networks.differences(cloud, server, want.networks, want.security_groups)))
    if REPLACES in server.metadata:
        found = _read_predecessor(cloud, server, found)
    return _read_for_replacement(cloud, want, server, found) if is_replaced(want, server, found) else found


def _read_image(cloud: Cloud, want: Wanted, found: Found) -> Found:
    """The image, to compare the disk with. It may have gone, or be there twice, and nothing is made of it now."""
    if not want.boot.image:
        return found
    try:
        source = volume_source.observe(cloud, "image", want.boot.image)
    except Unusable as error:
        if found.root_disk and found.root_disk.image_id in error.ids:
            return found
        unread = f"whether its disk was made from image {want.boot.image} is not known: {error.why}"
        return replace(found, told=(*found.told, unread))
    return replace(found, boot=replace(found.boot, source=source))


def _read_flavor(cloud: Cloud, want: Wanted, server: Server, found: Found) -> Found:
    """The flavor where another one is named. Nova shows a server's by its name alone, and an id may be of one that is gone."""
    if not want.flavor or want.flavor == server.flavor:
        return found
    try:
        return replace(found, flavor=needs.read_flavor(cloud, want.flavor))
    except Refused as error:
        if not (is_uuid(want.flavor) or want.flavor.isdecimal()):
            raise
        unread = f"its flavor is {server.flavor}, and whether that is {want.flavor} is not known ({error})"
        return replace(found, told=(*found.told, unread))


def _read_named(cloud: Cloud, want: Wanted) -> tuple[Volume, ...]:
    """The volumes that have the name of the boot disk: that of the server most often is one of them, and two runs may make two."""
    if want.boot.volume:
        return volume_record.find(cloud, want.boot.volume)
    return volume_record.read(cloud, name=want.disk_name) if want.boots and not want.id else ()


def _read_predecessor(cloud: Cloud, server: Server, found: Found) -> Found:
    """What the server is still to get of the one whose place it takes."""
    noted = volume_record.read_marked(cloud, note.OF, server.name)
    found = replace(found, noted=noted)
    predecessor = pending(server, found)
    if predecessor is None or predecessor[1].blueprint is None:
        return found
    old, left = predecessor
    had = left.blueprint.ports if left.blueprint else ()
    snapshots = _read_snapshots(cloud, [old.id]) if old.id != found.root else {}
    return replace(found, snapshots=snapshots, ports=ports.read(cloud, server), floating=ports.read_free_floating(cloud, had))


def _read_for_replacement(cloud: Cloud, want: Wanted, server: Server, found: Found) -> Found:
    """What is read of a server that is to be replaced, and what the new one needs."""
    servers = record.read(cloud, id=server.id)  # alone, since only then its groups are shown
    if not servers or found.root is None:
        return found
    server = servers[0]
    flavor = found.flavor or needs.read_flavor(cloud, server.flavor)
    found = replace(found, servers=(server, *found.servers[1:]), flavor=flavor)
    found = replace(found, attachments=found.attachments or root.read(cloud, server.id) or ())
    if not (takes := pending(server, found)) or takes[1].blueprint is None:
        found = replace(found, ports=ports.read(cloud, server))
        found = replace(found, plugged=ports.read_networks(cloud, found.ports))
    if differs_in_image(server, found):
        lets_go = [id for id in going(want, server, found) if id == found.root]
        found = replace(
            found, boot=replace(found.boot, needs=volume_needs.read(cloud)), snapshots=_read_snapshots(cloud, lets_go)
        )
    return _read_needs(cloud, blueprint_of(server, found), want, found)


def _observe_none(cloud: Cloud, want: Wanted, found: Found) -> Found:
    found = replace(found, noted=_read_left(cloud, want.name or ""))
    if want.state == "absent":
        return found
    takes = predecessor(want, found)
    plan = takes[1].blueprint if takes else None
    if want.flavor or (plan and plan.flavor):
        found = replace(found, flavor=needs.read_flavor(cloud, want.flavor or (plan.flavor if plan else "")))
    if want.boots:
        found = replace(found, boot=_read_boot(cloud, want))
    if takes:
        noted_one = volume_record.read(cloud, id=takes[1].boots) if takes[1].boots != takes[0].id else ()
        found = replace(found, boot=replace(found.boot, volumes=_together((takes[0],), noted_one, found.boot.volumes)))
    had = plan.ports if plan else ()
    if plan:
        found = replace(found, alive=ports.read_alive(cloud), floating=ports.read_free_floating(cloud, had))
    else:
        found = replace(
            found,
            networks=networks.read(cloud, want.networks, f"create server {want.label}"),
            sources={key: volume_source.observe(cloud, *key) for key in _source_names(want)},
        )
    return _read_needs(cloud, plan, want, found)


def _read_left(cloud: Cloud, name: str) -> tuple[Volume, ...]:
    """The disks with a note about a server of that name that is gone."""
    noted = volume_record.read_marked(cloud, note.OF, name)
    ours = [(one, left) for one, left in note.left_by(noted, None, name) if one.status != "deleting"]
    return tuple(one for one, left in ours if not record.read(cloud, id=left.server))


def _read_boot(cloud: Cloud, want: Wanted) -> volume.Found:
    if want.boot.volume:
        return volume.Found(volume_record.find(cloud, want.boot.volume))
    return volume.observe(cloud, volume.Wanted(name=want.disk_name, image=want.boot.image, snapshot=want.boot.snapshot))


def _read_needs(cloud: Cloud, plan: Blueprint | None, want: Wanted, found: Found) -> Found:
    """The further disks of a new server. What else it refers to is looked for as well, so that it is refused now."""
    wish = blueprint.wished(want, plan) if plan else want
    if wish.key_name:
        needs.check_key(cloud, wish.key_name)
    if want.security_groups:
        needs.check_security_groups(cloud, want.security_groups)
    limits = needs.read_limits(cloud)
    if plan is None and networks.new_ports(want.networks):
        limits = replace(limits, ports=needs.read_ports(cloud))
    found = replace(found, limits=limits)
    if wish.availability_zone:
        found = replace(found, zones=needs.read_zones(cloud))
    if "group" in (wish.scheduler_hints or {}):
        found = replace(found, server_groups=needs.read_server_groups(cloud))
    if found.boot.needs is None and any(map(preflight.is_made_by_nova, want.block_devices)):
        found = replace(found, boot=replace(found.boot, needs=volume_needs.read(cloud)))
    names = {*_volume_names(want), *(one.id for one in (plan.disks if plan else ()))} - set(found.disks)
    found = replace(found, disks={**found.disks, **{name: volume_record.find(cloud, name) for name in sorted(names)}})
    volumes = [*found.boot.volumes, *(one for ones in found.disks.values() for one in ones)]
    return _read_holders(cloud, volumes, found)


def _read_holders(cloud: Cloud, volumes: list[Volume], found: Found) -> Found:
    """Who has the volumes that are to come to the server, whatever they show themselves."""
    own = {one.id for one in found.servers}
    return replace(found, holds=holds.read(cloud, volumes, found.time), rivals=rivals.read(cloud, volumes, own))


def _read_others(cloud: Cloud, want: Wanted, server: Server, found: Found) -> tuple[Volume, ...]:
    """Whether what is to be detached is being detached already, the volumes tell."""
    if want.other_volumes == "keep":
        return ()
    return tuple(one for id in unnamed(want, server, found) for one in volume_record.read(cloud, id=id))


def _read_snapshots(cloud: Cloud, disks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names and ids of the snapshots of each disk that has some: Cinder deletes no volume that has."""
    what = "read the volume's snapshots"
    listed = {id: cloud.block_storage.list("/snapshots", "snapshots", what, volume_id=id) for id in disks}
    named = {
        id: tuple(volume_record.snapshot_label(one) for one in ones if one["volume_id"] == id) for id, ones in listed.items()
    }
    return {id: names for id, names in named.items() if names}


def _together(*many: Iterable[Volume]) -> tuple[Volume, ...]:
    """Each volume once."""
    return tuple({one.id: one for ones in many for one in ones}.values())


def _volume_names(want: Wanted) -> list[str]:
    return [str(one["uuid"]) for one in want.block_devices if one["source_type"] == "volume"]


def _source_names(want: Wanted) -> list[tuple[str, str]]:
    return [
        (str(one["source_type"]), str(one["uuid"])) for one in want.block_devices if one["source_type"] in ("image", "snapshot")
    ]


def unnamed(want: Wanted, server: Server, found: Found) -> list[str]:
    """The ids of the volumes of the server that are not its root, and that block_devices does not name."""
    meant = {found.root, *(one.id for name in _volume_names(want) for one in found.disks[name])}
    return [id for id in server.disks if id not in meant]


def named(want: Wanted, found: Found) -> Permit:
    """The permit for the server that the task names."""
    return requests.named(want.label, found.servers)


def stays_or_goes(want: Wanted, server: Server, found: Found, disk: str, goes: bool) -> Request:
    """Whether a disk of the server goes with it, as the task or what was before says."""
    return requests.set_fate(server, disk, goes, permits.part(disk, server.id, named(want, found)) if goes else None)


def going(want: Wanted, server: Server, found: Found) -> list[str]:
    """The ids of the disks that go with a server that goes."""
    fate = {"keep": False, "delete": True}.get(want.boot_volume_on_delete)
    return [id for id, goes in server.disks.items() if (goes if fate is None or id != found.root else fate)]


def pending(server: Server, found: Found) -> tuple[Volume, Note] | None:
    """The disk and the note of the server whose place this one takes, where it does not have all of that yet."""
    left = note.left_by(found.noted, server, server.name)
    return next((one for one in left if one[1].server == server.metadata.get(REPLACES)), None)


def predecessor(want: Wanted, found: Found) -> tuple[Volume, Note] | None:
    """The disk and the note of a server of the wanted name that is gone, and whose place a new one is to take."""
    left = [one for one in note.left_by(found.noted, None, want.name) if one[1].blueprint]
    if len(left) > 1:
        ones = "; ".join(f"volume {one.id} of {about.label}" for one, about in left)
        raise Refused(
            f"Failed to create server {want.name}: {len(left)} volumes have a note about a server of that name that is to be replaced "
            f"({ones}). Remove {note.OF} from the metadata of those that are not meant."
        )
    return left[0] if left else None


def own_note(server: Server, found: Found) -> Note | None:
    """The note about a server that is there, on its own root."""
    left = note.read(found.root_disk) if found.root_disk else None
    return left if left and left.server == server.id else None


def blueprint_of(server: Server, found: Found) -> Blueprint:
    """What a server is replaced from: as it is, or as the one was whose place it has not quite taken yet."""
    takes = pending(server, found)
    if takes and takes[1].blueprint:
        return takes[1].blueprint
    switched = (left := own_note(server, found)) and left.switched
    return blueprint.of(server, found.root or "", found.attachments, found.ports, switched or {})


def differs_in_flavor(server: Server, found: Found) -> bool:
    return found.flavor is not None and found.flavor.name != server.flavor


def differs_in_image(server: Server, found: Found) -> bool:
    source, root_disk = found.boot.source, found.root_disk
    return source is not None and root_disk is not None and disk.differs(root_disk, source)


def is_replaced(want: Wanted, server: Server, found: Found) -> bool:
    """Whether the server is to be deleted and created anew."""
    if server.is_going or server.is_busy or not states.of(states.reached(server.status, want.state)).rests:
        return False
    by_flavor = want.on_flavor_change == "replace" and differs_in_flavor(server, found)
    by_image = want.on_image_change == "replace" and differs_in_image(server, found)
    anew = server.status == "ERROR" and (want.recreate == "on_error" or found_no_node(server, found))
    return by_flavor or by_image or is_exchanged(want, server, found) or anew


def found_no_node(server: Server, found: Found) -> bool:
    """Whether a bare-metal server that is to take the place of another one never had a node: see node_to_come.py."""
    fails = server.status == "ERROR" and server.bare_metal and server.fault.startswith(_NO_NODE)
    return fails and pending(server, found) is not None


def label(disk_id: str, found: Found) -> str:
    """A disk by its name and id, as far as the name is known."""
    names = {one.id: one.name for one in found.boot.volumes}
    return f"{names[disk_id]} ({disk_id})" if names.get(disk_id) else disk_id


def has(want: Wanted, server: Server, found: Found) -> bool:
    """Whether the server boots from the volume that is named for it."""
    return not want.boot.volume or any(id == found.root for id in _meant(want, found))


def _meant(want: Wanted, found: Found) -> list[str]:
    """The ids of the volumes that are named as the boot disk. An id means that volume also where Cinder does not show it."""
    named = references.matching(want.boot.volume or "", found.boot.volumes, lambda one: (one.id, one.name))
    return [one.id for one in named] or [want.boot.volume or ""]


def differs_in_boot_volume(want: Wanted, server: Server, found: Found) -> bool:
    """Whether another volume is named than the server is known to boot from: its root, or where that is not certain, one that it has."""
    if not want.boot.volume or not server.boots_from_volume or not server.disks:
        return False
    if found.root is None:
        return not set(_meant(want, found)) & set(server.disks)
    return not has(want, server, found)


def is_exchanged(want: Wanted, server: Server, found: Found) -> bool:
    """Whether the server gets another boot disk, by the task's permission."""
    return want.on_boot_volume_change == "replace" and differs_in_boot_volume(want, server, found)
