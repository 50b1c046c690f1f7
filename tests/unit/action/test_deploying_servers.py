# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the role server_deploy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.modules import server_fleet
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying_servers as servers

SPEC = yaml.safe_load((Path(__file__).parents[3] / "roles" / servers.ROLE / "meta" / "argument_specs.yml").read_text())
VARIABLES: dict[str, Any] = SPEC["argument_specs"]["main"]["options"]


def test_all_options_of_the_module_can_be_asked_for() -> None:
    of_entries = {"servers", "state"}  # the state is that of each entry
    of_any_module = {"cloud", "wait", "timeout"}
    assert set(servers.OF_RUN) == {*of_any_module, *server_fleet.OPTIONS} - of_entries
    assert {*servers.OF_RUN, "state"} <= {name.removeprefix("server_deploy_") for name in VARIABLES}


@pytest.mark.parametrize("variable", ["defaults", "options"])
def test_the_role_takes_what_the_module_takes_of_a_server(variable: str) -> None:
    of_entry = server_fleet.OPTIONS["servers"]["options"].keys() - {"id", "volumes", "wait", "timeout"}
    assert VARIABLES[f"server_deploy_{variable}"]["options"].keys() == of_entry


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ({}, {"name": "web-1"}),
        (
            {"defaults": {"flavor": "a", "tags": ["x"]}, "options": {"tags": ["y"]}},
            {"name": "web-1", "flavor": "a", "tags": ["y"]},
        ),
        ({"options": {"name": "w1"}}, {"name": "w1"}),
        ({"options": {"state": "stopped"}}, {"name": "web-1", "state": "stopped"}),
        ({"options": {"state": "stopped"}, "state": "absent"}, {"name": "web-1", "state": "absent"}),
        ({"volumes": [{"name": "data"}]}, {"name": "web-1", "volumes": [{"name": "data"}]}),
        ({"volumes": []}, {"name": "web-1"}),
    ],
)
def test_the_nearest_word_about_a_server_counts(asked: dict[str, Any], entry: dict[str, Any]) -> None:
    assert servers.entry("web-1", asked) == entry


def test_a_state_of_its_own_is_no_other_run() -> None:
    assert deploying.differing(servers, {"state": "absent"}, {}) == []
    assert deploying.differing(servers, {"wait": False}, {"wait": True}) == ["server_deploy_wait"]


def test_each_host_gets_the_server_that_it_names() -> None:
    machine = {"changed": False, "failed": False, "msg": "", "actions": [], "differs": []}
    fleet = {"servers": {"w1": {**machine, "changed": True}, "web-2": machine}, "diff": [{"after": "1"}]}
    results = deploying.results(servers, {"web-1": {"options": {"name": "w1"}}, "web-2": {}}, fleet)
    assert [(one["changed"], one.get("diff")) for one in results.values()] == [(True, {"after": "1"}), (False, None)]


@pytest.mark.parametrize("name", ["bfv_server", "bfv_server_defaults", "bfv_server_state"])
def test_a_variable_by_its_old_name_is_refused(name: str) -> None:
    told = servers.refusal("web-1", {name: {}, "server_deploy_wait": True})
    assert told.startswith(f"Failed to read the variables of web-1: {name} is of release 0.1.0. Nothing was changed. ")


@pytest.mark.parametrize("name", ["bfv_server_group", "my_bfv_server", "server_deploy_options"])
def test_a_variable_of_somebody_else_is_left_alone(name: str) -> None:
    assert servers.refusal("web-1", {name: {}}) == ""
