# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook and of the operators' command line clients."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
Task = dict[str, Any]
Json = dict[str, Any]

_RECAP = re.compile(r"^(\S+) +: (ok=\d+.*)$", re.MULTILINE)


def task(title: str, module: str, /, check: bool = False, proxy: str | None = None, **options: Any) -> Task:
    """One task. Whether it may fail is for the test to say, so the playbook goes on in any case."""
    written: Task = {"name": title, module: options, "ignore_errors": True}
    if check:
        written["check_mode"] = True
    if proxy:
        written["environment"] = {"http_proxy": proxy}
    return written


def cli_task(name: str, *command: str, cloud: str) -> Task:
    """A task that asks a command line client."""
    argv = [str(BIN / command[0]), "--os-cloud", cloud, *command[1:], "-f", "json"]
    return {"name": name, "ansible.builtin.command": {"argv": argv}, "changed_when": False}


@dataclass(frozen=True)
class Run:
    """A run that has ended: what it printed, and the result of each task on each host."""

    code: int
    stdout: str
    stderr: str
    records: tuple[Json, ...]

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    def __getitem__(self, name: str) -> Json:
        """The result of the task of that name, on the only host that ran it."""
        (result,) = self.hosts(name).values()
        return result

    def hosts(self, name: str) -> dict[str, Json]:
        """The results of the task of that name by host."""
        return {record["host"]: record["result"] for record in self.records if record["task"].rpartition(" : ")[2] == name}

    def shown(self, name: str) -> Any:
        """What a command line client answered in the task of that name."""
        return json.loads(self[name]["stdout"])

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """ansible-playbook's last lines: ok, changed, failed, ... by host."""
        return {
            host: {name: int(count) for name, count in (pair.split("=") for pair in counts.split())}
            for host, counts in _RECAP.findall(self.stdout.partition("PLAY RECAP")[2])
        }


class Ansible:
    """Runs playbooks with files, temporary ones included, in a folder of their own.

    Our modules run in Ansible's worker processes wherever they can, or each in a process of its own.
    """

    def __init__(self, folder: Path, in_process: bool = True) -> None:
        self.folder = folder
        self.in_process = in_process
        self._numbers = itertools.count()

    @property
    def temporary(self) -> list[Path]:
        """Where Ansible keeps its temporary files."""
        return [self.folder / "local", self.folder / "remote"]

    def file(self, name: str, content: object) -> Path:
        """A file for a run; JSON is YAML."""
        return self.file_at(self.folder / f"{next(self._numbers)}-{name}", content)

    @staticmethod
    def file_at(path: Path, content: object) -> Path:
        """A file at a place that the test chooses."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return path

    def tasks(self, *tasks: Task, arguments: Sequence[str] = ("--diff",), environment: Mapping[str, str] | None = None) -> Run:
        """Run tasks on this machine. A task that fails stops no other."""
        play = {"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}
        return self.playbook(str(self.file("play.yml", [play])), *arguments, environment=environment)

    def inventory(self, hosts: Mapping[str, Json], **variables: object) -> Path:
        """An inventory of bare-metal nodes, as `make sandbox` writes one."""
        everywhere = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "baremetal_deploy_cloud": "sandbox-system",
            "baremetal_deploy_volume_cloud": "sandbox",
            **variables,
        }
        return self.file("inventory.json", {"baremetal": {"hosts": dict(hosts), "vars": everywhere}})

    def playbook(self, playbook: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
        """Run a playbook to its end."""
        started = self.start(playbook, *arguments, environment=environment)
        stdout, stderr = started.process.communicate(timeout=900)
        return Run(started.process.returncode, stdout, stderr, started.records())

    def start(self, playbook: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Started:
        """Start a playbook in a process group of its own."""
        records = self.folder / f"{next(self._numbers)}-records.jsonl"
        process = subprocess.Popen(
            [BIN / "ansible-playbook", playbook, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment(records) | (environment or {}),
            start_new_session=True,
        )
        return Started(process, records)

    def read_inventory(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ansible-inventory to its end."""
        return subprocess.run(
            [BIN / "ansible-inventory", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=self.folder,
            env=self._environment(self.folder / "none.jsonl") | (environment or {}),
        )

    def _environment(self, records: Path) -> dict[str, str]:
        local, remote = self.temporary
        names = ("HOME", "LANG", "OS_CLIENT_CONFIG_FILE", "ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return kept | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_LOCAL_TEMP": str(local),
            "ANSIBLE_REMOTE_TEMP": str(remote),
            "ANSIBLE_ASYNC_DIR": str(self.folder / "async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "records",
            "ANSIBLE_INJECT_INVOCATION": "true",  # as before ansible-core 2.21
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "BFV_IN_PROCESS": str(self.in_process).lower(),
            "BFV_RECORDS": str(records),
        }


@dataclass(frozen=True)
class Started:
    """A run on its way."""

    process: subprocess.Popen[str]
    path: Path

    def records(self) -> tuple[Json, ...]:
        """The results up to now."""
        return tuple(map(json.loads, self.path.read_text(encoding="utf-8").splitlines())) if self.path.exists() else ()


def cli(cloud: str, *command: str) -> Any:
    """What a command line client answers."""
    return json.loads(cli_text(cloud, *command, "-f", "json"))


def cli_text(cloud: str, *command: str) -> str:
    """What a command line client prints."""
    argv = [str(BIN / command[0]), "--os-cloud", cloud, *command[1:]]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"{' '.join(argv)}: {ended.stderr}"
    return ended.stdout
