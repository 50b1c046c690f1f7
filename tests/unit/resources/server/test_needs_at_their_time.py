# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""S8-S10: a server that is there needs nothing that only a new one needs. What differs silently is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import by_id
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, an_image, planned, settle, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_network, a_port
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, a_project, blank, disks, the_server, with_server

# S9, S10


def test_field_s9_a_volume_is_attached_to_a_server_without_a_word_of_its_boot_disk() -> None:
    cloud = with_server(blank("data"), blank("logs"))
    wish = {"name": "web", "block_devices": [{"volume_id": "data"}, {"volume_id": "logs", "boot_index": 1, "tag": "logs"}]}
    first = planned(cloud, server, **wish)
    settle(cloud, server, **wish)
    assert [request.what for request in cloud.writes] == first.actions
    assert disks(cloud) == ["web-boot", "data", "logs"]
    assert cloud.writes[-1].body["volumeAttachment"]["tag"] == "logs"  # type: ignore[index]
    assert planned(cloud, server, **wish).changed is False


def test_field_s9_a_new_server_is_refused_without_a_boot_disk() -> None:
    with pytest.raises(Refused, match="it has nothing to boot from"):
        planned(a_project(blank("data")), server, name="web", flavor="small", block_devices=[{"volume_id": "data"}])


@pytest.mark.parametrize(
    "more", [{}, {"flavor": "gone", "key_name": "gone", "boot": {"image": "gone"}, "security_groups": ["gone"]}]
)
def test_field_s10_a_server_is_removed_whatever_else_is_said_of_it(more: Json) -> None:
    cloud = with_server()
    settle(cloud, server, name="web", state="absent", block_devices=[{"volume_id": "data"}], **more)
    assert cloud.compute.servers == {}
    settle(cloud, server, name="web", state="absent", block_devices=[{"volume_id": "data"}], **more)


# S8


def gone(cloud: FakeCloud) -> None:
    deeds.retire_image(cloud, "debian")


def deactivated(cloud: FakeCloud) -> None:
    deeds.retire_image(cloud, "debian", deactivate=True)


def doubled(cloud: FakeCloud) -> None:
    deeds.upload(cloud, "debian")


@pytest.mark.parametrize("how", [gone, deactivated, doubled])
@pytest.mark.parametrize("more", [{}, {"state": "stopped"}, {"on_image_change": "replace"}, {"metadata": {"a": "b"}}])
def test_field_s8_a_server_goes_on_whatever_becomes_of_its_image(how: Any, more: Json) -> None:
    cloud = with_server()
    how(cloud)
    plan = planned(cloud, server, **{**WEB, **more})
    settle(cloud, server, **{**WEB, **more})
    is_told = any("was made from image debian is not known" in warning for warning in plan.warnings)
    assert is_told is (how is gone)  # of the others it is known which image the disk was made from
    assert (len(cloud.compute.servers), len(cloud.volumes)) == (1, 1)


@pytest.mark.parametrize("how", [gone, deactivated, doubled])
def test_field_s8_a_replacement_for_another_reason_needs_no_image(how: Any) -> None:
    cloud = with_server()
    how(cloud)
    settle(cloud, server, **{**WEB, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]})
    assert (the_server(cloud)["flavor"]["original_name"], len(cloud.volumes)) == ("large", 1)


def test_field_s8_a_flavor_that_is_gone_is_compared_by_its_name() -> None:
    cloud = with_server()
    flavor = next(one for one in cloud.compute.flavors.values() if one["name"] == "small")
    cloud.compute.flavors = by_id([a_flavor("large")])
    assert planned(cloud, server, **WEB, state="stopped").warnings == ()
    plan = planned(cloud, server, **{**WEB, "flavor": flavor["id"], "on_flavor_change": "resize", "state": "stopped"})
    assert (plan.changed, f"whether that is {flavor['id']} is not known" in plan.warnings[0]) == (True, True)
    with pytest.raises(Refused, match="Failed to find flavor huge"):
        planned(cloud, server, **{**WEB, "flavor": "huge", "on_flavor_change": "resize"})


# Silent differences


DIFFERENCES: list[tuple[Json, str]] = [
    ({"config_drive": True}, "config_drive is False, and True is wanted"),
    ({"networks": "none"}, "networks is none, and it is in internal"),
    ({"networks": "storage"}, "it is not in network storage, which networks asks for"),
    ({"networks": ["internal", {"port": "eth7"}]}, "it is not in port eth7, which"),
    ({"networks": [{"network": "internal", "fixed_ip": "192.0.2.77"}]}, "it is not in network internal, fixed_ip 192.0.2.77"),
    (
        {"block_devices": ["source=blank,dest=volume,size=5"]},
        "1 further disks are asked for that Nova makes with a new server only",
    ),
    ({"block_devices": ["source=image,id=fedora,dest=volume,size=5"]}, "and it has 0: make a volume"),
    ({"user_data": "#!"}, "its user data is another one"),
]


@pytest.mark.parametrize(("options", "words"), DIFFERENCES)
def test_what_differs_and_is_left_is_told(options: Json, words: str) -> None:
    cloud = with_server()
    cloud.compute.shows_admins = True
    plan = planned(cloud, server, **{**WEB, **options})
    assert (plan.changed, len(plan.warnings), words in plan.warnings[0]) == (False, 1, True), plan.warnings


@pytest.mark.parametrize(
    "options",
    [
        {"config_drive": True},
        {"networks": "none"},
        {"networks": ["internal", "storage"]},
        {"networks": [uuid_of("network storage")]},
        {"networks": [{"port": "eth0"}]},
        {"networks": [{"network": "internal", "fixed_ip": "192.0.2.77"}]},
        {"block_devices": ["source=blank,dest=volume,size=5", "vdb=data"]},
        {"user_data": "#!"},
        {"networks": ["internal", "storage"], "security_groups": ["web"]},
    ],
)
def test_of_what_was_asked_for_nothing_is_told(options: Json) -> None:
    cloud = with_server(blank("data"), options=options, ports=[a_port()])
    cloud.compute.shows_admins = True
    plan = planned(cloud, server, **{**WEB, **options})
    assert (plan.changed, plan.warnings) == (False, ())


def test_the_groups_of_each_port_are_compared() -> None:
    options: Json = {"networks": ["internal", "storage"], "security_groups": ["web"]}
    cloud = with_server(options=options)
    port = cloud.network.of(the_server(cloud))[1]
    port["security_groups"] = []
    (warning,) = planned(cloud, server, **{**WEB, **options}).warnings
    assert f"its port {port['id']} has the security groups none, and web are wanted" in warning


def test_groups_are_not_for_ports_that_are_there() -> None:
    cloud = a_project(ports=[a_port()], images=[an_image()], networks=[a_network()])
    settle(cloud, server, **WEB, state="absent")
    volumes = with_server()
    disk = next(iter(volumes.volumes.values()))
    cloud.volumes = by_id([{**disk, "status": "available", "attachments": []}])
    plan = planned(cloud, server, **WEB, networks=[{"port": "eth0"}], security_groups=["default"])
    assert "port eth0 keeps its own" in plan.warnings[0]


@pytest.mark.parametrize("how", [gone, deactivated, doubled])
def test_field_s8_a_server_is_made_from_its_kept_disk_without_the_image(how: Any) -> None:
    cloud = with_server()
    (disk,) = cloud.volumes
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="keep")
    how(cloud)
    settle(cloud, server, **WEB)
    assert list(cloud.volumes) == [disk]
    with pytest.raises(Refused, match="debian"):
        planned(cloud, server, **{**WEB, "name": "second"})
