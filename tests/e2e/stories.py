# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a test tells what becomes of a machine: each step is measured, and what can be seen after it is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..integration.array import PORT
from ..integration.lab import Json, Node
from ..integration.runs import Ansible, Run
from ..integration.waiting import until
from .inside import Inside
from .lab import IMAGES, Lab
from .machine import Machine
from .network import ARRAY
from .playbooks import play
from .report import Report

DEPLOY = "bfv.openstack.deploy"
# The image with several paths, and a place for each node's own data.
SEEDED = "bios-multipath"
UNDEPLOY = "bfv.openstack.undeploy"
CHECKPOINT = "bfv.openstack.checkpoint"


@dataclass
class Story:
    """One machine, and what was seen after each step, by the step's name."""

    lab: Lab
    ansible: Ansible
    report: Report
    machine: Machine
    node: Node
    runs: dict[str, Run] = field(default_factory=dict)
    targets: dict[str, list[Json]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    on: dict[str, bool] = field(default_factory=dict)
    markers: dict[str, dict[str, str]] = field(default_factory=dict)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    cuts: list[list[int]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    host: str = ""  # in the inventory, where it is called otherwise than its node

    @property
    def name(self) -> str:
        return self.host or self.node.name

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        with self.report.step(self.name, what):
            yield

    def run(self, what: str, playbook: str, variables: dict[str, Any], *arguments: str) -> Run:
        """Run a playbook with the machine's node as its only host."""
        began = time.monotonic()
        with self.step(what):
            run = play(self.ansible, playbook, "-i", str(self.ansible.inventory({self.name: variables})), *arguments)
        self.runs[what] = run
        self.seconds[what] = time.monotonic() - began
        self.targets[what] = self.lab.cloud.targets(self.node)
        self.states[what] = self.lab.cloud.look(self.node)["provision_state"]
        self.on[what] = self.machine.is_on
        return run

    def play(self, what: str, playbook: str, variables: dict[str, Any], *arguments: str) -> None:
        """Run a playbook that has to succeed for the story to go on."""
        run = self.run(what, playbook, variables, *arguments)
        assert run.code == 0, run.text

    def boot(self, what: str) -> None:
        """Wait until the machine's system says that it has started."""
        with self.step(what):
            line = self.machine.consoles[-1].marker()
        self.report.tell(self.name, line)
        self.markers[what] = dict(word.split("=", 1) for word in line.split()[1:])

    def look_inside(self, what: str) -> None:
        """See what the machine is like, by SSH."""
        with self.step(f"{what}, seen from inside"):
            facts = self.inside.facts()
        self.report.tell(self.name, f"BFV-INSIDE {' '.join(f'{name}={value}' for name, value in facts.items())}")
        self.facts[what] = self.lab.facts[self.name] = facts

    def is_its_own(self) -> bool:
        """Whether no machine so far is known by what this one is known by."""
        facts = self.lab.facts.values()
        return all(len({one[name] for one in facts}) == len(facts) for name in ("machine_id", "host_key", "host_name"))

    def until_paths(self, count: int) -> None:
        """Wait until the root disk has so many paths."""
        with self.step(f"{count} path{'s' if count > 1 else ''}"):
            until(f"{count} paths of {self.name}", lambda: self.inside.facts()["paths"] == str(count), 240)

    def board_dies(self, spare: str) -> None:
        """The machine is gone with its controller, and the host moves to a spare: of the inventory only its node is changed."""
        self.host = self.name
        self.lab.dies(self.machine)
        self.machine = self.lab.machines[spare]
        with self.step("enroll the spare"):
            self.node = self.lab.enroll(self.machine, "e2e")

    @property
    def inside(self) -> Inside:
        return Inside(self.machine.model.address, IMAGES)

    def switch_off(self, what: str) -> None:
        with self.step(what):
            self.lab.cloud.power(self.node, "power off")
            until(f"machine {self.node.name} to be off", lambda: not self.machine.is_on)

    def reboot(self, what: str) -> None:
        with self.step(what):
            self.lab.reboot(self.node)


def filled(image: Path, name: str, kind: str) -> dict[str, Any]:
    """What has the deployment write an image to a blank disk, and a seed where the image has a place for it."""
    # tgtd tells of the portal alone that was asked: bfv-paths knows the others from this file.
    # All that is in user data is hidden wherever it is said: the machine's name alone would be.
    files = {"/var/tmp/seeded": f"of-{name}", "/etc/bfv-portals": "".join(f"{address}:{PORT}\n" for address in ARRAY)}
    user_data = {"write_files": [{"path": path, "content": content} for path, content in files.items()]}
    seed = {"hostname": f"{name}-seeded", "user_data": user_data}
    return {"baremetal_deploy_image": str(image), **({"baremetal_deploy_seed": seed} if kind == SEEDED else {})}


def begin(lab: Lab, ansible: Ansible, report: Report, name: str, resource_class: str = "e2e") -> Story:
    """A story begins with a node that is enrolled. From there on, playbooks alone bring it to its volume and back."""
    machine = lab.machines[name]
    with report.step(name, "enroll the node"):
        node = lab.enroll(machine, resource_class)
    return Story(lab, ansible, report, machine, node)
