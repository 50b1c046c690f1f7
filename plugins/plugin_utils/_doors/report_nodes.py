# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report shows of each node. What is not named here is not shown: properties of a target may hold more than is known."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ...module_utils._engine.fleet.failures import anonymous, of_several
from ...module_utils._engine.resources.node import states

Record = Mapping[str, object]

FAILED, UNDER_WAY, CHANGED, UNCHANGED = "failed", "under way", "changed", "unchanged"
OUTCOMES = (FAILED, UNDER_WAY, CHANGED, UNCHANGED)
_DONE = {"prepared": "prepared", "deployed": "deployed", "undeployed": "undeployed", "absent": "cleared"}
_BEING_MADE = ("creating", "downloading")


@dataclass(frozen=True)
class Path:
    """One way to a volume: its name for the storage (IQN or WWN), the portal, the LUN."""

    name: str
    portal: str
    lun: str


@dataclass(frozen=True)
class Disk:
    """A volume of a node, and the target by which the node reaches it; or one of the two alone."""

    boot_index: str
    volume: str
    volume_id: str
    size: str  # in GiB
    kind: str  # of the target: iscsi or fibre_channel
    paths: tuple[Path, ...]
    chap: bool


@dataclass(frozen=True)
class Node:
    """One node of the report, in words."""

    name: str
    known_as: str  # Ironic's name where the node was asked for by another
    uuid: str
    outcome: str  # one of OUTCOMES
    msg: str
    provision_state: str
    power_state: str
    storage_interface: str
    boot_interface: str
    capabilities: str
    connectors: tuple[tuple[str, str], ...]  # type and identifier
    disks: tuple[Disk, ...]
    actions: tuple[tuple[float | None, str], ...]  # when, in seconds since the run began, and what
    differs: tuple[str, ...]  # what is left as it is
    ended: float  # when it was last heard of


@dataclass(frozen=True)
class Failure:
    """A reason, as it was told for the first of the nodes."""

    msg: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Summary:
    """The run in short."""

    headline: str
    state: str
    counts: Mapping[str, int]  # by OUTCOMES
    seconds: float | None
    msg: str  # why there are no nodes at all
    room: tuple[str, ...] = ()  # what the run makes of volumes, and what was left for it


