# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Nova and Neutron as dictionaries: what a server holds, what becomes of that when it goes, and how long each action takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, a_volume, by_id, uuid_of

if TYPE_CHECKING:
    from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud

Records = Mapping[str, Iterable[Json]]

_ATTACHED = "os-extended-volumes:volumes_attached"
_TASK = "OS-EXT-STS:task_state"


def a_flavor(name: str = "small", **extra_specs: str) -> Json:
    return {"id": uuid_of(f"flavor {name}"), "name": name, "extra_specs": extra_specs}


def bare_metal(name: str = "metal") -> Json:
    return {**a_flavor(name), "extra_specs": {"resources:CUSTOM_BAREMETAL": "1", "resources:VCPU": "0"}}


def a_server(name: str = "web", *volumes: str, flavor: Json | None = None, going: tuple[str, ...] = (), **fields: Any) -> Json:
    """A server with volumes, those of ``going`` with delete_on_termination."""
    flavor = flavor or a_flavor()
    return {
        "id": uuid_of(f"server {name}"),
        "name": name,
        "status": "ACTIVE",
        "flavor": {"original_name": flavor["name"], "extra_specs": flavor["extra_specs"]},
        _TASK: None,
        "key_name": None,
        "OS-EXT-AZ:availability_zone": "nova",
        "metadata": {},
        "security_groups": [{"name": "default"}],
        "addresses": {},
        "image": "" if volumes else {"id": uuid_of("debian")},
        _ATTACHED: [{"id": uuid_of(one), "delete_on_termination": one in going} for one in volumes],
        **fields,
    }


def a_network(name: str = "internal") -> Json:
    return {"id": uuid_of(f"network {name}"), "name": name}


def a_port(name: str = "eth0", ip: str = "192.0.2.50", network: str = "internal", **fields: Any) -> Json:
    return {
        "id": uuid_of(f"port {name}"),
        "name": name,
        "network_id": uuid_of(f"network {network}"),
        "fixed_ips": [{"ip_address": ip}],
        "device_id": "",
        **fields,
    }


def a_group(name: str = "default", **fields: Any) -> Json:
    return {"id": uuid_of(f"group {name}"), "name": name, **fields}


class FakeNeutron:
    """Networks, ports and security groups."""

    def __init__(self, cloud: FakeCloud, records: Records) -> None:
        self._cloud = cloud
        self.networks = by_id(records.get("networks", ()))
        self.ports = by_id(records.get("ports", ()))
        self.security_groups = by_id(records.get("security_groups", ()))

    def list(self, path: str, key: str, what: str, **query: Any) -> Iterator[Json]:
        self._cloud.reads.append(path)
        fields = query.get("fields") or ()
        for one in getattr(self, key).values():
            yield {name: deepcopy(one[name]) for name in fields or one}

    def of(self, server: Json) -> list[Json]:
        return [port for port in self.ports.values() if port["device_id"] == server["id"]]

    def plug(self, request: Request, server: Json, wanted: Any) -> None:
        """The server's ports: those it was given, and new ones, which are Nova's."""
        if wanted == "auto":
            wanted = [{"uuid": one} for one in list(self.networks)[:1]]
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
                self.ports[port["id"]] = port
            port["device_id"] = server["id"]

    def unplug(self, server: Json) -> None:
        for port in self.of(server):
            port["device_id"] = ""
            if port.get("of_nova"):
                del self.ports[port["id"]]


