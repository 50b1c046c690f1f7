# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there as an inventory, written to a file as its reader would do it, and played."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from .lab import Json
from .runs import Ansible, Run


@dataclass(frozen=True)
class Adoption:
    """An inventory plugin, and the file that ansible-inventory makes of what it tells."""

    ansible: Ansible
    configuration: Path
    file: Path

    def write(self) -> str:
        """Make the file, and give its text."""
        words = ("-i", str(self.configuration), "--list", "--yaml", "--output", str(self.file))
        ended = self.ansible.read_inventory(*words)
        assert ended.returncode == 0, ended.stderr
        assert "WARNING" not in ended.stderr
        return self.file.read_text(encoding="utf-8")

    @property
    def groups(self) -> dict[str, Json]:
        return {name: one["hosts"] for name, one in yaml.safe_load(self.file.read_text())["all"]["children"].items()}

    def play(self, playbook: str, *arguments: str, **variables: object) -> Run:
        return self.ansible.playbook(playbook, "-i", str(self.file), "-e", json.dumps(variables), *arguments)


def adoption(ansible: Ansible, plugin: str, **options: object) -> Adoption:
    given = {"plugin": f"bfv.openstack.{plugin}", **options}
    configuration = ansible.file(f"now.{plugin}.yml", given)
    return Adoption(ansible, configuration, configuration.with_suffix(".adopted.yml"))
