# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of a contestant costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ..integration.proxy import Proxy, Request
from .raw import Json

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Measured:
    """``cpu`` is the client's user and system time in seconds, ``mebibytes`` the memory of its largest process."""

    seconds: float
    cpu: float
    mebibytes: float
    requests: tuple[Request, ...]

    @property
    def beyond_pages(self) -> int:
        """The requests, but for those of the second and each further page of a list."""
        return sum("marker" not in parse_qs(one.query) for one in self.requests)


def measure(command: Sequence[object], cloud: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end. All its requests go through a proxy, which counts them."""
    with tempfile.TemporaryDirectory() as folder, Proxy(_services(cloud)) as proxy:
        result = Path(folder) / "measured.json"
        ended = subprocess.run(
            [sys.executable, "-I", "-S", Path(__file__).with_name("launch.py"), result, *map(str, command)],
            cwd=REPOSITORY,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **(environment or {}), **proxy.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}: {ended.stdout}")
        measured: Json = json.loads(result.read_text(encoding="utf-8"))
        return Measured(**measured, requests=tuple(proxy.requests))


def _services(cloud: Mapping[str, object]) -> dict[str, str]:
    """Keystone by its name, so that tokens are told apart."""
    auth = cloud["auth"]
    assert isinstance(auth, dict)
    return {urlsplit(auth["auth_url"]).netloc: "identity"}
