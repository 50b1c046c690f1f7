# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the role sandbox, and the role itself, as tests run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.bfv.openstack.tests.unit.programs import ansible

ROLE = Path(__file__).resolve().parents[2] / "roles" / "sandbox"
LIB = ROLE / "files" / "lib"


def program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"bfv_sandbox.{name}", *map(str, arguments)]
    return subprocess.run(command, env={"PYTHONPATH": str(LIB)}, capture_output=True, text=True, check=False)


def play(
    folder: Path,
    entry: str,
    variables: dict[str, Any],
    environment: dict[str, str] | None = None,
    found: dict[str, Any] | None = None,
) -> tuple[int, str]:
    """Run the role: how it ended, and what it printed, in one line. `found` is in place of what the role finds out by itself."""
    role = {"ansible.builtin.include_role": {"name": "bfv.openstack.sandbox", "tasks_from": entry}, "vars": found or {}}
    given = {"sandbox_dir": str(folder / "sandbox"), "sandbox_install_packages": False, **variables}
    playbook = folder / "play.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [role]}]))
    command = [ansible("ansible-playbook"), playbook]
    surroundings = {**os.environ, **(environment or {})}
    done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, " ".join(done.stdout.split())


def refused(folder: Path, entry: str = "main", **variables: Any) -> str:
    """Run the role, which has to fail, and say what it printed."""
    code, printed = play(folder, entry, variables)
    assert code != 0
    return printed
