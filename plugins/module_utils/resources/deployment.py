# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A node's deployment: from available to active, booting from its volume, and back.

Ironic checks the storage only when it is asked to validate, never when it deploys; so the plan asks before. A node that boots
from a volume goes from deploying to active without wait call-back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..values.errors import BfvError, Refused, refuse
from ..values.plan import Plan, Request, Validate
from .node import Node

# ironic/common/states.py: the node moves on from these by itself.
_DEPLOYING = ("deploying", "wait call-back")
_UNDEPLOYING = ("deleting", "cleaning", "clean wait")
_DEPLOYABLE = ("available", "deploy failed")
_UNDEPLOYABLE = (
    "active",
    "wait call-back",
    "deploy failed",
    "error",
    "rescue",
    "rescue failed",
    "service failed",
    "service wait",
)
# Nothing is deployed in these, and nothing on its way there.
_UNDEPLOYED = ("available", "enroll", "verifying", "manageable", "inspecting", "inspect wait", "inspect failed", "adopt failed")
_BAD_ENDS = ("deploy failed", "error", "clean failed")
_PROVISION = "/states/provision"
REQUIRED = ("boot", "deploy", "power", "storage")

_NEXT = {
    "enroll": "Manage and provide it first (baremetal node manage, baremetal node provide)",
    "manageable": "Provide it first (baremetal node provide)",
    "error": "Undeploy it first",
    "clean failed": "Repair what its last_error says, then manage and provide it",
}
# Ironic 39 renders the boot script of a node with several volumes of Cinder before it has their addresses, and keeps these then.
_UNPREPARED = (
    "Run again: Ironic knows the addresses of the node's volumes by now, which it does not when several are attached at first"
)


@dataclass(frozen=True)
class Wanted:
    """``state`` is prepared (at rest, whatever else), deployed or undeployed; ``validate`` has Ironic check the node before."""

    state: str
    validate: bool = True


def plan(want: Wanted, node: Node) -> Plan:
    """What to do so that the node is where it should be. Pure. Raises Refused."""
    if want.state == "undeployed":
        return _plan_undeployment(node)
    if is_on_the_way(node):  # Ironic refuses every other change until it is at rest
        return _wait(node, "to come to rest")
    return _plan_deployment(want, node) if want.state == "deployed" else _nothing(node)


def _plan_deployment(want: Wanted, node: Node) -> Plan:
    what = f"deploy node {node.name}"
    if node.provision_state == "active":
        return _nothing(node)
    refuse(what, obstacles(node))
    goal = replace(node, provision_state="active")
    checks = (Validate(node.uuid, node.name, REQUIRED),) if want.validate else ()
    steps = (*checks, _provision(node, what, "active"))
    return Plan(_subject(node), _view(node), _view(goal), steps, f"node {node.name} to become active")


def _plan_undeployment(node: Node) -> Plan:
    what = f"undeploy node {node.name}"
    goal = replace(node, provision_state="available")
    if node.provision_state in _UNDEPLOYED:
        return _nothing(node)
    if node.provision_state in _UNDEPLOYING:
        return _wait(node, "to become available")
    if node.provision_state == "deploying":  # the one state that Ironic does not abort
        return replace(_wait(node, "to come to rest before it is undeployed"), after=_view(goal))
    if node.provision_state not in _UNDEPLOYABLE:
        raise Refused(f"Failed to {what}: {_elsewhere(node)}")
    if node.instance_uuid:
        raise Refused(f"Failed to {what}: it belongs to Nova (instance {node.instance_uuid}). Delete that server instead.")
    return Plan(
        _subject(node), _view(node), _view(goal), (_provision(node, what, "deleted"),), f"node {node.name} to become available"
    )


def _nothing(node: Node) -> Plan:
    return Plan(_subject(node), _view(node), _view(node))


def _wait(node: Node, what_for: str) -> Plan:
    return replace(_nothing(node), waiting=f"node {node.name} ({node.provision_state}) {what_for}")


def obstacles(node: Node) -> Iterator[str]:
    """Why Ironic would not deploy the node. Nothing is in the way of one that is deployed, or about to be."""
    if is_deployed(node):
        return
    if node.maintenance:
        yield "it is in maintenance. End that first (baremetal node maintenance unset)."
    if node.provision_state not in _DEPLOYABLE:
        yield _elsewhere(node)


def _elsewhere(node: Node) -> str:
    advice = _NEXT.get(node.provision_state, "Bring it to another state first, and run again")
    return f"its provision state is {node.provision_state}. {advice}."


def _subject(node: Node) -> str:
    return f"deployment of node {node.name}"


def is_start(request: Request) -> bool:
    """Whether the request starts a deployment or an undeployment."""
    return request.changes == "node" and request.path.endswith(_PROVISION)


def is_on_the_way(node: Node) -> bool:
    """Whether the node is being deployed or undeployed."""
    return node.provision_state in _DEPLOYING + _UNDEPLOYING


def is_deployed(node: Node) -> bool:
    """Whether the node is deployed, or is being deployed."""
    return node.provision_state == "active" or node.provision_state in _DEPLOYING


def is_undeploying(node: Node) -> bool:
    """Whether the node is being undeployed."""
    return node.provision_state in _UNDEPLOYING


def check_landed(node: Node) -> None:
    """Raise the reason where a deployment or undeployment that was started came to a bad end."""
    if node.provision_state in _BAD_ENDS:
        reason = str(node.last_error or "nothing").rstrip(".")
        advice = _UNPREPARED if "%x format" in reason else "Repair that, and run again"
        what = "deploy" if node.provision_state == "deploy failed" else "undeploy"
        raise BfvError(
            f"Failed to {what} node {node.name}: it is in {node.provision_state}, and Ironic says «{reason}». {advice}."
        )


def _provision(node: Node, what: str, target: str) -> Request:
    return Request(what, "baremetal", "PUT", f"/nodes/{node.uuid}{_PROVISION}", "node", node.uuid, {"target": target})


def _view(node: Node) -> dict[str, object]:
    return {"provision_state": node.provision_state}
