# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine of a fleet on its way: stage by stage until it is there, must wait, or fails."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..cloud.connection import Cloud
from ..resources.settle import Way, take
from ..values.errors import BfvError
from ..values.plan import Plan, Request, Step
from .brake import Brake, Stopped
from .journal import Journal
from .kind import Kind
from .outcome import Outcome
from .stage import EVERYTHING, VOLUMES, Stage

Want = TypeVar("Want")
Found = TypeVar("Found")


@dataclass
class Run:
    """What the machines of one run share."""

    cloud: Cloud
    kind: Kind
    journal: Journal
    brake: Brake
    # Writes that serve many machines, by their words: which one sends them, and why it failed if it did.
    senders: dict[str, str] = field(default_factory=dict)
    failures: dict[str, BfvError] = field(default_factory=dict)  # by name
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_sender(self, request: Request, name: str) -> bool:
        """Whether it is up to the machine of this name to send a write that serves many."""
        with self.lock:
            return self.senders.setdefault(request.what, name) == name

    def is_to_send(self, request: Request, name: str) -> bool:
        """Whether the machine of this name takes the step: what serves many, one of them alone."""
        return not request.common or self.is_sender(request, name)

    def check(self, request: Request) -> None:
        """Raise what the sender of a write met that serves many machines, and is still wanting."""
        failure = self.failures.get(self.senders.get(request.what, "")) if request.common else None
        if failure:
            raise failure


@dataclass
class Progress(Generic[Want, Found]):
    """One machine on its way, by the name it is asked for."""

    name: str
    want: Want
    found: Found
    plan: Plan  # the whole way, as it was before the first step
    msg: str = ""
    done: bool = False
    waits: Stage | None = None
    way: Way = field(default_factory=Way)
    trouble: BfvError | None = None  # the last error that was forgiven
    unseen: BfvError | None = None  # why the last look at it failed
    refusals: int = 0  # how many looks in a row were refused for good
    result: dict[str, object] = field(default_factory=dict)  # what all plans of the way tell of it

    @property
    def late(self) -> BfvError | None:
        """Why it has come no further than this, where it is an error and not only slow."""
        return self.unseen or (self.trouble if self.looks_anew else None)

    @property
    def awaited(self) -> str:
        """What it waits for, in words."""
        return (self.waits.plan.waiting or self.waits.plan.subject) if self.waits else ""

    @property
    def looks_anew(self) -> bool:
        """Whether an error was forgiven, so that only another look tells whether it was one."""
        return self.waits is not None and self.waits.is_anew

    def fail(self, error: BfvError, run: Run) -> None:
        """The machine comes no further."""
        self.msg = str(error)
        run.failures[self.name] = error
        if not isinstance(error, Stopped):
            run.brake.count()
        run.journal.note(self.name, self.msg)

    def outcome(self, kind: Kind) -> Outcome:
        """What became of it."""
        return Outcome(
            self.name,
            self.msg,
            tuple(self.way.actions),
            self.plan,
            self.found,
            differs=tuple(kind.differs(self.want, self.found)),
            view={**kind.view(self.want, self.found), **self.result},
        )


def advance(run: Run, one: Progress[Any, Any]) -> None:
    """Take the machine's steps until it is there, must wait, or fails."""
    awaited = one.awaited
    try:
        one.waits = _advance(run, one)
        one.done = one.waits is None
    except BfvError as error:
        one.fail(error, run)
        return
    if one.waits and one.awaited != awaited:
        run.journal.note(one.name, f"waits for {one.awaited}", 0 if one.waits.looks_at == VOLUMES else 1)
    elif one.done and one.way.requests:
        run.journal.note(one.name, one.want.state)


def _advance(run: Run, one: Progress[Any, Any]) -> Stage | None:
    """What the machine must wait for, or None where it is there."""
    try:
        while stage := _next_stage(run, one):
            for request in stage.plan.requests:
                run.check(request)
            steps = one.way.due(stage.plan)
            if any(isinstance(step, Request) for step in steps):
                run.brake.check(one.name)
            if not _take(run, one, steps) or stage.plan.waiting:
                return stage
    except BfvError as error:
        one.way.forgive(error)
        one.trouble = error
        # Its write met that of another run, or had no answer: one look at everything.
        return Stage(Plan(run.kind.NOUN, {}, {}, waiting=f"another look at the {run.kind.NOUN}"), EVERYTHING, is_anew=True)
    return None


def _next_stage(run: Run, one: Progress[Any, Any]) -> Stage | None:
    whole = run.kind.stages(one.want, one.found, one.way)
    one.way.learn(stage.plan for stage in whole)
    for stage in whole:
        one.result = {**stage.plan.result, **one.result}
    stages = (Stage(stage.plan.rest(one.way.requests), stage.looks_at) for stage in whole)
    return next((stage for stage in stages if not stage.plan.settled), None)


def _take(run: Run, one: Progress[Any, Any], steps: tuple[Step, ...]) -> bool:
    """Take the steps. Whether their answers told what is there now; if not, only another look does."""
    told = True
    for step in steps:
        if not isinstance(step, Request):
            take(run.cloud, step)
        else:
            told = run.is_to_send(step, one.name) and _send(run, one, step) and told
    return told


def _send(run: Run, one: Progress[Any, Any], request: Request) -> bool:
    answer: Mapping[str, Any] = one.way.send(run.cloud, request)
    run.journal.note(one.name, request.what, 1)
    seen = run.kind.absorb(one.found, request, answer)
    one.found = one.found if seen is None else seen
    return seen is not None
