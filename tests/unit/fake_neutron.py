# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neutron as dictionaries: what a server's ports are, and what becomes of them when it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, by_id, uuid_of

if TYPE_CHECKING:
    from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud

Records = Mapping[str, Iterable[Json]]


def _answers(record: Json, query: Mapping[str, Any], name: str) -> bool:
    """Whether a record passes a filter, of one value or of several."""
    asked = query.get(name)
    return asked is None or record.get(name) in (asked if isinstance(asked, list) else [asked])


OWN_PROJECT = uuid_of("project").replace("-", "")


def a_network(name: str = "internal", **fields: Any) -> Json:
    """A network of the project."""
    id = uuid_of(f"network {name}")
    return {"id": id, "name": name, "shared": False, "project_id": OWN_PROJECT, "subnets": [uuid_of(id)], **fields}


def a_subnet(network: str = "internal", cidr: str = "192.0.2.0/24") -> Json:
    id = uuid_of(f"network {network}")
    return {"id": uuid_of(id), "network_id": id, "cidr": cidr}


def a_port(name: str = "eth0", ip: str = "192.0.2.50", network: str = "internal", **fields: Any) -> Json:
    return {
        "id": uuid_of(f"port {name}"),
        "name": name,
        "network_id": uuid_of(f"network {network}"),
        "fixed_ips": [{"subnet_id": uuid_of(uuid_of(f"network {network}")), "ip_address": ip}],
        "mac_address": f"fa:16:3e:{uuid_of(name)[:2]}:{uuid_of(name)[2:4]}:{uuid_of(name)[4:6]}",
        "security_groups": [],
        "allowed_address_pairs": [],
        "port_security_enabled": True,
        "device_id": "",
        **fields,
    }


def a_group(name: str = "default", **fields: Any) -> Json:
    return {"id": uuid_of(f"group {name}"), "name": name, **fields}


def a_floating_ip(ip: str, port: str | None = None, fixed_ip: str | None = None) -> Json:
    return {"id": uuid_of(f"floating {ip}"), "floating_ip_address": ip, "port_id": port, "fixed_ip_address": fixed_ip}


class FakeNeutron:
    """Networks, ports, security groups and floating addresses."""

    def __init__(self, cloud: FakeCloud, records: Records) -> None:
        self._cloud = cloud
        self.networks = by_id(records.get("networks", ()))
        self.ports = by_id(records.get("ports", ()))
        self.security_groups = by_id(records.get("security_groups", ()))
        self.subnets = by_id(records.get("subnets", ()))
        self.floatingips = by_id(records.get("floatingips", ()))
        self.most_ports = -1
        self.hides_quota = False

    def read(self, path: str, what: str) -> Json:
        """neutron/extensions/quotasv2_detail.py"""
        self._cloud.reads.append(path)
        if self.hides_quota:
            raise Rejected(what, "Neutron", 404, "The resource could not be found.")
        return {"quota": {"port": {"limit": self.most_ports, "used": len(self.ports), "reserved": 0}}}

    def list(self, path: str, key: str, what: str, **query: Any) -> Iterator[Json]:
        self._cloud.reads.append(path)
        fields = query.get("fields") or ()
        for one in getattr(self, key).values():
            if any(not _answers(one, query, name) for name in ("id", "name", "device_id", "network_id")):
                continue
            yield {name: deepcopy(one[name]) for name in fields or one if name in one}

    def find(self, path: str, what: str, **query: Any) -> Json | None:
        """The floating addresses, of the ids or of the ports that are asked for."""
        self._cloud.reads.append(path)
        ones = self.floatingips.values()
        asked = [one for one in ones if one["port_id"] in query.get("port_id", ()) or one["id"] in query.get("id", ())]
        return {"floatingips": deepcopy(asked)}

    def send(self, request: Request) -> Json:
        kind, uuid = request.path.strip("/").split("/")
        records = getattr(self, kind)
        if uuid not in records:
            raise Rejected(request.what, "Neutron", 404, f"{uuid} could not be found.")
        body: Any = request.body
        changed = deepcopy(body[kind.rstrip("s")])
        for pair in changed.get("allowed_address_pairs", ()):
            pair.setdefault("mac_address", records[uuid]["mac_address"])
        records[uuid].update(changed)
        return {}

    def of(self, server: Json) -> list[Json]:
        return [port for port in self.ports.values() if port["device_id"] == server["id"]]

    def plug(self, request: Request, server: Json, wanted: Any) -> None:
        """The server's ports: those it was given, and new ones, which are Nova's."""
        if wanted == "auto":
            wanted = [{"uuid": one} for one in list(self.networks)[:1]]
        new = sum("port" not in one for one in (() if wanted == "none" else wanted))
        if new and len(self.ports) + new > self.most_ports != -1:
            raise Rejected(request.what, "Nova", 403, "Maximum number of ports exceeded")
        for index, one in enumerate(() if wanted == "none" else wanted):
            if "port" in one:
                port = self.ports[one["port"]]
                if port["device_id"]:
                    raise Rejected(request.what, "Nova", 409, f"Port {port['id']} is still in use.")
            else:
                taken = {ip["ip_address"] for port in self.ports.values() for ip in port["fixed_ips"]}
                ip = one.get("fixed_ip") or next(f"192.0.2.{last}" for last in range(10, 99) if f"192.0.2.{last}" not in taken)
                if ip in taken:
                    raise Rejected(request.what, "Nova", 400, f"Fixed IP address {ip} is already in use.")
                assert one["uuid"] in self.networks, "Nova wants the id of a network"
                port = a_port(f"{index} of {server['id']}", ip, network_id=one["uuid"], of_nova=True)
                port.update(name="", fixed_ips=[{"subnet_id": uuid_of(one["uuid"]), "ip_address": ip}])
                port["security_groups"] = [self._group(group["name"]) for group in server["security_groups"]]
                self.ports[port["id"]] = port
            port["device_id"] = server["id"]

    def _group(self, reference: str) -> str:
        """The id of a group by its name or id."""
        return next((one["id"] for one in self.security_groups.values() if reference in (one["id"], one["name"])), reference)

    def group_name(self, reference: str) -> str:
        return next((one["name"] for one in self.security_groups.values() if reference in (one["id"], one["name"])), reference)

    def unplug(self, server: Json) -> None:
        for port in self.of(server):
            port["device_id"] = ""
            if port.get("of_nova"):
                del self.ports[port["id"]]
                for floating in self.floatingips.values():
                    if floating["port_id"] == port["id"]:
                        floating.update(port_id=None, fixed_ip_address=None)
