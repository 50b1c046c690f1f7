# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state absent takes back what a deployment set up, and nothing that was there before."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
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
    planned,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

ENTRY: Json = {
    "node": "bm-0",
    "storage_interface": "cinder",
    "iscsi_boot": True,
    "volumes": [{"name": "root", "image": "debian"}],
}
OWN_IQN = f"iqn.2017-08.org.openstack.{uuid_of('bm-0')}"
POWER_OFF = f"power off node bm-0 ({uuid_of('bm-0')})"
IQN = "iqn.2024-01.org.example:bm-0"


def own_connector() -> Json:
    """The connector that this collection makes where none is named."""
    return a_connector(connector_id=OWN_IQN)


def ours(name: str = "root", **fields: Any) -> Json:
    """A volume that this collection made."""
    return a_volume(name, metadata={"bfv_made": uuid_of(name)}, **fields)


def absent(cloud: FakeCloud, wanted: Json | None = None, **options: Any) -> Outcome:
    (outcome,) = manage(cloud, [wanted or ENTRY], state="absent", **options).values()
    return outcome


OTHER_IQN, WWPN = "iqn.2024-01.org.example:before", "5001438024213faa"
BEFORE = a_connector(connector_id=OTHER_IQN)
OF_ANOTHER_TYPE = a_connector(connector_id=WWPN, type="wwpn")


@pytest.mark.parametrize(
    ("there", "named", "goes", "is_told"),
    [
        ([own_connector()], "auto", True, False),
        ([own_connector(), BEFORE], "auto", True, False),
        ([BEFORE], "auto", False, True),
        ([OF_ANOTHER_TYPE], "auto", False, False),
        ([], "auto", False, False),
        ([BEFORE], OTHER_IQN, True, False),
        ([BEFORE], "iqn.2024-01.org.example:gone", False, False),
    ],
)
def test_a_connector_that_nobody_names_goes_where_this_collection_made_it_and_else_is_told(
    there: list[Json], named: str, goes: bool, is_told: bool
) -> None:
    cloud = FakeCloud(nodes=[a_node()], connectors=there)
    wanted = {"node": "bm-0", "connectors": [{"type": "iqn", "connector_id": named}]}
    plan = absent(cloud, wanted, check_mode=True).plan
    assert any("remove the iqn connector" in what for what in plan.actions) == goes
    told = [warning.partition(": ")[2] for warning in plan.warnings if "is kept" in warning]
    assert told == [f"this collection did not make {OTHER_IQN}. Name it in connectors if it is to go"] * is_told


def set_up(state: str, **node: Any) -> FakeCloud:
    cloud = FakeCloud(nodes=[a_node(**{"storage_interface": "noop", "properties": {}, **node})], images=[an_image()])
    (outcome,) = manage(cloud, [ENTRY], state=state).values()
    assert outcome.msg == ""
    cloud.writes.clear()
    return cloud


def node(cloud: FakeCloud) -> Json:
    return cloud.nodes[uuid_of("bm-0")]


def capabilities(cloud: FakeCloud) -> str:
    return str((node(cloud)["properties"] or {}).get("capabilities") or "")


@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_all_that_was_set_up_is_taken_back(state: str) -> None:
    cloud = set_up(state)
    assert absent(cloud).msg == ""
    assert (node(cloud)["provision_state"], node(cloud)["storage_interface"], capabilities(cloud)) == ("available", "noop", "")
    assert (cloud.targets, cloud.connectors) == ({}, {})
    assert [one["status"] for one in cloud.volumes.values()] == ["available"]


def test_it_goes_back_the_way_it_came() -> None:
    cloud = FakeCloud(nodes=[a_node()], connectors=[own_connector()], targets=[a_target()], volumes=[ours()])
    target, connector = a_target()["uuid"], own_connector()["uuid"]
    assert [action.partition(": ")[0] for action in absent(cloud, volumes_on_undeploy="delete").actions] == [
        f"remove volume target 0 of node bm-0 ({target})",
        f"remove the iqn connector of node bm-0 ({OWN_IQN}) ({connector})",
        "set up the storage of node bm-0",
        f"delete volume root ({a_volume()['id']})",
    ]


