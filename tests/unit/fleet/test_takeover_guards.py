# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each rule of a takeover by itself, as the plan tells it: test_takeover.py shows what comes of them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import takeover
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.holders import Attachment, Holder
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.observe import NodeFound
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.wanted import NodeWanted, wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import handover, states
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.connector import Connector
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.record import Node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node.target import Target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import uuid_of

OLD, NEW, ROOT = "board-1", "board-2", uuid_of("root")
RUNS = Node(uuid_of(OLD), OLD, power_state="power on", provision_state="active", storage_interface="cinder")
SPARE = Node(uuid_of(NEW), NEW, power_state="power off", storage_interface="cinder")
IQN = Connector("c-1", RUNS.uuid, "iqn", "iqn.2024-01.org.example:web-1")
PORT = Connector("c-2", RUNS.uuid, "wwpn", "5001438024213faa")
DISK = Target("t-1", RUNS.uuid, "iscsi", 0, ROOT)
HELD = Attachment("a-1", ROOT)
# Where Ironic brings a node somewhere else than back to available.
MOVING = [name for name in states._TABLE if states.of(name).leads_to not in ("", "available")]


def want(mode: str = "powered_off", initiator: str = "keep", **entry: Any) -> NodeWanted:
    confirmed = [OLD] if mode == "confirmed" else []
    return wanted(
        {"node": NEW, "storage_interface": "cinder", "volumes": [{"id": ROOT}], **entry},
        {"state": "deployed", "takeover": mode, "takeover_confirmed": confirmed, "takeover_initiator": initiator},
    )


def holder(node: Node = RUNS, **fields: Any) -> Holder:
    """A node that has the disk, its target and its initiator, but for what is given."""
    return replace(Holder(node, {ROOT: 0}, (IQN,), (DISK,), (HELD,)), **fields)


def found(*holders: Holder, node: Node = SPARE, **fields: Any) -> NodeFound:
    return NodeFound(node, holders=holders, **fields)


def actions(seen: NodeFound, asked: NodeWanted | None = None) -> list[str]:
    """All writes that are planned, in words."""
    return [action for stage in takeover.plan(asked or want(), seen) for action in stage.plan.actions]


def begun(actions: Iterable[str]) -> list[str]:
    """The first two words of each."""
    return [" ".join(action.split()[:2]) for action in actions]


# From which nodes nothing is taken


@pytest.mark.parametrize("mode", ["powered_off", "confirmed"])
@pytest.mark.parametrize("state", MOVING)
def test_nothing_is_taken_from_a_node_that_ironic_is_at_work_on(state: str, mode: str) -> None:
    with pytest.raises(Refused, match=rf"its provision state is {state}\. Run again when it has come to rest\.$"):
        takeover.plan(want(mode), found(holder(replace(RUNS, provision_state=state))))


@pytest.mark.parametrize("state", ["deleting", "cleaning", "clean wait"])
def test_a_node_that_is_being_undeployed_is_waited_for_and_nothing_else_is_done(state: str) -> None:
    (stage,) = takeover.plan(want(), found(holder(replace(RUNS, provision_state=state))))
    assert (stage.plan.waiting, stage.plan.actions) == ("node board-1 to be undeployed", [])


def test_disks_of_which_two_nodes_have_a_part_are_taken_over_from_neither() -> None:
    third = holder(replace(RUNS, uuid=uuid_of("board-3"), name="board-3"))
    with pytest.raises(Refused, match="nodes board-1 and board-3 have a part of them each"):
        takeover.plan(want(), found(holder(), third))


def test_a_controller_that_failed_is_no_obstacle_where_it_was_seen_off() -> None:
    seen_off = replace(RUNS, power_state="power off", fault="power failure")
    assert not list(takeover.obstacles(want(), holder(seen_off)))
    assert ["(power failure)" in one for one in takeover.obstacles(want(), holder(replace(seen_off, power_state=None)))] == [True]


# Whether it was fenced

POWER_OFF = handover.power_off(RUNS, permits.named(OLD, [(RUNS.uuid, OLD)]))
MAINTAIN = handover.maintain(RUNS, SPARE)
OWN_POWER_OFF = replace(POWER_OFF, changes="node", key=SPARE.uuid)
FAILED = replace(RUNS, last_error="Failed to power off: no answer.")


def test_a_node_that_was_to_be_powered_off_and_was_not_ends_the_run() -> None:
    with pytest.raises(BfvError, match="Ironic says «Failed to power off: no answer»"):
        takeover.check_fenced(found(holder(FAILED)), [MAINTAIN, POWER_OFF])


