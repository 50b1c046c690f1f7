# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import this_run
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.this_run import Process


def test_a_process_is_one_text() -> None:
    own = this_run.this()
    assert this_run.read(own.text) == own
    assert len(own.text) < 255 - 37  # of Cinder's metadata, with the volume's id


@pytest.mark.parametrize("text", ["", "a b c", "a b c d e", "a b c 1 2 3", "a b c \u00b2 e", "a b c 0 e", f"a b c {2**22 + 1} e"])
def test_another_text_is_none(text: str) -> None:
    assert this_run.read(text) is None


def test_a_process_whose_start_is_unknown_is_a_text_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(this_run, "_started", lambda _number: None)
    own = this_run.this()
    assert this_run.read(own.text) == own


def test_this_one_runs() -> None:
    assert this_run.has_ended(this_run.this()) is False


def test_one_that_has_ended_is_seen() -> None:
    child = subprocess.Popen(["sleep", "60"])
    number = child.pid
    running = replace(this_run.this(), number=number, started=this_run._started(number) or "")
    assert this_run.has_ended(running) is False
    child.kill()
    child.wait()
    assert this_run.has_ended(running) is True


def test_one_that_has_ended_and_is_not_waited_for_has_ended() -> None:
    """As in a container whose first process waits for none."""
    child = subprocess.Popen(["sleep", "60"])
    running = replace(this_run.this(), number=child.pid, started=this_run._started(child.pid) or "")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert this_run.has_ended(running) is True
    child.wait()


def test_a_number_that_another_process_has_by_now_is_another_process() -> None:
    assert this_run.has_ended(replace(this_run.this(), started="1")) is True


def test_one_that_this_user_may_not_see_may_be_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where /proc has hidepid, the process of another user is not in it."""
    hidden = replace(this_run.this(), number=os.getppid())
    monkeypatch.setattr(this_run, "_started", lambda _number: None)
    monkeypatch.setattr(os, "kill", _refuse)
    assert this_run.has_ended(hidden) is None


def test_one_of_another_user_that_is_seen_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    own = this_run.this()
    monkeypatch.setattr(os, "kill", _refuse)
    assert this_run.has_ended(own) is False
    assert this_run.has_ended(replace(own, started="1")) is True


def _refuse(_number: int, signal: int) -> None:
    assert signal == 0
    raise PermissionError


@pytest.mark.parametrize(
    "other",
    [{"boot": "another"}, {"boot": this_run.this().boot.upper()}, {"space": "1"}],
    ids=["another boot or host", "in another case", "another container"],
)
def test_of_others_nothing_is_known(other: dict[str, str]) -> None:
    elsewhere: Process = replace(this_run.this(), number=1, **other)
    assert this_run.has_ended(elsewhere) is None
