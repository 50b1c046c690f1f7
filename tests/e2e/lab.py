# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab: a network with OpenStack, an external array, a boot server, and machines whose management Ironic talks to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..integration import array
from ..integration import lab as cloud
from ..integration.array import Array
from ..integration.lab import Node
from ..integration.waiting import until
from . import bmc, boot_server
from .bmc import Controllers
from .machine import Machine, Model
from .network import ARRAY, Network
from .sandbox import Sandbox

CACHE = Path(__file__).resolve().parents[2] / ".cache"
# All that the tests make. The environments of the services stay for the next run.
BASE = CACHE / "e2e"
# By their digests, for other tests as well.
IMAGES = CACHE / "images"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"


@dataclass(frozen=True)
class Folders:
    """Where the lab keeps what; all of it is below the checkout, but for the sockets."""

    base: Path
    sockets: Path

    @property
    def run(self) -> Path:
        """Disks and state. Nothing of it stays."""
        return self.base / "run"

    @property
    def logs(self) -> Path:
        """What everything wrote; it stays until the next run."""
        return self.base / "logs"

    def renew(self) -> None:
        for folder in (self.run, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)


@dataclass(frozen=True)
class Lab:
    """What the tests look at. They act by playbooks alone, once a machine is enrolled."""

    cloud: cloud.Lab
    array: Array
    machines: dict[str, Machine]
    folders: Folders
    network: Network
    controllers: Controllers
    # What the machines said of themselves when one logged in to them, by their names.
    facts: dict[str, dict[str, str]] = field(default_factory=dict)

    def disk(self, name: str, image: Path, more: int = 0) -> Path:
        """A raw disk with the content of the image, and more room than the image has, in bytes."""
        disk = self.folders.run / f"{name}.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", image, disk], check=True)
        subprocess.run(["qemu-img", "resize", "-q", "-f", "raw", disk, f"+{more}"], check=True)
        return disk

    def blank_disk(self, name: str, image: Path, more: int = 0) -> Path:
        """A disk with nothing on it, and more room than the image has, in bytes."""
        disk = self.folders.run / f"{name}.raw"
        disk.touch()
        os.truncate(disk, image.stat().st_size + more)
        return disk

    def enroll(self, machine: Machine, resource_class: str) -> Node:
        """What an operator does before anything of the collection is used: a node that is available, and its port."""
        model = machine.model
        body = {
            "name": model.name,
            "driver": "redfish",
            "resource_class": resource_class,
            "properties": {"cpu_arch": "x86_64", "capabilities": f"boot_mode:{model.boot_mode}"},
            "driver_info": {
                "redfish_address": bmc.URL,
                "redfish_system_id": f"/redfish/v1/Systems/{model.uuid}",
                "redfish_username": "admin",
                "redfish_password": "password",
                # No agent runs when a node boots from a volume, but the interfaces ask for one.
                "deploy_kernel": "file:///dev/null",
                "deploy_ramdisk": "file:///dev/null",
            },
        }
        node = Node(self.cloud.ironic("POST", "/nodes", body)["uuid"], model.name)
        self.cloud.ironic("POST", "/ports", {"node_uuid": node.uuid, "address": model.mac})
        self.cloud.provision(node, "manage", "manageable")
        self.cloud.provision(node, "provide", "available")
        return node

    def dies(self, machine: Machine) -> None:
        """A board dies: its machine, and the controller that would tell of it."""
        machine.power_off()  # kill -9
        self.controllers.lose(machine.model.name)

    def reboot(self, node: Node) -> None:
        """Switch the machine off and on."""
        machine = self.machines[node.name]
        boots = len(machine.consoles)
        self.cloud.ironic("PUT", f"/nodes/{node.uuid}/states/power", {"target": "rebooting"})
        until(f"machine {node.name} to be switched off and on", lambda: len(machine.consoles) > boots and machine.is_on, 180)


@contextmanager
def running(models: Iterable[Model], folders: Folders, profile: str) -> Iterator[Lab]:
    """The lab, as long as the `with` block runs, with this profile of the role sandbox."""
    machines = {model.name: Machine(model, folders.run, folders.logs) for model in models}
    sandbox = Sandbox(folders.base / "sandbox", folders.logs, profile)
    sandbox.install()
    emulator = _install_emulator(folders.base / "venv")
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        for machine in machines.values():
            network.tap(machine.model.tap)
        stack.enter_context(sandbox.running())
        controllers = stack.enter_context(bmc.running(emulator, machines, folders.run, folders.logs))
        stack.enter_context(
            boot_server.running(sandbox.http_root, (machine.model for machine in machines.values()), folders.run, folders.logs)
        )
        tgt = stack.enter_context(array.running(folders.sockets, ARRAY, folders.logs / "array.log"))
        yield Lab(cloud.Lab("e2e-"), tgt, machines, folders, network, controllers)
    shutil.rmtree(folders.run)


def _install_emulator(venv: Path) -> Path:
    """sushy-emulator, in an environment of its own: nothing of it belongs to the collection or to OpenStack."""
    uv = Path(sys.executable).parent / "uv"
    if not (venv / "bin" / "python").exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    subprocess.run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", venv / "bin" / "python", REQUIREMENTS], check=True
    )
    return venv / "bin" / "sushy-emulator"
