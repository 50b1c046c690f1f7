# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account the sandbox's services run as, where root starts them, and what that account gets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.tests.unit.sandbox_role import LIB, play, refused

sys.path.insert(0, str(LIB))

from bfv_sandbox import account, environment, folders, prepare
from bfv_sandbox.account import Account, Choice

IS_ROOT = os.getuid() == 0
US = Account.starter()
ROOT = Account("root", "root", 0, 0)
NOBODY = Account.named("nobody")
# Whom the tests can run things as: nobody else, if they are not root themselves.
OTHER = NOBODY if IS_ROOT else US
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can get to, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    subprocess.run(["chmod", "--recursive", "u+rwX", folder], check=True)
    shutil.rmtree(folder)


def shut(folder: Path) -> None:
    """Make a folder that OTHER cannot pass: root's, or our own without a right."""
    folder.mkdir()
    folder.chmod(0o700 if IS_ROOT else 0)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


# The choice


def chosen(monkeypatch: pytest.MonkeyPatch, **answers: str) -> Choice:
    """The choice for root, by what is found out about the account."""
    monkeypatch.setattr(account, "refusal", lambda _account: answers.get("refusal", ""))
    monkeypatch.setattr(account, "python_for", lambda _account: answers.get("python", "/usr/bin/python3.99"))
    monkeypatch.setattr(account, "closed", lambda *_arguments: answers.get("closed", ""))
    return account.choose(ROOT, answers.get("name", "nobody"), LIB, [])


def test_services_that_root_starts_run_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch) == Choice(NOBODY, "/usr/bin/python3.99")


def test_root_is_kept_without_a_word_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, name="root") == Choice(ROOT, sys.executable)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"refusal": "cannot be taken here (setpriv: no)"}, "nobody cannot be taken here (setpriv: no)"),
        ({"python": ""}, f"nobody cannot run {Path(sys.executable).resolve()}, and there is no other Python of its version"),
        ({"closed": "cannot get through /home/me"}, "nobody cannot get through /home/me"),
    ],
)
def test_root_is_kept_with_one_line_where_the_account_cannot_do(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, str], why: str
) -> None:
    kept = chosen(monkeypatch, **answers)
    assert replace(kept, warning="") == Choice(ROOT, sys.executable)
    assert kept.warning.startswith(f"The services of the sandbox run as root, for {why}")
    assert kept.warning.endswith("or sandbox_service_user=root if that is meant.")
    assert "\n" not in kept.warning


def test_any_other_user_runs_them_as_before() -> None:
    me = Account("me", "me", 1000, 1000)
    assert account.choose(me, "of-another-machine", LIB, []) == Choice(me, sys.executable)


def test_an_account_that_is_not_there_is_told() -> None:
    with pytest.raises(SystemExit, match="There is no account nemo on this machine"):
        account.choose(ROOT, "nemo", LIB, [])


def test_folders_that_the_sandbox_opens_or_makes_are_not_in_the_way(place: Path) -> None:
    (place / "lib").mkdir()
    base, venv = place / "base", place / "other" / "venv"
    folders.mark(place / "other")
    way = account.on_the_way(place / "lib", [base, base / "cache", venv, place / "new" / "cache"])
    assert way == [Path("/"), Path("/tmp"), place, place / "lib", place / "lib" / "bfv_sandbox" / "supervise.py"]


def test_a_folder_that_is_closed_to_the_account_is_found(place: Path) -> None:
    shut(place / "shut")
    assert (
        account.closed(OTHER, SYSTEM_PYTHON, [place, place / "shut", place / "shut" / "more"])
        == f"cannot get through {place / 'shut'}"
    )
    assert account.closed(OTHER, SYSTEM_PYTHON, [Path("/"), place]) == ""


