# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target with several paths to its one LUN: what is taken, and what becomes of the property that Ironic would read instead."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import target, target_properties
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, a_target, planned, settle, uuid_of

IQN, OTHER_IQN = "iqn.2010-10.org.example:array.bm-0", "iqn.2010-10.org.example:array.bm-1"
FIRST, SECOND = "192.0.2.10:3260", "198.51.100.10:3260"
LUN = {"target_iqn": IQN, "target_lun": 1}
ONE = {**LUN, "target_portal": FIRST}
SEVERAL = {**LUN, "target_portals": [FIRST, SECOND]}
TARGET = {"node": "bm-0", "volume_id": uuid_of("on the array")}


def with_array(*stored: Json, **fields: Any) -> FakeCloud:
    targets = [a_target(volume="on the array", properties=properties) for properties in stored]
    return FakeCloud(nodes=[a_node(storage_interface="external", **fields)], targets=targets)


def properties_of(cloud: FakeCloud) -> Json:
    (found,) = cloud.targets.values()
    return found["properties"]


def spelled(properties: Json) -> list[Json]:
    """The same target by the module's options, and by properties alone."""
    return [{**TARGET, **properties}, {**TARGET, "properties": properties}]


# What is wanted


@pytest.mark.parametrize("options", spelled({**LUN, "target_portals": ["Array-a.Example.org", "192.0.2.11:3260"]}))
def test_each_portal_gets_the_form_of_the_single_one_and_its_place_in_the_order(options: Json) -> None:
    cloud = with_array()
    settle(cloud, target, **options)
    assert properties_of(cloud) == {**LUN, "target_portals": ["array-a.example.org", "192.0.2.11:3260"]}


@pytest.mark.parametrize("options", spelled({**LUN, "target_portals": [FIRST]}))
def test_one_portal_in_the_list_is_enough(options: Json) -> None:
    cloud = with_array()
    settle(cloud, target, **options)
    assert properties_of(cloud) == {**LUN, "target_portals": [FIRST]}
    assert not planned(cloud, target, **options).changed


@pytest.mark.parametrize(
    ("portals", "words"),
    [
        ([], "the list is empty: write one at least"),
        (["192.0.2.10:iscsi"], '"iscsi" is not a TCP port'),
        ([FIRST, "192.0.2.11:3260,1"], "portal group"),
        ([FIRST, SECOND, FIRST], f'"{FIRST}" is given twice: give each portal once'),
        ([FIRST, "192.0.2.10"], '"192.0.2.10" is given twice: give each portal once .one without a port has 3260'),
        (["Array.example.org:3261", "array.example.org:3261"], '"array.example.org:3261" is given twice'),
    ],
)
@pytest.mark.parametrize("way", [0, 1])
def test_portals_that_cannot_be_meant_are_refused_in_one_line(portals: list[str], words: str, way: int) -> None:
    with pytest.raises(Invalid, match=rf"Failed to read volume target 0 of node bm-0: target_portals: .*{words}[^\n]*\.$"):
        target.wanted(spelled({**LUN, "target_portals": portals})[way])


def test_the_same_host_with_another_port_is_another_portal() -> None:
    portals = ["192.0.2.10:3260", "192.0.2.10:3261"]
    assert (target.wanted({**TARGET, **LUN, "target_portals": portals}).properties or {})["target_portals"] == portals


@pytest.mark.parametrize(
    ("one", "several"), list(product([{"target_portal": FIRST}, {"properties": {"target_portal": FIRST}}], [0, 1]))
)
def test_one_portal_and_several_at_once_are_refused(one: Json, several: int) -> None:
    options = {**TARGET, **LUN, **one}
    if several:
        options["properties"] = {**one.get("properties", {}), "target_portals": [SECOND]}
    else:
        options["target_portals"] = [SECOND]
    with pytest.raises(Invalid, match=r"target_portal and target_portals are both given\. Give one of them\.$"):
        target.wanted(options)


def test_the_option_and_the_property_at_once_are_refused() -> None:
    with pytest.raises(Invalid, match=r"target_portals and properties\.target_portals are both given"):
        target.wanted({**TARGET, "target_portals": [FIRST], "properties": {"target_portals": [FIRST]}})


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"target_iqns": [IQN, OTHER_IQN]}, f"target_iqn, and {IQN} and {OTHER_IQN} are given"),
        ({"target_iqn": IQN, "target_iqns": [OTHER_IQN]}, f"target_iqn, and {IQN} and {OTHER_IQN} are given"),
        ({"target_luns": [1, "2"]}, "target_lun, and 1 and 2 are given"),
        ({"target_lun": 1, "target_luns": [0]}, "target_lun, and 1 and 0 are given"),
    ],
)
@pytest.mark.parametrize("way", [0, 1])
def test_several_portals_lead_to_no_second_iqn_or_lun(properties: Json, words: str, way: int) -> None:
    portals = {"target_portals": [FIRST, SECOND]}
    options: Json = {"properties": {**properties, **portals}} if way else {**portals, "properties": properties}
    with pytest.raises(Invalid, match=rf"bm-0: all of target_portals lead to one {words}\. Give one, as target_(iqn|lun)\.$"):
        target.wanted({**TARGET, **options})


