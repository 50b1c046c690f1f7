# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a module may run within Ansible's worker process."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible_collections.bfv.openstack.plugins.module_utils._engine import run
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import same_process


class Action:
    """As much of an action plugin as is looked at."""

    def __init__(
        self, *, environment: dict[str, str], transport: str, become: object, async_val: int, delegate_to: str | None
    ) -> None:
        self._environment = environment
        self._connection = SimpleNamespace(transport=transport, become=become)
        self._task = SimpleNamespace(async_val=async_val, delegate_to=delegate_to)
        self._templar = SimpleNamespace(template=lambda value: value)

    def _compute_environment_string(self, environment: dict[str, Any]) -> None:
        environment.update(self._environment)


def obstacle(variables: dict[str, Any] | None = None, **other: Any) -> str:
    plain = {"environment": {}, "transport": "local", "become": None, "async_val": 0, "delegate_to": None}
    return same_process.obstacle(Action(**{**plain, **other}), variables or {})


def test_a_plain_local_task_needs_no_process() -> None:
    assert obstacle() == ""


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"environment": {"OS_CLOUD": "x", "PYTHONPATH": "y", "os_cloud": "z"}}, "its environment has PYTHONPATH and os_cloud"),
        ({"environment": {"Http_Proxy": "x"}}, "its environment has Http_Proxy"),
        ({"transport": "ssh"}, "not local"),
        ({"become": object()}, "another user"),
        ({"async_val": 10}, "asynchronous"),
    ],
)
def test_what_a_worker_cannot_give_needs_one(other: dict[str, Any], words: str) -> None:
    assert words in obstacle(**other)


def test_what_is_looked_up_at_each_connection_may_be_in_its_environment() -> None:
    names = ["OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "http_proxy", "HTTPS_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"]
    assert obstacle(environment=dict.fromkeys(names, "x")) == ""


def test_files_that_are_to_be_kept_need_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    assert "kept" in obstacle()


def test_libraries_that_are_not_there_may_be_found_by_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.connection, "AVAILABLE", False)
    assert obstacle() == "openstacksdk cannot be imported here"


# The switch


@pytest.mark.parametrize("value", [False, "false", "no", "off", 0])
def test_a_variable_turns_it_off(value: object) -> None:
    assert "bfv_in_process is off" in obstacle({"bfv_in_process": value})


def test_an_environment_variable_turns_it_off_and_a_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFV_IN_PROCESS", "false")
    assert "bfv_in_process is off" in obstacle()
    assert obstacle({"bfv_in_process": True}) == ""


# The interpreter


@pytest.mark.parametrize("python", ["auto", "auto_silent", "", sys.executable, f"{Path(sys.executable).parent}/./python"])
def test_any_python_and_this_one_are_here(python: str) -> None:
    assert obstacle({"ansible_python_interpreter": python}) == ""


def test_another_python_is_not() -> None:
    assert "another Python" in obstacle({"ansible_python_interpreter": "/opt/python/bin/python3"})
    assert "another Python" in obstacle({"ansible_python_interpreter": "python3"})


def test_the_python_that_a_virtual_environment_is_made_from_has_other_packages() -> None:
    assert Path(sys.executable).is_symlink(), "this test needs a virtual environment"
    assert "another Python" in obstacle({"ansible_python_interpreter": str(Path(sys.executable).resolve())})


def test_another_name_of_the_same_python_is_here() -> None:
    folder = Path(sys.executable).parent
    names = [str(other) for other in folder.glob("python*") if other.resolve() == Path(sys.executable).resolve()]
    assert [name for name in names if obstacle({"ansible_python_interpreter": name})] == []


def test_the_interpreter_is_that_of_the_host_that_a_task_is_delegated_to() -> None:
    variables = {
        "ansible_python_interpreter": "/usr/bin/other",
        "ansible_delegated_vars": {"localhost": {"ansible_python_interpreter": sys.executable}},
    }
    assert "another Python" in obstacle(variables)
    assert obstacle(variables, delegate_to="localhost") == ""
