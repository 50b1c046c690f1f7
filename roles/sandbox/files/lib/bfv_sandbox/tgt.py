# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of tgtd's management socket.

`tgtadm` takes the CHAP password only as a command line argument, where every user of the machine can read it. So this
speaks tgtadm's own protocol (usr/tgtadm.h of tgt): one fixed structure, followed by `key=value` pairs.
"""

import re
import socket
import struct
from enum import IntEnum

# mode, operation, driver, length, target, session, LUN, connection, host, device type, account direction, pack, force
REQUEST = struct.Struct("=ii64sIiQQIIIIII")
RESPONSE = struct.Struct("=II")
ALL_LUNS = 0xFFFFFFFFFFFFFFFF
# LUN 0 of every tgt target is its controller.
DISK_LUN = 1


class Mode(IntEnum):
    TARGET = 1
    DEVICE = 2
    ACCOUNT = 7


class Operation(IntEnum):
    NEW = 0
    DELETE = 1
    SHOW = 2
    BIND = 3


class TgtError(Exception):
    """tgtd refused a request."""


class Tgtd:
    """One tgtd, by the value of TGT_IPC_SOCKET that it was started with."""

    def __init__(self, ipc_socket: str) -> None:
        # tgtd appends its control port, which is always 0 here.
        self._path = f"{ipc_socket}.0"

    def targets(self) -> dict[str, int]:
        """The number of every target, by IQN."""
        listing = self._ask(Mode.TARGET, Operation.SHOW)
        return {iqn: int(number) for number, iqn in re.findall(r"^Target (\d+): (\S+)$", listing, re.MULTILINE)}

    def export(self, iqn: str, path: str, chap: tuple[str, str] | None, first_number: int = 1) -> bool:
        """Export a file as LUN 1 of a target of its own; False if there is such a target already."""
        targets = self.targets()
        if iqn in targets:
            return False
        number = first_number
        while number in targets.values():
            number += 1
        self._ask(Mode.TARGET, Operation.NEW, number, targetname=iqn)
        try:
            self._ask(Mode.DEVICE, Operation.NEW, number, DISK_LUN, path=path)
            if chap:
                self._add_account(number, *chap)
            # Last, so that no initiator gets in before CHAP is on.
            self._ask(Mode.TARGET, Operation.BIND, number, **{"initiator-address": "ALL"})
        except TgtError:
            self._ask(Mode.TARGET, Operation.DELETE, number, force=True)
            raise
        return True

    def withdraw(self, iqn: str) -> None:
        """End the export and its sessions; nothing happens if there is none."""
        number = self.targets().get(iqn)
        if number is not None:
            self._ask(Mode.TARGET, Operation.DELETE, number, force=True)

    def _add_account(self, number: int, user: str, password: str) -> None:
        # Accounts outlive their targets, maybe with an older password.
        accounts = self._ask(Mode.ACCOUNT, Operation.SHOW).split()
        if user in accounts:
            self._ask(Mode.ACCOUNT, Operation.DELETE, user=user)
        self._ask(Mode.ACCOUNT, Operation.NEW, user=user, password=password)
        self._ask(Mode.ACCOUNT, Operation.BIND, number, user=user)

    def _ask(
        self, mode: Mode, operation: Operation, number: int = -1, lun: int = ALL_LUNS, force: bool = False, **pairs: str
    ) -> str:
        tail = ",".join(f"{key}={value}" for key, value in pairs.items()).encode()
        if tail:
            tail += b"\0"
        request = REQUEST.pack(mode, operation, b"iscsi", REQUEST.size + len(tail), number, 0, lun, 0, 0, 0, 0, 0, force)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(30)
            connection.connect(self._path)
            connection.sendall(request + tail)
            with connection.makefile("rb") as answer:
                error, length = RESPONSE.unpack(answer.read(RESPONSE.size))
                text = answer.read(length - RESPONSE.size)
        if error:
            raise TgtError(f"tgtd refused to {operation.name.lower()} {mode.name.lower()} {number}: error {error}")
        return text.rstrip(b"\0").decode()
