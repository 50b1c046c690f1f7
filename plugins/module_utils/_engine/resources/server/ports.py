# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's ports and floating addresses as Neutron shows them, and how those of one server become those of the next.

Nova removes the ports that it made together with their server, and leaves those that it was given. The latter are given again. The
others Nova makes again, on the same network with the same first address, so that they stay its own; their further addresses, groups
and address pairs are set in Neutron, and the floating addresses put onto them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...cloud.connection import Cloud
from ...values.paths import path_of
from ...values.plan import Request
from .record import TO_COME, Server

_AT_ONCE = 50  # servers in one request: their ids stand in its address
_AUTOMATIC = ("slaac", "dhcpv6-stateless")  # Neutron computes such an address from the port's MAC address, and takes no other


@dataclass(frozen=True)
class Address:
    """A fixed address. Without ``ip`` Neutron computes it."""

    subnet: str
    ip: str = ""


@dataclass(frozen=True)
class Floating:
    """A floating address, and the fixed one that it leads to."""

    id: str
    ip: str
    fixed_ip: str


@dataclass(frozen=True)
class Port:
    """A port of a server. ``pairs`` are its allowed address pairs: addresses, and MAC addresses where they are not its own.

    ``stays`` tells whether it was there before its server, so that Nova leaves it there.
    """

    id: str
    network: str
    addresses: tuple[Address, ...] = ()
    groups: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    is_secured: bool = True
    stays: bool = False
    floating: tuple[Floating, ...] = ()

    @property
    def first_ip(self) -> str:
        return next((one.ip for one in self.addresses if one.ip), "")

    @property
    def label(self) -> str:
        return self.first_ip or self.id


@dataclass(frozen=True)
class Network:
    """A network: the project that owns it, and whether new ports on it have port security."""

    owner: str | None = None
    is_secured: bool = True


def read(cloud: Cloud, server: Server) -> tuple[Port, ...]:
    """The ports of a server in its own order, with their floating addresses."""
    listed = cloud.network.list("/ports", "ports", f"read the ports of server {server.id}", device_id=server.id)
    ports = _in_order([one for one in listed if one["device_id"] == server.id], server)
    automatic = _read_automatic(cloud, ports)
    floating = _read_floating(cloud, [one["id"] for one in ports])
    return tuple(_from_api(one, server, automatic, floating.get(one["id"], ())) for one in ports)


def read_views(cloud: Cloud, servers: Iterable[Server]) -> dict[str, list[dict[str, object]]]:
    """The ports of each server by its id, in its own order, as a module returns them: two requests for so many servers."""
    every, views = list(servers), {}
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        ids = [one.id for one in some]
        fields = ["id", "name", "mac_address", "network_id", "device_id", "fixed_ips"]
        listed = list(cloud.network.list("/ports", "ports", f"read the ports of {_told(some)}", device_id=ids, fields=fields))
        ports = [one for one in listed if one["device_id"] in ids]
        floating = _read_floating(cloud, [one["id"] for one in ports])
        views.update({one.id: _views(one, ports, floating) for one in some})
    return views


def _told(servers: list[Server]) -> str:
    return f"server {servers[0].id}" if len(servers) == 1 else f"{len(servers)} servers"


def _views(server: Server, every: list[Any], floating: Mapping[str, tuple[Floating, ...]]) -> list[dict[str, object]]:
    """Nova tells the names of the networks in which a server has an address."""
    ports = _in_order([one for one in every if one["device_id"] == server.id], server)
    names = {one.mac: one.network for one in server.on_networks}
    return [
        {
            "id": one["id"],
            "name": one["name"],
            "mac_address": one["mac_address"],
            "network": names.get(one["mac_address"]),
            "network_id": one["network_id"],
            "fixed_ips": [address["ip_address"] for address in one["fixed_ips"]],
            "floating_ips": [address.ip for address in floating.get(one["id"], ())],
        }
        for one in ports
    ]


def _in_order(ports: list[Any], server: Server) -> list[Any]:
    order = {mac: index for index, mac in enumerate(server.macs)}
    return sorted(ports, key=lambda one: order.get(one.get("mac_address", ""), len(order)))


