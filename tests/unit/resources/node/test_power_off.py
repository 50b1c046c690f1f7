# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No machine goes down for a record: where power_off is permitted, and where it is not, whatever the task says."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    RECORDS_MAY_GO,
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    planned,
    settle,
    uuid_of,
)

SERVER = uuid_of("server")
# What wants the node powered off: the resource, and its options.
RECORDS: dict[str, tuple[ModuleType, Json]] = {
    "a connector changes": (connector, {"connector_id": "iqn.2024-01.org.example:other"}),
    "a connector goes": (connector, {"state": "absent"}),
    "a target changes": (target, {"volume": "web"}),
    "a target goes": (target, {"state": "absent"}),
}
# Every provision state of ironic/common/states.py that a record may be at rest in, and one of tomorrow.
NOBODYS = ["enroll", "manageable", "available", "inspect failed", "clean failed", "deploy failed"]
SOMEBODYS = [
    "active", "deploying", "wait call-back", "deploy hold", "rescue", "rescuing", "rescue wait", "rescue failed",
    "unrescuing", "unrescue failed", "service wait", "servicing", "service failed", "service hold", "error", "deleting",
    "adopting", "inspecting", "cleaning", "some state of tomorrow",
]  # fmt: skip

every_record = pytest.mark.parametrize("record", RECORDS)


def a_cloud(kind: type[FakeCloud] = FakeCloud, **fields: Any) -> FakeCloud:
    return kind(
        nodes=[a_node(**{"power_state": "power on", **fields})],
        connectors=[a_connector()],
        targets=[a_target()],
        volumes=[a_volume(), a_volume("web")],
    )


@pytest.mark.parametrize("is_novas", [True, False])
def test_a_node_is_powered_off_for_a_record_where_its_instance_is_not_novas(is_novas: bool) -> None:
    one = replace(node.from_api(a_node(instance_uuid=SERVER, power_state="power on")), is_novas=is_novas)
    if is_novas:
        with pytest.raises(Refused, match="it runs a server of Nova"):
            node.when_off(Plan("record", {}, {}), one, "bm-0", "change a record", permitted=True)
    else:
        (request,) = node.when_off(Plan("record", {}, {}), one, "bm-0", "change a record", permitted=True).requests
        assert is_powered_off(request)


def is_powered_off(request: Request) -> bool:
    return request.path.endswith("/states/power")


@every_record
@pytest.mark.parametrize("state", SOMEBODYS)
def test_field_d13_a_machine_is_not_powered_off_for_a_record(record: str, state: str) -> None:
    resource, options = RECORDS[record]
    with pytest.raises(Refused, match=f"its provision state is {state}, so that a machine may run on it. Undeploy it first"):
        planned(a_cloud(provision_state=state), resource, node="bm-0", power_off=True, **options)


@every_record
@pytest.mark.parametrize("state", ["active", "available", "deploy failed"])
def test_field_d13_a_node_of_nova_is_not_powered_off(record: str, state: str) -> None:
    resource, options = RECORDS[record]
    cloud = a_cloud(provision_state=state, instance_uuid=SERVER)
    with pytest.raises(Refused, match=SERVER):
        planned(cloud, resource, node="bm-0", power_off=True, **options)


@every_record
@pytest.mark.parametrize("state", NOBODYS)
def test_where_no_machine_runs_it_is_powered_off_by_permission(record: str, state: str) -> None:
    resource, options = RECORDS[record]
    cloud = a_cloud(provision_state=state)
    (told, *_rest) = settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert told.actions == [request.what for request in cloud.writes]
    assert any(map(is_powered_off, cloud.writes)) is (state not in RECORDS_MAY_GO)


@every_record
def test_a_machine_that_was_to_be_adopted_stays_on(record: str) -> None:
    resource, options = RECORDS[record]
    cloud = a_cloud(provision_state="adopt failed")
    settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert not any(map(is_powered_off, cloud.writes))


class Taken(FakeCloud):
    """Somebody has the node between the look of the run and its first write."""

    becomes: Json | None = None

    def send(self, request: Request) -> Json:
        self.nodes[uuid_of("bm-0")].update(self.becomes or {})
        return super().send(request)


@every_record
@pytest.mark.parametrize("becomes", [{"provision_state": "active"}, {"instance_uuid": SERVER}], ids=["deployed", "Nova's"])
def test_field_d13_the_node_is_read_again_directly_before(record: str, becomes: Json) -> None:
    resource, options = RECORDS[record]
    cloud = a_cloud(Taken)
    assert isinstance(cloud, Taken)
    cloud.becomes = becomes
    with pytest.raises(Refused, match=r"so that a machine may run on it|Nova"):
        settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert cloud.writes == []


@every_record
def test_the_right_is_that_of_the_name_in_the_task(record: str) -> None:
    """MariaDB compares without case, and so does Ironic then."""
    resource, options = RECORDS[record]
    cloud = a_cloud(power_state="power off")
    want = resource.wanted({"node": "BM-0", **options})
    found = resource.observe(cloud, resource.wanted({"node": "bm-0", **options}))
    deletes = options.get("state") == "absent"
    if deletes:
        with pytest.raises(Refused, match=r"Failed to find node BM-0: Ironic answers with node bm-0"):
            resource.plan(want, found)
    for name in ("bm-0", uuid_of("bm-0"), uuid_of("bm-0").upper()):
        assert resource.plan(resource.wanted({"node": name, **options}), found).changed


def test_a_record_of_another_node_has_no_permit() -> None:
    cloud = a_cloud(power_state="power off")
    want = connector.wanted({"node": "bm-0", "state": "absent"})
    found = connector.Found(node.from_api(a_node()), (connector.from_api(a_connector("bm-1", "iqn.2024-01.org.example:x")),))
    with pytest.raises(Refused, match=f"it belongs to {uuid_of('bm-1')}"):
        connector.plan(want, found)
    assert cloud.writes == []
