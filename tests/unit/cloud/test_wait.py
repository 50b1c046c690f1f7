# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def all_rounds(timeout: float) -> list[float]:
    clock = Clock()
    rounds = Rounds(timeout, clock, clock.sleep)
    while rounds.pause():
        pass
    return clock.slept


def test_pauses_grow_from_half_a_second_to_five() -> None:
    slept = all_rounds(120)
    assert slept[0] == 0.5
    assert slept[:-1] == sorted(slept[:-1])
    assert max(slept) == 5.0


@pytest.mark.parametrize("timeout", [0.2, 7, 60])
def test_the_time_is_used_up_and_not_exceeded(timeout: float) -> None:
    assert sum(all_rounds(timeout)) == pytest.approx(timeout)


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_nobody_waits(timeout: float) -> None:
    assert all_rounds(timeout) == []


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.5), (2.0, 2.0), (60.0, 5.0)])
def test_where_something_moved_the_next_look_comes_soon_and_looks_take_half_of_the_time_at_most(
    took: float, pause: float
) -> None:
    clock = Clock()
    rounds = Rounds(600, clock, clock.sleep)
    for _round in range(12):
        rounds.pause()
    rounds.look(lambda: clock.sleep(took))
    rounds.anew()
    rounds.pause()
    assert clock.slept[-1] == pause
