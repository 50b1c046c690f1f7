# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that each machine took, as bars: a phase for each kind of work, on one scale for all machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from .report_machines import OTHER, PHASES, Kind
from .report_reading import Record, natural, number, record, records

# With more machines than this, all of them are drawn as one picture, and only the longest have a bar with a name.
ROWS = 60
LONGEST = 25
_HIGHEST = 600  # pixels of that picture
_WAITS = "waits for "
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_TICKS = 6

Note = tuple[float, str]  # seconds since the run began, and what


@dataclass(frozen=True)
class Segment:
    """A part of a bar: where it lies on the scale in per cent, and how long it took."""

    phase: str
    left: float
    width: float
    seconds: float


@dataclass(frozen=True)
class Bar:
    """What a machine did when."""

    name: str
    failed: bool
    begin: float
    end: float
    segments: tuple[Segment, ...]
    landing: float  # where it ends, in per cent

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Scale:
    """Lines at round times: how far they are from each other in per cent, and what stands where."""

    step: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Picture:
    """All machines, one above the other in the order in which they ended: SVG paths, 1000 wide and one high for each machine."""

    scale: Scale  # of the whole run
    paths: Mapping[str, str]  # by phase
    failed: str
    height: int  # in pixels


@dataclass(frozen=True)
class Times:
    """The bars of a run, those that took longest first; beside a picture of all machines each begins at zero."""

    rows: tuple[Bar, ...]
    scale: Scale  # of the rows
    picture: Picture | None
    count: int
    phases: tuple[str, ...]  # those that there are
    median: float
    longest: Bar


def times(kind: Kind, result: Record) -> Times | None:
    """The bars of a result; None where it tells no times."""
    machines = {name: record(one) for name, one in record(result.get(f"{kind.NOUN}s")).items()}
    # A single note, such as why a machine was refused, takes no time.
    histories = {name: history for name, one in machines.items() if len(history := _history(one)) > 1}
    if not histories:
        return None
    whole = max(number(result.get("seconds")) or 0.0, *(history[-1][0] for history in histories.values())) or 1.0
    bars = [_bar(kind, name, bool(machines[name].get("failed")), history, whole) for name, history in histories.items()]
    bars.sort(key=lambda line: (-line.seconds, natural(line.name)))
    many = len(bars) > ROWS
    longest = bars[0].seconds or 1.0
    first = [_bar(kind, line.name, line.failed, _from_zero(histories[line.name]), longest) for line in bars[:LONGEST]]
    return Times(
        rows=tuple(first if many else bars),
        scale=_scale(longest if many else whole),
        picture=_picture(bars, whole) if many else None,
        count=len(bars),
        phases=tuple(phase for phase in PHASES if any(one.phase == phase for line in bars for one in line.segments)),
        median=median(line.seconds for line in bars),
        longest=bars[0],
    )


def duration(seconds: float) -> str:
    """A time as people write it: 0.4 s, 42 s, 3 min 05 s, 1 h 02 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s".replace(" 00 s", "")
    return f"{whole // 3600} h {whole % 3600 // 60:02} min".replace(" 00 min", "")


def _tick(seconds: float) -> str:
    return f"{round(seconds, 1):g} s" if seconds < 60 else duration(seconds)


def _history(of_machine: Record) -> list[Note]:
    return [(number(entry.get("at")) or 0.0, str(entry.get("what"))) for entry in records(of_machine.get("history"))]


def _from_zero(history: Sequence[Note]) -> list[Note]:
    return [(at - history[0][0], what) for at, what in history]


def _scale(seconds: float) -> Scale:
    step = next((step for step in _STEPS if seconds / step <= _TICKS), seconds / _TICKS)
    ticks = tuple((100 * step * at / seconds, _tick(step * at)) for at in range(int(seconds / step) + 1))
    return Scale(100 * step / seconds, ticks)


def _bar(kind: Kind, name: str, failed: bool, history: Sequence[Note], seconds: float) -> Bar:
    """A bar from the first thing that is told of the machine to the last, on a scale of so many seconds."""
    pieces: list[tuple[str, float, float]] = []
    for (begin, before), (end, after) in pairwise(history):
        # What says nothing of the work, such as a new state, goes on with what was before.
        pieces.append((_phase(kind, before, after) or (pieces[-1][0] if pieces else OTHER), begin, end))
    segments = []
    for phase, group in groupby(pieces, key=lambda piece: piece[0]):
        of_phase = list(group)
        begin, end = of_phase[0][1], of_phase[-1][2]
        segments.append(Segment(phase, 100 * begin / seconds, 100 * (end - begin) / seconds, end - begin))
    begin, end = history[0][0], history[-1][0]
    return Bar(name, failed, begin, end, tuple(segments), 100 * end / seconds)


def _phase(kind: Kind, before: str, after: str) -> str:
    """What the time between two notes was spent on, if they tell it. A step is noted when it is taken, a wait when it begins."""
    return _of_note(kind, before) if before.startswith(_WAITS) else _of_note(kind, after) or _of_note(kind, before)


def _of_note(kind: Kind, what: str) -> str:
    text = what.removeprefix(_WAITS).removeprefix("Failed to ")
    return next((phase for phase, beginning in kind.PHASES if beginning.match(text)), "")


def _picture(bars: Sequence[Bar], seconds: float) -> Picture:
    ordered = sorted(bars, key=lambda line: (line.end, line.begin, natural(line.name)))
    paths = {phase: "".join(_strips(ordered, phase)) for phase in PHASES}
    failed = "".join(f"M{10 * line.landing:.1f} {at}h6v1h-6z" for at, line in enumerate(ordered) if line.failed)
    height = next((len(bars) * pixels for pixels in (4, 2, 1) if len(bars) * pixels <= _HIGHEST), _HIGHEST)
    return Picture(_scale(seconds), {phase: path for phase, path in paths.items() if path}, failed, height)


def _strips(bars: Sequence[Bar], phase: str) -> Iterator[str]:
    for at, line in enumerate(bars):
        for one in line.segments:
            if one.phase == phase:
                yield f"M{10 * one.left:.1f} {at}h{10 * one.width:.1f}v1h-{10 * one.width:.1f}z"
