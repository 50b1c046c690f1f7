# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Another look at servers that wait: out of one list of servers and one of volumes."""

from __future__ import annotations

from dataclasses import replace

from ...resources.server import ports
from ...values.errors import BfvError
from .. import looks
from ..progress import Progress, Run
from . import observe
from .observe import ServerFound
from .wanted import ServerWanted

ServerProgress = Progress[ServerWanted, ServerFound]


def look_again(run: Run, waiting: list[ServerProgress]) -> None:
    """See what has come of what the servers wait for. Those that cannot be looked at wait on, and know why."""
    found = observe.observe(run.cloud, [one.want for one in waiting])
    for one in waiting:
        seen = found[one.name]
        if isinstance(seen, BfvError):
            looks.failed(run, one, seen)
        else:
            one.found, one.unseen, one.refusals = seen, None, 0


def look_at_last(run: Run, ones: list[ServerProgress]) -> list[str]:
    """See what there is of those that this run changed and did not see come to rest, and the ports of all that are sound."""
    unsettled = [one for one in ones if one.way.requests and (one.msg or one.waits)]
    sound = [one for one in ones if not one.msg]
    return looks.at_last(run, [(_look_at_everything, unsettled), (_look_at_ports, sound)])


def _look_at_everything(run: Run, ones: list[ServerProgress]) -> None:
    if not ones:
        return
    found = observe.observe(run.cloud, [one.want for one in ones])
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
