# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References: a person names a thing by its name or by its id. Here alone is said which thing that means.

A service's own filter is a help, not an answer: MariaDB compares names without case, and a cloud may drop a filter that its
policy does not know. So every answer is compared again, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


def means(reference: str | None, id: str | None, name: str | None) -> bool:
    """Whether a name or id means the thing of this id and name. No reference means nothing, and an unknown thing is not meant."""
    return reference is not None and reference in (id, name)


def matching(reference: str, things: Iterable[Thing], of: Callable[[Thing], tuple[str | None, str | None]]) -> list[Thing]:
    """The things that a reference may mean, each once: the one of that id, or else all of that name. ``of`` tells the id and name."""
    by_id: dict[str | None, Thing] = {of(thing)[0]: thing for thing in things}
    if reference in by_id:
        return [by_id[reference]]
    return [thing for thing in by_id.values() if of(thing)[1] == reference]
