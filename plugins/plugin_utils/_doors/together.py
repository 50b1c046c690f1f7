# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call for all hosts of a task, and each host takes its own result.

The process of the host that comes first makes the call, the others wait for it. So each host has a task with its own result, and none costs a call.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Together:
    """The calls of one task, in a folder that is the user's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def result_of(self, host: str, hosts: Collection[str], call: Callable[[list[str]], Mapping[str, Json]]) -> Json:
        """The host's own result: out of the call that has been made with it, or of a new one, which takes those of the others along that no call has had.

        ``hosts`` are all that may come, this one among them. ``call`` gets its hosts in their order, whichever process comes first, and gives
        the result of each. A host that comes a second time has a call made for itself. Where the process that
        makes a call is killed, the next one makes it.
        """
        with self._alone():
            left = self._taken(host)
            if left:
                return left
            results = call([one for one in hosts if one == host or not self._place(one).exists()])
            for one, result in results.items():
                self._leave(one, b"" if one == host else json.dumps(result).encode())
            return dict(results[host])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # The system lets go of the lock of a process that ends, however it ends.
        with (self._folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _taken(self, host: str) -> Json:
        """What a call has left for a host, once. What stays says that a call has had it."""
        place = self._place(host)
        if not place.exists():
            return {}
        left = place.read_bytes()
        self._leave(host, b"")
        return dict(json.loads(left or b"{}"))

    def _leave(self, host: str, content: bytes) -> None:
        place = self._place(host)
        beside = place.with_suffix(".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(content)
        beside.replace(place)

    def _place(self, host: str) -> Path:
        """A host may have any name."""
        return self._folder / hashlib.sha256(host.encode()).hexdigest()
