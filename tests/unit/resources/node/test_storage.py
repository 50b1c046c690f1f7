# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage as node_storage
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_node, planned, settle, uuid_of

CINDER = {"node": "bm-0", "storage_interface": "cinder", "boot_interface": "ipxe", "iscsi_boot": True, "image_source": "absent"}


def a_cloud(**fields: Any) -> FakeCloud:
    return FakeCloud(nodes=[a_node(**fields)])


def fresh(**fields: Any) -> FakeCloud:
    return a_cloud(storage_interface="noop", boot_interface="pxe", properties={"capabilities": "boot_mode:uefi"}, **fields)


def only(cloud: FakeCloud) -> dict[str, Any]:
    (node,) = cloud.nodes.values()
    return node


def test_a_node_is_set_up_in_one_write() -> None:
    cloud = fresh(instance_info={"image_source": "http://images.example.org/debian", "capabilities": {}})
    settle(cloud, node_storage, **CINDER)
    assert len(cloud.writes) == 1
    assert (only(cloud)["storage_interface"], only(cloud)["boot_interface"]) == ("cinder", "ipxe")
    assert only(cloud)["properties"] == {"capabilities": "boot_mode:uefi,iscsi_boot:True"}
    assert only(cloud)["instance_info"] == {"capabilities": {}}


def test_a_second_run_changes_nothing() -> None:
    cloud = fresh()
    settle(cloud, node_storage, **CINDER)
    assert not planned(cloud, node_storage, **CINDER).changed


def test_what_is_not_named_is_left_alone() -> None:
    assert planned(fresh(), node_storage, node="bm-0").settled


@pytest.mark.parametrize("image_source", ["http://images.example.org/debian", "", None])
def test_image_source_is_removed_even_when_empty(image_source: str | None) -> None:
    cloud = a_cloud(instance_info={"image_source": image_source})
    plan, _settled = settle(cloud, node_storage, node="bm-0", image_source="absent")
    assert plan.changed
    assert only(cloud)["instance_info"] == {}


def test_image_source_stays_where_it_is_not_named() -> None:
    assert planned(a_cloud(instance_info={"image_source": "x"}), node_storage, node="bm-0", storage_interface="cinder").settled


def test_other_capabilities_stay() -> None:
    cloud = a_cloud(properties={"capabilities": "boot_mode:uefi, secure_boot:true", "cpu_arch": "x86_64"})
    settle(cloud, node_storage, node="bm-0", capabilities={"iscsi_boot": True})
    assert only(cloud)["properties"] == {"capabilities": "boot_mode:uefi,secure_boot:true,iscsi_boot:True", "cpu_arch": "x86_64"}


def test_spaces_that_hide_a_capability_from_the_deployment_are_repaired() -> None:
    cloud = a_cloud(properties={"capabilities": "boot_mode:uefi, iscsi_boot:True"})
    settle(cloud, node_storage, node="bm-0", iscsi_boot=True)
    assert only(cloud)["properties"] == {"capabilities": "boot_mode:uefi,iscsi_boot:True"}


@pytest.mark.parametrize("spelling", ["true", "True", "1", "yes"])
def test_a_capability_that_means_the_same_is_left_as_it_is(spelling: str) -> None:
    assert planned(
        a_cloud(properties={"capabilities": f"iscsi_boot:{spelling}"}), node_storage, node="bm-0", iscsi_boot=True
    ).settled


def test_a_capability_of_null_is_removed() -> None:
    cloud = a_cloud()
    settle(cloud, node_storage, node="bm-0", capabilities={"iscsi_boot": None})
    assert only(cloud)["properties"] == {"capabilities": "boot_mode:uefi"}


@pytest.mark.parametrize("properties", [{}, {"capabilities": ""}, {"capabilities": None}, {"capabilities": "boot_mode:uefi"}])
def test_what_is_not_there_need_not_be_removed(properties: dict[str, Any]) -> None:
    assert planned(a_cloud(properties=properties), node_storage, node="bm-0", capabilities={"iscsi_boot": None}).settled


@pytest.mark.parametrize("option", ["iscsi_boot", "fibre_channel_boot"])
def test_the_short_options_are_capabilities(option: str) -> None:
    assert node_storage.wanted({"node": "bm-0", option: False}).capabilities == {option: False}


def test_a_capability_is_given_once() -> None:
    with pytest.raises(Invalid, match=r"boot_mode and capabilities\.boot_mode are both given"):
        node_storage.wanted({"node": "bm-0", "boot_mode": "uefi", "capabilities": {"boot_mode": "bios"}})


def test_a_malformed_capability_is_refused() -> None:
    with pytest.raises(Invalid, match=r"Failed to read the storage of node bm-0: .* is not a capability"):
        node_storage.wanted({"node": "bm-0", "capabilities": {"boot mode": "uefi"}})


def test_a_malformed_capability_of_others_is_kept_and_warned_of() -> None:
    plan = planned(a_cloud(properties={"capabilities": "secure,iscsi_boot:True"}), node_storage, node="bm-0", iscsi_boot=True)
    assert plan.settled
    assert 'malformed capability "secure"' in plan.warnings[0]


