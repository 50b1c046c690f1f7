# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A machine that boots from a LUN of an array without Cinder, for both firmwares. Once it is enrolled, the playbooks alone act."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..integration.lab import Json, Node
from ..integration.runs import Ansible, Run
from .lab import Lab
from .machine import Machine
from .report import Report

DEPLOY = "bfv.openstack.deploy"
UNDEPLOY = "bfv.openstack.undeploy"


@dataclass
class Story:
    """What became of one machine: deployed, deployed again, rebooted, undeployed, deployed from the same LUN."""

    machine: Machine
    node: Node
    runs: dict[str, Run] = field(default_factory=dict)
    markers: dict[str, dict[str, str]] = field(default_factory=dict)
    connectors: list[Json] = field(default_factory=list)
    targets: dict[str, list[Json]] = field(default_factory=dict)
    on: dict[str, bool] = field(default_factory=dict)


@pytest.fixture(scope="module", params=["bios", "uefi"])
def story(request: pytest.FixtureRequest, the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    name = f"array-{request.param}"
    machine = the_lab.machines[name]
    with report.step(name, "export the LUN, enroll the node"):
        lun = the_lab.array.export(name, the_lab.disk(name, disk_images[request.param]))
        story = Story(machine, the_lab.enroll(machine))
    hosts = {name: {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": [lun.target()]}}
    inventory = str(ansible.inventory(hosts))

    def run(what: str, playbook: str) -> None:
        with report.step(name, what):
            story.runs[what] = ansible.playbook(playbook, "-i", inventory)
        assert story.runs[what].code == 0, story.runs[what].text
        story.targets[what] = the_lab.cloud.targets(story.node)
        story.on[what] = machine.is_on

    def boot(what: str) -> None:
        with report.step(name, what):
            line = machine.consoles[-1].marker()
        report.tell(name, line)
        story.markers[what] = dict(word.split("=", 1) for word in line.split()[1:])

    run("deploy", DEPLOY)
    story.connectors = the_lab.cloud.connectors(story.node)
    boot("boot")
    run("deploy again", DEPLOY)
    with report.step(name, "reboot"):
        the_lab.reboot(story.node)
    boot("boot again")
    run("undeploy", UNDEPLOY)
    run("deploy from the same LUN", DEPLOY)
    boot("boot from the same LUN")
    run("undeploy at last", UNDEPLOY)
    return story


def test_the_root_disk_is_the_lun(story: Story) -> None:
    assert story.markers["boot"]["transport"] == "iscsi"


def test_the_initiator_is_the_one_of_the_connector(story: Story) -> None:
    (connector,) = story.connectors
    assert connector["connector_id"].endswith(story.node.uuid)
    assert story.markers["boot"]["initiator"] == connector["connector_id"]


def test_a_second_run_changes_nothing_and_lets_the_machine_run(story: Story) -> None:
    assert story.runs["deploy again"].recap[story.node.name]["changed"] == 0
    assert story.on["deploy again"]


def test_what_the_machine_writes_outlives_a_reboot(story: Story) -> None:
    assert story.markers["boot"]["boots"] == "1"
    assert story.markers["boot again"]["boots"] == "2"


def test_undeploying_takes_the_targets_and_the_power(story: Story) -> None:
    assert story.targets["deploy again"]
    assert story.targets["undeploy"] == []
    assert not story.on["undeploy"]


def test_the_lun_lives_on_through_an_undeployment(story: Story) -> None:
    assert story.markers["boot from the same LUN"]["boots"] == "3"
    assert story.markers["boot from the same LUN"]["initiator"] == story.markers["boot"]["initiator"]
