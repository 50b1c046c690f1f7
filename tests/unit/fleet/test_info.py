# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bfv_info and the inventory plugin tell of nodes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine import options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import info
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as boot_checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.modules import bfv_info
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_snapshot,
    a_target,
    a_volume,
    an_image,
    manage,
    settle,
    uuid_of,
)

MANY = 12


EVERYWHERE = [
    {"hostname": name, "conductor_group": name, "alive": True, "drivers": ["fake-hardware", "redfish"]} for name in ("", "east")
]


def told(cloud: FakeCloud, **params: Any) -> dict[str, Json]:
    """What is told of each node, by its name."""
    want = info.wanted(params)
    found: Any = info.result(want, info.observe(cloud, want))["nodes"]  # type: ignore[arg-type]
    return {node["name"]: node for node in found}


def ready(name: str, **fields: Any) -> Json:
    """The records of a node that is ready, as arguments of a fake."""
    return {
        "nodes": [a_node(name, **fields)],
        "connectors": [a_connector(name, f"iqn.2024-01.org.example:{name}")],
        "targets": [a_target(name, f"{name}-root")],
        "volumes": [a_volume(f"{name}-root")],
    }


def cloud_of(*several: Json) -> FakeCloud:
    kinds = ("nodes", "connectors", "targets", "volumes")
    return FakeCloud(**{kind: [record for one in several for record in one[kind]] for kind in kinds})


def many() -> FakeCloud:
    return cloud_of(*(ready(f"bm-{index:02}") for index in range(MANY)))


def test_each_node_is_told_with_what_is_its_own() -> None:
    nodes = told(many(), volumes=True)
    assert list(nodes) == sorted(nodes)
    for name, node in nodes.items():
        assert [one["connector_id"] for one in node["connectors"]] == [f"iqn.2024-01.org.example:{name}"]
        assert [one["volume_id"] for one in node["targets"]] == [uuid_of(f"{name}-root")]
        assert [one["name"] for one in node["volumes"]] == [f"{name}-root"]
        assert (node["ready"], node["reasons"]) == (True, [])


def test_everything_that_is_returned_is_documented() -> None:
    cloud = cloud_of(ready("bm-0"))
    settle(cloud, boot_checkpoint, node="bm-0", name="friday")
    (node,) = told(cloud, volumes=True, checkpoints=True).values()
    documented = yaml.safe_load(bfv_info.RETURN)["nodes"]["contains"]
    assert documented.keys() == node.keys()
    for kind in ("connectors", "targets", "volumes", "checkpoints"):
        assert documented[kind]["contains"].keys() == node[kind][0].keys()


def test_nothing_is_asked_of_cinder_unless_that_is_wanted() -> None:
    cloud = many()
    nodes = told(cloud)
    assert [path for path in cloud.reads if "volumes" in path] == []
    assert [node["volumes"] for node in nodes.values()] == [[]] * MANY


@pytest.mark.parametrize("checkpoints", [False, True])
@pytest.mark.parametrize("volumes", [False, True])
def test_the_number_of_requests_does_not_depend_on_the_number_of_nodes(volumes: bool, checkpoints: bool) -> None:
    cloud = many()
    told(cloud, volumes=volumes, checkpoints=checkpoints)
    asked = list(cloud.reads)
    assert len(asked) == 5 + volumes + checkpoints
    one = cloud_of(ready("bm-0"))
    told(one, volumes=volumes, checkpoints=checkpoints)
    assert one.reads == asked


def test_each_node_is_told_with_its_own_checkpoints() -> None:
    cloud = many()
    for name, friday in (("bm-01", "friday"), ("bm-01", "monday"), ("bm-02", "friday")):
        settle(cloud, boot_checkpoint, node=name, name=friday)
    cloud.snapshots.pop(next(id for id, one in cloud.snapshots.items() if one["volume_id"] == uuid_of("bm-02-root")))
    stranger = a_snapshot("stranger", "bm-03-root")
    cloud.snapshots[stranger["id"]] = stranger
    saved = {name: node["checkpoints"] for name, node in told(cloud, checkpoints=True).items() if node["checkpoints"]}
    assert {name: [one["name"] for one in ones] for name, ones in saved.items()} == {"bm-01": ["friday", "monday"]}
    assert all(one["complete"] for one in saved["bm-01"])
    assert not any(node["checkpoints"] for node in told(cloud).values())


def test_nothing_else_is_read_where_there_are_no_nodes() -> None:
    cloud = FakeCloud()
    assert told(cloud, volumes=True) == {}
    assert cloud.reads == ["/nodes"]


@pytest.mark.parametrize("number", [4, 5, MANY])
def test_only_the_named_nodes_are_told_and_a_few_are_read_singly(number: int) -> None:
    cloud = many()
    names = [f"bm-{index:02}" for index in range(number)]
    nodes = told(cloud, nodes=names)
    assert list(nodes) == names
    assert [node["ready"] for node in nodes.values()] == [True] * number
    assert ("/nodes" in cloud.reads) == (number > 4)


def test_a_node_that_is_named_twice_is_told_once() -> None:
    assert list(told(many(), nodes=["bm-01", uuid_of("bm-01"), "bm-01"])) == ["bm-01"]


@pytest.mark.parametrize("more", [0, 9])
def test_all_unknown_nodes_are_named_at_once(more: int) -> None:
    names = ["bm-nix", "bm-01", "../nodes", *(f"bm-{index:02}" for index in range(more))]
    with pytest.raises(Refused, match=r"^Failed to find node bm-nix, \.\./nodes: "):
        told(many(), nodes=names)


