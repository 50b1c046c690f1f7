# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenStack as dictionaries, for the tests that need many small clouds and no clock: Ironic here, the others beside it.

It obeys the rules that the plans rely on (who may change what when, what is unique, what is masked, what an undeployment takes
away) and nothing else. What real services say is asked of real services, by the integration tests.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.service import check_still
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.journal import Tell
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import kind as nodes_kind
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources import settle as settle_module
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.ironic import Ironic
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit import fake_glance
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import (
    FakeCinder,
    Json,
    a_backup,
    a_snapshot,
    a_volume,
    an_end,
    an_image,
    attached,
    by_id,
    of_image,
    shown,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import OWN_PROJECT, FakeNeutron
from ansible_collections.bfv.openstack.tests.unit.fake_nova import FakeNova

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
    "in_its_time",
    "manage",
    "managed",
    "of_image",
    "planned",
    "settle",
    "uuid_of",
]

MASKED = ("auth_password", "discovery_auth_password", "secret")
INTERFACES_MAY_CHANGE = ("enroll", "inspecting", "inspect wait", "manageable", "available")
CONDUCTOR = {"hostname": "conductor", "conductor_group": "", "alive": True, "drivers": ["fake-hardware"]}
FILTERS = ("owner", "lessee", "driver", "resource_class", "conductor_group", "maintenance", "provision_state")
RECORDS_MAY_GO = ("enroll", "manageable", "adopt failed")
IN_TRANSITION = ("deploying", "deleting", "cleaning", "inspecting")
DEPLOYABLE = ("available", "deploy failed")
# The first parts of paths that are Cinder's or Glance's.
_CINDERS = (
    "attachments",
    "volumes",
    "snapshots",
    "backups",
    "types",
    "limits",
    "os-quota-sets",
    "os-availability-zone",
    "scheduler-stats",
    "images",
)
_WRONG_STATE = 'The requested action "{}" can not be performed on node "{}" while it is in state "{}".'
UNDEPLOYABLE = (
    "active", "wait call-back", "deploy failed", "error", "rescue", "rescue wait", "rescue failed", "unrescue failed",
    "service failed", "service wait",
)  # fmt: skip


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
        "fault": None,
        "protected": False,
        "protected_reason": None,
        "retired": False,
        "retired_reason": None,
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
        self.allocations = by_id(records.get("allocations", ()))
        self.conductors = {one["hostname"]: one for one in records.get("conductors", (CONDUCTOR,))}
        self._ports = records.get("ports")
        self.denied: set[str] = set()  # kinds that this user may not see
        self.project = OWN_PROJECT  # "" of a user with system scope
        self.hides_properties = False
        self.masks_passwords = True  # as Ironic from 29.0.6 on does
        self.newest: tuple[int, int] | None = (1, 115)
        self.is_before_37 = False  # removes connectors and targets only of nodes that are powered off
        self._removes_only_when_off = False  # what Cloud knows by then
        self.compares_without_case = False  # as MariaDB does
        self.default_storage_interface = "noop"
        self.dead: set[str] = set()  # names of nodes whose controllers do not answer
        self.deployment_fails: dict[str, str] = {}  # the words of last_error, by the node's name
        self.reads: list[str] = []
        self.writes: list[Request] = []
        self.now = 0.0
        self._powering_off: set[str] = set()
        self._lock = threading.RLock()  # the fleet asks from many threads at once

    # What Service offers

    def at(self, microversion: str) -> FakeCloud:
        return self

    @property
    def ironic(self) -> Ironic:
        return Ironic(self.newest, self._removes_only_when_off)

    def check_project(self) -> None:
        if not self.project:
            raise Refused("Failed to work with volumes: the cloud's user comes without a project. Name volume_cloud.")

    def offers(self, microversion: str) -> bool:
        return self.newest is None or self.newest >= tuple(map(int, microversion.split(".")))

    @property
    def ports(self) -> dict[str, Json]:
        """The ports that were given, or one to boot by for each node."""
        made = ({"uuid": uuid, "node_uuid": uuid, "pxe_enabled": True} for uuid in self.nodes)
        return by_id(made if self._ports is None else self._ports)

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
            if kind in self.denied:
                raise Rejected(
                    "read the driver", "Ironic", 403, "Access was denied to the following resource: baremetal:driver:get"
                )
            return {"default_storage_interface": self.default_storage_interface}
        if kind in _CINDERS:
            return self.find_in_cinder(kind, name)
        if kind == "volume":  # Ironic's /volume/targets/UUID
            kind, _slash, name = name.partition("/")
        if name.endswith("/validate"):
            node = self.nodes.get(name.partition("/")[0])
            return self._validation(node) if node else None
        found = next((one for one in getattr(self, kind).values() if self._means(name, one)), None)
        return _fields(shown(found), query) if found else None

    def _means(self, name: str, record: Json) -> bool:
        if self.compares_without_case:
            return name.lower() in (record["uuid"], str(record.get("name")).lower())
        return name in (record["uuid"], record.get("name"))

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        self.reads.append(path)
        if key == "vifs":
            yield from self.nodes[path.split("/")[2]].get("_vifs", [])
            return
        if key in self.denied:
            raise Rejected(what, "Ironic", 403, f"Access was denied to the following resource: baremetal:{key}")
        if path.strip("/").partition("/")[0] in _CINDERS:
            yield from self.list_in_cinder(key, query)
            return
        for record in list(getattr(self, key).values()):
            if query.get("node") not in (None, record.get("node_uuid")):
                continue
            if any(record[name] != query[name] for name in FILTERS if name in query):
                continue
            yield _fields(self._shown(key, record, detailed=key not in ("connectors", "targets") or "detail" in query), query)

    def send(self, request: Request) -> Json:
        with self._lock:
            check_still(self.compute if request.service == "compute" else self, request)
            self.writes.append(request)
            try:
                return self._send(request)
            except Rejected as error:  # as Service does
                if error.status == 404 and request.method == "DELETE":
                    return {}
                error.of_record = bool(request.key)
                error.new = request.changes if request.creates else ""
                self._removes_only_when_off |= request.method == "DELETE" and error.wants_power_off
                raise

    def _send(self, request: Request) -> Json:
        if request.service == "compute":
            return self.compute.send(request)
        if request.service == "network":
            return self.network.send(request)
        if request.service == "image":
            return fake_glance.write(self.images, request, owner=self.project)
        kind, name, *rest = [*request.path.strip("/").split("/"), ""]
        rest = [part for part in rest if part]
        if kind == "volume":  # Ironic's /volume/targets/UUID
            return self._send_record(request, name, *rest)
        if kind == "nodes":
            if name not in self.nodes:
                raise Rejected(request.what, "Ironic", 404, f"Node {name} could not be found.")
            return self._send_node(request, self.nodes[name], rest)
        if kind == "attachments":
            return self.delete_attachment(request, name)
        if kind == "snapshots":
            return self.send_snapshot(request, name, rest)
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
        self.tick_snapshots()

    def _move(self, node: Json) -> None:
        if node["uuid"] in self._powering_off:
            self._powering_off.discard(node["uuid"])
            dead = node["name"] in self.dead
            node.update({"last_error": "Failed to power off: no answer."} if dead else {"power_state": "power off"})
            if not dead and node["provision_state"] == "active":  # ironic/conductor/utils.py, node_power_action
                self._let_go(node)
        state = node["provision_state"]
        if state == "deploying" and node["name"] in self.deployment_fails:
            node.update(provision_state="deploy failed", last_error=self.deployment_fails[node["name"]])
        elif state == "deploying":
            node.update(provision_state="active", power_state="power on", last_error=None)
            for volume in self._volumes_of(node):
                holder = node["instance_uuid"] or node["uuid"]
                volume.update(status="in-use", attachments=[an_end(holder, "ironic_mountpoint")])
        elif state == "deleting" and node["name"] in self.dead:
            # ironic/conductor/manager.py, _do_node_tear_down: the power comes before the volumes, the instance goes whatever comes.
            node.update(
                provision_state="error", last_error="Failed to tear down: no answer.", instance_uuid=None, instance_info={}
            )
        elif state == "deleting":
            self._let_go(node)
            self.targets = {key: one for key, one in self.targets.items() if one["node_uuid"] != node["uuid"]}
            self.allocations.pop(node["instance_uuid"], None)
            node.update(provision_state="cleaning", power_state="power off", instance_uuid=None, instance_info={})
        elif state in ("cleaning", "clean wait"):
            node["provision_state"] = "manageable" if node["retired"] else "available"

    def _let_go(self, node: Json) -> None:
        for volume in self._volumes_of(node):
            volume.update(status="available", attachments=[])

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
            properties = {
                key: "******" if key in MASKED and self.masks_passwords else value
                for key, value in (shown["properties"] or {}).items()
            }
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
        patched = _patched(record, request.body) if request.method == "PATCH" else record
        node = self.nodes[patched["node_uuid"]]  # of a record that moves, the node that gets it
        off = node["power_state"] == "power off"
        may_go = request.method == "DELETE" and node["provision_state"] in RECORDS_MAY_GO and not self.is_before_37
        if not off and not may_go:
            action = f"volume {kind.removesuffix('s')} {'deletion' if request.method == 'DELETE' else 'update'}"
            raise Rejected(request.what, "Ironic", 400, _WRONG_STATE.format(action, node["uuid"], node["power_state"]))
        if request.method == "DELETE":
            del records[uuid]
            return {}
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
            node["last_error"] = None  # ironic/conductor/utils.py, node_power_action
            self._powering_off.add(node["uuid"])
            return {}
        if rest == ["maintenance"]:
            node.update(maintenance=True, maintenance_reason=request.body["reason"])  # type: ignore[index,call-overload]
            return {}
        if rest == ["states", "provision"]:
            allowed = DEPLOYABLE if target == "active" else UNDEPLOYABLE
            if node["provision_state"] not in allowed or (target == "active" and node["maintenance"]):
                raise Rejected(request.what, "Ironic", 400, f"The action is not possible in state {node['provision_state']}.")
            if node["protected"] and target != "active":
                raise Rejected(request.what, "Ironic", 403, f"Node {node['uuid']} is protected and cannot be undeployed.")
            said = self._validation(node)["deploy"]  # ironic/conductor/manager.py, do_node_deploy
            if target == "active" and not said["result"]:
                raise Rejected(request.what, "Ironic", 400, f"Failed to validate deploy or power info: {said['reason']}")
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


