# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""OpenStack as dictionaries, for the tests that need many small clouds and no clock: Ironic here, the others beside it.

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

from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils.fleet.journal import Tell
from ansible_collections.bfv.openstack.plugins.module_utils.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils.resources import settle as settle_module
from ansible_collections.bfv.openstack.plugins.module_utils.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import (
    FakeCinder,
    Json,
    a_backup,
    a_snapshot,
    a_volume,
    an_image,
    attached,
    by_id,
    has_metadata,
    of_image,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import FakeNeutron, FakeNova

__all__ = [
    "FakeCloud",
    "Json",
    "a_backup",
    "a_connector",
    "a_node",
    "a_snapshot",
    "a_target",
    "a_volume",
    "an_image",
    "attached",
    "manage",
    "of_image",
    "planned",
    "settle",
    "uuid_of",
]

MASKED = ("auth_password", "discovery_auth_password", "secret")
INTERFACES_MAY_CHANGE = ("enroll", "inspecting", "inspect wait", "manageable", "available")
RECORDS_MAY_GO = ("enroll", "manageable", "adopt failed")
IN_TRANSITION = ("deploying", "deleting", "cleaning", "inspecting")
DEPLOYABLE = ("available", "deploy failed")
_FILTERS = (("node", "node_uuid"), ("name", "name"), ("volume_id", "volume_id"))
UNDEPLOYABLE = ("active", "wait call-back", "deploy failed", "error", "rescue", "rescue failed", "service failed")


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
        "resource_class": "baremetal",
        "conductor_group": "",
        "owner": None,
        "lessee": None,
        "traits": [],
        "reservation": None,
        "maintenance_reason": None,
        "target_provision_state": None,
        **fields,
    }


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


class FakeCloud(FakeCinder):
    """Ironic, Cinder and Glance share one set of paths. ``reads`` and ``writes`` tell what was asked of all services."""

    def __init__(self, **records: Iterable[Json]) -> None:
        super().__init__(**records)
        self.baremetal = self.block_storage = self.image = self
        self.network = FakeNeutron(self, records)
        self.compute = FakeNova(self, self.network, records)
        self.nodes = by_id(records.get("nodes", ()))
        self.connectors = by_id(records.get("connectors", ()))
        self.targets = by_id(records.get("targets", ()))
        self.hides_properties = False
        self.default_storage_interface = "noop"
        self.deployment_fails: dict[str, str] = {}  # the words of last_error, by the node's name
        self.reads: list[str] = []
        self.writes: list[Request] = []
        self.now = 0.0
        self._powering_off: set[str] = set()
        self._lock = threading.RLock()  # the fleet asks from many threads at once

    # What Service offers

    def at(self, microversion: str) -> FakeCloud:
        return self

    def read(self, path: str, what: str, **query: object) -> Json:
        found = self.find(path, what, **query)
        if found is None:
            raise Rejected(what, "the fake", 404, f"{path} could not be found.")
        return found

    def find(self, path: str, what: str, **query: object) -> Json | None:
        with self._lock:
            return self._find(path, **query)

    def _find(self, path: str, **query: object) -> Json | None:
        self.reads.append(path)
        kind, _slash, name = unquote(path).strip("/").partition("/")
        if kind == "drivers":
            return {"default_storage_interface": self.default_storage_interface}
        if name.endswith("/validate"):
            return self._validation(self.nodes[name.partition("/")[0]])
        found = next((one for one in getattr(self, kind).values() if name in (one.get("uuid"), one.get("id"), one["name"])), None)
        found = deepcopy(found)
        if kind in ("volumes", "snapshots", "backups"):  # Cinder knows no names here
            return {kind.rstrip("s"): found} if found and found["id"] == name else None
        return _fields(found, query) if found else None

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        self.reads.append(path)
        for record in list(getattr(self, key).values()):
            if any(query.get(asked) not in (None, record.get(has)) for asked, has in _FILTERS):
                continue
            if not has_metadata(record, query.get("metadata")):
                continue
            yield _fields(self._shown(key, record, detailed=key not in ("connectors", "targets") or "detail" in query), query)

    def send(self, request: Request) -> Json:
        with self._lock:
            self.writes.append(request)
            if request.service == "compute":
                return self.compute.send(request)
            kind, name, *rest = [*request.path.strip("/").split("/"), ""]
            rest = [part for part in rest if part]
            if kind == "volume":  # Ironic's /volume/targets/UUID
                return self._send_record(request, name, *rest)
            if kind == "nodes":
                return self._send_node(request, self.nodes[name], rest)
            return self.send_volume(request, name, rest)

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
        self.compute.tick()
        self.tick_volumes()

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


def planned(cloud: FakeCloud, resource: Any, **options: Any) -> Plan:
    """What a module with these options would do now."""
    want = resource.wanted(options)
    plan: Plan = resource.plan(want, resource.observe(cloud, want))
    return plan


def settle(cloud: FakeCloud, resource: Any, **options: Any) -> list[Plan]:
    """Plan, take the steps, look again, until nothing is left to do. Every plan on the way; the last one is settled."""
    want = resource.wanted(options)
    plans: list[Plan] = []

    def plan(found: Any) -> Plan:
        plans.append(resource.plan(want, found))
        return plans[-1]

    with patch.object(settle_module, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep)):
        settling = Settling(cloud, lambda: resource.observe(cloud, want), plan)  # type: ignore[arg-type]
        settling.run(timeout=200)
    return [*plans[:-1], plans[-1].rest(settling.way.requests)]


def manage(
    cloud: FakeCloud, nodes: list[Json], *, check_mode: bool = False, tell: Tell | None = None, **params: Any
) -> dict[str, Outcome]:
    """What the module baremetal_fleet does with these nodes, in the time of the fake."""
    given = {"state": "deployed", "concurrency": 4, "timeout": 60, "wait": True, "nodes": nodes, **params}
    with patch.object(fleet, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep)):
        result = fleet.manage(cloud, given, check_mode=check_mode, tell=tell)  # type: ignore[arg-type]
    return {outcome.node: outcome for outcome in result.outcomes}


def _fields(record: Json, query: Json) -> Json:
    """Of the record what was asked for: Ironic's option fields."""
    return {name: record[name] for name in query["fields"].split(",")} if "fields" in query else record


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
