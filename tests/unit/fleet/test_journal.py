# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.journal import Entry, Journal
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, an_image, manage

Line = tuple[str, int]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def journal(total: int = 100) -> tuple[Journal, Clock, list[Line]]:
    clock, lines = Clock(), list[Line]()
    return Journal("deployed", total, lambda line, verbosity: lines.append((line, verbosity)), clock), clock, lines


# One journal


def test_what_happened_is_told_and_kept_in_its_order() -> None:
    kept, clock, lines = journal()
    clock.now += 0.81234
    kept.note("bm-0", "deploy node bm-0", 1)
    clock.now += 0.5
    kept.note("bm-1", "deploying")
    clock.now += 36.0
    kept.note("bm-0", "deployed")
    assert lines == [("bm-0: deploy node bm-0", 1), ("bm-1: deploying", 0), ("bm-0: deployed", 0)]
    assert kept.of("bm-0") == (Entry(0.812, "deploy node bm-0"), Entry(37.312, "deployed"))
    assert kept.of("bm-2") == ()
    assert kept.seconds == 37.312


def test_the_summary_tells_how_far_the_run_has_come() -> None:
    kept, clock, lines = journal()
    clock.now += 42.9
    kept.summarize(37, 3)
    assert lines == [("deployed 37/100, 3 failed, 60 waiting, 00:42", 0)]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (59.9, "00:59"), (60, "01:00"), (3599, "59:59"), (3600, "1:00:00"), (36061, "10:01:01")]
)
def test_the_summary_counts_minutes_and_then_hours(seconds: float, shown: str) -> None:
    kept, clock, lines = journal()
    clock.now += seconds
    kept.summarize(0, 0)
    assert lines[0][0].endswith(f" waiting, {shown}")


