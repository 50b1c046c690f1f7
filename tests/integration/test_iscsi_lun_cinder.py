# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.iscsi_lun with volumes of Cinder, which an ordinary member attaches for a moment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ..unit import disks
from .lab import PROJECT, Json, Lab
from .runs import Ansible, Run, Task, task
from .test_interrupted import kill
from .waiting import until

MIB = 1024**2
NOTE = "bfv_at_work"


def lun(title: str, volume: str, /, **options: Any) -> Task:
    return task(title, "bfv.openstack.iscsi_lun", cloud=PROJECT, volume=volume, **options)


def is_let_go(lab: Lab, volume: str) -> bool:
    (seen,) = lab.volumes(volume)
    held = lab.cinder.list("/attachments", "attachments", volume_id=seen["id"])
    return seen["status"] == "available" and not held and NOTE not in seen["metadata"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "image.raw"
    path.write_bytes(disks.bootable(24, more=os.urandom(3 * MIB)))
    return path


@pytest.fixture(scope="module")
def root(lab: Lab) -> Json:
    return lab.volume(lab.name("root"))


@pytest.fixture(scope="module")
def run(lab: Lab, ansible: Ansible, image: Path, root: Json) -> Run:
    name = root["name"]
    seed = {"hostname": "node-1"}
    return ansible.tasks(
        lun("check", name, check=True, image=str(image), seed=seed),
        lun("fill", name, image=str(image), seed=seed),
        lun("again", root["id"], image=str(image), seed=seed),
        lun("another seed", name, seed={"hostname": "node-2"}),
        lun("nobody has it", lab.name("nobody")),
        task(
            "both",
            "bfv.openstack.iscsi_lun",
            cloud=PROJECT,
            volume=name,
            portals=["192.0.2.10"],
            iqn="iqn.2010-10.org.example:a",
            lun=1,
        ),
    )


def test_a_volume_is_filled_and_let_go(lab: Lab, run: Run, root: Json, image: Path) -> None:
    assert run["check"]["volume"] == root["id"]
    assert "In check mode no volume is attached" in run.text
    assert len(run["fill"]["actions"]) == 2
    assert run["fill"]["volume"] == root["id"]
    assert run["fill"]["size"] == 1024**3
    assert run["fill"]["boot_modes"] == ["bios", "uefi"]
    assert not run["again"]["changed"]
    wanted = image.read_bytes()
    with lab.disk(root["id"]).open("rb") as disk:
        have = disk.read(len(wanted))
    assert have[: 2 * MIB] == wanted[: 2 * MIB]
    assert have[4 * MIB :] == wanted[4 * MIB :]
    assert is_let_go(lab, root["name"])


def test_another_seed_alone_is_written(run: Run) -> None:
    assert len(run["another seed"]["actions"]) == 1


def test_what_is_not_there_or_said_twice_is_refused(run: Run) -> None:
    assert "there is no such volume" in run["nobody has it"]["msg"]
    assert "mutually exclusive" in run["both"]["msg"]


def test_a_volume_that_is_in_use_is_left_alone(lab: Lab, ansible: Ansible) -> None:
    volume = lab.volume(lab.name("used"))
    lab.attach(volume["id"], str(uuid4()))
    seen = ansible.tasks(lun("look", volume["name"]))["look"]
    assert seen["failed"]
    assert "its status is in-use" in seen["msg"]
    (after,) = lab.volumes(volume["name"])
    assert NOTE not in after["metadata"]


def test_what_a_killed_run_has_left_is_let_go_by_the_next(lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    image = tmp_path / "image.raw"
    image.write_bytes(disks.bootable(400, more=os.urandom(380 * MIB)))
    volume = lab.volume(lab.name("killed"))
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [lun("fill", volume["name"], image=str(image))]}
    started = ansible.start(str(ansible.file("play.yml", [play])))

    def is_begun() -> bool:
        with lab.disk(volume["id"]).open("rb") as disk:
            return b"is being written" in disk.read(512)

    until("the image to be written", is_begun, 60)
    kill(started.process.pid)
    started.process.wait()
    assert not is_let_go(lab, volume["name"])

    run = ansible.tasks(lun("fill", volume["name"], image=str(image)))
    assert run["fill"]["changed"], run["fill"]
    assert "A run that was killed had left something" in run.text
    assert is_let_go(lab, volume["name"])


def test_an_attachment_of_another_host_is_told_and_left(lab: Lab, ansible: Ansible) -> None:
    volume = lab.volume(lab.name("elsewhere"))
    note = {NOTE: f"{volume['id']} storage-2 {uuid4()} 4026531836 77 1234"}
    lab.cinder("POST", f"/volumes/{volume['id']}/metadata", {"metadata": note})
    connector = {"initiator": "iqn.2010-10.org.example:other", "host": "storage-2", "ip": "192.0.2.9", "multipath": False}
    body = {"attachment": {"volume_uuid": volume["id"], "connector": connector}}
    held = lab.cinder("POST", "/attachments", body)["attachment"]["id"]
    run = ansible.tasks(lun("look", volume["name"]))
    assert run["look"]["failed"]
    assert (
        "process 77 of host storage-2 has attached it, and from here nobody can see whether it has ended. " in run["look"]["msg"]
    )
    # The advice, followed.
    assert f"openstack volume attachment delete {held}" in run["look"]["msg"]
    lab.cinder("DELETE", f"/attachments/{held}")
    assert ansible.tasks(lun("look", volume["name"]))["look"]["blank"] is True
    assert is_let_go(lab, volume["name"])
