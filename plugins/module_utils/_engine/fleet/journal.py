# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to which machine and when: told as it happens, and kept for the result."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# Gets a line and its verbosity: 0 is always shown, 1 with -v, 2 with -vv.
Tell = Callable[[str, int], None]


@dataclass(frozen=True)
class Entry:
    """``at`` is in seconds since the run began."""

    at: float
    what: str


class Journal:
    """The journal of one run. Safe for threads: one line is told at a time."""

    def __init__(self, state: str, total: int, tell: Tell | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._total = total
        self._tell = tell
        self._clock = clock
        self._began = clock()
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._counts: tuple[int, int, int] | None = None
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """How long the run has taken by now."""
        return round(self._clock() - self._began, 3)

    def note(self, name: str, what: str, verbosity: int = 0) -> None:
        """Something happened to a machine."""
        with self._lock:
            self._entries[name].append(Entry(self.seconds, what))
            self._say(f"{name}: {what}", verbosity)

    def summarize(self, done: int, failed: int) -> None:
        """How far the run has come; told where that has changed."""
        counts = done, failed, self._total - done - failed
        with self._lock:
            if counts != self._counts:
                self._counts = counts
                self._say(
                    f"{self._state} {done}/{self._total}, {failed} failed, {counts[2]} waiting, {_minutes(self.seconds)}", 0
                )

    def tell_all(self, lines: Iterable[str]) -> None:
        """What concerns the whole run and no machine: told to those who want to know much."""
        with self._lock:
            for line in lines:
                self._say(line, 2)

    def of(self, name: str) -> tuple[Entry, ...]:
        """What happened to the machine, in order."""
        return tuple(self._entries.get(name, ()))

    def _say(self, line: str, verbosity: int) -> None:
        if self._tell:
            self._tell(line, verbosity)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