@pytest.mark.parametrize("state", ["prepared", "deployed"])
@pytest.mark.parametrize("delete", ["keep", "delete"])
def test_a_second_run_changes_nothing(state: str, delete: str) -> None:
    cloud = set_up(state)
    absent(cloud, volumes_on_undeploy=delete)
    cloud.writes.clear()
    outcome = absent(cloud, volumes_on_undeploy=delete)
    assert (outcome.msg, outcome.changed, cloud.writes) == ("", False, [])


@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_check_mode_tells_what_would_be_done(state: str) -> None:
    cloud = set_up(state)
    told = absent(cloud, check_mode=True, volumes_on_undeploy="delete")
    assert cloud.writes == []
    done = absent(cloud, volumes_on_undeploy="delete")
    assert (told.actions, told.diff) == (done.actions, done.diff)


@pytest.mark.parametrize("delete", ["keep", "delete"])
def test_volumes_go_only_where_that_is_asked_for(delete: str) -> None:
    cloud = set_up("deployed")
    cloud.volumes[uuid_of("else")] = a_volume("else")
    absent(cloud, volumes_on_undeploy=delete)
    assert sorted(one["name"] for one in cloud.volumes.values()) == (["else"] if delete == "delete" else ["else", "root"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        ("", ""),
        ("boot_mode:uefi", "boot_mode:uefi"),
        ("iscsi_boot:True", ""),
        ("boot_mode:uefi,iscsi_boot:True,rack:3", "boot_mode:uefi,rack:3"),
        ("fibre_channel_boot:true,boot_mode:bios", "boot_mode:bios"),
        ("iscsi_boot:True,odd", "odd"),
        ("boot_mode:uefi, iscsi_boot:no", "boot_mode:uefi"),
    ],
)
def test_capabilities_of_others_stay(before: str | None, after: str | None) -> None:
    cloud = FakeCloud(nodes=[a_node(properties={"capabilities": before, "cpus": 4})])
    wanted = {**ENTRY, "volumes": [], "capabilities": {"rack": "3", "boot_mode": "uefi"}}
    for _run in range(2):
        cloud.writes.clear()
        assert absent(cloud, wanted).msg == ""
    assert (node(cloud)["properties"]["capabilities"], node(cloud)["properties"]["cpus"]) == (after, 4)
    assert cloud.writes == []


def test_other_settings_stay() -> None:
    cloud = set_up("deployed", boot_interface="http-ipxe", extra={"note": "mine"})
    absent(cloud, {**ENTRY, "boot_interface": "ipxe"})
    assert (node(cloud)["boot_interface"], node(cloud)["extra"]) == ("http-ipxe", {"note": "mine"})


@pytest.mark.parametrize("default", ["noop", "cinder", "external"])
def test_the_storage_interface_becomes_the_drivers_default(default: str) -> None:
    cloud = set_up("deployed")
    cloud.default_storage_interface = default
    absent(cloud)
    cloud.writes.clear()
    assert (absent(cloud).changed, cloud.writes, node(cloud)["storage_interface"]) == (False, [], default)


def test_field_r7_without_system_scope_only_nodes_with_another_storage_interface_fail() -> None:
    entries: list[Json] = [{"node": name} for name in ("bm-0", "bm-1")]
    cloud = FakeCloud(
        nodes=[a_node(), a_node("bm-1", storage_interface="noop")],
        connectors=[own_connector(), a_connector("bm-1", f"iqn.2017-08.org.openstack.{uuid_of('bm-1')}")],
    )
    cloud.denied.add("drivers")
    failed, done = manage(cloud, entries, state="absent").values()
    assert "Failed to reset the storage interface of node bm-0: which one its driver fake-hardware has" in failed.msg
    assert "Use a cloud with system scope, or set storage_interface yourself" in failed.msg
    assert failed.actions == ()
    assert (done.msg, done.changed) == ("", True)
    assert [one["node_uuid"] for one in cloud.connectors.values()] == [uuid_of("bm-0")]


