# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server as it is, so that another one can take its place: all of it that the APIs show. Pure.

What they do not show is lost: user data, which only administrators may read and which may hold secrets, and what is on local disks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ...values.merge import merged
from .ports import Address, Floating, Port
from .record import REPLACES, Server
from .root import Attachment
from .wanted import Wanted


@dataclass(frozen=True)
class Disk:
    """A volume for data, and whether it goes with its server."""

    id: str
    goes: bool = False
    tag: str | None = None


@dataclass(frozen=True)
class Blueprint:
    """What a new server gets that takes the place of one. ``root_goes`` tells of the boot disk whether it goes with its server."""

    flavor: str = ""
    key_name: str | None = None
    security_groups: tuple[str, ...] = ()  # by their ids; none where Nova's default will do
    availability_zone: str | None = None
    config_drive: bool = False
    description: str | None = None
    hostname: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    server_groups: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    disks: tuple[Disk, ...] = ()
    root_goes: bool = False
    root_tag: str | None = None
    is_stopped: bool = False


def of(
    server: Server, root: str, attachments: Iterable[Attachment], ports: tuple[Port, ...], switched: Mapping[str, bool]
) -> Blueprint:
    """The blueprint of a server. ``switched`` tells of volumes whether they went with it before a run had them stay."""
    goes = {**server.disks, **{id: went for id, went in switched.items() if id in server.disks}}
    tags = {one.volume: one.tag for one in attachments}
    made = [port for port in ports if not port.stays]
    # where a network has no port security, Nova takes its default group alone, unnamed (nova/network/neutron.py, allocate_for_instance)
    unnamed = server.security_groups <= {"default"} and not all(port.is_secured for port in made)
    return Blueprint(
        flavor=server.flavor,
        key_name=server.key_name,
        security_groups=() if unnamed else tuple(sorted({group for port in made for group in port.groups})),
        availability_zone=server.availability_zone or None,
        config_drive=server.config_drive,
        description=server.description,
        hostname=server.hostname,
        tags=server.tags,
        metadata={key: value for key, value in server.metadata.items() if key != REPLACES},
        server_groups=server.server_groups,
        ports=ports,
        disks=tuple(Disk(id, went, tags.get(id)) for id, went in goes.items() if id != root),
        root_goes=goes.get(root, False),
        root_tag=tags.get(root),
        is_stopped=server.status == "SHUTOFF",
    )


def wished(want: Wanted, found: Blueprint) -> Wanted:
    """The wishes of the task on top of what is there. A wish wins; networks are of new servers only, and those that are there stay."""
    groups = {"group": found.server_groups[0]} if found.server_groups else {}
    hints = {**groups, **(want.scheduler_hints or {})}
    return replace(
        want,
        flavor=want.flavor or found.flavor or None,
        boot=replace(
            want.boot,
            delete_on_termination=found.root_goes if want.boot.delete_on_termination is None else want.boot.delete_on_termination,
            tag=want.boot.tag or found.root_tag,
        ),
        key_name=want.key_name or found.key_name,
        security_groups=(found.security_groups or None) if want.security_groups is None else want.security_groups,
        config_drive=(found.config_drive or None) if want.config_drive is None else want.config_drive,
        availability_zone=want.availability_zone or found.availability_zone,
        metadata=merged(found.metadata, want.metadata),
        tags=found.tags if want.tags is None else want.tags,
        description=found.description if want.description is None else want.description,
        scheduler_hints=hints or None,
    )


def carried(found: Blueprint) -> list[str]:
    """What comes along, in words."""
    lines = [
        ("key pair", found.key_name),
        ("availability zone", found.availability_zone),
        ("config drive", "yes" if found.config_drive else None),
        ("description", found.description),
        ("tags", ", ".join(found.tags)),
        ("metadata", ", ".join(sorted(found.metadata))),
        ("server group", ", ".join(found.server_groups)),
    ]
    disks = [
        f"volume {disk.id}{' (delete_on_termination)' if disk.goes else ''}{f', tag {disk.tag}' if disk.tag else ''}"
        for disk in found.disks
    ]
    from_nova = [f"{name} {value}" for name, value in lines if value]
    return [*from_nova, *map(_port_in_words, found.ports), *disks]


def losses(server: Server, want: Wanted) -> dict[str, str]:
    """What does not come along, in words, by the name under which a task permits it (replace_may_lose)."""
    lost = {}
    if want.user_data is None and server.user_data is not False:
        known = "its user data" if server.user_data else "its user data, if it has some: Nova shows that to administrators only"
        lost["user_data"] = known
    if server.ephemeral:
        lost["local_disks"] = f"the content of its ephemeral disk of {server.ephemeral} GiB"
    return lost


def changes(found: Blueprint) -> list[str]:
    """What will be another one with the new server."""
    return ["the id of the server", *(f"the MAC address of the port with {port.label}" for port in found.ports if not port.stays)]


def to_json(found: Blueprint) -> dict[str, Any]:
    """The blueprint as JSON, without what is empty. It has no secret."""
    return {key: value for key, value in asdict(found).items() if value not in (None, (), {}, "", False)}


def from_json(noted: Mapping[str, Any]) -> Blueprint:
    """The blueprint out of its JSON. Raises KeyError, TypeError or ValueError where it is none."""
    fields = dict(noted)
    for key in ("security_groups", "tags", "server_groups"):
        fields[key] = tuple(fields.get(key, ()))
    fields["ports"] = tuple(_port_from_json(port) for port in fields.get("ports", ()))
    fields["disks"] = tuple(Disk(**disk) for disk in fields.get("disks", ()))
    return Blueprint(**fields)


def _port_from_json(port: Mapping[str, Any]) -> Port:
    return Port(
        **{
            **port,
            "addresses": tuple(Address(**one) for one in port["addresses"]),
            "groups": tuple(port["groups"]),
            "pairs": tuple((ip, mac) for ip, mac in port["pairs"]),
            "floating": tuple(Floating(**one) for one in port["floating"]),
        }
    )


def _port_in_words(port: Port) -> str:
    automatic = ["one computed by Neutron"] if any(not one.ip for one in port.addresses) else []
    addresses = ", ".join([one.ip for one in port.addresses if one.ip] + automatic) or "no address"
    parts = (
        f"security groups {', '.join(port.groups)}" if port.groups else "no security group",
        f"address pairs {', '.join(ip for ip, _mac in port.pairs)}" if port.pairs else "",
        "" if port.is_secured else "no port security",
        f"floating addresses {', '.join(one.ip for one in port.floating)}" if port.floating else "",
    )
    return f"port with {addresses}: {'; '.join(part for part in parts if part)}"
