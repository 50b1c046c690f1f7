# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another look at machines that wait, or at the end of a run: what it means for them where the look fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..cloud.errors import may_pass
from ..values.errors import BfvError
from .progress import Progress, Run

# How often a look is refused, and not only failed, before those whom it is for fail: a list breaks where a record of it goes just then.
_REFUSALS = 3

Look = Callable[[Run, list[Any]], None]


def at_waiting(run: Run, look: Look, ones: list[Any]) -> None:
    """Look at machines that wait. Where that fails they wait on, and know why."""
    if not ones:
        return
    try:
        look(run, ones)
    except BfvError as error:
        for one in ones:
            failed(run, one, error)
        return
    for one in ones:
        one.unseen, one.refusals = None, 0


def failed(run: Run, one: Progress[Any, Any], error: BfvError) -> None:
    """One of those that wait could not be looked at."""
    one.unseen, one.refusals = error, one.refusals + (not may_pass(error))
    if one.refusals >= _REFUSALS:
        one.fail(error, run)


def at_last(run: Run, looks: Iterable[tuple[Look, list[Any]]]) -> list[str]:
    """See what there is at the end of those that were changed.

    What was done stays done where that fails: the result then tells what was seen before, and why, in words.
    """
    warnings = []
    for look, seen in looks:
        try:
            look(run, seen)
        except BfvError as error:
            names = ", ".join(one.name for one in seen)
            warnings.append(f"What is told of {names} may be out of date: {error}")
    return warnings
