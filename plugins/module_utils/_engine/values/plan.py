# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resource is going to do: the one source of ``changed``, of the diff, and of what check mode says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .errors import Refused
from .permits import Permit


@dataclass(frozen=True)
class Step:
    """One thing that a plan does: a Request, the question Validate, or the writing of a LUN."""

    @property
    def destroys(self) -> list[str]:
        """What goes by it, and why it may, in words."""
        return []


@dataclass(frozen=True)
class Still:
    """What must hold of a record when it is read once more, directly before a request that cannot be taken back.

    ``fields`` are those of the service's own JSON, below ``within`` where its answers have such a key. What is not shown counts as None.
    """

    path: str
    fields: Mapping[str, object]
    within: str = ""


@dataclass(frozen=True)
class Request(Step):
    """One write: an HTTP request that the plan decided on.

    ``what`` is both the action that is shown and the end of "Failed to ...". ``changes`` names the kind of the record that
    the answer describes (node, connector, target, volume), and ``key`` its id where the record exists already. One that destroys
    something has a permit for each thing that goes, and names it by its id.
    """

    what: str
    service: str
    method: str
    path: str
    changes: str
    key: str = ""
    body: object = field(default=None, repr=False)  # may hold a password
    unseen: bool = False  # writes only what the service never shows, a password
    common: bool = False  # serves many nodes: of a fleet only one sends it
    once: bool = False  # must not be needed again: a volume that is made anew and fails again would be made for ever
    permits: tuple[Permit, ...] = ()
    still: Still | None = None
    file: str = ""  # path of a file that is sent in place of a body
    mark: str = ""  # what the thing that it makes tells of itself, so that the run knows it where the answer is lost
    undo: Request | None = None  # what is sent where this one fails

    @property
    def creates(self) -> bool:
        """Whether the request makes a record, whose id its answer tells."""
        return self.method == "POST" and not self.key

    def is_alike(self, other: Request) -> bool:
        """Whether both do the same, planned at different times: what goes may have another name by then."""
        return self.what == other.what or (self.method == "DELETE" and (self.method, self.path) == (other.method, other.path))

    @property
    def destroys(self) -> list[str]:
        """What goes by the request, and why it may, in words."""
        return [f"{permit.id}: {self.what}, since {permit.why}" for permit in self.permits]


@dataclass(frozen=True)
class Validate(Step):
    """A question to Ironic that must be answered yes before the steps behind it: does the node's set-up pass its own checks?"""

    node_uuid: str
    node: str
    required: tuple[str, ...]


Taken = TypeVar("Taken", bound=Step)


@dataclass(frozen=True)
class Plan:
    """How to get from what is to what is wanted.

    ``before`` and ``after`` are what a person sees, without secrets. ``steps`` can be taken now, in this order. ``waiting`` says
    what must come true before the resource is settled or planned further; it is empty when nothing must. ``then`` are the writes
    that will follow, as far as they can be foreseen: they are shown, and planned again when their time has come. ``result`` is what
    the module returns of the way itself, by its key: what it leaves behind.
    """

    subject: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    steps: tuple[Step, ...] = ()
    waiting: str = ""
    warnings: tuple[str, ...] = ()
    then: tuple[Request, ...] = ()
    result: Mapping[str, object] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.requests or self.then) or self.before != self.after

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
        """The writes of the whole way, in words."""
        return [request.what for request in (*self.requests, *self.then)]

    @property
    def destroys(self) -> list[str]:
        """What goes on the whole way, and why it may, in words."""
        return [line for step in (*self.steps, *self.then) for line in step.destroys]

    @property
    def diff(self) -> dict[str, object]:
        destroys = {"destroys": self.destroys} if self.destroys else {}
        return {
            "before_header": self.subject,
            "after_header": self.subject,
            "before": dict(self.before),
            "after": {**self.after, **destroys},
        }


def together(subject: str, plans: list[Plan]) -> Plan:
    """Several plans that can be taken at once, or after one another, as one. Of one subject the first has seen it before, the last after."""
    changed = [plan for plan in plans if plan.changed]
    return Plan(
        subject=subject,
        before={plan.subject: plan.before for plan in reversed(changed)},
        after={plan.subject: plan.after for plan in changed},
        steps=each_once(step for plan in plans for step in plan.steps),
        waiting=", ".join(plan.waiting for plan in plans if plan.waiting),
        warnings=tuple(warning for plan in plans for warning in plan.warnings),
        then=each_once(request for plan in plans for request in plan.then),
    )


def each_once(steps: Iterable[Taken]) -> tuple[Taken, ...]:
    """Two targets may both want their node powered off."""
    once: list[Taken] = []
    for step in steps:
        if step not in once:
            once.append(step)
    return tuple(once)
