# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connectors and targets of nodes, as Ironic lists them."""

from __future__ import annotations

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...cloud.service import Json
from ...values.paths import path_of

CONNECTORS, TARGETS = "connectors", "targets"
_TRIES = 3


def read(cloud: Cloud, kind: str, what: str, **query: object) -> list[Json]:
    """The records of a kind, of all nodes or of one. ``what`` ends the words "Failed to".

    Ironic looks up the node of each record, and answers 404 to the whole list where one is deleted just then: it is asked again.
    """
    for left in reversed(range(_TRIES)):
        try:
            return list(cloud.baremetal.list(path_of("volume", kind), kind, what, **query))
        except Rejected as error:
            if error.status != 404 or not left:
                raise
    return []
