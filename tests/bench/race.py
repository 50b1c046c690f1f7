# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contestants, and how one of them is started."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .measure import BIN, Measured, measure
from .nodes import mac
from .raw import Json

CONTESTANTS = Path(__file__).with_name("contestants")
FLOOR, OURS, ROLE = "floor", "baremetal_fleet", "role baremetal_deploy"
ANSIBLE = "debug: Ansible alone"  # a task for each host of the role's inventory that does nothing
SDK, PEERS, CLI = "openstacksdk, sequential", "openstack.cloud + CLI", "baremetal CLI"
HERE = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
QUIET = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "ANSIBLE_NOCOLOR": "true"}


def run(who: str, job: Json, state: str) -> Measured:
    """Have the contestant do the job."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write(folder / "job.json", job)
        if who == OURS:
            return _play(CONTESTANTS / "bfv.yml", "-e", f"@{path}", job=job, state=state)
        if who in (ROLE, ANSIBLE):
            hosts = write(folder / "hosts.json", _nodes_of_role(job))
            play = "bfv.openstack.site" if who == ROLE else CONTESTANTS / "debug.yml"
            return _play(play, "-i", hosts, "-e", f"baremetal_deploy_state={state}", job=job, state=state)
        if who == PEERS:
            clouds = write(folder / "clouds.yaml", {"clouds": {"bench": job["cloud"]}})
            hosts = write(folder / "hosts.json", _nodes_of_peers(job))
            play = CONTESTANTS / "openstack_cloud.yml"
            return _play(play, "-i", hosts, job=job, state=state, OS_CLIENT_CONFIG_FILE=str(clouds))
        module = {FLOOR: "floor", SDK: "sdk", CLI: "cli"}[who]
        return measure([sys.executable, "-m", f"tests.bench.contestants.{module}", path, state], job["cloud"])


def _play(play: Path | str, *arguments: Path | str, job: Json, state: str, **environment: str) -> Measured:
    command = [BIN / "ansible-playbook", play, *arguments, "-e", f"state={state}"]
    return measure(command, job["cloud"], {**QUIET, **environment})


def _nodes_of_role(job: Json) -> Json:
    """The inventory for the role: each node a host, as the sandbox writes one."""
    hosts = {
        entry["node"]: {
            "baremetal_deploy_storage_interface": entry["storage_interface"],
            "baremetal_deploy_targets": entry["targets"],
        }
        for entry in job["fleet"]
    }
    return {"baremetal": {"hosts": hosts, "vars": {"baremetal_deploy_cloud": job["cloud"], **HERE}}}


def _nodes_of_peers(job: Json) -> Json:
    """The inventory for openstack.cloud: each node a host with what its playbook asks for."""
    hosts = {
        name: {
            "want": want,
            "mac": mac(number),
            "properties": [word for key, value in want["properties"].items() for word in ("--property", f"{key}={value}")],
        }
        for number, (name, want) in enumerate(job["nodes"].items())
    }
    return {"all": {"hosts": hosts, "vars": {"cloud": "bench", **HERE}}}


def write(path: Path, content: Mapping[str, object]) -> Path:
    """The file with that content."""
    path.touch(mode=0o600)  # it holds the password of the cloud's admin
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    return path


def typical(runs: list[Measured]) -> Measured:
    """The run of the median time."""
    return sorted(runs, key=lambda one: one.seconds)[(len(runs) - 1) // 2]
