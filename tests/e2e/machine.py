# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine: QEMU without a disk to boot from. All that it can do is boot over its network card."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ..integration.waiting import until
from .processes import Process

MEMORY_MIB = 384
# The variables are the machine's own: OVMF writes its boot order there.
FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
FIRMWARE_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
# A boot takes half a minute of a processor; on a machine that is busy with other things, ten times as long.
BOOT_TIMEOUT = 900

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b.|\r")
_MARKER = re.compile(r"BFV-MARKER \S+=.*\n")


@dataclass(frozen=True)
class Model:
    """What tells one machine from another."""

    name: str
    boot_mode: str  # bios or uefi
    number: int

    @property
    def uuid(self) -> str:
        """The system's id at its management controller."""
        return f"00000000-0000-4000-8000-{self.number:012x}"

    @property
    def mac(self) -> str:
        return f"52:54:00:00:02:{self.number:02x}"

    @property
    def address(self) -> str:
        """What the machine gets by DHCP."""
        return f"192.0.2.{100 + self.number}"

    @property
    def tap(self) -> str:
        return f"tap{self.number}"


@dataclass
class Machine:
    """One machine, on or off, and the console logs of all its boots."""

    model: Model
    folder: Path
    logs: Path
    consoles: list[Console] = field(default_factory=list)
    # Of the machine itself. It is never booted from them, and what it writes to them is thrown away.
    disks: list[Path] = field(default_factory=list)
    _process: Process | None = None

    @property
    def is_on(self) -> bool:
        return self._process is not None and self._process.runs

    def power_on(self, boot_mode: str, from_network: bool) -> None:
        log = self.logs / f"{self.model.name}-boot-{len(self.consoles) + 1}.console"
        log.touch()
        self._process = Process(self._command(boot_mode, from_network, log), self.logs / f"{self.model.name}.qemu.log")
        self.consoles.append(Console(log, self))

    def power_off(self) -> None:
        if self._process:
            self._process.end()

    def _command(self, boot_mode: str, from_network: bool, console: Path) -> list[str]:
        # The ROM of a card is iPXE for both firmwares. With UEFI it is left out, as on most machines: the firmware loads iPXE itself.
        card = f"virtio-net-pci,netdev=lan,mac={self.model.mac}" + (",romfile=" if boot_mode == "uefi" else "")
        return [
            "qemu-system-x86_64",
            *("-accel", "tcg,tb-size=128"),
            *("-cpu", "qemu64,-svm"),  # no virtualization in it: its modules take seconds
            *("-machine", "pc,graphics=off"),  # firmware and iPXE talk to the serial console
            "-nodefaults",
            *("-m", str(MEMORY_MIB)),
            *("-display", "none", "-monitor", "none"),
            *("-serial", f"file:{console}"),
            *("-netdev", f"tap,id=lan,ifname={self.model.tap},script=no,downscript=no"),
            *("-device", card + (",bootindex=1" if from_network else "")),
            *(word for disk in self.disks for word in ("-drive", f"file={disk},format=raw,if=virtio,snapshot=on")),
            *(self._firmware() if boot_mode == "uefi" else ()),
        ]

    def _firmware(self) -> list[str]:
        variables = self.folder / f"{self.model.name}.vars"
        if not variables.exists():
            shutil.copy(FIRMWARE_VARIABLES, variables)
        return [
            *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}"),
            *("-drive", f"if=pflash,format=raw,unit=1,file={variables}"),
        ]


@dataclass(frozen=True)
class Console:
    """What the machine has written to its serial console since it was switched on."""

    path: Path
    machine: Machine

    @property
    def text(self) -> str:
        return _CONTROL.sub("", self.path.read_text(encoding="utf-8", errors="replace"))

    def marker(self) -> str:
        """Wait for the line that the image prints when it has started, and give it back."""
        return self.wait_for(_MARKER)[0].strip()

    def wait_for(self, pattern: re.Pattern[str], timeout: float = BOOT_TIMEOUT) -> re.Match[str]:
        """Wait until the machine writes something."""

        def look() -> re.Match[str] | None:
            on = self.machine.is_on  # looked at first: what it wrote before it went off counts
            found = pattern.search(self.text)
            assert found or on, f"machine {self.machine.model.name} is off"
            return found

        try:
            found = until(f"'{pattern.pattern}' on the console", look, timeout)
        except (AssertionError, TimeoutError) as error:
            last = "\n".join(self.text.splitlines()[-15:])
            raise AssertionError(f"{error}. The end of {self.path}:\n{last}") from error
        assert found
        return found
