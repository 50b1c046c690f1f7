# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module as Ansible runs it, in both doors, of a cloud that does not answer: `make test-clients` runs this with several clients."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bfv.openstack.tests.integration.runs import BIN, Ansible, Run, task

Json = dict[str, Any]

SECRET = "hunter2-in-each-option"
LOGIN = {"auth_url": "http://127.0.0.1:9", "username": "demo", "project_name": "demo", "password": SECRET}
CONNECTION: Json = {"auth": LOGIN, "timeout": 1, "api_timeout": 1}
TARGET: Json = {
    "volume_id": "demo-lun",
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
    "target_lun": 1,
    "chap_username": "demo",
    "chap_password": SECRET,
    "properties": {"auth_method": "CHAP", "token": SECRET},
}
# Each module with what it needs to come as far as the cloud.
MODULES: dict[str, Json] = {
    "baremetal_fleet": {"nodes": [{"node": "demo", "storage_interface": "external", "targets": [TARGET]}], **CONNECTION},
    "baremetal_node_storage": {"node": "demo", "storage_interface": "external", **CONNECTION},
    "bfv_image": {"name": "demo", "digest": "3" * 64, "file": __file__, **CONNECTION},
    "bfv_info": CONNECTION,
    "bfv_server": {
        "name": "demo",
        "flavor": "demo",
        "boot": {"volume": "demo"},
        "user_data": f"#!/bin/sh\npasswd {SECRET}\n",
        "metadata": {"token": SECRET},
        **CONNECTION,
    },
    "bfv_volume": {"name": "demo", "size": 1, **CONNECTION},
    "boot_checkpoint": {"server": "demo", "name": "demo", **CONNECTION},
    "iscsi_lun": {"volume": "demo", "seed": {"user_data": f"passwd {SECRET}"}, **CONNECTION},
    "server_fleet": {
        "servers": [
            {"name": "demo", "flavor": "demo", "boot": {"volume": "demo"}, "user_data": SECRET, "metadata": {"token": SECRET}}
        ],
        **CONNECTION,
    },
    "volume_connector": {"node": "demo", **CONNECTION},
    "volume_target": {"node": "demo", **TARGET, **CONNECTION},
}
WRONG: Json = {"node": "demo", **TARGET, "target_lun": "x", **CONNECTION}


DISK = "uuid=1f1b0518-b3df-523d-a560-8e557d724864,source_type=volume,boot_index=0"
RUNS = {"worker": (True, []), "process": (False, []), "check": (True, ["--check"])}


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All modules, one whose options are wrong, and the filter."""
    in_process, arguments = RUNS[request.param]
    modules = [task(name, f"bfv.openstack.{name}", **options) for name, options in MODULES.items()]
    wrong = task("wrong", "bfv.openstack.volume_target", **WRONG)
    disks = task("filter", "ansible.builtin.debug", msg=f"{{{{ '{DISK}' | bfv.openstack.block_devices }}}}")
    ansible = Ansible(tmp_path_factory.mktemp("ansible"), in_process)
    return ansible.tasks(*modules, wrong, disks, arguments=["--diff", "-vvvv", *arguments])


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_that_the_cloud_does_not_answer(run: Run, name: str) -> None:
    assert run[name]["failed"]
    assert "127.0.0.1:9" in run[name]["msg"]
    assert "Traceback" not in run[name]["msg"]


def test_each_module_runs_where_it_shall(run: Run, request: pytest.FixtureRequest) -> None:
    own = [line for line in run.text.splitlines() if "runs in a process of its own: bfv_in_process is off" in line]
    assert len(own) == (len(MODULES) + 1 if request.node.callspec.params["run"] == "process" else 0)


def test_options_are_checked(run: Run) -> None:
    assert "target_lun" in run["wrong"]["msg"]


def test_the_filter_is_there(run: Run) -> None:
    assert [disk["uuid"] for disk in run["filter"]["msg"]] == ["1f1b0518-b3df-523d-a560-8e557d724864"]


def test_field_r2_no_secret_is_in_any_output(run: Run) -> None:
    assert [line for line in run.text.splitlines() if SECRET in line] == []
    assert [record["task"] for record in run.records if SECRET in str(record["result"])] == []


def test_field_r2_a_name_within_a_login_is_shown(run: Run) -> None:
    assert "REDACTED" not in run["bfv_volume"]["msg"]
    assert run["bfv_volume"]["invocation"]["module_args"]["auth"] == {**LOGIN, "password": "******"}
    assert [line for line in run.text.splitlines() if "TASK [demo" in line] == []


def test_field_r2_nothing_is_used_that_ansible_will_take_away(run: Run) -> None:
    assert [line for line in run.text.splitlines() if "DEPRECATION" in line] == []
    assert [record["task"] for record in run.records if record["result"].get("deprecations")] == []


def test_everything_is_documented() -> None:
    names = [f"bfv.openstack.{name}" for name in (*MODULES, "conductor_config", "conductor_info")]
    shown = subprocess.run([BIN / "ansible-doc", "--json", *names], capture_output=True, text=True, check=True)
    assert sorted(json.loads(shown.stdout)) == sorted(names)


def test_the_inventory_plugin_says_that_the_cloud_does_not_answer(tmp_path: Path) -> None:
    source = Ansible.file_at(tmp_path / "ironic.yml", {"plugin": "bfv.openstack.ironic", "auth": LOGIN, "api_timeout": 1})
    program = [BIN / "ansible-inventory", "--list", "-vvvv", "-i", source]
    listed = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "127.0.0.1:9" in listed.stderr
    assert SECRET not in listed.stdout + listed.stderr
