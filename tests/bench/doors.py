# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs that finds nothing to do: in Ansible's worker process, in a process of its own, and with openstack.cloud.

    python -m tests.bench.doors [--hosts 20 100]

Every host of a play has one task that looks at the same node. From what ansible-playbook takes, processor time of all of its
processes, the same play without a task is taken away; the rest is divided by the number of hosts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from .measure import Measured, measure
from .raw import Json
from .sandbox import SYSTEM, sandbox, system_cloud
from .table import show

NODE = "bm-0"
OURS = {"bfv.openstack.baremetal_node_storage": {"cloud": SYSTEM, "node": NODE}}
WORKER, PROCESS, NEIGHBOUR, ANSIBLE = "in the worker", "own process", "openstack.cloud", "debug: Ansible alone"
TASKS: dict[str, Json] = {
    ANSIBLE: {"ansible.builtin.debug": {}},
    WORKER: OURS,
    PROCESS: {**OURS, "vars": {"bfv_in_process": False}},
    NEIGHBOUR: {"openstack.cloud.baremetal_node_info": {"cloud": SYSTEM, "name": NODE}},
}
HEAD = ["", "CPU s a task", "wall s a task", "times the worker's CPU", "requests a task"]


def play(hosts: int, tasks: list[Json]) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"all": {"hosts": {f"host{number}": {} for number in range(hosts)}, "vars": here}}
        (folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
        playbook = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (folder / "play.json").write_text(json.dumps(playbook), encoding="utf-8")
        command = ["ansible-playbook", folder / "play.json", "-i", folder / "hosts.json"]
        return measure(command, system_cloud(), {"ANSIBLE_FORKS": "2"})


def compare(hosts: int) -> None:
    idle = play(hosts, [])
    costs = {}
    for who, task in TASKS.items():
        busy = play(hosts, [task])
        costs[who] = [one / hosts for one in (busy.cpu - idle.cpu, busy.seconds - idle.seconds, len(busy.requests))]
    show(
        f"{hosts} hosts",
        HEAD,
        [[who, cpu, wall, cpu / costs[WORKER][0], requests] for who, (cpu, wall, requests) in costs.items()],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[20, 100])
    given = parser.parse_args()
    with sandbox():
        for hosts in given.hosts:
            compare(hosts)


if __name__ == "__main__":
    main()
