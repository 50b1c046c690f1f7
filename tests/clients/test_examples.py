# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of each module and role are such that its options permit them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.tests.integration.runs import BIN

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
MODULES = sorted(f"bfv.openstack.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(f"bfv.openstack.{path.name}" for path in (ROOT / "roles").iterdir())


def told(kind: str, *names: str) -> Json:
    """What ansible-doc tells: only there the options of the fragments are among the others."""
    program = [BIN / "ansible-doc", "--type", kind, "--json", *names]
    shown: Json = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    return shown


@pytest.fixture(scope="module")
def modules() -> Json:
    return told("module", *MODULES)


@pytest.fixture(scope="module")
def roles() -> Json:
    return told("role", *ROLES)


def faults(options: Json, given: Json) -> Iterator[str]:
    for name, value in given.items():
        about = options.get(name)
        if about is None:
            yield f"{name} is no option"
            continue
        if "choices" in about and not set(value if isinstance(value, list) else [value]) <= set(about["choices"]):
            yield f"{value} is no choice of {name}"
        for inner in value if isinstance(value, list) else [value]:
            if "suboptions" in about and isinstance(inner, dict):
                yield from faults(about["suboptions"], inner)
    for name, about in options.items():
        if about.get("required") and name not in given:
            yield f"{name} is missing"


@pytest.mark.parametrize("module", MODULES)
def test_examples_have_options_that_are_there(modules: Json, module: str) -> None:
    options = modules[module]["doc"].get("options", {})
    tasks = [task for task in yaml.safe_load(modules[module]["examples"]) if module in task]
    assert tasks
    found = {task["name"]: list(faults(options, task[module] or {})) for task in tasks}
    assert found == {name: [] for name in found}


def variables(example: Any) -> Iterator[Json]:
    """The variables of an example: those of its plays, or it is a file of variables itself."""
    if isinstance(example, dict):
        yield example
        return
    for play in example:
        yield from (role["vars"] for role in play.get("roles", []))
        yield from (task["vars"] for task in play.get("tasks", []) if "vars" in task)


@pytest.mark.parametrize("role", ROLES)
def test_examples_have_variables_that_are_there(roles: Json, role: str) -> None:
    for about in roles[role]["entry_points"].values():
        several = list(variables(yaml.safe_load(about["examples"])))
        assert several
        assert [fault for given in several for fault in faults(about["options"], given)] == []
