# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A growing fleet: preparing it, and the run that finds it in order. Requests, time, processor time and memory from 10 to 1000 nodes.

    python -m tests.bench.second_run [--rounds 3] [--nodes 10 100 1000]

Preparing is all but the deployment. What Ansible takes by itself, for the same play without a task, stands in the last column.
"""

from __future__ import annotations

import argparse

from . import nodes
from .measure import Measured
from .race import FLOOR, OURS, run, typical
from .raw import Json
from .sandbox import sandbox, system_cloud
from .table import show

HEAD = [
    "nodes",
    "floor s",
    "ours s",
    "ours/floor",
    "floor CPU s",
    "ours CPU s",
    "floor MiB",
    "ours MiB",
    "requests",
    "beyond pages",
]


def prepare(cloud: Json, count: int, rounds: int) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Both contestants' run that prepares new nodes, and their typical run that finds them in order."""
    first: dict[str, Measured] = {}
    for who in (FLOOR, OURS):
        with nodes.nodes(cloud, count, deployable=False) as job:
            first[who] = run(who, job, "prepared")
            if who == OURS:
                runs = [{one: run(one, job, "prepared") for one in (FLOOR, OURS)} for _round in range(rounds)]
    return first, {who: typical([one[who] for one in runs]) for who in (FLOOR, OURS)}


def row(count: int, turn: dict[str, Measured]) -> list[object]:
    floor, ours = turn[FLOOR], turn[OURS]
    return [
        count,
        floor.seconds,
        ours.seconds,
        ours.seconds / floor.seconds,
        floor.cpu,
        ours.cpu,
        floor.mebibytes,
        ours.mebibytes,
        len(ours.requests),
        ours.beyond_pages,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="the typical of so many runs that change nothing counts")
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000])
    given = parser.parse_args()
    with sandbox():
        turns = [(count, *prepare(system_cloud(), count, given.rounds)) for count in given.nodes]
    show("prepare new nodes", HEAD, [row(count, first) for count, first, _second in turns])
    show("prepare them again, nothing to do", HEAD, [row(count, second) for count, _first, second in turns])


if __name__ == "__main__":
    main()
