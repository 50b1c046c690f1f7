# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes would do as a spare for another one, and each reason why one would not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import gathered, info
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.modules import bfv_info
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    attached,
    manage,
    uuid_of,
)

OLD, SPARE = "board-1", "board-2"
RUNS = {"provision_state": "active", "power_state": "power on"}
LARGE: Json = {"resource_class": "large"}
RAW: Json = {"storage_interface": "noop", "properties": {"capabilities": "boot_mode:uefi", "cpu_arch": "x86_64"}}
LUN = {"target_iqn": "iqn.2010-10.org.example:array", "target_portal": "192.0.2.10:3260", "target_lun": 1}
FIBRE = {"capabilities": "fibre_channel_boot:True,boot_mode:uefi"}
ALLOCATION = {"uuid": uuid_of("an allocation"), "name": "for-somebody"}


def world(spare: Json | None = None, old: Json | None = None, **records: Any) -> FakeCloud:
    """A machine that runs from its disk, and a node as it came, but for what is given."""
    return FakeCloud(
        nodes=[
            a_node(OLD, **{**LARGE, **RUNS, **(old or {})}),
            a_node(SPARE, **{**LARGE, **RAW, **(spare or {})}),
        ],
        **{"connectors": [a_connector(OLD)], "targets": [a_target(OLD)], **records},
    )


def told(cloud: FakeCloud, spares_for: str = OLD, **params: Any) -> Json:
    want = gathered.wanted({"gather": ["nodes"], "spares_for": spares_for, **params})
    found = gathered.observe(cloud, want)  # type: ignore[arg-type]
    assert gathered.plan(want, found).settled
    return dict(gathered.result(want, found))


def why(cloud: FakeCloud, **params: Any) -> list[str]:
    """Why the spare would not do."""
    (spare,) = told(cloud, **params)["spares"]
    assert (spare["name"], spare["fits"]) == (SPARE, not spare["reasons"])
    return list(spare["reasons"])


FIT: dict[str, Json] = {
    "as it came": {},
    "set up": {"spare": {"storage_interface": "cinder", "properties": {"capabilities": "boot_mode:uefi,iscsi_boot:True"}}},
    "with an initiator": {"connectors": [a_connector(OLD), a_connector(SPARE, "iqn.2024-01.org.example:own")]},
    "whose own initiator's name the other one took over": {
        "connectors": [a_connector(OLD, f"iqn.2017-08.org.openstack.{uuid_of(SPARE)}")]
    },
    "for a node without an initiator": {"connectors": []},
    "with an image of old": {"spare": {"instance_info": {"image_source": "debian"}}},
    "of an array": {
        "old": {"storage_interface": "external"},
        "targets": [a_target(OLD, volume_id="web-1", properties=LUN)],
    },
    "with all traits": {"old": {"traits": ["CUSTOM_A"]}, "spare": {"traits": ["CUSTOM_A", "CUSTOM_B"], "resource_class": "new"}},
    "of a class without traits": {"old": {"traits": ["CUSTOM_A"]}},
    "without a boot mode": {"spare": {"properties": {}}},
    "for a node without disks": {"targets": [], "old": {"provision_state": "available", "power_state": "power off"}},
    "whose volume is in use by the other": {"volumes": [a_volume("root", **attached(uuid_of(OLD)))]},
}

