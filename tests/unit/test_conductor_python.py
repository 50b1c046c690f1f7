# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""conductor_config runs with the Python of a conductor's host, which may be 3.9. tests/clients runs it there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.plugins.modules import conductor_config

OLDEST = (3, 9)
# Where this repository is bfv.openstack for the Python that runs the tests.
COLLECTIONS = Path(conductor_config.__file__).parents[5]
IMPORTED = """
import sys
import ansible_collections.bfv.openstack.plugins.modules.conductor_config
for name, module in sys.modules.items():
    if name.startswith("ansible_collections.bfv.openstack.") and module.__file__:
        print(module.__file__)
"""


def files() -> list[Path]:
    # ansible-test has a loader of its own for collections, which another Python does not know of.
    path = os.pathsep.join(filter(None, [str(COLLECTIONS), os.environ.get("PYTHONPATH")]))
    shown = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": path}
    )
    return [Path(line) for line in shown.stdout.split()]


FILES = files()


def test_all_of_it_is_looked_at() -> None:
    assert {path.parent.name for path in FILES} >= {"modules", "_engine", "conductor", "values"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_written_for_the_oldest_python(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=OLDEST)


def test_a_younger_python_is_told() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("match x:\n    case 1: pass\n", feature_version=OLDEST)
