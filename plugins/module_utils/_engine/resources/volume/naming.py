# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a volume is called where it is told in other words: Cinder's names are not unique. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .record import Volume


def own_names(volumes: Iterable[Volume]) -> dict[str, str]:
    """The names that mean one volume alone, by its id."""
    volumes = tuple(volumes)
    times = Counter(one.name for one in volumes) + Counter(one.id for one in volumes)
    return {one.id: one.name for one in volumes if one.name and times[one.name] == 1}
