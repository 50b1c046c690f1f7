# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names change hands between the disks of a machine that goes back."""

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import succession
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import Volume

OLD = "0a1b2c3d-0000-4000-8000-000000000000"


def renamed(new: str, old: str) -> list[tuple[str, str]]:
    ones = succession.exchange_names(Volume("new", new, "in-use", 1), Volume(OLD, old, "available", 1))
    return [(one.key, one.body["volume"]["name"]) for one in ones]  # type: ignore[index]


@pytest.mark.parametrize(
    ("new", "old", "left"),
    [
        ("web-friday-0", "web-boot", [("new", "web-boot"), (OLD, "web-boot-kept-0a1b2c3d")]),
        ("web-boot", "web-boot", [(OLD, "web-boot-kept-0a1b2c3d")]),  # broken off in between
        ("web-boot", "web-boot-kept-0a1b2c3d", []),
        ("web-friday-0", "", []),
        ("web-friday-0", "x" * 255, [("new", "x" * 255), (OLD, "x" * 241 + "-kept-0a1b2c3d")]),
    ],
)
def test_the_new_disk_takes_the_name_first(new: str, old: str, left: list[tuple[str, str]]) -> None:
    assert renamed(new, old) == left