class FakeNova:
    """Servers, flavors and key pairs."""

    def __init__(self, cloud: FakeCloud, network: FakeNeutron, records: Records) -> None:
        self._cloud = cloud
        self._network = network
        self.servers = by_id(records.get("servers", ()))
        self.flavors = by_id(records.get("flavors", ()))
        self.keypairs = set(records.get("keypairs", ()))
        self.servers_end_in = "ACTIVE"
        self.resizes_fail = False
        self.rebuilds_fail = False

    # What Service offers

    def read(self, path: str, what: str, **query: object) -> Json:
        found = self.find(path, what, **query)
        if found is None:
            raise Rejected(what, "the fake", 404, f"{path} could not be found.")
        return found

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self._cloud.reads.append(path)
        kind, name, *rest = unquote(path).strip("/").split("/")
        if kind == "os-keypairs":
            return {"keypair": {"name": name}} if name in self.keypairs else None
        if name not in self.servers:
            return None
        if rest == ["os-interface"]:
            ports = self._network.of(self.servers[name])
            shown = [{"port_id": one["id"], "net_id": one["network_id"], "fixed_ips": one["fixed_ips"]} for one in ports]
            return {"interfaceAttachments": deepcopy(shown)}
        return {"server": self._shown(self.servers[name])}

    def list(self, path: str, key: str, what: str, **query: Any) -> Iterator[Json]:
        self._cloud.reads.append(path)
        if key == "flavors":
            yield from deepcopy(list(self.flavors.values()))
            return
        for server in list(self.servers.values()):
            if re.search(query.get("name") or "", server["name"]):
                yield self._shown(server)

    def _shown(self, server: Json) -> Json:
        shown = {key: deepcopy(value) for key, value in server.items() if not key.startswith("_")}
        ips = [ip for port in self._network.of(server) for ip in port["fixed_ips"]]
        return {**shown, "addresses": {"internal": [{"addr": ip["ip_address"]} for ip in ips]}} if ips else shown

    def send(self, request: Request) -> Json:
        _servers, uuid, *rest = [*request.path.strip("/").split("/"), ""]
        rest = [part for part in rest if part]
        body: Any = request.body
        if not uuid:
            return {"server": self._create(request, deepcopy(body))}
        if uuid not in self.servers:
            raise Rejected(request.what, "Nova", 404, f"Instance {uuid} could not be found.")
        server = self.servers[uuid]
        if request.method == "DELETE" and not rest:
            server[_TASK] = "deleting"
            return {}
        if server[_TASK] == "deleting":
            raise Rejected(request.what, "Nova", 409, "Cannot do it while the instance is in task_state deleting.")
        if rest[0] == "metadata":
            if request.method == "DELETE":
                del server["metadata"][unquote(rest[1])]
            else:
                server["metadata"].update(body["metadata"])
        elif rest[0] == "os-volume_attachments":
            self._attachment(request, server, body["volumeAttachment"])
        else:
            ((action, arguments),) = body.items()
            self._act(request, server, action, arguments)
        return {}

    # What is asked of it

    def _create(self, request: Request, body: Json) -> Json:
        wanted = body["server"]
        flavor = self.flavors[wanted["flavorRef"]]
        if wanted.get("key_name") not in (None, *self.keypairs):
            raise Rejected(request.what, "Nova", 400, "Invalid key_name provided.")
        self._cloud.made += 1
        server = a_server(
            wanted["name"],
            id=uuid_of(f"server {self._cloud.made}"),
            status="BUILD",
            flavor=flavor,
            key_name=wanted.get("key_name"),
            metadata=wanted.get("metadata", {}),
            security_groups=wanted.get("security_groups", [{"name": "default"}]),
            config_drive=wanted.get("config_drive"),
            image="",
        )
        server["OS-EXT-AZ:availability_zone"] = wanted.get("availability_zone", "nova")
        devices = wanted["block_device_mapping_v2"]
        assert sorted(one["boot_index"] for one in devices if one.get("boot_index", -1) >= 0) == [0]
        self._network.plug(request, server, wanted["networks"])
        try:
            for one in devices:
                if one["source_type"] == "volume":
                    self._reserve(request, one["uuid"], boots=one.get("boot_index") == 0)
        except Rejected:
            self._network.unplug(server)
            raise
        server["_devices"] = devices
        server[_ATTACHED] = [
            {"id": one["uuid"], "delete_on_termination": one.get("delete_on_termination", False)}
            for one in sorted(devices, key=lambda one: one.get("boot_index") != 0)
            if one["source_type"] == "volume"
        ]
        self.servers[server["id"]] = server
        return {"id": server["id"]}

    def _reserve(self, request: Request, uuid: str, *, boots: bool) -> None:
        volume = self._cloud.volumes.get(uuid)
        if volume is None:
            raise Rejected(request.what, "Nova", 400, f"Failed to get volume {uuid}.")
        if volume["status"] not in (("available", "in-use") if volume["multiattach"] else ("available",)):
            raise Rejected(request.what, "Nova", 400, f"Volume {uuid} status must be available, not {volume['status']}.")
        if boots and volume["bootable"] != "true":
            raise Rejected(request.what, "Nova", 400, f"Block Device {uuid} is not bootable.")
        volume["status"] = "reserved"

    def _attachment(self, request: Request, server: Json, wanted: Json) -> None:
        there = next((one for one in server[_ATTACHED] if one["id"] == wanted["volumeId"]), None)
        if request.method == "PUT":
            assert there, "only an attached volume is updated"
            there["delete_on_termination"] = wanted["delete_on_termination"]
            return
        if any(key.startswith("resources:CUSTOM_") for key in server["flavor"]["extra_specs"]):
            raise Rejected(request.what, "Nova", 400, "The driver cannot attach volumes.")
        self._reserve(request, wanted["volumeId"], boots=False)
        server[_ATTACHED].append({"id": wanted["volumeId"], "delete_on_termination": wanted["delete_on_termination"]})
        self._take_volumes(server)

    def _act(self, request: Request, server: Json, action: str, arguments: Json) -> None:
        allowed = {
            "resize": ("ACTIVE", "SHUTOFF"),
            "confirmResize": ("VERIFY_RESIZE",),
            "revertResize": ("VERIFY_RESIZE",),
            "rebuild": ("ACTIVE", "SHUTOFF", "ERROR"),
            "os-start": ("SHUTOFF",),
            "os-stop": ("ACTIVE", "ERROR"),
        }[action]
        if action == "confirmResize" and "_next" in server:
            raise Rejected(request.what, "Nova", 400, "Instance has not been resized.")
        if server["status"] not in allowed or server[_TASK] or "_next" in server:
            raise Rejected(request.what, "Nova", 409, f"Cannot {action} while it is in vm_state {server['status']}.")
        rest = server["status"]
        if action == "resize":
            flavor = self.flavors[arguments["flavorRef"]]
            grown = {
                "status": "VERIFY_RESIZE",
                "flavor": {"original_name": flavor["name"], "extra_specs": flavor["extra_specs"]},
                "_before": server["flavor"],
            }
            server.update(status="RESIZE", _next={"status": rest} if self.resizes_fail else {**grown, "_rest": rest})
            server[_TASK] = "resize_prep"
        elif action == "confirmResize":  # Nova shows nothing of it until it is done
            server["_next"] = {"status": server.get("_rest", "ACTIVE")}
        elif action == "revertResize":
            server.update(status="REVERT_RESIZE", _next={"status": server.get("_rest", "ACTIVE"), "flavor": server["_before"]})
        elif action == "rebuild":
            image = self._cloud.images[arguments["imageRef"]]["id"]
            metal = any(key.startswith("resources:CUSTOM_") for key in server["flavor"]["extra_specs"])
            server.update(status="REBUILD", _next={"status": "ERROR"} if metal else {"status": rest})
            if not metal and not self.rebuilds_fail:
                self._cloud.volumes[server[_ATTACHED][0]["id"]]["volume_image_metadata"] = {"image_id": image}
        else:
            server["_next"] = {"status": "ACTIVE" if action == "os-start" else "SHUTOFF"}
            server[_TASK] = "powering-on" if action == "os-start" else "powering-off"

    # Time

    def tick(self) -> None:
        for server in list(self.servers.values()):
            if server[_TASK] == "deleting":
                self._remove(server)
            elif server["status"] == "BUILD":
                self._build(server)
            elif "_next" in server:
                server.update(server.pop("_next"))
                server[_TASK] = None

    def _build(self, server: Json) -> None:
        server["status"] = self.servers_end_in
        if server["status"] == "ERROR":
            server["fault"] = {"message": "No valid host was found."}
            return
        for index, one in enumerate(server.pop("_devices", ())):
            if one["source_type"] != "volume" and one["destination_type"] == "volume":
                made = a_volume("", id=uuid_of(f"of {server['id']} {index}"), status="reserved", size=one.get("volume_size", 10))
                self._cloud.volumes[made["id"]] = made
                server[_ATTACHED].append({"id": made["id"], "delete_on_termination": one.get("delete_on_termination", False)})
        self._take_volumes(server)

    def _take_volumes(self, server: Json) -> None:
        letters = "bcdefgh" if server["image"] else "abcdefgh"  # /dev/vda is the local disk
        for letter, one in zip(letters, server[_ATTACHED], strict=False):
            volume = self._cloud.volumes.get(one["id"])
            if volume and all(attachment["server_id"] != server["id"] for attachment in volume["attachments"]):
                volume["attachments"].append({"server_id": server["id"], "device": f"/dev/vd{letter}"})
                volume["status"] = "in-use"

    def _remove(self, server: Json) -> None:
        del self.servers[server["id"]]
        self._network.unplug(server)
        for one in server[_ATTACHED]:
            volume = self._cloud.volumes.get(one["id"])
            if volume is None:
                continue
            volume["attachments"] = [kept for kept in volume["attachments"] if kept["server_id"] != server["id"]]
            volume["status"] = "in-use" if volume["attachments"] else "available"
            if one["delete_on_termination"] and not volume["attachments"]:
                volume["status"] = "deleting"
