# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role rollout takes for its own disks: metadata find them, and a copy of metadata, or a name, proves nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

ROLE = Path(__file__).resolve().parents[2] / "roles" / "rollout"
OURS = {"bfv_made": "new", "rollout": "next", "rollout_of": "old", "rollout_takes": "web-root"}


def evaluated(
    folder: Path, disk: dict[str, Any], expressions: dict[str, str], *others: dict[str, Any], **facts: Any
) -> dict[str, Any]:
    """What expressions come to for a server that runs from this disk, beside others of its project."""
    told = folder / "told.json"
    seen = {"rollout_there": {"volumes": [disk, *others]}, "rollout_machine": {"volume": disk}, "rollout_name": "next", **facts}
    # As facts, which the role's own variables come after.
    tasks = [
        {"ansible.builtin.set_fact": seen},
        {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")},
        {
            "ansible.builtin.copy": {
                "content": f"{{{{ {_dictionary(expressions)} | to_json }}}}",
                "dest": str(told),
                "mode": "0600",
            }
        },
    ]
    play = folder / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    program = ansible("ansible-playbook")
    here = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run([program, *here, play], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(told.read_text())
    return found


def _dictionary(expressions: dict[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {expression}" for name, expression in expressions.items()) + "}"


NEW = {"is_new": "rollout_is_new", "through": "rollout_is_through", "old": "rollout_old_id"}


def test_a_disk_of_the_rollout_tells_whose_place_it_took(tmp_path: Path) -> None:
    disk = {"id": "new", "name": "web-root", "metadata": OURS}
    assert evaluated(tmp_path, disk, NEW) == {"is_new": True, "through": True, "old": "old"}


def test_a_restored_backup_of_such_a_disk_tells_nothing_of_another_one(tmp_path: Path) -> None:
    """Its metadata are a copy: the volume that they name is a bystander, and would be deleted as the old disk."""
    copy = {"id": "restored", "name": "web-root", "metadata": OURS}
    assert evaluated(tmp_path, copy, NEW) == {"is_new": False, "through": False, "old": "restored"}


@pytest.mark.parametrize(
    ("metadata", "strangers"),
    [
        ({}, ["other"]),
        (OURS, ["other"]),  # copied
        ({**OURS, "bfv_made": "other", "rollout_of": "somebody's"}, ["other"]),
        ({**OURS, "bfv_made": "other"}, []),  # what a killed run has made
    ],
    ids=["somebody's", "copied", "of another disk", "of a killed run"],
)
def test_a_volume_that_only_has_the_name_of_a_new_disk_is_somebody_elses(
    tmp_path: Path, metadata: dict[str, str], strangers: list[str]
) -> None:
    disk = {"id": "old", "name": "web-root", "metadata": {}}
    other = {"id": "other", "name": "web-root-next", "metadata": metadata}
    assert evaluated(tmp_path, disk, {"strangers": "rollout_strangers"}, other) == {"strangers": strangers}


def test_a_machine_that_failed_without_a_word_is_not_well(tmp_path: Path) -> None:
    wave = yaml.safe_load((ROLE / "tasks" / "wave.yml").read_text(encoding="utf-8"))
    ((rescue,),) = [task["rescue"] for task in wave if "rescue" in task]
    expression = rescue["ansible.builtin.set_fact"]["rollout_failed"].strip("{} ")
    disk = {"id": "old", "name": "web-root", "metadata": {}}
    assert evaluated(tmp_path, disk, {"failed": expression}, ansible_failed_result={"msg": ""})["failed"]


@pytest.mark.parametrize(
    ("of_first", "of_second", "one_look"),
    [
        ({}, {}, True),
        ({"server_deploy_cloud": "one"}, {"server_deploy_cloud": "one"}, True),
        ({"server_deploy_cloud": "one"}, {"server_deploy_cloud": "other"}, False),
        ({"server_deploy_cloud": "{{ inventory_hostname }}"}, {"server_deploy_cloud": "{{ inventory_hostname }}"}, False),
        ({}, {"server_deploy_cloud": "other"}, False),
    ],
    ids=["none named", "the same", "two", "two by one template", "one named"],
)
def test_machines_of_two_clouds_are_looked_for_in_each(
    tmp_path: Path, of_first: dict[str, Any], of_second: dict[str, Any], one_look: bool
) -> None:
    """Else the name of a new disk would be looked for in the first one's cloud alone, and somebody's volume be taken for it."""
    note, look = yaml.safe_load((ROLE / "tasks" / "look.yml").read_text(encoding="utf-8"))[:2]
    tell = {"ansible.builtin.debug": {"msg": "one look: " + str(look["run_once"])}}
    files = {
        "hosts.json": {"all": {"hosts": {"web-0": of_first, "web-1": of_second}, "vars": {"ansible_connection": "local"}}},
        "play.json": [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [{"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")}, note, tell],
            }
        ],
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    command = [ansible("ansible-playbook"), "-i", "hosts.json", "play.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.count(f"one look: {one_look}") == 2, done.stdout + done.stderr
    assert "bfv.openstack.bfv_info" in look


@pytest.mark.parametrize("well", [True, False])
def test_no_old_disk_goes_while_a_machine_that_came_through_before_is_not_well(tmp_path: Path, well: bool) -> None:
    """The old disk of another one, or its own, may be all that is left to go back to."""
    with socket.create_server(("127.0.0.1", 0)) as there, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [one.getsockname()[1] for one in (there, other)]
        if not well:
            other.close()
        hosts = {
            f"web-{number}": {"ansible_connection": "local", "rollout_gate": {"host": "127.0.0.1", "port": port, "timeout": 2}}
            for number, port in enumerate(ports)
        }
        facts = {"rollout_goes_back": False, "rollout_through": True, "rollout_old": "00000000-0000-4000-8000-000000000000"}
        role = {"name": str(ROLE), "tasks_from": "old_disk"}
        tasks = [
            {"ansible.builtin.set_fact": {**facts, "ansible_python_interpreter": sys.executable}},
            {"ansible.builtin.include_role": role, "vars": {"rollout_image": "next", "rollout_cloud": "none such"}},
        ]
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        (tmp_path / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        (tmp_path / "clouds.yaml").write_text("clouds: {}")
        done = subprocess.run(
            [ansible("ansible-playbook"), "-i", "hosts.json", "play.json"],
            env={**os.environ, "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ("Delete the disk from which" in done.stdout) is well, done.stdout + done.stderr
    assert ("The old disks are kept" in done.stdout) is not well, done.stdout
