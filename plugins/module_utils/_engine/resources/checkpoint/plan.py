# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkpoint of a machine: snapshots of all its disks under one name, complete or not there."""

from __future__ import annotations

from collections.abc import Collection

from ...values.plan import Plan
from . import record
from .creation import plan_presence
from .found import Found, observe
from .node_revert import plan_node_revert
from .removal import plan_absence
from .revert import plan_revert
from .wanted import Wanted, wanted

__all__ = ["Found", "Wanted", "observe", "plan", "result", "wanted"]


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the checkpoint is as wanted. ``made`` are the ids of what this run created. Pure. Raises Refused."""
    if want.state == "absent":
        return plan_absence(want, found)
    if want.state == "reverted":
        if found.node and found.back:
            return plan_node_revert(want, found, found.node, found.back, made)
        return plan_revert(want, found, made)
    return plan_presence(want, found, made)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The checkpoint as a module returns it, None where there is none, and the names of all of the machine, the oldest first."""
    complete = [one for one in found.checkpoints if one.is_complete]
    meant = next((one for one in complete if one.name == want.name), None)
    names = list(dict.fromkeys(one.name for one in complete))
    return {"checkpoint": record.view(meant) if meant else None, "checkpoints": names, "kept_volumes": []}
