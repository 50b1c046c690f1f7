# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import references

THINGS = [("1", "root"), ("2", "ROOT"), ("3", "twice"), ("4", "twice"), ("5", "1"), ("6", None)]


@pytest.mark.parametrize(
    ("reference", "ids"),
    [
        ("root", ["1"]),
        ("ROOT", ["2"]),
        ("Root", []),
        ("twice", ["3", "4"]),
        ("1", ["1"]),  # an id goes before a name
        ("6", ["6"]),
        ("roo", []),
        ("", []),
    ],
)
def test_a_reference_is_a_name_or_an_id_exactly(reference: str, ids: list[str]) -> None:
    assert [id for id, _name in references.matching(reference, THINGS, lambda one: one)] == ids


def test_a_thing_that_a_list_tells_twice_is_one() -> None:
    assert references.matching("root", [THINGS[0], THINGS[0]], lambda one: one) == [THINGS[0]]


@pytest.mark.parametrize(
    ("reference", "means"), [("fast", True), ("id-1", True), ("FAST", False), ("", False), (None, False), ("id", False)]
)
def test_a_reference_means_a_thing_by_either(reference: str | None, means: bool) -> None:
    assert references.means(reference, "id-1", "fast") is means


def test_nothing_is_meant_by_what_is_not_known() -> None:
    assert references.means(None, None, None) is False
