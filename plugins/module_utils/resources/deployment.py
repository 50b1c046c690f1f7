# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A node's deployment: from available to active, booting from its volume, and back.

Ironic checks the storage only when it is asked to validate, never when it deploys; so the plan asks before. A node that boots
from a volume goes from deploying to active without wait call-back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..values.errors import BfvError, Refused
from ..values.plan import Plan, Request, Step, Validate
from .node import Node

# ironic/common/states.py: the node moves on from these by itself.
_DEPLOYING = ("deploying", "wait call-back", "deploy hold")
_UNDEPLOYING = ("deleting", "cleaning", "clean wait", "clean hold")
_DEPLOYABLE = ("available", "deploy failed")
_UNDEPLOYABLE = ("active", "wait call-back", "deploy failed", "error", "rescue", "rescue failed", "service failed")
_BAD_ENDS = ("deploy failed", "error", "clean failed")
_PROVISION = "/states/provision"
REQUIRED = ("boot", "deploy", "power", "storage")


@dataclass(frozen=True)
class Wanted:
    """``state`` is deployed or undeployed."""

    state: str


def plan(want: Wanted, node: Node) -> Plan:
    """What to do so that the node is deployed or not. Pure. Raises Refused."""
    return _plan_deployment(node) if want.state == "deployed" else _plan_undeployment(node)


def _plan_deployment(node: Node) -> Plan:
    subject, what = f"deployment of node {node.name}", f"deploy node {node.name}"
    goal = replace(node, provision_state="active", last_error=None)
    if node.provision_state == "active":
        return Plan(subject, _view(node), _view(node))
    if node.provision_state in _DEPLOYING:
        return Plan(subject, _view(node), _view(node), waiting=f"node {node.name} ({node.provision_state}) to become active")
    if node.maintenance:
        raise Refused(f"Failed to {what}: it is in maintenance. End that first (baremetal node maintenance unset).")
    if node.provision_state not in _DEPLOYABLE:
        raise Refused(
            f"Failed to {what}: its provision state is {node.provision_state}. {_NEXT.get(node.provision_state, 'Bring it to available first')}."
        )
    check = Validate(node.uuid, node.name, REQUIRED)
    steps: tuple[Step, ...] = (check, _provision(node, what, "active"))
    return Plan(subject, _view(node), _view(goal), steps, f"node {node.name} to become active")


def _plan_undeployment(node: Node) -> Plan:
    subject, what = f"deployment of node {node.name}", f"undeploy node {node.name}"
    goal = replace(node, provision_state="available", last_error=None)
    if node.provision_state in _UNDEPLOYING:
        return Plan(subject, _view(node), _view(node), waiting=f"node {node.name} ({node.provision_state}) to become available")
    if node.provision_state == "deploying":
        return Plan(
            subject, _view(node), _view(goal), waiting=f"node {node.name} (deploying) to come to rest before it is undeployed"
        )
    if node.provision_state not in _UNDEPLOYABLE:
        return Plan(subject, _view(node), _view(node))
    if node.instance_uuid:
        raise Refused(f"Failed to {what}: it belongs to Nova (instance {node.instance_uuid}). Delete that server instead.")
    return Plan(subject, _view(node), _view(goal), (_provision(node, what, "deleted"),), f"node {node.name} to become available")


def is_start(request: Request) -> bool:
    """Whether the request starts a deployment or an undeployment."""
    return request.changes == "node" and request.path.endswith(_PROVISION)


def is_on_the_way(node: Node) -> bool:
    """Whether the node is being deployed or undeployed."""
    return node.provision_state in _DEPLOYING + _UNDEPLOYING


def check_landed(node: Node) -> None:
    """Raise the reason where a deployment or undeployment that was started came to a bad end."""
    if node.provision_state in _BAD_ENDS:
        reason = str(node.last_error or "nothing").rstrip(".")
        raise BfvError(
            f"Failed to bring node {node.name} there: it is in {node.provision_state}, and Ironic says «{reason}». Repair that, and run again."
        )


_NEXT = {
    "enroll": "Manage and provide it first (baremetal node manage, baremetal node provide)",
    "manageable": "Provide it first (baremetal node provide)",
    "error": "Undeploy it first",
    "clean failed": "Repair what last_error says, then manage and provide it",
}


def _provision(node: Node, what: str, target: str) -> Request:
    return Request(what, "baremetal", "PUT", f"/nodes/{node.uuid}{_PROVISION}", "node", node.uuid, {"target": target})


def _view(node: Node) -> dict[str, object]:
    return {"provision_state": node.provision_state}
