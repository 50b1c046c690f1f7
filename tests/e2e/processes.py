# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that end with the tests, however these end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..integration.waiting import until

# In the environment of all that the tests start, with the folder that they work in.
MARK = "BFV_E2E"


def end_leftovers(folder: Path) -> None:
    """End what an earlier run has left, if it was killed: the services of the sandbox, and dnsmasq, whom the kernel does not end with us."""
    mark = f"{MARK}={folder}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        # It may end meanwhile.
        with suppress(OSError):
            if mark in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


class Process:
    """A child in a session of its own: Ctrl-C reaches the tests alone, which then end things in their order."""

    def __init__(self, argv: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                # The kernel ends the child if the tests are killed.
                ["setpriv", "--pdeathsig", "KILL", *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._log = log

    def wait_for(self, what: str, look: Callable[[], bool]) -> None:
        """Wait until the process does its work."""

        def works() -> bool:
            assert self.runs, f"{what}: it has ended. {self._log}: {self._log.read_text(encoding='utf-8')[-2000:]}"
            return look()

        until(what, works)

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    def end(self) -> None:
        """Pull the plug. Nothing here has anything to lose, and tgtd ignores all other signals as long as it has targets."""
        self._child.kill()
        self._child.wait()
