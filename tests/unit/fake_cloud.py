# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Ironic, Cinder and Glance as dictionaries, for the tests that need many small clouds and no clock.

It obeys the rules that the plans rely on (who may change what when, what is unique, what is masked, what an undeployment takes
away) and nothing else. What real services say is asked of real services, by the integration tests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from uuid import NAMESPACE_DNS, uuid5

from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils.resources.settle import take
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Plan, Request

Json = dict[str, Any]

MASKED = ("auth_password", "discovery_auth_password", "secret")
INTERFACES_MAY_CHANGE = ("enroll", "inspecting", "inspect wait", "manageable", "available")
RECORDS_MAY_GO = ("enroll", "manageable", "adopt failed")
IN_TRANSITION = ("deploying", "deleting", "cleaning", "inspecting")
BUSY = ("creating", "restoring-backup", "extending", "detaching", "retyping")
DEPLOYABLE = ("available", "deploy failed")
UNDEPLOYABLE = ("active", "wait call-back", "deploy failed", "error", "rescue", "rescue failed", "service failed")


def uuid_of(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def a_node(name: str = "bm-0", **fields: Any) -> Json:
    """A node that is ready for boot from volume with Cinder, powered off."""
    return {
        "uuid": uuid_of(name),
        "name": name,
        "driver": "fake-hardware",
        "power_state": "power off",
        "provision_state": "available",
        "last_error": None,
        "instance_uuid": None,
        "maintenance": False,
        "storage_interface": "cinder",
        "boot_interface": "ipxe",
        "deploy_interface": "direct",
        "properties": {"capabilities": "boot_mode:uefi,iscsi_boot:True"},
        "instance_info": {},
        **fields,
    }


def a_volume(name: str = "root", **fields: Any) -> Json:
    return {
        "id": uuid_of(name),
        "name": name,
        "status": "available",
        "size": 10,
        "bootable": "true",
        "volume_type": "lvm",
        "availability_zone": "nova",
        "description": None,
        "metadata": {},
        "snapshot_id": None,
        "source_volid": None,
        "created_at": "2026-01-01T00:00:00.000000",
        "multiattach": False,
        "attachments": [],
        **fields,
    }


def an_image(name: str = "debian", **fields: Any) -> Json:
    return {"id": uuid_of(name), "name": name, "status": "active", "min_disk": 3, "size": 2**20, **fields}


def a_connector(node: str = "bm-0", connector_id: str = "iqn.2024-01.org.example:bm-0", **fields: Any) -> Json:
    return {
        "uuid": uuid_of(connector_id),
        "node_uuid": uuid_of(node),
        "type": "iqn",
        "connector_id": connector_id,
        "extra": {},
        **fields,
    }


def a_target(node: str = "bm-0", volume: str = "root", **fields: Any) -> Json:
    return {
        "uuid": uuid_of(f"target of {node} {volume}"),
        "node_uuid": uuid_of(node),
        "volume_type": "iscsi",
        "boot_index": 0,
        "volume_id": uuid_of(volume),
        "properties": {},
        "extra": {},
        **fields,
    }


class FakeCloud:
    """Three services that share one set of paths. ``reads`` and ``writes`` tell what was asked of them."""

    def __init__(self, **records: Iterable[Json]) -> None:
        self.baremetal = self.block_storage = self.image = self
        self.nodes = _by_id(records.get("nodes", ()))
        self.connectors = _by_id(records.get("connectors", ()))
        self.targets = _by_id(records.get("targets", ()))
        self.volumes = _by_id(records.get("volumes", ()))
        self.images = _by_id(records.get("images", ()))
        self.hides_properties = False
        self.default_storage_interface = "noop"
        self.deployment_fails: dict[str, str] = {}  # the words of last_error, by the node's name
        self.volumes_end_in = "available"
        self.reads: list[str] = []
        self.writes: list[Request] = []
        self.now = 0.0
        self._powering_off: set[str] = set()
        self._lock = threading.Lock()

    # What Service offers

    def read(self, path: str, what: str, **query: object) -> Json:
        found = self.find(path, what, **query)
        if found is None:
            raise Rejected(what, "the fake", 404, f"{path} could not be found.")
        return found

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self.reads.append(path)
        kind, _, name = unquote(path).strip("/").partition("/")
        if kind == "drivers":
            return {"default_storage_interface": self.default_storage_interface}
        if name.endswith("/validate"):
            return self._validation(self.nodes[name.partition("/")[0]])
        found = next((one for one in getattr(self, kind).values() if name in (one.get("uuid"), one.get("id"), one["name"])), None)
        if kind == "volumes" and found and found["id"] != name:
            found = None  # Cinder knows no names here
        found = deepcopy(found)
        return {"volume": found} if found and kind == "volumes" else _fields(found, query) if found else None

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        self.reads.append(path)
        for record in list(getattr(self, key).values()):
            if query.get("node") not in (None, record.get("node_uuid")) or query.get("name") not in (None, record.get("name")):
                continue
            yield _fields(self._shown(key, record, detailed=key not in ("connectors", "targets") or "detail" in query), query)

    def send(self, request: Request) -> Json:
        with self._lock:
            self.writes.append(request)
            kind, name, *rest = [*request.path.strip("/").split("/"), ""]
            rest = [part for part in rest if part]
            if kind == "volume":  # Ironic's /volume/targets/UUID
                return self._send_record(request, name, *rest)
            if kind == "nodes":
                return self._send_node(request, self.nodes[name], rest)
            return self._send_volume(request, name, rest)

    # Time

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.tick()

    def tick(self) -> None:
        """What the services do by themselves: every transition goes one step on."""
        for node in self.nodes.values():
            self._move(node)
        for volume in list(self.volumes.values()):
            if volume["status"] == "deleting":
                del self.volumes[volume["id"]]
            elif volume["status"] in BUSY:
                volume["status"] = "downloading" if volume["status"] == "creating" else self.volumes_end_in
                volume["size"] = volume.pop("_grows_to", volume["size"])
            elif volume["status"] == "downloading":
                volume["status"] = self.volumes_end_in

    def _move(self, node: Json) -> None:
        if node["uuid"] in self._powering_off:
            self._powering_off.discard(node["uuid"])
            node["power_state"] = "power off"
        state = node["provision_state"]
        if state == "deploying" and node["name"] in self.deployment_fails:
            node.update(provision_state="deploy failed", last_error=self.deployment_fails[node["name"]])
        elif state == "deploying":
            node.update(provision_state="active", power_state="power on", last_error=None)
            for volume in self._volumes_of(node):
                volume.update(status="in-use", attachments=[{"server_id": node["uuid"], "device": "ironic_mountpoint"}])
        elif state == "deleting":
            for volume in self._volumes_of(node):
                volume.update(status="available", attachments=[])
            self.targets = {key: one for key, one in self.targets.items() if one["node_uuid"] != node["uuid"]}
            node.update(provision_state="cleaning", power_state="power off")
        elif state in ("cleaning", "clean wait"):
            node["provision_state"] = "available"

    def _volumes_of(self, node: Json) -> list[Json]:
        ids = [target["volume_id"] for target in self.targets.values() if target["node_uuid"] == node["uuid"]]
        return [self.volumes[one] for one in ids if one in self.volumes] if node["storage_interface"] == "cinder" else []

    # Ironic

    def _shown(self, kind: str, record: Json, detailed: bool = True) -> Json:
        shown = deepcopy(record)
        if not detailed:
            shown.pop("properties", None)
            shown.pop("extra", None)
        elif kind == "targets":
            properties = {key: "******" if key in MASKED else value for key, value in (shown["properties"] or {}).items()}
            shown["properties"] = {"redacted_contents": "** Value redacted **"} if self.hides_properties else properties
        return shown

    def _send_record(self, request: Request, kind: str, uuid: str = "") -> Json:
        records = getattr(self, kind)
        unique = ("type", "connector_id") if kind == "connectors" else ("node_uuid", "boot_index")
        if request.method == "POST":
            body = {"uuid": uuid_of(f"{kind} {len(self.writes)}"), **deepcopy(dict(request.body))}  # type: ignore[call-overload]
            self._check_unique(request, records, unique, body)
            records[body["uuid"]] = body
            return self._shown(kind, body)
        if uuid not in records:
            raise Rejected(request.what, "Ironic", 404, f"Record {uuid} could not be found.")
        record = records[uuid]
        node = self.nodes[record["node_uuid"]]
        off = node["power_state"] == "power off"
        if not off and not (request.method == "DELETE" and node["provision_state"] in RECORDS_MAY_GO):
            raise Rejected(request.what, "Ironic", 400, f"can not be performed while it is in state {node['power_state']}.")
        if request.method == "DELETE":
            del records[uuid]
            return {}
        patched = _patched(record, request.body)
        self._check_unique(request, {key: one for key, one in records.items() if key != uuid}, unique, patched)
        records[uuid] = patched
        return self._shown(kind, patched)

    @staticmethod
    def _check_unique(request: Request, others: dict[str, Json], unique: tuple[str, str], new: Json) -> None:
        if any(all(one[key] == new[key] for key in unique) for one in others.values()):
            raise Rejected(request.what, "Ironic", 409, f"A record with that {' and '.join(unique)} already exists.")

    def _send_node(self, request: Request, node: Json, rest: list[str]) -> Json:
        target = request.body.get("target") if isinstance(request.body, dict) else None
        if rest == ["states", "power"]:
            self._powering_off.add(node["uuid"])
            return {}
        if rest == ["states", "provision"]:
            allowed = DEPLOYABLE if target == "active" else UNDEPLOYABLE
            if node["provision_state"] not in allowed or (target == "active" and node["maintenance"]):
                raise Rejected(request.what, "Ironic", 400, f"The action is not possible in state {node['provision_state']}.")
            node["provision_state"] = "deploying" if target == "active" else "deleting"
            return {}
        if node["provision_state"] in IN_TRANSITION:
            raise Rejected(request.what, "Ironic", 409, "can not be updated while a state transition is in progress.")
        patched = _patched(node, request.body, storage_interface=self.default_storage_interface)
        moved = any(patched[name] != node[name] for name in ("storage_interface", "boot_interface"))
        if moved and node["provision_state"] not in INTERFACES_MAY_CHANGE and not node["maintenance"]:
            raise Rejected(request.what, "Ironic", 409, "can not have an interface updated in this state.")
        node.update(patched)
        return deepcopy(node)

    def _validation(self, node: Json) -> Json:
        said = {name: {"result": True} for name in ("boot", "deploy", "power", "storage")}
        iqns = [one for one in self.connectors.values() if one["node_uuid"] == node["uuid"] and one["type"] == "iqn"]
        boots = [one for one in self.targets.values() if one["node_uuid"] == node["uuid"] and one["boot_index"] == 0]
        if node["storage_interface"] == "cinder" and not iqns:
            said["storage"] = {"result": False, "reason": "iSCSI boot is enabled and there is no iqn connector."}
        if not boots or "image_source" in node["instance_info"]:
            said["deploy"] = {"result": False, "reason": "there is nothing to boot from."}
        return said

    # Cinder

    def _send_volume(self, request: Request, uuid: str, rest: list[str]) -> Json:
        body: Any = request.body
        if not uuid:
            return {"volume": self._create_volume(deepcopy(body["volume"]))}
        volume = self.volumes[uuid]
        if request.method == "DELETE" and not rest:
            if volume["status"] in ("in-use", "creating", "downloading") or volume["attachments"]:
                raise Rejected(request.what, "Cinder", 400, "Volume status must be available or error.")
            volume["status"] = "deleting"
        elif request.method == "DELETE":
            del volume["metadata"][unquote(rest[1])]
        elif rest == ["metadata"]:
            volume["metadata"].update(body["metadata"])
        elif "volume" in body:
            volume.update(body["volume"])
        elif "os-set_bootable" in body:
            volume["bootable"] = str(body["os-set_bootable"]["bootable"]).lower()
        else:
            volume.update(status="extending", _grows_to=body["os-extend"]["new_size"])
        return {}

    def _create_volume(self, wanted: Json) -> Json:
        image = wanted.pop("imageRef", None)
        made = a_volume(wanted["name"], id=uuid_of(f"volume {len(self.writes)}"), status="creating", bootable="false")
        made.update({key: value for key, value in wanted.items() if key in made})
        if image:
            made.update(bootable="true", volume_image_metadata={"image_id": image})
        self.volumes[made["id"]] = made
        return deepcopy(made)


def planned(cloud: FakeCloud, resource: Any, **options: Any) -> Plan:
    """What a module with these options would do now."""
    want = resource.wanted(options)
    plan: Plan = resource.plan(want, resource.observe(cloud, want))
    return plan


def settle(cloud: FakeCloud, resource: Any, **options: Any) -> list[Plan]:
    """Plan, take the steps, look again, until nothing is left to do. Every plan on the way; the last one is settled."""
    plans: list[Plan] = []
    written: list[Request] = []
    for _round in range(20):
        plans.append(planned(cloud, resource, **options).rest(written))
        if plans[-1].settled:
            return plans
        for step in plans[-1].steps:
            take(cloud, step)  # type: ignore[arg-type]
            written.extend([step] if isinstance(step, Request) else [])
        cloud.tick()
    raise AssertionError(f"not settled after {len(plans)} rounds: {plans[-1]}")


def manage(cloud: FakeCloud, nodes: list[Json], *, check_mode: bool = False, **params: Any) -> dict[str, Outcome]:
    """What the module baremetal_fleet does with these nodes, in the time of the fake."""
    given = {"state": "deployed", "concurrency": 4, "timeout": 60, "wait": True, "nodes": nodes, **params}
    with patch.object(fleet, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep)):
        outcomes = fleet.manage(cloud, given, check_mode=check_mode)  # type: ignore[arg-type]
    return {outcome.node: outcome for outcome in outcomes}


def _fields(record: Json, query: Json) -> Json:
    """Of the record what was asked for: Ironic's option fields."""
    return {name: record[name] for name in query["fields"].split(",")} if "fields" in query else record


def _by_id(records: Iterable[Json]) -> dict[str, Json]:
    return {record.get("uuid") or record["id"]: deepcopy(record) for record in records}


def _patched(record: Json, patch: Any, **defaults: object) -> Json:
    """RFC 6902 as Ironic allows it: add and remove, on the record or one level within."""
    record = deepcopy(record)
    for change in patch:
        *parents, key = change["path"].strip("/").split("/")
        within = record
        for parent in parents:
            within = within[parent]
        if change["op"] == "remove":
            within.pop(key)
            if key in defaults:
                within[key] = defaults[key]
        else:
            within[key] = change["value"]
    return record
