# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The machines' disk: a Debian that the role boot_image builds for booting from iSCSI volumes."""

from __future__ import annotations

from pathlib import Path

from ..integration.runs import Ansible, Run
from . import inside
from .playbooks import play

PLAYBOOK = "bfv.openstack.image"
# Each of both is booted: which one goes with which firmware does not matter.
INITRAMFS = {"bios": "initramfs-tools", "uefi": "dracut"}
HERE = Path(__file__).parent


def build(ansible: Ansible, boot_mode: str, folder: Path) -> Path:
    """The image's file. The first build takes minutes; after that the role finds that the inputs are the same."""
    run = _run(ansible, boot_mode, folder)
    return Path(run["Tell the image"]["ansible_facts"]["boot_image_result"]["image"])


def upload(ansible: Ansible, boot_mode: str, folder: Path, cloud: str, name: str) -> None:
    """Have the role bring the image that is built into Glance."""
    _run(ansible, boot_mode, folder, boot_image_upload=True, boot_image_cloud=cloud, boot_image_glance_name=name)


def _run(ansible: Ansible, boot_mode: str, folder: Path, **others: object) -> Run:
    inside.make_key(folder)
    wanted = {
        "boot_image_boot_mode": boot_mode,
        "boot_image_initramfs": INITRAMFS[boot_mode],
        "boot_image_dir": str(folder),
        "boot_image_elements_path": [str(HERE / "elements")],
        **others,
    }
    run = play(ansible, PLAYBOOK, "-e", f"@{HERE / 'image.yml'}", "-e", f"@{ansible.file('image.json', wanted)}")
    assert run.code == 0, run.text
    return run
