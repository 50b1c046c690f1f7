# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an older Ironic does differently: which of its releases do, is told by its microversion or by its answers, never guessed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, deployment, storage, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    RECORDS_MAY_GO,
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    manage,
    planned,
    settle,
    uuid_of,
)

OTHER_IQN = "iqn.2024-01.org.example:other"
OF_ARRAY = {
    "volume_id": "lun-7",
    "target_iqn": "iqn.2024-01.org.example:array",
    "target_portal": "192.0.2.1:3260",
    "target_lun": 7,
}
RECORDS: dict[str, tuple[ModuleType, Json]] = {
    "a connector changes": (connector, {"connector_id": OTHER_IQN}),
    "a connector goes": (connector, {"state": "absent"}),
    "a target changes": (target, {"extra": {"rack": "3"}}),
    "a target goes": (target, {"state": "absent"}),
}
OFF = f"power off node bm-0 ({uuid_of('bm-0')})"

every_record = pytest.mark.parametrize("record", RECORDS)
before_available = pytest.mark.parametrize("state", ["enroll", "manageable"])
not_off = pytest.mark.parametrize("power_state", ["power on", None])


def an_older_cloud(state: str, power_state: str | None = "power on", **fields: Any) -> FakeCloud:
    cloud = FakeCloud(
        nodes=[a_node(provision_state=state, power_state=power_state, storage_interface="external", **fields)],
        connectors=[a_connector()],
        targets=[a_target(volume_id="lun-7", properties={key: value for key, value in OF_ARRAY.items() if key != "volume_id"})],
    )
    cloud.is_before_37 = True
    return cloud


def written(cloud: FakeCloud) -> list[tuple[str, str]]:
    return [(request.method, request.path.partition("/" + uuid_of("bm-0"))[2] or request.changes) for request in cloud.writes]


@every_record
@before_available
@not_off
def test_field_r1_where_ironic_demands_it_the_node_is_powered_off_by_permission(
    record: str, state: str, power_state: str | None
) -> None:
    resource, options = RECORDS[record]
    cloud = an_older_cloud(state, power_state)
    plans = settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert written(cloud)[1:] == [("PUT", "/states/power"), written(cloud)[-1]]  # the first was refused
    assert written(cloud)[-1][0] == ("DELETE" if options.get("state") == "absent" else "PATCH")
    assert plans[-1].settled
    assert not plans[-1].changed


@every_record
@before_available
@not_off
def test_field_r1_without_the_permission_a_line_says_what_is_missing(record: str, state: str, power_state: str | None) -> None:
    resource, options = RECORDS[record]
    cloud = an_older_cloud(state, power_state)
    lacks = (
        rf"only while the node is powered off, and the power state is {power_state or 'unknown'} .* permit it with power_off=true"
    )
    with pytest.raises(Refused, match=lacks):
        settle(cloud, resource, node="bm-0", **options)
    assert [request.method for request in cloud.writes] == ["DELETE"]  # which was refused: nothing has changed
    assert len(cloud.connectors) == len(cloud.targets) == 1


@every_record
def test_field_r1_a_machine_that_was_to_be_adopted_stays_on(record: str) -> None:
    resource, options = RECORDS[record]
    cloud = an_older_cloud("adopt failed")
    with pytest.raises(Refused, match=r"its provision state is adopt failed, .* power the node off yourself"):
        settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert [request.method for request in cloud.writes] == ["DELETE"]


@every_record
@pytest.mark.parametrize("state", RECORDS_MAY_GO)
def test_no_node_is_powered_off_where_ironic_does_not_demand_it(record: str, state: str) -> None:
    resource, options = RECORDS[record]
    cloud = an_older_cloud(state)
    cloud.is_before_37 = False
    settle(cloud, resource, node="bm-0", power_off=True, **options)
    assert ("PUT", "/states/power") not in written(cloud)


@pytest.mark.parametrize("power_off", [True, False])
def test_field_r1_a_fleet_takes_back_the_set_up_of_nodes_that_are_on(power_off: bool) -> None:
    cloud = an_older_cloud("manageable")
    entry: Json = {"node": "bm-0", "connectors": [{"type": "iqn", "connector_id": a_connector()["connector_id"]}]}
    outcome = manage(cloud, [entry], state="absent", power_off=power_off)["bm-0"]
    if power_off:
        assert outcome.msg == ""
        assert OFF in outcome.actions
        assert not cloud.connectors
        assert not cloud.targets
    else:
        assert "permit it with power_off=true" in outcome.msg


# The words of Ironic 2024.1 and of 2025.1, where two volumes of Cinder are attached at first.
WITHOUT_ADDRESSES = ["KeyError: 'auth_username'", "TypeError: %x format: an integer is required, not str"]


