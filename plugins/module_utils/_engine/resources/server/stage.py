# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stage of a server's way: what is done now, and what will be found when that is done and nobody else has done anything.

So the pure rules themselves tell the stages that follow, and check mode says them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ...values.plan import Plan, Request
from .found import Found

_LONGEST = 12  # stages; the longest way has seven


@dataclass(frozen=True)
class Stage:
    """A plan, what will be found after it (None: that is not known, or it is the last one), and what the diff tells beside.

    One that ``undoes`` what an unfinished way has switched is due even where all that follows is refused.
    """

    plan: Plan
    leads_to: Found | None = None
    tells: Mapping[str, object] = field(default_factory=dict)
    undoes: bool = False

    def returning(self, result: Mapping[str, object]) -> Stage:
        """The stage, of which the module returns this as well."""
        return replace(self, plan=replace(self.plan, result={**self.plan.result, **result}))


def foreseen(first: Stage, follow: Callable[[Found], Stage]) -> Plan:
    """The plan of the first stage with all that will follow. Raises Refused where that is refused."""
    then: list[Request] = list(first.plan.then)
    stage, tells, result = first, dict(first.tells), dict(first.plan.result)
    for _number in range(_LONGEST):
        if stage.leads_to is None:
            break
        stage = follow(stage.leads_to)
        then += [*stage.plan.requests, *stage.plan.then]
        tells, result = {**stage.tells, **tells}, {**stage.plan.result, **result}
    return replace(first.plan, after={**stage.plan.after, **tells}, then=tuple(then), result=result)
