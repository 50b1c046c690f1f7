# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying a fleet: bfv.openstack against the tools that there are, and against what the server allows.

    python -m tests.bench.fleet [--rounds 1] [--nodes 5 20 100]

Each contestant gets new nodes and does the same job twice. The slow ones take part only where there are few nodes. The floor and ours
then undeploy the nodes again.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

from . import nodes
from .measure import Measured
from .race import CLI, FLOOR, OURS, PEERS, ROLE, SDK, run, typical
from .raw import Json
from .sandbox import sandbox, system_cloud
from .table import show

# With how many nodes a contestant takes part at the most: ten minutes for one of them are enough.
MOST = {FLOOR: 1000, OURS: 1000, ROLE: 1000, SDK: 20, PEERS: 5, CLI: 5}
UNDEPLOY = (FLOOR, OURS, ROLE)
TURNS = {"deploy": "deployed", "again, nothing to do,": "deployed", "undeploy": "undeployed"}
HEAD = ["contestant", "s/node", "x floor", "CPU s/node", "x ours", "MiB", "requests/node"]


def race(cloud: Json, count: int, rounds: int) -> dict[str, dict[str, Measured]]:
    """The typical runs of each contestant. They take turns, so that a busy minute strikes all."""
    turns: dict[str, dict[str, list[Measured]]] = {title: defaultdict(list) for title in TURNS}
    for _round in range(rounds):
        for who in (one for one, most in MOST.items() if count <= most):
            with nodes.nodes(cloud, count) as job:
                for title, state in TURNS.items():
                    if state == "deployed" or who in UNDEPLOY:
                        turns[title][who].append(run(who, job, state))
    return {title: {who: typical(ones) for who, ones in turn.items()} for title, turn in turns.items()}


def tell(title: str, turn: dict[str, Measured], count: int) -> None:
    floor, ours = turn[FLOOR], turn[OURS]
    rows = [
        [
            who,
            one.seconds / count,
            one.seconds / floor.seconds,
            one.cpu / count,
            one.cpu / ours.cpu,
            one.mebibytes,
            len(one.requests) / count,
        ]
        for who, one in turn.items()
    ]
    show(title, HEAD, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="the typical of so many runs counts")
    parser.add_argument("--nodes", type=int, nargs="+", default=[5, 20, 100])
    given = parser.parse_args()
    with sandbox():
        for count in given.nodes:
            for title, turn in race(system_cloud(), count, given.rounds).items():
                tell(f"{title} {count} nodes", turn, count)


if __name__ == "__main__":
    main()
