# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long between two looks, or two tries of one request, and when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_GROWTH = 1.4
_LONGEST_BETWEEN_TRIES = 16.0


def pause(seconds: float) -> None:
    """Let the seconds go by."""
    time.sleep(seconds)


class Rounds:
    """Pauses that grow from 0.5 s to 5 s until ``timeout`` seconds are over: quick for a fake node, gentle to a real cloud."""

    def __init__(
        self, timeout: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + timeout
        self._pause = _FIRST_PAUSE
        self._look = 0.0  # seconds that the last look took

    def look(self, ask: Callable[[], None]) -> None:
        """Take a look, and see how long it takes."""
        started = self._clock()
        ask()
        self._look = self._clock() - started

    def anew(self) -> None:
        """Something has moved: the next look is due soon, though no sooner than half of the time would be spent on looks."""
        self._pause = min(max(_FIRST_PAUSE, self._look), _LONGEST_PAUSE)

    def pause(self) -> bool:
        """Sleep until the next look is due. False, at once, when the time is over."""
        left = self._end - self._clock()
        if left <= 0:
            return False
        self._sleep(min(self._pause, left))
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)
        return True


class Pauses:
    """Pauses between the tries of one request: each twice as long as the one before, with jitter so that a fleet's tries spread.

    There are ``most`` of them, and they end within ``seconds``. Where the service says when to come again, that counts instead.
    """

    def __init__(self, seconds: float, most: int, first: float = _FIRST_PAUSE) -> None:
        self.taken = 0
        self._end = time.monotonic() + seconds
        self._most = most
        self._first = first

    def pause(self, asked: float | None = None) -> bool:
        """Sleep until the next try is due. False, at once, where there is none. ``asked`` are the seconds that the service wants."""
        if self.taken >= self._most:
            return False
        due = min(self._first * 2**self.taken, _LONGEST_BETWEEN_TRIES)
        due = asked + random.uniform(0.0, due) if asked else due * random.uniform(0.5, 1.0)
        if time.monotonic() + due >= self._end:
            return False
        self.taken += 1
        time.sleep(due)
        return True
