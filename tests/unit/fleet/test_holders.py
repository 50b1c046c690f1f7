# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which other nodes have what a node is to take over, and what of theirs that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import holders
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.holders import Attachment, Holder, Place
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.wanted import wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, handover
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import target as target_of
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_end,
    uuid_of,
)

OLD, NEW, THIRD = "board-1", "board-2", "board-3"
ROOT, DATA = uuid_of("root"), uuid_of("data")
INITIATOR = "iqn.2024-01.org.example:web-1"
ARRAY: Json = {"target_iqn": "iqn.2010-10.org.example:array", "target_portal": "192.0.2.10:3260", "target_lun": 1}
LUN = "iqn.2010-10.org.example:array LUN 1"
RUNS: Json = {"provision_state": "active", "power_state": "power on"}


def held(entry: Json, *, new: Json | None = None, **records: list[Json]) -> dict[str, Holder]:
    """The other nodes that have something of what the entry asks for, by their names."""
    cloud = FakeCloud(nodes=[a_node(OLD, **RUNS), a_node(NEW, **(new or {})), a_node(THIRD, **RUNS)])
    connectors = [connector.from_api(one) for one in records.get("connectors", [])]
    targets = [target_of.from_api(one) for one in records.get("targets", [])]
    want = wanted({"node": NEW, **entry}, {"state": "deployed", "takeover": "powered_off"})
    place = Place(
        node.from_api(cloud.nodes[uuid_of(NEW)]),
        tuple(one for one in targets if one.node_uuid == uuid_of(NEW)),
        {index: volume_record.from_api(one) for index, one in enumerate(records.get("volumes", []))},
        connector.by_key(connectors),
    )
    every: Any = (
        {uuid: [one for one in ones if one.node_uuid == uuid] for uuid in cloud.nodes} for ones in (connectors, targets)
    )
    found = holders.read(cloud, [(want, place)], *every)  # type: ignore[arg-type]
    return {one.node.name: one for one in found[NEW]}


def held_volume(name: str, holder: str) -> Json:
    return a_volume(name, status="in-use", attachments=[an_end(holder, "/dev/vda")])


# Who may take over


@pytest.mark.parametrize(
    ("options", "state", "may"),
    [
        ({"state": "deployed", "takeover": "powered_off"}, "available", True),
        ({"state": "prepared", "takeover": "powered_off"}, "available", True),
        ({"state": "deployed", "takeover": "never"}, "available", False),
        ({"state": "deployed"}, "available", False),
        ({"state": "undeployed", "takeover": "powered_off"}, "available", False),
        ({"state": "absent", "takeover": "powered_off"}, "available", False),
        ({"state": "deployed", "takeover": "powered_off"}, "active", False),
        ({"state": "deployed", "takeover": "powered_off"}, "deploying", False),
        ({"state": "deployed", "takeover": "powered_off"}, "cleaning", False),
        ({"state": "deployed", "takeover": "powered_off"}, "a new one", False),
    ],
)
def test_a_node_takes_over_where_the_task_permits_it_and_no_machine_is_there(options: Json, state: str, may: bool) -> None:
    place = replace(node.from_api(a_node(NEW)), provision_state=state)
    assert holders.takes_over(wanted({"node": NEW, "volumes": [{"id": ROOT}]}, options), place) is may


# Who has something


def test_what_a_server_or_a_node_that_is_gone_has_is_nobodys_to_be_taken_over_from() -> None:
    assert held({"volumes": [{"id": ROOT}]}, volumes=[held_volume("root", uuid_of("a server"))]) == {}


def test_of_two_volumes_a_node_lets_go_only_of_that_which_it_has() -> None:
    volumes = [held_volume("root", uuid_of(OLD)), held_volume("data", uuid_of("a server"))]
    old = held({"volumes": [{"id": ROOT}, {"id": DATA}]}, volumes=volumes)[OLD]
    assert [one.volume for one in old.attachments] == [ROOT]


@pytest.mark.parametrize("status", ["in-use", "detaching"])
def test_a_volume_that_ends_already_is_told_from_one_that_is_held(status: str) -> None:
    end = an_end(uuid_of(OLD), "/dev/vda")
    volume = a_volume("root", status=status, attachments=[end])
    (attachment,) = held({"volumes": [{"id": ROOT}]}, volumes=[volume])[OLD].attachments
    assert attachment == Attachment(end["attachment_id"], ROOT, status == "detaching")


def test_what_the_node_has_itself_under_whatever_id_it_takes_from_nobody() -> None:
    instance = uuid_of("an instance")
    volumes = [held_volume("root", instance), held_volume("data", uuid_of(NEW))]
    entry = {"volumes": [{"id": ROOT}, {"id": DATA}], "connectors": [{"type": "iqn", "connector_id": INITIATOR}]}
    own = {"targets": [a_target(NEW, "root")], "connectors": [a_connector(NEW, INITIATOR)]}
    assert held(entry, new={"instance_uuid": instance}, volumes=volumes, **own) == {}


