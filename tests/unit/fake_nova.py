# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova as dictionaries: what a server holds, what becomes of that when it goes, and how long each action takes.

Which action is allowed when is Nova's own (nova 34, compute/api.py). What other people do is in deeds.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, a_volume, by_id, shown, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import FakeNeutron, Records, a_group, a_network, a_port
from ansible_collections.bfv.openstack.tests.unit.nova_records import (
    ATTACHED,
    TASK,
    a_flavor,
    a_server,
    bare_metal,
    is_metal,
    name_devices,
    of_flavor,
)

if TYPE_CHECKING:
    from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud

__all__ = ["FakeNova", "a_flavor", "a_group", "a_network", "a_port", "a_server", "bare_metal"]


_MACHINES = ("ACTIVE", "PAUSED", "SUSPENDED", "SHUTOFF")
_HOLDERS = ("ACTIVE", "PAUSED", "SHUTOFF", "VERIFY_RESIZE", "SHELVED", "SHELVED_OFFLOADED")
# In which statuses an action is allowed.
_ALLOWED = {
    "resize": ("ACTIVE", "SHUTOFF"),
    "confirmResize": ("VERIFY_RESIZE",),
    "revertResize": ("VERIFY_RESIZE",),
    "rebuild": ("ACTIVE", "SHUTOFF", "ERROR"),
    "os-start": ("SHUTOFF",),
    "os-stop": ("ACTIVE", "ERROR"),
    "pause": ("ACTIVE",),
    "unpause": ("PAUSED",),
    "suspend": ("ACTIVE",),
    "resume": ("SUSPENDED",),
    "shelve": _MACHINES,
    "shelveOffload": ("SHELVED",),
    "unshelve": ("SHELVED", "SHELVED_OFFLOADED"),
    "rescue": ("ACTIVE", "SHUTOFF", "ERROR"),
    "unrescue": ("RESCUE",),
    "restore": ("SOFT_DELETED",),
}
# What an action ends in that does nothing but that, and Nova's word for the way.
_ENDS = {
    "os-start": ("ACTIVE", "powering-on"),
    "os-stop": ("SHUTOFF", "powering-off"),
    "pause": ("PAUSED", "pausing"),
    "unpause": ("ACTIVE", "unpausing"),
    "suspend": ("SUSPENDED", "suspending"),
    "resume": ("ACTIVE", "resuming"),
    "shelve": ("SHELVED_OFFLOADED", "shelving"),
    "shelveOffload": ("SHELVED_OFFLOADED", "shelving_offloading"),
    "unshelve": ("ACTIVE", "unshelving"),
    "rescue": ("RESCUE", "rescuing"),
    "unrescue": ("ACTIVE", "unrescuing"),
    "restore": ("ACTIVE", "restoring"),
}


