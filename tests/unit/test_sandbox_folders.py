# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox fills, empties and removes no folder but its own."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.tests.unit.sandbox_role import LIB, program, refused

sys.path.insert(0, str(LIB))

from bfv_sandbox import environment, folders


def claim(folder: Path, user: str = getpass.getuser(), **others: Path) -> subprocess.CompletedProcess[str]:
    """Claim a folder's three; any of them may be another one."""
    places = {"base": folder / "sandbox", "venv": folder / "sandbox/venv", "cache": folder / "sandbox/cache", **others}
    return program("folders", "claim", user, places["base"], places["venv"], places["cache"])


@pytest.fixture
def somebodys(tmp_path: Path) -> Path:
    """A folder with somebody's work in it."""
    folder = tmp_path / "somebodys"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "thesis").write_text("ten years")
    return folder


def test_new_folders_are_marked_once(tmp_path: Path) -> None:
    assert claim(tmp_path).stdout.count("changed: marked") == 3
    assert (claim(tmp_path).returncode, claim(tmp_path).stdout) == (0, "")


@pytest.mark.parametrize("which", ["base", "venv", "cache"])
def test_field_d16_somebodys_folder_is_refused_before_anything(tmp_path: Path, somebodys: Path, which: str) -> None:
    refused = claim(tmp_path, **{which: somebodys})
    assert refused.returncode != 0
    assert refused.stderr.startswith(f"{somebodys} is not empty, and the sandbox did not make it")
    assert [path.name for path in tmp_path.iterdir()] == ["somebodys"]
    assert [path.name for path in somebodys.iterdir()] == ["data"]
    # The advice.
    (somebodys / ".bfv-sandbox").touch()
    assert claim(tmp_path, **{which: somebodys}).returncode == 0


@pytest.mark.parametrize("which", ["base", "venv", "cache"])
@pytest.mark.parametrize("folder", [Path("/"), Path.home(), Path.home().parent])
def test_field_d16_the_root_and_the_home_are_refused_even_with_a_marker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, which: str
) -> None:
    monkeypatch.setattr(folders, "is_ours", lambda _folder: True)
    assert "cannot be a folder of the sandbox" in folders.refusal(folder)


def test_field_d16_a_marker_that_is_a_link_or_a_copied_environment_is_none(tmp_path: Path, somebodys: Path) -> None:
    (somebodys / ".bfv-sandbox").symlink_to("data/thesis")
    assert not folders.is_ours(somebodys)
    (somebodys / ".complete").write_text(f"{tmp_path / 'elsewhere'} /usr/bin/python3\n0123\n")
    assert not folders.is_ours(somebodys)


def test_field_d16_folders_that_would_go_with_another_are_refused(tmp_path: Path) -> None:
    assert "which is emptied" in claim(tmp_path, venv=tmp_path / "sandbox").stderr
    assert "which is emptied" in claim(tmp_path, venv=tmp_path, cache=tmp_path / "cache").stderr
    assert "which is removed" in claim(tmp_path, cache=tmp_path / "sandbox/data").stderr
    assert list(tmp_path.iterdir()) == []


def test_folders_of_the_first_release_are_taken_over(tmp_path: Path) -> None:
    base, venv, cache = (tmp_path / name for name in ("sandbox", "venv", "cache"))
    for folder in (base / "etc", venv, cache):
        folder.mkdir(parents=True)
    (base / "etc" / "sandbox.json").write_text(f'{{"base": "{base}"}}')
    (venv / ".complete").write_text(f"{venv} /usr/bin/python3\n0123\n")
    (cache / "keystone-0123456789abcdef.sql.gz").touch()
    (cache / "bfv-test-2.qcow2").touch()
    assert claim(tmp_path, venv=venv, cache=cache).returncode == 0


def test_field_d16_nothing_is_removed_from_somebodys_folder(tmp_path: Path, somebodys: Path) -> None:
    refused = program("folders", "check", somebodys, tmp_path / "run")
    assert refused.returncode != 0
    assert "Nothing was removed" in refused.stderr
    assert program("folders", "check", tmp_path / "nothing", tmp_path / "run").returncode == 0


