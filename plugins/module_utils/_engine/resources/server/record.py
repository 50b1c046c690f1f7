# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server as Nova shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...cloud.connection import Cloud
from ...values.errors import Refused
from ...values.paths import path_of
from . import needs, states

TO_COME = "(known when the server is there)"  # the id of a server that is planned
REPLACES = "bfv_replaces"  # in a server's metadata, while it takes the place of another one: the id of that one
_SHUT_DOWN = 4  # nova/objects/fields.py, InstancePowerState
_USER_DATA = "OS-EXT-SRV-ATTR:user_data"
_ROOT_DEVICE = "OS-EXT-SRV-ATTR:root_device_name"


@dataclass(frozen=True)
class OnNetwork:
    """An address of a server, as Nova tells it: on which network, fixed or floating, and the MAC address of its port."""

    network: str
    ip: str
    version: int = 4
    kind: str = "fixed"
    mac: str = ""


@dataclass(frozen=True)
class Server:
    """What Nova says of a server. ``disks`` are its volumes: the id of each, and whether it goes with the server.

    ``root_device`` and ``user_data`` (whether there is some) are shown to few; None is unknown. ``ephemeral`` is in GiB, ``ram`` in MiB.
    """

    id: str
    name: str
    status: str
    flavor: str = ""
    vcpus: int = 0
    ram: int = 0
    ephemeral: int = 0
    bare_metal: bool = False
    boots_from_volume: bool = True
    task: str | None = None
    locked: bool = False
    locked_reason: str = ""
    is_shut_down: bool = False
    fault: str = ""
    key_name: str | None = None
    availability_zone: str | None = None
    config_drive: bool = False
    description: str | None = None
    hostname: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    security_groups: frozenset[str] = frozenset()
    server_groups: tuple[str, ...] = ()
    on_networks: tuple[OnNetwork, ...] = ()
    disks: Mapping[str, bool] = field(default_factory=dict)
    root_device: str | None = None
    user_data: bool | None = None
    user_data_in_base64: str = field(default="", repr=False)
    project_id: str | None = None
    created_at: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(sorted({one.ip for one in self.on_networks}))

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of those in which it has an address."""
        return tuple(sorted({one.network for one in self.on_networks}))

    @property
    def macs(self) -> tuple[str, ...]:
        """Those of its ports, in the order in which it has them."""
        return tuple(dict.fromkeys(one.mac for one in self.on_networks))

    @property
    def is_going(self) -> bool:
        """Whether Nova is about to forget the server; in the status DELETED it may have done so for everything but the list."""
        return self.status == "DELETED" or self.task == "deleting"

    @property
    def is_busy(self) -> bool:
        """Whether Nova is at work on the server, so that it refuses other changes."""
        return self.task is not None or states.of(self.status).is_busy


def from_api(server: Mapping[str, Any]) -> Server:
    """A server out of Nova's JSON (the detailed form, microversion 2.47 or newer; server groups only where it is read alone)."""
    flavor = server["flavor"]
    return Server(
        id=server["id"],
        name=server["name"],
        status=server["status"],
        flavor=flavor["original_name"],
        vcpus=flavor.get("vcpus", 0),
        ram=flavor.get("ram", 0),
        ephemeral=flavor.get("ephemeral", 0),
        bare_metal=needs.is_bare_metal(flavor.get("extra_specs", {})),
        task=server.get("OS-EXT-STS:task_state"),
        locked=bool(server.get("locked")),
        locked_reason=server.get("locked_reason") or "",
        is_shut_down=server.get("OS-EXT-STS:power_state") == _SHUT_DOWN,
        fault=server.get("fault", {}).get("message", "").strip(),
        boots_from_volume=not server["image"],
        key_name=server["key_name"],
        availability_zone=server.get("OS-EXT-AZ:availability_zone"),
        config_drive=bool(server.get("config_drive")),  # Nova says it as "True" or ""
        description=server.get("description"),
        hostname=server.get("OS-EXT-SRV-ATTR:hostname"),
        tags=tuple(server.get("tags", ())),
        metadata=server["metadata"],
        security_groups=frozenset(group["name"] for group in server.get("security_groups", ())),
        server_groups=tuple(server.get("server_groups", ())),
        on_networks=tuple(_on_network(name, one) for name, ones in server["addresses"].items() for one in ones),
        disks={one["id"]: one["delete_on_termination"] for one in server["os-extended-volumes:volumes_attached"]},
        root_device=server.get(_ROOT_DEVICE),
        user_data=server[_USER_DATA] is not None if _USER_DATA in server else None,
        user_data_in_base64=server.get(_USER_DATA) or "",
        project_id=server.get("tenant_id"),
        created_at=server.get("created", ""),
    )