def test_no_nodes_are_named_and_none_are_told() -> None:
    assert told(many(), nodes=[]) == {}


MIXED = {
    "plain": {},
    "local": {"storage_interface": "noop"},
    "active": {"provision_state": "active", "conductor_group": "east", "resource_class": None},
    "failed": {"provision_state": "deploy failed", "owner": "p-1", "driver": "redfish"},
    "resting": {"maintenance": True, "resource_class": "large", "lessee": "p-2"},
}
FILTERS: list[tuple[Json, list[str]]] = [
    ({}, sorted(MIXED)),
    ({"ready": True}, ["active", "failed", "plain"]),
    ({"ready": False}, ["local", "resting"]),
    ({"storage_interface": ["noop"]}, ["local"]),
    ({"storage_interface": ["noop", "cinder"]}, sorted(MIXED)),
    ({"provision_state": ["active"]}, ["active"]),
    ({"provision_state": ["active", "deploy failed"]}, ["active", "failed"]),
    ({"provision_state": []}, []),
    ({"maintenance": True}, ["resting"]),
    ({"maintenance": False}, ["active", "failed", "local", "plain"]),
    ({"driver": "redfish"}, ["failed"]),
    ({"resource_class": "large"}, ["resting"]),
    ({"resource_class": ""}, ["active"]),
    ({"conductor_group": "east"}, ["active"]),
    ({"conductor_group": ""}, ["failed", "local", "plain", "resting"]),
    ({"owner": "p-1"}, ["failed"]),
    ({"owner": ""}, ["active", "local", "plain", "resting"]),
    ({"lessee": "p-2"}, ["resting"]),
    ({"lessee": None, "maintenance": True}, ["resting"]),
    ({"provision_state": ["available"], "ready": False}, ["local", "resting"]),
]


@pytest.mark.parametrize(("filters", "names"), FILTERS)
def test_filters_leave_the_nodes_that_are_as_every_one_says(filters: Json, names: list[str]) -> None:
    cloud = cloud_of(*(ready(name, **fields) for name, fields in MIXED.items()))
    cloud.conductors = {one["hostname"]: one for one in EVERYWHERE}
    assert list(told(cloud, filters=filters)) == names
    both = [name for name in ("local", "plain") if name in names]
    assert list(told(cloud, filters=filters, nodes=["plain", "local"])) == both


@pytest.mark.parametrize("name", ["owner", "lessee", "resource_class"])
def test_field_r5_an_empty_text_means_nodes_without_one(name: str) -> None:
    cloud = cloud_of(ready("with", **{name: "p-1"}), ready("without", **{name: None}))
    assert list(told(cloud, filters={name: ""})) == ["without"]


def test_each_filter_is_tried() -> None:
    assert {name for filters, _names in FILTERS for name in filters} == options.INFO["filters"]["options"].keys()


def test_a_node_without_a_name_goes_by_its_uuid() -> None:
    (node,) = told(FakeCloud(nodes=[a_node("x") | {"name": None}])).values()
    assert node["name"] == node["uuid"] == uuid_of("x")


def test_no_secret_is_told() -> None:
    """Older releases of Ironic show the password, and people keep secrets where they should not."""
    cloud = FakeCloud(
        nodes=[
            a_node(
                properties={"bmc": {"password": "hunter2"}},
                instance_info={"image_source": "http://me:hunter2@host/image?sig=hunter2"},
            )
        ],
        connectors=[a_connector(extra={"secret": "hunter2"})],
        targets=[a_target(properties={"Auth_Password": "hunter2"}, extra={"api_token": "hunter2"})],
        volumes=[a_volume(metadata={"luks_passwd": "hunter2"})],
    )
    shown = str(told(cloud, volumes=True))
    assert "hunter2" not in shown
    assert shown.count("******") == 5


def test_capabilities_of_another_type_break_no_other_node() -> None:
    cloud = cloud_of(ready("odd", properties={"capabilities": {"iscsi_boot": True}}), ready("even"))
    nodes = told(cloud)
    assert nodes["even"]["ready"]
    assert any("its capabilities are an object" in reason for reason in nodes["odd"]["reasons"])


def test_what_another_node_has_as_well_is_seen_wherever_it_is_asked_about() -> None:
    cloud = many()
    for name, wwpn in (("bm-00", "50:01:43:80:24:21:3F:AA"), ("bm-11", "5001438024213faa")):
        record = a_connector(name, wwpn, type="wwpn")
        cloud.connectors[record["uuid"]] = record
    for nodes in (None, ["bm-00"], ["bm-11"], [f"bm-{index:02}" for index in range(MANY)]):
        for name, node in told(cloud, nodes=nodes).items():
            assert node["ready"] == (name not in ("bm-00", "bm-11"))


def test_what_the_fleet_has_deployed_or_prepared_is_ready() -> None:
    for state in ("prepared", "deployed"):
        cloud = FakeCloud(nodes=[a_node(storage_interface="noop", properties={})], images=[an_image()])
        assert not told(cloud)["bm-0"]["ready"]
        entry = {
            "node": "bm-0",
            "storage_interface": "cinder",
            "iscsi_boot": True,
            "volumes": [{"name": "root", "image": "debian"}],
        }
        assert not manage(cloud, [entry], state=state)["bm-0"].failed
        assert told(cloud, volumes=True)["bm-0"]["reasons"] == []


def test_to_ask_changes_nothing() -> None:
    cloud = many()
    (plan,) = settle(cloud, info, volumes=True)
    assert (plan.settled, plan.changed, cloud.writes) == (True, False, [])