UNFIT: dict[str, tuple[Json, str]] = {
    "class": ({"spare": {"resource_class": "small"}}, "its resource class is small, and that of node board-1 is large."),
    "traits": (
        {"old": {"traits": ["CUSTOM_B", "CUSTOM_A"]}, "spare": {"resource_class": "small", "traits": ["CUSTOM_A"]}},
        "that of node board-1 is large, and it has not all traits of that one: CUSTOM_B.",
    ),
    "boot mode": ({"spare": {"properties": {"capabilities": "boot_mode:bios"}}}, "its boot mode is bios, and that of node board-1 is uefi."),
    "architecture": (
        {"spare": {"properties": {"cpu_arch": "aarch64"}}, "old": {"properties": {"cpu_arch": "x86_64", "capabilities": "iscsi_boot:True"}}},
        "its CPU architecture is aarch64, and that of node board-1 is x86_64.",
    ),
    "power": ({"spare": {"power_state": "power on"}}, "its power state is power on. Power it off"),
    "power unknown": ({"spare": {"power_state": None}}, "its power state is unknown."),
    "active": (
        {"spare": {"provision_state": "active", "power_state": "power on"}},
        "it has a machine of its own: its provision state is active.",
    ),
    "deploying": ({"spare": {"provision_state": "wait call-back"}}, "its provision state is wait call-back."),
    "manageable": ({"spare": {"provision_state": "manageable"}}, "its provision state is manageable. Provide it first"),
    "deploy failed": ({"spare": {"provision_state": "deploy failed"}}, "its provision state is deploy failed. Undeploy it first"),
    "clean failed": ({"spare": {"provision_state": "clean failed"}}, "its provision state is clean failed. Repair"),
    "error": ({"spare": {"provision_state": "error"}}, "its provision state is error. Undeploy it first"),
    "unknown": ({"spare": {"provision_state": "a new one"}}, "its provision state is a new one. This collection does not know"),
    "maintenance": ({"spare": {"maintenance": True}}, "it is in maintenance. End that first"),
    "fault": ({"spare": {"maintenance": True, "fault": "power failure"}}, "it is in maintenance for a power failure."),
    "retired": ({"spare": {"retired": True}}, "it is retired"),
    "protected": ({"spare": {"protected": True}}, "it is protected."),
    "Nova's": ({"spare": {"instance_uuid": uuid_of("a server")}}, "the node belongs to Nova"),
    "allocated": (
        {"spare": {"instance_uuid": ALLOCATION["uuid"]}, "allocations": [ALLOCATION]},
        f"allocation {ALLOCATION['uuid']} has it. Delete that one",
    ),
    "set up for another disk": (
        {"targets": [a_target(OLD), a_target(SPARE, "other")]},
        f"it has volume target 0 ({uuid_of('other')}) of its own.",
    ),
    "boot interface": ({"spare": {"boot_interface": "pxe"}}, "boot interface pxe cannot boot an iSCSI volume. Set boot_interface to"),
    "deploy interface": ({"spare": {"deploy_interface": "ramdisk"}}, "deploy interface ramdisk does not boot from volumes."),
    "capabilities": ({"spare": {"properties": {"capabilities": [1]}}}, "its capabilities are no text that Ironic can read."),
    "malformed capability": ({"spare": {"properties": {"capabilities": "secure"}}}, 'its capability "secure" is not name:value'),
    "no port": ({"ports": [{"uuid": "p", "node_uuid": uuid_of(OLD), "pxe_enabled": True}]}, "it has no port, by which it would boot."),
    "no port to boot by": ({"ports": [{"uuid": "p", "node_uuid": uuid_of(SPARE), "pxe_enabled": False}]}, "none of its ports has pxe_enabled."),
    "no conductor": ({"spare": {"conductor_group": "west"}}, "no living conductor of conductor group west"),
    "no port of an HBA": (
        {"old": {"properties": FIBRE}, "targets": [a_target(OLD, volume_type="fibre_channel")]},
        "there are 0 wwpn and 0 wwnn connectors",
    ),
}  # fmt: skip


@pytest.mark.parametrize("records", FIT.values(), ids=FIT)
def test_a_spare_would_do(records: Json) -> None:
    assert why(world(**records)) == []


@pytest.mark.parametrize(("records", "words"), UNFIT.values(), ids=UNFIT)
def test_a_spare_would_not_do_for_one_reason(records: Json, words: str) -> None:
    (reason,) = why(world(**records))
    assert words in reason


def test_every_reason_is_told() -> None:
    spare = {"resource_class": "small", "maintenance": True, "power_state": None, "boot_interface": "pxe"}
    assert len(why(world(spare))) == 4


