# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Rounds of waiting: how long between two looks, and when to give up."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_GROWTH = 1.4


class Rounds:
    """Pauses that grow from 0.5 s to 5 s until ``timeout`` seconds are over: quick for a fake node, gentle to a real cloud."""

    def __init__(
        self, timeout: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + timeout
        self._pause = _FIRST_PAUSE

    def pause(self) -> bool:
        """Sleep until the next look is due. False, at once, when the time is over."""
        left = self._end - self._clock()
        if left <= 0:
            return False
        self._sleep(min(self._pause, left))
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)
        return True
