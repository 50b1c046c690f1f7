# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A machine that boots from a LUN of an array without Cinder, with both firmwares."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..integration.lab import Json
from ..integration.runs import Ansible
from . import stories
from .lab import Lab
from .report import Report
from .stories import DEPLOY, UNDEPLOY, Story


@pytest.fixture(scope="module", params=["bios", "uefi"])
def story(request: pytest.FixtureRequest, the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    name = f"array-{request.param}"
    with report.step(name, "export the LUN"):
        lun = the_lab.array.export(name, the_lab.disk(name, disk_images[request.param]))
    story = stories.begin(the_lab, ansible, report, name)
    variables: Json = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [lun.target()],
    }
    waiting = {"baremetal_deploy_wait_for": {"host": story.machine.model.address}}

    story.play("deploy, and wait for port 22", DEPLOY, variables | waiting)
    story.boot("boot")
    story.play("deploy again", DEPLOY, variables)
    story.reboot("switch off and on")
    story.boot("boot after the reboot")
    story.play("undeploy", UNDEPLOY, variables)
    story.play("deploy from the same LUN", DEPLOY, variables)
    story.boot("boot from the same LUN")
    story.play("undeploy at last", UNDEPLOY, variables)
    return story


def test_the_root_disk_is_the_lun(story: Story) -> None:
    assert story.markers["boot"]["transport"] == "iscsi"


def test_the_firmware_is_the_one_of_the_node(story: Story) -> None:
    assert story.markers["boot"]["firmware"] == story.machine.model.boot_mode


def test_the_initiator_is_the_one_of_the_connector(story: Story) -> None:
    (connector,) = story.lab.cloud.connectors(story.node)
    assert connector["connector_id"].endswith(story.node.uuid)
    assert {marker["initiator"] for marker in story.markers.values()} == {connector["connector_id"]}


def test_a_second_run_changes_nothing_and_lets_the_machine_run(story: Story) -> None:
    assert story.runs["deploy again"].recap[story.name]["changed"] == 0
    assert story.on["deploy again"]


def test_what_the_machine_writes_outlives_a_reboot(story: Story) -> None:
    assert story.markers["boot"]["boots"] == "1"
    assert story.markers["boot after the reboot"]["boots"] == "2"


def test_undeploying_takes_the_targets_and_the_power(story: Story) -> None:
    assert len(story.targets["deploy again"]) == 1
    assert story.targets["undeploy"] == []
    assert story.on["deploy again"]
    assert not story.on["undeploy"]


def test_the_lun_outlives_an_undeployment(story: Story) -> None:
    assert story.markers["boot from the same LUN"]["boots"] == "3"
