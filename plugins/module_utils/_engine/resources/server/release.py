# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that are still reserved for a server that never came about, before another one takes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...values.plan import Plan
from ..volume.record import Volume
from . import holds
from .found import Found
from .stage import Stage


def plan_release(subject: str, view: Mapping[str, object], volumes: Iterable[Volume], found: Found, what: str) -> Stage | None:
    """The stage that frees the first of the volumes that is so reserved. Raises Refused where it is reserved for somebody else."""
    held = {one.volume for one in found.holds}
    volume = next((one for one in volumes if one.status == "reserved" and one.id in held), None)
    if volume is None:
        return None
    steps, waiting = holds.let_go(volume, found.holds, what), f"volume {volume.name or volume.id} to be released"
    if steps is None:
        later = replace(found, holds=tuple(replace(one, in_doubt=False) for one in found.holds))
        return Stage(Plan(subject, view, view, waiting=waiting), later)
    return Stage(Plan(subject, view, view, tuple(steps), waiting), without_hold(volume, found))


def without_hold(volume: Volume, found: Found) -> Found:
    """What will be found when the volume is free."""

    def freed(ones: Iterable[Volume]) -> tuple[Volume, ...]:
        return tuple(replace(one, status="available", attached_to=()) if one.id == volume.id else one for one in ones)

    return replace(
        found,
        boot=replace(found.boot, volumes=freed(found.boot.volumes)),
        noted=freed(found.noted),
        disks={name: freed(ones) for name, ones in found.disks.items()},
        holds=tuple(one for one in found.holds if one.volume != volume.id),
    )