def test_reset_gives_the_default_of_the_driver() -> None:
    cloud = a_cloud()
    plan, again = settle(cloud, node_storage, node="bm-0", storage_interface="reset")
    assert (only(cloud)["storage_interface"], plan.changed, again.changed) == ("noop", True, False)
    assert [step.body for step in plan.steps] == [[{"op": "remove", "path": "/storage_interface"}]]


def test_reset_changes_nothing_where_the_default_is_set() -> None:
    assert planned(fresh(), node_storage, node="bm-0", storage_interface="reset").settled


@pytest.mark.parametrize("state", ["active", "deploying", "deploy failed", "error"])
def test_an_interface_is_not_changed_where_ironic_forbids_it(state: str) -> None:
    with pytest.raises(
        Refused, match=rf"storage_interface of node bm-0: .*its provision state is {state}\. (Undeploy it first|Run again)"
    ):
        planned(fresh(provision_state=state), node_storage, node="bm-0", storage_interface="cinder")


@pytest.mark.parametrize("state", ["enroll", "manageable", "available", "inspecting", "inspect wait"])
def test_an_interface_is_changed_where_ironic_allows_it(state: str) -> None:
    assert planned(fresh(provision_state=state), node_storage, node="bm-0", storage_interface="cinder").changed


def test_an_interface_is_changed_anywhere_in_maintenance() -> None:
    cloud = fresh(provision_state="active", maintenance=True)
    settle(cloud, node_storage, node="bm-0", storage_interface="cinder")
    assert only(cloud)["storage_interface"] == "cinder"


def test_the_diff_shows_the_whole_set_up_and_the_action_what_changes() -> None:
    plan = planned(fresh(instance_info={"image_source": "debian"}), node_storage, **{**CINDER, "image_source": None})
    before = {"storage_interface": "noop", "boot_interface": "pxe", "capabilities": "boot_mode:uefi", "image_source": "debian"}
    after = {"storage_interface": "cinder", "boot_interface": "ipxe", "capabilities": "boot_mode:uefi,iscsi_boot:True"}
    assert (plan.before, plan.after) == (before, {**after, "image_source": "debian"})
    changes = [f"{name} {before[name]} -> {after[name]}" for name in after]
    assert plan.actions == [f"set up the storage of node bm-0: {', '.join(changes)}"]


def test_the_driver_is_read_only_for_a_reset() -> None:
    cloud = fresh()
    planned(cloud, node_storage, **CINDER)
    assert cloud.reads == ["/nodes/bm-0"]


def test_capabilities_may_be_changed_while_the_node_is_active() -> None:
    assert planned(a_cloud(provision_state="active"), node_storage, node="bm-0", boot_mode="bios").changed


@pytest.mark.parametrize("boot_interface", ["pxe", "redfish-virtual-media", "http"])
def test_a_boot_interface_that_cannot_boot_iscsi_is_refused(boot_interface: str) -> None:
    with pytest.raises(Refused, match=f"boot interface {boot_interface} cannot boot an iSCSI volume"):
        planned(fresh(), node_storage, **{**CINDER, "boot_interface": boot_interface})


@pytest.mark.parametrize("boot_interface", ["ipxe", "http-ipxe", "ilo-ipxe"])
def test_a_boot_interface_that_can_boot_iscsi_is_set(boot_interface: str) -> None:
    assert planned(fresh(), node_storage, **{**CINDER, "boot_interface": boot_interface}).changed


@pytest.mark.parametrize("deploy_interface", ["ramdisk", "anaconda", "ansible", "noop"])
def test_a_deploy_interface_that_does_not_boot_volumes_is_refused(deploy_interface: str) -> None:
    with pytest.raises(Refused, match=f"deploy interface {deploy_interface} does not boot from volumes"):
        planned(fresh(deploy_interface=deploy_interface), node_storage, **CINDER)


@pytest.mark.parametrize("options", [{"storage_interface": "noop"}, {"iscsi_boot": False}])
def test_a_node_that_boots_no_iscsi_may_have_any_interfaces(options: dict[str, Any]) -> None:
    cloud = a_cloud(boot_interface="pxe", deploy_interface="ansible")
    assert planned(cloud, node_storage, node="bm-0", **options).changed


def test_the_result_has_the_capabilities_by_name() -> None:
    want = node_storage.wanted({"node": "bm-0"})
    assert node_storage.result(want, node_storage.observe(a_cloud(), want))["node"] == {
        "uuid": uuid_of("bm-0"),
        "name": "bm-0",
        "provision_state": "available",
        "power_state": "power off",
        "storage_interface": "cinder",
        "boot_interface": "ipxe",
        "capabilities": {"boot_mode": "uefi", "iscsi_boot": "True"},
        "image_source": None,
    }


def test_a_node_without_a_name_is_known_by_its_uuid() -> None:
    plan = planned(FakeCloud(nodes=[{**a_node(), "name": None}]), node_storage, node=uuid_of("bm-0"), boot_mode="bios")
    assert plan.subject == f"storage of node {uuid_of('bm-0')}"


def test_an_unknown_node_gives_one_clear_line() -> None:
    with pytest.raises(Refused, match="Ironic shows no node of that name or UUID"):
        planned(a_cloud(), node_storage, node="bm-7")