@contextmanager
def in_its_time(cloud: FakeCloud) -> Iterator[None]:
    """Whoever waits within the block waits in the time of the fake."""

    def rounds(timeout: float) -> Rounds:
        return Rounds(timeout, cloud.clock, cloud.sleep)

    with patch.object(settle_module, "Rounds", rounds), patch.object(fleet, "Rounds", rounds):
        yield


def settle(cloud: FakeCloud, resource: Any, **options: Any) -> list[Plan]:
    """Plan, take the steps, look again, until nothing is left to do. Every plan on the way; the last one is settled."""
    want = resource.wanted(options)
    plans: list[Plan] = []

    def plan(found: Any, made: Collection[str]) -> Plan:
        plans.append(resource.plan(want, found, made))
        return plans[-1]

    with in_its_time(cloud):
        settling = Settling(cloud, lambda: resource.observe(cloud, want), plan)  # type: ignore[arg-type]
        settling.run(timeout=200)
    return [*plans[:-1], plans[-1].rest(settling.way.requests)]


def manage(
    cloud: FakeCloud, nodes: list[Json], *, check_mode: bool = False, tell: Tell | None = None, **params: Any
) -> dict[str, Outcome]:
    """What the module baremetal_fleet does with these nodes, in the time of the fake."""
    return {outcome.name: outcome for outcome in managed(cloud, nodes, check_mode=check_mode, tell=tell, **params).outcomes}


def managed(
    cloud: FakeCloud, nodes: list[Json], *, check_mode: bool = False, tell: Tell | None = None, **params: Any
) -> fleet.Result:
    """The same, with what is told of the whole run."""
    given = {"state": "deployed", "concurrency": 4, "timeout": 60, "wait": True, "nodes": nodes, **params}
    with in_its_time(cloud):
        return fleet.manage(cloud, nodes_kind, given, check_mode=check_mode, tell=tell)  # type: ignore[arg-type]


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
