# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all commands of the sandbox share: the settings that the role wrote, and how they talk to it.

A command prints one line `changed: ...` for each thing that it changed. It fails with one message on stderr.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

LOG_LINES = 15
POLL_SECONDS = 0.2


class Settings:
    """etc/sandbox.json, and the places that follow from it."""

    def __init__(self, path: str) -> None:
        self.values: dict[str, Any] = json.loads(Path(path).read_text())
        self.base = Path(self.values["base"])
        self.run = Path(self.values["run"])
        self.etc = self.base / "etc"
        self.bin = Path(self.values["venv"]) / "bin"
        self.cache = Path(self.values["cache"])
        self.services: dict[str, dict[str, Any]] = {service["name"]: service for service in self.values["services"]}

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def log_of(self, service: str) -> Path:
        return self.base / "log" / f"{service}.log"


def changed(what: str) -> None:
    print(f"changed: {what}", flush=True)


def fail(what: str) -> NoReturn:
    sys.exit(what)


def fail_service(settings: Settings, service: str, what: str) -> NoReturn:
    """End with the last lines of the service's log, and with its last critical error, which nearly always say why."""
    log = settings.log_of(service)
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    lines = [line for line in lines[:-LOG_LINES] if " CRITICAL " in line][-1:] + lines[-LOG_LINES:]
    fail("\n".join([f"Service {service} of the sandbox {what}. The end of {log}:", *(f"  {line}" for line in lines)]))


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False if it does not within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True
