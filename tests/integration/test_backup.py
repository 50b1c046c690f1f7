# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups, made and restored by a real cinder-backup, and volumes that bfv_volume makes of them."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, Json, Lab
from .runs import Ansible, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

BLOCK = 1024**2


@pytest.fixture(scope="module")
def original(lab: Lab) -> Json:
    """A volume with content: the test image's."""
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    return lab.volume(lab.name("original"), imageRef=image["id"], size=1, metadata={"whose": "the original's"})


@pytest.fixture(scope="module")
def backup(lab: Lab, original: Json) -> Json:
    return lab.backup(original["id"], lab.name("backup"))


def test_a_restored_backup_is_a_second_volume_of_the_same_name_metadata_and_content(
    lab: Lab, original: Json, backup: Json
) -> None:
    restored = lab.restore(backup["id"])
    assert restored["id"] != original["id"]
    assert {volume["id"] for volume in lab.volumes(original["name"])} == {original["id"], restored["id"]}
    # Cinder adds the backup's id to the metadata of what was restored.
    assert restored["metadata"] == {**original["metadata"], "src_backup_id": backup["id"]}
    assert (restored["size"], restored["bootable"]) == (1, "true")
    disk, copy = lab.disk(original["id"]), lab.disk(restored["id"])
    assert disk.stat().st_size == copy.stat().st_size == 1024 * BLOCK
    with disk.open("rb") as first, copy.open("rb") as second:
        for _block in range(128):
            assert first.read(BLOCK) == second.read(BLOCK)


def test_a_volume_is_made_from_a_backup_once(lab: Lab, ansible: Ansible, original: Json, backup: Json) -> None:
    name = lab.name("from-backup")
    options = {"cloud": PROJECT, "name": name, "backup": backup["name"], "metadata": {"whose": "the new one's"}}
    run = ansible.tasks(
        task("check", "bfv.openstack.bfv_volume", check=True, **options),
        task("make", "bfv.openstack.bfv_volume", **options),
        task("make again", "bfv.openstack.bfv_volume", **options),
    )
    assert run["check"]["changed"], run.text
    assert not run["make"].get("failed"), run["make"]
    made = run["make"]["volume"]
    assert (made["name"], made["size"], made["status"], made["bootable"]) == (name, 1, "available", True)
    assert made["metadata"]["whose"] == "the new one's"
    assert not run["make again"]["changed"]
    assert [volume["id"] for volume in lab.volumes(name)] == [made["id"]]
    assert [volume["id"] for volume in lab.volumes(original["name"]) if volume["id"] == made["id"]] == []
    with lab.disk(original["id"]).open("rb") as first, lab.disk(made["id"]).open("rb") as second:
        assert first.read(4 * BLOCK) == second.read(4 * BLOCK)


def test_field_d2_a_volume_and_its_restored_backup_both_stay(lab: Lab, ansible: Ansible) -> None:
    """The restored one has the name and all metadata of the original, the marks of this collection among them."""
    name = lab.name("d2")
    run = ansible.tasks(task("make", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, size=1))
    original = run["make"]["volume"]["id"]
    restored = lab.restore(lab.backup(original, lab.name("d2-backup"))["id"])["id"]
    lab.attach(restored, str(uuid4()))
    before = {volume["id"]: volume for volume in lab.volumes(name)}
    assert before.keys() == {original, restored}
    run = ansible.tasks(
        task("keep", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, size=1),
        task("grow", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, size=2, recreate="on_drift"),
        task("remove in check mode", "bfv.openstack.bfv_volume", check=True, cloud=PROJECT, name=name, state="absent"),
        task("remove", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, state="absent"),
    )
    for title in ("keep", "grow", "remove in check mode", "remove"):
        result = run[title]
        assert (result["failed"], result["changed"]) == (True, False), title
        assert {original, restored} <= set(re.findall(r"[0-9a-f-]{36}", result["msg"])), result["msg"]
        assert "\n" not in result["msg"]
    assert {volume["id"]: volume for volume in lab.volumes(name)} == before