def nodes(result: Record, state: str, *, foreseen: bool = False) -> list[Node]:
    """The nodes of a result, bm-2 before bm-10. ``foreseen``: it is one of check mode."""
    by_name = record(result.get("nodes"))
    return [_node(name, record(by_name[name]), state, foreseen=foreseen) for name in sorted(by_name, key=natural)]


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers within names by their value, however long they are."""
    parts = re.split("([0-9]+)", name)
    parts[1::2] = [digits.lstrip("0") for digits in parts[1::2]]
    return [(len(part) if at % 2 else 0, part) for at, part in enumerate(parts)], name


def summary(result: Record, shown: Sequence[Node], state: str, *, foreseen: bool = False) -> Summary:
    """The run in short."""
    found = Counter(node.outcome for node in shown)
    done = _DONE.get(state, state)
    return Summary(
        headline=_foreseen_headline(shown, found, done) if foreseen and shown else _headline(shown, found, done),
        state=state,
        counts={outcome: found[outcome] for outcome in OUTCOMES},
        seconds=number(result.get("seconds")),
        msg="" if shown else text(result.get("msg")),
        room=tuple(texts(record(result.get("room")).get("told"))),
    )


def failures(shown: Iterable[Node]) -> list[Failure]:
    """The nodes that failed by their reasons, in the order of these: what makes a run stop comes before what is stopped by it."""
    same: dict[str, list[Node]] = defaultdict(list)
    failed = [node for node in shown if node.outcome == FAILED]
    shared = of_several(node.msg for node in failed)
    for node in failed:
        same[node.msg if node.msg in shared else anonymous(node.msg, (node.known_as, node.name))].append(node)
    groups = sorted(same.values(), key=lambda ones: min(node.ended for node in ones))
    return [Failure(ones[0].msg, tuple(ones)) for ones in groups]


def _headline(shown: Sequence[Node], found: Mapping[str, int], done: str) -> str:
    if not shown:
        return "No node was looked at"
    fails = [f"{found[FAILED]} failed"] if found[FAILED] else []
    waits = [f"{found[UNDER_WAY]} under way"] if found[UNDER_WAY] else []
    there = found[CHANGED] + found[UNCHANGED]
    if len(shown) == 1:
        (node,) = shown
        return f"{node.name} " + {FAILED: "failed", UNDER_WAY: "is under way"}.get(node.outcome, f"is {done}")
    if there == len(shown):
        return f"All {_count(shown)} are {done}"
    return ", ".join([f"{there} of {_count(shown)} {'is' if there == 1 else 'are'} {done}", *waits, *fails])


def _foreseen_headline(shown: Sequence[Node], found: Mapping[str, int], done: str) -> str:
    """What a run would come to: nothing of it was done."""
    would = {FAILED: "would be refused", UNDER_WAY: "under way", CHANGED: "would be changed"}
    if len(shown) == 1:
        (node,) = shown
        return f"{node.name} " + {**would, UNDER_WAY: "is under way"}.get(node.outcome, f"is {done} as asked for")
    told = [f"{found[outcome]} {would[outcome]}" for outcome in (CHANGED, FAILED, UNDER_WAY) if found[outcome]]
    return f"Of {_count(shown)} {', '.join(told)}" if told else f"All {_count(shown)} are {done} as asked for"


def _count(shown: Sequence[Node]) -> str:
    return "1 node" if len(shown) == 1 else f"{len(shown)} nodes"


def _node(name: str, of_node: Record, state: str, *, foreseen: bool) -> Node:
    seen = record(of_node.get("node"))
    volumes, history = records(of_node.get("volumes")), records(of_node.get("history"))
    return Node(
        name=name,
        known_as=text(seen.get("name")) if seen.get("name") != name else "",
        uuid=text(seen.get("uuid")),
        outcome=_foreseen(of_node, seen) if foreseen else _outcome(of_node, seen, volumes, state),
        msg=text(of_node.get("msg")),
        provision_state=text(seen.get("provision_state")),
        power_state=text(seen.get("power_state")),
        storage_interface=text(seen.get("storage_interface")),
        boot_interface=text(seen.get("boot_interface")),
        capabilities=", ".join(f"{key}:{value}" for key, value in record(seen.get("capabilities")).items()),
        connectors=tuple((text(one.get("type")), text(one.get("connector_id"))) for one in records(of_node.get("connectors"))),
        disks=tuple(_disks(records(of_node.get("targets")), volumes)),
        actions=tuple(_timed(texts(of_node.get("actions")), history)),
        differs=tuple(texts(of_node.get("differs"))),
        ended=max((number(entry.get("at")) or 0.0 for entry in history), default=0.0),
    )


def _timed(actions: Iterable[str], history: Iterable[Record]) -> list[tuple[float | None, str]]:
    """What was done, with the time at which the history has it."""
    at: dict[str, list[float]] = defaultdict(list)
    for entry in history:
        at[text(entry.get("what"))].append(number(entry.get("at")) or 0.0)
    return [(at[what].pop(0) if at[what] else None, what) for what in actions]


def _foreseen(of_node: Record, seen: Record) -> str:
    if of_node.get("failed"):
        return FAILED
    if of_node.get("changed"):
        return CHANGED
    return UNDER_WAY if states.moves(text(seen.get("provision_state"))) else UNCHANGED


def _outcome(of_node: Record, seen: Record, volumes: Iterable[Record], state: str) -> str:
    if of_node.get("failed"):
        return FAILED
    lands = state != "deployed" or seen.get("provision_state") == "active"
    moves = states.moves(text(seen.get("provision_state"))) or any(one.get("status") in _BEING_MADE for one in volumes)
    if moves or not lands:
        return UNDER_WAY
    return CHANGED if of_node.get("changed") else UNCHANGED


def _disks(targets: Sequence[Record], volumes: Sequence[Record]) -> list[Disk]:
    """A disk for each target, the one to boot from first, and one for each volume that no target is for."""
    by_id = {text(one.get("id")): one for one in volumes}  # one that is asked for by name and by id is there twice
    ordered = sorted(targets, key=lambda one: natural(text(one.get("boot_index"))))
    disks = [_disk(one, by_id.pop(text(one.get("volume_id")), {})) for one in ordered]
    return disks + [_disk({}, one) for one in by_id.values()]


def _disk(target: Record, volume: Record) -> Disk:
    properties = record(target.get("properties"))
    return Disk(
        boot_index=text(target.get("boot_index")),
        volume=text(volume.get("name")),
        volume_id=text(target.get("volume_id")) or text(volume.get("id")),
        size=text(volume.get("size")),
        kind=text(target.get("volume_type")),
        paths=tuple(_paths(properties)),
        chap=properties.get("auth_method") == "CHAP" or bool(properties.get("auth_username")),
    )


def _paths(properties: Record) -> list[Path]:
    """The paths of a target: one in the singular, several in lists. A single name or LUN is that of all paths."""

    def several(name: str) -> list[str]:
        return list(texts(properties.get(f"{name}s") or properties.get(name)))

    names, portals, luns = several("target_iqn") or several("target_wwn"), several("target_portal"), several("target_lun")
    paths = max(len(names), len(portals))
    of_all = [ones * paths if len(ones) == 1 else ones for ones in (names, luns)]
    return [Path(*path) for path in zip_longest(of_all[0], portals, of_all[1], fillvalue="")]


def record(value: object) -> Record:
    """The value if it is a dictionary; else an empty one."""
    return value if isinstance(value, Mapping) else {}


def records(value: object) -> list[Record]:
    """The dictionaries of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else []


def texts(value: object) -> list[str]:
    """The items of a list, or the only one there is, as text."""
    if isinstance(value, (list, tuple)):
        return [text(one) for one in value]
    return [text(value)] if value is not None else []


def text(value: object) -> str:
    """The value as text; empty where there is none."""
    return "" if value is None else str(value)


def number(value: object) -> float | None:
    """The value if it is a number."""
    return float(value) if isinstance(value, (int, float)) else None
