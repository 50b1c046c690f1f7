# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of processes: everybody on a machine may read them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def watching_arguments() -> Iterator[set[str]]:
    """Collects the arguments of all processes while the block runs."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for arguments in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(arguments.read_text(errors="replace").replace("\0", " "))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it has ended meanwhile

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
