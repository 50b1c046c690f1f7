# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""What has to agree between files that no tool reads together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))


def test_the_action_group_holds_all_modules() -> None:
    groups = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text())["action_groups"]
    assert [name for name in groups["openstack"] if isinstance(name, str)] == MODULES


@pytest.mark.parametrize("kind", ["modules", "roles", "playbooks"])
def test_the_readme_names_all_that_exist(kind: str) -> None:
    readme = (REPOSITORY / "README.md").read_text()
    names = {
        "modules": MODULES,
        "roles": [path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir()],
        "playbooks": [path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")],
    }[kind]
    assert names, f"no {kind} found"
    assert [name for name in names if f"`bfv.openstack.{name}`" not in readme] == []
