# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the project may have of snapshots. Looked at before anything is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ...cloud.connection import Cloud
from ...values.errors import refuse
from ..volume import quota
from ..volume.record import Volume


@dataclass(frozen=True)
class Room:
    """What is left of the project's quota, by Cinder's words: ``snapshots``, and with a type's name behind; ``gigabytes`` too.

    What has no limit is not in it.
    """

    left: Mapping[str, int] = field(default_factory=dict)


def read(cloud: Cloud) -> Room:
    """The quota, or what the project's limits tell of it where a user may not see it."""
    return Room(quota.read(cloud))


def check(volumes: Collection[Volume], room: Room, what: str) -> None:
    """Refuse more snapshots than the project may have (cinder/volume/api.py, create_snapshot_in_db). Raises Refused."""
    refuse(what, _obstacles(volumes, room))


def _obstacles(volumes: Collection[Volume], room: Room) -> Iterator[str]:
    needed = Counter({"snapshots": len(volumes)})
    needed.update(f"snapshots_{one.volume_type}" for one in volumes)
    for key, count in needed.items():
        left = max(room.left.get(key, count), 0)
        if count > left:
            of = f" of type {key.partition('_')[2]}" if "_" in key else ""
            yield f"of the project's quota {left} snapshots{of} are left, and {count} are needed. Raise the quota or remove some."


def doubts(volumes: Collection[Volume], room: Room) -> list[str]:
    """What may be too little: whether Cinder counts the size of snapshots, it does not tell (no_snapshot_gb_quota of cinder.conf)."""
    size, left = sum(one.size for one in volumes), room.left.get("gigabytes")
    if left is None or size <= left:
        return []
    return [
        f"its snapshots have {size} GiB, and {max(left, 0)} GiB of the project's quota are left: where Cinder counts snapshots, it refuses them"
    ]
