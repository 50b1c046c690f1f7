# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A machine that boots from a LUN of an array without Cinder, with both firmwares."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ..integration.lab import Json
from ..integration.runs import Ansible
from ..integration.waiting import until
from . import stories
from .images import INITRAMFS
from .lab import Lab
from .network import HOST
from .report import Report
from .stories import DEPLOY, UNDEPLOY, Story

GROWTH = 1024**3
# An array that fails over. The machine that lives through it.
AWAY, SECONDS_AWAY = "array-bios", 150
WRITE = """
sudo systemd-run --quiet --unit=bfv-writer sh -c \
  'n=0; while sleep 1; do n=$((n + 1)); echo $n > /var/tmp/written.new && sync /var/tmp/written.new && mv /var/tmp/written.new /var/tmp/written; done'
"""


@pytest.fixture(scope="module", params=["bios", pytest.param("uefi", marks=pytest.mark.extra)])
def story(request: pytest.FixtureRequest, the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    name = f"array-{request.param}"
    with report.step(name, "export the LUN"):
        lun = the_lab.array.export(name, the_lab.disk(name, disk_images[request.param], more=GROWTH))
    if INITRAMFS[request.param] != "dracut":
        # An old disk in the machine, with a system of the very same image.
        the_lab.machines[name].disks.append(the_lab.disk(f"{name}-old", disk_images[request.param]))
    story = stories.begin(the_lab, ansible, report, name)
    variables: Json = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [lun.target()],
    }
    waiting = {"baremetal_deploy_wait_for": {"host": story.machine.model.address}}

    story.play("deploy, and wait for port 22", DEPLOY, variables | waiting)
    story.boot("boot")
    story.look_inside("boot")
    story.play("deploy again", DEPLOY, variables)
    if name == AWAY:
        written = write_without_the_array(story)
        report.tell(name, f"written before, when the array came back, and at last: {' '.join(map(str, written))}")
        story.written.extend(written)
        story.play("undeploy", UNDEPLOY, variables)
        story.play("deploy from the same LUN", DEPLOY, variables)
    else:
        story.reboot("switch off and on")
    story.boot("second boot")
    story.play("undeploy at last", UNDEPLOY, variables)
    return story


def write_without_the_array(story: Story) -> list[int]:
    """Have the machine write to its disk once a second, and take its network away for a while. How often it had written."""

    def written() -> int:
        return int(story.inside.run("cat /var/tmp/written 2> /dev/null || echo 0"))

    with story.step(f"the array is away for {SECONDS_AWAY} s"):
        story.inside.run(WRITE)
        until("the machine to write", lambda: written() > 1)
        before = written()
        with story.lab.network.unplugged(story.machine.model.tap):
            time.sleep(SECONDS_AWAY)
        story.inside.wait()
        back = written()
        until("the machine to go on", lambda: written() > back)
        return [before, back, written()]


def test_the_root_disk_is_the_lun_whatever_disks_are_in_the_machine(story: Story) -> None:
    assert story.markers["boot"]["transport"] == "iscsi"
    assert int(story.facts["boot"]["local_disks"]) == len(story.machine.disks)


def test_the_root_grows_with_its_lun(story: Story) -> None:
    facts = story.facts["boot"]
    # The firmware partition, and what the file system keeps for itself.
    assert int(facts["root"]) > 0.9 * (int(facts["disk"]) - (600 * 1024**2 if story.machine.model.boot_mode == "uefi" else 0))


def test_the_label_of_the_root_is_its_own(story: Story) -> None:
    assert story.facts["boot"]["label"].startswith("bfv-")


def test_name_servers_are_the_dhcp_servers(story: Story) -> None:
    assert story.facts["boot"]["name_servers"] == HOST


def test_a_root_session_waits_for_a_day(story: Story) -> None:
    assert story.facts["boot"]["recovery"] == "86400"


def test_each_machine_is_its_own(story: Story) -> None:
    assert story.markers["boot"]["initiator"].endswith(f".{story.facts['boot']['host_name']}")
    assert story.is_its_own()


def test_a_machine_goes_on_when_its_array_comes_back(story: Story) -> None:
    if story.name == AWAY:
        before, back, at_last = story.written
        assert before <= back < at_last
    else:
        assert not story.written


def test_the_firmware_is_the_one_of_the_node(story: Story) -> None:
    assert story.markers["boot"]["firmware"] == story.machine.model.boot_mode


def test_the_initiator_is_the_one_of_the_connector(story: Story) -> None:
    (connector,) = story.lab.cloud.connectors(story.node)
    assert connector["connector_id"].endswith(story.node.uuid)
    assert {marker["initiator"] for marker in story.markers.values()} == {connector["connector_id"]}


def test_a_second_run_changes_nothing_and_lets_the_machine_run(story: Story) -> None:
    assert story.runs["deploy again"].recap[story.name]["changed"] == 0
    assert story.on["deploy again"]


def test_what_the_machine_writes_outlives_a_reboot_and_an_undeployment(story: Story) -> None:
    """One of the machines was switched off and on, the other one undeployed and deployed from the same LUN."""
    assert story.markers["boot"]["boots"] == "1"
    assert story.markers["second boot"]["boots"] == "2"


def test_undeploying_takes_the_targets_and_the_power(story: Story) -> None:
    assert len(story.targets["deploy again"]) == 1
    assert story.targets["undeploy at last"] == []
    assert story.on["deploy again"]
    assert not story.on["undeploy at last"]
