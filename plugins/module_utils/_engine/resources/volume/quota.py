# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of a project's quota of Cinder: one request, or the project's limits for a user who may not see the quota."""

from __future__ import annotations

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...cloud.service import Json
from ...values.paths import path_of

LARGEST = "per_volume_gigabytes"  # of one volume: nothing of it is used up
# What the limits call that of which a part is used (cinder/api/views/limits.py and contrib/used_limits.py).
_LIMITS = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    "snapshots": ("maxTotalSnapshots", "totalSnapshotsUsed"),
}


def read(cloud: Cloud) -> dict[str, int]:
    """What is left, by Cinder's words: volumes, gigabytes and snapshots, and each of a type with its name behind. What has no limit is not in it."""
    path = path_of("os-quota-sets", cloud.project)
    try:
        quota = cloud.block_storage.read(path, "read the project's quota", usage=True)["quota_set"]
    except Rejected as error:
        if error.status != 403:
            raise
        return _of_limits(cloud.block_storage.read("/limits", "read the project's limits")["limits"]["absolute"])
    limited = {key: one for key, one in quota.items() if isinstance(one, dict) and one["limit"] >= 0}
    return {key: one["limit"] - one["in_use"] - one["reserved"] for key, one in limited.items()}


def _of_limits(seen: Json) -> dict[str, int]:
    """The same without the types, of which the limits tell nothing."""
    return {key: seen[most] - seen[used] for key, (most, used) in _LIMITS.items() if seen[most] >= 0}
