# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in foul weather: of all answers a fifth is bad, and one run each deploys and removes ten nodes that boot from volumes of Cinder.

    python -m tests.bench.weather [--nodes 10] [--share 0.2] [--seed 1]

Bad is: a lock in Ironic's words, 500, 503, a reset, an answer that is cut, one that never comes; before the service was asked or after
it has done what it was asked for. The first turn is in fair weather.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..integration.lab import IMAGE, PROJECT, SYSTEM, Lab, Node
from ..integration.proxy import Proxy
from ..integration.runs import Ansible, Json, task
from ..integration.weather import Weather
from .sandbox import sandbox
from .table import show

PREFIX = "bench-"
MOST_RUNS = 20
STALL, PATIENCE = (
    20.0,
    15,
)  # seconds: how long an answer stays away, and how long the client waits for it. A busy service needs some
HEAD = ["turn", "runs", "faults", "requests", "seconds"]


@dataclass
class Turn:
    """What it took to bring the nodes to a state."""

    state: str
    runs: int = 0
    requests: int = 0
    seconds: float = 0.0
    strikes: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)  # by the runs that failed

    @property
    def faults(self) -> int:
        return self.strikes.total()


def turn(lab: Lab, ansible: Ansible, nodes: list[Node], state: str, weather: Weather) -> Turn:
    """Run until a run does not fail."""
    took = Turn(state, strikes=weather.strikes)
    options: Json = {"cloud": SYSTEM, "volume_cloud": PROJECT, "api_timeout": PATIENCE, "timeout": 900, "state": state}
    entries = [
        {
            "node": node.name,
            "storage_interface": "cinder",
            "iscsi_boot": True,
            "volumes": [{"name": f"{node.name}-root", "image": IMAGE}],
        }
        for node in nodes
    ]
    began = time.monotonic()
    while took.runs < MOST_RUNS:
        with weather.over(Proxy(lab.services)) as proxy:
            run = ansible.tasks(
                task("fleet", "bfv.openstack.baremetal_fleet", nodes=entries, volumes_on_undeploy="delete", **options),
                environment=proxy.environment,
            )
        took.runs += 1
        took.requests += len(proxy.requests)
        if not run["fleet"].get("failed"):
            break
        took.said.append(str(run["fleet"]["msg"]))
    took.seconds = time.monotonic() - began
    return took


def wrongs(lab: Lab, nodes: list[Node], state: str) -> list[str]:
    """What is there otherwise than it should be: too often, too seldom, elsewhere."""
    expected = 1 if state == "deployed" else 0
    said = []
    for node in nodes:
        volumes = lab.volumes(f"{node.name}-root")
        counts = {"volumes": len(volumes), "targets": len(lab.targets(node)), "connectors": len(lab.connectors(node))}
        said += [f"{node.name}: {count} {what}" for what, count in counts.items() if count != expected]
        at = lab.look(node)["provision_state"]
        if at != ("active" if expected else "available"):
            said.append(f"{node.name}: {at}")
        if expected and [one["server_id"] for volume in volumes for one in volume["attachments"]] != [node.uuid]:
            said.append(f"{node.name}: its volume is attached to {[volume['attachments'] for volume in volumes]}")
    return said


def measure(lab: Lab, ansible: Ansible, nodes: list[Node], share: float, seed: int) -> list[Turn]:
    """Deploy and remove the nodes in this weather. Ends where something is otherwise than it should be."""
    turns = []
    for number, state in enumerate(("deployed", "absent")):
        turns.append(turn(lab, ansible, nodes, state, Weather(share, seed + number, STALL)))
        if found := wrongs(lab, nodes, state):
            raise SystemExit(f"{state}, seed {seed}: {'; '.join(found)}; {turns[-1].said}")
    return turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.2, help="of the answers that are bad")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    with sandbox(), tempfile.TemporaryDirectory() as folder:
        lab = Lab(PREFIX)
        lab.clear()  # what an interrupted benchmark left
        try:
            ansible = Ansible(Path(folder))
            nodes = lab.nodes(*(f"n{number:02}" for number in range(given.nodes)))
            fair = measure(lab, ansible, nodes, 0.0, given.seed)
            foul = measure(lab, ansible, nodes, given.share, given.seed)
        finally:
            lab.clear()
    title = f"{given.nodes} nodes, {given.share:.0%} of all answers bad, seed {given.seed}"
    rows = [(f"{one.state}, {name}", one) for name, ones in (("fair", fair), ("foul", foul)) for one in ones]
    show(title, HEAD, [[name, one.runs, one.faults, one.requests, one.seconds] for name, one in rows])
    print("bad answers: " + ", ".join(f"{count} {kind}" for kind, count in sorted((foul[0].strikes + foul[1].strikes).items())))
    failed = [said for one in foul for said in one.said]
    if failed:
        raise SystemExit("more than one run: " + "\n".join(failed))


if __name__ == "__main__":
    main()
