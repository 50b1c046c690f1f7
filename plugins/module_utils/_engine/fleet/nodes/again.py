# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another look at nodes that wait: one list request for all that wait on Ironic, one for all that wait on Cinder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...cloud.errors import may_pass
from ...resources.node import deployment, instance
from ...resources.node import record as node
from ...values.errors import BfvError, Refused
from ..progress import Progress, Run
from ..stage import EVERYTHING, NODES, RELEASED, VOLUMES
from . import observe

# How often a look is refused, and not only failed, before those whom it is for fail: a list breaks where a record of it goes just then.
_REFUSALS = 3

Look = Callable[[Run, list[Progress]], None]


def look_again(run: Run, waiting: list[Progress]) -> None:
    """See what has come of what the nodes wait for. Those that cannot be looked at wait on, and know why."""

    def looking_at(*kinds: str) -> list[Progress]:
        return [one for one in waiting if not one.msg and one.waits and one.waits.looks_at in kinds]

    _try(run, _look_at_nodes, looking_at(NODES, RELEASED))
    released = [one for one in looking_at(RELEASED) if not one.unseen and not deployment.is_on_the_way(one.found.node)]
    _try(run, _look_at_volumes, looking_at(VOLUMES))
    _try(run, _look_at_everything, looking_at(EVERYTHING) + released)


def _try(run: Run, look: Look, ones: list[Progress]) -> None:
    if not ones:
        return
    try:
        look(run, ones)
    except BfvError as error:
        for one in ones:
            one.unseen, one.refusals = error, one.refusals + (not may_pass(error))
            if one.refusals >= _REFUSALS:
                one.fail(error, run)
        return
    for one in ones:
        one.unseen, one.refusals = None, 0


def look_at_last(run: Run, ones: list[Progress]) -> list[str]:
    """See what there is at the end of those that were changed: their volumes and where these are, and all of those that failed.

    What was done stays done where that fails: the result then tells what was seen before, and why, in words.
    """
    changed = [one for one in ones if one.way.requests]
    sound = [one for one in changed if not one.msg]
    boots = [one for one in sound if one.started and one.found.node.storage_interface == "cinder"]
    looks: list[tuple[Look, list[Progress]]] = [
        (_look_at_everything, [one for one in changed if one.msg]),
        (_look_at_volumes, sound),
        (_look_at_targets, boots),
    ]
    warnings = []
    for look, seen in looks:
        try:
            look(run, seen)
        except BfvError as error:
            names = ", ".join(one.want.node for one in seen)
            warnings.append(f"What is told of {names} may be out of date: {error}")
    return warnings


def _look_at_nodes(run: Run, ones: list[Progress]) -> None:
    nodes = observe.read_nodes(run.cloud, [one.found.node.uuid for one in ones])
    for one in ones:
        was = one.found.node
        # A list may miss one while others go.
        now = nodes.get(was.uuid) or node.find(run.cloud, was.uuid)
        if now is None:
            one.fail(_gone(one), run)
            continue
        now = instance.seen_again(was, now)
        one.found = replace(one.found, node=now)
        if now.provision_state != was.provision_state:
            run.journal.note(one.want.node, now.provision_state, 0 if deployment.is_on_the_way(now) else 1)


def _gone(one: Progress) -> BfvError:
    return BfvError(
        f"Failed to go on with node {one.want.node}: it is gone, Ironic shows it no more. Somebody has deleted it meanwhile: "
        "take it out of nodes, or enroll it again."
    )


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
    if not ones:
        return
    targets = observe.read_targets(run.cloud, [one.found.node.uuid for one in ones])
    for one in ones:
        one.found = replace(one.found, targets=tuple(targets[one.found.node.uuid]))


def _look_at_everything(run: Run, ones: list[Progress]) -> None:
    if not ones:
        return
    found = observe.observe(run.cloud, [one.want for one in ones])
    for one in ones:
        seen = found[one.want.node]
        if not isinstance(seen, Refused):
            one.found = seen
        elif not one.msg:
            one.fail(_gone(one), run)
