# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for those who come from openstack.cloud names every option that they may have used."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "docsite" / "rst" / "migrate_openstack_cloud.rst").read_text(encoding="utf-8")
# Of the other bare-metal modules only what concerns volumes is on the page.
VOLUMES = {
    "baremetal_node": ["storage_interface", "boot_interface"],
    "baremetal_node_action": ["config_drive", "power", "maintenance"],
}


def options(module: str) -> list[str]:
    spec = find_spec("ansible_collections.openstack.cloud")
    assert spec is not None
    (folder,) = spec.submodule_search_locations or ()
    text = (Path(folder) / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    documentation = re.search(r"DOCUMENTATION = r?('''|\"\"\")(.*?)\1", text, re.DOTALL)
    assert documentation
    return list(yaml.safe_load(documentation[2])["options"])


@pytest.mark.parametrize("module", ["volume", "server", "server_volume"])
def test_every_option_is_named(module: str) -> None:
    chapter = re.split(rf"\nFrom openstack\.cloud\.{module}\n-+\n", PAGE)[1].split("\nFrom ")[0]
    assert [name for name in options(module) if f"``{name}``" not in chapter and f"``{name}:" not in chapter] == []


@pytest.mark.parametrize(("module", "named"), VOLUMES.items(), ids=list(VOLUMES))
def test_what_concerns_volumes_is_named_of_the_other_modules(module: str, named: list[str]) -> None:
    assert set(named) <= set(options(module))
    assert [name for name in named if f"``{name}``" not in PAGE] == []


@pytest.mark.parametrize("module", ["bfv_volume", "bfv_server"])
def test_what_the_page_calls_our_options_are_ours(module: str) -> None:
    theirs = module.removeprefix("bfv_")
    chapter = re.split(rf"\nFrom openstack\.cloud\.{theirs}\n-+\n", PAGE)[1].split("\n.. code-block")[0].split("\nFrom ")[0]
    columns = re.findall(r"\n   \* - .*\n     - (.*)\n", chapter)[1:]
    documentation = (REPOSITORY / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    ours = yaml.safe_load(re.search(r'DOCUMENTATION = r"""(.*?)"""', documentation, re.DOTALL)[1])["options"]  # type: ignore[index]
    named = [name.partition(".")[0] for column in columns for name in re.findall(r"``([\w.]+)``", column)]
    assert named
    assert [name for name in named if name not in ours] == []
