# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's services get to know, and what of theirs can be guessed."""

from __future__ import annotations

import getpass
import json
import re
from pathlib import Path

from ansible_collections.bfv.openstack.tests.unit.sandbox_role import play, program

COOKIE = "data/rabbitmq/.erlang.cookie"


def prepare(folder: Path) -> str:
    done = program("prepare", getpass.getuser(), folder, folder / "run", folder / "cache", "127.0.0.1", "5000")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_field_x9_a_step_gets_nothing_of_the_environment_of_whoever_starts_it(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nenv > {tmp_path / 'environment'}\n")
    python.chmod(0o755)
    mine = {"OS_PASSWORD": "of production", "OS_DATABASE__CONNECTION": "elsewhere", "http_proxy": "http://proxy.example:3128"}
    chosen = {"stdout": json.dumps({"user": getpass.getuser(), "prefix": []})}
    step = {
        "sandbox_venv": str(tmp_path / "venv"),
        "sandbox_step": {"name": "Try it", "run": ["nothing"]},
        "sandbox_chosen": chosen,
    }
    code, printed = play(tmp_path, "step", step, mine)
    assert code == 0, printed
    words = (tmp_path / "environment").read_text().split("\n")
    names = {word.split("=")[0] for word in words if word}
    # The shell sets these itself.
    assert names - {"PWD", "_", "SHLVL"} == {"HOME", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSAFEPATH"}


def test_field_x1_erlangs_cookie_cannot_be_guessed(tmp_path: Path) -> None:
    cookies = set()
    for name in ("one", "two"):
        assert "changed: made " in prepare(tmp_path / name)
        cookie = tmp_path / name / COOKIE
        assert cookie.stat().st_mode & 0o777 == 0o400
        cookies.add(cookie.read_text())
    assert len(cookies) == 2
    assert all(re.fullmatch(r"[0-9a-f]{64}", cookie) for cookie in cookies)


def test_field_x1_the_cookie_stays(tmp_path: Path) -> None:
    prepare(tmp_path / "one")
    first = (tmp_path / "one" / COOKIE).read_text()
    assert prepare(tmp_path / "one") == ""
    assert (tmp_path / "one" / COOKIE).read_text() == first


def test_field_x1_a_cookie_that_erlang_made_is_replaced(tmp_path: Path) -> None:
    prepare(tmp_path / "one")
    cookie = tmp_path / "one" / COOKIE
    cookie.unlink()
    cookie.write_text("IQWXCZKDTSRVIKWXYMJC")
    cookie.chmod(0o400)
    assert f"changed: made {cookie}" in prepare(tmp_path / "one")
    assert len(cookie.read_text()) == 64
    assert cookie.stat().st_mode & 0o777 == 0o400
