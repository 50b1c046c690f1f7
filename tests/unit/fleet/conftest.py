# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import lists


@pytest.fixture(params=[0, 100], ids=["in bulk", "singly"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether few nodes or many: what is read in bulk or singly must lead to the same."""
    monkeypatch.setattr(lists, "FEW", request.param)
    monkeypatch.setattr(lists, "SHORT", 0)
