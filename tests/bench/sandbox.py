# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox for the benchmarks alone: thousands of nodes are in nobody's way there, and nobody is in theirs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from .raw import Json

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".cache" / "bench" / "sandbox"
SYSTEM = "sandbox-system"


@contextmanager
def sandbox(profile: str = "mini") -> Iterator[None]:
    """Start it, which takes a minute the first time, and stop it in the end. OS_CLIENT_CONFIG_FILE names its clouds."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FOLDER.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second benchmark waits until the first has ended
        _start(profile)
        try:
            yield
        finally:
            _run("bfv.openstack.sandbox_down")


def _start(profile: str) -> None:
    _run("bfv.openstack.sandbox", "-e", f"sandbox_profile={profile}", "-e", "sandbox_nodes=1", "-e", "sandbox_external_nodes=0")
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(FOLDER / "clouds.yaml")


def system_cloud() -> Json:
    """The cloud of Ironic's admin, in the sandbox that OS_CLIENT_CONFIG_FILE names."""
    clouds: Json = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))["clouds"]
    cloud: Json = clouds[SYSTEM]
    return cloud


def _run(playbook: str, *arguments: str) -> None:
    # The services of `make sandbox`, whether it runs or not.
    services = ["-e", f"sandbox_venv={REPOSITORY}/.sandbox/venv", "-e", f"sandbox_cache={REPOSITORY}/.sandbox/cache"]
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook, "-e", f"sandbox_dir={FOLDER}", *services, *arguments]
    ended = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stdout)