def test_a_python_in_a_home_that_is_closed_to_the_account_is_not_taken(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """It would start, with root's rights still in force, and then look for its modules elsewhere."""
    shutil.copy(SYSTEM_PYTHON, place / "python")
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    monkeypatch.setattr(sys, "version_info", (3, 99))
    assert account.python_for(OTHER) == str(place / "python")
    (place / "home").mkdir()
    (place / "python").rename(place / "home" / "python")
    (place / "home").chmod(0o700 if IS_ROOT else 0)
    monkeypatch.setattr(sys, "executable", str(place / "home" / "python"))
    assert account.python_for(OTHER) == ""


def test_a_command_of_the_account_has_its_identity_and_no_right_of_ours() -> None:
    said = OTHER.ask(SYSTEM_PYTHON, "import os; print(os.getresuid(), os.getresgid(), open('/proc/self/status').read())").stdout
    assert said.startswith(f"{(OTHER.uid,) * 3} {(OTHER.gid,) * 3}")
    if IS_ROOT:
        assert "CapEff:\t0000000000000000" in said
        assert "CapPrm:\t0000000000000000" in said


# What it gets. Nobody but root can give files away: for others the account is they themselves, and nothing changes.


def test_data_that_root_has_made_are_handed_over_and_no_link_is_followed(place: Path) -> None:
    data, mine = place / "data", place / "mine"
    (data / "mysql").mkdir(parents=True)
    (data / "mysql" / "ibdata1").touch(0o640)
    mine.touch()
    (data / "link").symlink_to(mine)
    prepare.hand_over(data, OTHER)
    assert {path.lstat().st_uid for path in (data, *data.rglob("*"))} == {OTHER.uid}
    assert mode(data / "mysql" / "ibdata1") == 0o640
    assert mine.stat().st_uid == US.uid


def test_an_interrupted_takeover_goes_on(place: Path) -> None:
    data = place / "data"
    (data / "mysql").mkdir(parents=True)
    os.chown(data / "mysql", OTHER.uid, OTHER.gid)
    (data / "mysql" / "ibdata1").touch()
    prepare.hand_over(data, OTHER)
    assert {path.lstat().st_uid for path in (data, *data.rglob("*"))} == {OTHER.uid}


def prepared(place: Path, user: str = OTHER.user) -> str:
    """Run the program as the role does, after the folders were claimed."""
    folders.claim(user, place / "base", place / "venv", place / "cache")
    command = [
        sys.executable,
        "-m",
        "bfv_sandbox.prepare",
        user,
        place / "base",
        place / "run",
        place / "cache",
        "127.0.0.1",
        "5000",
    ]
    done = subprocess.run(command, env={"PYTHONPATH": str(LIB)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_account_owns_what_it_writes_and_nothing_that_we_run_or_read(place: Path) -> None:
    prepared(place)
    written = [place / "run", *(place / "base" / name for name in prepare.WRITTEN)]
    assert {path.stat().st_uid for folder in written for path in (folder, *folder.rglob("*"))} == {OTHER.uid}
    assert {mode(folder) for folder in written} == {0o700}
    ours = [place / "base", place / "base" / "address", place / "base" / "etc", place / "cache"]
    assert {path.stat().st_uid for path in ours} == {US.uid}
    assert (mode(place / "base" / "etc"), mode(place / "cache")) == ((0o750, 0o770) if IS_ROOT else (0o700, 0o700))
    assert prepared(place) == ""


def test_a_folder_of_an_older_start_is_taken_over_and_given_back(place: Path) -> None:
    prepared(place, US.user)
    dump = place / "cache" / "keystone.sql.gz"
    dump.touch(0o600)
    prepared(place)
    cookie = place / "base" / "data" / "rabbitmq" / ".erlang.cookie"
    assert (cookie.stat().st_uid, mode(cookie)) == (OTHER.uid, 0o400)
    assert OTHER.ask(SYSTEM_PYTHON, f"open({str(dump)!r})").returncode == 0
    (place / "base" / "etc" / "sandbox.json").write_text(json.dumps({"user": OTHER.user}))
    prepared(place, US.user)
    assert cookie.stat().st_uid == US.uid


def test_sockets_of_a_stranger_are_refused(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    (place / "run").mkdir(mode=0o700)
    prepare.make_run_folder(place / "run", {US.uid})
    with pytest.raises(SystemExit, match="it is not a private directory of this user"):
        prepare.make_run_folder(place / "run", {US.uid + 1})


def test_the_sockets_of_the_account_may_be_removed_and_those_of_a_stranger_not(place: Path) -> None:
    base = place / "base"
    (base / "etc").mkdir(parents=True)
    assert folders.owners(base) == {US.uid}
    (base / "etc" / "sandbox.json").write_text(json.dumps({"base": str(base), "user": "nobody"}))
    assert folders.owners(base) == {US.uid, NOBODY.uid}
    (base / "etc" / "sandbox.json").write_text(json.dumps({"base": str(base), "user": "an account that is gone"}))
    assert folders.owners(base) == {US.uid}


def test_the_account_passes_our_folders_and_cannot_list_them(place: Path) -> None:
    base, venv, cache = place / "shared" / "base", place / "shared" / "venv", place / "cache"
    folders.mark(place / "shared")
    assert folders.let_through(place / "shared")
    assert mode(place / "shared") == 0o711
    (place / "shared").chmod(0o700)
    folders.claim("nobody", base, venv, cache)
    assert [mode(folder) for folder in (place / "shared", base, venv, cache)] == [0o711, 0o711, 0o711, 0o700]
    assert not folders.let_through(base)


def test_our_folders_stay_closed_where_no_other_account_is_used(place: Path) -> None:
    base, venv, cache = place / "base", place / "venv", place / "cache"
    folders.claim(US.user, base, venv, cache)
    assert {mode(folder) for folder in (base, venv, cache)} == {0o700}


def test_an_environment_that_was_made_for_root_alone_is_opened(place: Path) -> None:
    venv = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run(["chmod", "--recursive", "go-rwx", venv], check=True)
    (venv / "lib" / "installed").touch(0o600)
    python = "/usr/bin/python{}.{}".format(*sys.version_info[:2])
    python = python if os.path.exists(python) else sys.executable
    if OTHER.ask(Path(python), "").returncode:
        pytest.skip(f"{OTHER.user} can run no Python of this version on this machine")
    environment.open_to(OTHER, venv, python)
    assert mode(venv) == mode(venv / "bin") == 0o755
    assert mode(venv / "lib" / "installed") & 0o044 == 0o044
    assert environment.version(venv / "bin" / "python") == environment.version(sys.executable)
    before = sorted((path.name, path.lstat().st_mtime_ns) for path in (venv / "bin").iterdir())
    environment.open_to(OTHER, venv, python)
    assert sorted((path.name, path.lstat().st_mtime_ns) for path in (venv / "bin").iterdir()) == before


# The role


def test_a_step_runs_as_the_account(place: Path) -> None:
    python = place / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho changed: of $(id -un) >&2\nexit 1\n")
    python.chmod(0o755)
    told = {"user": OTHER.user, "prefix": OTHER.prefix}
    step = {"sandbox_venv": str(place / "venv"), "sandbox_step": {"name": "Try it", "run": ["nothing"]}}
    assert f"changed: of {OTHER.user} " in refused(place, "step", **step, sandbox_chosen={"stdout": json.dumps(told)})


def test_an_account_that_is_not_there_is_told_before_anything_is_changed(place: Path) -> None:
    code, printed = play(place, "account", {"sandbox_service_user": "nemo"})
    assert (code != 0) == IS_ROOT
    assert ("There is no account nemo on this machine." in printed) == IS_ROOT
    assert not (place / "sandbox").exists()


def test_a_place_that_the_account_cannot_get_to_leaves_root_and_says_so_in_one_line(place: Path) -> None:
    shut(place / "shut")
    (place / "shut").chmod(0o700)
    code, printed = play(place, "account", {"sandbox_dir": str(place / "shut" / "sandbox")})
    assert code == 0, printed
    # Where no Python of the system can be taken instead of ours, that is said.
    said = re.search(r"The services of the sandbox run as root, for nobody cannot (run|get through) \S+", printed)
    assert bool(said) == IS_ROOT
    assert list((place / "shut").iterdir()) == []
