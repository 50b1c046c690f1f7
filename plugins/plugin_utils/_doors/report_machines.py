# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report shows of each machine, of whatever kind: what became of it, what failed for which reason, and the run in short.

The rules of a kind are in report_nodes.py and report_servers.py. What is not named there is not shown: a record may hold more than is known.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...module_utils._engine.fleet.failures import anonymous, of_several
from .report_reading import Record, natural, number, record, records, text, texts

FAILED, UNDER_WAY, CHANGED, UNCHANGED = "failed", "under way", "changed", "unchanged"
OUTCOMES = (FAILED, UNDER_WAY, CHANGED, UNCHANGED)
# Phases of a machine's time. The page has a pattern for each, and the kind its words.
VOLUMES, STORAGE, DEPLOYMENT, OTHER = "volumes", "storage", "deployment", "other"
PHASES = (VOLUMES, STORAGE, DEPLOYMENT, OTHER)
NONE = "\N{EN DASH}"
_BEING_MADE = ("creating", "downloading")


@dataclass(frozen=True)
class Line:
    """A line of a cell, as an element of HTML: code for identifiers, small for remarks."""

    text: str
    element: str = ""


Cell = tuple[Line, ...]


@dataclass(frozen=True)
class Seen:
    """What the services showed of a machine when the run ended, in words."""

    known_as: str  # its name where it was asked for by another
    notes: Cell  # below its name
    now: str  # its state in short; empty where it is not there
    disks: tuple[tuple[Cell, ...], ...]  # a row for each, or one for a machine without any
    moves: bool  # whether the services still work at it
    lands: bool  # whether it is where it was wanted


class Kind(Protocol):
    """What the report is told of a kind of machine: what report_nodes.py and report_servers.py offer."""

    @property
    def NOUN(self) -> str:
        """One machine in words; with an s it is the option of the module that names them, and the key of the result."""

    @property
    def MODULE(self) -> str:
        """The module whose result it is."""

    @property
    def COLUMNS(self) -> Sequence[str]:
        """What stands above the cells of a disk, beside the name of its machine."""

    @property
    def DONE(self) -> Mapping[str, str]:
        """A machine that came to a state, in words, by the state."""

    @property
    def GONE(self) -> Collection[str]:
        """The states in which nothing boots any more."""

    @property
    def PHASES(self) -> Sequence[tuple[str, re.Pattern[str]]]:
        """The phase that a note of the history belongs to, by the beginning of the note."""

    def phases(self, gone: bool) -> Mapping[str, str]:
        """The phases in words."""

    def own_states(self, options: Record) -> Mapping[str, str]:
        """Of those machines that were not asked for in the state of the run: which, by their names."""

    def seen(self, name: str, of_machine: Record, state: str) -> Seen:
        """What a result tells of a machine that was wanted in a state."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for: the state of all machines, and that of those that had one of their own."""

    state: str
    own: Mapping[str, str]

    def of(self, name: str) -> str:
        return self.own.get(name, self.state)


@dataclass(frozen=True)
class Machine:
    """One machine of the report."""

    name: str
    state: str  # that was wanted
    outcome: str  # one of OUTCOMES
    msg: str
    seen: Seen
    actions: tuple[tuple[float | None, str], ...]  # when, in seconds since the run began, and what
    differs: tuple[str, ...]  # what is left as it is
    ended: float  # when it was last heard of


@dataclass(frozen=True)
class Failure:
    """A reason, as it was told for the first of the machines."""

    msg: str
    machines: tuple[Machine, ...]


@dataclass(frozen=True)
class Summary:
    """The run in short."""

    headline: str
    state: str  # that was wanted; several where machines had their own
    gone: bool  # whether it was to take away what boots
    counts: Mapping[str, int]  # by OUTCOMES
    seconds: float | None
    msg: str  # why there are no machines at all
    room: tuple[str, ...] = ()  # what the run makes of volumes, and what was left for it


def machines(kind: Kind, result: Record, wanted: Wanted, *, foreseen: bool = False) -> list[Machine]:
    """The machines of a result, bm-2 before bm-10. ``foreseen``: it is one of check mode."""
    by_name = record(result.get(f"{kind.NOUN}s"))
    return [
        _machine(kind, name, record(by_name[name]), wanted.of(name), foreseen=foreseen) for name in sorted(by_name, key=natural)
    ]


