# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a plan to the settled resource: take the steps, look again, plan again, until nothing is left to do or to wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..cloud.connection import Cloud
from ..cloud.errors import Rejected, is_unclear, may_pass
from ..cloud.service import Json
from ..cloud.wait import Rounds
from ..values import permits
from ..values.errors import BfvError, Refused
from ..values.plan import Plan, Request, Step, Validate
from .node import validation

Found = TypeVar("Found")

# How often a request is tried again of which nobody knows what became of it: by then a lost answer has come, and an error has not gone.
_TRIES = 5
# How many looks may miss what was made, 7 s: by then every replica of a database has it.
_LOOKS = 5


def take(cloud: Cloud, step: Step) -> Json:
    """One step of a plan. The answer of a write; {} for a question that was answered yes. Nothing is destroyed without a permit."""
    if isinstance(step, Request):
        permits.check(step)
        return cloud.send(step)
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


def gone(request: Request, subject: str) -> BfvError:
    """The error where a run would have to make anew what it has made, and seen: somebody has removed it."""
    return BfvError(
        f"Failed to set up {subject}: this run did «{request.what}», and what came of it is gone: somebody has removed it meanwhile. "
        "Find out who, and run again."
    )


def is_conflict(error: BfvError) -> bool:
    """Whether another run may have done the same a moment before, so that one more look is worth it.

    The services answer 409 to what is there already, 404 to what is gone, and 400 to what the state of a record does not allow
    any more. To a new record the latter two are refusals for good.

    Where there is no room for a volume, another run may have taken it to make the same one, and what a run removes is gone a moment before
    its room is free (cinder/volume/manager.py, delete_volume).
    """
    if not isinstance(error, Rejected) or error.is_lock:
        return False
    return error.status == 409 or (error.status in (400, 404) and error.of_record) or error.is_crowded_out


@dataclass
class Way:
    """How far the steps of a resource, or of a fleet's node, have been taken."""

    requests: list[Request] = field(default_factory=list)  # what was written
    made: set[str] = field(default_factory=set)  # the ids of what this run created, and the marks of what it may have created
    sent: tuple[Step, ...] = ()
    looks: int = 0  # that showed nothing of what was sent
    lost: list[Request] = field(default_factory=list)  # what was sent, and nobody knows whether it was done
    forgiven: Counter[str] = field(default_factory=Counter)  # the errors that were met, and forgiven after another look

    def send(self, cloud: Cloud, request: Request) -> Json:
        """Take one write, and note what came of it."""
        try:
            answer = take(cloud, request)
        except BfvError as error:
            if is_unclear(error):
                self.lost.append(request)
                if request.mark:  # the service may make it late, when the run has asked again
                    self.made.add(request.mark)
            raise
        self.note(request, answer)
        return answer

    def note(self, request: Request, answer: Json) -> None:
        """A write was answered. Without a key it created what its answer tells the id of."""
        self.requests.append(request)
        record = answer.get(request.changes, answer)
        if request.creates and (id := record.get("id") or record.get("uuid")):
            self.made.add(str(id))

    def learn(self, plans: Iterable[Plan]) -> None:
        """After another look: what had no answer, and is not needed any more, was done. An id that the run chose itself is its own."""
        needed = [request for plan in plans for request in (*plan.requests, *plan.then)]
        for request in self.lost:
            if not any(request.is_alike(one) for one in needed):
                self.note(request, request.body if isinstance(request.body, dict) else {})
        self.lost.clear()

    @property
    def actions(self) -> list[str]:
        """What was written, in words."""
        return [request.what for request in self.requests]

    def due(self, plan: Plan) -> tuple[Step, ...]:
        """The steps to take now: none where they are taken and only their end is missing. Raises where they had no effect, or it is gone."""
        made = next((request for request in plan.requests if request.creates and request.what in self.actions), None)
        if plan.steps and plan.steps == self.sent:
            if not plan.waiting:
                raise not_taken(plan)
            self.looks += 1
            if made and self.looks > _LOOKS:
                raise gone(made, plan.subject)
            return ()
        if made:
            raise gone(made, plan.subject)
        self.sent, self.looks = plan.steps, 0
        return plan.steps

    def forgive(self, error: BfvError) -> None:
        """Allow one more look and another plan where another run, or a lost answer, explains the error. Raises the others.

        The same conflict is one for good, and so is a request that brings no answer time and again.
        """
        passes = may_pass(error)
        met = str(error).partition(": ")[0] if passes else str(error)  # an answer may be lost in many ways
        again = self.forgiven[met] < (_TRIES if passes else 1)
        if not again or not (passes or isinstance(error, Refused) or is_conflict(error)):
            raise error
        self.forgiven[met] += 1
        self.sent = ()


class Settling(Generic[Found]):
    """The way of one resource to where it is wanted. ``found`` and ``taken`` tell how far it came, also after an error.

    ``plan`` gets what is found, and the ids of what this run has made so far, with the marks of what it may have made.
    """

    def __init__(self, cloud: Cloud, observe: Callable[[], Found], plan: Callable[[Found, Collection[str]], Plan]) -> None:
        self._cloud = cloud
        self._observe = observe
        self._plan = plan
        self.way = Way()
        self.found = observe()
        self.plan = plan(self.found, self.way.made)
        self.result = dict(self.plan.result)  # what all plans of the way tell of it

    @property
    def taken(self) -> bool:
        return bool(self.way.requests)

    def run(self, timeout: float, wait: bool = True) -> None:
        """Take the steps and wait for their ends. Raises BfvError."""
        rounds, plan = Rounds(timeout), self.plan
        while not plan.settled:
            error = self._take(plan, rounds)
            paused = error and may_pass(error)
            if not paused and plan.waiting and wait and not rounds.pause():
                raise timed_out(plan.waiting, timeout)
            self.found = self._look(rounds)
            if not error and plan.waiting and not wait:
                return
            plan = self._plan(self.found, self.way.made)
            self.result = {**plan.result, **self.result}
            self.way.learn([plan])
            plan = plan.rest(self.way.requests)

    def _look(self, rounds: Rounds) -> Found:
        """What is there now. A look that fails is taken again as long as the run waits."""
        while True:
            try:
                return self._observe()
            except BfvError as error:
                if not may_pass(error) or not rounds.pause():
                    raise

    def _take(self, plan: Plan, rounds: Rounds) -> BfvError | None:
        """Take the steps that are due. The error that only another look explains; raises the others, after what was begun was undone."""
        begun = None
        try:
            for step in self.way.due(plan):
                begun = step
                if isinstance(step, Request):
                    self.way.send(self._cloud, step)
                else:
                    take(self._cloud, step)
        except BfvError as error:
            try:
                self.way.forgive(error)
                if may_pass(error) and not rounds.pause():
                    raise error
            except BfvError:
                if isinstance(begun, Request) and begun.undo:
                    self.way.note(begun.undo, take(self._cloud, begun.undo))
                raise
            return error
        return None