@pytest.mark.parametrize(
    ("node", "sent"),
    [
        (replace(FAILED, power_state="power off"), [POWER_OFF]),
        (RUNS, [POWER_OFF]),
        (FAILED, []),
        (FAILED, [MAINTAIN]),
        (FAILED, [OWN_POWER_OFF]),
    ],
    ids=["it is off", "not yet", "an error from before", "an error of another kind", "the spare was powered off"],
)
def test_what_is_no_failure_to_power_off_does_not_end_the_run(node: Node, sent: list[Request]) -> None:
    takeover.check_fenced(found(holder(node)), sent)


# Who lets go of the volume

LETS_GO = ["end the", "end the"]


def test_ironic_itself_lets_go_of_the_volumes_of_a_deployed_node_that_it_powers_off() -> None:
    assert begun(actions(found(holder()))) == ["power off", "move the", "move volume", "undeploy node"]


@pytest.mark.parametrize(
    ("node", "first"),
    [
        (replace(RUNS, power_state="power off"), []),
        (replace(RUNS, provision_state="deploy failed"), ["power off"]),
        (replace(RUNS, storage_interface="noop"), ["power off"]),
    ],
    ids=["off already", "not active", "not with the interface cinder"],
)
def test_a_volume_that_ironic_does_not_let_go_of_is_let_go_before_its_target_moves(node: Node, first: list[str]) -> None:
    assert begun(actions(found(holder(node)))) == [*first, *LETS_GO, "move the", "move volume", "undeploy node"]


def test_the_volume_of_a_node_that_was_said_to_be_off_is_let_go() -> None:
    assert begun(actions(found(holder()), want("confirmed"))) == [
        "set node",
        *LETS_GO,
        "move the",
        "move volume",
        "undeploy node",
    ]


def test_a_node_without_a_target_that_moves_is_undeployed_before_it_lets_go() -> None:
    off = replace(RUNS, storage_interface="noop")
    assert begun(actions(found(holder(off, targets=())))) == ["power off", "undeploy node", *LETS_GO]


def test_a_spare_to_which_nothing_moves_is_not_powered_off() -> None:
    """It may have a machine that nobody asked to stop, and power_off does not permit it."""
    seen = found(holder(targets=()), node=replace(SPARE, provision_state="inspecting", power_state="power on"))
    assert not [one for one in actions(seen) if NEW in one]


# Which initiator moves


def moves(asked: NodeWanted, one: Holder, *own: Connector) -> list[str]:
    """The identifiers that the spare has afterwards."""
    return [each.connector_id for each in takeover.after(asked, found(one, connectors=own)).connectors]


def test_the_name_by_which_the_array_knows_the_disk_moves_along_and_no_other_connector() -> None:
    assert moves(want(), holder(connectors=(PORT, IQN))) == [IQN.connector_id]


def test_a_node_keeps_its_name_where_the_task_names_one_for_the_spare() -> None:
    assert moves(want(connectors=[{"type": "iqn", "connector_id": "iqn.2024-01.org.example:own"}]), holder()) == []


def test_a_node_keeps_its_name_where_the_task_says_so() -> None:
    assert moves(want(initiator="own"), holder()) == []


def test_a_node_keeps_its_name_where_no_disk_of_its_own_moves() -> None:
    assert moves(want(), holder(targets=())) == []


def test_a_connector_that_is_asked_for_moves_beside_the_name() -> None:
    asked = want(connectors=[{"type": "iqn"}, {"type": "wwpn", "connector_id": PORT.connector_id}])
    assert moves(asked, holder(connectors=(IQN, PORT), asked_for={ROOT: 0, PORT.connector_id: -1})) == [
        PORT.connector_id,
        IQN.connector_id,
    ]


def test_the_spares_own_name_makes_room_and_its_other_connectors_stay() -> None:
    own = replace(IQN, uuid="c-3", node_uuid=SPARE.uuid, connector_id="iqn.2024-01.org.example:own")
    port = replace(PORT, uuid="c-4", node_uuid=SPARE.uuid)
    assert moves(want(), holder(), own, port) == [PORT.connector_id, IQN.connector_id]
    gone = [line for line in actions(found(holder(), connectors=(own, port))) if line.startswith("remove")]
    assert [own.connector_id in line for line in gone] == [True]


# Which target comes in whose place


def test_the_target_that_moves_is_the_only_one_in_its_place() -> None:
    first, second = (Target(f"t-{index + 2}", SPARE.uuid, "iscsi", index, uuid_of(f"own {index}")) for index in (0, 1))
    after = takeover.after(want(), found(holder(), targets=(first, second)))
    assert [(one.boot_index, one.uuid, one.node_uuid) for one in after.targets] == [
        (1, "t-3", SPARE.uuid),
        (0, "t-1", SPARE.uuid),
    ]
