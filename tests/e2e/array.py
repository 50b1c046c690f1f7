# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The external array: a tgtd that exports LUNs with CHAP, of which OpenStack knows only what the inventory says."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from .network import ARRAY
from .processes import Process

PORT = 3260
# LUN 0 of every tgt target is its controller.
LUN = 1


@dataclass(frozen=True)
class Lun:
    """A disk of the array, and who may use it."""

    iqn: str
    username: str
    password: str

    def target(self, **others: object) -> dict[str, Any]:
        """The LUN as an item of baremetal_deploy_targets."""
        return {
            "boot_index": 0,
            "volume_id": str(uuid4()),
            "target_iqn": self.iqn,
            "target_portal": f"{ARRAY}:{PORT}",
            "target_lun": LUN,
            "chap_username": self.username,
            "chap_password": self.password,
            **others,
        }


class Array:
    def __init__(self, socket_path: Path) -> None:
        self._environment = {**os.environ, "TGT_IPC_SOCKET": str(socket_path)}
        self._targets = 0

    def export(self, name: str, disk: Path) -> Lun:
        """Export a raw disk under an IQN of its own, with a password of its own."""
        self._targets += 1
        number = str(self._targets)
        lun = Lun(f"iqn.2010-10.org.example:array.{name}", f"array-{name}", secrets.token_hex(8))
        self._ask("target", "new", "--tid", number, "--targetname", lun.iqn)
        self._ask("logicalunit", "new", "--tid", number, "--lun", str(LUN), "--backing-store", str(disk))
        self._ask("account", "new", "--user", lun.username, "--password", lun.password)
        self._ask("account", "bind", "--tid", number, "--user", lun.username)
        self._ask("target", "bind", "--tid", number, "--initiator-address", "ALL")
        return lun

    def _ask(self, mode: str, operation: str, *words: str) -> None:
        argv = ["tgtadm", "--lld", "iscsi", "--mode", mode, "--op", operation, *words]
        subprocess.run(argv, env=self._environment, check=True)


@contextmanager
def running(folder: Path, logs: Path) -> Iterator[Array]:
    """The array, as long as the `with` block runs."""
    # tgtd appends the number of its control port.
    socket_path = folder / "tgtd"
    argv = ["tgtd", "--foreground", "--iscsi", f"portal={ARRAY}:{PORT}"]
    process = Process(argv, logs / "array.log", {"TGT_IPC_SOCKET": str(socket_path)})
    try:
        process.wait_for("the array's tgtd to answer", lambda: _answers(folder / "tgtd.0"))
        yield Array(socket_path)
    finally:
        process.end()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
