# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One chain: the role's image in Glance, a volume of it in Cinder, a volume target in Ironic, iPXE, and the root disk of a machine.

The machine counts on its disk how often it was started from it. It is saved when it has been once, and goes back to that after a second time.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ..integration.lab import Json
from ..integration.runs import Ansible
from . import stories
from .lab import Lab
from .report import Report
from .stories import CHECKPOINT, DEPLOY, UNDEPLOY, Story

NAME = "cinder-bios"
SAVED = ("-e", "checkpoint=before-upgrade")


@dataclass(frozen=True)
class Chain:
    story: Story
    volumes: dict[str, list[Json]]

    @property
    def boots(self) -> list[str]:
        """What the machine said after each start: how often its disk was started from."""
        return [marker["boots"] for marker in self.story.markers.values()]


@pytest.fixture(scope="module")
def chain(the_lab: Lab, glance_image: str, ansible: Ansible, report: Report) -> Chain:
    story = stories.begin(the_lab, ansible, report, NAME)
    chain = Chain(story, {})
    variables: Json = {"baremetal_deploy_volumes": [{"name": f"{NAME}-root", "image": glance_image}]}

    def play(what: str, playbook: str, *arguments: str) -> None:
        story.play(what, playbook, variables, *arguments)
        chain.volumes[what] = the_lab.cloud.volumes(f"{NAME}-root")

    play("make the volume, deploy", DEPLOY)
    story.boot("boot")
    story.look_inside("boot")
    # A disk is saved as it is. Where the machine is off, it has written all that it had to write.
    story.switch_off("switch off")
    play("save", CHECKPOINT, *SAVED)
    play("undeploy", UNDEPLOY)
    play("deploy from the volume that is there", DEPLOY)
    story.boot("boot from the volume that is there")
    # Without a safety checkpoint Cinder writes onto the very disk.
    play("go back", CHECKPOINT, *SAVED, "-e", "checkpoint_state=reverted", "-e", "checkpoint_safety=false")
    story.boot("boot when it has gone back")
    report.tell(NAME, f"boots when saved, then, and when gone back: {' '.join(chain.boots)}")
    play("remove what was saved", CHECKPOINT, *SAVED, "-e", "checkpoint_state=absent")
    play("undeploy, delete the volume", UNDEPLOY, "-e", "baremetal_deploy_volumes_on_undeploy=delete")
    return chain


def test_the_root_disk_is_the_volume(chain: Chain) -> None:
    assert chain.story.markers["boot"]["transport"] == "iscsi"
    (volume,) = chain.volumes["make the volume, deploy"]
    assert volume["status"] == "in-use"
    (target,) = chain.story.targets["make the volume, deploy"]
    assert target["volume_id"] == volume["id"]


def test_cinder_exports_it_to_the_initiator_of_the_connector(chain: Chain) -> None:
    (connector,) = chain.story.lab.cloud.connectors(chain.story.node)
    assert chain.story.markers["boot"]["initiator"] == connector["connector_id"]


def test_another_machine_of_the_arrays_image_is_its_own(chain: Chain) -> None:
    assert chain.story.is_its_own()


def test_undeploying_takes_the_target_and_keeps_the_volume(chain: Chain) -> None:
    assert chain.story.targets["undeploy"] == []
    assert [volume["status"] for volume in chain.volumes["undeploy"]] == ["available"]
    assert not chain.story.on["undeploy"]


def test_what_the_machine_has_written_is_there_at_the_next_deployment(chain: Chain) -> None:
    assert chain.boots[:2] == ["1", "2"]


def test_what_it_has_written_since_it_was_saved_is_not_there_when_it_has_gone_back(chain: Chain) -> None:
    assert chain.boots[1:] == ["2", "2"]
    assert chain.story.markers["boot when it has gone back"]["transport"] == "iscsi"


def test_it_goes_back_on_the_same_volume(chain: Chain) -> None:
    made, back = (chain.story.targets[what] for what in ("deploy from the volume that is there", "go back"))
    assert [target["volume_id"] for target in back] == [target["volume_id"] for target in made]
    assert [volume["id"] for volume in chain.volumes["go back"]] == [target["volume_id"] for target in back]
    assert chain.story.states["go back"] == "active"


def test_the_volume_goes_where_that_is_asked_for(chain: Chain) -> None:
    assert chain.volumes["undeploy, delete the volume"] == []
