# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One chain: the role's image in Glance, a volume of it in Cinder, a volume target in Ironic, iPXE, and the root disk of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ..integration.lab import PROJECT, Json
from ..integration.runs import Ansible
from . import images, stories
from .lab import IMAGES, Lab
from .report import Report
from .stories import DEPLOY, UNDEPLOY, Story

NAME = "cinder-bios"
IMAGE = "bfv-e2e"


@dataclass(frozen=True)
class Chain:
    story: Story
    volumes: dict[str, list[Json]]


@pytest.fixture(scope="module")
def chain(the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Chain:
    with report.step(NAME, "upload the image to Glance"):
        images.upload(ansible, "bios", IMAGES, PROJECT, IMAGE)
    story = stories.begin(the_lab, ansible, report, NAME)
    chain = Chain(story, {})
    variables: Json = {"baremetal_deploy_volumes": [{"name": f"{NAME}-root", "image": IMAGE}]}

    def play(what: str, playbook: str, *arguments: str) -> None:
        story.play(what, playbook, variables, *arguments)
        chain.volumes[what] = the_lab.cloud.volumes(f"{NAME}-root")

    play("make the volume, deploy", DEPLOY)
    story.boot("boot")
    play("undeploy", UNDEPLOY)
    play("deploy from the volume that is there", DEPLOY)
    story.boot("boot from the volume that is there")
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


def test_undeploying_takes_the_target_and_keeps_the_volume(chain: Chain) -> None:
    assert chain.story.targets["undeploy"] == []
    assert [volume["status"] for volume in chain.volumes["undeploy"]] == ["available"]
    assert not chain.story.on["undeploy"]


def test_what_the_machine_has_written_is_there_at_the_next_deployment(chain: Chain) -> None:
    assert chain.story.markers["boot"]["boots"] == "1"
    assert chain.story.markers["boot from the volume that is there"]["boots"] == "2"


def test_the_volume_goes_where_that_is_asked_for(chain: Chain) -> None:
    assert chain.volumes["undeploy, delete the volume"] == []
