# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a play a task may work on for others: plays that Ansible runs, in which each host tells whom it would take along."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import ansible_core, hosts
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

Json = dict[str, Any]

# An action that tells what the door says of the other hosts, and of one variable of theirs.
WHO = """
from ansible.plugins.action import ActionBase
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import hosts

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        alone = hosts.reason_to_be_alone(self, task_vars)
        found = {} if alone else hosts.companions(self, task_vars)
        templar = lambda of: self._templar.copy_with_new_env(available_variables=of)
        colours = {host: templar(of).template(of["colour"]) for host, of in found.items() if "colour" in of}
        return {"told": {"alone": alone, "with": sorted(found), "colours": colours}}
"""
TELL = {"name": "Tell", "who": {}, "register": "it"}
SHOW = {"name": "Show", "ansible.builtin.debug": {"msg": "{{ inventory_hostname }}={{ it.told | to_json }}"}}
ROLE = [TELL, SHOW]


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., dict[str, Json]]:
    """Runs a play of hosts a to d; gives what each host that came to the task told there."""
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "who.py").write_text(WHO)
    tasks = tmp_path / "roles" / "it" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(json.dumps(ROLE))
    (tmp_path / "included.yml").write_text(json.dumps(ROLE))
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {one: {"own": one} for one in "abcd"}}}))

    def run(*tasks: Json, **play: object) -> dict[str, Json]:
        whole = {"hosts": "all", "gather_facts": False, "vars": {"ansible_connection": "local"}, "tasks": list(tasks), **play}
        (tmp_path / "play.yml").write_text(json.dumps([whole]))
        done = subprocess.run(
            [ansible("ansible-playbook"), "-i", "hosts.json", "play.yml"],
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "2"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = re.findall(r'"msg": ("(\w)=.*")$', done.stdout, re.MULTILINE)
        assert shown, done.stdout + done.stderr
        return {host: json.loads(json.loads(line).partition("=")[2]) for line, host in shown}

    return run


def along(told: dict[str, Json]) -> dict[str, str]:
    """Whom each host that came takes along."""
    return {host: "".join(one["with"]) for host, one in told.items()}


ALL = {"a": "bcd", "b": "acd", "c": "abd", "d": "abc"}
PASS_A = {"name": "Fail some", "ansible.builtin.fail": {}, "when": "own in ['c', 'd']"}


def test_all_hosts_of_a_play_come_to_its_tasks(told: Callable[..., dict[str, Json]]) -> None:
    assert along(told(*ROLE)) == ALL


@pytest.mark.parametrize(
    "call",
    [{"ansible.builtin.import_role": {"name": "it"}}, {"ansible.builtin.include_role": {"name": "it"}}],
    ids=["import_role", "include_role"],
)
def test_variables_of_a_role_are_those_that_each_host_has(told: Callable[..., dict[str, Json]], call: Json) -> None:
    found = told({**call, "vars": {"colour": "{{ own ~ '-red' }}"}})
    assert along(found) == ALL
    assert found["a"]["colours"] == {"b": "b-red", "c": "c-red", "d": "d-red"}


def test_facts_and_the_role_keyword_are_seen(told: Callable[..., dict[str, Json]]) -> None:
    fact = {"ansible.builtin.set_fact": {"colour": "{{ own }}-blue"}}
    found = told(pre_tasks=[fact], roles=["it"])
    assert found["d"]["colours"] == {"a": "a-blue", "b": "b-blue", "c": "c-blue"}


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.import_role": {"name": "it"}, "when": "own in ['a', 'b']"},
        {"ansible.builtin.include_role": {"name": "it"}, "when": "own in ['a', 'b']"},
        {"ansible.builtin.include_tasks": "included.yml", "when": "own in ['a', 'b']"},
        {"when": "own in ['a', 'b']", "block": [{"ansible.builtin.include_role": {"name": "it"}}]},
        {"when": "own in ['a', 'b']", "block": ROLE},
        {"ansible.builtin.include_role": {"name": "it", "apply": {"when": "own in ['a', 'b']"}}},
    ],
    ids=["import_role", "include_role", "include_tasks", "include in a block", "block", "apply"],
)
def test_a_host_for_which_a_condition_does_not_hold_is_left_out(told: Callable[..., dict[str, Json]], task: Json) -> None:
    found = told(task)
    assert {host: whom for host, whom in along(found).items() if host in "ab"} == {"a": "b", "b": "a"}


@pytest.mark.parametrize(
    "include",
    [
        {"ansible.builtin.include_tasks": "{{ 'included' if own in ['a', 'b'] else 'other' }}.yml"},
        {"ansible.builtin.include_tasks": {"file": "{{ 'included' if own in ['a', 'b'] else 'other' }}.yml"}},
        {"ansible.builtin.include_role": {"name": "{{ 'it' if own in ['a', 'b'] else 'other' }}"}},
        {"ansible.builtin.include_role": "name={{ 'it' if own in ['a', 'b'] else 'other' }}"},
    ],
    ids=["a file", "an option", "a role", "a role in a line"],
)
def test_a_host_that_includes_something_else_is_left_out(
    told: Callable[..., dict[str, Json]], tmp_path: Path, include: Json
) -> None:
    for other in ("other.yml", "roles/other/tasks/main.yml"):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).write_text("[]")
    assert along(told(include)) == {"a": "b", "b": "a"}


