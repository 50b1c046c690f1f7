# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests by which a node gives up what another one takes over: each is sent only where all is as it was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import handover
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.connector import Connector
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.record import Node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.target import Target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    uuid_of,
)

OLD, NEW, THIRD = (Node(uuid_of(name), name, provision_state="active") for name in ("board-1", "board-2", "board-3"))
INITIATOR = Connector(uuid_of("iqn.2024-01.org.example:bm-0"), OLD.uuid, "iqn", "iqn.2024-01.org.example:bm-0")
DISK = Target(uuid_of("target of board-1 root"), OLD.uuid, "iscsi", 0, uuid_of("root"))
PERMIT = permits.named(OLD.name, [(OLD.uuid, OLD.name)])
REQUESTS: dict[str, Request] = {
    "power off": handover.power_off(OLD, PERMIT),
    "undeploy": handover.undeploy(OLD, {"power_state": "power off"}, PERMIT),
    "undeploy on somebody's word": handover.undeploy(OLD, {"maintenance": True}, PERMIT),
    "move the initiator": handover.move_connector(INITIATOR, OLD, NEW),
    "move the target": handover.move_target(DISK, 0, OLD, NEW),
}
OF_A_NODE = ["power off", "undeploy", "undeploy on somebody's word"]
BEGUN: dict[str, Json] = {
    "undeployed": {"provision_state": "deleting"},
    "given to a server": {"instance_uuid": uuid_of("server")},
}


def a_cloud(**fields: object) -> FakeCloud:
    """As it was seen, but for what is given of the node."""
    seen = {"provision_state": "active", "maintenance": True, **fields}
    nodes = [a_node(OLD.name, **seen), a_node(NEW.name), a_node(THIRD.name)]
    return FakeCloud(nodes=nodes, connectors=[a_connector(OLD.name)], targets=[a_target(OLD.name)])


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_sent_where_all_is_as_it_was_seen(name: str) -> None:
    a_cloud().send(REQUESTS[name])


@pytest.mark.parametrize("name", OF_A_NODE)
@pytest.mark.parametrize("fields", BEGUN.values(), ids=BEGUN)
def test_a_node_with_which_somebody_began_something_is_left_alone(name: str, fields: Json) -> None:
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        a_cloud(**fields).send(REQUESTS[name])


@pytest.mark.parametrize(
    ("name", "fields"),
    [("undeploy", {"power_state": "power on"}), ("undeploy on somebody's word", {"maintenance": False})],
)
def test_a_node_that_is_fenced_no_more_is_not_undeployed(name: str, fields: Json) -> None:
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        a_cloud(**fields).send(REQUESTS[name])


@pytest.mark.parametrize(("name", "kind"), [("move the initiator", "connectors"), ("move the target", "targets")])
def test_what_another_node_has_taken_over_meanwhile_is_not_taken_away_from_it(name: str, kind: str) -> None:
    cloud = a_cloud()
    (record,) = getattr(cloud, kind).values()
    record["node_uuid"] = THIRD.uuid
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(REQUESTS[name])
    assert record["node_uuid"] == THIRD.uuid


@pytest.mark.parametrize("name", REQUESTS)
def test_only_one_of_them_powers_the_other_node_off(name: str) -> None:
    assert handover.is_power_off(REQUESTS[name]) is (name == "power off")


def test_to_power_off_the_node_that_takes_over_is_something_else() -> None:
    assert not handover.is_power_off(replace(REQUESTS["power off"], changes="node"))


# The note of where a target was


def test_a_target_without_a_note_was_nobodys_before() -> None:
    assert handover.taken_from(DISK) == ()


def test_a_note_names_all_that_had_the_target_the_last_one_first() -> None:
    once = replace(DISK, extra=handover.noted(DISK, OLD, NEW))
    twice = replace(once, extra=handover.noted(once, NEW, THIRD))
    assert (handover.taken_from(once), handover.taken_from(twice)) == ((OLD.uuid,), (NEW.uuid, OLD.uuid))


def test_a_node_that_gets_its_target_back_is_none_to_take_over_from() -> None:
    once = replace(DISK, extra={"note": "mine", **handover.noted(DISK, OLD, NEW)})
    back = replace(once, extra=handover.noted(once, NEW, OLD))
    assert (handover.taken_from(back), back.extra["note"]) == ((NEW.uuid,), "mine")
