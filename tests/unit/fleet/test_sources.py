# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing is made of a volume that the same run makes anew: of which of the two it would be, nobody says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import sources
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.room import Around
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import from_api
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.source import Source
from ansible_collections.bfv.openstack.tests.unit import fake_cloud, server_cloud
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, a_volume, an_image, uuid_of

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


def around(name: str, source: Source | None, *there: Json, **options: Any) -> Around:
    """A volume, and what there is of it."""
    return volume.wanted({"name": name, "recreate": "on_drift", **options}), volume.Found(tuple(map(from_api, there)), source)


def made_here(name: str) -> Json:
    return a_volume(name, metadata={"bfv_made": uuid_of(name)})


OF_ROOT = Source("volume", uuid_of("root"), "root", 10)
ROOT = around("root", None, made_here("root"), availability_zone="another")  # which no volume can change
# A run before was killed when the new one was there beside the old one, and which Cinder lists first is its own affair.
SUCCESSOR = {
    **a_volume("new", availability_zone="another", metadata={"bfv_made": uuid_of("new"), "bfv_replaces": uuid_of("root")}),
    "name": "root",
}
HALFWAY = around("root", None, SUCCESSOR, made_here("root"), availability_zone="another")
STAYS = around("root", None, made_here("root"))


@pytest.mark.parametrize(
    ("beside", "refused"),
    [
        ({"bm-0": [ROOT], "bm-1": [around("copy", OF_ROOT)]}, ["bm-0", "bm-1"]),
        ({"bm-0": [HALFWAY], "bm-1": [around("copy", OF_ROOT)]}, ["bm-0", "bm-1"]),
        ({"bm-0": [ROOT], "bm-1": [around("copy", OF_ROOT, made_here("copy"), availability_zone="another")]}, ["bm-0", "bm-1"]),
        ({"bm-0": [ROOT], "bm-1": [around("copy", OF_ROOT, made_here("copy"), recreate="never")]}, []),
        ({"bm-0": [ROOT], "bm-1": [around("copy", replace(OF_ROOT, id=uuid_of("another")))]}, []),
        ({"bm-0": [ROOT], "bm-1": [around("blank", None)]}, []),
        ({"bm-0": [STAYS], "bm-1": [around("copy", OF_ROOT)]}, []),
        ({"bm-0": [around("root", OF_ROOT, made_here("root"), availability_zone="another")]}, []),
    ],
    ids=[
        "a copy",
        "a copy of one that is half made anew",
        "a copy that is made anew",
        "a copy that is there",
        "a copy of another",
        "no copy",
        "one that stays",
        "of itself",
    ],
)
def test_only_what_is_to_be_made_of_one_that_goes_is_refused(beside: dict[str, list[Around]], refused: list[str]) -> None:
    assert sorted(sources.refusals(beside, "node")) == refused


def test_what_was_copied_before_may_be_made_anew() -> None:
    cloud, _outcomes = of_nodes([{"name": "root", "image": "debian", "size": 20}], [COPY])
    assert [one.msg for one in of_nodes([ANEW], [COPY], cloud=cloud)[1]] == ["", ""]
