# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a resource is going to do: the one source of ``changed``, of the diff, and of what check mode says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from .errors import Refused


@dataclass(frozen=True)
class Step:
    """One thing that a plan does: a Request, or the question Validate."""


@dataclass(frozen=True)
class Request(Step):
    """One write: an HTTP request that the plan decided on.

    ``what`` is both the action that is shown and the end of "Failed to ...". ``changes`` names the kind of the record that
    the answer describes (node, connector, target, volume), and ``key`` its id where the record exists already.
    """

    what: str
    service: str
    method: str
    path: str
    changes: str
    key: str = ""
    body: object = field(default=None, repr=False)  # may hold a password
    unseen: bool = False  # writes only what the service never shows, a password
    shared: bool = False  # clearing up that another run may be doing as well: a refusal is no error
    common: bool = False  # serves many nodes: of a fleet only one sends it
    once: bool = False  # must not be needed again: a volume that is made anew and fails again would be made for ever


@dataclass(frozen=True)
class Validate(Step):
    """A question to Ironic that must be answered yes before the steps behind it: does the node's set-up pass its own checks?"""

    node_uuid: str
    node: str
    required: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How to get from what is to what is wanted.

    ``before`` and ``after`` are what a person sees, without secrets. ``steps`` can be taken now, in this order. ``waiting`` says
    what must come true before the resource is settled or planned further; it is empty when nothing must.
    """

    subject: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    steps: tuple[Step, ...] = ()
    waiting: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.requests) or self.before != self.after

    @property
    def settled(self) -> bool:
        return not self.steps and not self.waiting

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    def rest(self, taken: Collection[Request]) -> Plan:
        """The plan after what this run has taken: without what it cannot see. Raises Refused where it has come full circle."""
        names = {request.what for request in taken}
        for request in self.requests:
            if request.once and request.what in names:
                raise Refused(
                    f"Failed to set up {self.subject}: this run did «{request.what}», and it is needed again: "
                    "what came of it is in error or gone. Look into the service's log."
                )
        return self.seen({request.changes for request in taken})

    def seen(self, kinds: Collection[str]) -> Plan:
        """The plan without what the service never shows of records of these kinds."""
        hidden = [request for request in self.requests if request.unseen and request.changes in kinds]
        return replace(self, steps=tuple(step for step in self.steps if step not in hidden))

    @property
    def actions(self) -> list[str]:
        """The writes, in words."""
        return [request.what for request in self.requests]

    @property
    def diff(self) -> dict[str, object]:
        return {
            "before_header": self.subject,
            "after_header": self.subject,
            "before": dict(self.before),
            "after": dict(self.after),
        }


def together(subject: str, plans: list[Plan]) -> Plan:
    """Several plans that can be taken at once, or after one another, as one. Of one subject the first has seen it before, the last after."""
    steps: list[Step] = []
    changed = [plan for plan in plans if plan.changed]
    for step in (step for plan in plans for step in plan.steps):
        if step not in steps:  # two targets may both want the node powered off
            steps.append(step)
    return Plan(
        subject=subject,
        before={plan.subject: plan.before for plan in reversed(changed)},
        after={plan.subject: plan.after for plan in changed},
        steps=tuple(steps),
        waiting=", ".join(plan.waiting for plan in plans if plan.waiting),
        warnings=tuple(warning for plan in plans for warning in plan.warnings),
    )
