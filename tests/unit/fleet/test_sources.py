# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing is made of a volume that the same run makes anew: of which of the two it would be, nobody says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.tests.unit import fake_cloud, server_cloud
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, an_image

ANEW: Json = {"name": "root", "image": "fedora", "size": 20, "recreate": "on_drift"}
COPY: Json = {"name": "copy", "volume": "root", "size": 20}


def of_nodes(*volumes: list[Json], cloud: FakeCloud | None = None, **options: Any) -> tuple[FakeCloud, list[Outcome]]:
    """One node for each list of volumes, in a cloud where the first of one such run was made."""
    if cloud is None:
        cloud = FakeCloud(nodes=[a_node("bm-0"), a_node("bm-1")], images=[an_image(), an_image("fedora")])
        first = of_nodes([{"name": "root", "image": "debian", "size": 20}], cloud=cloud)[1]
        assert [one.msg for one in first] == [""]
        cloud.writes.clear()
    nodes = [
        {"node": f"bm-{index}", "volumes": [{"bootable": True, **one} for one in ones]} for index, ones in enumerate(volumes)
    ]
    return cloud, [*fake_cloud.manage(cloud, nodes, state="prepared", **options).values()]


def of_servers(*volumes: list[Json], **options: Any) -> tuple[FakeCloud, list[Outcome]]:
    """The same with servers, none of which is there yet."""
    cloud = server_cloud.a_project()
    cloud.images[an_image("fedora")["id"]] = an_image("fedora")
    server_cloud.manage(cloud, [_server(0, [{"name": "root", "image": "debian", "size": 20}])])
    cloud.compute.servers.clear()
    for one in cloud.volumes.values():
        one.update(status="available", attachments=[], metadata={"bfv_made": one["id"]})
    cloud.writes.clear()
    return cloud, [*server_cloud.manage(cloud, [_server(*one) for one in enumerate(volumes)], **options).values()]


def _server(index: int, volumes: list[Json]) -> Json:
    return {"name": f"web-{index}", "flavor": "small", "boot": {"volume": volumes[0]["name"]}, "volumes": volumes}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("order", ["create_first", "delete_first"])
@pytest.mark.parametrize("make", [of_nodes, of_servers])
def test_neither_machine_is_begun(make: Any, order: str, check_mode: bool) -> None:
    cloud, outcomes = make([{**ANEW, "recreate_order": order}], [COPY], check_mode=check_mode)
    for one in outcomes:
        first, second = (one.name[:-1] + number for number in "01")
        assert f"volume copy of {second} is to be made of volume root" in one.msg
        assert f"volume root of {first} is to be made anew" in one.msg
    assert cloud.writes == []


@pytest.mark.parametrize("make", [of_nodes, of_servers])
def test_nor_one_machine_with_both(make: Any) -> None:
    cloud, (one,) = make([ANEW, COPY])
    assert ("is to be made of volume root" in one.msg, cloud.writes) == (True, [])


def test_what_stays_may_be_copied() -> None:
    _cloud, outcomes = of_nodes([{**ANEW, "image": "debian"}], [COPY])
    assert [one.msg for one in outcomes] == ["", ""]


def test_what_was_copied_before_may_be_made_anew() -> None:
    cloud, _outcomes = of_nodes([{"name": "root", "image": "debian", "size": 20}], [COPY])
    assert [one.msg for one in of_nodes([ANEW], [COPY], cloud=cloud)[1]] == ["", ""]
