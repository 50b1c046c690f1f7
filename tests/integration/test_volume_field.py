# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs of the field that must not cost anybody a volume, on the real Cinder. Each test bears the name of its case."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import openstack
import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Lab
from .runs import Ansible, Run, Task, task
from .test_bad_input import configuration

MODULE = "bfv.openstack.bfv_volume"


def volume(title: str, /, check: bool = False, **options: object) -> Task:
    return task(title, MODULE, check=check, **{"cloud": PROJECT, **options})


class Case:
    """Volumes of one name, and what the tasks made of them."""

    def __init__(self, lab: Lab, ansible: Ansible) -> None:
        self._lab, self._ansible = lab, ansible
        self.name = lab.name("root")

    def there(self, *metadata: dict[str, str], **body: object) -> list[str]:
        """The ids of new volumes of that name, one for each metadata."""
        return [self._lab.volume(self.name, metadata=one, **body)["id"] for one in metadata]

    def run(self, *options: dict[str, Any]) -> Run:
        tasks = [volume(f"task {number}", **{"name": self.name, **one}) for number, one in enumerate(options)]
        return self._ansible.tasks(*tasks)

    def left(self) -> dict[str, str]:
        """The status of each volume that is left."""
        return {one["id"]: one["status"] for one in self._lab.volumes(self.name) if one["status"] != "deleting"}


@pytest.fixture
def case(lab: Lab, ansible: Ansible) -> Case:
    return Case(lab, ansible)


def test_field_d2_two_volumes_of_a_name_both_stay(case: Case) -> None:
    original, copy = case.there({"bfv_made": "new", "bfv_boot_of": "web"}, {"bfv_made": "new", "bfv_boot_of": "web"})
    run = case.run({"size": 1}, {"state": "absent"}, {"size": 1, "recreate": "on_drift", "volume_type": "no such"})
    for number in range(3):
        assert run[f"task {number}"]["failed"]
        assert all(id in run[f"task {number}"]["msg"] for id in (original, copy))
    assert case.left() == {original: "available", copy: "available"}


@pytest.mark.parametrize("status", ["error", "error_extending"])
def test_field_d3_an_error_says_nothing_of_the_data(case: Case, lab: Lab, status: str) -> None:
    (there,) = case.there({})
    lab.set_status(there, status)
    run = case.run({"size": 2, "recreate": "on_error"})
    assert "What is on it may be sound" in run["task 0"]["msg"]
    assert case.left() == {there: status}


def test_field_d3_the_advice_for_a_volume_in_error_works(case: Case, lab: Lab) -> None:
    (there,) = case.there({})
    lab.set_status(there, "error_extending")
    lab.set_status(there, "available")  # openstack volume set --state available
    assert not case.run({"size": 2, "recreate": "on_error"})["task 0"]["failed"]
    assert case.left() == {there: "available"}


def test_field_d4_what_the_new_one_needs_is_looked_at_first(case: Case) -> None:
    made = case.run({"size": 1})["task 0"]["volume"]["id"]
    run = case.run(
        {"size": 1, "recreate": "on_drift", "volume_type": "no-such-type"},
        {"size": 1, "recreate": "on_drift", "availability_zone": "no-such-zone"},
        {"size": 1, "recreate": "on_drift", "volume_type": "no-such-type", "recreate_order": "delete_first"},
    )
    assert "Cinder shows no volume type no-such-type" in run["task 0"]["msg"]
    assert "availability zone no-such-zone is not one of Cinder's" in run["task 1"]["msg"]
    assert run["task 2"]["failed"]
    assert case.left() == {made: "available"}


def test_field_d4_a_volume_is_made_anew_beside_the_old_one(case: Case, lab: Lab) -> None:
    source = lab.volume(lab.name("source"))["id"]
    other = lab.volume(lab.name("other"))["id"]
    wanted = {"volume": source, "recreate": "on_drift"}
    run = case.run({"volume": other}, {**wanted, "check": True}, wanted, wanted)
    old, new = run["task 0"]["volume"]["id"], run["task 2"]["volume"]["id"]
    assert (old == new, run["task 1"]["actions"]) == (False, run["task 2"]["actions"])
    assert old in run["task 2"]["actions"][-1]
    assert run["task 2"]["diff"]["after"]["destroys"][0].startswith(old)
    assert (run["task 3"]["changed"], case.left()) == (False, {new: "available"})


