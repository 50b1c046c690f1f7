# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ironic's provision states in one table: what can be done from each, and what a person does where we cannot.

Source: ironic/common/state_machine.py, and do_provisioning_action in ironic/conductor/manager.py. A state that is not in the
table came with a newer release: it is told, and left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """One provision state.

    ``leads_to`` is where Ironic brings the node by itself, ``machine`` whether one may be at work there, ``undeploys`` whether
    Ironic undeploys from it. ``deploy`` says what to do first where Ironic does not deploy, ``undeploy`` where it does not undeploy
    what may be there, and ``change`` where the interfaces stay as they are.
    """

    deploy: str = ""
    change: str = ""
    undeploy: str = ""
    leads_to: str = ""
    machine: bool = False
    undeploys: bool = False


_REPAIR = "Repair what its last_error says"
_PROVIDE = "manage and provide it (baremetal node manage, baremetal node provide)"
_MANAGE = "Manage it first (baremetal node manage)"
_UNDEPLOY = "Undeploy it first (state undeployed of bfv.openstack.baremetal_fleet, or baremetal node undeploy)"
_RUN_AGAIN = "Run again when it has come to rest"
_UNRESCUE = f"End that first (baremetal node unrescue). {_RUN_AGAIN}"
_PROVIDE_LATER = "Wait until it is manageable, and provide it then (baremetal node provide)"
_HELD_CLEAN = (
    "Let its cleaning go on (baremetal node unhold), or end it (baremetal node abort) and then, when it is clean failed, "
    + _PROVIDE
)
_HELD_DEPLOY = "Let its deployment go on (baremetal node unhold), or end it (baremetal node abort)"
_HELD_SERVICE = "Let its service go on (baremetal node unhold), or end it (baremetal node abort)"

_TABLE: Mapping[str, State] = {
    "enroll": State("Manage and provide it first (baremetal node manage, baremetal node provide)"),
    "verifying": State(_PROVIDE_LATER, _RUN_AGAIN, leads_to="manageable"),
    "manageable": State("Provide it first (baremetal node provide)"),
    "available": State(),
    "inspecting": State(_PROVIDE_LATER, leads_to="manageable"),
    "inspect wait": State(_PROVIDE_LATER, leads_to="manageable"),
    "inspect failed": State(f"{_REPAIR}, then {_PROVIDE}", _MANAGE),
    "cleaning": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="available"),
    "clean wait": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="available"),
    "clean hold": State(_HELD_CLEAN, _HELD_CLEAN, _HELD_CLEAN),
    "clean failed": State(f"{_REPAIR}, then {_PROVIDE}", _MANAGE, f"{_REPAIR}, then {_PROVIDE}"),
    "deploying": State(change=_RUN_AGAIN, leads_to="active", machine=True),
    "wait call-back": State(change=_RUN_AGAIN, leads_to="active", machine=True, undeploys=True),
    "deploy hold": State(_HELD_DEPLOY, _HELD_DEPLOY, "End its deployment first (baremetal node abort)", machine=True),
    "deploy failed": State(change=_UNDEPLOY, undeploys=True),
    "active": State(change=_UNDEPLOY, machine=True, undeploys=True),
    "deleting": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="available"),
    "error": State(_UNDEPLOY, _UNDEPLOY, machine=True, undeploys=True),
    "adopting": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="active", machine=True),
    "adopt failed": State(
        f"{_REPAIR}, then adopt it (baremetal node adopt) where its machine is to go on, or {_PROVIDE} where there is none",
        _MANAGE,
    ),
    "rescuing": State(_UNRESCUE, _RUN_AGAIN, leads_to="rescue", machine=True),
    "rescue wait": State(
        f"Wait until it is rescued, or end that (baremetal node abort). {_UNRESCUE}",
        _UNDEPLOY,
        leads_to="rescue",
        machine=True,
        undeploys=True,
    ),
    "rescue": State(_UNRESCUE, _UNDEPLOY, machine=True, undeploys=True),
    "rescue failed": State(_UNRESCUE, _UNDEPLOY, machine=True, undeploys=True),
    "unrescuing": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="active", machine=True),
    "unrescue failed": State(_UNRESCUE, _UNDEPLOY, machine=True, undeploys=True),
    "servicing": State(_RUN_AGAIN, _RUN_AGAIN, leads_to="active", machine=True),
    "service wait": State(_RUN_AGAIN, _UNDEPLOY, leads_to="active", machine=True, undeploys=True),
    "service hold": State(_HELD_SERVICE, _HELD_SERVICE, "End its service first (baremetal node abort)", machine=True),
    "service failed": State(
        f"{_REPAIR}, then bring it back to active (baremetal node abort)", _UNDEPLOY, machine=True, undeploys=True
    ),
}
_ALONE = "This collection does not know that state, and leaves the node alone. Bring it to another one"
_UNKNOWN = State(_ALONE, _ALONE, _ALONE, machine=True)


def of(name: str) -> State:
    """What is known of a provision state."""
    return _TABLE.get(name, _UNKNOWN)


def is_known(name: str) -> bool:
    """Whether the state is one of the table."""
    return name in _TABLE


def is_locked(name: str) -> bool:
    """Whether Ironic changes nothing of a node (ironic/common/states.py, UPDATE_ALLOWED_STATES, and those at rest)."""
    return of(name).leads_to in ("active", "available", "rescue") or name in ("clean hold", "deploy hold") or not is_known(name)


def moves(name: str) -> bool:
    """Whether Ironic brings the node on from the state by itself."""
    return bool(of(name).leads_to)


def needs(name: str, advice: str) -> str:
    """The end of a refusal: where the node is, and what to do about that."""
    return f"its provision state is {name}. {advice}."


# Ironic puts a node into maintenance by itself, and says why in its ``fault`` (ironic/common/faults.py).
POWER_FAILURE = "power failure"
_MAINTENANCE = {
    POWER_FAILURE: "Repair its power interface (driver_info): Ironic ends the maintenance by itself when it reads the power state again",
    "clean failure": f"{_REPAIR}, then end the maintenance (baremetal node maintenance unset)",
    "service failure": f"{_REPAIR}, then end the maintenance (baremetal node maintenance unset)",
    "rescue abort failure": f"{_REPAIR}, then end the maintenance (baremetal node maintenance unset)",
}


def maintenance(fault: str | None) -> str:
    """Why a node in maintenance is not deployed, and what to do about it."""
    if not fault:
        return "it is in maintenance. End that first (baremetal node maintenance unset)."
    advice = _MAINTENANCE.get(fault, "Repair that, then end the maintenance (baremetal node maintenance unset)")
    return f"it is in maintenance for a {fault}. {advice}."
