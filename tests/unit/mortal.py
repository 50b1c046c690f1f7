# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are broken off, and runs that get in each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, cycle
from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Way, take, timed_out
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json


class Killed(BaseException):
    """The run ends here, without a word."""


_LOOKS = 60  # after which a run that waits gives up


class Mortal(FakeCloud):
    """Breaks at one instant: before or after a write takes place, or, where it kills, while somebody waits."""

    instants = 0
    breaks_at = -1
    end: BaseException = Killed()

    def _instant(self) -> None:
        self.instants += 1
        if self.instants == self.breaks_at:
            raise self.end

    def send(self, request: Request) -> Json:
        self._instant()
        answer = super().send(request)
        self._instant()
        return answer

    def sleep(self, seconds: float) -> None:
        if isinstance(self.end, Killed):
            self._instant()
        super().sleep(seconds)


def one_run(cloud: FakeCloud, resource: Any, options: Json) -> Iterator[None]:
    """A run that can be held up before each look and before each write. Time goes on where it waits."""
    want = resource.wanted(options)
    way = Way()
    for _look in range(_LOOKS):
        yield
        plan: Plan = resource.plan(want, resource.observe(cloud, want), way.made).rest(way.requests)
        if plan.settled:
            return
        try:
            for step in way.due(plan):
                yield
                answer = take(cloud, step)  # type: ignore[arg-type]
                if isinstance(step, Request):
                    way.note(step, answer)
        except BfvError as error:
            way.forgive(error)
        cloud.tick()
    raise timed_out(plan.waiting, _LOOKS)


def at_once(cloud: FakeCloud, resource: Any, order: Iterable[int], *options: Json) -> list[str]:
    """Runs at once; ``order`` says whose turn it is, in turns from its end on. What those that fail say."""
    runs = [one_run(cloud, resource, one) for one in options]
    going, said = set(range(len(runs))), []
    for turn in chain(order, cycle(range(len(runs)))):
        if not going:
            return said
        if turn in going:
            try:
                next(runs[turn])
            except StopIteration:
                going.discard(turn)
            except BfvError as error:
                going.discard(turn)
                said.append(str(error))
    raise AssertionError("never here")
