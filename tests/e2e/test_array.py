# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines that boot from LUNs of an array without Cinder, which are blank before: with both firmwares, over one path and over two."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from ..integration.lab import Json
from ..integration.runs import Ansible
from ..integration.waiting import until
from . import stories
from .lab import Lab
from .network import ARRAY, HOST
from .report import Report
from .stories import DEPLOY, SEEDED, UNDEPLOY, Story

GROWTH = 1024**3
# An array that fails over, as a whole and at one of its portals. The machine that lives through it.
AWAY, SECONDS_AWAY, SECONDS_CUT = "array-bios", 150, 60
WRITE = """
sudo systemd-run --quiet --unit=bfv-writer sh -c \
  'n=0; while sleep 1; do n=$((n + 1)); echo $n > /var/tmp/written.new && sync /var/tmp/written.new && mv /var/tmp/written.new /var/tmp/written; done'
"""


@pytest.fixture(scope="module", params=[SEEDED, pytest.param("uefi", marks=pytest.mark.extra)])
def story(request: pytest.FixtureRequest, the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    kind, image = request.param, disk_images[request.param]
    name = f"array-{kind.partition('-')[0]}"
    lun = the_lab.array.export(name, the_lab.blank_disk(name, image, more=GROWTH))
    if kind == SEEDED:
        # An old disk in the machine, with a system of the very same image.
        the_lab.machines[name].disks.append(the_lab.disk(f"{name}-old", image))
    else:
        lun = replace(lun, portals=lun.portals[:1])
    story = stories.begin(the_lab, ansible, report, name)
    variables: Json = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [lun.target()],
        **stories.filled(image, name, kind),
    }
    waiting = {"baremetal_deploy_wait_for": {"host": story.machine.model.address}}

    story.play("fill the blank LUN, deploy, and wait for port 22", DEPLOY, variables | waiting)
    story.boot("boot")
    if name == AWAY:
        story.until_paths(2)
    story.look_inside("boot")
    story.play("deploy again", DEPLOY, variables)
    if name == AWAY:
        story.inside.run(WRITE)
        # One of them is that of the path in use.
        for portal in ARRAY:
            cut = write_while(story, f"portal {portal} is away for {SECONDS_CUT} s", the_lab.network.without(portal), SECONDS_CUT)
            report.tell(name, f"written before {portal} was cut, when it came back, and at last: {' '.join(map(str, cut))}")
            story.cuts.append(cut)
            story.until_paths(2)
        story.written = write_while(
            story, f"the array is away for {SECONDS_AWAY} s", the_lab.network.unplugged(story.machine.model.tap), SECONDS_AWAY
        )
        report.tell(name, f"written before, when the array came back, and at last: {' '.join(map(str, story.written))}")
        story.play("undeploy", UNDEPLOY, variables)
        with the_lab.network.without(ARRAY[0]):
            story.play("deploy from the same LUN, with a dead portal", DEPLOY, variables)
            story.boot("second boot")
            story.look_inside("second boot")
        story.until_paths(2)
    else:
        story.reboot("switch off and on")
        story.boot("second boot")
    story.play("undeploy at last", UNDEPLOY, variables)
    return story


def write_while(story: Story, what: str, trouble: AbstractContextManager[None], seconds: int) -> list[int]:
    """How often the machine has written to its disk, once a second: before a trouble, at its end, and later."""

    def written() -> int:
        return int(story.inside.run("cat /var/tmp/written 2> /dev/null || echo 0"))

    with story.step(what):
        until("the machine to write", lambda: written() > 1)
        before = written()
        with trouble:
            time.sleep(seconds)
        story.inside.wait()
        back = written()
        until("the machine to go on", lambda: written() > back)
        return [before, back, written()]


def test_the_root_disk_is_the_lun_whatever_disks_are_in_the_machine(story: Story) -> None:
    assert story.markers["boot"]["transport"] == "iscsi"
    assert int(story.facts["boot"]["local_disks"]) == len(story.machine.disks)


def test_the_root_grows_with_its_lun(story: Story) -> None:
    facts = story.facts["boot"]
    # The partitions for the firmware or for the node's own data, and what the file system keeps for itself.
    others = (600 if story.machine.model.boot_mode == "uefi" else 64) * 1024**2
    assert int(facts["root"]) > 0.9 * (int(facts["disk"]) - others)


def test_the_label_of_the_root_is_its_own(story: Story) -> None:
    assert story.facts["boot"]["label"].startswith("bfv-")


def test_name_servers_are_the_dhcp_servers(story: Story) -> None:
    assert story.facts["boot"]["name_servers"] == HOST


def test_a_root_session_waits_for_a_day_and_a_path_for_seconds(story: Story) -> None:
    """Above paths that fail quickly, the map waits for a day."""
    assert story.facts["boot"]["recovery"] == ("15" if story.name == AWAY else "86400")


def test_the_root_has_both_paths_and_boots_by_the_one_that_is_left(story: Story) -> None:
    assert story.facts["boot"]["paths"] == ("2" if story.name == AWAY else "1")
    if story.name == AWAY:
        assert story.facts["second boot"]["paths"] == "1"
        assert "one path less" in story.runs["deploy from the same LUN, with a dead portal"].text


def test_a_machine_writes_on_when_a_path_is_cut(story: Story) -> None:
    assert len(story.cuts) == (2 if story.name == AWAY else 0)
    for before, back, at_last in story.cuts:
        # The path that is left takes over within 15 s and some.
        assert before + SECONDS_CUT // 3 < back < at_last


def test_a_machine_has_the_data_of_its_own_node(story: Story) -> None:
    if story.name == AWAY:
        assert story.facts["boot"]["host_name"] == f"{story.name}-seeded"
        assert story.facts["boot"]["seeded"] == f"of-{story.name}"
    else:
        assert story.facts["boot"]["seeded"] == ""


def test_each_machine_is_its_own(story: Story) -> None:
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