@pytest.mark.parametrize(
    "keyword",
    [
        {"check_mode": "{{ own in ['a', 'b'] }}"},
        {"environment": {"OS_CLOUD": "{{ 'one' if own in ['a', 'b'] else 'other' }}"}},
        {"module_defaults": {"group/bfv.openstack.openstack": {"cloud": "{{ 'one' if own in ['a', 'b'] else 'other' }}"}}},
    ],
    ids=["check_mode", "environment", "module_defaults"],
)
@pytest.mark.parametrize("where", ["task", "block", "include", "play"])
def test_hosts_for_which_a_task_says_something_else_go_apart(
    told: Callable[..., dict[str, Json]], keyword: Json, where: str
) -> None:
    """The one call is made with what the task says for the host that makes it: in check mode, or of another cloud."""
    block = {"block": [{"ansible.builtin.import_role": {"name": "it"}}], **keyword}
    include = {"ansible.builtin.include_role": {"name": "it", "apply": keyword}}
    tasks = {"task": [{**TELL, **keyword}, SHOW], "block": [block], "include": [include], "play": ROLE}[where]
    assert along(told(*tasks, **(keyword if where == "play" else {}))) == {"a": "b", "b": "a", "c": "d", "d": "c"}


def test_what_is_filled_in_alike_for_all_keeps_none_apart(told: Callable[..., dict[str, Json]]) -> None:
    environment = {"OS_CLOUD": "{{ ['one'] | first }}"}
    found = told({"ansible.builtin.include_tasks": "{{ 'included' }}.yml"}, environment=environment, vars={"colour": "{{ own }}"})
    assert along(found) == ALL


def test_a_host_that_has_ended_a_role_is_left_out(told: Callable[..., dict[str, Json]], tmp_path: Path) -> None:
    around = tmp_path / "roles" / "around" / "tasks" / "main.yml"
    around.parent.mkdir(parents=True)
    end = {"ansible.builtin.meta": "end_role", "when": "own == 'd'"}
    around.write_text(json.dumps([end, {"ansible.builtin.include_role": {"name": "it"}}]))
    assert "d" not in "".join(along(told(roles=["around"])).values())


def test_a_condition_that_cannot_be_told_leaves_its_host_out(told: Callable[..., dict[str, Json]]) -> None:
    some = {"ansible.builtin.set_fact": {"yes": True}, "when": "own != 'd'"}
    assert along(told(some, {"when": "yes", "block": ROLE})) == {"a": "bc", "b": "ac", "c": "ab"}


def test_a_host_that_failed_before_is_left_out(told: Callable[..., dict[str, Json]]) -> None:
    assert along(told(PASS_A, *ROLE)) == {"a": "b", "b": "a"}


def test_a_host_that_has_ended_is_left_out(told: Callable[..., dict[str, Json]]) -> None:
    end = {"ansible.builtin.meta": "end_host", "when": "own == 'd'"}
    assert along(told(end, *ROLE)) == {"a": "bc", "b": "ac", "c": "ab"}


def test_a_host_that_is_being_rescued_is_left_out(told: Callable[..., dict[str, Json]]) -> None:
    """It is in the batch, and never comes to the task."""
    assert along(told({"block": [PASS_A, *ROLE], "rescue": [{"ansible.builtin.debug": {}}]})) == {"a": "b", "b": "a"}


def test_hosts_that_were_rescued_of_the_same_go_together(told: Callable[..., dict[str, Json]]) -> None:
    rescued = {"block": [PASS_A], "rescue": [{"ansible.builtin.debug": {}}]}
    assert along(told(rescued, *ROLE)) == {"a": "b", "b": "a", "c": "d", "d": "c"}


def test_in_a_rescue_those_go_together_that_failed_of_the_same(told: Callable[..., dict[str, Json]]) -> None:
    other = {"name": "Fail one", "ansible.builtin.fail": {}, "when": "own == 'b'"}
    assert along(told({"block": [PASS_A, other], "rescue": ROLE})) == {"b": "", "c": "d", "d": "c"}


def test_with_serial_only_the_batch_is_taken_along(told: Callable[..., dict[str, Json]]) -> None:
    assert along(told(*ROLE, serial=2)) == {"a": "b", "b": "a", "c": "d", "d": "c"}


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_where_each_host_goes_its_own_way_it_is_alone(told: Callable[..., dict[str, Json]], strategy: str) -> None:
    found = told(*ROLE, strategy=strategy)
    assert {one["alone"] for one in found.values()} == {"the strategy lets each host go its own way"}


def test_in_a_loop_each_host_is_alone(told: Callable[..., dict[str, Json]]) -> None:
    found = told({"ansible.builtin.include_role": {"name": "it"}, "loop": "{{ [1] if own == 'a' else [1, 2] }}"})
    assert {one["alone"] for one in found.values()} == {"it was included by a loop"}


def test_a_task_that_runs_once_is_alone(told: Callable[..., dict[str, Json]]) -> None:
    found = told({**TELL, "run_once": True}, SHOW)
    assert {one["alone"] for one in found.values()} == {"the task is to run on one host"}


# Without what this ansible-core tells


class _Hostvars:
    _inventory = _variable_manager = None


def _reason() -> str:
    play = SimpleNamespace(strategy="linear")
    task = SimpleNamespace(_parent=None, _uuid="1", run_once=False, get_play=lambda: play)
    return hosts.reason_to_be_alone(SimpleNamespace(_task=task), {"hostvars": _Hostvars()})


def test_nothing_is_gone() -> None:
    assert _reason() == ""


@pytest.mark.parametrize("name", ansible_core.NAMES_OF_OTHERS)
def test_without_each_of_them_every_host_is_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    place, _dot, last = name.replace(":", ".").rpartition(".")
    monkeypatch.delattr(resolve_name(place), last)
    assert _reason() == f"this ansible-core has no {place}.{last}"


@pytest.mark.parametrize("name", ["_inventory", "_variable_manager"])
def test_without_what_the_hosts_variables_come_from_every_host_is_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delattr(_Hostvars, name)
    assert _reason() == f"this ansible-core has no ansible's HostVars.{name}"
