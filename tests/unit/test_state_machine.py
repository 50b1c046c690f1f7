# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laws over random sequences of runs and of other people's deeds.

LAW_SEQUENCES says how many sequences there are (of each seed), LAW_SEED repeats those of a run, whose header tells its seed.
"""

from __future__ import annotations

import os

import pytest
from ansible_collections.bfv.openstack.tests.unit.laws.laws import TALLY
from ansible_collections.bfv.openstack.tests.unit.laws.machine import (
    Checkpoints,
    Fleets,
    NodeCheckpoints,
    Servers,
    Volumes,
    World,
)
from ansible_collections.bfv.openstack.tests.unit.laws.takeovers import Takeovers
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

SEQUENCES = int(os.environ.get("LAW_SEQUENCES", "60"))
STEPS = 16
FIXED = 11
NEW = int(os.environ["LAW_SEED"])  # conftest.py chooses one


@pytest.mark.parametrize("machine", [Volumes, Servers, Checkpoints, Fleets, NodeCheckpoints, Takeovers])
@pytest.mark.parametrize("of", [FIXED, NEW], ids=["fixed seed", "new seed"])
def test_state_machine_no_disk_is_ever_lost(machine: type[World], of: int) -> None:
    print(f"{SEQUENCES} sequences of {STEPS} steps at the most: LAW_SEED={of} repeats them")
    run_state_machine_as_test(
        seed(of)(machine),
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            derandomize=False,
            database=None,
            deadline=None,
            print_blob=False,
            phases=(Phase.generate,) if os.environ.get("LAW_SHRINK") == "0" else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"the runs: {dict(TALLY)}")