@pytest.mark.parametrize("metadata", [{}, {"bfv_made": str(uuid4())}, {"bfv_made_as": "root"}])
def test_field_d5_s3_what_was_not_made_here_is_not_made_anew(case: Case, lab: Lab, metadata: dict[str, str]) -> None:
    other = lab.volume(lab.name("other"))["id"]
    (there,) = case.there(metadata, source_volid=other)
    run = case.run({"volume": lab.volume(lab.name("source"))["id"], "recreate": "on_drift"})
    assert not run["task 0"]["failed"]
    assert (run["task 0"]["actions"], case.left()) == ([], {there: "available"})


def test_field_d6_a_name_is_compared_exactly(case: Case, lab: Lab) -> None:
    (there,) = case.there({})
    run = case.run({"name": case.name.upper(), "state": "absent"})
    assert (run["task 0"]["changed"], case.left()) == (False, {there: "available"})


def test_field_s4_a_type_is_meant_by_its_name_or_its_id(case: Case, lab: Lab) -> None:
    (there,) = case.there({})
    (shown,) = lab.volumes(case.name)
    (type_id,) = (one["id"] for one in lab.cinder.list("/types", "volume_types") if one["name"] == shown["volume_type"])
    wanted = {"volume_type": type_id, "size": 1}
    run = case.run({**wanted, "recreate": "on_drift"}, {**wanted, "retype": True}, wanted)
    for number in range(3):
        told = run[f"task {number}"]
        assert (told["failed"], told["changed"], told.get("warnings")) == (False, False, None)
    assert case.left() == {there: "available"}


def test_an_image_that_is_wanted_of_a_blank_volume_is_only_told(case: Case) -> None:
    (there,) = case.there({})
    run = case.run({"image": IMAGE, "recreate": "on_drift"})
    assert "Cinder does not show whether it was made from image" in str(run["task 0"]["warnings"])
    assert case.left() == {there: "available"}


def raw(lab: Lab, name: str, **fields: object) -> str:
    """The id of an active image of that name: one MiB of nothing."""
    image = lab.glance("POST", "/images", {"name": name, "disk_format": "raw", "container_format": "bare", **fields})["id"]
    headers = {"Content-Type": "application/octet-stream"}
    lab.glance("PUT", f"/images/{image}/file", data=bytes(1024**2), headers=headers)
    return str(image)


@pytest.mark.parametrize("rotation", ["deactivated", "deleted", "doubled", "hidden"])
def test_field_s8_a_volume_stays_as_it_is_when_its_image_was_rotated(case: Case, lab: Lab, rotation: str) -> None:
    image = raw(lab, name := lab.name("rotated"))
    made = case.run({"image": name})["task 0"]["volume"]
    if rotation == "deactivated":
        lab.glance_admin("POST", f"/images/{image}/actions/deactivate")
    elif rotation == "deleted":
        lab.glance("DELETE", f"/images/{image}")
    elif rotation == "doubled":
        raw(lab, name)
    else:
        patch(lab, image, "os_hidden", True)
    new = {"name": lab.name("new"), "image": name}
    run = case.run(
        {"image": name, "recreate": "on_drift"}, {"image": name, "size": 2, "via_golden": True, "prune_golden": True}, new
    )
    for number in (0, 1):
        assert not run[f"task {number}"]["failed"], run[f"task {number}"]["msg"]
    assert (run["task 0"]["changed"], run["task 1"]["volume"]["size"]) == (False, 2)
    assert ("warnings" in run["task 0"]) == (rotation == "deleted")
    assert run["task 2"]["failed"]
    assert f"image {name}: " in run["task 2"]["msg"]
    assert (case.left(), lab.volumes(new["name"])) == ({made["id"]: "available"}, [])


def patch(lab: Lab, image: str, name: str, value: object) -> None:
    body = json.dumps([{"op": "replace", "path": f"/{name}", "value": value}]).encode()
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    lab.glance("PATCH", f"/images/{image}", data=body, headers=headers)


def test_field_s11_a_name_means_the_active_image(case: Case, lab: Lab) -> None:
    name = lab.name("image")
    old, new = raw(lab, name), raw(lab, name)
    twice = case.run({"image": name})["task 0"]
    assert twice["failed"]
    assert [id for id in (old, new) if id not in twice["msg"]] == []
    lab.glance_admin("POST", f"/images/{old}/actions/deactivate")
    assert case.run({"image": name})["task 0"]["volume"]["image_id"] == new


