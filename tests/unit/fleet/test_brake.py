# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.brake import Brake, Stopped, limit
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("fail_after", "nodes", "expected"),
    [
        (None, 30, None),
        ("3", 30, 3),
        (" 3 ", 30, 3),
        ("40", 30, 40),
        ("10%", 30, 3),
        ("10%", 31, 4),
        ("1%", 5, 1),
        ("100%", 7, 7),
        ("007", 30, 7),
    ],
)
def test_the_limit_is_a_number_or_a_part_of_the_nodes_rounded_up(
    fail_after: str | None, nodes: int, expected: int | None
) -> None:
    assert limit(fail_after, nodes) == expected


@given(st.integers(1, 100), st.integers(1, 100_000))
def test_a_percentage_is_reached_by_the_first_number_of_nodes_that_is_as_much(percent: int, nodes: int) -> None:
    reached = limit(f"{percent}%", nodes)
    assert reached is not None
    assert 1 <= reached <= nodes
    assert (reached - 1) * 100 < nodes * percent <= reached * 100


@pytest.mark.parametrize(
    "fail_after",
    [
        "",
        " ",
        "0",
        "0%",
        "000",
        "101%",
        "-1",
        "+3",
        "3.5",
        "2,5%",
        "10 %",
        "10%%",
        "%",
        "%10",
        "ten",
        "3 nodes",
        "1e3",
        "\u0663",
        "\u00b2",
        "3\n4",
    ],
)
def test_anything_else_is_refused(fail_after: str) -> None:
    with pytest.raises(Invalid) as refusal:
        limit(fail_after, 30)
    assert str(refusal.value).startswith(f'Failed to read fail_after: "{fail_after}" is neither')


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match="fail_after"):
        limit("9" * 5000, 30)


@given(st.text(max_size=8), st.integers(1, 100))
def test_any_text_is_read_or_refused(fail_after: str, nodes: int) -> None:
    with suppress(Invalid):
        assert limit(fail_after, nodes)


def test_the_brake_acts_when_so_many_have_failed() -> None:
    brake = Brake(2)
    brake.check("bm-0")
    brake.count()
    brake.check("bm-0")
    brake.count()
    with pytest.raises(Stopped, match=r"Failed to go on with node bm-0: 2 nodes have failed, .*run again") as stop:
        brake.check("bm-0")
    assert "\n" not in str(stop.value)


def test_one_failure_may_be_enough() -> None:
    brake = Brake(1)
    brake.count()
    with pytest.raises(Stopped, match="bm-0: 1 node has failed, "):
        brake.check("bm-0")


def test_no_brake_never_acts() -> None:
    brake = Brake(None)
    for _node in range(100):
        brake.count()
    brake.check("bm-0")


def test_failures_are_counted_from_every_thread() -> None:
    brake = Brake(8000)
    with ThreadPoolExecutor(8) as pool:
        for _failure in range(8000):
            pool.submit(brake.count)
    with pytest.raises(Stopped, match="8000 nodes have failed"):
        brake.check("bm-0")
