# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The machines' disk: a Debian that the role boot_image builds for booting from iSCSI volumes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ..integration.runs import Ansible, Run

PLAYBOOK = "bfv.openstack.image"
ELEMENTS = Path(__file__).parent / "elements"


def name(boot_mode: str) -> str:
    """The image's name, in the folder and in Glance."""
    return f"bfv-e2e-{boot_mode}"


def variables(boot_mode: str, folder: Path) -> dict[str, Any]:
    """What the role is asked for. The same variables give the same image, which is not built again."""
    return {
        "boot_image_family": "debian",
        "boot_image_boot_mode": boot_mode,
        "boot_image_name": name(boot_mode),
        "boot_image_dir": str(folder),
        "boot_image_format": "qcow2",
        # The drivers of virtual machines alone, and nothing that asks a cloud for its settings: an emulated machine is slow.
        "boot_image_kernel": "cloud",
        "boot_image_cloud_init": False,
        # Opens port 22 as OpenSSH does, with less work at the first start.
        "boot_image_packages": ["dropbear"],
        "boot_image_extra_elements": ["bfv-marker"],
        "boot_image_elements_path": [str(ELEMENTS)],
        # Not all test machines have device-mapper and the FAT file system.
        "boot_image_shims": True,
    }


def build(ansible: Ansible, boot_mode: str, folder: Path) -> Path:
    """The image's file. The first build takes minutes."""
    run = _run(ansible, variables(boot_mode, folder))
    return Path(run["Tell the image"]["ansible_facts"]["boot_image_result"]["image"])


def upload(ansible: Ansible, boot_mode: str, folder: Path, cloud: str) -> Run:
    """Have the role bring the image that is built into Glance."""
    return _run(ansible, variables(boot_mode, folder) | {"boot_image_upload": True, "boot_image_cloud": cloud})


def _run(ansible: Ansible, wanted: dict[str, Any]) -> Run:
    started = ansible.start(PLAYBOOK, "-e", f"@{ansible.file('image.json', wanted)}")
    try:
        stdout, stderr = started.process.communicate()
    finally:
        # Interrupted: the role clears up what a build has mounted.
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGINT)
            started.process.wait()
    run = Run(started.process.returncode, stdout, stderr, started.records())
    assert run.code == 0, run.text
    return run
