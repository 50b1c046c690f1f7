# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another look at servers that wait: one list of servers, one of volumes, and all that there is of those whose wait is over."""

from __future__ import annotations

from dataclasses import replace

from ...cloud.shared_look import SharedLook
from ...resources.server import ports
from ...resources.server import record as server_record
from ...resources.volume import record as volume_record
from ...values.errors import BfvError
from .. import looks
from ..progress import Progress, Run
from ..stage import VOLUMES
from . import observe
from .observe import ServerFound
from .wanted import ServerWanted

ServerProgress = Progress[ServerWanted, ServerFound]


def look_again(run: Run, waiting: list[ServerProgress]) -> None:
    """See what has come of what the servers wait for. Those that cannot be looked at wait on, and know why.

    What Nova or Cinder is still at work on waits on. Of all others everything is read anew, since others may have been at work meanwhile.
    """
    look = SharedLook(run.cloud, in_bulk=len(waiting) > observe.FEW)
    rest = [one for one in waiting if not _is_on_the_way(look, one)]
    found = observe.observe(look, [one.want for one in rest])
    for one in rest:
        seen = found[one.name]
        if isinstance(seen, BfvError):
            looks.failed(run, one, seen)
        else:
            one.found, one.unseen, one.refusals = seen, None, 0


def _is_on_the_way(look: SharedLook, one: ServerProgress) -> bool:
    """Whether the server, or one of the volumes that it waits for, is known to be no further than it was. What cannot be read is not known."""
    if one.waits is None or one.waits.is_anew or one.unseen:
        return False
    try:
        if one.waits.looks_at == VOLUMES:
            return any(_is_being_made(look, each.id) for found in one.found.volumes.values() for each in found.volumes)
        return any(_is_at_work(look, each) for each in one.found.server.servers)
    except BfvError:
        return False


def _is_being_made(look: SharedLook, id: str) -> bool:
    return any(each.status in volume_record.ON_THE_WAY for each in volume_record.read(look, id=id))


def _is_at_work(look: SharedLook, was: server_record.Server) -> bool:
    """Nova is at work on it, or about to forget it, as when it was looked at before: only then the plan that waits for that still holds."""
    now = next((each for each in server_record.read(look, name=was.name) if each.id == was.id), None)
    return now is not None and (was.is_busy or was.is_going) and (now.status, now.task) == (was.status, was.task)


def look_at_last(run: Run, ones: list[ServerProgress]) -> list[str]:
    """See what there is of those that this run changed and did not see come to rest, and the ports of all that are sound."""
    unsettled = [one for one in ones if one.way.requests and (one.msg or one.waits)]
    sound = [one for one in ones if not one.msg]
    return looks.at_last(run, [(_look_at_everything, unsettled), (_look_at_ports, sound)])


def _look_at_everything(run: Run, ones: list[ServerProgress]) -> None:
    if not ones:
        return
    found = observe.read(run.cloud, [one.want for one in ones])
    errors = [seen for seen in found.values() if isinstance(seen, BfvError)]
    for one in ones:
        seen = found[one.name]
        if isinstance(seen, ServerFound):
            one.found = seen
    if errors:
        raise errors[0]


def _look_at_ports(run: Run, ones: list[ServerProgress]) -> None:
    there = {one.name: one.found.server.servers[0] for one in ones if one.found.server.servers}
    if not there:
        return
    views = ports.read_views(run.cloud, there.values())
    for one in ones:
        if one.name in there:
            one.found = replace(one.found, ports=tuple(views[there[one.name].id]))
