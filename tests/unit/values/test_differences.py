# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How differences are put into words."""

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.differences import told

Json = dict[str, object]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {}, ""),
        ({"a": 1}, {"a": 1}, ""),
        ({"lun": 0}, {"lun": 5}, "lun 0 -> 5"),
        ({"lun": 0, "at": {"portal": "x"}}, {"lun": 5, "at": {"portal": "y"}}, "lun 0 -> 5, portal x -> y"),
        ({"portal": "x"}, {"portals": ["x", "y"]}, "portal x -> none, portals none -> ['x', 'y']"),
        ({"boot": None}, {"boot": "ipxe"}, "boot none -> ipxe"),
        ({"at": None}, {"at": {"portal": "x"}}, "portal none -> x"),
        ({"sure": False}, {"sure": True}, "sure False -> True"),
    ],
)
def test_each_field_that_differs_is_told_with_both(before: Json, after: Json, words: str) -> None:
    assert told(before, after) == words
