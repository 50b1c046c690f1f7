# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a node's way, and what is read again while it waits in one of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..values.plan import Plan

# What is read again while a node waits.
NODES, VOLUMES = "nodes", "volumes"
RELEASED = "released"  # the node, and all that is its own when it has come to rest: undeployed, it loses targets and volumes
EVERYTHING = "everything"


@dataclass(frozen=True)
class Stage:
    """A part of the way. The first stage that is not settled is taken; ``looks_at`` is what is read again while it waits."""

    plan: Plan
    looks_at: str = NODES
