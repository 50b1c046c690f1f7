# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a volume is called where it is told in other words: Cinder's names are not unique. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .record import Volume


@dataclass(frozen=True)
class Volumes:
    """Volumes by their ids, and by all that they may be meant by."""

    by_id: Mapping[str, Volume] = field(default_factory=dict, repr=False)
    by_label: Mapping[str, tuple[Volume, ...]] = field(default_factory=dict, repr=False)

    def called(self, id: str) -> str:
        """A volume's name where that means it alone, and else its id."""
        name = self.by_id[id].name if id in self.by_id else ""
        return name if name and len(self.by_label[name]) == 1 else id


def named(volumes: Iterable[Volume]) -> Volumes:
    """These volumes."""
    by_id = {one.id: one for one in volumes}
    by_label: dict[str, tuple[Volume, ...]] = defaultdict(tuple)
    for one in by_id.values():
        for label in {one.id, one.name} - {""}:
            by_label[label] += (one,)
    return Volumes(by_id, dict(by_label))
