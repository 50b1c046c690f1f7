# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import random

from hypothesis import settings

# The same examples on every machine and no time limit: a busy machine must not make a test fail.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_configure() -> None:
    # Workers take it over, so that all of them test, and the header tells, the same.
    os.environ.setdefault("LAW_SEED", str(random.SystemRandom().randrange(10**9)))


def pytest_report_header() -> str:
    return f"new sequences of the state machines: LAW_SEED={os.environ['LAW_SEED']} repeats them"
