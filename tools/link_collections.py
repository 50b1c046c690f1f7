# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collections that we need on the path of the Python that runs this: python tools/link_collections.py ANSIBLE_WHEEL.

ansible-core and Python both look into site-packages/ansible_collections, so one place serves playbooks, pytest and mypy.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# openstack.cloud is what the collection depends on; the molecule scenarios make their containers with containers.podman.
NEEDED = ("ansible_collections/openstack/cloud/", "ansible_collections/containers/podman/")


def main(wheel: str) -> None:
    site_packages = Path(sysconfig.get_path("purelib"))
    if REPOSITORY not in site_packages.parents:
        sys.exit(f"{site_packages} is of no virtual environment of this checkout: its collections stay. Run .venv/bin/python.")
    collections = site_packages / "ansible_collections"
    # An older version's files must not stay beside the newer one's.
    shutil.rmtree(collections, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages, [name for name in archive.namelist() if name.startswith(NEEDED)])
    link = collections / "bfv" / "openstack"
    link.parent.mkdir(parents=True)
    # Relative, so that a copied checkout never uses the code of the original.
    link.symlink_to(os.path.relpath(REPOSITORY, link.parent), target_is_directory=True)


if __name__ == "__main__":
    main(sys.argv[1])
