# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A server as Nova shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cloud.connection import Cloud
from ..values.errors import Refused
from . import server_needs


@dataclass(frozen=True)
class Server:
    """What Nova says of a server. ``disks`` are its volumes: the id of each, and whether it goes with the server."""

    id: str
    name: str
    status: str
    flavor: str = ""
    bare_metal: bool = False
    boots_from_volume: bool = True
    task: str | None = None
    fault: str = ""
    key_name: str | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    security_groups: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    disks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def is_going(self) -> bool:
        """Whether Nova is about to forget the server; in the status DELETED it may have done so for everything but the list."""
        return self.status == "DELETED" or self.task == "deleting"

    @property
    def is_busy(self) -> bool:
        """Whether Nova is at work on the server, so that it refuses other changes."""
        return self.task is not None or self.status in ("BUILD", "RESIZE", "REBUILD", "REBOOT", "HARD_REBOOT", "REVERT_RESIZE")


def from_api(server: Mapping[str, Any]) -> Server:
    """A server out of Nova's JSON (the detailed form, microversion 2.47 or newer)."""
    addresses = (address["addr"] for network in server["addresses"].values() for address in network)
    return Server(
        id=server["id"],
        name=server["name"],
        status=server["status"],
        flavor=server["flavor"]["original_name"],
        bare_metal=server_needs.is_bare_metal(server["flavor"].get("extra_specs", {})),
        task=server.get("OS-EXT-STS:task_state"),
        fault=server.get("fault", {}).get("message", ""),
        boots_from_volume=not server["image"],
        key_name=server["key_name"],
        availability_zone=server.get("OS-EXT-AZ:availability_zone"),
        metadata=server["metadata"],
        security_groups=frozenset(group["name"] for group in server.get("security_groups", ())),
        addresses=tuple(sorted(set(addresses))),
        disks={one["id"]: one["delete_on_termination"] for one in server["os-extended-volumes:volumes_attached"]},
    )


def read(cloud: Cloud, *, name: str | None = None, id: str | None = None) -> tuple[Server, ...]:
    """The servers of an id, or else those of a name."""
    if id:
        body = cloud.compute.find(f"/servers/{id}", f"read server {id}")
        return (from_api(body["server"]),) if body else ()
    # Nova takes the name for a regular expression
    pattern = f"^{re.escape(name or '')}$"
    found = map(from_api, cloud.compute.list("/servers/detail", "servers", f"read server {name}", name=pattern))
    return tuple(server for server in found if server.name == name)


def only(servers: tuple[Server, ...], label: str) -> Server | None:
    """The one server, or None. Raises Refused where the name matches more than one."""
    if len(servers) > 1:
        ids = ", ".join(sorted(server.id for server in servers))
        raise Refused(f"Failed to find server {label}: {len(servers)} servers have that name ({ids}). Give the id.")
    return servers[0] if servers else None


def described(server: Server) -> dict[str, object]:
    """The server as a diff shows it."""
    return {
        "name": server.name,
        "status": server.status,
        "flavor": server.flavor,
        "metadata": dict(server.metadata),
        "volumes": [{"id": id, "delete_on_termination": goes} for id, goes in server.disks.items()],
    }


def view(server: Server) -> dict[str, object]:
    """The server as a module returns it."""
    return {
        "id": server.id,
        **described(server),
        "addresses": list(server.addresses),
        "key_name": server.key_name,
        "availability_zone": server.availability_zone,
        "security_groups": sorted(server.security_groups),
    }
