# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's test image is one that iscsi_lun can write, and give a node's own data."""

from __future__ import annotations

import sys

from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import disk_layout
from ansible_collections.bfv.openstack.tests.unit.sandbox_role import LIB, ROLE

sys.path.insert(0, str(LIB))

from bfv_sandbox import test_image


def test_the_test_image_boots_and_has_an_empty_place_for_a_config_drive() -> None:
    layout = disk_layout.read(test_image.master_boot_record(), 512)
    assert disk_layout.boot_modes(layout, b"") == ["bios"]
    root, seed = layout.partitions
    assert root.start + root.size == seed.start
    assert seed.start + seed.size == test_image.SIZE
    start = test_image.empty_seed().ljust(disk_layout.HEAD, b"\0")
    assert disk_layout.is_seed(seed, start)
    assert disk_layout.is_empty_seed(start)


def test_the_inventory_names_the_image_that_is_made() -> None:
    assert test_image.NAME in (ROLE / "templates" / "hosts.yml.j2").read_text()
