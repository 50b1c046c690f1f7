# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the services of a sandbox under supervisord.

supervise.py SETTINGS up STAGE...   start what does not run, restart what has a new configuration, wait until it answers
supervise.py SETTINGS down          stop everything
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import xmlrpc.client
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from bfv_sandbox.settings import Settings, changed, fail, fail_service, wait_for

RUNNING = "RUNNING"
STOPPED = {"STOPPED", "EXITED", "FATAL"}
# A service that needed more starts than this will not come up.
MAX_STARTS = 3


class Supervisor:
    """The supervisord of one sandbox, through its socket."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.socket = settings.run / "supervisor.sock"
        self.transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        self.rpc: Any = xmlrpc.client.ServerProxy("http://sandbox", transport=self.transport).supervisor

    def answers(self) -> bool:
        try:
            self.rpc.getState()
        except (OSError, http.client.HTTPException):
            self.transport.close()
            return False
        return True

    def start(self) -> None:
        end_leftovers(self.settings)
        subprocess.run([self.settings.bin / "supervisord", "--configuration", self.settings.etc / "supervisord.conf"], check=True)
        if not wait_for(self.answers, 20):
            fail_service(self.settings, "supervisord", "does not answer")
        changed("started supervisord")

    def read_configuration(self) -> None:
        """Stop the services whose configuration is new or gone; the digests in supervisord.conf tell."""
        added, new, gone = self.rpc.reloadConfig()[0]
        for service in [*new, *gone]:
            self.rpc.stopProcessGroup(service)
            self.rpc.removeProcessGroup(service)
        for service in [*added, *new]:
            self.rpc.addProcessGroup(service)
        for service in gone:
            changed(f"removed {service}")

    def processes(self) -> dict[str, dict[str, Any]]:
        return {process["name"]: process for process in self.rpc.getAllProcessInfo()}

    def stop(self, services: list[str]) -> None:
        """Stop services at the same time."""
        running = {name for name, process in self.processes().items() if process["statename"] not in STOPPED}
        for service in running.intersection(services):
            self.rpc.stopProcess(service, False)
        # supervisord kills what does not end within its stopwaitsecs.
        wait_for(lambda: all(self.processes()[service]["statename"] in STOPPED for service in services), 90)

    def start_stage(self, services: list[dict[str, Any]]) -> None:
        for service in services:
            name = service["name"]
            processes = self.processes()
            process = processes[name]
            if process["statename"] not in STOPPED:
                # For example: tgtd lost all exports when it ended, and cinder-volume makes them only when it starts.
                if not any(processes[other]["start"] > process["start"] for other in service["after"]):
                    continue
                self.stop([name])
            self.rpc.startProcess(name, False)
            changed(f"started {name}")

    def wait_until_ready(self, service: dict[str, Any], seconds: float) -> None:
        name = service["name"]
        starts = set()

        def ready() -> bool:
            process = self.rpc.getProcessInfo(name)
            starts.add(process["start"])
            if process["statename"] == "FATAL" or len(starts) > MAX_STARTS:
                fail_service(self.settings, name, "does not start")
            return process["statename"] == RUNNING and answers(service)

        if not wait_for(ready, seconds):
            fail_service(self.settings, name, f"runs, but does not answer within {seconds} s")


def answers(service: dict[str, Any]) -> bool:
    """Whether the service does what its kind of probe asks for; without a probe it is enough that it runs."""
    if "url" in service:
        try:
            with urllib.request.urlopen(service["url"], timeout=30):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500  # Glance lists its versions with status 300
        except (OSError, http.client.HTTPException):
            return False
    if "port" in service:
        return connects(socket.AF_INET, (service["address"], service["port"]))
    if "socket" in service:
        return connects(socket.AF_UNIX, service["socket"])
    return True


def connects(family: socket.AddressFamily, address: Any) -> bool:
    with socket.socket(family) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def leftovers(settings: Settings) -> list[int]:
    """Processes of this sandbox, by the mark that supervisord gives to its children."""
    mark = f"BFV_SANDBOX={settings.base}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = path.read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile, or somebody else's
        if mark in environment:
            found.append(int(path.parent.name))
    return found


def end_leftovers(settings: Settings) -> None:
    """End what survived a supervisord that was killed."""
    for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        found = leftovers(settings)
        if not found:
            return
        changed(f"ended {len(found)} processes that were left over")
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # ended meanwhile
        wait_for(lambda: not leftovers(settings), seconds)


def up(settings: Settings, stages: list[str]) -> None:
    supervisor = Supervisor(settings)
    if not supervisor.answers():
        supervisor.start()
    supervisor.read_configuration()
    for stage in stages:
        services = [service for service in settings.services.values() if service["stage"] == stage]
        supervisor.start_stage(services)
        for service in services:
            supervisor.wait_until_ready(service, settings["timeout"])


def down(settings: Settings) -> None:
    supervisor = Supervisor(settings)
    if supervisor.answers():
        stages = list(dict.fromkeys(service["stage"] for service in settings.services.values()))
        known = supervisor.processes()
        for stage in reversed(stages):
            supervisor.stop([s["name"] for s in settings.services.values() if s["stage"] == stage and s["name"] in known])
        supervisor.rpc.shutdown()
        if not wait_for(lambda: not supervisor.answers(), 30):
            fail("supervisord does not end.")
        changed("stopped all services")
    end_leftovers(settings)


def main() -> None:
    settings = Settings(sys.argv[1])
    if sys.argv[2] == "up":
        up(settings, sys.argv[3:])
    else:
        down(settings)


if __name__ == "__main__":
    main()
