# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that boots from a volume.

The disk is the lasting part: it is made and named before the server, and the server is made, changed and replaced around it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan
from . import record, requests
from .change import plan_update
from .creation import plan_creation
from .found import Found, observe
from .outcome import report, result
from .removal import back, plan_absence
from .stage import Stage, foreseen
from .wanted import Wanted, wanted

__all__ = ["Found", "Wanted", "observe", "plan", "report", "result", "wanted"]


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the server is as wanted. ``made`` are the ids of what this run created. Pure. Raises Refused."""
    first = _first(want, found, made)
    try:
        return foreseen(first, lambda later: _stage(want, later, made))
    except Refused:
        if not first.undoes:
            raise
        return foreseen(replace(first, leads_to=None), lambda later: _stage(want, later, made))


def _first(want: Wanted, found: Found, made: Collection[str]) -> Stage:
    """The stage that is due. What is refused undoes first what an unfinished way has switched."""
    try:
        return _stage(want, found, made)
    except Refused:
        undone = back(want, found.servers[0], found) if len(found.servers) == 1 else None
        if undone is None:
            raise
        return undone


def _stage(want: Wanted, found: Found, made: Collection[str]) -> Stage:
    if len(found.servers) > 1 and made:
        return _plan_race(want, found, made)
    server = record.only(found.servers, want.label)
    if want.state == "absent":
        return plan_absence(want, server, found)
    if server is None:
        return plan_creation(want, found, made)
    return plan_update(want, server, found, made)


def _plan_race(want: Wanted, found: Found, made: Collection[str]) -> Stage:
    """Two runs have made a server of that name at once: every run takes the one that was made first, and removes its own."""
    oldest = found.servers[0]
    own = next((one for one in found.servers[1:] if one.id in made), None)
    rest = replace(found, servers=(oldest,))
    if own is None:
        return _stage(want, rest, made)
    view = record.described(own)
    waiting = f"server {own.name} ({own.id}), which another run made too, to be gone"
    if own.is_going:
        return Stage(Plan(f"server {want.label}", view, view, waiting=waiting))
    stays = dict.fromkeys(own.disks, False)
    fates = [requests.set_fate(own, disk, False) for disk, goes in own.disks.items() if goes]
    request = requests.delete(own, stays, permits.created(own.id, made), ", which another run has made too")
    return Stage(Plan(f"server {want.label}", view, record.described(oldest), (*fates, request), waiting), rest)
