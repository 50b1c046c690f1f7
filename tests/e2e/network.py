# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A network namespace of the tests' own, with the bridge that the machines hang on.

The process enters it, so that all that the tests start is in there, and nothing else is: what is left in it at the end was started by the
tests. The kernel removes the namespace, and every device in it, with its last process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from ..integration.waiting import until

# For documentation (RFC 5737): these addresses mean nothing to anybody outside of the namespace.
SUBNET = "192.0.2.0/24"
HOST = "192.0.2.1"  # OpenStack, the boot server and the machines' management
ARRAY = ("192.0.2.2", "192.0.2.3")  # storage that OpenStack knows nothing of, at two portals
BRIDGE = "bfv"

CLONE_NEWNET = 0x40000000  # linux/sched.h; Python has os.unshare and os.setns since 3.12
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """Inside is where its `with` block runs."""

    def __enter__(self) -> Network:
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _succeed(_libc.unshare(CLONE_NEWNET), "make a network namespace")
        _ip("link", "set", "lo", "up")
        _ip("link", "add", BRIDGE, "type", "bridge")
        for address in (HOST, *ARRAY):
            _ip("address", "add", f"{address}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _end_processes()
        _succeed(_libc.setns(self._outside, CLONE_NEWNET), "leave the network namespace")
        os.close(self._outside)

    def tap(self, name: str) -> None:
        """A network card for a machine."""
        _ip("tuntap", "add", "dev", name, "mode", "tap")
        _ip("link", "set", name, "master", BRIDGE, "up")

    @contextmanager
    def unplugged(self, name: str) -> Iterator[None]:
        """Without a network, and so without its array, as long as the `with` block runs."""
        _ip("link", "set", name, "nomaster")
        try:
            yield
        finally:
            _ip("link", "set", name, "master", BRIDGE)

    @contextmanager
    def without(self, address: str) -> Iterator[None]:
        """Nobody answers at an address of the array, as long as the `with` block runs."""
        _ip("address", "delete", f"{address}/24", "dev", BRIDGE)
        try:
            yield
        finally:
            _ip("address", "add", f"{address}/24", "dev", BRIDGE)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _succeed(code: int, what: str) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), f"Failed to {what}: {os.strerror(ctypes.get_errno())}")


def _end_processes() -> None:
    """End what an interrupted step has left. tgtd and mariadbd do not end by a gentler signal soon enough."""

    def gone() -> bool:
        others = list(_others())
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not others

    until("all processes of the network namespace to end", gone, timeout=30)


def _others() -> Iterator[int]:
    ours = os.readlink("/proc/thread-self/ns/net")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # A process that has ended but was not waited for has no namespace any more.
            inside = os.readlink(process / "ns" / "net") == ours
        except OSError:
            continue
        if inside and int(process.name) != os.getpid():
            yield int(process.name)
