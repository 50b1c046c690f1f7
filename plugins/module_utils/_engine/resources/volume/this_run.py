# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process a run is, and whether that of an earlier one has ended: told only of processes of this very kernel."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_ENDED = ("Z", "X")  # proc(5), state
_STARTED = 19  # of the words behind the process's name: proc(5), starttime
_LAST = 2**22  # no process has a higher number: proc(5), pid_max


@dataclass(frozen=True)
class Process:
    """A process of a kernel since its boot, as one text. ``space``: numbers of processes mean something in there alone."""

    host: str
    boot: str
    space: str
    number: int
    started: str

    @property
    def text(self) -> str:
        return f"{self.host} {self.boot} {self.space} {self.number} {self.started}"


def this() -> Process:
    number = os.getpid()
    return Process(platform.node()[:64].replace(" ", "-"), _boot(), _space(), number, _started(number) or "?")


def read(text: str) -> Process | None:
    """The process that a text tells of. None where it tells of none."""
    words = text.split(" ")
    if len(words) != 5 or not words[3].isdecimal() or not 0 < int(words[3]) <= _LAST:
        return None
    return Process(words[0], words[1], words[2], int(words[3]), words[4])


def has_ended(process: Process) -> bool | None:
    """Whether it has ended.

    None where that cannot be known from here: it is of another host, this one has booted since, or the kernel shows this user no
    process of another one (proc(5), hidepid).
    """
    if (process.boot, process.space) != (_boot(), _space()):
        return None
    started = _started(process.number)
    if started is None and _is_hidden(process.number):
        return None
    return started != process.started


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _space() -> str:
    return str((_PROC / "self/ns/pid").stat().st_ino)


def _started(number: int) -> str | None:
    """When a process was started. None where there is none, or where it has ended and nobody has asked for its end yet (a zombie)."""
    try:
        words = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if words[0] in _ENDED else words[_STARTED]


def _is_hidden(number: int) -> bool:
    """Whether a process has the number, and it is another user's: signal 0 asks for the permission alone (kill(2))."""
    try:
        os.kill(number, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        pass
    return False