def test_a_summary_is_told_only_when_it_has_changed() -> None:
    kept, clock, lines = journal()
    for done, failed in ((0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (1, 1)):
        clock.now += 1
        kept.summarize(done, failed)
    assert [line.rpartition(", ")[0] for line, verbosity in lines] == [
        "deployed 0/100, 0 failed, 100 waiting",
        "deployed 1/100, 0 failed, 99 waiting",
        "deployed 1/100, 1 failed, 98 waiting",
    ]


def test_a_summary_belongs_to_no_node() -> None:
    kept, _clock, _lines = journal(1)
    kept.summarize(1, 0)
    assert kept.of("deployed") == ()


def test_a_journal_that_nobody_listens_to_is_kept_all_the_same() -> None:
    kept = Journal("deployed", 1)
    kept.note("bm-0", "deploying")
    kept.summarize(0, 0)
    assert [entry.what for entry in kept.of("bm-0")] == ["deploying"]


def test_lines_are_told_one_at_a_time_and_times_never_go_back() -> None:
    telling, overlaps = threading.Lock(), list[str]()

    def tell(line: str, verbosity: int) -> None:
        if not telling.acquire(blocking=False):
            overlaps.append(line)
            return
        time.sleep(0.0005)
        telling.release()

    kept = Journal("deployed", 8, tell)
    with ThreadPoolExecutor(8) as pool:
        for number in range(200):
            pool.submit(kept.note, "bm-0", str(number))
            pool.submit(kept.summarize, number, 0)
    assert overlaps == []
    at = [entry.at for entry in kept.of("bm-0")]
    assert (len(at), at) == (200, sorted(at))


# The journal of a run

STATES: dict[str, Json] = {"deployed": {}, "prepared": {}, "undeployed": {}, "absent": {}}


def told(cloud: FakeCloud, *nodes: Json, **options: object) -> tuple[list[Line], dict[str, list[str]]]:
    lines: list[Line] = []
    outcomes = manage(cloud, list(nodes), tell=lambda line, verbosity: lines.append((line, verbosity)), **options)
    return lines, {name: [entry.what for entry in outcome.history] for name, outcome in outcomes.items()}


def a_cloud(number: int) -> FakeCloud:
    return FakeCloud(nodes=[a_node(f"bm-{index}", storage_interface="noop") for index in range(number)], images=[an_image()])


def entry(name: str = "bm-0") -> Json:
    return {"node": name, "storage_interface": "cinder", "volumes": [{"name": f"{name}-root", "image": "debian"}]}


def test_a_deployment_is_told_from_the_first_step_to_the_last_state() -> None:
    lines, history = told(a_cloud(1), entry())
    shown = [line for line, verbosity in lines if verbosity == 0]
    assert [re.sub(r"\d\d:\d\d$", "TIME", line) for line in shown] == [
        "bm-0: waits for volume bm-0-root to become available",
        "deployed 0/1, 0 failed, 1 waiting, TIME",
        "bm-0: waits for volume bm-0-root (downloading) to become available",
        "bm-0: deployed",
        "deployed 1/1, 0 failed, 0 waiting, TIME",
    ]
    assert history["bm-0"] == [line.removeprefix("bm-0: ") for line, _verbosity in lines if line.startswith("bm-0: ")]
    assert "bm-0: deploy node bm-0" in [line for line, verbosity in lines if verbosity == 1]


@pytest.mark.parametrize("state", STATES)
def test_a_run_ends_with_the_summary_of_all_nodes(state: str) -> None:
    cloud = a_cloud(3)
    cloud.deployment_fails["bm-1"] = "no power"
    lines, _history = told(cloud, entry("bm-0"), entry("bm-1"), entry("bm-7"), state=state)
    failed = 2 if state == "deployed" else 1
    assert lines[-1][0].startswith(f"{state} {3 - failed}/3, {failed} failed, 0 waiting, ")
    assert lines[-1][1] == 0


def test_nodes_that_were_waited_for_too_long_are_counted_at_the_end() -> None:
    lines, _history = told(a_cloud(2), entry("bm-0"), entry("bm-1"), timeout=0.4)
    assert lines[-1][0].startswith("deployed 0/2, 2 failed, 0 waiting, ")


def test_a_failure_is_always_told() -> None:
    cloud = a_cloud(2)
    cloud.deployment_fails["bm-1"] = "no power"
    lines, history = told(cloud, entry("bm-0"), entry("bm-1"), entry("bm-7"))
    failures = [line for line, verbosity in lines if verbosity == 0 and "Failed to" in line]
    assert [line.partition(": ")[0] for line in failures] == ["bm-7", "bm-1"]
    assert "no power" in history["bm-1"][-1]


def test_a_refused_node_has_a_history() -> None:
    (outcome,) = manage(FakeCloud(), [{"node": "bm-7"}]).values()
    assert [entry.what for entry in outcome.history] == [outcome.msg]


def test_a_run_without_change_tells_only_the_summary() -> None:
    cloud = a_cloud(2)
    told(cloud, entry("bm-0"), entry("bm-1"))
    lines, history = told(cloud, entry("bm-0"), entry("bm-1"))
    assert [line.rpartition(",")[0] for line, _verbosity in lines] == ["deployed 2/2, 0 failed, 0 waiting"]
    assert history == {"bm-0": [], "bm-1": []}


class Slow(FakeCloud):
    """Nothing moves for a while."""

    def tick(self) -> None:
        if self.now > 20:
            super().tick()


def test_what_is_waited_for_is_told_once_however_long_it_takes() -> None:
    cloud = Slow(nodes=[a_node()], images=[an_image()])
    lines, history = told(cloud, entry())
    assert cloud.now > 20
    assert len(set(history["bm-0"])) == len(history["bm-0"])
    assert sum(line.startswith("deployed 0/1") for line, _verbosity in lines) == 1


def test_check_mode_tells_only_what_a_run_would_make() -> None:
    lines, history = told(a_cloud(1), entry(), check_mode=True)
    assert (history, {verbosity for _line, verbosity in lines}) == ({"bm-0": []}, {2})
    assert lines[0][0].startswith("This run makes 1 volume, ")