def summary(kind: Kind, result: Record, shown: Sequence[Machine], wanted: Wanted, *, foreseen: bool = False) -> Summary:
    """The run in short."""
    found = Counter(one.outcome for one in shown)
    states = sorted({one.state for one in shown}) or [wanted.state]
    done = kind.DONE.get(states[0], states[0]) if len(states) == 1 else ""
    return Summary(
        headline=(_foreseen_headline if foreseen and shown else _headline)(kind.NOUN, shown, found, done),
        state=", ".join(states),
        gone=all(one in kind.GONE for one in states),
        counts={outcome: found[outcome] for outcome in OUTCOMES},
        seconds=number(result.get("seconds")),
        msg="" if shown else text(result.get("msg")),
        room=tuple(texts(record(result.get("room")).get("told"))),
    )


def failures(shown: Iterable[Machine]) -> list[Failure]:
    """The machines that failed by their reasons, in the order of these: what makes a run stop comes before what is stopped by it."""
    same: dict[str, list[Machine]] = defaultdict(list)
    failed = [one for one in shown if one.outcome == FAILED]
    shared = of_several(one.msg for one in failed)
    for one in failed:
        same[one.msg if one.msg in shared else anonymous(one.msg, (one.seen.known_as, one.name))].append(one)
    groups = sorted(same.values(), key=lambda ones: min(one.ended for one in ones))
    return [Failure(ones[0].msg, tuple(ones)) for ones in groups]


def being_made(volumes: Iterable[Record]) -> bool:
    """Whether Cinder is still making one of the volumes."""
    return any(one.get("status") in _BEING_MADE for one in volumes)


def _headline(noun: str, shown: Sequence[Machine], found: Mapping[str, int], done: str) -> str:
    if not shown:
        return f"No {noun} was looked at"
    done = done or "as asked for"
    fails = [f"{found[FAILED]} failed"] if found[FAILED] else []
    waits = [f"{found[UNDER_WAY]} under way"] if found[UNDER_WAY] else []
    there = found[CHANGED] + found[UNCHANGED]
    if len(shown) == 1:
        (one,) = shown
        return f"{one.name} " + {FAILED: "failed", UNDER_WAY: "is under way"}.get(one.outcome, f"is {done}")
    if there == len(shown):
        return f"All {_count(noun, shown)} are {done}"
    return ", ".join([f"{there} of {_count(noun, shown)} {'is' if there == 1 else 'are'} {done}", *waits, *fails])


def _foreseen_headline(noun: str, shown: Sequence[Machine], found: Mapping[str, int], done: str) -> str:
    """What a run would come to: nothing of it was done."""
    done = f"{done} as asked for".strip()
    would = {FAILED: "would be refused", UNDER_WAY: "under way", CHANGED: "would be changed"}
    if len(shown) == 1:
        (one,) = shown
        return f"{one.name} " + {**would, UNDER_WAY: "is under way"}.get(one.outcome, f"is {done}")
    told = [f"{found[outcome]} {would[outcome]}" for outcome in (CHANGED, FAILED, UNDER_WAY) if found[outcome]]
    return f"Of {_count(noun, shown)} {', '.join(told)}" if told else f"All {_count(noun, shown)} are {done}"


def _count(noun: str, shown: Sequence[Machine]) -> str:
    return f"1 {noun}" if len(shown) == 1 else f"{len(shown)} {noun}s"


def _machine(kind: Kind, name: str, of_machine: Record, state: str, *, foreseen: bool) -> Machine:
    seen, history = kind.seen(name, of_machine, state), records(of_machine.get("history"))
    return Machine(
        name=name,
        state=state,
        outcome=_outcome(of_machine, seen, foreseen=foreseen),
        msg=text(of_machine.get("msg")),
        seen=seen,
        actions=tuple(_timed(texts(of_machine.get("actions")), history)),
        differs=tuple(texts(of_machine.get("differs"))),
        ended=max((number(entry.get("at")) or 0.0 for entry in history), default=0.0),
    )


def _timed(actions: Iterable[str], history: Iterable[Record]) -> list[tuple[float | None, str]]:
    """What was done, with the time at which the history has it."""
    at: dict[str, list[float]] = defaultdict(list)
    for entry in history:
        at[text(entry.get("what"))].append(number(entry.get("at")) or 0.0)
    return [(at[what].pop(0) if at[what] else None, what) for what in actions]


def _outcome(of_machine: Record, seen: Seen, *, foreseen: bool) -> str:
    if of_machine.get("failed"):
        return FAILED
    if of_machine.get("changed") and foreseen:
        return CHANGED
    if seen.moves or not (foreseen or seen.lands):
        return UNDER_WAY
    return CHANGED if of_machine.get("changed") else UNCHANGED
