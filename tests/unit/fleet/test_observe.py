# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import lists, observe
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.observe import NodeFound
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    uuid_of,
)

OTHER = volume_record.from_api(a_volume("other"))
FOUND = NodeFound(
    node=node.from_api(a_node()),
    connectors=(connector.from_api(a_connector()),),
    targets=(target.from_api(a_target()),),
    volumes={"root": (), "other": (OTHER,)},
)


def after(changes: str, key: str, answer: Json) -> NodeFound | None:
    return observe.absorb(FOUND, Request("do it", "any", "POST", "/any", changes, key), answer)


def test_an_answer_tells_what_is_there_now_and_saves_a_look() -> None:
    changed = after("node", uuid_of("bm-0"), a_node(boot_interface="http-ipxe"))
    assert changed
    assert changed.node.boot_interface == "http-ipxe"


def test_a_new_record_is_added_and_a_changed_one_replaced() -> None:
    new = a_connector(connector_id="iqn.2024-01.org.example:new")
    added = after("connector", "", new)
    assert added
    assert [one.uuid for one in added.connectors] == [a_connector()["uuid"], new["uuid"]]
    replaced = after("target", a_target()["uuid"], a_target(boot_index=1))
    assert replaced
    assert [one.boot_index for one in replaced.targets] == [1]


def test_a_deleted_record_is_gone() -> None:
    left = after("target", a_target()["uuid"], {})
    assert left
    assert (left.targets, left.connectors) == ((), FOUND.connectors)


def test_a_new_volume_is_known_by_its_name() -> None:
    made = after("volume", "", {"volume": a_volume()})
    assert made
    assert made.volumes == {"root": (volume_record.from_api(a_volume()),), "other": (OTHER,)}


@pytest.mark.parametrize(("changes", "answer"), [("node", {}), ("volume", {}), ("volume", {"metadata": {"a": "1"}})])
def test_an_answer_that_tells_nothing_asks_for_a_look(changes: str, answer: Json) -> None:
    assert after(changes, "x", answer) is None


class Spoiled(FakeCloud):
    """Ironic while nodes are being deleted: some lists of records fail for a node that is gone."""

    times = 0

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        if key == "connectors" and self.times:
            self.times -= 1
            raise Rejected(what, "Ironic", 404, "Node 546 could not be found.")
        return super().list(path, key, what, **query)


def test_a_list_that_a_deleted_node_spoiled_is_asked_for_again() -> None:
    cloud = Spoiled(nodes=[a_node()], connectors=[a_connector()])
    cloud.times = 9
    connectors, _targets = lists.read_records(cloud, None)  # type: ignore[arg-type]
    assert [one.uuid for one in connectors[uuid_of("bm-0")]] == [a_connector()["uuid"]]


def test_a_list_that_stays_spoiled_is_an_error() -> None:
    cloud = Spoiled(nodes=[a_node()])
    cloud.times = 10
    with pytest.raises(Rejected, match="Node 546 could not be found"):
        lists.read_records(cloud, None)  # type: ignore[arg-type]