@pytest.mark.parametrize(("storage_interface", "refused"), [("noop", False), ("cinder", True)])
def test_field_r7_of_one_node_too(storage_interface: str, refused: bool) -> None:
    cloud = FakeCloud(nodes=[a_node(storage_interface=storage_interface)])
    cloud.denied.add("drivers")
    with pytest.raises(Refused, match="Use a cloud with system scope") if refused else nullcontext():
        assert not planned(cloud, storage, node="bm-0", storage_interface="reset").changed


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (None, ["iqn", "wwpn"]),
        ([{"type": "iqn"}], ["iqn", "wwpn"]),
        ([{"type": "iqn", "connector_id": IQN}], ["wwpn"]),
        ([{"type": "iqn", "connector_id": "iqn.2024-01.org.example:another"}], ["iqn", "wwpn"]),
        ([{"type": "wwpn", "connector_id": "50:01:43:80:24:21:3f:aa"}], ["iqn"]),
        ([], ["iqn", "wwpn"]),
    ],
)
def test_only_the_named_connectors_go(wanted: list[Json] | None, left: list[str]) -> None:
    connectors = [
        a_connector(connector_id=IQN),
        a_connector(type="wwpn", connector_id="5001438024213faa"),
        a_connector("bm-1", "iqn.2024-01.org.example:bm-1"),
    ]
    cloud = FakeCloud(nodes=[a_node(), a_node("bm-1")], connectors=connectors)
    outcome = absent(cloud, {"node": "bm-0", "connectors": wanted})
    assert outcome.msg == ""
    assert sorted(one["type"] for one in cloud.connectors.values() if one["node_uuid"] == uuid_of("bm-0")) == left
    assert sum(one["node_uuid"] == uuid_of("bm-1") for one in cloud.connectors.values()) == 1


@pytest.mark.parametrize("own", [False, True])
def test_a_connector_that_was_there_before_stays_and_is_told(own: bool) -> None:
    there = [a_connector(), *([own_connector()] if own else [])]
    cloud = FakeCloud(nodes=[a_node()], connectors=there, targets=[a_target()])
    outcome = absent(cloud)
    assert (outcome.msg, [one["connector_id"] for one in cloud.connectors.values()]) == ("", [IQN])
    assert own or f"this collection did not make {IQN}" in " ".join(outcome.plan.warnings)


def test_a_powered_on_node_is_powered_off_only_with_permission() -> None:
    cloud = FakeCloud(nodes=[a_node(power_state="power on")], connectors=[own_connector()], targets=[a_target()])
    assert "power_off=true" in absent(cloud, {"node": "bm-0"}).msg
    assert cloud.writes == []
    outcome = absent(cloud, {"node": "bm-0"}, power_off=True)
    assert (outcome.msg, outcome.actions[0], cloud.targets, cloud.connectors) == ("", POWER_OFF, {}, {})


@pytest.mark.parametrize("provision_state", ["active", "deploy failed", "error", "rescue"])
def test_a_node_is_undeployed_whatever_runs_on_it(provision_state: str) -> None:
    cloud = set_up("deployed")
    node(cloud)["provision_state"] = provision_state
    assert (absent(cloud).msg, node(cloud)["provision_state"], node(cloud)["storage_interface"]) == ("", "available", "noop")


@pytest.mark.parametrize("provision_state", ["deploying", "deleting"])
def test_a_node_on_its_way_is_waited_for(provision_state: str) -> None:
    cloud = set_up("deployed")
    node(cloud)["provision_state"] = provision_state
    assert (absent(cloud).msg, node(cloud)["provision_state"], cloud.connectors) == ("", "available", {})