def test_a_node_that_has_only_the_initiator_has_something_to_be_taken_over() -> None:
    entry = {"connectors": [{"type": "iqn", "connector_id": INITIATOR}], "volumes": [{"id": ROOT}]}
    old = held(entry, connectors=[a_connector(OLD, INITIATOR)])[OLD]
    assert [one.connector_id for one in old.initiators] == [INITIATOR]


def test_an_initiator_that_nobody_has_is_taken_over_from_nobody() -> None:
    entry = {"connectors": [{"type": "iqn", "connector_id": INITIATOR}], "volumes": [{"id": ROOT}]}
    assert held(entry, connectors=[a_connector(OLD)]) == {}


def test_an_initiator_that_the_node_has_itself_is_asked_of_no_other() -> None:
    """What another one has is proven by what is asked of it: nothing else may be among that."""
    entry = {"connectors": [{"type": "iqn", "connector_id": INITIATOR}], "volumes": [{"id": ROOT}]}
    volumes = [held_volume("root", uuid_of(OLD))]
    assert held(entry, connectors=[a_connector(NEW, INITIATOR)], volumes=volumes)[OLD].asked_for == {ROOT: 0}


def test_nodes_with_other_disks_have_nothing() -> None:
    targets = [a_target(THIRD, "other", properties={**ARRAY, "target_lun": 2})]
    assert held({"storage_interface": "external", "targets": [{"volume_id": "web-1", **ARRAY}]}, targets=targets) == {}


# What a disk is known by


@pytest.mark.parametrize("interface", ["cinder", None])
def test_with_the_interface_cinder_a_disk_is_known_by_its_volume(interface: str | None) -> None:
    """Whether the task says it or the node has it already."""
    targets = [a_target(OLD, "root"), a_target(THIRD, "other", properties=ARRAY)]
    entry = {"storage_interface": interface, "volumes": [{"id": ROOT}], "targets": [{"volume": ROOT, **ARRAY}]}
    before = {"storage_interface": "noop" if interface else "cinder"}
    found = held(entry, new=before, targets=targets, volumes=[a_volume("root")])
    assert {name: one.asked_for for name, one in found.items()} == {OLD: {ROOT: 0}}


@pytest.mark.parametrize("interface", ["external", None])
def test_with_another_interface_a_disk_is_known_by_its_array_alone(interface: str | None) -> None:
    """The id of a volume may mean anything there, also one of Cinder's that another node boots from."""
    targets = [a_target(OLD, "root"), a_target(THIRD, "other", properties=ARRAY)]
    entry = {"storage_interface": interface, "targets": [{"volume_id": ROOT, **ARRAY}]}
    before = {"storage_interface": "cinder" if interface else "external"}
    found = held(entry, new=before, targets=targets, volumes=[a_volume("root")])
    assert {name: one.asked_for for name, one in found.items()} == {THIRD: {LUN: 0}}


def test_a_target_of_which_the_task_tells_no_address_is_no_disk_of_an_array() -> None:
    entry = {"storage_interface": "external", "targets": [{"volume_id": "web-1"}]}
    assert held(entry, targets=[a_target(OLD, volume_id="web-1", properties=ARRAY)]) == {}


def test_each_disk_comes_in_the_place_that_is_asked_for_and_others_in_none() -> None:
    targets = [a_target(OLD, "data", boot_index=0), a_target(OLD, "other", boot_index=1), a_target(OLD, "root", boot_index=2)]
    volumes = [a_volume("root"), a_volume("data")]
    old = held({"volumes": [{"id": ROOT}, {"id": DATA}]}, targets=targets, volumes=volumes)[OLD]
    assert {one.volume_id: old.boot_index(one) for one in old.disks} == {ROOT: 0, DATA: 1}


# What a run has left that ended too early


@pytest.mark.parametrize(
    ("old", "targets", "left"),
    [
        ({}, [], True),
        ({"provision_state": "available"}, [], False),
        ({"provision_state": "error"}, [], False),
        ({"instance_info": {"image_source": "debian"}}, [], False),
        ({}, [a_target(OLD, "other")], False),
    ],
    ids=["deployed, and nothing to boot from", "undeployed", "failed to be", "boots an image", "boots another disk"],
)
def test_a_node_is_left_where_it_is_deployed_and_has_nothing_to_boot_from(old: Json, targets: list[Json], left: bool) -> None:
    one = node.from_api(a_node(OLD, **{**RUNS, **old}))
    assert holders.is_left(one, [target_of.from_api(each) for each in targets]) is left


def test_a_node_that_was_left_is_found_by_the_note_of_its_target_and_no_other_is() -> None:
    moved = target_of.from_api(a_target(NEW, "root"))
    old, new = (node.from_api(a_node(name)) for name in (OLD, NEW))
    mine = a_target(NEW, "root", extra=handover.noted(replace(moved, node_uuid=old.uuid), old, new))
    assert {name: one.left for name, one in held({"volumes": [{"id": ROOT}]}, targets=[mine]).items()} == {OLD: True}
    assert held({"volumes": [{"id": ROOT}]}, targets=[a_target(NEW, "root")]) == {}