def _on_network(network: str, address: Mapping[str, Any]) -> OnNetwork:
    kind, mac = address.get("OS-EXT-IPS:type") or "fixed", address.get("OS-EXT-IPS-MAC:mac_addr") or ""
    return OnNetwork(network, address["addr"], address.get("version", 4), kind, mac)


def read(cloud: Cloud, *, name: str | None = None, id: str | None = None) -> tuple[Server, ...]:
    """The servers of an id, or else those of a name, the oldest first."""
    if id:
        body = cloud.compute.find(path_of("servers", id), f"read server {id}")
        return (_known(body["server"]),) if body else ()
    cloud.check_project()
    # Nova takes the name for a regular expression
    pattern = f"^{re.escape(name or '')}$"
    found = map(from_api, cloud.compute.list("/servers/detail", "servers", f"read server {name}", name=pattern))
    once = {server.id: server for server in found if server.name == name}  # pages that shift may show one twice
    return tuple(sorted(once.values(), key=lambda server: (server.created_at, server.id)))


def read_all(cloud: Cloud) -> tuple[Server, ...]:
    """Every server of the project, by name."""
    cloud.check_project()
    found = map(_known, cloud.compute.list("/servers/detail", "servers", "read the servers"))
    once = {server.id: server for server in found}  # pages that shift may show one twice
    return tuple(sorted(once.values(), key=lambda server: (server.name, server.created_at, server.id)))


def read_shown(cloud: Cloud) -> Iterator[Server]:
    """Every server of the project of which Nova tells what it has."""
    cloud.check_project()
    shown = cloud.compute.list("/servers/detail", "servers", "read the servers")
    return (from_api(one) for one in shown if "name" in one)


def _known(server: Mapping[str, Any]) -> Server:
    """Nova knows hardly more than the id of a server whose cell does not answer (nova/api/openstack/compute/views/servers.py, 2.69)."""
    if "name" not in server:
        raise Refused(
            f"Failed to read server {server['id']}: Nova calls it {server['status']}, since the cell that has it does not answer. "
            "Run again when it does."
        )
    return from_api(server)


def only(servers: tuple[Server, ...], label: str) -> Server | None:
    """The one server, or None. Raises Refused where the name matches more than one."""
    if len(servers) > 1:
        ids = ", ".join(f"{server.id}: {server.status}, made {server.created_at}" for server in servers)
        raise Refused(f"Failed to find server {label}: {len(servers)} servers have that name ({ids}). Give the id.")
    return servers[0] if servers else None


def called(server: Server) -> str:
    """The server in a refusal: by its id too, since the task may name another one by then."""
    return f"server {server.name} ({server.id})"


def described(server: Server) -> dict[str, object]:
    """The server as a diff shows it."""
    return {
        "name": server.name,
        "status": server.status,
        "flavor": server.flavor,
        "description": server.description or None,
        "tags": sorted(server.tags),
        "metadata": {key: value for key, value in server.metadata.items() if key != REPLACES},
        "volumes": [{"id": id, "delete_on_termination": goes} for id, goes in server.disks.items()],
    }


def view(server: Server) -> dict[str, object]:
    """The server as a module returns it."""
    return {
        "id": server.id,
        **described(server),
        "addresses": list(server.addresses),
        "networks": {name: [_in_network(one) for one in server.on_networks if one.network == name] for name in server.networks},
        "locked": server.locked,
        "fault": server.fault or None,
        "key_name": server.key_name,
        "availability_zone": server.availability_zone,
        "security_groups": sorted(server.security_groups),
    }


def _in_network(one: OnNetwork) -> dict[str, object]:
    return {"address": one.ip, "version": one.version, "kind": one.kind, "mac_address": one.mac}
