# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of module_defaults gives the cloud to our modules and to those of openstack.cloud."""

from __future__ import annotations

import pytest

from .conftest import both_doors
from .lab import PROJECT, SYSTEM, Lab
from .runs import Ansible, Run, Task, task

pytestmark = both_doors

SERVER = pytest.param("server", marks=pytest.mark.full)
STORAGE = "bfv.openstack.baremetal_node_storage"


def play(cloud: str, *tasks: Task, **further: str) -> dict[str, object]:
    defaults = {"group/bfv.openstack.openstack": {"cloud": cloud, **further}}
    return {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": list(tasks)}


@pytest.fixture(scope="module")
def run(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Run:
    node = lab.node()
    empty = tmp_path_factory.mktemp("files") / "empty"
    empty.write_bytes(bytes(1024**2))
    system = play(
        SYSTEM,
        task("node storage", STORAGE, node=node.name),
        task("connector", "bfv.openstack.volume_connector", node=node.name, state="absent"),
        task("target", "bfv.openstack.volume_target", node=node.name, state="absent"),
        task("fleet", "bfv.openstack.baremetal_fleet", state="undeployed", nodes=[{"node": node.name}]),
        task("nodes by openstack.cloud", "openstack.cloud.baremetal_node_info", name=node.name),
        task("own cloud", STORAGE, node=node.name, cloud="it-nowhere"),
    )
    project = play(
        PROJECT,
        task("volume", "bfv.openstack.bfv_volume", name=lab.name("none"), state="absent"),
        task("server", "bfv.openstack.bfv_server", name=lab.name("none"), state="absent"),
        task("image", "bfv.openstack.bfv_image", name=lab.name("none"), digest="3f0c51d2a7be", file=str(empty)),
        task("volumes by openstack.cloud", "openstack.cloud.volume_info"),
    )
    both = play(
        SYSTEM,
        task("node storage with both", STORAGE, node=node.name),
        task("connector with both", "bfv.openstack.volume_connector", node=node.name, state="absent"),
        task("target with both", "bfv.openstack.volume_target", node=node.name, state="absent"),
        task("fleet with both", "bfv.openstack.baremetal_fleet", state="undeployed", nodes=[{"node": node.name}]),
        task("info with both", "bfv.openstack.bfv_info", nodes=[node.name], volumes=True),
        task("volume with both", "bfv.openstack.bfv_volume", name=lab.name("none"), state="absent"),
        task("server with both", "bfv.openstack.bfv_server", name=lab.name("none"), state="absent"),
        task("image with both", "bfv.openstack.bfv_image", name=lab.name("none"), digest="3f0c51d2a7be", file=str(empty)),
        volume_cloud=PROJECT,
    )
    return ansible.playbook(str(ansible.file("play.yml", [system, project, both])))


@pytest.mark.parametrize("name", ["node storage", "connector", "target", "fleet", "volume", SERVER, "image"])
def test_the_cloud_of_the_group_reaches_our_modules(run: Run, name: str) -> None:
    assert not run[name]["failed"], run[name].get("msg")


@pytest.mark.parametrize("name", ["node storage", "connector", "target", "fleet", "info", "volume", SERVER, "image"])
def test_field_m3_the_cloud_of_the_volumes_breaks_no_module(run: Run, name: str) -> None:
    assert not run[f"{name} with both"]["failed"], run[f"{name} with both"].get("msg")


@pytest.mark.parametrize("name", ["nodes by openstack.cloud", "volumes by openstack.cloud"])
def test_the_cloud_of_the_group_reaches_the_modules_of_openstack_cloud(run: Run, name: str) -> None:
    assert not run[name]["failed"], run[name].get("msg")


def test_a_tasks_own_cloud_wins(run: Run) -> None:
    assert run["own cloud"]["failed"]
    assert "it-nowhere" in run["own cloud"]["msg"]
