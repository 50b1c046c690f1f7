# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to agree between files that no tool reads together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine import options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import boot_interfaces

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))
# These work on hosts and take no cloud.
OF_HOSTS = ["conductor_config", "conductor_info"]


def test_the_action_group_holds_all_modules() -> None:
    groups = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text())["action_groups"]
    assert [name for name in groups["openstack"] if isinstance(name, str)] == [name for name in MODULES if name not in OF_HOSTS]


@pytest.mark.parametrize("kind", ["modules", "filters", "roles", "playbooks"])
def test_the_readme_names_all_that_exist(kind: str) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    names = {
        "modules": MODULES,
        "filters": [path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.py")],
        "roles": [path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir()],
        "playbooks": [path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")],
    }[kind]
    assert names, f"no {kind} found"
    assert [name for name in names if f"`bfv.openstack.{name}`" not in readme] == []


def test_the_documentation_names_the_boot_interfaces_that_boot_volumes() -> None:
    documentation = (REPOSITORY / "plugins" / "modules" / "baremetal_node_storage.py").read_text()
    assert [name for name in boot_interfaces.ISCSI if f"V({name})" not in documentation] == []


@pytest.mark.parametrize(
    ("variable", "of_module"),
    [("connectors", options.CONNECTOR), ("volumes", options.VOLUME), ("targets", options.TARGET_OF_FLEET)],
)
def test_the_role_checks_what_the_module_takes(variable: str, of_module: options.Options) -> None:
    text = (REPOSITORY / "roles" / "baremetal_deploy" / "meta" / "argument_specs.yml").read_text()
    variables = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    of_role = variables[f"baremetal_deploy_{variable}"]["options"]
    assert {
        name: {key: value for key, value in one.items() if key != "description"} for name, one in of_role.items()
    } == of_module
