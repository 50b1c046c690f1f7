# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another look at nodes that wait: one list request for all that wait on Ironic, one for all that wait on Cinder."""

from __future__ import annotations

from dataclasses import replace

from ...resources.node import deployment, instance
from ...resources.node import record as node
from ...values.errors import BfvError, Refused
from .. import looks
from ..progress import Progress, Run
from ..stage import EVERYTHING, OWN, RELEASED, VOLUMES
from . import lists, observe
from .observe import NodeFound
from .plan import is_started
from .wanted import NodeWanted

NodeProgress = Progress[NodeWanted, NodeFound]


def look_again(run: Run, waiting: list[NodeProgress]) -> None:
    """See what has come of what the nodes wait for. Those that cannot be looked at wait on, and know why."""

    def looking_at(*kinds: str) -> list[NodeProgress]:
        return [one for one in waiting if not one.msg and one.waits and one.waits.looks_at in kinds]

    looks.at_waiting(run, _look_at_nodes, looking_at(OWN, RELEASED))
    released = [one for one in looking_at(RELEASED) if not one.unseen and not deployment.is_on_the_way(one.found.node)]
    looks.at_waiting(run, _look_at_volumes, looking_at(VOLUMES))
    looks.at_waiting(run, _look_at_everything, looking_at(EVERYTHING) + released)


def look_at_last(run: Run, ones: list[NodeProgress]) -> list[str]:
    """See what there is at the end of those that were changed: their volumes and where these are, and all of those that failed."""
    changed = [one for one in ones if one.way.requests]
    sound = [one for one in changed if not one.msg]
    boots = [one for one in sound if is_started(one.way) and one.found.node.storage_interface == "cinder"]
    at: list[tuple[looks.Look, list[NodeProgress]]] = [
        (_look_at_everything, [one for one in changed if one.msg]),
        (_look_at_volumes, sound),
        (_look_at_targets, boots),
    ]
    return looks.at_last(run, at)


def _look_at_nodes(run: Run, ones: list[NodeProgress]) -> None:
    nodes = lists.read_nodes(run.cloud, [one.found.node.uuid for one in ones])
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
            run.journal.note(one.name, now.provision_state, 0 if deployment.is_on_the_way(now) else 1)


def _gone(one: NodeProgress) -> BfvError:
    return BfvError(
        f"Failed to go on with node {one.name}: it is gone, Ironic shows it no more. Somebody has deleted it meanwhile: "
        "take it out of nodes, or enroll it again."
    )


def _look_at_volumes(run: Run, ones: list[NodeProgress]) -> None:
    if not ones:
        return
    sources = {name: source for one in ones for name, source in one.found.sources.items()}
    volumes, golden = observe.read_volumes(run.cloud, [one.want for one in ones], sources)
    for one in ones:
        own = {label: volumes.get(label, ()) for label in observe.labels(one.want)}
        one.found = replace(one.found, volumes=own, golden=golden)


def _look_at_targets(run: Run, ones: list[NodeProgress]) -> None:
    """Where the storage interface is cinder, Ironic writes the volume's address into the target when it attaches it."""
    if not ones:
        return
    targets = lists.read_targets(run.cloud, [one.found.node.uuid for one in ones])
    for one in ones:
        one.found = replace(one.found, targets=tuple(targets[one.found.node.uuid]))


def _look_at_everything(run: Run, ones: list[NodeProgress]) -> None:
    if not ones:
        return
    found = observe.observe(run.cloud, [one.want for one in ones])
    for one in ones:
        seen = found[one.name]
        if not isinstance(seen, Refused):
            one.found = seen
        elif not one.msg:
            one.fail(_gone(one), run)
