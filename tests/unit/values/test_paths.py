# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils import _engine
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.paths import path_of
from hypothesis import given
from hypothesis import strategies as st

ENGINE = Path(next(iter(_engine.__path__)))
# These match paths, or are those within a JSON patch.
NOT_MADE = ("/properties/", "/proc/")


@given(st.lists(st.text(min_size=1).filter(lambda part: part not in (".", "..")), min_size=1))
def test_field_x8_no_name_leads_elsewhere(parts: list[str]) -> None:
    path = path_of(*parts)
    assert re.fullmatch(r"(/[A-Za-z0-9_.~%-]+)+", path)
    assert [unquote(part) for part in path.split("/")[1:]] == parts


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_field_x8_a_name_that_is_a_step_is_refused(part: str) -> None:
    with pytest.raises(Refused, match=rf'Failed to ask for /servers/{re.escape(part)}: "{re.escape(part)}" leads elsewhere'):
        path_of("servers", part)


def formatted_paths(source: str) -> Iterator[str]:
    for found in ast.walk(ast.parse(source)):
        if isinstance(found, ast.JoinedStr):
            for part in found.values:
                if isinstance(part, ast.Constant) and re.match(r"/[a-z-]+/", str(part.value)):
                    yield ast.unparse(found)


def test_field_x8_every_path_is_made_in_one_place() -> None:
    files = [file for file in ENGINE.rglob("*.py") if file.name != "permits.py"]
    made = [(file.name, path) for file in files for path in formatted_paths(file.read_text())]
    assert len(files) > 80
    assert [one for one in made if not any(known in one[1] for known in NOT_MADE)] == []
