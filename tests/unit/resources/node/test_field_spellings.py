# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thing in another spelling: it has the same rules, and what was read with loss is never written back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage, target, target_properties
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import capabilities, identifiers
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_target,
    manage,
    planned,
    settle,
    uuid_of,
)

LUN: Json = {"target_iqn": "iqn.2010-10.org.example:array", "target_portal": "192.0.2.10:3260", "target_lun": 1}
SECURE: Json = {"boot_mode": "uefi", "secure_boot": "true"}


def stored(found: object) -> FakeCloud:
    return FakeCloud(nodes=[a_node(properties={"capabilities": found, "cpus": 4})])


def of(cloud: FakeCloud) -> object:
    return cloud.nodes[uuid_of("bm-0")]["properties"]["capabilities"]


@pytest.mark.parametrize(
    "found", [SECURE, '{"boot_mode": "uefi", "secure_boot": "true"}', {"boot_mode": "uefi", "secure_boot": True}]
)
def test_field_B5_capabilities_that_are_an_object_become_text_without_loss(found: object) -> None:
    cloud = stored(found)
    settle(cloud, storage, node="bm-0", iscsi_boot=True)
    assert str(of(cloud)).lower() == "boot_mode:uefi,secure_boot:true,iscsi_boot:true"


def test_field_B5_an_object_that_says_already_what_is_wanted_becomes_text_and_the_diff_shows_it() -> None:
    plan = planned(stored({"iscsi_boot": "True"}), storage, node="bm-0", iscsi_boot=True)
    assert plan.changed
    assert plan.before["capabilities"] == {"iscsi_boot": "True"}
    assert plan.after["capabilities"] == "iscsi_boot:True"


UNREADABLE = [{"cpu": {"aes": True}}, {"a,b": "c"}, {"a:b": "c"}, {"a": "b c"}, {"a": None}, ["boot_mode:uefi"], 7, True, '["a"]']


@pytest.mark.parametrize("found", UNREADABLE, ids=str)
def test_field_B5_what_cannot_be_read_without_loss_is_refused_and_stays(found: object) -> None:
    cloud = stored(found)
    with pytest.raises(Refused, match=r"its capabilities are .* would be lost.*baremetal node set"):
        settle(cloud, storage, node="bm-0", iscsi_boot=True)
    assert of(cloud) == found
    assert cloud.writes == []


@pytest.mark.parametrize("found", [*UNREADABLE, SECURE], ids=str)
def test_field_B5_they_are_left_alone_where_nothing_is_asked_of_them(found: object) -> None:
    cloud = stored(found)
    settle(cloud, storage, node="bm-0", boot_interface="http-ipxe", capabilities={"iscsi_boot": None})
    assert of(cloud) == found


def test_field_B5_a_fleet_does_not_deploy_with_capabilities_that_ironic_cannot_read() -> None:
    cloud = FakeCloud(nodes=[a_node(properties={"capabilities": {"iscsi_boot": "True"}})])
    entry: Json = {
        "node": "bm-0",
        "targets": [{"volume_id": uuid_of("root"), "properties": LUN}],
        "storage_interface": "external",
    }
    outcome = manage(cloud, [entry])["bm-0"]
    assert "its capabilities are an object, and Ironic reads text" in outcome.msg
    assert cloud.writes == []
    assert manage(cloud, [{**entry, "iscsi_boot": True}])["bm-0"].msg == ""


@pytest.mark.parametrize(
    ("properties", "kept"),
    [
        ({**LUN, "discovery": {"auth_password": "******"}}, "discovery"),
        ({**LUN, "note": "--password ******"}, "note"),
        ({**LUN, "paths": [{"secret": "******"}]}, "paths"),
    ],
)
def test_field_B5_a_mask_at_any_depth_is_never_written_back(properties: Json, kept: str) -> None:
    node = a_node(power_state=None, provision_state="manageable", storage_interface="external")
    cloud = FakeCloud(nodes=[node], targets=[a_target(properties=properties)])
    with pytest.raises(Refused, match=f"only Ironic knows its {kept}"):
        settle(cloud, target, node="bm-0", target_lun=2)
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("found", "wanted", "merged"),
    [
        ("a:1,foo", {"foo": None}, "a:1"),
        ("foo,a:1,foo:2", {"foo": None}, "a:1"),
        ("secure boot,a:1", {"secure boot": None}, "a:1"),
        ("foo,a:1", {"foo": "2"}, "foo:2,a:1"),
        ("foo:b:c,a:1", {"foo": None}, "a:1"),
    ],
)
def test_field_B6_a_malformed_capability_is_removed_or_mended_by_its_name(found: str, wanted: Json, merged: str) -> None:
    assert capabilities.merge(found, wanted) == merged


