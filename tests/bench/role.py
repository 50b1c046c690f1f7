# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role, for which each node is a host, against the module that has all of them in one task, and against the floor.

    python -m tests.bench.role [--rounds 3] [--nodes 10 100 1000]

They find prepared nodes in order (new nodes are deployed in fleet.py). What a host costs beyond what Ansible takes for a task that does nothing
stands in the column "CPU s a host".
"""

from __future__ import annotations

import argparse

from . import nodes
from .measure import Measured
from .race import ANSIBLE, FLOOR, OURS, ROLE, run, typical
from .raw import Json
from .sandbox import sandbox, system_cloud
from .table import show

HEAD = [
    "nodes",
    "floor s",
    "module s",
    "role s",
    "role/module",
    "debug s",
    "role CPU s",
    "debug CPU s",
    "CPU s a host",
    "role MiB",
    "requests",
    "of the module",
]


def again(cloud: Json, count: int, rounds: int) -> dict[str, Measured]:
    """The typical run of each that finds prepared nodes in order. They take turns, so that a busy minute strikes all."""
    with nodes.nodes(cloud, count, deployable=False) as job:
        run(OURS, job, "prepared")
        runs = [{who: run(who, job, "prepared") for who in (FLOOR, OURS, ROLE, ANSIBLE)} for _round in range(rounds)]
    return {who: typical([one[who] for one in runs]) for who in runs[0]}


def row(count: int, turn: dict[str, Measured]) -> list[object]:
    floor, module, role, alone = (turn[who] for who in (FLOOR, OURS, ROLE, ANSIBLE))
    return [
        count,
        floor.seconds,
        module.seconds,
        role.seconds,
        role.seconds / module.seconds,
        alone.seconds,
        role.cpu,
        alone.cpu,
        (role.cpu - alone.cpu) / count,
        role.mebibytes,
        len(role.requests),
        len(module.requests),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="the typical of so many runs counts")
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000])
    given = parser.parse_args()
    with sandbox():
        rows = [row(count, again(system_cloud(), count, given.rounds)) for count in given.nodes]
        show("prepare them again, nothing to do", HEAD, rows)


if __name__ == "__main__":
    main()
