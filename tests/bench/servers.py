# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers from volumes: server_fleet against a script with openstacksdk and threads, and against openstack.cloud.

    python -m tests.bench.servers [--rounds 1] [--servers 3 20 100] [--here]

Each contestant boots servers from new volumes that are made from an image, finds them in order, and removes them with their volumes.
openstack.cloud takes part only where there are few, for it is slow. With --here it is the sandbox that OS_CLIENT_CONFIG_FILE names.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import yaml

from ..integration.lab import IMAGE, NETWORK, PROJECT, Lab
from .measure import BIN, Measured, measure
from .race import CONTESTANTS, QUIET, typical, write
from .raw import Json
from .sandbox import sandbox
from .table import show

SDK, OURS, PEERS = "openstacksdk, threads", "server_fleet", "openstack.cloud"
MOST = {SDK: 1000, OURS: 1000, PEERS: 20}
FLAVOR = "bfv.small"
SIZE = 1  # GiB
PREFIX = os.environ.get("LAB_PREFIX", "bench-")
TURNS = {"boot": "present", "again, nothing to do,": "present", "remove": "absent"}
HEAD = ["contestant", "seconds", "x SDK", "CPU s", "CPU s/server", "MiB", "requests"]


def job(count: int) -> Json:
    """The job in the words of each contestant."""
    clouds = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))["clouds"]
    names = [f"{PREFIX}{count}-{number}" for number in range(count)]
    return {
        "cloud": clouds[PROJECT],
        "names": names,
        "image": IMAGE,
        "flavor": FLAVOR,
        "network": NETWORK,
        "size": SIZE,
        "servers": [_entry(name) for name in names],
    }


def _entry(name: str) -> Json:
    root = {"name": f"{name}-root", "image": IMAGE, "size": SIZE}
    return {
        "name": name,
        "flavor": FLAVOR,
        "networks": NETWORK,
        "boot": {"volume": root["name"]},
        "boot_volume_on_delete": "delete",
        "volumes": [root],
    }


def run(who: str, job: Json, state: str) -> Measured:
    """Have the contestant do the job."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "job.json", job)
        if who == SDK:
            return measure([sys.executable, "-m", "tests.bench.contestants.servers_sdk", path, state], job["cloud"])
        play = CONTESTANTS / {OURS: "servers_bfv.yml", PEERS: "servers_openstack_cloud.yml"}[who]
        return measure([BIN / "ansible-playbook", play, "-e", f"@{path}", "-e", f"state={state}"], job["cloud"], QUIET)


def race(count: int, rounds: int) -> dict[str, dict[str, Measured]]:
    """The typical runs of each contestant. They take turns, so that a busy minute strikes all."""
    turns: dict[str, dict[str, list[Measured]]] = {title: defaultdict(list) for title in TURNS}
    for _round in range(rounds):
        for who in (one for one, most in MOST.items() if count <= most):
            for title, state in TURNS.items():
                turns[title][who].append(run(who, job(count), state))
    return {title: {who: typical(ones) for who, ones in turn.items()} for title, turn in turns.items()}


def row(who: str, one: Measured, sdk: Measured, count: int) -> list[object]:
    return [who, one.seconds, one.seconds / sdk.seconds, one.cpu, one.cpu / count, one.mebibytes, len(one.requests)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="the typical of so many runs counts")
    parser.add_argument("--servers", type=int, nargs="+", default=[3, 20, 100])
    parser.add_argument("--here", action="store_true", help="in the sandbox that OS_CLIENT_CONFIG_FILE names")
    given = parser.parse_args()
    with nullcontext() if given.here else sandbox("full"):
        lab = Lab(PREFIX)
        lab.clear()  # what an interrupted benchmark left
        try:
            for count in given.servers:
                for title, turn in race(count, given.rounds).items():
                    rows = [row(who, one, turn[SDK], count) for who, one in turn.items()]
                    show(f"{title} {count} servers", HEAD, rows)
        finally:
            lab.clear()


if __name__ == "__main__":
    main()
