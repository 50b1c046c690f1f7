# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When so many nodes have failed that the rest had better not be begun."""

from __future__ import annotations

import re
import threading
from math import ceil

from ..values.errors import BfvError, Invalid

_NUMBER = re.compile(r"([0-9]{1,9})(%?)")


class Brake:
    """Stops a run once ``limit`` nodes have failed; None never does. Safe for threads."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._failed = 0
        self._lock = threading.Lock()

    def count(self) -> None:
        """One more node has failed."""
        with self._lock:
            self._failed += 1

    def check(self, node: str) -> None:
        """Raise the reason why nothing more is begun with the node, if there is one."""
        if self._limit is not None and self._failed >= self._limit:
            failed = "1 node has failed" if self._failed == 1 else f"{self._failed} nodes have failed"
            raise Stopped(
                f"Failed to go on with node {node}: {failed}, and fail_after ends the run then. Repair that and run again."
            )


class Stopped(BfvError):
    """The node itself is sound: others failed."""


def limit(fail_after: str | None, nodes: int) -> int | None:
    """How many of the nodes must fail to stop the run: a number, or a percentage rounded up. Raises Invalid."""
    if fail_after is None:
        return None
    match = _NUMBER.fullmatch(fail_after.strip())
    number, percent = (int(match[1]), match[2]) if match else (0, "")
    if not number or (percent and number > 100):
        raise Invalid(
            f'Failed to read fail_after: "{fail_after}" is neither a number of nodes nor a percentage of them. Give 3 or 10%.'
        )
    return ceil(nodes * number / 100) if percent else number