def test_field_d16_sockets_are_not_removed_through_a_link(tmp_path: Path, somebodys: Path) -> None:
    (tmp_path / "run").symlink_to(somebodys)
    refused = program("folders", "check", tmp_path / "sandbox", tmp_path / "run")
    assert "is not this user's folder" in refused.stderr


def installed(venv: Path, python: str = sys.executable) -> None:
    """An environment as the program leaves it."""
    folders.mark(venv)
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(python)
    (venv / ".complete").write_text(f"{venv} {environment.version(python)}\ndigest\n")


def test_field_d16_an_environment_that_is_somebodys_is_not_emptied(somebodys: Path) -> None:
    refused = program("environment", getpass.getuser(), somebodys, sys.executable, "2026.2.txt", "digest")
    assert "the sandbox did not make it" in refused.stderr
    assert (somebodys / "data" / "thesis").read_text() == "ten years"


@pytest.mark.parametrize("recorded", ["3.0", "/another/checkout/.venv/bin/python"])
def test_field_d16_an_environment_is_not_emptied_for_another_python_of_its_version(tmp_path: Path, recorded: str) -> None:
    """Two checkouts that share one have Pythons of two paths; release 0.1.0 wrote the path down."""
    installed(tmp_path / "venv")
    (tmp_path / "venv" / ".complete").write_text(f"{tmp_path / 'venv'} {recorded}\ndigest\n")
    done = program("environment", getpass.getuser(), tmp_path / "venv", sys.executable, "2026.2.txt", "digest")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_field_d16_an_environment_from_which_services_run_is_not_emptied(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    installed(venv)
    (venv / ".complete").write_text("of a copy\n")
    with subprocess.Popen([venv / "bin" / "python", "-c", "input()"], stdin=subprocess.PIPE) as service:
        refused = program("environment", getpass.getuser(), venv, sys.executable, "2026.2.txt", "digest")
        service.communicate(b"\n")
    assert f"processes {service.pid} run from it" in refused.stderr
    assert (venv / "bin" / "python").exists()


def test_an_environment_of_another_release_is_not_changed_under_the_services_that_run_from_it(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    installed(venv)
    with subprocess.Popen([venv / "bin" / "python", "-c", "input()"], stdin=subprocess.PIPE) as service:
        refused = program("environment", getpass.getuser(), venv, sys.executable, "2024.1.txt", "another digest")
        service.communicate(b"\n")
    assert f"processes {service.pid} run from it" in refused.stderr
    assert (venv / "bin" / "python").exists()


def test_field_d16_links_out_of_an_environment_are_not_followed(tmp_path: Path, somebodys: Path) -> None:
    venv = tmp_path / "venv"
    folders.mark(venv)
    (venv / "lib").symlink_to(somebodys)
    (venv / "old").mkdir()
    environment.empty(venv)
    assert [path.name for path in venv.iterdir()] == [".bfv-sandbox"]
    assert (somebodys / "data" / "thesis").exists()


@pytest.mark.parametrize(
    ("entry", "which"), [("main", "sandbox_venv"), ("main", "sandbox_dir"), ("install", "sandbox_cache"), ("down", "sandbox_dir")]
)
def test_field_d16_the_role_leaves_somebodys_folder_as_it_is(tmp_path: Path, somebodys: Path, entry: str, which: str) -> None:
    done = refused(tmp_path, entry, sandbox_purge=True, **{which: str(somebodys)})
    said = "is not the sandbox's" if entry == "down" else "is not empty, and the sandbox did not make it"
    assert f"{somebodys} {said}" in done
    assert [path.name for path in somebodys.rglob("*")] == ["data", "thesis"]
    assert not (tmp_path / "sandbox").exists()


def test_field_d16_an_inventory_of_somebody_is_not_overwritten(tmp_path: Path) -> None:
    hosts = tmp_path / "inventory" / "hosts.yml"
    hosts.parent.mkdir()
    hosts.write_text("# Of production.\nall:\n  hosts: {}\n")
    done = refused(tmp_path, sandbox_inventory=str(hosts.parent))
    assert f"{hosts} is not the sandbox's, and would be overwritten" in done
    assert hosts.read_text().startswith("# Of production.")
    assert not (tmp_path / "sandbox").exists()
