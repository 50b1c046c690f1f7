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
