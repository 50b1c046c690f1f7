# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three nodes in foul weather, as `make bench BENCH=weather` does it with ten."""

from __future__ import annotations

import pytest

from ..bench.weather import PATIENCE, STALL, measure
from .lab import Lab
from .runs import Ansible

pytestmark = pytest.mark.long

SEED = 4


def test_field_b12_with_every_fifth_answer_bad_one_run_deploys_a_fleet_and_one_removes_it(lab: Lab, ansible: Ansible) -> None:
    assert STALL > PATIENCE
    nodes = lab.nodes("a", "b", "c")
    turns = measure(lab, ansible, nodes, 0.2, SEED)
    assert [one.runs for one in turns] == [1, 1], [one.said for one in turns]
    assert all(one.faults >= 5 for one in turns)
