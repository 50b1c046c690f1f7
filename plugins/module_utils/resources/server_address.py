# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of a server only as long as it is there, kept while it is replaced: its addresses, and the fate of its disk.

Nova removes the ports that it made together with the server, and leaves those that it was given. The addresses are therefore
noted in the boot volume's metadata before the server goes, where also a run that comes after a broken one finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..cloud.connection import Cloud

_GOES = "bfv_delete_on_termination"
_KEY = "bfv_address_"  # and a number: a value of Cinder's metadata has room for one address (255 characters)


@dataclass(frozen=True)
class Address:
    """One port of a server."""

    port: str
    network: str
    ip: str


def read(cloud: Cloud, server_id: str) -> tuple[Address, ...]:
    """The ports of a server, in Nova's order."""
    body = cloud.compute.read(f"/servers/{server_id}/os-interface", f"read the ports of server {server_id}")
    return tuple(
        Address(one["port_id"], one["net_id"], one["fixed_ips"][0]["ip_address"])
        for one in body["interfaceAttachments"]
        if one["fixed_ips"]
    )


def noted(metadata: Mapping[str, str]) -> tuple[Address, ...]:
    """The addresses that are noted in a volume's metadata."""
    return tuple(Address(*metadata[key].split()) for key in sorted(metadata) if key.startswith(_KEY))


def notes_in(metadata: Mapping[str, str]) -> list[str]:
    """The keys of the notes."""
    return [key for key in metadata if key.startswith(_KEY) or key == _GOES]


def goes(metadata: Mapping[str, str]) -> bool:
    """Whether the disk went with the server that is being replaced."""
    return metadata.get(_GOES) == "True"


def notes(addresses: Iterable[Address], goes: bool) -> dict[str, str]:
    """The notes to keep in a volume's metadata."""
    return {_GOES: str(goes)} | {
        f"{_KEY}{index:02d}": f"{one.port} {one.network} {one.ip}" for index, one in enumerate(addresses)
    }


def networks(cloud: Cloud, addresses: Iterable[Address]) -> list[dict[str, str]]:
    """The noted addresses as Nova takes them: the port where it is still there, else its address on its network."""
    listed = cloud.network.list("/ports", "ports", "read the ports", fields=["id"])
    alive: set[Any] = {port["id"] for port in listed}
    return [{"port": one.port} if one.port in alive else {"uuid": one.network, "fixed_ip": one.ip} for one in addresses]
