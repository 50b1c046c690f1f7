# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machines' disk: a Debian that the role boot_image builds for booting from iSCSI volumes."""

from __future__ import annotations

from pathlib import Path

from ..integration.runs import Ansible, Run
from . import inside
from .playbooks import play

PLAYBOOK = "bfv.openstack.image"
# Each of both is booted: which one goes with which firmware does not matter.
INITRAMFS = {"bios": "initramfs-tools", "uefi": "dracut"}
# What differs from image.yml in each kind of image that the tests may ask for.
KINDS: dict[str, dict[str, object]] = {
    **{
        boot_mode: {"boot_image_boot_mode": boot_mode, "boot_image_initramfs": initramfs}
        for boot_mode, initramfs in INITRAMFS.items()
    },
    # Several paths, and a place for a config drive, which names the machine.
    "bios-multipath": {
        "boot_image_name": "bfv-debian-bookworm-bios-multipath",
        "boot_image_multipath": True,
        "boot_image_cloud_init": True,
        "boot_image_seed_partition": True,
        "boot_image_hostname": "",
    },
}
HERE = Path(__file__).parent


def build(ansible: Ansible, kind: str, folder: Path) -> Path:
    """The image's file. The first build takes minutes; after that the role finds that the inputs are the same."""
    run = _run(ansible, kind, folder)
    return Path(run["Tell the image"]["ansible_facts"]["boot_image_result"]["image"])


def upload(ansible: Ansible, kind: str, folder: Path, cloud: str, name: str) -> None:
    """Have the role bring the image that is built into Glance."""
    _run(ansible, kind, folder, boot_image_upload=True, boot_image_cloud=cloud, boot_image_glance_name=name)


def _run(ansible: Ansible, kind: str, folder: Path, **others: object) -> Run:
    inside.make_key(folder)
    wanted = {
        **KINDS[kind],
        "boot_image_dir": str(folder),
        "boot_image_elements_path": [str(HERE / "elements")],
        **others,
    }
    run = play(ansible, PLAYBOOK, "-e", f"@{HERE / 'image.yml'}", "-e", f"@{ansible.file('image.json', wanted)}")
    assert run.code == 0, run.text
    return run
