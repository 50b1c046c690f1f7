# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the role boot_image brings an image into Glance. Its disk is a small file here, for nobody boots it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import openstack
import pytest

from .lab import ADMIN, PROJECT, Json, Lab
from .runs import Ansible, Run

pytestmark = pytest.mark.extra

ROLE = "ansible.builtin.include_role"


def upload(ansible: Ansible, folder: Path, name: str, inputs: str, *arguments: str, **options: object) -> Run:
    """Upload the image that these inputs make."""
    disk = folder / "disk.raw"
    disk.write_bytes(inputs.encode().ljust(1024**2))
    digest = sha256(inputs.encode()).hexdigest()
    variables = {
        "boot_image_cloud": PROJECT,
        "boot_image_name": name,
        "boot_image_boot_mode": "uefi",
        "boot_image_result": {"digest": digest, "image": str(disk), "min_disk": 3},
        # What the role asks the builder in check mode.
        "boot_image_status": {"digest": digest, "reasons": []},
        **options,
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{ROLE: {"name": "bfv.openstack.boot_image", "tasks_from": "upload"}}],
    }
    return ansible.playbook(
        str(ansible.file("upload.yml", [play])), "-e", f"@{ansible.file('variables.json', variables)}", *arguments
    )


def images(lab: Lab, name: str) -> dict[str, Json]:
    """The images whose names begin so, by name."""
    return {image["name"]: image for image in lab.glance.list("/images", "images") if image["name"].startswith(name)}


def changed(run: Run) -> int:
    assert run.code == 0, run.text
    return run.recap["localhost"]["changed"]


def long_name(name: str, inputs: str) -> str:
    return f"{name}-{sha256(inputs.encode()).hexdigest()[:12]}"


def test_an_image_says_what_it_is_and_is_uploaded_once(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("once")
    assert changed(upload(ansible, tmp_path, name, "one")) > 0
    (image,) = images(lab, name).values()
    assert image["name"] == name
    assert (image["status"], image["visibility"], image["min_disk"]) == ("active", "private", 3)
    assert (image["os_type"], image["os_distro"], image["os_version"]) == ("linux", "debian", "bookworm")
    assert (image["hw_firmware_type"], image["architecture"]) == ("uefi", "x86_64")
    assert image["bfv_image_digest"] == sha256(b"one").hexdigest()
    assert changed(upload(ansible, tmp_path, name, "one")) == 0
    assert images(lab, name) == {name: image}


def test_a_newer_image_takes_the_name_and_the_former_one_can_be_taken_again(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("newer")
    upload(ansible, tmp_path, name, "one")
    first = images(lab, name)[name]["id"]
    upload(ansible, tmp_path, name, "two")
    after = images(lab, name)
    assert after.keys() == {name, long_name(name, "one")}
    assert after[long_name(name, "one")]["id"] == first
    upload(ansible, tmp_path, name, "one")
    again = images(lab, name)
    assert again.keys() == {name, long_name(name, "two")}
    assert again[name]["id"] == first


def version(name: str, inputs: str, **fields: object) -> Json:
    """The body of a request for an image that looks like a version."""
    body = {"name": long_name(name, inputs), "disk_format": "raw", "container_format": "bare"}
    return {**body, "bfv_image_digest": sha256(inputs.encode()).hexdigest(), **fields}


def test_field_d14_an_upload_that_has_not_ended_is_told_and_left(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    """Of a run that was killed, or of another run that is uploading: nobody can tell."""
    name = lab.name("half")
    half = lab.glance("POST", "/images", version(name, "one"))
    run = upload(ansible, tmp_path, name, "one")
    assert changed(run) > 0
    assert half["id"] in run.text
    assert "It was left" in run.text
    after = images(lab, name)
    assert {image["id"]: image["status"] for image in after.values()} == {half["id"]: "queued", after[name]["id"]: "active"}
    assert changed(upload(ansible, tmp_path, name, "one")) == 0
    # The advice.
    lab.glance("DELETE", f"/images/{half['id']}")


def test_field_d14_images_of_another_project_stay(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    """A public image of the admin's project, with the digest and the long name of an old version, and one of the new one."""
    name = lab.name("theirs")
    glance = openstack.connect(cloud=ADMIN).image
    theirs = [
        glance.create_image(filename=None, **version(name, inputs, visibility="public"), data=b"0" * 512, validate_checksum=False)
        for inputs in ("one", "two")
    ]
    try:
        for inputs in ("one", "two"):
            assert changed(upload(ansible, tmp_path, name, inputs, boot_image_keep=1)) > 0
        for image in theirs:
            assert lab.glance("GET", f"/images/{image.id}")["name"] == image.name
        mine = [image for image in lab.glance.list("/images", "images") if image["name"] == name]
        assert [image["id"] for image in mine if image["id"] in {one.id for one in theirs}] == []
        assert len(mine) == 1
    finally:
        for image in theirs:
            glance.delete_image(image, ignore_missing=False)


def test_field_d14_a_deactivated_version_is_told_and_left(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("off")
    upload(ansible, tmp_path, name, "one")
    (image,) = images(lab, name).values()
    openstack.connect(cloud=ADMIN).image.deactivate_image(image["id"])
    for inputs in ("one", "two"):
        run = upload(ansible, tmp_path, name, inputs, boot_image_keep=1)
        assert run.code != 0
        assert image["id"] in run.text
        assert "has been deactivated by somebody" in run.text
    assert {one["id"] for one in images(lab, name).values()} == {image["id"]}


def test_field_d14_old_versions_go_last_with_their_ids_in_what_is_shown(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("prune")
    upload(ansible, tmp_path, name, "one")
    (old,) = images(lab, name).values()
    check = upload(ansible, tmp_path, name, "two", "--check", "--diff", boot_image_keep=1)
    run = upload(ansible, tmp_path, name, "two", "--diff", boot_image_keep=1)
    for shown in (check.text, run.text):
        assert f"delete image {old['id']} ({name})" in shown
        assert f"{old['id']}: delete image" in shown
    assert images(lab, name).keys() == {name}


def test_an_image_of_others_stays(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("others")
    lab.image(name, tmp_path)
    before = images(lab, name)
    run = upload(ansible, tmp_path, name, "one")
    assert run.code != 0
    assert "that this collection did not upload" in run.text
    assert images(lab, name) == before


@pytest.mark.parametrize("there", [True, False])
def test_check_mode_uploads_nothing(ansible: Ansible, lab: Lab, tmp_path: Path, there: bool) -> None:
    name = lab.name(f"check-{there}".lower())
    if there:
        upload(ansible, tmp_path, name, "one")
    before = images(lab, name)
    run = upload(ansible, tmp_path, name, "one", "--check")
    assert (changed(run) > 0) is not there
    assert (f"create image {long_name(name, 'one')}" in run.text) is not there
    assert images(lab, name) == before