class FakeNova:
    """Servers, flavors and key pairs."""

    def __init__(self, cloud: FakeCloud, network: FakeNeutron, records: Records) -> None:
        self._cloud = cloud
        self._network = network
        self.servers = by_id(records.get("servers", ()))
        self.flavors = by_id(records.get("flavors", ()))
        self.keypairs = set(records.get("keypairs", ()))
        self.servers_end_in = "ACTIVE"
        self.cleaning = 0.0  # for how many seconds the node of a bare-metal server that is gone is offered to no other one
        self._clean_at = 0.0
        self.resizes_fail = False
        self.lingers = 1  # for so many ticks the list shows a server that is gone
        self.shelved_offload_time = 0
        self.rebuilds_fail = False
        self.detachments_fail = False
        self.limits = {"instances": -1, "cores": -1, "ram": -1}
        self.server_meta = 128
        self.server_groups = list(records.get("server_groups", ()))
        self.zones = ("nova", "az1")
        self.shows_all_projects = False
        self.shows_admins = False  # the attributes that policy shows to admins alone: the root device, user data

    # What Service offers

    def read(self, path: str, what: str, **query: object) -> Json:
        found = self.find(path, what, **query)
        if found is None:
            raise Rejected(what, "the fake", 404, f"{path} could not be found.")
        return found

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self._cloud.reads.append(path)
        kind, *names = unquote(path).strip("/").split("/")
        if kind == "limits":
            return {"limits": {"rate": [], "absolute": self.absolute_limits()}}
        if kind == "os-availability-zone":
            return {"availabilityZoneInfo": [{"zoneName": zone, "zoneState": {"available": True}} for zone in self.zones]}
        if not names:  # the servers of all projects
            if not self.shows_all_projects:
                raise Rejected(
                    what, "Nova", 403, "Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed."
                )
            return {"servers": []}
        name, *rest = names
        if kind == "os-keypairs":
            return {"keypair": {"name": name}} if name in self.keypairs else None
        if name not in self.servers:
            return None
        if rest == ["os-interface"]:
            ports = self._network.of(self.servers[name])
            shows = [{"port_id": one["id"], "net_id": one["network_id"], "fixed_ips": one["fixed_ips"]} for one in ports]
            return {"interfaceAttachments": deepcopy(shows)}
        if rest == ["os-volume_attachments"]:
            return {"volumeAttachments": self._attachments(self.servers[name])}
        return {"server": self._shown(self.servers[name])}

    def list(self, path: str, key: str, what: str, **query: Any) -> Iterator[Json]:
        self._cloud.reads.append(path)
        if key == "flavors":
            yield from deepcopy(list(self.flavors.values()))
            return
        if key == "server_groups":
            yield from deepcopy(self.server_groups)
            return
        if key == "volumeAttachments":
            yield from self._attachments(self.servers[path.strip("/").split("/")[1]])
            return
        for server in list(self.servers.values()):
            # a regular expression, which MariaDB compares without case
            if re.search(query.get("name") or "", server["name"], re.IGNORECASE):
                # the groups of a server that is read alone are shown (nova/api/openstack/compute/views/servers.py, detail)
                yield {key: value for key, value in self._shown(server).items() if key != "server_groups"}

    def absolute_limits(self) -> Json:
        used = self._used()
        names = {"instances": "Instances", "cores": "Cores", "ram": "RAMSize"}
        most = {f"maxTotal{names[key]}": value for key, value in self.limits.items()}
        most["maxServerMeta"] = self.server_meta
        return {**most, **{f"total{names[key].removesuffix('Size')}Used": value for key, value in used.items()}}

    def _used(self) -> dict[str, int]:
        flavors = [server["flavor"] for server in self.servers.values()]
        return {
            "instances": len(flavors),
            "cores": sum(one["vcpus"] for one in flavors),
            "ram": sum(one["ram"] for one in flavors),
        }

    def _attachments(self, server: Json) -> list[Json]:
        """nova/api/openstack/compute/volume_attachments.py, at 2.89 and later: no id, and no device where Nova knows none."""
        name_devices(server)
        return [
            {
                "volumeId": one["id"],
                "serverId": server["id"],
                "tag": one.get("_tag"),
                "delete_on_termination": one["delete_on_termination"],
                "attachment_id": uuid_of(f"attachment of {one['id']}"),
                "bdm_uuid": uuid_of(f"device of {one['id']}"),
                **({"device": one["_device"]} if one["_device"] else {}),
            }
            for one in server[ATTACHED]
        ]

    def _shown(self, server: Json) -> Json:
        shows = shown(server)
        # of a server that has no host yet the cells know no volumes (nova/api/openstack/compute/views/servers.py, _add_volumes_attachments)
        shows[ATTACHED] = [shown(one) for one in server[ATTACHED] if server["status"] != "BUILD"]
        if self.shows_admins:
            shows["OS-EXT-SRV-ATTR:root_device_name"] = server["_root_device"]
            shows["OS-EXT-SRV-ATTR:user_data"] = server["_user_data"]
        addresses: dict[str, list[Json]] = {}
        for port in self._network.of(server):
            network = self._network.networks.get(port["network_id"], {"name": "internal"})["name"]
            fixed = [(ip["ip_address"], "fixed") for ip in port["fixed_ips"]]
            leading = [one for one in self._network.floatingips.values() if one["port_id"] == port["id"]]
            addresses.setdefault(network, []).extend(
                {
                    "addr": ip,
                    "version": 6 if ":" in ip else 4,
                    "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                }
                for ip, kind in [*fixed, *((one["floating_ip_address"], "floating") for one in leading)]
            )
        return {**shows, "addresses": addresses} if addresses else shows

    def send(self, request: Request) -> Json:
        _servers, uuid, *rest = [*request.path.strip("/").split("/"), ""]
        rest = [part for part in rest if part]
        body: Any = request.body
        if not uuid:
            return {"server": self._create(request, deepcopy(body))}
        if uuid not in self.servers or self.servers[uuid]["status"] == "DELETED":
            raise Rejected(request.what, "Nova", 404, f"Instance {uuid} could not be found.")
        server = self.servers[uuid]
        if request.method == "DELETE" and not rest:
            self._check_lock(request, server)
            if server["status"] == "ERROR" and "_devices" in server:  # it never had a host (compute/api.py, _local_delete)
                self._remove(server)
                del self.servers[uuid]
                return {}
            server[TASK] = "deleting"
            return {}
        if server[TASK] == "deleting":
            raise _says(request, 409, "Cannot do it while the instance is in task_state deleting.")
        if request.method == "PUT" and not rest:
            server.update(body["server"])
        elif rest[0] == "tags":
            if server["status"] not in _MACHINES:  # api/openstack/compute/server_tags.py, _check_instance_in_valid_state
                raise _says(request, 409, f"Cannot update tags while it is in vm_state {server['status']}.")
            server["tags"] = sorted(body["tags"])
        elif rest[0] == "metadata":
            self._metadata(request, server, rest[1:])
        elif rest[0] == "os-volume_attachments":
            if request.method == "DELETE":
                self._detach(request, server, rest[1])
            else:
                self._attachment(request, server, body["volumeAttachment"])
        else:
            ((action, arguments),) = body.items()
            self._act(request, server, action, arguments)
        return {}

    @staticmethod
    def _check_lock(request: Request, server: Json) -> None:
        """check_instance_lock: also the owner is refused. Metadata too; but not the flag that a disk goes with its server."""
        if server["locked"]:
            raise _says(request, 409, f"Instance {server['id']} is locked")

    def _metadata(self, request: Request, server: Json, rest: list[str]) -> None:
        self._check_lock(request, server)
        if server["status"] not in _MACHINES or server[TASK]:
            raise _says(request, 409, f"Cannot update metadata while it is in vm_state {server['status']}.")
        if request.method != "DELETE":
            server["metadata"].update(request.body["metadata"])  # type: ignore[index]
        elif unquote(rest[0]) in server["metadata"]:
            del server["metadata"][unquote(rest[0])]
        else:
            raise _says(request, 404, "Metadata item was not found")

    # What is asked of it

    def _create(self, request: Request, body: Json) -> Json:
        wanted = body["server"]
        flavor = self._flavor(request, wanted["flavorRef"])
        if wanted.get("key_name") not in (None, *self.keypairs):
            raise _says(request, 400, "Invalid key_name provided.")
        zone, *places = wanted.get("availability_zone", "nova").split(":")
        if not any(places[:1]) and zone not in self.zones:  # compute/api.py, parse_availability_zone and create
            raise _says(request, 400, "The requested availability zone is not available")
        self._check_quota(request, flavor)
        self._cloud.made += 1
        server = a_server(
            wanted["name"],
            id=uuid_of(f"server {self._cloud.made}"),
            created=f"2026-01-02T00:{self._cloud.made // 60:02}:{self._cloud.made % 60:02}Z",
            status="BUILD",
            flavor=of_flavor(flavor),
            key_name=wanted.get("key_name"),
            metadata=wanted.get("metadata", {}),
            description=wanted.get("description"),
            tags=sorted(wanted.get("tags", ())),
            security_groups=[
                {"name": self._network.group_name(group["name"])}
                for group in wanted.get("security_groups", [{"name": "default"}])
            ],
            config_drive=wanted.get("config_drive"),
            image="",
            _user_data=wanted.get("user_data"),
        )
        server["OS-EXT-AZ:availability_zone"] = zone
        devices = wanted["block_device_mapping_v2"]
        assert sorted(one["boot_index"] for one in devices if one.get("boot_index", -1) >= 0) == [0]
        self._network.plug(request, server, wanted["networks"])
        try:
            for one in devices:  # in their order, and none is let go where a later one is refused
                if one["source_type"] == "volume":
                    self._reserve(request, one["uuid"], boots=one.get("boot_index") == 0)
        except Rejected:
            self._network.unplug(server)
            raise
        server["_devices"] = devices
        server["_root"] = next(one["uuid"] for one in devices if one.get("boot_index") == 0)
        server[ATTACHED] = [
            {"id": one["uuid"], "delete_on_termination": one.get("delete_on_termination", False), "_tag": one.get("tag")}
            for one in devices
            if one["source_type"] == "volume"
        ]
        name_devices(server)
        self.servers[server["id"]] = server
        for volume in self._volumes_of(server):
            self._note_reservation(server, volume)
        return {"id": server["id"]}

    def _flavor(self, request: Request, id: str) -> Json:
        found = next((one for one in self.flavors.values() if one["id"] == id), None)
        if found is None:
            raise _says(request, 400, f"Flavor {id} could not be found.")
        return found

    def _check_quota(self, request: Request, flavor: Json) -> None:
        more = {"instances": 1, "cores": flavor["vcpus"], "ram": flavor["ram"]}
        for name, used in self._used().items():
            if self.limits[name] >= 0 and used + more[name] > self.limits[name]:
                raise _says(request, 403, f"Quota exceeded for {name}: Requested {more[name]}, but already used {used}.")

    def _reserve(self, request: Request, uuid: str, *, boots: bool) -> None:
        volume = self._cloud.volumes.get(uuid)
        if volume is None:
            raise _says(request, 400, f"Failed to get volume {uuid}.")
        if volume["status"] not in (("available", "in-use") if volume["multiattach"] else ("available",)):
            raise _says(request, 400, f"Volume {uuid} status must be available, not {volume['status']}.")
        if boots and volume["bootable"] != "true":
            raise _says(request, 400, f"Block Device {uuid} is not bootable.")
        volume["status"] = "reserved"

    def _attachment(self, request: Request, server: Json, wanted: Json) -> None:
        there = next((one for one in server[ATTACHED] if one["id"] == wanted["volumeId"]), None)
        if request.method == "PUT":
            if there is None:
                raise _says(request, 404, f"Instance {server['id']} is not attached to volume {wanted['volumeId']}")
            there["delete_on_termination"] = wanted["delete_on_termination"]
            return
        self._check_lock(request, server)
        if server["status"] not in _HOLDERS:
            raise _says(request, 409, f"Cannot attach_volume while it is in vm_state {server['status']}.")
        if is_metal(server):
            raise _says(request, 400, "The driver cannot attach volumes.")
        self._check_not_attached(request, wanted["volumeId"])
        self._reserve(request, wanted["volumeId"], boots=False)
        server[ATTACHED].append({"id": wanted["volumeId"], "delete_on_termination": wanted["delete_on_termination"]})
        self._take_volumes(server)

    def _check_not_attached(self, request: Request, uuid: str) -> None:
        """Nova looks at its own records too (compute/api.py, _check_volume_already_attached); of a new server's volumes it does not."""
        has = [one["id"] for one in self.servers.values() if uuid in (disk["id"] for disk in one[ATTACHED])]
        if has and not self._cloud.volumes[uuid]["multiattach"]:
            raise _says(request, 400, f"Invalid volume: volume {uuid} is already attached to instances: {' '.join(has)}")

    def _detach(self, request: Request, server: Json, uuid: str) -> None:
        there = next((one for one in server[ATTACHED] if one["id"] == uuid), None)
        volume = self._cloud.volumes[uuid]
        self._check_lock(request, server)
        if there is None:
            raise _says(request, 404, f"Instance {server['id']} is not attached to volume {uuid}")
        if uuid == server["_root"]:
            raise _says(request, 403, "Cannot detach a root device volume")
        if server["status"] not in _HOLDERS or is_metal(server):
            raise _says(request, 409, f"Cannot detach_volume while it is in vm_state {server['status']}.")
        if server["status"] == "SHELVED_OFFLOADED":  # at once, and with delete_on_termination it is deleted
            self._let_go(server, volume)
            volume["status"] = (
                "in-use" if volume["attachments"] else "deleting" if there["delete_on_termination"] else "available"
            )
            server[ATTACHED].remove(there)
            return
        if volume["status"] != "in-use":
            raise _says(request, 400, f"Invalid volume: status must be in-use, not {volume['status']}.")
        volume["status"] = "detaching"
        server.setdefault("_detaching", []).append(uuid)

    def _end_detachments(self, server: Json) -> None:
        for uuid in server.pop("_detaching", ()):
            volume = self._cloud.volumes[uuid]
            if not self.detachments_fail:
                server[ATTACHED] = [one for one in server[ATTACHED] if one["id"] != uuid]
                self._let_go(server, volume)
            volume["status"] = "in-use" if volume["attachments"] else "available"

    def _act(self, request: Request, server: Json, action: str, arguments: Json) -> None:
        if action in ("lock", "unlock"):
            server["locked"] = action == "lock"
            return
        self._check_lock(request, server)
        if action == "confirmResize" and "_next" in server:
            raise _says(request, 400, "Instance has not been resized.")
        if server["status"] not in _ALLOWED[action] or server[TASK] or "_next" in server:
            raise _says(request, 409, f"Cannot {action} while it is in vm_state {server['status']}.")
        rest = server["status"]
        if action == "resize":
            flavor = of_flavor(self._flavor(request, arguments["flavorRef"]))
            grown = {"status": "VERIFY_RESIZE", "flavor": flavor, "_before": server["flavor"], "_rest": rest}
            server.update(status="RESIZE", _next={"status": rest} if self.resizes_fail else grown)
            server[TASK] = "resize_prep"
        elif action == "confirmResize":  # Nova shows nothing of it until it is done
            server["_next"] = {"status": server.get("_rest", "ACTIVE")}
        elif action == "revertResize":
            server.update(status="REVERT_RESIZE", _next={"status": server.get("_rest", "ACTIVE"), "flavor": server["_before"]})
        elif action == "rebuild":
            self._rebuild(request, server, arguments["imageRef"])
        else:
            status, server[TASK] = _ENDS[action]
            if action == "shelve" and server["image"] and self.shelved_offload_time:
                status = "SHELVED"  # compute/api.py, shelve: only what boots from a volume goes off its host at once
            server["_next"] = {"status": status}

    def _rebuild(self, request: Request, server: Json, image: str) -> None:
        if image not in self._cloud.images:
            raise _says(request, 400, "Cannot find image for rebuild")
        server.update(status="REBUILD", _next={"status": "ERROR"} if is_metal(server) else {"status": server["status"]})
        if not is_metal(server) and not self.rebuilds_fail:
            overwritten = {
                "volume_image_metadata": {"image_id": image},
                "_content": f"image {image} by {len(self._cloud.writes)}",
            }
            self._cloud.volumes[server["_root"]].update(overwritten)

    # Time

    def tick(self) -> None:
        for server in list(self.servers.values()):
            self._end_detachments(server)
            if server["status"] == "DELETED":
                server["_lingers"] -= 1
                if server["_lingers"] < 1:
                    del self.servers[server["id"]]
            elif server[TASK] == "deleting":
                self._remove(server)
            elif server["status"] == "BUILD":
                self._build(server)
            elif "_next" in server:
                server.update(server.pop("_next"))
                server[TASK] = None
                self._hold_volumes(server)

    def _build(self, server: Json) -> None:
        """Nova offers a node again when it has seen that Ironic is through with it (virt/ironic/driver.py, update_provider_tree)."""
        has_node = not is_metal(server) or self._cloud.clock() >= self._clean_at
        server["status"] = self.servers_end_in if has_node else "ERROR"
        if server["status"] == "ERROR":
            server["fault"] = {"message": "No valid host was found."}
            return
        for index, one in enumerate(server.pop("_devices", ())):
            if one["source_type"] != "volume" and one["destination_type"] == "volume":
                made = a_volume("", id=uuid_of(f"of {server['id']} {index}"), status="reserved", size=one.get("volume_size", 10))
                self._cloud.volumes[made["id"]] = made
                server[ATTACHED].append({"id": made["id"], "delete_on_termination": one.get("delete_on_termination", False)})
        self._take_volumes(server)

    def _hold_volumes(self, server: Json) -> None:
        """A shelved server that is off its host keeps its volumes reserved (nova/compute/manager.py, _terminate_volume_connections)."""
        if server["status"] != "SHELVED_OFFLOADED":
            self._take_volumes(server)
            return
        for volume in self._volumes_of(server):
            self._let_go(server, volume)
            self._note_reservation(server, volume)
            volume["status"] = "in-use" if volume["attachments"] else "reserved"

    def _volumes_of(self, server: Json) -> list[Json]:
        return [self._cloud.volumes[one["id"]] for one in server[ATTACHED] if one["id"] in self._cloud.volumes]

    def _note_reservation(self, server: Json, volume: Json) -> None:
        """Cinder tells by an attachment that is not complete who keeps a volume reserved."""
        id = uuid_of(f"attachment of {volume['id']} for {server['id']}")
        told = {"id": id, "volume_id": volume["id"], "instance": server["id"], "status": "reserved"}
        self._cloud.attachments[id] = told

    def _let_go(self, server: Json, volume: Json) -> None:
        self._cloud.attachments.pop(uuid_of(f"attachment of {volume['id']} for {server['id']}"), None)
        volume["attachments"] = [kept for kept in volume["attachments"] if kept["server_id"] != server["id"]]

    def _take_volumes(self, server: Json) -> None:
        """Those that are reserved for the server. Of one that somebody let go of in Cinder alone, nothing there changes."""
        name_devices(server)
        devices = {one["id"]: one["_device"] for one in server[ATTACHED]}
        for volume in self._volumes_of(server):
            held = any(attachment["server_id"] == server["id"] for attachment in volume["attachments"])
            if not held and volume["status"] != "available":
                self._let_go(server, volume)
                volume["attachments"].append({"server_id": server["id"], "device": devices[volume["id"]]})
                volume["status"] = "in-use"

    def _remove(self, server: Json) -> None:
        """For a moment the list still shows it, with the volumes that it had (compute/manager.py, _delete_instance)."""
        self._network.unplug(server)
        goes = {one["id"]: one["delete_on_termination"] for one in server[ATTACHED]}
        for volume in self._volumes_of(server):
            self._let_go(server, volume)
            volume["status"] = "in-use" if volume["attachments"] else "available"
            # Cinder refuses to delete one with snapshots, and Nova goes on (compute/api.py, _local_cleanup_bdm_volumes)
            held = volume["attachments"] or any(one["volume_id"] == volume["id"] for one in self._cloud.snapshots.values())
            if goes[volume["id"]] and not held:
                volume["status"] = "deleting"
        if is_metal(server) and "_devices" not in server:
            self._clean_at = self._cloud.clock() + self.cleaning
        server.update({"status": "DELETED", TASK: None, "_lingers": self.lingers})


def _says(request: Request, status: int, words: str) -> Rejected:
    return Rejected(request.what, "Nova", status, words)
