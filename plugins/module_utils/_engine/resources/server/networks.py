# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The networks of a new server: what is asked for, as Nova takes it. Refused is what Nova refuses (nova/network/neutron.py, _ports_needed_per_instance)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address as parsed
from ipaddress import ip_network
from typing import Any

from ...cloud.connection import Cloud
from ...values import references
from ...values.errors import Invalid, Refused
from ...values.identifiers import ip_address
from .needs import only
from .record import Server

_WITHOUT_ADDRESS = ("deferred", "none")  # ip_allocation of ports that have no address, or none yet


def wanted(given: object, label: str) -> str | list[dict[str, str]]:
    """The networks as they are asked for: auto, none, or a list of dicts of network, port and fixed_ip. Raises Invalid."""
    if given in ("auto", "none"):
        return str(given)
    items: list[Any] = given if isinstance(given, list) else [given]
    networks = [_wanted(item, f"Failed to read server {label}: networks has «{item}»") for item in items]
    ports = [one["port"] for one in networks if "port" in one]
    if twice := next((port for port in ports if ports.count(port) > 1), None):
        raise Invalid(f"Failed to read server {label}: networks has port {twice} twice. Give each port once.")
    return networks


def _wanted(item: Any, where: str) -> dict[str, str]:
    one = {"network": item} if isinstance(item, str) else item
    if (
        not isinstance(one, Mapping)
        or not set(one) <= {"network", "port", "fixed_ip"}
        or ("network" in one) == ("port" in one)
        or not all(isinstance(value, str) and value for value in one.values())
    ):
        raise Invalid(f"{where}. Write auto, none, a network's name, or a dict of network or port, and fixed_ip.")
    if "port" in one and "fixed_ip" in one:
        raise Invalid(f"{where}. A port has its addresses already: leave out fixed_ip, or name the network instead of the port.")
    if "fixed_ip" not in one:
        return dict(one)
    try:
        return {**one, "fixed_ip": ip_address(one["fixed_ip"])}
    except Invalid as problem:
        raise Invalid(f"{where}. Its fixed_ip {problem}.") from None


def new_ports(wanted: str | list[dict[str, str]]) -> int:
    """How many ports are made for a new server: one for each network, and one where Nova chooses the network."""
    return int(wanted == "auto") if isinstance(wanted, str) else sum("port" not in one for one in wanted)


def read(cloud: Cloud, wanted: str | list[dict[str, str]], what: str) -> str | list[dict[str, str]]:
    """The networks and ports by their ids, as Nova takes them. Raises Refused."""
    if wanted == "auto":
        _check_auto(cloud, what)
    if isinstance(wanted, str):
        return wanted
    return [_port(cloud, one["port"], what) if "port" in one else _network(cloud, one, what) for one in wanted]


def _check_auto(cloud: Cloud, what: str) -> None:
    """Nova chooses the project's own network, or one that is shared with it, where there is exactly one (_get_available_networks)."""
    fields = ["id", "name", "shared", "project_id"]
    every = list(cloud.network.list("/networks", "networks", "read the networks", fields=fields))
    if len(every) < 2:
        return
    own = cloud.project
    choice = [one for one in every if one.get("shared") or one.get("project_id") == own]
    if len(choice) > 1:
        names = ", ".join(sorted(f"{one['name']} ({one['id']})" for one in choice))
        raise Refused(
            f"Failed to {what}: networks is auto, and the project has {len(choice)} networks ({names}). Name one of them."
        )


def _found(cloud: Cloud, kind: str, name: str, *fields: str) -> Any:
    listed = cloud.network.list(f"/{kind}s", f"{kind}s", f"read {kind} {name}", fields=["id", "name", *fields])
    return only(kind, name, references.matching(name, listed, lambda one: (one["id"], one["name"])))


def _port(cloud: Cloud, name: str, what: str) -> dict[str, str]:
    port = _found(cloud, "port", name, "device_id", "device_owner", "fixed_ips", "ip_allocation")
    subject = f"port {port['name'] or name} ({port['id']})"
    if port.get("device_id"):
        raise Refused(
            f"Failed to {what}: {subject} is in use by {port.get('device_owner') or 'device'} {port['device_id']}. "
            "Detach it there, or name another port."
        )
    if port.get("fixed_ips") == [] and port.get("ip_allocation") not in _WITHOUT_ADDRESS:
        raise Refused(
            f"Failed to {what}: {subject} has no address. Give it one (openstack port set --fixed-ip), or name another port."
        )
    return {"port": port["id"]}