@pytest.mark.parametrize("words", WITHOUT_ADDRESSES)
def test_field_r3_several_volumes_of_cinder_are_known_to_the_next_run(words: str) -> None:
    failed = a_node(provision_state="deploy failed", last_error=f"Failed to deploy: {words}.")
    with pytest.raises(BfvError, match=r"Run again: Ironic knows the addresses"):
        deployment.check_landed(node.from_api(failed))


@pytest.mark.parametrize("words", WITHOUT_ADDRESSES)
def test_a_target_of_an_array_does_not_mend_by_itself(words: str) -> None:
    failed = a_node(provision_state="deploy failed", last_error=words, storage_interface="external")
    with pytest.raises(BfvError, match=r"Repair that, and run again"):
        deployment.check_landed(node.from_api(failed))


@pytest.mark.parametrize("update_password", ["on_create", "on_change", "always"])
@pytest.mark.parametrize("options", [{}, {"chap_password": "new-secret"}, {"state": "absent"}, {"extra": {"rack": "3"}}])
@pytest.mark.parametrize("power_state", ["power on", "power off"])
def test_field_r8_a_password_that_an_older_ironic_answers_is_never_shown(
    options: Json, update_password: str, power_state: str
) -> None:
    cloud = an_older_cloud("manageable", power_state)
    cloud.is_before_37, cloud.masks_passwords = False, False
    properties = {
        **a_target()["properties"],
        **dict(list(OF_ARRAY.items())[1:]),
        "auth_username": "me",
        "auth_password": "old-secret",
    }
    for one in cloud.targets.values():
        one["properties"] = properties
    wanted = {"node": "bm-0", "update_password": update_password, **options}
    plans = settle(cloud, target, **wanted)
    want = target.wanted(wanted)
    shown = [str((plan, plan.diff, plan.actions)) for plan in plans] + [str(target.result(want, target.observe(cloud, want)))]
    outcome = manage(cloud, [{"node": "bm-0", "targets": [{"boot_index": 0, **OF_ARRAY}]}], state="prepared", check_mode=True)[
        "bm-0"
    ]
    shown += [str((outcome, outcome.result(), outcome.diff)), *map(str, cloud.writes)]
    assert [text for text in shown if "secret" in text] == []


def of_release(newest: tuple[int, int] | None, **fields: Any) -> FakeCloud:
    cloud = FakeCloud(nodes=[a_node(**{"storage_interface": "external", **fields})])
    cloud.newest = newest
    return cloud


BEFORE_25, SINCE_25 = [(1, 82), (1, 90)], [(1, 91), (1, 115), None]


@pytest.mark.parametrize("newest", BEFORE_25)
@pytest.mark.parametrize(
    ("lun", "boots"), [({"target_lun": 10}, 16), ({"target_lun": "12"}, 18), ({"properties": {"target_luns": [3, 255]}}, 597)]
)
def test_field_r4_the_lun_that_an_older_ironic_would_boot_is_told(newest: tuple[int, int], lun: Json, boots: int) -> None:
    options = {key: value for key, value in OF_ARRAY.items() if key != "target_lun"} | lun
    with pytest.raises(Refused, match=rf"older than 25\.0 .* would boot from LUN {boots}\. Export"):
        planned(of_release(newest), target, node="bm-0", **options)


@pytest.mark.parametrize("newest", BEFORE_25)
def test_field_r4_up_to_nine_the_digits_are_the_same(newest: tuple[int, int]) -> None:
    assert planned(of_release(newest), target, node="bm-0", **{**OF_ARRAY, "target_lun": 9}).changed


@pytest.mark.parametrize("newest", SINCE_25)
def test_field_r4_a_newer_ironic_boots_every_lun(newest: tuple[int, int] | None) -> None:
    assert planned(of_release(newest), target, node="bm-0", **{**OF_ARRAY, "target_lun": 255}).changed


@pytest.mark.parametrize(
    ("newest", "advised"),
    [
        ((1, 82), "ipxe or ilo-ipxe or ilo-virtual-media or irmc-virtual-media"),
        ((1, 90), "ipxe or http-ipxe or ilo-ipxe or ilo-virtual-media or irmc-virtual-media"),
        ((1, 112), "ipxe or http-ipxe"),
        (None, "ipxe or http-ipxe or ilo-ipxe or ilo-virtual-media or irmc-virtual-media"),
    ],
)
def test_field_r8_only_boot_interfaces_that_the_release_has_are_advised(newest: tuple[int, int] | None, advised: str) -> None:
    with pytest.raises(Refused, match=rf"boot interface pxe cannot boot an iSCSI volume\. Set boot_interface to {advised}\."):
        planned(of_release(newest, boot_interface="pxe"), storage, node="bm-0", capabilities={"iscsi_boot": True})
