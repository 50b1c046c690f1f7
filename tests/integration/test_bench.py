# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks count, on a few nodes: requests are exact, and the same on every machine. Seconds are measured by `make bench`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from ..bench import nodes
from ..bench.measure import Measured
from ..bench.race import FLOOR, OURS, run
from ..bench.raw import Ironic, Json
from ..bench.sandbox import system_cloud
from .lab import PREFIX

pytestmark = pytest.mark.long

COUNT = 8
NEEDED = {
    "PATCH /v1/nodes/*": COUNT,
    "POST /v1/volume/connectors": COUNT,
    "POST /v1/volume/targets": COUNT,
    "PUT /v1/nodes/*/states/provision": COUNT,
}
MOST = 10  # requests beyond pages of a run that finds everything in order, however many nodes there are


@pytest.fixture(scope="module", params=[FLOOR, OURS])
def turns(request: pytest.FixtureRequest) -> Iterator[list[Measured]]:
    """One contestant's first and second run with the same new nodes."""
    cloud = system_cloud()
    with nodes.nodes(cloud, COUNT, prefix=f"{PREFIX}bench-") as job:
        turns = [run(request.param, job, "deployed") for _turn in range(2)]
        _check_active(cloud, job)
        yield turns


def _check_active(cloud: Json, job: Json) -> None:
    states = {one["name"]: one["provision_state"] for one in Ironic(cloud).list("nodes", fields="name,provision_state")}
    assert {name: states[name] for name in job["nodes"]} == dict.fromkeys(job["nodes"], "active")


def writes(turn: Measured) -> Counter[str]:
    """What was written, whichever node it was."""
    written = (one for one in turn.requests if one.method != "GET" and not one.is_token)
    return Counter(re.sub(r"/[0-9a-f-]{36}", "/*", f"{one.method} {one.path}") for one in written)


def test_each_node_takes_the_four_writes_that_it_needs_and_no_other(turns: list[Measured]) -> None:
    assert writes(turns[0]) == NEEDED


def test_a_second_run_writes_nothing(turns: list[Measured]) -> None:
    assert writes(turns[1]) == {}


def test_a_second_run_takes_a_handful_of_requests(turns: list[Measured]) -> None:
    assert turns[1].beyond_pages <= MOST


def test_a_run_signs_in_once(turns: list[Measured]) -> None:
    assert [sum(one.is_token for one in turn.requests) for turn in turns] == [1, 1]


def test_time_and_memory_are_those_of_the_contestant(turns: list[Measured]) -> None:
    for turn in turns:
        assert turn.cpu > 0
        assert turn.seconds > 0
        assert turn.mebibytes > 10