@pytest.mark.parametrize("interface", ["cinder", "external"])
@pytest.mark.parametrize("spare", [RAW, {"power_state": "power off"}], ids=["as it came", "set up"])
def test_a_spare_that_would_do_takes_over(interface: str, spare: Json) -> None:
    """What is told is what the fleet does with it."""
    targets = [a_target(OLD, **({} if interface == "cinder" else {"volume_id": "web-1", "properties": LUN}))]
    volumes = [a_volume("root", bootable="true", **attached(uuid_of(OLD)))] if interface == "cinder" else []
    cloud = world(spare, {"storage_interface": interface}, targets=targets, volumes=volumes)
    assert why(cloud) == []
    disk = {"volumes": [{"name": "root"}]} if interface == "cinder" else {"targets": [{"volume_id": "web-1", **LUN}]}
    wanted = {"node": SPARE, "storage_interface": interface, "iscsi_boot": True, **disk}
    assert manage(cloud, [wanted], takeover="powered_off")[SPARE].msg == ""
    assert cloud.nodes[uuid_of(SPARE)]["provision_state"] == "active"


@pytest.mark.parametrize("name", [OLD, uuid_of(OLD), OLD.upper()])
def test_the_node_may_be_called_as_ironic_finds_it(name: str) -> None:
    cloud = world()
    cloud.compares_without_case = True
    assert why(cloud, spares_for=name) == []


@pytest.mark.parametrize("name", ["board-7", ""])
def test_a_node_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(Refused, match=f"^Failed to find node {name}: "):
        told(world(), name)


@pytest.mark.parametrize(
    ("old", "words"),
    [({"storage_interface": "noop"}, "storage interface noop"), ({"instance_info": {"image_source": "debian"}}, "image_source")],
)
def test_a_node_that_boots_its_local_disk_needs_another_kind_of_spare(old: Json, words: str) -> None:
    with pytest.raises(Refused, match=f"^Failed to find a spare for node board-1: .*{words}"):
        told(world(old=old))


def test_only_those_are_looked_at_that_are_asked_for() -> None:
    more = [a_node("board-3", **LARGE), a_node("board-4", resource_class="small")]
    cloud = world()
    cloud.nodes |= {one["uuid"]: one for one in more}
    assert [one["name"] for one in told(cloud)["spares"]] == [SPARE, "board-3", "board-4"]
    assert [one["name"] for one in told(cloud, filters={"resource_class": "small"})["spares"]] == ["board-4"]
    assert [one["name"] for one in told(cloud, nodes=[OLD, "board-3"])["spares"]] == ["board-3"]


def test_the_nodes_are_told_whatever_is_gathered() -> None:
    result = told(world(), gather=["volumes"])
    assert ([one["name"] for one in result["nodes"]], [one["name"] for one in result["spares"]]) == ([OLD, SPARE], [SPARE])


def test_nobody_asks_and_nothing_is_told() -> None:
    want = gathered.wanted({"gather": ["nodes"]})
    assert gathered.result(want, gathered.observe(world(), want))["spares"] == []  # type: ignore[arg-type]


def test_a_thousand_nodes_cost_no_request_more() -> None:
    cloud = world()
    asked = info.wanted({})
    info.observe(cloud, asked)  # type: ignore[arg-type]
    without = list(cloud.reads)
    cloud.nodes |= {one["uuid"]: one for one in (a_node(f"board-{index}", **LARGE) for index in range(3, 1002))}
    cloud.reads.clear()
    assert len(told(cloud)["spares"]) == 1000
    assert cloud.reads == without
    cloud.reads.clear()
    told(cloud, filters={"provision_state": ["available"]})
    assert len(cloud.reads) == len(without) + 5  # the node itself, which is none of those


def test_everything_that_is_returned_is_documented() -> None:
    (spare,) = told(world())["spares"]
    assert yaml.safe_load(bfv_info.RETURN)["spares"]["contains"].keys() == spare.keys()