def test_the_same_iqn_and_lun_may_be_given_once_for_each_portal() -> None:
    each = {"target_iqns": [IQN, IQN], "target_luns": ["1", 1]}
    cloud = with_array()
    settle(cloud, target, **TARGET, target_portals=[FIRST, SECOND], properties=each)
    assert properties_of(cloud) == {"target_iqns": [IQN, IQN], "target_luns": [1, 1], "target_portals": [FIRST, SECOND]}


def test_lists_without_portals_are_taken_as_before() -> None:
    properties = {"target_iqns": [IQN, OTHER_IQN], "target_luns": [1, 2], "target_portal": FIRST}
    assert planned(with_array(), target, **TARGET, properties=properties).changed


# Changes


@pytest.mark.parametrize("power", [{}, {"power_state": "power on", "provision_state": "manageable"}])
@pytest.mark.parametrize(
    ("stored", "wanted"), [(ONE, SEVERAL), (SEVERAL, ONE), ({**ONE, **SEVERAL}, SEVERAL), ({**ONE, **SEVERAL}, ONE)]
)
@pytest.mark.parametrize("way", [0, 1])
def test_the_other_property_goes_in_the_same_change(power: Json, stored: Json, wanted: Json, way: int) -> None:
    cloud = with_array(stored, **power)
    options = spelled(wanted)[way]
    plan, again = settle(cloud, target, **options)
    assert properties_of(cloud) == wanted
    assert (plan.before["properties"], plan.after["properties"]) == (stored, wanted)
    assert not again.changed
    assert not planned(cloud, target, **options).changed


def test_the_other_property_goes_in_the_same_request() -> None:
    (step,) = planned(with_array(ONE), target, **TARGET, target_portals=[FIRST, SECOND]).steps
    assert step.body == [
        {"op": "add", "path": "/properties/target_portals", "value": [FIRST, SECOND]},
        {"op": "remove", "path": "/properties/target_portal"},
    ]


@pytest.mark.parametrize("stored", [ONE, SEVERAL])
def test_portals_that_are_not_asked_for_stay(stored: Json) -> None:
    cloud = with_array(stored)
    settle(cloud, target, **TARGET, target_lun=2)
    assert properties_of(cloud) == {**stored, "target_lun": 2}


def test_the_order_of_the_portals_is_part_of_them() -> None:
    cloud = with_array(SEVERAL)
    settle(cloud, target, **TARGET, target_portals=[SECOND, FIRST])
    assert properties_of(cloud) == {**LUN, "target_portals": [SECOND, FIRST]}


@pytest.mark.parametrize("name", ["target_portal", "target_portals"])
def test_null_removes_one_and_the_option_sets_the_other(name: str) -> None:
    stored, wanted = {"target_portal": (ONE, SEVERAL), "target_portals": (SEVERAL, ONE)}[name]
    cloud = with_array(stored)
    settle(cloud, target, **TARGET, **wanted, properties={name: None})
    assert properties_of(cloud) == wanted


@pytest.mark.parametrize(("name", "several"), [("target_iqn", [OTHER_IQN]), ("target_lun", [7])])
def test_a_single_property_that_ironic_would_read_first_goes_where_a_list_is_given(name: str, several: list[object]) -> None:
    cloud = with_array(SEVERAL)
    options = {**TARGET, "properties": {f"{name}s": several}}
    settle(cloud, target, **options)
    assert properties_of(cloud) == {**{key: value for key, value in SEVERAL.items() if key != name}, f"{name}s": several}
    assert not planned(cloud, target, **options).changed


# What Ironic and iPXE make of them


@pytest.mark.parametrize("options", spelled({**LUN, "target_portals": [FIRST, "[2001:db8::1]:3260"]}))
def test_an_ipv6_portal_among_several_is_warned_of(options: Json) -> None:
    (warning,) = planned(with_array(), target, **options).warnings
    assert "iPXE cannot read [2001:db8::1]:3260. Use an IPv4 address or a host name" in warning


@pytest.mark.parametrize("portal", ["[2001:db8::1]:3260", "192.0.2.10:iscsi"])
def test_a_portal_that_ironic_does_not_read_is_no_obstacle(portal: str) -> None:
    stored = {**SEVERAL, "target_portal": portal}
    assert [*target_properties.obstacles(stored, boots=True), *target_properties.portal_obstacles(stored)] == []


@pytest.mark.parametrize("missing", ["target_iqn", "target_lun"])
def test_several_portals_need_an_iqn_and_a_lun_as_well(missing: str) -> None:
    properties = {name: value for name, value in SEVERAL.items() if name != missing}
    assert list(target_properties.obstacles(properties, boots=True)) == [f"an iSCSI volume without Cinder needs {missing}."]


def test_what_another_client_stored_twice_boots_all_the_same() -> None:
    assert list(target_properties.obstacles({**LUN, "target_portals": [FIRST, FIRST]}, boots=True)) == []
