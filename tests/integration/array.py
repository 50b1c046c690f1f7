# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An external array: a tgtd that exports LUNs with CHAP, of which OpenStack knows only what the inventory says."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from .waiting import until

PORT = 3260
# LUN 0 of every tgt target is its controller.
LUN = 1


@dataclass(frozen=True)
class Lun:
    """A disk of the array, and who may use it."""

    iqn: str
    username: str
    password: str
    portals: tuple[str, ...]

    def target(self, **others: object) -> dict[str, Any]:
        """The LUN as an item of baremetal_deploy_targets."""
        portals = {"target_portal": self.portals[0]} if len(self.portals) == 1 else {"target_portals": list(self.portals)}
        return {
            "boot_index": 0,
            "volume_id": str(uuid4()),
            "target_iqn": self.iqn,
            **portals,
            "target_lun": LUN,
            "chap_username": self.username,
            "chap_password": self.password,
            **others,
        }

    @property
    def address(self) -> dict[str, Any]:
        """The LUN as options of iscsi_lun."""
        return {
            "portals": list(self.portals),
            "iqn": self.iqn,
            "lun": LUN,
            "chap_username": self.username,
            "chap_password": self.password,
        }


class Array:
    def __init__(self, socket_path: Path, addresses: Sequence[str]) -> None:
        self._environment = {**os.environ, "TGT_IPC_SOCKET": str(socket_path)}
        self._targets = 0
        self.portals = tuple(f"{address}:{PORT}" for address in addresses)

    def export(self, name: str, disk: Path, initiator: str | None = None, chap: tuple[str, str] | None = None) -> Lun:
        """Export a raw disk under an IQN of its own, with a user and a password of its own, to one initiator or to all."""
        self._targets += 1
        number = str(self._targets)
        user, password = chap or (f"array-{name}", secrets.token_hex(8))
        lun = Lun(f"iqn.2010-10.org.example:array.{name}", user, password, self.portals)
        self._ask("target", "new", "--tid", number, "--targetname", lun.iqn)
        self._ask("logicalunit", "new", "--tid", number, "--lun", str(LUN), "--backing-store", str(disk))
        self._ask("account", "new", "--user", lun.username, "--password", lun.password)
        self._ask("account", "bind", "--tid", number, "--user", lun.username)
        admitted = ("--initiator-name", initiator) if initiator else ("--initiator-address", "ALL")
        self._ask("target", "bind", "--tid", number, *admitted)
        return lun

    def open(self, portal: str) -> None:
        self._ask("portal", "new", "--param", f"portal={portal}")

    def close(self, portal: str) -> None:
        """No new session is made there."""
        self._ask("portal", "delete", "--param", f"portal={portal}")

    def _ask(self, mode: str, operation: str, *words: str) -> None:
        argv = ["tgtadm", "--lld", "iscsi", "--mode", mode, "--op", operation, *words]
        subprocess.run(argv, env=self._environment, check=True)


@contextmanager
def running(folder: Path, addresses: Sequence[str], log: Path) -> Iterator[Array]:
    """The array at the addresses, as long as the `with` block runs."""
    # tgtd appends the number of its control port.
    socket_path = folder / "tgtd"
    with log.open("ab") as output:
        process = subprocess.Popen(
            # The kernel ends it if the tests are killed. tgtd takes one portal when it starts.
            ["setpriv", "--pdeathsig", "KILL", "tgtd", "--foreground", "--iscsi", f"portal={addresses[0]}:{PORT}"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TGT_IPC_SOCKET": str(socket_path)},
            start_new_session=True,
        )
    try:
        until("the array's tgtd to answer", lambda: process.poll() is not None or _answers(folder / "tgtd.0"))
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        array = Array(socket_path, addresses)
        for portal in array.portals[1:]:
            array.open(portal)
        yield array
    finally:
        # It ignores all other signals as long as it has targets.
        process.kill()
        process.wait()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
