# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the role boot_image by themselves, with small programs in place of the builder's Python."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the role becomes root")
ROLE = Path(__file__).parents[2] / "roles/boot_image"
FOUND = json.dumps({"digest": "f00", "log": "/images/disk.log", "reasons": []})


def start_tasks(folder: Path, name: str, *options: str, **variables: Any) -> subprocess.Popen[str]:
    """Start a file of the role's tasks by itself."""
    role = {"ansible.builtin.include_role": {"name": "bfv.openstack.boot_image", "tasks_from": name}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"boot_image_dir": str(folder), **variables}, "tasks": [role]}
    playbook = folder / f"{name}.json"
    playbook.write_text(json.dumps([play]))
    command = [ansible("ansible-playbook"), str(playbook), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def program(file: Path, text: str) -> str:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_two_runs_on_a_new_builder_make_one_virtual_environment(tmp_path: Path) -> None:
    """The programs of the virtual environment note when they begin and end, and do nothing else."""
    notes = tmp_path / "notes"
    pip = program(tmp_path / "pip", f"grep -q ^diskimage-builder== $8 && sleep 1 && echo end >> {notes}")
    python = program(tmp_path / "python", f"echo begin >> {notes} && sleep 3 && mkdir -p $5/bin && cp {pip} $5/bin/python")
    (tmp_path / ".work").mkdir()
    runs = [start_tasks(tmp_path, "venv", boot_image_venv_python=python) for _run in range(2)]
    for run in runs:
        out, _err = run.communicate(timeout=120)
        assert run.returncode == 0, out
    assert notes.read_text().split() == ["begin", "end"]


def test_a_killed_build_is_said_to_be_one(tmp_path: Path) -> None:
    python = program(tmp_path / "python", f"cat > /dev/null; case $2 in *.inspect) echo '{FOUND}' ;; *) kill -KILL $$ ;; esac")
    run = start_tasks(tmp_path, "build", boot_image_python=python, boot_image_name="disk")
    out, _err = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "The build of disk was ended from outside, with status -9. Its log: /images/disk.log" in out


def test_a_secret_is_told_to_the_build_alone_and_never_shown(tmp_path: Path) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()
    python = program(
        tmp_path / "python", f"cat > {plans}/$2; case $2 in *.inspect) echo '{FOUND}' ;; *) echo no space >&2; exit 1 ;; esac"
    )
    secrets = {"REG_PASSWORD": "it-secret"}
    run = start_tasks(tmp_path, "build", "-vvv", boot_image_python=python, boot_image_name="disk", boot_image_secrets=secrets)
    out, _err = run.communicate(timeout=120)
    told = {path.name: json.loads(path.read_text()).get("secrets") for path in plans.iterdir()}
    assert told == {"bfv_image.inspect": None, "bfv_image.build": secrets}
    assert "no space" in out
    assert "it-secret" not in out


def test_field_d16_a_work_folder_of_somebody_is_refused(tmp_path: Path) -> None:
    """Before the virtual environment in it is made anew."""
    theirs = tmp_path / "theirs" / "venv"
    theirs.mkdir(parents=True)
    run = start_tasks(
        tmp_path, "builder", boot_image_work_dir=str(theirs.parent), boot_image_install_packages=False, boot_image_shims=True
    )
    out, _err = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "is not empty, and this role did not make it" in " ".join(out.split())
    assert [path.name for path in theirs.parent.iterdir()] == ["venv"]


def test_field_x3_no_program_is_started_where_others_may_have_put_modules() -> None:
    """A command's Python looks into the folder that it is started in before its own."""
    started = [task["ansible.builtin.command"] for file in sorted((ROLE / "tasks").glob("*.yml")) for task in all_tasks(file)]
    programs = [one for one in started if "bfv_image." in str(one["argv"])]
    assert len(programs) == 3
    assert {one["chdir"] for one in programs} == {"/"}


def all_tasks(file: Path) -> list[dict[str, Any]]:
    def within(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            yield from within([one for part in ("block", "rescue", "always") for one in task.get(part, ())])
            if "ansible.builtin.command" in task:
                yield task

    return list(within(yaml.safe_load(file.read_text()) or []))
