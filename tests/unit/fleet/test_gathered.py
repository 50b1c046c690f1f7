# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes of a project that one can boot from, and who holds them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import gathered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, a_volume, attached, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server

SERVER = uuid_of("server web")


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud(
        nodes=[a_node()],
        servers=[a_server("web", id=SERVER)],
        volumes=[
            a_volume("web-root", **attached(SERVER)),
            a_volume("node-root", **attached(uuid_of("bm-0"), None)),
            a_volume("data", bootable="false"),
            a_volume("free"),
        ],
    )


def told(cloud: FakeCloud, *gather: str) -> Json:
    want = gathered.wanted({"gather": gather})
    found = gathered.observe(cloud, want)  # type: ignore[arg-type]
    assert gathered.plan(want, found).settled
    result: Any = gathered.result(want, found)
    return result  # type: ignore[no-any-return]


def holders(result: Json) -> dict[str, list[tuple[str | None, str | None, str | None]]]:
    return {one["name"]: [(each["kind"], each["name"], each["device"]) for each in one["holders"]] for one in result["volumes"]}


def test_a_tenant_sees_his_bootable_volumes_and_their_servers_without_ironic(cloud: FakeCloud) -> None:
    result = told(cloud, "volumes")
    assert holders(result) == {"free": [], "node-root": [(None, None, None)], "web-root": [("server", "web", "/dev/vda")]}
    assert (result["nodes"], [path for path in cloud.reads if "nodes" in path or "connectors" in path]) == ([], [])


def test_nodes_are_named_where_they_are_asked_for_as_well(cloud: FakeCloud) -> None:
    result = told(cloud, "nodes", "volumes")
    assert holders(result)["node-root"] == [("node", "bm-0", None)]
    assert [one["name"] for one in result["nodes"]] == ["bm-0"]


def test_volumes_are_read_only_where_they_are_asked_for(cloud: FakeCloud) -> None:
    assert told(cloud, "nodes")["volumes"] == []
    assert not [path for path in cloud.reads if path.startswith("/volumes")]


def test_a_cloud_without_nova_has_holders_without_names(cloud: FakeCloud) -> None:
    class WithoutNova(FakeCloud):
        @property
        def compute(self) -> Any:
            raise Refused("Failed to reach Nova: this cloud has no compute service.")

        @compute.setter
        def compute(self, _nova: Any) -> None:
            pass

    bare = WithoutNova(volumes=cloud.volumes.values())
    assert holders(told(bare, "volumes"))["web-root"] == [(None, None, "/dev/vda")]
