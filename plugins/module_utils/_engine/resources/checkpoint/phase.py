# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that go in phases: what is done at once, then a wait, then what comes behind it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...values.plan import Plan, Request


@dataclass(frozen=True)
class Phase:
    """What is done at once, and what must come true before the next one."""

    requests: tuple[Request, ...] = ()
    waiting: str = ""


def in_turn(
    subject: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    phases: Iterable[Phase],
    told: Iterable[str] = (),
) -> Plan:
    """The first phase in which something is to be done or waited for; what comes behind it is foreseen."""
    due = [phase for phase in phases if phase.requests or phase.waiting]
    first, *rest = due or [Phase()]
    then = tuple(request for phase in rest for request in phase.requests)
    return Plan(subject, before, after, first.requests, first.waiting, tuple(told), then)