def _network(cloud: Cloud, one: Mapping[str, str], what: str) -> dict[str, str]:
    network = _found(cloud, "network", one["network"], "subnets")
    subject = f"network {network['name']} ({network['id']})"
    if network.get("subnets") == []:
        raise Refused(
            f"Failed to {what}: {subject} has no subnet, and Nova makes no port there. Make a subnet, or name a port of it."
        )
    if "fixed_ip" not in one:
        return {"uuid": network["id"]}
    _check_address(cloud, network["id"], one["fixed_ip"], f"Failed to {what}: fixed_ip {one['fixed_ip']}", subject)
    return {"uuid": network["id"], "fixed_ip": one["fixed_ip"]}


def _check_address(cloud: Cloud, network: str, ip: str, where: str, subject: str) -> None:
    """Refuse an address that no subnet of the network has, or that another port has. What Neutron does not show is not checked."""
    subnets = cloud.network.list("/subnets", "subnets", "read the subnets", network_id=network)
    cidrs = [one["cidr"] for one in subnets if one["network_id"] == network]
    if cidrs and not any(parsed(ip) in ip_network(cidr, strict=False) for cidr in cidrs):
        raise Refused(f"{where} is in no subnet of {subject}, which has {', '.join(sorted(cidrs))}. Give an address of these.")
    fields = ["id", "network_id", "fixed_ips", "device_id"]
    ports = cloud.network.list("/ports", "ports", "read the ports", network_id=network, fields=fields)
    for port in ports:
        if port["network_id"] == network and ip in [one["ip_address"] for one in port["fixed_ips"]]:
            holder = f" of {port['device_id']}" if port.get("device_id") else ""
            raise Refused(f"{where} is in use in {subject}, by port {port['id']}{holder}. Give another address, or that port.")


# A server that is there


def differences(cloud: Cloud, server: Server, networks: str | list[dict[str, str]], groups: Iterable[str] | None) -> list[str]:
    """What a server does not have of the networks and groups that are asked for, in words. Neutron is asked only where Nova leaves it open.

    Nova tells the networks by their names, where the server has an address in them, and the groups of all ports together. Of a server that it is
    just making it tells neither.
    """
    if server.status == "BUILD":
        return []
    asked = networks if isinstance(networks, list) else []
    open_ones = [one for one in asked if not _has(server, one)]
    by_port = groups if len(server.macs) > 1 else None
    if not open_ones and by_port is None:
        return []
    fields = ["id", "name", "network_id", "device_id", "fixed_ips", "security_groups"]
    listed = cloud.network.list("/ports", "ports", f"read the ports of server {server.id}", device_id=server.id, fields=fields)
    ports = [one for one in listed if one["device_id"] == server.id]
    return [*_missing(cloud, open_ones, ports), *([] if by_port is None else _groups_of_ports(cloud, by_port, ports))]


def _has(server: Server, one: Mapping[str, str]) -> bool:
    return one.get("network") in server.networks and one.get("fixed_ip") in (None, *server.addresses)


def _missing(cloud: Cloud, asked: list[dict[str, str]], ports: list[Any]) -> list[str]:
    fields = ["id", "name"]
    every = list(cloud.network.list("/networks", "networks", "read the networks", fields=fields)) if asked else []
    names = {one["id"]: one["name"] for one in every}
    missing = []
    for one in asked:
        ips = [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]
        there = [port for port in ports if references.means(one.get("port"), port["id"], port["name"])] + [
            port for port in ports if references.means(one.get("network"), port["network_id"], names.get(port["network_id"]))
        ]
        if not there or one.get("fixed_ip") not in (None, *ips):
            missing.append(", ".join(f"{key} {value}" for key, value in one.items()))
    return [f"it is not in {one}, which networks asks for" for one in missing]


def _groups_of_ports(cloud: Cloud, groups: Iterable[str], ports: list[Any]) -> list[str]:
    listed = cloud.network.list("/security-groups", "security_groups", "read the security groups", fields=["id", "name"])
    names = {one["id"]: one["name"] for one in listed}
    wanted = {names.get(one, one) for one in groups}
    has = {port["name"] or port["id"]: {names.get(one, one) for one in port.get("security_groups") or ()} for port in ports}
    return [
        f"its port {port} has the security groups {', '.join(sorted(ones)) or 'none'}, and {', '.join(sorted(wanted)) or 'none'} are wanted"
        for port, ones in has.items()
        if ones != wanted
    ]
