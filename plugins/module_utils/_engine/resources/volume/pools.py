# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pools of Cinder's backends, and whether a new volume finds room in them, by the rule of Cinder's scheduler. Only an admin sees them.

The rule is that of cinder/scheduler/filters/capacity_filter.py with calculate_capacity_factors of cinder/scheduler/sched_utils.py, and of several
pools the one with the most room is taken (weights/capacity.py). What the scheduler asks beside that is not known from here, and stands in
nobody's way: a volume is refused only where no pool that may be its backend has room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected

_UNBOUNDED = ("infinite", "unknown")
_AUTO = 20.0  # INITIAL_AUTO_MOSR of sched_utils.py, and the default of max_over_subscription_ratio as well


@dataclass(frozen=True)
class Pool:
    """A pool, as its backend reported it last. Sizes are in GiB; ``total`` and ``free`` are None where they have no bound."""

    name: str
    backend: str
    total: float | None
    free: float | None
    provisioned: float = 0
    reserved: float = 0  # per cent of the total
    over_subscription: float | None = None  # how many times its size may be promised; None where it is not thin

    def room(self, *, thick: bool = False) -> float:
        """How many GiB a new volume may have; ``thick`` where its type demands real space."""
        if self.free is None:
            return math.inf
        if self.total is None:
            return 0 if self.reserved else math.inf
        usable = self.total - math.floor(self.total * self.reserved / 100)
        if self.over_subscription is None or thick:
            return round(min(self.free, usable - self.provisioned), 2)
        return round(usable * self.over_subscription - self.provisioned, 2) if self.over_subscription >= 1 else 0

    def holding(self, size: int) -> Pool:
        """The pool with a volume of that size more (PoolState.consume_from_volume of cinder/scheduler/host_manager.py)."""
        return replace(self, free=None if self.free is None else self.free - size, provisioned=self.provisioned + size)


def read(cloud: Cloud) -> tuple[Pool, ...] | None:
    """The pools of all backends that run: one request. None for a user who may not see them."""
    try:
        listed = cloud.block_storage.read("/scheduler-stats/get_pools", "read Cinder's pools", detail="true")["pools"]
    except Rejected as error:
        if error.status not in (403, 404):
            raise
        return None
    return tuple(_pool(one["name"], one["capabilities"]) for one in listed if one.get("capabilities"))


def _pool(name: str, seen: Mapping[str, Any]) -> Pool:
    total, free = _size(seen.get("total_capacity_gb", 0)), _size(seen.get("free_capacity_gb", 0))
    provisioned = float(seen.get("provisioned_capacity_gb", seen.get("allocated_capacity_gb", 0)))
    ratio = _ratio(seen, total, free, provisioned) if seen.get("thin_provisioning_support") else None
    reserved = float(seen.get("reserved_percentage", 0))
    return Pool(name, seen.get("volume_backend_name") or "", total, free, provisioned, reserved, ratio)


def _size(told: Any) -> float | None:
    return None if told in _UNBOUNDED else float(told or 0)


def _ratio(seen: Mapping[str, Any], total: float | None, free: float | None, provisioned: float) -> float:
    """calculate_max_over_subscription_ratio of cinder/scheduler/sched_utils.py."""
    told = seen.get("max_over_subscription_ratio") or _AUTO
    if told != "auto":
        return float(told)
    return 1 + provisioned / (total - free + 1) if provisioned and total is not None and free is not None else _AUTO


def candidates(pools: Iterable[Pool], backend: str | None) -> list[Pool]:
    """The pools that a type may be served by: those of its backend, or all where it names none."""
    return [one for one in pools if backend in (None, one.backend)]


def most_room(pools: Iterable[Pool], *, thick: bool) -> Pool:
    """The pool that the scheduler takes."""
    return max(pools, key=lambda one: one.room(thick=thick))


def told(pool: Pool, *, thick: bool) -> str:
    """A pool and its room, in words."""
    room = pool.room(thick=thick)
    return f"{pool.name}: {'no bound' if room == math.inf else f'{max(math.floor(room), 0)} GiB'}"
