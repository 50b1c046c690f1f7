# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When so many machines have failed that the rest had better not be begun."""

from __future__ import annotations

import re
import threading
from math import ceil

from ..values.errors import BfvError, Invalid

_NUMBER = re.compile(r"([0-9]{1,9})(%?)")


class Brake:
    """Stops a run once ``limit`` machines have failed; None never does. Safe for threads."""

    def __init__(self, limit: int | None, noun: str = "node") -> None:
        self._limit = limit
        self._noun = noun
        self._failed = 0
        self._lock = threading.Lock()

    def count(self) -> None:
        """One more has failed."""
        with self._lock:
            self._failed += 1

    def check(self, name: str) -> None:
        """Raise the reason why nothing more is begun with the machine of that name, if there is one."""
        if self._limit is not None and self._failed >= self._limit:
            failed = f"1 {self._noun} has failed" if self._failed == 1 else f"{self._failed} {self._noun}s have failed"
            raise Stopped(
                f"Failed to go on with {self._noun} {name}: {failed}, and fail_after ends the run then. Repair that and run again."
            )


class Stopped(BfvError):
    """The machine itself is sound: others failed."""


def limit(fail_after: str | None, total: int, noun: str = "node") -> int | None:
    """How many of all must fail to stop the run: a number, or a percentage rounded up. Raises Invalid."""
    if fail_after is None:
        return None
    match = _NUMBER.fullmatch(fail_after.strip())
    number, percent = (int(match[1]), match[2]) if match else (0, "")
    if not number or (percent and number > 100):
        raise Invalid(
            f'Failed to read fail_after: "{fail_after}" is neither a number of {noun}s nor a percentage of them. Give 3 or 10%.'
        )
    return ceil(total * number / 100) if percent else number
