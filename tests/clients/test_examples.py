# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of each module are tasks that its options permit."""

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
MODULES = sorted(f"bfv.openstack.{path.stem}" for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py"))


@pytest.fixture(scope="module")
def documentation() -> Json:
    """What ansible-doc tells of each module: only there the options of the fragments are among the others."""
    shown = subprocess.run([BIN / "ansible-doc", "--json", *MODULES], capture_output=True, text=True, check=True)
    told: Json = json.loads(shown.stdout)
    return told


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
def test_examples_have_options_that_are_there(documentation: Json, module: str) -> None:
    options = documentation[module]["doc"].get("options", {})
    tasks = [task for task in yaml.safe_load(documentation[module]["examples"]) if module in task]
    assert tasks
    found = {task["name"]: list(faults(options, task[module] or {})) for task in tasks}
    assert found == {name: [] for name in found}
