# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Many nodes at once: observe in bulk, plan each, take the steps in parallel, wait with one list request a round."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ..cloud.connection import Cloud
from ..cloud.wait import Rounds
from ..resources import deployment
from ..resources.settle import is_conflict, not_taken, take, timed_out
from ..values.errors import BfvError, Invalid, Refused
from ..values.plan import Plan, Request, Step
from . import observe, plan
from .observe import NodeFound
from .outcome import Outcome
from .plan import Stage
from .wanted import UNDEPLOYED, NodeWanted, read

# What a node waits for when its write met that of another run: one look at everything.
_ANEW = Stage(Plan("another run", {}, {}, waiting="what another run does"), "everything")


@dataclass
class Progress:
    """One node on its way."""

    want: NodeWanted
    found: NodeFound
    plan: Plan  # the whole way, as it was before the first step
    actions: list[str] = field(default_factory=list)
    msg: str = ""
    waits: Stage | None = None
    sent: tuple[Step, ...] = ()
    requests: list[Request] = field(default_factory=list)  # what was written
    started: bool = False  # a deployment or undeployment of this run
    outrun: bool = False  # another run was faster, and this one has looked again

    def outcome(self) -> Outcome:
        return Outcome(self.want.node, self.msg, tuple(self.actions), self.plan, self.found)


def manage(cloud: Cloud, params: Mapping[str, Any], *, check_mode: bool) -> list[Outcome]:
    """Bring every node of the option nodes where it is wanted. Raises BfvError only where no node can be looked at."""
    wants, malformed = read(params)
    outcomes = [Outcome(node, str(error)) for node, error in malformed.items()]
    found = observe.observe(cloud, wants)
    names: dict[str, str] = {}
    going: list[Progress] = []
    for want in wants:
        seen = found[want.node]
        try:
            going.append(_start(want, seen, names))
        except BfvError as error:
            outcomes.append(Outcome(want.node, str(error), found=seen if isinstance(seen, NodeFound) else None))
    if check_mode:
        return outcomes + [
            Outcome(one.want.node, actions=tuple(one.plan.actions), plan=one.plan, found=one.found) for one in going
        ]
    _settle(cloud, going, params)
    _look_at_last(cloud, [one for one in going if one.actions])
    return outcomes + [one.outcome() for one in going]


def _start(want: NodeWanted, seen: NodeFound | Refused, names: dict[str, str]) -> Progress:
    """Plan the whole way before any of it is taken: for the diff, and so that every reason to refuse the node comes first."""
    if isinstance(seen, Refused):
        raise seen
    name = names.setdefault(seen.node.uuid, want.node)
    if name != want.node:
        raise Invalid(f"Failed to read nodes: node {want.node} is also there as {name}. Name each node once.")
    return Progress(want, seen, plan.whole(plan.plan(want, seen)))


def _settle(cloud: Cloud, going: list[Progress], params: Mapping[str, Any]) -> None:
    rounds = Rounds(params["timeout"])
    with ThreadPoolExecutor(params["concurrency"]) as pool:
        while going:
            list(pool.map(lambda one: _advance(cloud, one), going))
            going = [one for one in going if one.waits and not one.msg]
            if not going or not params["wait"]:
                return
            if not rounds.pause():
                for one in going:
                    one.msg = str(timed_out(_awaited(one), params["timeout"]))
                return
            try:
                _look_again(cloud, going)
            except BfvError as error:  # what was done so far is told all the same
                _fail(going, error)
                return


def _awaited(one: Progress) -> str:
    return (one.waits.plan.waiting or one.waits.plan.subject) if one.waits else ""


def _look_at_last(cloud: Cloud, ones: list[Progress]) -> None:
    try:
        _observe_again(cloud, ones)
    except BfvError as error:
        _fail(ones, error)


def _fail(ones: list[Progress], error: BfvError) -> None:
    for one in ones:
        one.msg = one.msg or str(error)


def _advance(cloud: Cloud, one: Progress) -> None:
    """Take the node's steps until it is there, must wait, or fails."""
    try:
        one.waits = None
        while one.waits is None:
            stage = _next_stage(one)
            if stage is None:
                return
            if stage.plan.steps and stage.plan.steps != one.sent:
                one.sent = stage.plan.steps
                told = _take(cloud, one, stage.plan)
            elif stage.plan.waiting:
                told = True
            else:
                raise not_taken(stage.plan)
            if stage.plan.waiting or not told:
                one.waits = stage
    except BfvError as error:
        if one.outrun or not (isinstance(error, Refused) or is_conflict(error)):
            one.msg = str(error)
        else:
            one.outrun, one.sent, one.waits = True, (), _ANEW


def _next_stage(one: Progress) -> Stage | None:
    if one.started:
        deployment.check_landed(one.found.node)
    stages = (Stage(stage.plan.rest(one.requests), stage.looks_at) for stage in plan.plan(one.want, one.found))
    return next((stage for stage in stages if not stage.plan.settled), None)


def _take(cloud: Cloud, one: Progress, steps_of: Plan) -> bool:
    """Take the steps. Whether their answers told what is there now; if not, only another look does."""
    told = True
    for step in steps_of.steps:
        answer = take(cloud, step)
        if isinstance(step, Request):
            one.actions.append(step.what)
            one.requests.append(step)
            one.started = one.started or deployment.is_start(step)
            seen = observe.absorb(one.found, step, answer)
            told = told and seen is not None
            one.found = seen or one.found
    return told


def _look_again(cloud: Cloud, waiting: list[Progress]) -> None:
    """One list request for all nodes that wait on Ironic, one for all that wait on Cinder."""
    _observe_again(cloud, [one for one in waiting if one.waits is _ANEW])
    waiting = [one for one in waiting if one.waits is not _ANEW]
    on_volumes = [one for one in waiting if one.waits and one.waits.looks_at == "volumes"]
    on_nodes = [one for one in waiting if one not in on_volumes]
    # An undeployment takes the node's targets away and sets its volumes free.
    released = [one for one in on_nodes if one.want.state == UNDEPLOYED or deployment.is_undeploying(one.found.node)]
    if on_nodes:
        nodes = observe.read_nodes(cloud)
        for one in on_nodes:
            one.found = replace(one.found, node=nodes.get(one.found.node.uuid, one.found.node))
    _observe_again(cloud, [one for one in released if not deployment.is_on_the_way(one.found.node)])
    if on_volumes:
        volumes = observe.read_volumes(cloud, {label for one in on_volumes for label in observe.labels(one.want)})
        for one in on_volumes:
            one.found = replace(one.found, volumes={label: volumes.get(label, ()) for label in observe.labels(one.want)})


def _observe_again(cloud: Cloud, ones: list[Progress]) -> None:
    if ones:
        found = observe.observe(cloud, [one.want for one in ones])
        for one in ones:
            seen = found[one.want.node]
            one.found = one.found if isinstance(seen, Refused) else seen
