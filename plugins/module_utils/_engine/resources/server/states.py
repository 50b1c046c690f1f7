# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's statuses of a server, and what may be done in each: the one table for all that is done to servers. Pure.

A status is made of Nova's vm_state and task_state (nova/api/openstack/common.py, _STATE_MAP). What is allowed in which one is written
above each action in nova/compute/api.py (check_instance_state): a server is deleted in every status, and refused all else while it has
a task. A status that is not in the table is of a newer Nova: it is said, and the server is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STATUS = {"started": "ACTIVE", "stopped": "SHUTOFF", "shelved": "SHELVED_OFFLOADED"}  # what a task asks for with its state


@dataclass(frozen=True)
class State:
    """A status. ``back`` is the action that makes the server ACTIVE again, where a task that wants it in another state takes it.

    ``advice`` is what a person can do, with the server's id for {id}. ``rests``: it may be replaced, and its image or flavor changed.
    """

    back: str = ""
    advice: str = ""
    rests: bool = False
    is_busy: bool = False
    takes_volumes: bool = False  # attach_volume, detach_volume
    takes_metadata: bool = False  # update_instance_metadata, delete_instance_metadata; and tags


def _set_aside(back: str, *, takes_volumes: bool, takes_metadata: bool) -> State:
    advice = f"Have it brought back with state: started, or do it yourself (openstack server {back} {{id}})."
    return State(back, advice, takes_volumes=takes_volumes, takes_metadata=takes_metadata)


_AT_WORK = State(is_busy=True, advice="Run again when Nova has come to its end.")
_UNKNOWN = State(
    advice="This collection does not know that status, and leaves the server alone. Bring it to ACTIVE or SHUTOFF first."
)

TABLE: Mapping[str, State] = {
    "ACTIVE": State(rests=True, takes_volumes=True, takes_metadata=True),
    "SHUTOFF": State(rests=True, takes_volumes=True, takes_metadata=True),
    "ERROR": State(rests=True, advice="Permit to create it anew around its disk (recreate=on_error)."),
    "PAUSED": _set_aside("unpause", takes_volumes=True, takes_metadata=True),
    "SUSPENDED": _set_aside("resume", takes_volumes=False, takes_metadata=True),
    "SHELVED": _set_aside("unshelve", takes_volumes=True, takes_metadata=False),
    "SHELVED_OFFLOADED": _set_aside("unshelve", takes_volumes=True, takes_metadata=False),
    # somebody is at work in it: to end that is his
    "RESCUE": State(advice="Somebody repairs it: have that ended first (openstack server unrescue {id})."),
    # either verdict is for good: resize.py gives it where the task asks for exactly that
    "VERIFY_RESIZE": State(
        advice="Confirm its resize first (openstack server resize confirm {id}), or revert it (openstack server resize revert {id}).",
        takes_volumes=True,
    ),
    "SOFT_DELETED": State(
        advice="It was deleted, and Nova keeps it for a while: have it restored (openstack server restore {id}), "
        "or removed for good (openstack server delete --force {id})."
    ),
    "DELETED": State(advice="Run again when it is gone."),
    **dict.fromkeys(("BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", "RESIZE", "REVERT_RESIZE", "MIGRATING", "PASSWORD"), _AT_WORK),
}


def of(status: str) -> State:
    return TABLE.get(status, _UNKNOWN)


def is_known(status: str) -> bool:
    return status in TABLE


def way_back(status: str, wanted: str) -> str:
    """The action that a task for a server in this state begins with, where it was set aside; empty where it is left as it is.

    What is to be shelved, and is paused or suspended, runs first, so that its machine shuts down by itself.
    """
    is_there = wanted == "shelved" and of(status).back == "unshelve"
    return of(status).back if wanted in STATUS and not is_there else ""


def reached(status: str, wanted: str) -> str:
    """The status that the other changes of a task find: where it names a state, the server is brought back first."""
    return "ACTIVE" if way_back(status, wanted) else status


def why(status: str, server_id: str) -> str:
    """The end of a refusal: the status, and what can be done."""
    return f"its status is {status}. {of(status).advice.format(id=server_id)}"