def _read_automatic(cloud: Cloud, ports: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the subnets in which Neutron computes the addresses. Only IPv6 knows them."""
    if not any(":" in one["ip_address"] for port in ports for one in port["fixed_ips"]):
        return set()
    subnets = cloud.network.list("/subnets", "subnets", "read the subnets")
    return {one["id"] for one in subnets if one.get("ipv6_address_mode") in _AUTOMATIC}


def _read_floating(cloud: Cloud, ports: list[str]) -> dict[str, tuple[Floating, ...]]:
    """The floating addresses by their ports. A cloud without routers has none."""
    if not ports:
        return {}
    body = cloud.network.find("/floatingips", "read the floating addresses", port_id=ports) or {"floatingips": []}
    return {
        port: tuple(
            Floating(one["id"], one["floating_ip_address"], one["fixed_ip_address"])
            for one in body["floatingips"]
            if one["port_id"] == port
        )
        for port in ports
    }


def _from_api(port: Mapping[str, Any], server: Server, automatic: set[str], floating: tuple[Floating, ...]) -> Port:
    mac = port.get("mac_address", "")
    pairs = port.get("allowed_address_pairs") or ()
    # Neutron and Nova tell the time in one form, to the second. Nova makes a port after the server's record.
    stays = bool(port.get("created_at")) and port["created_at"] < server.created_at
    return Port(
        id=port["id"],
        network=port["network_id"],
        addresses=tuple(
            Address(one.get("subnet_id", ""), "" if one.get("subnet_id") in automatic else one["ip_address"])
            for one in port["fixed_ips"]
        ),
        groups=tuple(sorted(port.get("security_groups") or ())),
        pairs=tuple(sorted((one["ip_address"], "" if one["mac_address"] == mac else one["mac_address"]) for one in pairs)),
        is_secured=port.get("port_security_enabled", True),
        stays=stays or bool(port.get("name")),
        floating=floating,
    )


def read_alive(cloud: Cloud) -> frozenset[str]:
    """The ids of the ports that are there and free."""
    listed = cloud.network.list("/ports", "ports", "read the ports", fields=["id", "device_id"])
    return frozenset(one["id"] for one in listed if not one["device_id"])


def read_networks(cloud: Cloud, ports: Iterable[Port]) -> dict[str, Network]:
    """The ports' networks by their ids."""
    ids = {port.network for port in ports}
    fields = ["id", "project_id", "port_security_enabled"]
    listed = cloud.network.list("/networks", "networks", "read the networks", fields=fields)
    return {
        one["id"]: Network(one.get("project_id"), one.get("port_security_enabled", True)) for one in listed if one["id"] in ids
    }


def read_free_floating(cloud: Cloud, ports: Iterable[Port]) -> frozenset[str]:
    """The ids of those floating addresses of the ports that lead nowhere now."""
    ids = [one.id for port in ports for one in port.floating]
    if not ids:
        return frozenset()
    body = cloud.network.find("/floatingips", "read the floating addresses", id=ids) or {"floatingips": []}
    return frozenset(one["id"] for one in body["floatingips"] if one["id"] in ids and one["port_id"] is None)


def networks(ports: Iterable[Port], alive: Iterable[str]) -> list[dict[str, str]]:
    """The ports as Nova takes them for a new server: the port where it is still there, else its first address on its network."""
    return [_network(port, set(alive)) for port in ports]


def _network(port: Port, alive: set[str]) -> dict[str, str]:
    if port.id in alive:
        return {"port": port.id}
    return {"uuid": port.network, "fixed_ip": port.first_ip} if port.first_ip else {"uuid": port.network}


def made_anew(port: Port, alive: Iterable[str], groups: tuple[str, ...], network: Network) -> Port:
    """The port as the new server has it at first, when Nova has made it anew with its first address and these groups, or its default."""
    if port.id in alive:
        return port
    first = [one for one in port.addresses if one.ip][:1]
    others = [one for one in port.addresses if not one.ip]
    has = (groups or port.groups or ("Nova's default",)) if network.is_secured else ()
    return Port(TO_COME, port.network, (*first, *others), has, is_secured=network.is_secured)


def restored(
    server: Server, had: Iterable[Port], has: Iterable[Port], free: Iterable[str], *, with_groups: bool
) -> list[Request]:
    """What gives the ports of a new server all that those of the one before it had."""
    left = list(has)
    requests: list[Request] = []
    for port in had:
        now = _counterpart(port, left)
        if now is None:
            continue
        left.remove(now)
        if now.id != port.id:
            requests += _set(server, port, now, with_groups=with_groups)
        requests += [_lead(server, one, now) for one in port.floating if one.id in free]
    return requests


def _counterpart(port: Port, others: list[Port]) -> Port | None:
    """The port that takes the place of another one."""
    same = [one for one in others if one.id == port.id]
    alike = [one for one in others if one.network == port.network and one.first_ip == port.first_ip]
    return next(iter((*same, *alike)), None)


def _set(server: Server, port: Port, now: Port, *, with_groups: bool) -> list[Request]:
    """One request that sets what differs."""
    fields: dict[str, object] = {}
    if set(port.addresses) != set(now.addresses):
        fields["fixed_ips"] = [
            {"subnet_id": one.subnet, "ip_address": one.ip} if one.ip else {"subnet_id": one.subnet} for one in port.addresses
        ]
    if port.is_secured != now.is_secured:
        fields["port_security_enabled"] = port.is_secured
    if port.groups != now.groups and (with_groups or not port.is_secured):
        fields["security_groups"] = list(port.groups)
    if port.pairs != now.pairs:
        fields["allowed_address_pairs"] = [{"ip_address": ip, **({"mac_address": mac} if mac else {})} for ip, mac in port.pairs]
    if not fields:
        return []
    what = f"give the port {port.label} of server {server.name} its {', '.join(fields).replace('_', ' ')}"
    return [Request(what, "network", "PUT", path_of("ports", now.id), "port", now.id, {"port": fields})]


def _lead(server: Server, floating: Floating, port: Port) -> Request:
    """Have a floating address lead to the port."""
    body = {"floatingip": {"port_id": port.id, "fixed_ip_address": floating.fixed_ip}}
    what = f"lead the floating address {floating.ip} to server {server.name}"
    return Request(what, "network", "PUT", path_of("floatingips", floating.id), "floatingip", floating.id, body)


def freed(ports: Iterable[Port]) -> frozenset[str]:
    """The floating addresses that will lead nowhere when their ports go with their server."""
    return frozenset(one.id for port in ports if not port.stays for one in port.floating)
