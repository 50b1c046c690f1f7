# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of connectors and targets on a cloud where nodes are deleted meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_node, planned


class Spoiled(FakeCloud):
    """Each list of records fails some times for a node that is gone."""

    times: dict[str, int]

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[dict]:
        asked = f"{path} of {query.get('node', 'all nodes')}"
        left = self.times.setdefault(asked, self.times[""]) if key in ("connectors", "targets") else 0
        if left:
            self.times[asked] -= 1
            raise Rejected(what, "Ironic", 404, "Node 546 could not be found.")
        return super().list(path, key, what, **query)


def spoiled(times: int) -> Spoiled:
    cloud = Spoiled(nodes=[a_node()])
    cloud.times = {"": times}
    return cloud


@pytest.mark.parametrize(("module", "options"), [(connector, {}), (target, {"state": "absent"})])
def test_a_list_that_a_deleted_node_spoiled_is_asked_for_again(module: ModuleType, options: dict) -> None:
    assert planned(spoiled(9), module, node="bm-0", **options).changed is (module is connector)
    with pytest.raises(Rejected, match="Node 546 could not be found"):
        planned(spoiled(10), module, node="bm-0", **options)
