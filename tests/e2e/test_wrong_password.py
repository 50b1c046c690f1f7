# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A machine that the array does not let in: Ironic is content with it, and only baremetal_deploy_wait_for sees that it never starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..integration.runs import Ansible
from . import stories
from .lab import Lab
from .report import Report
from .stories import DEPLOY, UNDEPLOY, Story

NAME = "locked-out"
# Enough for firmware and iPXE to get to the array more than once.
TIMEOUT = 60


@pytest.fixture(scope="module")
def story(the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> Story:
    lun = the_lab.array.export(NAME, the_lab.disk(NAME, disk_images["bios"]))
    story = stories.begin(the_lab, ansible, report, NAME)
    variables = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [lun.target(chap_password="not-the-password")],
        "baremetal_deploy_wait_for": {"host": story.machine.model.address, "timeout": TIMEOUT},
    }
    story.run("deploy, and wait in vain", DEPLOY, variables)
    story.play("undeploy", UNDEPLOY, variables)
    return story


def test_ironic_is_content(story: Story) -> None:
    assert story.states["deploy, and wait in vain"] == "active"
    assert story.on["deploy, and wait in vain"]


def test_the_array_did_not_let_the_machine_in(story: Story) -> None:
    text = story.machine.consoles[0].text
    assert re.search(r"Could not open SAN device: .*", text), text[-2000:]
    assert "BFV-MARKER" not in text


def test_the_host_fails_and_says_where_to_look(story: Story) -> None:
    run = story.runs["deploy, and wait in vain"]
    assert run.code == 2
    assert run.recap[NAME]["failed"] == 1
    message = run["Say that the machine did not start"]["msg"]
    assert f"node {NAME}" in message
    assert f"within {TIMEOUT} s" in message
    assert f"{story.machine.model.address}:22" in message
    assert "console" in message


def test_the_password_is_not_shown(story: Story) -> None:
    for run in story.runs.values():
        assert "not-the-password" not in run.text
