# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import deployment
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request, Validate
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_node


def plan(state: str, **fields: Any) -> Plan:
    return deployment.plan(deployment.Wanted("bm-0", state), node.from_api(a_node(**fields)))


@pytest.mark.parametrize("state", ["available", "deploy failed", None])
def test_a_node_is_validated_with_its_storage_and_then_deployed(state: str | None) -> None:
    question, request = plan("deployed", provision_state=state).steps
    assert isinstance(question, Validate)
    assert question.required == ("boot", "deploy", "power", "storage")
    assert isinstance(request, Request)
    assert (request.path.endswith("/states/provision"), request.body) == (True, {"target": "active"})


def test_a_node_in_an_unknown_state_is_left_alone() -> None:
    with pytest.raises(Refused, match=r"its provision state is quiesced\. This collection does not know that state"):
        plan("prepared", provision_state="quiesced")


def test_a_protected_node_is_not_undeployed() -> None:
    with pytest.raises(Refused, match="it is protected"):
        plan("undeployed", provision_state="active", protected=True)


@pytest.mark.parametrize("fields", [{"provision_state": "rescue"}, {"instance_uuid": "somebody's"}])
def test_a_node_is_read_again_directly_before_it_is_undeployed(fields: dict[str, Any]) -> None:
    (request,) = plan("undeployed", provision_state="active").requests
    cloud = FakeCloud(nodes=[a_node(provision_state="active")])
    cloud.nodes[a_node()["uuid"]].update(fields)
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)
    assert cloud.writes == []


def test_an_active_node_is_never_deployed_again() -> None:
    assert plan("deployed", provision_state="active").settled


@pytest.mark.parametrize("state", ["deploying", "wait call-back"])
def test_a_deployment_under_way_is_waited_for(state: str) -> None:
    going = plan("deployed", provision_state=state)
    assert (going.steps, going.changed, state in going.waiting) == ((), False, True)


def test_a_node_in_maintenance_is_not_deployed() -> None:
    with pytest.raises(Refused, match="it is in maintenance"):
        plan("deployed", maintenance=True)


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("enroll", "Manage and provide it"),
        ("manageable", "Provide it"),
        ("error", "Undeploy it"),
        ("clean failed", "last_error"),
        ("rescue", "baremetal node unrescue"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_what_to_do(state: str, advice: str) -> None:
    with pytest.raises(Refused, match=f"provision state is {state}.*{advice}"):
        plan("deployed", provision_state=state)


@pytest.mark.parametrize(
    "state",
    [
        "active", "wait call-back", "deploy failed", "error", "rescue", "rescue wait", "rescue failed", "unrescue failed",
        "service failed", "service wait",
    ],
)  # fmt: skip
def test_a_deployed_node_is_undeployed(state: str) -> None:
    undeploys = plan("undeployed", provision_state=state)
    assert [step.body for step in undeploys.steps] == [{"target": "deleted"}]
    assert undeploys.waiting == "node bm-0 to become available"


@pytest.mark.parametrize(
    "state",
    ["available", "manageable", "enroll", "verifying", "inspecting", "inspect wait", "inspect failed", "adopt failed", None],
)
def test_a_node_that_is_not_deployed_is_not_undeployed(state: str | None) -> None:
    assert plan("undeployed", provision_state=state).settled


@pytest.mark.parametrize(
    "state", ["deleting", "cleaning", "clean wait", "deploying", "rescuing", "unrescuing", "servicing", "adopting"]
)
def test_a_node_on_its_way_is_waited_for_before_it_counts_as_undeployed(state: str) -> None:
    going = plan("undeployed", provision_state=state)
    assert (going.steps, state in going.waiting) == ((), True)


# Every state of ironic/common/states.py in which something is deployed, or half so.
@pytest.mark.parametrize(
    "state",
    [
        "deploy hold", "service hold", "clean failed", "clean hold", "rebuild", "some state of tomorrow",
    ],
)  # fmt: skip
def test_a_half_deployed_node_never_counts_as_undeployed(state: str) -> None:
    with pytest.raises(Refused, match=f"Failed to undeploy node bm-0: its provision state is {state}"):
        plan("undeployed", provision_state=state)


def test_nodes_of_nova_are_not_undeployed() -> None:
    with pytest.raises(Refused, match=r"belongs to Nova .*Delete that server"):
        plan("undeployed", provision_state="active", instance_uuid="7e6c1a2b")


@pytest.mark.parametrize(("state", "what"), [("deploy failed", "deploy"), ("error", "undeploy"), ("clean failed", "undeploy")])
def test_a_bad_end_is_told_in_ironics_words(state: str, what: str) -> None:
    with pytest.raises(BfvError, match=f"^Failed to {what} node .*: it is in {state}, and Ironic says «The volume is on fire»"):
        deployment.check_landed(node.from_api(a_node(provision_state=state, last_error="The volume is on fire.")))


@pytest.mark.parametrize("state", ["active", "available", "deploying"])
def test_no_other_state_is_a_bad_end(state: str) -> None:
    deployment.check_landed(node.from_api(a_node(provision_state=state, last_error="of yesterday")))
