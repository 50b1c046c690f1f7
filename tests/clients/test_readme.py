# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""README names the clients that the collection is tested with: those that run this test, and no others."""

from __future__ import annotations

import json
import sys
import sysconfig
import tomllib
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HEAD = "| Python | ansible-core | openstacksdk | netaddr | openstack.cloud |\n|---|---|---|---|---|\n"
ROWS = (REPOSITORY / "README.md").read_text().partition(HEAD)[2].partition("\n\n")[0].splitlines()


def test_the_clients_of_this_run_are_named() -> None:
    collections = Path(sysconfig.get_path("purelib")) / "ansible_collections"
    manifest = json.loads((collections / "openstack" / "cloud" / "MANIFEST.json").read_text())
    libraries = [version(name) for name in ("ansible-core", "openstacksdk", "netaddr")]
    row = [f"{sys.version_info.major}.{sys.version_info.minor}", *libraries, manifest["collection_info"]["version"]]
    assert f"| {' | '.join(row)} |" in ROWS


def test_no_others_are_named() -> None:
    assert len(ROWS) == len(tomllib.loads((REPOSITORY / "requirements" / "clients.toml").read_text()))
