# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the module conductor_info. It runs on the conductor's host, with nothing but Python's own library, and changes nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from ..module import Module
from ..values.errors import BfvError, Refused
from . import files, process

OPTIONS: dict[str, dict[str, Any]] = {"service": {"type": "str"}}
_PYTHON = "/usr/bin/python3"


def run() -> None:
    module = Module(OPTIONS)
    try:
        module.exit_json(changed=False, **_look(module.params["service"]))
    except BfvError as error:
        module.fail_json(msg=str(error), changed=False)
    except OSError as error:
        module.fail_json(msg=f"Failed to read {error.filename}: {error.strerror}.", changed=False)


def _look(service: str | None) -> dict[str, Any]:
    unit = process.only([_unit(name) for name in ([service] if service else process.UNITS)])
    words = process.command(_of(unit.pid, "cmdline")) if unit.pid else unit.starts
    # of what it was not told, that which is called like the program is read where it is there
    reads = [one for one in process.reads(words) if not process.is_of_program(one, words) or os.path.exists(one)]
    options = files.read("/dev/null", reads, own=False).options
    environment = process.set_by_environment(_environment(unit))
    return {
        "service": unit.name,
        "running": unit.is_active,
        "user": unit.user,
        "command": list(words),
        "python": _python(words),
        "config_files": [one for one in process.config_files(words) if one in reads],
        "config_dirs": [one for one in process.config_dirs(words) if one in reads],
        "reads": reads,
        "environment": [f"[{section}] {name}" for section, name in environment],
        "log_file": process.log_file(words, options),
    }


def _unit(name: str) -> process.Unit:
    command = ["systemctl", "show", f"--property={','.join(process.PROPERTIES)}", "--", name]
    try:
        # An AnsibleModule has run_command, and there is none on this floor.
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})  # pylint: disable=ansible-bad-function
    except OSError as error:
        raise Refused(
            f"Failed to find the conductor: systemctl cannot be run ({error.strerror}). Without systemd, restart it by a command of your own."
        ) from error
    if done.returncode:
        raise Refused(f"Failed to find the conductor: systemctl says «{done.stderr.strip()}».")
    return process.unit(name, done.stdout)


def _environment(unit: process.Unit) -> Iterable[str]:
    """That of the process. The unit's own, where none runs, or the kernel shows it to nobody else (in a container without CAP_SYS_PTRACE)."""
    try:
        return _of(unit.pid, "environ").split("\0") if unit.pid else unit.environment
    except PermissionError:
        return unit.environment


def _of(pid: int, what: str) -> str:
    return Path("/proc", str(pid), what).read_text(encoding="utf-8", errors="surrogateescape")


def _python(words: tuple[str, ...]) -> str:
    """The Python that runs it: the one that stands before it, or beside it as in a virtual environment."""
    if words and PurePosixPath(words[0]).name.startswith("python"):
        return words[0]
    beside = str(PurePosixPath(process.program(words)).with_name("python3")) if words else _PYTHON
    return beside if os.path.exists(beside) else _PYTHON
