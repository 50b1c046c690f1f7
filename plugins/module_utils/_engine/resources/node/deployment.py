# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's deployment: from available to active, booting from its volume, and back.

Ironic checks the storage only when it is asked to validate, never when it deploys; so the plan asks before. A node that boots
from a volume goes from deploying to active without wait call-back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...values.errors import BfvError, Refused, refuse
from ...values.paths import path_of
from ...values.plan import Plan, Request, Validate
from . import record as nodes
from . import states
from .record import Node

_DEPLOYABLE = ("available", "deploy failed")
_BAD_ENDS = ("deploy failed", "error", "clean failed")
_PROVISION = ("states", "provision")
# ironic/conductor/cleaning.py: with its last step a retired node becomes manageable, and without any step available as others do.
_RETIRED = "manageable (available where Ironic cleans nothing)"
# ironic/conductor/manager.py, do_node_tear_down.
PROTECTED = "it is protected. Take that back first (baremetal node unset --protected), if its machine may go."
REQUIRED = ("boot", "deploy", "power", "storage")

# Ironic renders the boot script of a node with several volumes of Cinder before it has their addresses, and keeps these then. The
# one that it misses is the CHAP name up to 24.1, and the LUN later (ironic/common/pxe_utils.py, get_volume_pxe_options).
_MISSED = ("%x format", "'auth_username'")
_UNPREPARED = (
    "Run again: Ironic knows the addresses of the node's volumes by now, which it does not when several are attached at first"
)


@dataclass(frozen=True)
class Wanted:
    """``state`` is prepared (at rest, whatever else), deployed or undeployed; ``validate`` has Ironic check the node before."""

    node: str
    state: str
    validate: bool = True


def plan(want: Wanted, node: Node) -> Plan:
    """What to do so that the node is where it should be. Pure. Raises Refused."""
    if want.state == "undeployed":
        return _plan_undeployment(want, node)
    if is_on_the_way(node):  # Ironic refuses every other change until it is at rest
        return _wait(node, "to come to rest")
    if want.state == "deployed":
        return _plan_deployment(want, node)
    if not states.is_known(node.provision_state):
        raise Refused(f"Failed to set up node {node.name}: {_elsewhere(node)}")
    return _nothing(node)


def _plan_deployment(want: Wanted, node: Node) -> Plan:
    what = f"deploy node {node.name}"
    if node.provision_state == "active":
        return _nothing(node)
    refuse(what, obstacles(node))
    goal = replace(node, provision_state="active")
    checks = (Validate(node.uuid, node.name, REQUIRED),) if want.validate else ()
    steps = (*checks, _provision(node, what, "active"))
    return Plan(_subject(node), _view(node), _view(goal), steps, f"node {node.name} to become active")


def _plan_undeployment(want: Wanted, node: Node) -> Plan:
    what = f"undeploy node {node.name}"
    state = states.of(node.provision_state)
    if is_undeploying(node):
        return _wait(node, "to become available")
    if not state.undeploys and not state.machine and not state.undeploy:
        return _nothing(node)
    goal = replace(node, provision_state=_RETIRED if node.retired else "available")
    if state.leads_to and not state.undeploys:  # Ironic does not abort these
        return replace(_wait(node, "to come to rest before it is undeployed"), after=_view(goal))
    if not state.undeploys:
        raise Refused(f"Failed to {what}: {states.needs(node.provision_state, state.undeploy)}")
    if node.protected:
        raise Refused(f"Failed to {what}: {PROTECTED}")
    refuse(what, nodes.nova_obstacles(node, "Delete that server instead"))
    request = _provision(node, f"{what} ({node.uuid}){_allocation(node)}", "deleted")
    undeploy = replace(request, permits=(nodes.named(node, want.node),), still=nodes.still(node))
    return Plan(_subject(node), _view(node), _view(goal), (undeploy,), f"node {node.name} to become {goal.provision_state}")


def _allocation(node: Node) -> str:
    """ironic/conductor/manager.py, _do_node_tear_down: an allocation goes with the deployment."""
    return f", and with it its allocation {node.instance_uuid}" if node.instance_uuid and node.is_allocated else ""


def _nothing(node: Node) -> Plan:
    return Plan(_subject(node), _view(node), _view(node))


def _wait(node: Node, what_for: str) -> Plan:
    return replace(_nothing(node), waiting=f"node {node.name} ({node.provision_state}) {what_for}")


def obstacles(node: Node) -> Iterator[str]:
    """Why Ironic would not deploy the node. Nothing is in the way of one that is deployed, or about to be."""
    if is_deployed(node):
        return
    if node.maintenance:
        yield states.maintenance(node.fault)
    if node.retired:
        yield "it is retired, and Ironic makes it available no more. Take that back first (baremetal node unset --retired)."
    if node.provision_state not in _DEPLOYABLE:
        yield _elsewhere(node)


def _elsewhere(node: Node) -> str:
    return states.needs(node.provision_state, states.of(node.provision_state).deploy)


def _subject(node: Node) -> str:
    return f"deployment of node {node.name}"


def is_start(request: Request) -> bool:
    """Whether the request starts a deployment or an undeployment."""
    return request.changes == "node" and request.path.endswith(path_of(*_PROVISION))


def is_on_the_way(node: Node) -> bool:
    """Whether the node comes to be deployed or undeployed by itself."""
    return states.of(node.provision_state).leads_to in ("active", "available")


def is_deployed(node: Node) -> bool:
    """Whether the node is deployed, or is being deployed."""
    return node.provision_state == "active" or states.of(node.provision_state).leads_to == "active"


def is_free(node: Node) -> bool:
    """Whether no machine is there, and none on its way: an unknown state counts as one with a machine."""
    state = states.of(node.provision_state)
    return not state.machine and state.leads_to != "available"


def is_undeploying(node: Node) -> bool:
    """Whether the node is being undeployed."""
    return states.of(node.provision_state).leads_to == "available"


def may_be_undeployed(node: Node) -> bool:
    """Whether Ironic undeploys the node, and has not failed to: in error it has taken the boot script away already."""
    return states.of(node.provision_state).undeploys and node.provision_state != "error"


def is_unprepared(node: Node) -> bool:
    """Whether a deployment failed since Ironic did not know the addresses of the node's volumes, which it does by now."""
    missed = any(words in str(node.last_error or "") for words in _MISSED)
    return node.provision_state == "deploy failed" and node.storage_interface == "cinder" and missed


def check_landed(node: Node) -> None:
    """Raise the reason where a deployment or undeployment that was started came to a bad end."""
    if node.provision_state in _BAD_ENDS:
        reason = str(node.last_error or "nothing").rstrip(".")
        advice = _UNPREPARED if is_unprepared(node) else "Repair that, and run again"
        what = "deploy" if node.provision_state == "deploy failed" else "undeploy"
        raise BfvError(
            f"Failed to {what} node {node.name}: it is in {node.provision_state}, and Ironic says «{reason}». {advice}."
        )


def _provision(node: Node, what: str, target: str) -> Request:
    return Request(what, "baremetal", "PUT", path_of("nodes", node.uuid, *_PROVISION), "node", node.uuid, {"target": target})


def _view(node: Node) -> dict[str, object]:
    return {"provision_state": node.provision_state}
