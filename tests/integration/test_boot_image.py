# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""How the role boot_image brings an image into Glance. Its disk is a small file here, for nobody boots it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from .lab import PROJECT, Json, Lab
from .runs import Ansible, Run

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


def test_an_interrupted_upload_is_finished(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    """An image without its disk has the long name, as after a run that was killed while it uploaded."""
    name = lab.name("half")
    body = {
        "name": long_name(name, "one"),
        "disk_format": "raw",
        "container_format": "bare",
        "bfv_image_digest": sha256(b"one").hexdigest(),
    }
    half = lab.glance("POST", "/images", body)
    assert changed(upload(ansible, tmp_path, name, "one")) > 0
    (image,) = images(lab, name).values()
    assert (image["name"], image["status"]) == (name, "active")
    assert image["id"] != half["id"]


def test_an_image_of_others_stays(ansible: Ansible, lab: Lab, tmp_path: Path) -> None:
    name = lab.name("others")
    lab.image(name, tmp_path)
    before = images(lab, name)
    run = upload(ansible, tmp_path, name, "one")
    assert run.code != 0
    assert "that this role did not upload" in run.text
    assert images(lab, name) == before


@pytest.mark.parametrize("there", [True, False])
def test_check_mode_uploads_nothing(ansible: Ansible, lab: Lab, tmp_path: Path, there: bool) -> None:
    name = lab.name(f"check-{there}".lower())
    if there:
        upload(ansible, tmp_path, name, "one")
    before = images(lab, name)
    run = upload(ansible, tmp_path, name, "one", "--check")
    assert (changed(run) > 0) is not there
    assert ("Would upload" in run.text) is not there
    assert images(lab, name) == before
