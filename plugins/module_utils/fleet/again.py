# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Another look at nodes that wait: one list request for all that wait on Ironic, one for all that wait on Cinder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..resources import deployment
from ..values.errors import BfvError, Refused
from . import observe, plan
from .progress import Progress, Run


def look_again(run: Run, waiting: list[Progress]) -> None:
    """See what has come of what the nodes wait for. Raises BfvError."""

    def looking_at(*kinds: str) -> list[Progress]:
        return [one for one in waiting if one.waits and one.waits.looks_at in kinds]

    _look_at_nodes(run, looking_at(plan.NODES, plan.RELEASED))
    released = [one for one in looking_at(plan.RELEASED) if not deployment.is_on_the_way(one.found.node)]
    _look_at_volumes(run, looking_at(plan.VOLUMES))
    _look_at_everything(run, looking_at(plan.EVERYTHING) + released)


def look_at_last(run: Run, ones: list[Progress]) -> None:
    """See what there is at the end of those that were changed: their volumes and where these are, and all of those that failed."""
    changed = [one for one in ones if one.actions]
    sound = [one for one in changed if not one.msg]
    _try(run, _look_at_everything, [one for one in changed if one.msg])
    _try(run, _look_at_volumes, sound)
    _try(run, _look_at_targets, [one for one in sound if one.started and one.found.node.storage_interface == "cinder"])


def _try(run: Run, look: Callable[[Run, list[Progress]], None], ones: list[Progress]) -> None:
    if not ones:
        return
    try:
        look(run, ones)
    except BfvError as error:
        for one in ones:
            if not one.msg:
                one.fail(error, run)


def _look_at_nodes(run: Run, ones: list[Progress]) -> None:
    if not ones:
        return
    nodes = observe.read_nodes(run.cloud, [one.found.node.uuid for one in ones])
    for one in ones:
        was, now = one.found.node, nodes.get(one.found.node.uuid, one.found.node)
        one.found = replace(one.found, node=now)
        if now.provision_state != was.provision_state:
            run.journal.note(one.want.node, now.provision_state, 0 if deployment.is_on_the_way(now) else 1)


def _look_at_volumes(run: Run, ones: list[Progress]) -> None:
    if not ones:
        return
    sources = {name: source for one in ones for name, source in one.found.sources.items()}
    volumes, golden = observe.read_volumes(run.cloud, [one.want for one in ones], sources)
    for one in ones:
        own = {label: volumes.get(label, ()) for label in observe.labels(one.want)}
        one.found = replace(one.found, volumes=own, golden=golden)


def _look_at_targets(run: Run, ones: list[Progress]) -> None:
    """Where the storage interface is cinder, Ironic writes the volume's address into the target when it attaches it."""
    targets = observe.read_targets(run.cloud, [one.found.node.uuid for one in ones])
    for one in ones:
        one.found = replace(one.found, targets=tuple(targets[one.found.node.uuid]))


def _look_at_everything(run: Run, ones: list[Progress]) -> None:
    if not ones:
        return
    found = observe.observe(run.cloud, [one.want for one in ones])
    for one in ones:
        seen = found[one.want.node]
        one.found = one.found if isinstance(seen, Refused) else seen
