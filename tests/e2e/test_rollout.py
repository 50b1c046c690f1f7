# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two machines, and an image from which nothing boots: the gate stays shut, the first one is back on its old disk, the second one runs on."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

import pytest

from ..integration.lab import Json
from ..integration.runs import Ansible, Run
from . import stories
from .lab import Lab
from .playbooks import play
from .report import Report
from .stories import DEPLOY, UNDEPLOY, Story

pytestmark = pytest.mark.extra

NAMES = ("wave-1", "wave-2")
ROLLOUT = "bfv.openstack.rollout"
BROKEN = "bfv-e2e-broken"
WAVES = json.dumps({"rollout_waves": [1, 1], "rollout_image": BROKEN})
SECONDS_SHUT = 60


@dataclass
class Rollout:
    stories: list[Story]
    run: Run
    disks: dict[str, list[str]] = field(default_factory=dict)  # what each boots from: before, and after


@pytest.fixture(scope="module")
def rollout(
    the_lab: Lab, glance_image: str, ansible: Ansible, report: Report, tmp_path_factory: pytest.TempPathFactory
) -> Rollout:
    the_lab.cloud.image(BROKEN, tmp_path_factory.mktemp("broken"))
    machines = [stories.begin(the_lab, ansible, report, name) for name in NAMES]
    hosts: dict[str, Json] = {
        one.name: {
            "baremetal_deploy_volumes": [{"name": f"{one.name}-root", "image": glance_image}],
            "rollout_gate": {"host": one.machine.model.address, "port": 22, "timeout": SECONDS_SHUT},
        }
        for one in machines
    }
    for one in machines:
        one.play("deploy", DEPLOY, hosts[one.name])
    for one in machines:
        one.boot("boot")
        one.look_inside("boot")
    before = [_disk(one) for one in machines]
    began = time.monotonic()
    with report.step("rollout", "an image from which nothing boots"):
        run = play(ansible, ROLLOUT, "-i", str(ansible.inventory(hosts)), "-e", WAVES)
    report.tell("rollout", f"the first machine was on its old disk again after {time.monotonic() - began:.0f} s")
    machines[0].boot("boot from the old disk")
    disks = {one.name: [disk, _disk(one)] for one, disk in zip(machines, before, strict=True)}
    for one in machines:
        one.play("undeploy", UNDEPLOY, hosts[one.name])
    return Rollout(machines, run, disks)


def _disk(story: Story) -> str:
    (target,) = story.lab.cloud.targets(story.node)
    return str(target["volume_id"])


def test_the_rollout_ends_at_the_gate(rollout: Rollout) -> None:
    first, second = NAMES
    assert rollout.run.code == 2, rollout.run.text
    assert rollout.run.recap[first]["failed"] == 1
    assert second not in rollout.run.recap or not rollout.run.recap[second]["failed"]
    assert f"It is back on volume {first}-root" in rollout.run.text


def test_the_first_machine_is_back_on_its_old_disk(rollout: Rollout) -> None:
    first = rollout.stories[0]
    before, after = rollout.disks[first.name]
    assert before == after
    assert [marker["boots"] for marker in first.markers.values()] == ["1", "2"]
    assert len(first.machine.consoles) == 3  # once from the new disk, of which nothing came


def test_the_second_machine_was_never_touched(rollout: Rollout) -> None:
    second = rollout.stories[1]
    before, after = rollout.disks[second.name]
    assert before == after
    assert len(second.machine.consoles) == 1
