# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many nodes at once: observe in bulk, plan each, take the steps in parallel, wait with one list request a round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ..cloud.connection import Cloud
from ..cloud.wait import Rounds
from ..resources.settle import timed_out
from ..values.errors import BfvError, Invalid, Refused
from . import brake, room, room_told
from .brake import Brake
from .journal import Journal, Tell
from .nodes import observe, plan, shared
from .nodes.again import look_again, look_at_last
from .nodes.observe import NodeFound
from .nodes.outcome import Outcome
from .nodes.wanted import NodeWanted, read
from .progress import Progress, Run, advance

# More nodes that are refused before the run begins are told by its end, together, and each at once with -v.
_TOLD = 4


@dataclass(frozen=True)
class Result:
    """What became of each node, how many seconds it took, and what else is to be known."""

    outcomes: list[Outcome]
    seconds: float
    room: Mapping[str, Any]  # what the run makes, and what was left for it
    warnings: tuple[str, ...] = ()


def manage(cloud: Cloud, params: Mapping[str, Any], *, check_mode: bool, tell: Tell | None = None) -> Result:
    """Bring every node of the option nodes where it is wanted. Raises BfvError only where no node can be looked at.

    ``tell`` gets a line of text and its verbosity (0 is always shown, 1 with -v, 2 with -vv) whenever something has happened.
    """
    wants, malformed = read(params)
    prices = room_told.prices(params.get("volume_prices"))
    total = len(params["nodes"])
    run = Run(cloud, Journal(params["state"], total, tell), Brake(brake.limit(params.get("fail_after"), total)))
    found: shared.Found = observe.observe(cloud, wants)
    for judge in (shared.refuse_second, shared.refuse_held, shared.refuse_taken_over):
        found = judge(wants, found)
    ready, refused = _planned(wants, found)
    needed = room.of((one.want, one.found) for one in ready if any(each.changes == "volume" for each in one.plan.then))
    sums = room_told.view(needed, prices)
    run.journal.tell_all(sums["told"])
    going = [one for one in ready if not needed.refuses(one.want.node)]
    refused = [
        *(Outcome(node, str(error)) for node, error in malformed.items()),
        *refused,
        *(Outcome(one.want.node, str(needed.refusal), found=one.found) for one in ready if needed.refuses(one.want.node)),
    ]
    if check_mode:
        planned = [replace(one.outcome(), actions=_foreseen(run, one)) for one in going]
        return Result(refused + planned, run.journal.seconds, sums)
    for outcome in refused:
        run.brake.count()
        run.journal.note(outcome.node, outcome.msg, 0 if len(refused) <= _TOLD else 1)
    _settle(run, going, params, len(refused))
    warnings = look_at_last(run, going)
    outcomes = refused + [one.outcome() for one in going]
    outcomes = [replace(one, history=run.journal.of(one.node)) for one in outcomes]
    return Result(outcomes, run.journal.seconds, sums, tuple(warnings))


def _planned(wants: Iterable[NodeWanted], found: shared.Found) -> tuple[list[Progress], list[Outcome]]:
    """The nodes as they begin, each with its plan, and those that are refused by themselves."""
    ready: list[Progress] = []
    refused: list[Outcome] = []
    names: dict[str, str] = {}
    for want in wants:
        seen = found[want.node]
        try:
            ready.append(_start(want, seen, names))
        except BfvError as error:
            refused.append(Outcome(want.node, str(error), found=seen if isinstance(seen, NodeFound) else None))
    return ready, refused


def _start(want: NodeWanted, seen: NodeFound | Refused, names: dict[str, str]) -> Progress:
    """Plan the whole way before any of it is taken: for the diff, and so that every reason to refuse the node comes first."""
    if isinstance(seen, Refused):
        raise seen
    name = names.setdefault(seen.node.uuid, want.node)
    if name != want.node:
        raise Invalid(f"Failed to read nodes: node {want.node} is also there as {name}. Name each node once.")
    return Progress(want, seen, plan.whole(plan.plan(want, seen)))


def _foreseen(run: Run, one: Progress) -> tuple[str, ...]:
    """What a run would write for the node: of what serves many nodes, one alone."""
    return tuple(each.what for each in one.plan.then if not each.common or run.is_sender(each, one.want.node))


def _settle(run: Run, ones: list[Progress], params: Mapping[str, Any], refused: int) -> None:
    rounds = Rounds(params["timeout"])
    going = ones
    with ThreadPoolExecutor(params["concurrency"]) as pool:
        while going:
            list(pool.map(lambda one: advance(run, one), [one for one in going if not one.unseen]))
            _summarize(run, ones, refused)
            going = [one for one in going if one.waits and not one.msg and (params["wait"] or one.looks_anew)]
            if going and not rounds.pause():
                for one in going:
                    one.fail(one.late or timed_out(one.awaited, params["timeout"]), run)
                break
            look_again(run, going)
            going = [one for one in going if not one.msg]
    _summarize(run, ones, refused)


def _summarize(run: Run, ones: list[Progress], refused: int) -> None:
    run.journal.summarize(sum(one.done for one in ones), refused + sum(bool(one.msg) for one in ones))
