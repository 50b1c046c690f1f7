# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for something to come true, and never longer than that takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(what: str, look: Callable[[], Value], timeout: float = 60) -> Value:
    """Look until there is something true to see, and give it back. Fails with ``what`` after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(0.1)
    return seen
