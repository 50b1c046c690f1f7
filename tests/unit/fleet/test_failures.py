# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet says of its failures, however many there are."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.failures import told
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import uuid_of


def unknown(name: str) -> str:
    return f"Failed to find node {name}: Ironic shows no node of that name or UUID ({uuid_of(name)})."


def names(count: int, stem: str = "rack3-node") -> list[str]:
    return [f"{stem}{number:03}" for number in range(count)]


def test_field_M1_three_hundred_nodes_that_fail_for_one_reason_give_one_readable_line() -> None:
    said = told({name: unknown(name) for name in names(300)}, 310)
    assert said == (
        f"300 of 310 nodes failed (rack3-node000, rack3-node001, rack3-node002 and 297 more): {unknown('rack3-node000')}"
    )


def test_field_M1_alike_reasons_are_counted_the_most_frequent_first() -> None:
    many, few = names(7), names(2, "bm-")
    said = told({name: f"Failed to deploy node {name}: no." for name in few} | {name: unknown(name) for name in many}, 20)
    assert said == (
        f"9 of 20 nodes failed: 7 (rack3-node000, rack3-node001, rack3-node002 and 4 more): {unknown('rack3-node000')} "
        "2 (bm-000, bm-001): Failed to deploy node bm-000: no."
    )


def test_field_M1_of_many_different_reasons_the_first_are_told() -> None:
    said = told({name: f"Failed: {'no ' * at}." for at, name in enumerate(names(40))}, 40)
    assert said.count("Failed:") == 5
    assert said.endswith(" 35 for 35 other reasons, which nodes tells.")
    assert len(said) < 500


def test_field_M1_a_name_within_a_longer_one_is_not_taken_for_it() -> None:
    said = told({"bm-1": "Failed to find node bm-1.", "bm-2": "Failed to find node bm-12."}, 2)
    assert said.startswith("2 of 2 nodes failed: 1 (bm-1): ")


def test_what_all_are_told_in_the_same_words_is_told_once_though_it_names_some() -> None:
    same = "Failed to make the volumes of this run: there is room for 2 of 3 nodes, and not for bm-002."
    assert told(dict.fromkeys(names(3, "bm-"), same), 3) == f"3 of 3 nodes failed (bm-000, bm-001, bm-002): {same}"
