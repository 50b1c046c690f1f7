# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of each release: what is refused before anything is installed, and what the locks hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.bfv.openstack.tests.unit.sandbox_role import ROLE, refused

TABLE = yaml.safe_load((ROLE / "vars" / "main" / "releases.yml").read_text())["sandbox_releases"]
LOCKS = sorted((ROLE / "files" / "requirements").glob("*.txt"))
OLDER = sorted(TABLE)[:-1]


def test_the_table_the_choices_and_the_locks_name_the_same_releases() -> None:
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert set(options["sandbox_release"]["choices"]) == set(TABLE)
    assert {path.stem for path in LOCKS} == {*TABLE, "uv"}
    assert [release for release in TABLE if "full" in TABLE[release]["profiles"]] == [max(TABLE)]


@pytest.mark.parametrize("release", OLDER)
def test_the_lock_of_an_older_release_is_what_its_pins_say(release: str) -> None:
    pins = [line for line in (ROLE / "files" / "requirements" / f"{release}.in").read_text().splitlines() if line[0] != "#"]
    locked = re.findall(r"^([^ #\n]+==[^ \n]+)", (ROLE / "files" / "requirements" / f"{release}.txt").read_text(), re.MULTILINE)
    assert [pin for pin in pins if pin not in locked] == []


@pytest.mark.parametrize("release", OLDER)
def test_an_older_release_has_no_full_profile(tmp_path: Path, release: str) -> None:
    said = refused(tmp_path, sandbox_release=release, sandbox_profile="full")
    assert f"The profile full is not made for OpenStack {release}, only mini: give sandbox_profile=mini" in said


def test_a_release_that_yaml_takes_for_a_number_is_understood(tmp_path: Path) -> None:
    assert "is not made for OpenStack 2024.1" in refused(tmp_path, sandbox_release=2024.1, sandbox_profile="full")


def test_a_python_that_a_release_does_not_run_on_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 3.15.2\n")
    python.chmod(0o755)
    said = refused(tmp_path, sandbox_release="2024.1", sandbox_python=str(python))
    assert (
        f"OpenStack 2024.1 runs on Python 3.11 and newer, before 3.13, and {python} is 3.15.2: give another sandbox_python."
        in said
    )


@pytest.mark.parametrize(
    ("there", "wanted"), [({}, "2024.1"), ({"release": "2025.1"}, "2024.1"), ({"release": "2024.1"}, "2026.2")]
)
def test_data_of_another_release_are_refused(tmp_path: Path, there: dict[str, str], wanted: str) -> None:
    settings = tmp_path / "sandbox" / "etc" / "sandbox.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(there))
    said = refused(tmp_path, sandbox_release=wanted)
    assert f"has the data of a sandbox of OpenStack {there.get('release', '2026.2')}. Remove them with" in said
    assert f"-e sandbox_dir={tmp_path / 'sandbox'} -e sandbox_purge=true`, or give another sandbox_dir." in said


@pytest.mark.parametrize(
    "address", ["127.evil.example", "127.0.0.1.evil.example", "127.0.0.256", "127.0.0.1\n", "128.0.0.1", "127.1"]
)
def test_field_x9_only_a_loopback_address_is_taken(tmp_path: Path, address: str) -> None:
    assert "sandbox_address has to be an IPv4 address of 127.0.0.0/8" in refused(tmp_path, sandbox_address=address)