@pytest.mark.parametrize("provision_state", ["enroll", "manageable"])
def test_a_node_that_is_not_yet_available_is_cleared_as_well(provision_state: str) -> None:
    cloud = FakeCloud(nodes=[a_node(provision_state=provision_state)], connectors=[own_connector()], targets=[a_target()])
    assert (absent(cloud, {"node": "bm-0"}).msg, cloud.targets, cloud.connectors) == ("", {}, {})
    assert node(cloud)["provision_state"] == provision_state


@pytest.mark.parametrize("provision_state", ["active", "deploying"])
def test_nodes_of_nova_are_left_alone(provision_state: str) -> None:
    cloud = FakeCloud(
        nodes=[a_node(instance_uuid="nova", provision_state=provision_state)],
        connectors=[own_connector()],
        targets=[a_target()],
        volumes=[a_volume()],
    )
    assert "belongs to Nova" in absent(cloud, {"node": "bm-0"}).msg
    assert cloud.writes == []


@pytest.mark.parametrize("provision_state", ["available", "active", "deploying"])
def test_nodes_of_nova_without_targets_are_left_alone(provision_state: str) -> None:
    cloud = FakeCloud(nodes=[a_node(instance_uuid="nova", provision_state=provision_state)], connectors=[own_connector()])
    (outcome,) = manage(cloud, [{"node": "bm-0"}], state="absent").values()
    assert "belongs to Nova" in outcome.msg
    assert cloud.writes == []


def test_a_volume_in_use_elsewhere_is_refused_before_anything_is_written() -> None:
    cloud = set_up("deployed")
    (volume,) = cloud.volumes.values()
    volume["attachments"].append({"server_id": "else", "device": "/dev/vdb"})
    assert "attached to else" in absent(cloud, volumes_on_undeploy="delete").msg
    assert (cloud.writes, node(cloud)["provision_state"]) == ([], "active")


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_a_volume_with_snapshots_is_refused_before_anything_is_written(state: str) -> None:
    cloud = set_up("deployed")
    (volume,) = cloud.volumes.values()
    cloud.snapshots = {uuid_of("friday"): {**a_snapshot(), "volume_id": volume["id"]}}
    (outcome,) = manage(cloud, [ENTRY], state=state, volumes_on_undeploy="delete").values()
    assert f"it has snapshots (friday ({uuid_of('friday')}))" in outcome.msg
    assert (cloud.writes, node(cloud)["provision_state"]) == ([], "active")
    assert absent(cloud, volumes_on_undeploy="keep").msg == ""


def test_no_source_is_needed_to_go() -> None:
    cloud = set_up("deployed")
    cloud.images.clear()
    assert (absent(cloud, volumes_on_undeploy="delete").msg, cloud.volumes) == ("", {})


def test_it_can_be_deployed_again() -> None:
    cloud = set_up("deployed")
    absent(cloud, volumes_on_undeploy="delete")
    (outcome,) = manage(cloud, [ENTRY]).values()
    assert (outcome.msg, node(cloud)["provision_state"], len(cloud.volumes), len(cloud.connectors)) == ("", "active", 1, 1)


def test_many_nodes_go_at_once_and_one_that_fails_stops_no_other() -> None:
    names = [f"bm-{number}" for number in range(6)]
    cloud = FakeCloud(
        nodes=[a_node(name) for name in names],
        connectors=[a_connector(name, f"iqn.2017-08.org.openstack.{uuid_of(name)}") for name in names],
    )
    cloud.nodes[uuid_of("bm-3")]["power_state"] = "power on"
    outcomes = manage(cloud, [{"node": name} for name in [*names, "bm-9"]], state="absent")
    assert sorted(name for name, outcome in outcomes.items() if outcome.failed) == ["bm-3", "bm-9"]
    assert [one["node_uuid"] for one in cloud.connectors.values()] == [uuid_of("bm-3")]
