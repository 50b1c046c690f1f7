# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a volume is to be made of one that the same run makes anew: of which of the two it would be, nobody says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..resources.volume import plan as volume
from ..resources.volume import recreation
from ..values.errors import Refused
from .room import Around


def refusals(around: Mapping[str, Iterable[Around]], noun: str) -> dict[str, Refused]:
    """Of these machines, each with its volumes, those that are not begun: the one with the old volume as well as the one with its copy."""
    ones = [(name, want, found) for name, beside in around.items() for want, found in beside]
    anew = [(name, want, found) for name, want, found in ones if volume.is_recreated(want, found)]
    refused = {}
    for name, want, found in ones:
        source = found.source
        if source is None or source.kind == "image" or (found.volumes and not volume.is_recreated(want, found)):
            continue  # an image goes with no volume
        for other, old, there in anew:
            if old is not want and any(recreation.goes_with(source, one, there.snapshots) for one in there.volumes):
                why = (
                    f"volume {want.label} of {name} is to be made of {source.kind} {source.name} ({source.id}), "
                    f"and volume {old.label} of {other} is to be made anew, with which that goes. Make the copy in a run before."
                )
                refused.update({each: Refused(f"Failed to set up {noun} {each}: {why}") for each in (name, other)})
    return refused
