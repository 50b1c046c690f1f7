# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many machines at once: observe in bulk, plan each, take the steps in parallel, wait with one list request a round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..cloud.connection import Cloud
from ..cloud.wait import Rounds
from ..resources.settle import timed_out
from ..resources.volume.needs import Needs
from ..values.errors import BfvError, Invalid
from ..values.plan import Plan
from . import brake, room, room_told, sources
from .brake import Brake
from .journal import Journal, Tell
from .kind import Kind
from .outcome import Outcome
from .progress import Progress, Run, advance
from .stage import whole

# More machines that are refused before the run begins are told by its end, together, and each at once with -v.
_TOLD = 4


@dataclass(frozen=True)
class Result:
    """What became of each machine, how many seconds it took, and what else is to be known."""

    outcomes: list[Outcome]
    seconds: float
    room: Mapping[str, Any]  # what the run makes, and what was left for it
    warnings: tuple[str, ...] = ()


def manage(cloud: Cloud, kind: Kind, params: Mapping[str, Any], *, check_mode: bool, tell: Tell | None = None) -> Result:
    """Bring every machine of a kind that the options name where it is wanted. Raises BfvError only where none can be looked at.

    ``tell`` gets a line of text and its verbosity (0 is always shown, 1 with -v, 2 with -vv) whenever something has happened.
    """
    if params["concurrency"] < 1:
        raise Invalid(
            f"Failed to read concurrency: it is {params['concurrency']}, and one {kind.NOUN} at least must be worked on. Give 1 or more."
        )
    wants, malformed = kind.read(params)
    prices = room_told.prices(params.get("volume_prices"))
    total = len(params[f"{kind.NOUN}s"])
    fail_after = Brake(brake.limit(params.get("fail_after"), total, kind.NOUN), kind.NOUN)
    run = Run(cloud, kind, Journal(params["state"], total, tell), fail_after)
    ready, refused = _planned(run, wants, kind.observe(cloud, wants))
    makes = {one.name: _volumes(kind, one) for one in ready if any(each.changes == "volume" for each in one.plan.then)}
    together = sources.refusals({name: around for name, (_needs, around) in makes.items()}, kind.NOUN)
    needed = room.of(((name, *one) for name, one in makes.items() if name not in together), kind.NOUN)
    sums = room_told.view(needed, prices)
    run.journal.tell_all(sums["told"])
    if needed.refusal:
        together.update(dict.fromkeys(needed.makers, needed.refusal))
    going = [one for one in ready if one.name not in together]
    refused = [
        *(_refused(run, None, name, error) for name, error in malformed.items()),
        *refused,
        *(_refused(run, one.want, one.name, together[one.name], one.found) for one in ready if one.name in together),
    ]
    if check_mode:
        warnings = kind.look_at_last(run, [one for one in going if not one.plan.changed])
        planned = [replace(one.outcome(kind), actions=_foreseen(run, one)) for one in going]
        return Result(refused + planned, run.journal.seconds, sums, tuple(warnings))
    for outcome in refused:
        run.brake.count()
        run.journal.note(outcome.name, outcome.msg, 0 if len(refused) <= _TOLD else 1)
    _settle(run, going, params, len(refused))
    warnings = kind.look_at_last(run, going)
    outcomes = refused + [one.outcome(kind) for one in going]
    outcomes = [replace(one, history=run.journal.of(one.name)) for one in outcomes]
    return Result(outcomes, run.journal.seconds, sums, tuple(warnings))


def _planned(run: Run, wants: Iterable[Any], found: Mapping[str, Any]) -> tuple[list[Progress[Any, Any]], list[Outcome]]:
    """The machines as they begin, each with its plan, and those that are refused by themselves."""
    ready: list[Progress[Any, Any]] = []
    refused: list[Outcome] = []
    wants = list(wants)
    names: dict[str, list[str]] = defaultdict(list)
    for want in wants:
        seen = found[want.name]
        if not isinstance(seen, BfvError) and (id := run.kind.identity(seen)) is not None:
            names[id].append(want.name)
    for want in wants:
        seen = found[want.name]
        try:
            ready.append(_start(run.kind, want, seen, names))
        except BfvError as error:
            refused.append(_refused(run, want, want.name, error, None if isinstance(seen, BfvError) else seen))
    return ready, refused


def _refused(run: Run, want: Any, name: str, error: BfvError | None, found: Any = None) -> Outcome:
    return Outcome(name, str(error), found=found, view=run.kind.view(want, found))


def _start(kind: Kind, want: Any, seen: Any, names: Mapping[str, list[str]]) -> Progress[Any, Any]:
    """Plan the whole way before any of it is taken: for the diff, and so that every reason to refuse the machine comes first."""
    if isinstance(seen, BfvError):
        raise seen
    progress: Progress[Any, Any] = Progress(want.name, want, seen, Plan("", {}, {}))
    others = [name for name in names.get(kind.identity(seen) or "", ()) if name != want.name]
    if others:  # whichever is meant: one may remove what the other is to keep
        raise Invalid(
            f"Failed to read {kind.NOUN}s: {kind.NOUN} {want.name} is also there as {others[0]}. Name each {kind.NOUN} once."
        )
    stages = kind.stages(want, seen, progress.way)
    progress.plan = whole(f"{kind.NOUN} {want.name}", stages)
    progress.done = all(stage.plan.settled for stage in stages)
    progress.result = dict(progress.plan.result)
    return progress


def _volumes(kind: Kind, one: Progress[Any, Any]) -> tuple[Needs | None, list[room.Around]]:
    needs, around = kind.volumes(one.want, one.found)
    return needs, list(around)


def _foreseen(run: Run, one: Progress[Any, Any]) -> tuple[str, ...]:
    """What a run would write for the machine: of what serves many, one alone."""
    return tuple(each.what for each in one.plan.then if run.is_to_send(each, one.name))


def _settle(run: Run, ones: list[Progress[Any, Any]], params: Mapping[str, Any], refused: int) -> None:
    rounds = Rounds(params["timeout"])
    going = [one for one in ones if not one.done]
    where: list[tuple[str, int]] = []
    with ThreadPoolExecutor(params["concurrency"]) as pool:
        while going:
            list(pool.map(lambda one: advance(run, one), [one for one in going if not one.unseen]))
            _summarize(run, ones, refused)
            going = [one for one in going if one.waits and not one.msg and (params["wait"] or one.looks_anew)]
            was, where = where, [(one.awaited, len(one.way.requests)) for one in going]
            if where != was:
                rounds.anew()
            if going and not rounds.pause():
                for one in going:
                    one.fail(one.late or timed_out(one.awaited, params["timeout"]), run)
                break
            rounds.look(partial(run.kind.look_again, run, going))
            going = [one for one in going if not one.msg]
    _summarize(run, ones, refused)


def _summarize(run: Run, ones: list[Progress[Any, Any]], refused: int) -> None:
    run.journal.summarize(sum(one.done for one in ones), refused + sum(bool(one.msg) for one in ones))
