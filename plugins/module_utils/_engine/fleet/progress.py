# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node of a fleet on its way: stage by stage until it is there, must wait, or fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..cloud.connection import Cloud
from ..resources.node import deployment
from ..resources.settle import Way, take
from ..values.errors import BfvError
from ..values.plan import Plan, Request, Step
from .brake import Brake, Stopped
from .journal import Journal
from .nodes import drift, observe, plan, takeover
from .nodes.observe import NodeFound
from .nodes.outcome import Outcome
from .nodes.wanted import NodeWanted
from .stage import EVERYTHING, VOLUMES, Stage

# What a node waits for when its write met that of another run, or had no answer: one look at everything.
_ANEW = Stage(Plan("the node", {}, {}, waiting="another look at the node"), EVERYTHING)


@dataclass
class Run:
    """What the nodes of one run share."""

    cloud: Cloud
    journal: Journal
    brake: Brake
    # Writes that serve many nodes, by their words: which node sends them, and why it failed if it did.
    senders: dict[str, str] = field(default_factory=dict)
    failures: dict[str, BfvError] = field(default_factory=dict)  # by node
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_sender(self, request: Request, node: str) -> bool:
        """Whether it is up to this node to send a write that serves many."""
        with self.lock:
            return self.senders.setdefault(request.what, node) == node

    def check(self, request: Request) -> None:
        """Raise what the sender of a write met that serves many nodes, and is still wanting."""
        failure = self.failures.get(self.senders.get(request.what, "")) if request.common else None
        if failure:
            raise failure


@dataclass
class Progress:
    """One node on its way."""

    want: NodeWanted
    found: NodeFound
    plan: Plan  # the whole way, as it was before the first step
    msg: str = ""
    done: bool = False
    waits: Stage | None = None
    way: Way = field(default_factory=Way)
    trouble: BfvError | None = None  # the last error that was forgiven
    unseen: BfvError | None = None  # why the last look at it failed
    refusals: int = 0  # how many looks in a row were refused for good

    @property
    def started(self) -> bool:
        """Whether this run has begun a deployment or undeployment."""
        return any(map(deployment.is_start, self.way.requests))

    @property
    def late(self) -> BfvError | None:
        """Why the node has come no further than this, where it is an error and not only slow."""
        return self.unseen or (self.trouble if self.looks_anew else None)

    @property
    def awaited(self) -> str:
        """What the node waits for, in words."""
        return (self.waits.plan.waiting or self.waits.plan.subject) if self.waits else ""

    def fail(self, error: BfvError, run: Run) -> None:
        """The node comes no further."""
        self.msg = str(error)
        run.failures[self.want.node] = error
        if not isinstance(error, Stopped):
            run.brake.count()
        run.journal.note(self.want.node, self.msg)

    @property
    def looks_anew(self) -> bool:
        """Whether an error was forgiven, so that only another look tells whether it was one."""
        return self.waits is _ANEW

    def outcome(self) -> Outcome:
        differs = tuple(drift.left(self.want, self.found))
        return Outcome(self.want.node, self.msg, tuple(self.way.actions), self.plan, self.found, differs=differs)


def advance(run: Run, one: Progress) -> None:
    """Take the node's steps until it is there, must wait, or fails."""
    awaited = one.awaited
    try:
        one.waits = _advance(run, one)
        one.done = one.waits is None
    except BfvError as error:
        one.fail(error, run)
        return
    if one.waits and one.awaited != awaited:
        run.journal.note(one.want.node, f"waits for {one.awaited}", 0 if one.waits.looks_at == VOLUMES else 1)
    elif one.done and one.way.requests:
        run.journal.note(one.want.node, one.want.state)


def _advance(run: Run, one: Progress) -> Stage | None:
    """What the node must wait for, or None where it is there."""
    try:
        while stage := _next_stage(one):
            for request in stage.plan.requests:
                run.check(request)
            steps = one.way.due(stage.plan)
            if any(isinstance(step, Request) for step in steps):
                run.brake.check(one.want.node)
            if not _take(run, one, steps) or stage.plan.waiting:
                return stage
    except BfvError as error:
        one.way.forgive(error)
        one.trouble = error
        return _ANEW
    return None


def _next_stage(one: Progress) -> Stage | None:
    if one.started:
        deployment.check_landed(one.found.node)
    takeover.check_fenced(one.found, one.way.requests)
    whole = plan.plan(one.want, one.found, one.way.made)
    one.way.learn(stage.plan for stage in whole)
    stages = (Stage(stage.plan.rest(one.way.requests), stage.looks_at) for stage in whole)
    return next((stage for stage in stages if not stage.plan.settled), None)


def _take(run: Run, one: Progress, steps: tuple[Step, ...]) -> bool:
    """Take the steps. Whether their answers told what is there now; if not, only another look does."""
    told = True
    for step in steps:
        if not isinstance(step, Request):
            take(run.cloud, step)
        elif not step.common or run.is_sender(step, one.want.node):
            told = _send(run, one, step) and told
    return told


def _send(run: Run, one: Progress, request: Request) -> bool:
    answer = one.way.send(run.cloud, request)
    run.journal.note(one.want.node, request.what, 1)
    seen = observe.absorb(one.found, request, answer)
    one.found = seen or one.found
    return seen is not None
