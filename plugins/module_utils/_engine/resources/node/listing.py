# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connectors and targets of nodes, as Ironic lists them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import TypeVar

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...cloud.service import Json, short
from ...values.paths import path_of

CONNECTORS, TARGETS = "connectors", "targets"
_TRIES = 10

Records = TypeVar("Records", list[Json], "list[Json] | None")


def read(cloud: Cloud, kind: str, what: str, *, unless: Callable[[], bool] = lambda: False, **query: object) -> list[Json]:
    """The records of a kind, of all nodes or of one. ``what`` ends the words "Failed to". No further page is asked for once ``unless`` is true."""
    return _again(
        lambda: [*takewhile(lambda _record: not unless(), cloud.baremetal.list(path_of("volume", kind), kind, what, **query))]
    )


def read_short(cloud: Cloud, kind: str, what: str, below: int, **query: object) -> list[Json] | None:
    """The records of all nodes where those are fewer than so many, else None."""
    return _again(lambda: short(cloud.baremetal, path_of("volume", kind), kind, what, below, **query))


def _again(look: Callable[[], Records]) -> Records:
    """Ironic looks up the node of each record, and answers 404 to the whole list where one is deleted just then: it is asked again."""
    for _try in range(_TRIES - 1):
        try:
            return look()
        except Rejected as error:
            if error.status != 404:
                raise
    return look()
