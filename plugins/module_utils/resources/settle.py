# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""From a plan to the settled resource: take the steps, look again, plan again, until nothing is left to do or to wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..cloud.connection import Cloud
from ..cloud.errors import Rejected, Unanswered
from ..cloud.service import Json
from ..cloud.wait import Rounds
from ..values.errors import BfvError, Refused
from ..values.plan import Plan, Request, Step, Validate
from . import validation

Found = TypeVar("Found")


def take(cloud: Cloud, step: Step) -> Json:
    """One step of a plan. The answer of a write; {} for a question that was answered yes."""
    if isinstance(step, Request):
        try:
            return cloud.send(step)
        except Rejected as error:
            if step.shared and is_conflict(error):
                return {}
            raise
    if isinstance(step, Validate):
        validation.check(validation.ask(cloud, step.node_uuid, step.node), step.node, step.required)
    return {}


def timed_out(waiting: str, timeout: float) -> BfvError:
    """The error of a wait that was too short. The work goes on in the cloud, and the next run finds it."""
    return BfvError(
        f"Failed to wait for {waiting}: it has not come true within {timeout:g} s. Run again to go on waiting, or raise timeout."
    )


def not_taken(plan: Plan) -> BfvError:
    """The error of a write that was accepted without effect: to send it for ever would not help."""
    return BfvError(
        f"Failed to set up {plan.subject}: the service accepted «{plan.actions[0]}» and shows the old state. Look into its log."
    )


def is_conflict(error: BfvError) -> bool:
    """Whether another run may have done the same a moment before, so that one more look is worth it.

    The services answer 409 to what is there already, 404 to what is gone, and 400 to what the state of a record does not allow
    any more. To a new record the latter two are refusals for good.
    """
    if not isinstance(error, Rejected) or error.is_lock:
        return False
    return error.status == 409 or (error.status in (400, 404) and error.of_record)


@dataclass
class Way:
    """How far the steps of a resource, or of a fleet's node, have been taken."""

    requests: list[Request] = field(default_factory=list)  # what was written
    sent: tuple[Step, ...] = ()
    looked: bool = False  # an error was met, and forgiven after another look

    def due(self, plan: Plan) -> tuple[Step, ...]:
        """The steps to take now: none where they are taken and only their end is missing. Raises where they had no effect."""
        if plan.steps and plan.steps == self.sent:
            if not plan.waiting:
                raise not_taken(plan)
            return ()
        self.sent = plan.steps
        return plan.steps

    def forgive(self, error: BfvError) -> None:
        """Allow one more look and another plan where another run, or a lost answer, explains the error. Raises the others, and a second one."""
        if self.looked or not (isinstance(error, (Refused, Unanswered)) or is_conflict(error)):
            raise error
        self.looked, self.sent = True, ()


class Settling(Generic[Found]):
    """The way of one resource to where it is wanted. ``found`` and ``taken`` tell how far it came, also after an error."""

    def __init__(self, cloud: Cloud, observe: Callable[[], Found], plan: Callable[[Found], Plan]) -> None:
        self._cloud = cloud
        self._observe = observe
        self._plan = plan
        self.found = observe()
        self.plan = plan(self.found)
        self.way = Way()

    @property
    def taken(self) -> bool:
        return bool(self.way.requests)

    def run(self, timeout: float, wait: bool = True) -> None:
        """Take the steps and wait for their ends. Raises BfvError."""
        rounds, plan = Rounds(timeout), self.plan
        while not plan.settled:
            try:
                self._take(self.way.due(plan))
            except (Rejected, Unanswered) as error:
                self.way.forgive(error)
            if plan.waiting and wait and not rounds.pause():
                raise timed_out(plan.waiting, timeout)
            self.found = self._observe()
            if plan.waiting and not wait:
                return
            plan = self._plan(self.found).rest(self.way.requests)

    def _take(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            take(self._cloud, step)
            if isinstance(step, Request):
                self.way.requests.append(step)
