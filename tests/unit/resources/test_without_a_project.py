# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user without a project, as Ironic's admins with system scope are: what belongs to a project is neither made nor taken for gone."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_node, a_volume, manage, planned

WANTED: dict[str, tuple[ModuleType, dict[str, Any]]] = {
    "volume": (volume, {"name": "root", "size": 1}),
    "volume, absent": (volume, {"name": "root", "state": "absent"}),
    "server": (server, {"name": "web", "flavor": "m1", "boot": {"volume": "root"}, "networks": "none"}),
    "checkpoint": (checkpoint, {"server": "web", "name": "friday"}),
    "checkpoint of a node, absent": (checkpoint, {"node": "bm-0", "name": "friday", "state": "absent"}),
    "server, absent": (server, {"name": "web", "state": "absent"}),
}


def without_project(**records: Any) -> FakeCloud:
    cloud = FakeCloud(**records)
    cloud.project = ""
    return cloud


@pytest.mark.parametrize("wanted", WANTED)
def test_field_r6_what_belongs_to_a_project_is_refused(wanted: str) -> None:
    resource, options = WANTED[wanted]
    cloud = without_project(nodes=[a_node()])
    with pytest.raises(Refused, match=r"without a project\. Name volume_cloud"):
        planned(cloud, resource, **options)
    assert cloud.writes == []


@pytest.mark.parametrize("state", ["prepared", "deployed", "absent"])
@pytest.mark.parametrize("count", [1, 9])
def test_field_r6_a_fleet_makes_no_volume_of_no_project(state: str, count: int) -> None:
    nodes = [f"bm-{number}" for number in range(count)]
    cloud = without_project(nodes=map(a_node, nodes), volumes=[a_volume("other")])
    entries = [{"node": name, "volumes": [{"name": f"root-{name}", "size": 1}]} for name in nodes]
    with pytest.raises(Refused, match=r"without a project\. Name volume_cloud"):
        manage(cloud, entries, state=state, volumes_on_undeploy="delete")
    assert cloud.writes == []