PLURAL: Json = {"target_iqns": [LUN["target_iqn"]], "target_portals": ["192.0.2.10:3260", "192.0.2.11:3260"], "target_luns": [1]}


def external(properties: Json) -> tuple[FakeCloud, Json]:
    cloud = FakeCloud(nodes=[a_node(storage_interface="external")])
    return cloud, {"node": "bm-0", "volume_id": uuid_of("root"), "properties": properties}


def test_field_B7_the_plural_properties_get_the_forms_of_the_singular_ones() -> None:
    cloud, options = external({**PLURAL, "target_luns": ["1", 1], "target_portals": ["Array.Example.org:3260", "192.0.2.11"]})
    settle(cloud, target, **options)
    (made,) = cloud.targets.values()
    assert made["properties"]["target_luns"] == [1, 1]
    assert made["properties"]["target_portals"] == ["array.example.org:3260", "192.0.2.11"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("target_luns", ["first"], "is not a LUN"),
        ("target_luns", 1, "is not a list"),
        ("target_portals", ["192.0.2.10:iscsi"], "is not a TCP port"),
        ("target_portals", "192.0.2.10:3260", "is not a list"),
        ("target_portals", [], "the list is empty"),
        ("target_iqns", ["array"], "is not an iSCSI name"),
        ("target_iqns", {"a": "b"}, "is not a list"),
    ],
)
def test_field_B7_a_malformed_plural_property_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(Invalid, match=rf"{name}: .*{said}"):
        target.wanted({"node": "bm-0", "properties": {**PLURAL, name: value}})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({**PLURAL, "target_luns": ["1"]}, 'its target_luns has the text "1"'),
        ({**PLURAL, "target_luns": ["x"]}, "its target_luns is malformed"),
        ({**PLURAL, "target_portals": "192.0.2.10:3260"}, "its target_portals is malformed"),
        ({**LUN, "target_portals": []}, "its target_portals is malformed"),
        ({**LUN, "target_portals": None}, "its target_portals is malformed"),
        ({**PLURAL, "target_portals": ["[2001:db8::1]:3260"]}, "Ironic drops the brackets of an IPv6 portal"),
    ],
)
def test_field_B7_what_another_client_stored_is_judged_alike(found: Json, said: str) -> None:
    one = target.from_api(a_target(properties=found))
    node = storage.nodes.from_api(a_node(storage_interface="external"))
    assert [
        reason for reason in (*target.obstacles(node, one), *target_properties.portal_obstacles(one.properties)) if said in reason
    ]


@pytest.mark.parametrize("text", ["0x500a098100000001", "0X500A098100000001", "50:0a:09:81:00:00:00:01", "500A-0981-0000-0001"])
def test_field_B8_a_wwn_is_taken_as_sysfs_and_switches_print_it(text: str) -> None:
    assert identifiers.wwn(text) == "500a098100000001"


@pytest.mark.parametrize("text", ["52:54:00:12:34:56", "52-54-00-12-34-56", "5254.0012.3456", "525400123456", "0x525400123456"])
def test_field_B8_a_mac_is_taken_in_every_usual_spelling(text: str) -> None:
    assert identifiers.mac(text) == "52:54:00:12:34:56"


@pytest.mark.parametrize("text", ["array_1.storage.example.org", "array_1:3260", "array.example.org.:3260", "_iscsi.example.org"])
def test_field_B8_a_host_name_may_have_underscores_and_a_last_dot(text: str) -> None:
    assert str(identifiers.portal(text)) == text


@pytest.mark.parametrize("text", ["0x", "0x500a0981000000010", "500a09810000000", "x500a098100000001"])
def test_field_B8_what_is_no_wwn_stays_refused(text: str) -> None:
    with pytest.raises(Invalid):
        identifiers.wwn(text)


@pytest.mark.parametrize("text", ["010.0.0.1.", "10.0.0."])
def test_field_B8_a_mistyped_address_stays_refused(text: str) -> None:
    with pytest.raises(Invalid):
        identifiers.portal(text)


def in_capitals(name: str, count: int) -> dict[str, Any]:
    """What becomes of ``name`` in capitals as one of so many nodes, on a database that compares without case."""
    nodes = [a_node(f"bm-{number}") for number in range(9)]
    cloud = FakeCloud(nodes=nodes)
    cloud.compares_without_case = True
    entries = [{"node": one, "targets": []} for one in [name, *(f"bm-{number}" for number in range(1, count))]]
    return {name: outcome.msg for name, outcome in manage(cloud, entries, state="prepared").items()}


@pytest.mark.parametrize("count", [1, 4, 5, 9])
@pytest.mark.parametrize("name", [uuid_of("bm-0").upper(), "BM-0"])
def test_field_B8_names_and_uuids_in_capitals_are_found_whatever_the_number_of_nodes(name: str, count: int) -> None:
    assert set(in_capitals(name, count).values()) == {""}