def test_field_s11_a_community_image_is_found_by_its_name_and_id(case: Case, lab: Lab) -> None:
    image = raw(lab, name := lab.name("community"), visibility="community")
    other = lab.name("other")
    run = case.run({"image": name}, {"image": image, "name": other})
    assert [run[f"task {number}"]["volume"]["image_id"] for number in (0, 1)] == [image, image]


def test_field_s15_a_size_is_asked_for_where_nobody_knows_it(case: Case, lab: Lab) -> None:
    """Glance looks into what is uploaded, so a container that is compressed stands for all that it cannot look into."""
    name = lab.name("packed")
    image = lab.glance("POST", "/images", {"name": name, "disk_format": "raw", "container_format": "compressed"})["id"]
    headers = {"Content-Type": "application/octet-stream"}
    lab.glance("PUT", f"/images/{image}/file", data=gzip.compress(bytes(3 * 1024**2)), headers=headers)
    run = case.run({"image": name}, {"image": name, "check": True}, {"image": name, "size": 1, "check": True})
    for number in (0, 1):
        assert "the image is compressed, and Glance tells neither its virtual_size nor a min_disk" in run[f"task {number}"]["msg"]
    assert (run["task 2"]["changed"], case.left()) == (True, {})


@pytest.fixture(scope="module")
def new_project(lab: Lab) -> Iterator[tuple[str, str]]:
    """The id and name of a project of the sandbox's user, with a quota of its own."""
    keystone = openstack.connect(cloud=SYSTEM).identity
    project = keystone.create_project(name=lab.name("project"), domain_id="default")
    user = openstack.connect(cloud=PROJECT).current_user_id
    keystone.assign_project_role_to_user(project, user, keystone.find_role("member", ignore_missing=False))
    yield project.id, project.name
    keystone.delete_project(project)


@pytest.mark.parametrize(
    ("quota", "size", "words"),
    [
        ({"per_volume_gigabytes": 2}, 3, "a volume of this project may have 2 GiB"),
        ({"gigabytes_tgt": 0}, 1, "0 GiB of type tgt are left, and 1 are needed"),
        ({"volumes_tgt": 0}, 1, "no volume of type tgt is left"),
    ],
    ids=str,
)
def test_field_s13_each_quota_is_looked_at_before_a_volume_is_made(
    case: Case, lab: Lab, new_project: tuple[str, str], quota: dict[str, int], size: int, words: str
) -> None:
    """In a project of its own, since the quota of the sandbox's is everybody's."""
    id, name = new_project
    lab.cinder_admin("PUT", f"/os-quota-sets/{id}", {"quota_set": quota})
    wanted = {"cloud": configuration(PROJECT, auth={"project_name": name}), "size": size}
    run = case.run({**wanted, "check": True}, wanted)
    assert [words in run[f"task {number}"]["msg"] for number in (0, 1)] == [True, True]
    lab.cinder_admin("PUT", f"/os-quota-sets/{id}", {"quota_set": dict.fromkeys(quota, -1)})


def test_field_s13_what_cinder_would_not_take_is_refused_in_check_mode_too(case: Case, lab: Lab) -> None:
    name = lab.name("bad")
    bad: list[dict[str, Any]] = [
        {"availability_zone": "no-such-zone"},
        {"volume_type": "no-such-type"},
        {"name": f"{name} "},
        {"name": f"{name}\n"},
        {"name": f"{name}{'x' * 255}"},
        {"metadata": {"a+b": "1"}},
        {"metadata": {"a": "v" * 256}},
    ]
    for one in bad:
        run = case.run({"name": name, "size": 1, **one, "check": True}, {"name": name, "size": 1, **one})
        assert (run["task 0"]["failed"], run["task 0"]["msg"]) == (True, run["task 1"]["msg"])
    assert [one for one in lab.cinder.list("/volumes", "volumes") if one["name"].startswith(name)] == []


def test_field_s13_what_cinder_takes_at_the_most_is_taken(case: Case, lab: Lab) -> None:
    wanted = {
        "name": (case.name + "x" * 255)[:255],
        "size": 1,
        "description": "d" * 255 + "\n",
        "metadata": {"a b/c:d.e_f-9": "v" * 255},
    }
    run = case.run(wanted, wanted)
    for number, changed in ((0, True), (1, False)):
        assert (run[f"task {number}"]["failed"], run[f"task {number}"]["changed"]) == (False, changed), run[f"task {number}"].get(
            "msg"
        )
