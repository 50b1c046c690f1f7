# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
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
FLOOR, OURS, SDK, PEERS, CLI = "floor", "bfv.openstack", "openstacksdk, sequential", "openstack.cloud + CLI", "baremetal CLI"
QUIET = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "ANSIBLE_NOCOLOR": "true"}


def run(who: str, job: Json, state: str) -> Measured:
    """Have the contestant do the job."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = _write(folder / "job.json", job)
        if who == OURS:
            play = CONTESTANTS / "bfv.yml"
            return measure([BIN / "ansible-playbook", play, "-e", f"@{path}", "-e", f"state={state}"], job["cloud"], QUIET)
        if who == PEERS:
            clouds = _write(folder / "clouds.yaml", {"clouds": {"bench": job["cloud"]}})
            play = [CONTESTANTS / "openstack_cloud.yml", "-i", _write(folder / "hosts.json", _inventory(job))]
            environment = {**QUIET, "OS_CLIENT_CONFIG_FILE": str(clouds)}
            return measure([BIN / "ansible-playbook", *play, "-e", f"state={state}"], job["cloud"], environment)
        module = {FLOOR: "floor", SDK: "sdk", CLI: "cli"}[who]
        return measure([sys.executable, "-m", f"tests.bench.contestants.{module}", path, state], job["cloud"])


def _inventory(job: Json) -> Json:
    hosts = {
        name: {
            "want": want,
            "mac": mac(number),
            "properties": [word for key, value in want["properties"].items() for word in ("--property", f"{key}={value}")],
        }
        for number, (name, want) in enumerate(job["nodes"].items())
    }
    return {"all": {"hosts": hosts, "vars": {"cloud": "bench", "ansible_python_interpreter": sys.executable}}}


def _write(path: Path, content: Mapping[str, object]) -> Path:
    path.touch(mode=0o600)  # it holds the password of the cloud's admin
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    return path


def typical(runs: list[Measured]) -> Measured:
    """The run of the median time."""
    return sorted(runs, key=lambda one: one.seconds)[(len(runs) - 1) // 2]
