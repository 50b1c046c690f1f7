# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call for the hosts of a task, whichever process comes first, and whatever becomes of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import time
from collections.abc import Collection
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.together import Json, Together

HOSTS = ["bm-0", "bm-1", "../bm/2"]
fork = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "task"


class Calls:
    """A call that notes with which hosts it was made, and that leaves some of them out."""

    def __init__(self, without: Collection[str] = ()) -> None:
        self.made: list[list[str]] = []
        self._without = without

    def __call__(self, hosts: list[str]) -> dict[str, Json]:
        self.made.append(hosts)
        return {host: {"host": host, "call": len(self.made)} for host in hosts if host not in self._without}


def test_the_first_host_makes_the_call_and_each_gets_its_own_result(folder: Path) -> None:
    call = Calls()
    results = [Together(folder).result_of(host, HOSTS, call) for host in HOSTS]
    assert call.made == [HOSTS]
    assert results == [{"host": host, "call": 1} for host in HOSTS]


def test_a_host_that_no_call_had_has_one_of_its_own_without_the_others(folder: Path) -> None:
    call = Calls(without=["bm-1"])
    assert Together(folder).result_of("bm-0", HOSTS, call)["call"] == 1
    call._without = []
    assert Together(folder).result_of("bm-1", HOSTS, call)["call"] == 2
    assert Together(folder).result_of("../bm/2", HOSTS, call)["call"] == 1
    assert call.made == [HOSTS, ["bm-1"]]


def test_a_host_that_comes_again_has_a_new_call_alone(folder: Path) -> None:
    call = Calls()
    for host in [*HOSTS, "bm-1"]:
        Together(folder).result_of(host, HOSTS, call)
    assert call.made == [HOSTS, ["bm-1"]]


def test_a_call_that_fails_leaves_nothing(folder: Path) -> None:
    def failing(_hosts: list[str]) -> dict[str, Json]:
        raise RuntimeError("no cloud")

    with pytest.raises(RuntimeError, match="no cloud"):
        Together(folder).result_of("bm-0", HOSTS, failing)
    call = Calls()
    Together(folder).result_of("bm-1", HOSTS, call)
    assert call.made == [HOSTS]


def test_the_order_of_the_hosts_is_theirs_whichever_process_comes_first(folder: Path) -> None:
    call = Calls()
    Together(folder).result_of("bm-1", HOSTS, call)
    assert call.made == [HOSTS]


def test_nobody_else_may_read_what_is_left(folder: Path) -> None:
    before = os.umask(0)
    try:
        Together(folder).result_of("bm-0", HOSTS, Calls())
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "lock"}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_a_result_is_read_once(folder: Path) -> None:
    for host in HOSTS:
        Together(folder).result_of(host, HOSTS, Calls())
    assert sum(path.stat().st_size for path in folder.iterdir()) == 0


def _slow(folder: Path, host: str, log: Path) -> None:
    def call(hosts: list[str]) -> dict[str, Json]:
        with log.open("a") as stream:
            stream.write(f"{host} ")
        time.sleep(0.2)
        return {one: {"by": host} for one in hosts}

    Together(folder).result_of(host, HOSTS, call)


def test_processes_that_come_at_once_make_one_call(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes = [fork.Process(target=_slow, args=(folder, host, log)) for host in HOSTS]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(log.read_text().split()) == 1


def _endless(folder: Path, begun: Path) -> None:
    def call(_hosts: list[str]) -> dict[str, Json]:
        begun.touch()
        time.sleep(600)
        return {}

    Together(folder).result_of("bm-0", HOSTS, call)


def test_when_the_process_that_makes_the_call_is_killed_the_next_one_makes_it(folder: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    process = fork.Process(target=_endless, args=(folder, begun))
    process.start()
    while not begun.exists():
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    call = Calls()
    Together(folder).result_of("bm-1", HOSTS, call)
    assert call.made == [HOSTS]
