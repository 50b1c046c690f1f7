# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who comes from openstack.cloud: the task of the page that follows theirs finds nothing to do."""

from __future__ import annotations

import re

import pytest
import yaml

from .guides import GUIDES
from .lab import IMAGE, NETWORK, PROJECT, Lab
from .runs import Ansible, Run, Task, task

pytestmark = pytest.mark.full

BLOCK = re.compile(r"^   # before\n.*?(?=^\S)", re.MULTILINE | re.DOTALL)


def written(name: str) -> list[Task]:
    """The two tasks of the page, with names of the sandbox."""
    (block,) = BLOCK.findall((GUIDES / "migrate_openstack_cloud.rst").read_text(encoding="utf-8"))
    here = {"web-1": name, "storage-project": PROJECT, "general-2": "bfv.small", "debian-12": IMAGE, "internal": NETWORK}
    for theirs, ours in {**here, "size: 20": "size: 1"}.items():
        block = block.replace(theirs, ours)
    before, after = yaml.safe_load(block)
    return [
        {**before, "name": "before"},
        {**after, "name": "after"},
        {**after, "name": "after, in check mode", "check_mode": True},
    ]


@pytest.fixture(scope="module")
def run(lab: Lab, ansible: Ansible) -> Run:
    name = lab.name("web-1")
    before, after, looked = ({**one, "ignore_errors": True} for one in written(name))
    # The disk that openstack.cloud made has no name by which the lab would find it.
    gone = task("gone", "bfv.openstack.bfv_server", cloud=PROJECT, name=name, state="absent", boot_volume_on_delete="delete")
    return ansible.tasks(before, looked, after, gone)


def test_the_task_of_openstack_cloud_makes_the_server(run: Run) -> None:
    assert run["before"]["changed"], run["before"].get("msg")


@pytest.mark.parametrize("name", ["after, in check mode", "after"])
def test_our_task_changes_nothing_of_it(run: Run, name: str) -> None:
    assert not run[name]["failed"], run[name].get("msg")
    assert not run[name]["changed"], run[name].get("actions")


def test_its_disk_can_go_with_it(run: Run) -> None:
    assert run["gone"]["changed"], run["gone"].get("msg")
    assert any("delete volume" in action for action in run["gone"]["actions"]), run["gone"]["actions"]
