# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's exceptions: each carries one line that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable


class BfvError(Exception):
    """What failed, on which object, why, and what to do next: in one line."""


class Invalid(BfvError):
    """A value that was given is malformed. Raised before the cloud is asked."""


class Refused(BfvError):
    """A rule says no, and nothing was changed."""


class Unusable(Refused):
    """A source of which nothing new can be made. ``ids`` are those that it may mean: what was made of one of them is as it is wanted."""

    def __init__(self, what: str, why: str, advice: str, ids: Iterable[str] = ()) -> None:
        self.why = why
        self.ids = frozenset(ids)
        super().__init__(f"Failed to {what}: {why}. {advice}")


def refuse(what: str, obstacles: Iterable[str]) -> None:
    """Raise the first obstacle, if there is one. ``what`` ends the words "Failed to"."""
    for obstacle in obstacles:
        raise Refused(f"Failed to {what}: {obstacle}")
