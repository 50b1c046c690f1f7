# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of the field: qemu-img with its iSCSI driver, and libiscsi's. No initiator of the kernel, and no root, is needed.

Each ends with this process, so that nobody goes on writing for a run that was killed. A password goes to a program through its
environment or through memory that it inherits, and is in no argument and in no file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ..values.errors import BfvError, Refused
from . import address

Told = Callable[[float], None]  # gets the percentage that is done

# Of a program the package, in Debian's family, in Fedora, and in SUSE's family. qemu's drivers are packages of their own.
_PACKAGES = {
    "qemu-img": ("qemu-utils and qemu-block-extra", "qemu-img and qemu-block-iscsi", "qemu-img and qemu-block-iscsi"),
    "iscsi-inq": ("libiscsi-bin", "libiscsi-utils", "libiscsi-utils"),
    "setpriv": ("util-linux", "util-linux", "util-linux"),
}
_NO_DRIVER = re.compile(r"Unknown (?:driver|protocol) '?iscsi'?")
_PERCENT = re.compile(rb"\((\d+\.\d+)/100%\)")
_WITH_ME = ("setpriv", "--pdeathsig", "KILL")
_LOOK = 0.02  # seconds between two looks at what it says
_SAME, _DIFFERENT = 0, 1  # what qemu-img compare ends with


class Deadline:
    """When all of a run has to be done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(self._end - time.monotonic(), 0.0)


class TooLate(BfvError):
    """The time is over."""


def check() -> None:
    """Raise Refused where a program is missing, with the packages that have it."""
    missing = [program for program in _PACKAGES if shutil.which(program) is None]
    if missing:
        raise Refused(f"Failed to reach any LUN: {' and '.join(missing)} cannot be found on this host. {_install(missing)}")


def _install(programs: Collection[str]) -> str:
    families = ("Debian and Ubuntu", "Fedora", "SUSE")
    packages = [" and ".join(dict.fromkeys(_PACKAGES[one][family] for one in programs)) for family in range(len(families))]
    return f"Install {', '.join(f'{names} ({family})' for family, names in zip(families, packages, strict=True))}."


@dataclass(frozen=True)
class Done:
    """What a program of libiscsi has said."""

    status: int
    said: str


def libiscsi(program: str, place: address.Address, portal: str, deadline: Deadline, *options: str) -> Done:
    """Run one of libiscsi's programs against a LUN at one of its portals."""
    command = [*_WITH_ME, program, "-i", place.initiator, *options, place.url(portal)]
    environment = {**os.environ, "LC_ALL": "C", **place.environment}
    try:
        # An AnsibleModule has run_command, and there is none on this floor.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=deadline.left,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Done(1, "no answer")
    return Done(done.returncode, done.stdout.decode(errors="replace").strip())


@contextmanager
def memory(data: bytes = b"", size: int = 0) -> Iterator[int]:
    """A file in memory, that has no name, for a program to inherit."""
    file = os.memfd_create("bfv", 0)
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(data)
        os.truncate(file, max(len(data), size))
        yield file
    finally:
        os.close(file)


def in_memory(file: int) -> dict[str, Any]:
    return {"driver": "raw", "file": {"driver": "file", "filename": str(Path("/dev/fd", str(file)))}}


def part(of: Mapping[str, Any], start: int, size: int) -> dict[str, Any]:
    """A part of a disk as a disk of its own."""
    return {"driver": "raw", "offset": start, "size": size, "file": of}


def zeros(size: int) -> dict[str, Any]:
    return {"driver": "raw", "file": {"driver": "null-co", "size": size, "read-zeroes": True}}


class Copier:
    """qemu-img, with the password of one LUN."""

    def __init__(self, password: str | None, deadline: Deadline) -> None:
        self._password = password
        self._deadline = deadline

    def copy(
        self, what: str, source: Any, sink: Any, *, is_zero: bool = False, files: Collection[int] = (), told: Told | None = None
    ) -> None:
        """Write one disk to another, which has it when this returns. ``is_zero``: there is nothing on the sink."""
        # writeback: what it has written is on the disk at the end. (By default nothing is flushed.)
        options = ["-n", "-p", "-t", "writeback", "-O", "raw", *(["--target-is-zero"] if is_zero else [])]
        status, said = self._run(what, "convert", [*options, _written(source), _written(sink)], files, told)
        if status:
            raise self._failed(what, said)

    def is_same(self, what: str, one: Any, other: Any, told: Told | None = None) -> bool:
        """Whether two disks are equal, byte by byte. It ends at the first difference."""
        status, said = self._run(what, "compare", ["-p", _written(one), _written(other)], (), told)
        if status not in (_SAME, _DIFFERENT):
            raise self._failed(what, said)
        return status == _SAME

    def _run(self, what: str, command: str, options: list[str], files: Collection[int], told: Told | None) -> tuple[int, str]:
        with memory((self._password or "").encode()) as secret:
            words = [*_WITH_ME, "qemu-img", command]
            if self._password is not None:
                words += ["--object", f"secret,id={address.SECRET},file=/dev/fd/{secret}"]
            # An AnsibleModule has run_command, and there is none on this floor.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [*words, *options],
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[secret, *files],
            )
            with process:
                try:
                    return self._end(what, process, told)
                finally:
                    process.kill()

    def _end(self, what: str, process: subprocess.Popen[bytes], told: Told | None) -> tuple[int, str]:
        """Wait for qemu-img, and tell how far it is. How it ended, and its last words."""
        stdout, stderr = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)  # pipes, both
        os.set_blocking(stdout.fileno(), False)
        last = b""
        while process.poll() is None:
            if not self._deadline.left:
                raise TooLate(
                    f"Failed to {what}: it took longer than {self._deadline.seconds:.0f} s. Raise timeout, and run again."
                )
            time.sleep(_LOOK)
            last = (last + (stdout.read() or b""))[-200:]
            if told and (percents := _PERCENT.findall(last)):
                told(float(percents[-1]))
        return process.returncode, stderr.read().decode(errors="replace")

    def _failed(self, what: str, said: str) -> BfvError:
        if _NO_DRIVER.search(said):
            return Refused(f"Failed to {what}: qemu-img has no driver for iSCSI. {_install(['qemu-img'])}")
        # Its words begin with all that it was told.
        why = said.strip().splitlines()[-1].rpartition("}': ")[2] if said.strip() else "it said nothing"
        return BfvError(f"Failed to {what}: qemu-img says «{why.removeprefix('qemu-img: ')}». Look at the array, and run again.")


def _written(disk: Any) -> str:
    return f"json:{json.dumps(disk)}"
