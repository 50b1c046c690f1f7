# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox that these tests run against: what its services may do on this machine."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    path = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "etc" / "sandbox.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def supervised(settings: dict[str, Any]) -> list[Path]:
    """supervisord and all that it has started, and what those have: each has the mark of the sandbox but supervisord, which has a file."""
    mark = f"BFV_SANDBOX={settings['base']}".encode()
    found = [Path("/proc") / (Path(settings["run"]) / "supervisord.pid").read_text(encoding="utf-8").strip()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if mark in environment.split(b"\0"):
            found.append(process)
    return found


def users(processes: list[Path]) -> set[str]:
    """Whom the processes run as, by all four of the user numbers that the kernel keeps."""
    numbers = set()
    for process in processes:
        (line,) = (line for line in (process / "status").read_text(encoding="utf-8").splitlines() if line.startswith("Uid:"))
        numbers.update(map(int, line.split()[1:]))
    return {pwd.getpwuid(number).pw_name for number in numbers}


def nobody_can(*command: str | Path) -> bool:
    """By way of env, which has none of root's rights left."""
    identity = ["--reuid=nobody", f"--regid={pwd.getpwnam('nobody').pw_gid}", "--clear-groups"]
    return subprocess.run(["setpriv", *identity, "env", *command], check=False, cwd="/", capture_output=True).returncode == 0


def test_no_service_runs_as_root_unless_no_other_account_can_get_to_it(settings: dict[str, Any]) -> None:
    processes = supervised(settings)
    assert len(processes) > len(settings["services"])
    expected = pwd.getpwuid(os.getuid()).pw_name
    # Looked at without the role: the checkout, and a Python of our version.
    python = "/usr/bin/python{}.{}".format(*sys.version_info[:2])
    has_python = any(nobody_can(each, "-c", "import ensurepip") for each in (Path(sys.executable).resolve(), python))
    if os.getuid() == 0 and nobody_can("test", "-x", REPOSITORY) and has_python:
        expected = "nobody"
    assert users(processes) == {expected}


def test_what_the_services_write_is_their_accounts_and_what_they_run_is_not(settings: dict[str, Any]) -> None:
    account, us = pwd.getpwnam(settings["user"]).pw_uid, os.getuid()
    base = Path(settings["base"])
    assert {(base / name).stat().st_uid for name in ("data", "ironic", "lock", "log")} == {account}
    ours = [base, base / "etc", *(base / "etc").iterdir(), base / "secrets", base / "clouds.yaml", Path(settings["venv"])]
    assert {path.stat().st_uid for path in ours} == {us}
    assert [path for path in ours if path.stat().st_mode & 0o022] == []


def test_what_holds_passwords_is_closed_to_others(settings: dict[str, Any]) -> None:
    base = Path(settings["base"])
    assert [name for name in ("secrets", "clouds.yaml") if (base / name).stat().st_mode & 0o077] == []
    assert [name for name in ("data", "etc", "ironic", "log") if (base / name).stat().st_mode & 0o007] == []
