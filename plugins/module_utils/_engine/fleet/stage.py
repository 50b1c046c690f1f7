# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a machine's way, and what is read again while it waits in one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..values.plan import Plan, each_once, together

# What is read again while a machine waits: its own record, its volumes, or all that belongs to it.
OWN, VOLUMES, EVERYTHING = "own", "volumes", "everything"
RELEASED = "released"  # the node, and all that is its own when it has come to rest: undeployed, it loses targets and volumes


@dataclass(frozen=True)
class Stage:
    """A part of the way. The first stage that is not settled is taken; ``looks_at`` is what is read again while it waits.

    ``is_anew``: an error was forgiven, and only another look tells whether it was one.
    """

    plan: Plan
    looks_at: str = OWN
    is_anew: bool = False


def whole(subject: str, stages: list[Stage]) -> Plan:
    """All stages as one plan, to be shown: every write in the order in which it comes."""
    plans = [stage.plan for stage in stages if stage.plan.changed or stage.plan.warnings]
    then = each_once(one for plan in plans for one in (*plan.requests, *plan.then))
    result = {key: value for plan in reversed(plans) for key, value in plan.result.items()}
    return replace(together(subject, plans), steps=(), then=then, result=result)
