# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's variables ask of a role, and what is said of those that do not hold."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.role_variables import BadVariables, RoleVariables

NODE = {"baremetal_deploy_node": trust_as_template("{{ inventory_hostname }}"), "inventory_hostname": "bm-0"}


@pytest.fixture(scope="module")
def role() -> RoleVariables:
    return RoleVariables("baremetal_deploy")


def asked(role: RoleVariables, **variables: Any) -> dict[str, Any]:
    given = {**NODE, **{f"baremetal_deploy_{name}": value for name, value in variables.items()}}
    return role.of("bm-0", given, Templar(DataLoader(), given))


def test_names_are_without_the_roles_and_templates_are_filled_in(role: RoleVariables) -> None:
    assert asked(role, volumes=[{"name": trust_as_template("{{ baremetal_deploy_node }}-root")}]) == {
        "node": "bm-0",
        "volumes": [{"name": "bm-0-root"}],
    }


def test_what_is_omitted_or_another_roles_is_not_asked_for(role: RoleVariables) -> None:
    assert asked(role, report=trust_as_template("{{ omit }}"), helper_of_somebody="x") == {"node": "bm-0"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"state": "gone"}, "value of baremetal_deploy_state must be one of"),
        ({"concurrency": "many"}, "baremetal_deploy_concurrency"),
        ({"volumes": [{"nmae": "root"}]}, "there is no baremetal_deploy_volumes.nmae. Supported parameters include: "),
        ({"wait_for": {"port": 22}}, "one of the following is required: host, url"),
    ],
)
def test_what_the_role_does_not_take_is_told_in_one_line(role: RoleVariables, variables: dict[str, Any], words: str) -> None:
    with pytest.raises(BadVariables) as refused:
        asked(role, **variables)
    told = str(refused.value)
    assert words in told
    assert told.startswith("Failed to read the variables of host bm-0: ")
    assert told.endswith("Nothing was changed.")
    assert "\n" not in told
    assert ".." not in told


def test_a_template_that_fails_is_told_with_its_variable(role: RoleVariables) -> None:
    with pytest.raises(
        BadVariables, match=r"Failed to read the variable baremetal_deploy_report of host bm-0: 'nobody' is undefined"
    ):
        asked(role, report=trust_as_template("{{ nobody }}.html"))
