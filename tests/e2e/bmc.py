# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machines' management controllers: Redfish by sushy-emulator, which tells us what it is told.

Its fake systems keep power state, boot device and boot mode, and report each change to a URL. There the machine is switched on and off.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from .boot_server import answers
from .machine import Machine
from .network import HOST
from .processes import Process

URL = f"http://{HOST}:8000"
NOTIFIED = (HOST, 9999)
BOOT_MODES = {"Legacy": "bios", "UEFI": "uefi"}


class Controllers:
    """Those of all machines, by one emulator."""

    def __init__(self, emulator: Path, machines: Mapping[str, Machine], folder: Path, log: Path) -> None:
        self._emulator, self._folder, self._log = emulator, folder, log
        self._machines = dict(machines)
        self._starts = 0
        self._process = self._start()

    def end(self) -> None:
        self._process.end()

    def lose(self, name: str) -> None:
        """The controller of a machine is gone; the others are as they were."""
        del self._machines[name]
        self.end()
        self._process = self._start()

    def _start(self) -> Process:
        self._starts += 1
        process = Process([self._emulator, "--config", self._configuration()], self._log)
        process.wait_for("the machines' management to answer", lambda: answers(f"{URL}/redfish/v1/"))
        return process

    def _configuration(self) -> Path:
        systems = [
            {
                "uuid": machine.model.uuid,
                "name": machine.model.name,
                "power_state": "On" if machine.is_on else "Off",
                "boot_mode": next(name for name, mode in BOOT_MODES.items() if mode == machine.model.boot_mode),
                "external_notifier": True,
                "nics": [{"mac": machine.model.mac, "ip": machine.model.address}],
            }
            for machine in self._machines.values()
        ]
        state = self._folder / f"sushy-emulator-{self._starts}"
        state.mkdir()
        settings = {
            "SUSHY_EMULATOR_LISTEN_IP": HOST,
            "SUSHY_EMULATOR_LISTEN_PORT": 8000,
            "SUSHY_EMULATOR_STATE_DIR": str(state),
            "SUSHY_EMULATOR_FAKE_DRIVER": True,
            "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
            "EXTERNAL_NOTIFICATION_URL": f"http://{NOTIFIED[0]}:{NOTIFIED[1]}",
        }
        path = state / "sushy-emulator.conf"
        path.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()), encoding="utf-8")
        return path


@contextmanager
def running(emulator: Path, machines: Mapping[str, Machine], folder: Path, logs: Path) -> Iterator[Controllers]:
    """The controllers of the machines, as long as the `with` block runs. The machines end with it."""
    switch = HTTPServer(NOTIFIED, _switch(machines))
    # One thread for all requests: the kernel would end a machine with the thread that has started it.
    thread = threading.Thread(target=switch.serve_forever, daemon=True)
    thread.start()
    with ExitStack() as stack:
        try:
            controllers = Controllers(emulator, machines, folder, logs / "bmc.log")
            stack.callback(controllers.end)
            yield controllers
        finally:
            stack.close()
            switch.shutdown()
            thread.join()
            switch.server_close()
            for machine in machines.values():
                machine.power_off()


def _switch(machines: Mapping[str, Machine]) -> type[BaseHTTPRequestHandler]:
    by_uuid = {machine.model.uuid: machine for machine in machines.values()}

    class Switch(BaseHTTPRequestHandler):
        """Brings a machine into the power state that its controller reports."""

        def do_PUT(self) -> None:
            system: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            machine = by_uuid[system["uuid"]]
            if system["power_state"] == "Off":
                machine.power_off()
            elif not machine.is_on:
                machine.power_on(BOOT_MODES[system["boot_mode"]], system.get("boot_device") == "Pxe")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """The emulator's log tells it already."""

    return Switch
