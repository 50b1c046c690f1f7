# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine that the array does not let in at first: that is found before it is switched on. Then it is the second one of its image.

At last its board dies, and a spare boots its disk, which the array shows to that one initiator only.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..integration.runs import Ansible
from . import stories
from .lab import Lab
from .report import Report
from .stories import DEPLOY, SEEDED, UNDEPLOY, Story

NAME = "locked-out"
VAIN = "deploy in vain"
REFUSED = "take over a machine that nobody sees off"
TAKEN = "take over one that was said to be off"


@pytest.fixture(scope="module", params=[SEEDED])
def story(request: pytest.FixtureRequest, the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    image = disk_images[request.param]
    story = stories.begin(the_lab, ansible, report, NAME)
    # Only this initiator is admitted.
    lun = the_lab.array.export(NAME, the_lab.blank_disk(NAME, image), f"iqn.2017-08.org.openstack.{story.node.uuid}")
    target = lun.target()
    variables = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [target],
        **stories.filled(image, NAME, request.param),
    }
    story.run(VAIN, DEPLOY, variables | {"baremetal_deploy_targets": [{**target, "chap_password": "not-the-password"}]})
    report.tell(NAME, f"the wrong password was found in {story.seconds[VAIN]:.1f} s")
    story.play("deploy", DEPLOY, variables)
    story.boot("boot")
    story.look_inside("boot")
    died = story.node
    story.board_dies("spare")
    moved = variables | {"baremetal_deploy_node": story.node.name}
    story.run(REFUSED, DEPLOY, moved, "-e", "baremetal_deploy_takeover=powered_off")
    report.tell(NAME, f"that the old machine cannot be seen off was found in {story.seconds[REFUSED]:.1f} s")
    said = json.dumps({"baremetal_deploy_takeover": "confirmed", "baremetal_deploy_takeover_confirmed": [died.name]})
    story.play(TAKEN, DEPLOY, moved, "-e", said)
    story.boot("boot of the spare")
    report.tell(NAME, f"a spare took over in {story.seconds[TAKEN]:.1f} s")
    story.states["of the dead one"] = the_lab.cloud.look(died)["provision_state"]
    story.targets["of the dead one"] = the_lab.cloud.targets(died)
    story.play("undeploy", UNDEPLOY, moved)
    return story


def test_the_machine_was_not_switched_on_and_nothing_is_in_ironic(story: Story) -> None:
    assert story.states[VAIN] == "available"
    assert not story.on[VAIN]
    assert story.targets[VAIN] == []
    assert len(story.machine.consoles) == 1


def test_the_host_fails_with_the_arrays_reason(story: Story) -> None:
    run = story.runs[VAIN]
    assert run.code == 2
    assert run.recap[NAME]["failed"] == 1
    assert f"refuses user array-{NAME} or the password (CHAP)" in run.text


def test_it_is_its_own_machine_with_the_data_of_its_own_node(story: Story) -> None:
    assert story.facts["boot"]["host_name"] == f"{NAME}-seeded"
    assert story.facts["boot"]["seeded"] == f"of-{NAME}"
    assert story.is_its_own()


def test_the_password_is_not_shown(story: Story) -> None:
    for run in story.runs.values():
        assert "not-the-password" not in run.text


def test_nothing_moves_from_a_machine_that_cannot_be_seen_off(story: Story) -> None:
    run = story.runs[REFUSED]
    assert run.code == 2
    assert f"takeover_confirmed {NAME}" in run.text
    assert (story.targets[REFUSED], story.states[REFUSED], story.on[REFUSED]) == ([], "available", False)


def test_the_spare_boots_the_very_disk_under_the_same_initiator(story: Story) -> None:
    first, then = story.markers["boot"], story.markers["boot of the spare"]
    assert (first["boots"], then["boots"]) == ("1", "2")
    assert then["initiator"] == first["initiator"]
    (connector,) = story.lab.cloud.connectors(story.node)
    assert connector["connector_id"] == first["initiator"]


def test_nothing_leads_the_dead_one_to_the_disk_any_more(story: Story) -> None:
    assert (story.states["of the dead one"], story.targets["of the dead one"]) == ("error", [])
