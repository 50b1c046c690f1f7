# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each private name of ansible-core may go: a module then runs in a process of its own, and its result is the same."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace

import pytest
from ansible.executor import module_common
from ansible.plugins.action.normal import ActionModule
from ansible.utils.display import Display
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import ansible_core
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.in_process import InProcess
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

REPOSITORY = Path(__file__).resolve().parents[3]
NO_CLOUD = "Failed to read the configuration of cloud 'nobody'"

# Loaded by Python before all else: a release of ansible-core in which the name is another one, with all that uses it.
RENAMED = """
import importlib.machinery, os, re

name = os.environ["NAME_THAT_IS_GONE"].encode()
plain = importlib.machinery.SourceFileLoader.get_code

def get_code(self, fullname):
    if fullname.partition(".")[0] == "ansible":
        source = self.get_data(self.path)
        if name in source:
            renamed = re.sub(rb"\\b" + name + rb"\\b", name + b"_now", source)
            return compile(renamed, self.path, "exec", dont_inherit=True)
    return plain(self, fullname)

importlib.machinery.SourceFileLoader.get_code = get_code
"""
# One of each kind, as a whole run of Ansible: a class, a variable, a method that is taken over, one that is called.
RUNS = ("_BuiltModule", "_ANSIBLE_ARGS", "_configure_module", "_compute_environment_string")


def bfv_volume(folder: Path, **environment: str) -> str:
    """What ``ansible`` prints of a task that ends before it needs a cloud."""
    program = ansible("ansible")
    done = subprocess.run(
        [program, "localhost", "-m", "bfv.openstack.bfv_volume", "-a", "name=root cloud=nobody", "-vvv"],
        env={**os.environ, "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"), "ANSIBLE_NOCOLOR": "1", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def own_process(output: str) -> list[str]:
    return [line for line in output.splitlines() if "runs in a process of its own" in line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clouds.yaml").write_text("clouds: {}\n")
    (tmp_path / "sitecustomize.py").write_text(RENAMED)
    return tmp_path


def test_with_all_names_a_task_runs_in_the_worker(folder: Path) -> None:
    output = bfv_volume(folder)
    assert own_process(output) == []
    assert NO_CLOUD in output


def beside_others(folder: Path) -> str:
    """A path on which modules are found first, before those by which ansible-test has ansible-core."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


@pytest.mark.parametrize("name", RUNS)
def test_field_r2_a_task_without_a_name_runs_in_a_process_of_its_own(folder: Path, name: str) -> None:
    output = bfv_volume(folder, PYTHONPATH=beside_others(folder), NAME_THAT_IS_GONE=name)
    (line,) = own_process(output)
    assert re.search(rf" runs in a process of its own: this ansible-core has no ansible\.[\w.]+\.{name}$", line)
    assert NO_CLOUD in output


@pytest.mark.parametrize("name", ["", "get_play", "_variable_manager", "copy_with_new_env"])
def test_each_host_of_the_role_gets_its_result_with_and_without_what_tells_of_the_others(folder: Path, name: str) -> None:
    (folder / "hosts").write_text("[baremetal]\nbm-0\nbm-1\n")
    without = {"PYTHONPATH": beside_others(folder), "NAME_THAT_IS_GONE": name} if name else {}
    variables = ["-e", "baremetal_deploy_cloud=nobody", "-e", "ansible_python_interpreter=auto_silent"]
    done = subprocess.run(
        [ansible("ansible-playbook"), "-i", "hosts", "bfv.openstack.deploy", "-vvv", *variables],
        env={**os.environ, "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"), "ANSIBLE_NOCOLOR": "1", **without},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    failed = re.findall(r"^fatal: \[(bm-\d) -> localhost\]: FAILED! => (\{.*?^\})", done.stdout, re.MULTILINE | re.DOTALL)
    assert {host for host, result in failed if NO_CLOUD in result} == {"bm-0", "bm-1"}, output
    assert output.count("Each host makes a call of its own: this ansible-core has no ") == (2 if name else 0)


class Action(InProcess):
    """As much of an action as decides where its module runs."""

    def __init__(self) -> None:
        self._task = SimpleNamespace(action="bfv.openstack.bfv_volume", async_val=0, delegate_to=None, environment=None)
        self._connection = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(env_prefix=lambda: ""))
        self._templar = SimpleNamespace(template=lambda value: value)


@pytest.fixture
def where(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[bool, list[str]]]:
    """Runs a task; gives whether its module runs in the worker, and what is said with -vvv."""
    said: list[str] = []
    monkeypatch.setattr(Display, "vvv", lambda _self, line: said.append(line))
    monkeypatch.setattr(ActionModule, "run", lambda self, _tmp, _task_vars: {"in_process": self._in_process})

    def run() -> tuple[bool, list[str]]:
        return Action().run()["in_process"], said

    return run


def test_nothing_is_gone(where: Callable[[], tuple[bool, list[str]]]) -> None:
    assert where() == (True, [])


@pytest.mark.parametrize("name", ansible_core.NAMES)
def test_without_each_of_them_a_module_has_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, where: Callable[[], tuple[bool, list[str]]], name: str
) -> None:
    place, _dot, last = name.replace(":", ".").rpartition(".")
    owner = resolve_name(place)
    holder = next(one for one in (owner, *getattr(owner, "__mro__", ()), type(owner)) if last in vars(one))
    monkeypatch.delattr(holder, last)
    assert where() == (False, [f"bfv.openstack.bfv_volume runs in a process of its own: this ansible-core has no {place}.{last}"])


def test_a_module_that_is_built_of_other_fields_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_common, "_BuiltModule", lambda b_module_data, module_style: None)
    assert ansible_core.gone() == "ansible.executor.module_common._BuiltModule of four fields"


def test_no_other_file_of_the_controller_knows_them() -> None:
    private = re.compile("|".join(re.escape(re.split(r"[:.]", name)[-1]) for name in ansible_core.NAMES))
    ours = {"in_process.py": {"_configure_module", "_is_pipelining_enabled", "_low_level_execute_command"}}  # which it takes over
    found = {
        (path.name, name)
        for folder in ("plugin_utils/_doors", "action", "inventory", "filter")
        for path in (REPOSITORY / "plugins" / folder).glob("*.py")
        for name in private.findall(path.read_text())
        if path.name != "ansible_core.py" and name not in ours.get(path.name, ())
    }
    assert found == set()
