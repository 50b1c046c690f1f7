# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Many nodes at once: observe in bulk, plan each, take the steps in parallel, wait with one list request a round."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ..cloud.connection import Cloud
from ..cloud.wait import Rounds
from ..resources.settle import timed_out
from ..values.errors import BfvError, Invalid, Refused
from . import brake, observe, plan
from .again import look_again, look_at_last
from .brake import Brake
from .journal import Journal, Tell
from .observe import NodeFound
from .outcome import Outcome
from .progress import Progress, Run, advance
from .wanted import NodeWanted, read


@dataclass(frozen=True)
class Result:
    """What became of each node, and how many seconds it took."""

    outcomes: list[Outcome]
    seconds: float


def manage(cloud: Cloud, params: Mapping[str, Any], *, check_mode: bool, tell: Tell | None = None) -> Result:
    """Bring every node of the option nodes where it is wanted. Raises BfvError only where no node can be looked at.

    ``tell`` gets a line of text and its verbosity (0 is always shown, 1 with -v) whenever something has happened.
    """
    wants, malformed = read(params)
    total = len(params["nodes"])
    run = Run(cloud, Journal(params["state"], total, tell), Brake(brake.limit(params.get("fail_after"), total)))
    refused = [Outcome(node, str(error)) for node, error in malformed.items()]
    going: list[Progress] = []
    found = observe.observe(cloud, wants)
    names: dict[str, str] = {}
    for want in wants:
        seen = found[want.node]
        try:
            going.append(_start(want, seen, names))
        except BfvError as error:
            refused.append(Outcome(want.node, str(error), found=seen if isinstance(seen, NodeFound) else None))
    if check_mode:
        planned = [Outcome(one.want.node, actions=tuple(one.plan.actions), plan=one.plan, found=one.found) for one in going]
        return Result(refused + planned, run.journal.seconds)
    for outcome in refused:
        run.brake.count()
        run.journal.note(outcome.node, outcome.msg)
    _settle(run, going, params, len(refused))
    look_at_last(run, going)
    outcomes = refused + [one.outcome() for one in going]
    return Result([replace(one, history=run.journal.of(one.node)) for one in outcomes], run.journal.seconds)


def _start(want: NodeWanted, seen: NodeFound | Refused, names: dict[str, str]) -> Progress:
    """Plan the whole way before any of it is taken: for the diff, and so that every reason to refuse the node comes first."""
    if isinstance(seen, Refused):
        raise seen
    name = names.setdefault(seen.node.uuid, want.node)
    if name != want.node:
        raise Invalid(f"Failed to read nodes: node {want.node} is also there as {name}. Name each node once.")
    return Progress(want, seen, plan.whole(plan.plan(want, seen)))


def _settle(run: Run, ones: list[Progress], params: Mapping[str, Any], refused: int) -> None:
    rounds = Rounds(params["timeout"])
    going = ones
    with ThreadPoolExecutor(params["concurrency"]) as pool:
        while going:
            list(pool.map(lambda one: advance(run, one), going))
            _summarize(run, ones, refused)
            going = [one for one in going if one.waits and not one.msg and (params["wait"] or one.looks_anew)]
            if not going:
                break
            if not rounds.pause():
                for one in going:
                    one.fail(timed_out(one.awaited, params["timeout"]), run)
                break
            try:
                look_again(run, going)
            except BfvError as error:  # what was done so far is told all the same
                for one in going:
                    one.fail(error, run)
                break
    _summarize(run, ones, refused)


def _summarize(run: Run, ones: list[Progress], refused: int) -> None:
    run.journal.summarize(sum(one.done for one in ones), refused + sum(bool(one.msg) for one in ones))
