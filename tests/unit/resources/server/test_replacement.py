# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are deleted and made anew around their disk, at their addresses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_volume,
    attached,
    of_image,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_port, a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import (
    WEB,
    a_project,
    addresses,
    blank,
    disks,
    goes,
    the_server,
    with_server,
)

LARGE: Json = {**WEB, "replace_may_lose": ["user_data"], "flavor": "large", "on_flavor_change": "replace"}
FEDORA: Json = {**WEB, "replace_may_lose": ["user_data"], "boot": {"image": "fedora"}, "on_image_change": "replace"}
AGAIN: Json = {**WEB, "replace_may_lose": ["user_data"], "recreate": "on_error"}


def in_error(*volumes: Json, options: Json | None = None, **fields: Any) -> FakeCloud:
    cloud = with_server(*volumes, options=options)
    the_server(cloud).update({"status": "ERROR", "fault": {"message": "boom"}, **fields})
    return cloud


def notes(cloud: FakeCloud) -> list[str]:
    """What is noted in volumes, beside the marks that stay."""
    keys = {key for one in cloud.volumes.values() for key in one["metadata"]}
    return sorted(keys - {"bfv_boot_of", "bfv_made", "bfv_replaces"})


def written(cloud: FakeCloud) -> list[str]:
    """What was written, in words; the ids of what was made as they can be foreseen."""
    words = [request.what for request in cloud.writes]
    made = the_server(cloud)["id"]
    return [line.replace(made, "(known when the server is there)") for line in words]


def replaced(cloud: FakeCloud, **options: Any) -> list[str]:
    """What a replacement does; nothing is left over of it, and a second run does nothing."""
    before, status = the_server(cloud)["id"], the_server(cloud)["status"].replace("ERROR", "ACTIVE")
    foreseen = planned(cloud, server, **options).actions
    settle(cloud, server, **options)
    actions = written(cloud)
    assert actions == foreseen
    cloud.tick()  # the old disk is gone
    assert (the_server(cloud)["id"] == before, the_server(cloud)["status"], notes(cloud)) == (False, status, [])
    assert the_server(cloud)["metadata"].get("bfv_replaces") is None
    again = planned(cloud, server, **options)
    assert (again.settled, again.changed, again.warnings) == (True, False, ())
    return actions


# The disk and the addresses


def test_another_flavor_keeps_the_disk_and_the_address() -> None:
    cloud = with_server()
    disk, address = list(cloud.volumes), addresses(cloud)
    actions = replaced(cloud, **LARGE)
    assert (list(cloud.volumes), addresses(cloud)) == (disk, address)
    assert the_server(cloud)["flavor"]["original_name"] == "large"
    assert [action.partition(" server")[0] for action in actions if "remove" not in action] == [
        "note",
        "delete",
        "create",
    ]


def test_every_address_of_every_network_is_kept_in_its_order() -> None:
    networks = [{"network": "internal", "fixed_ip": f"192.0.2.{last}"} for last in (90, 20, 50, *range(60, 70))]
    cloud = with_server(options={"networks": networks})
    before = addresses(cloud)
    replaced(cloud, **LARGE)
    assert (addresses(cloud), len(before)) == (before, 13)


def test_a_port_that_was_given_is_given_again() -> None:
    cloud = with_server(options={"networks": [{"port": "eth0"}]}, ports=[a_port()])
    replaced(cloud, **LARGE)
    assert [port["id"] for port in cloud.network.of(the_server(cloud))] == [uuid_of("port eth0")]


def test_a_server_without_a_network_is_replaced_without_one() -> None:
    cloud = with_server(options={"networks": "none"})
    replaced(cloud, **LARGE, networks="none")
    assert addresses(cloud) == []


@pytest.mark.parametrize("going", [True, False])
def test_the_disk_outlives_the_server_and_goes_with_the_new_one_as_before(going: bool) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": going}})
    disk = list(cloud.volumes)
    replaced(cloud, **LARGE)
    assert (list(cloud.volumes), goes(cloud)) == (disk, [going])


def test_a_server_whose_disk_somebody_let_go_of_in_cinder_alone_is_no_rival_of_itself() -> None:
    cloud = with_server()
    deeds.let_go(cloud.volumes[the_server(cloud)["_root"]])
    wish = {**WEB, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
    assert planned(cloud, server, **wish).changed


def test_further_volumes_come_along() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data:::1"]})
    replaced(cloud, **LARGE, block_devices=["vdb=data:::1"])
    assert (disks(cloud), goes(cloud)) == (["web-boot", "data"], [False, True])


def test_volumes_that_nobody_names_come_along() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data:::1"]})
    replaced(cloud, **LARGE)
    assert (disks(cloud), goes(cloud)) == (["web-boot", "data"], [False, True])


def test_disks_that_nova_made_come_along_and_are_not_made_anew_and_empty() -> None:
    device = {"source_type": "blank", "destination_type": "volume", "volume_size": 5}
    cloud = with_server(options={"block_devices": [device]})
    before = set(cloud.volumes)
    replaced(cloud, **LARGE, block_devices=[device])
    assert (set(cloud.volumes), len(disks(cloud))) == (before, 2)


@pytest.mark.parametrize("name", ["", "anything"])
def test_the_disk_of_a_server_that_somebody_else_made_is_kept_as_well(name: str) -> None:
    one = uuid_of("server web")
    cloud = a_project(
        a_volume(name, id=uuid_of("theirs"), **of_image(), **attached(one)),
        servers=[a_server("web", "theirs", going=("theirs",))],
        ports=[a_port(device_id=one, of_nova=True, name="")],
    )
    replaced(cloud, **LARGE)
    assert (list(cloud.volumes), addresses(cloud), goes(cloud)) == ([uuid_of("theirs")], ["192.0.2.50"], [True])


def test_a_server_on_a_named_volume_keeps_it() -> None:
    cloud = with_server(a_volume(), options={"boot": {"volume": "root"}})
    replaced(cloud, **{**LARGE, "boot": {"volume": "root"}})
    assert disks(cloud) == ["root"]


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_server_may_be_replaced_whether_it_runs_or_not(status: str) -> None:
    cloud = with_server()
    the_server(cloud)["status"] = status
    replaced(cloud, **LARGE)


def test_a_diff_shows_the_new_flavor() -> None:
    plan = planned(with_server(), server, **LARGE)
    assert (plan.before["flavor"], plan.after["flavor"], plan.changed) == ("small", "large", True)


# Refused before the server is deleted


@pytest.mark.parametrize("way", [LARGE, FEDORA, AGAIN], ids=["flavor", "image", "error"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_name": "mine"}, "Failed to find key pair mine"),
        ({"security_groups": ["db"]}, "Failed to find security group db"),
        ({"block_devices": ["vdb=data"]}, "Cinder shows no volume data"),
        ({"block_devices": ["vdb=busy"]}, "attached to other"),
        ({"flavor_denylist": ["."]}, "cannot boot from a volume"),
    ],
)
def test_a_server_that_could_not_be_made_anew_is_not_deleted(way: Json, options: Json, words: str) -> None:
    cloud = in_error(blank("busy", **attached("other")))
    the_server(cloud)["status"] = "ERROR" if way is AGAIN else "ACTIVE"
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**way, **options})


def test_a_server_without_a_wanted_flavor_keeps_its_own() -> None:
    cloud = in_error()
    replaced(cloud, **{**AGAIN, "flavor": None, "boot": {}})
    assert the_server(cloud)["flavor"]["original_name"] == "small"


def test_a_server_whose_flavor_is_gone_is_not_deleted() -> None:
    cloud = in_error()
    cloud.compute.flavors = {}
    with pytest.raises(Refused, match="Failed to find flavor small"):
        planned(cloud, server, **{**AGAIN, "flavor": None})


@pytest.mark.parametrize("name", [None, "web"])
def test_a_server_by_its_id_is_not_deleted(name: str | None) -> None:
    """The new one would have another id, and no later run would find it."""
    cloud = in_error()
    with pytest.raises(Refused, match=r"Failed to replace .*: the new one would have another id\. Give its name, and no id"):
        planned(cloud, server, **{**AGAIN, "id": the_server(cloud)["id"], "name": name})


def test_a_server_that_boots_from_another_volume_than_the_named_one_is_not_deleted() -> None:
    cloud = with_server(a_volume("other"))
    with pytest.raises(Refused, match="its boot volume other is not attached to it"):
        planned(cloud, server, **{**LARGE, "boot": {"volume": "other"}})


def test_a_server_whose_root_cinder_does_not_show_is_not_deleted() -> None:
    cloud = with_server()
    (root,) = cloud.volumes
    cloud.volumes.clear()
    with pytest.raises(Refused, match=f"Cinder does not show its root, volume {root}"):
        planned(cloud, server, **LARGE)


def test_bare_metal_with_a_config_drive_is_refused_before() -> None:
    with pytest.raises(Refused, match="gets no config drive"):
        planned(with_server(), server, **{**LARGE, "flavor": "metal"}, config_drive=True)


# recreate


def test_a_server_in_error_stays_without_permission() -> None:
    with pytest.raises(Refused, match="it is in ERROR, and Nova says «boom»"):
        planned(in_error(), server, **WEB)


def test_a_server_in_error_is_made_anew_on_its_disk_and_address() -> None:
    cloud = in_error()
    disk, address = list(cloud.volumes), addresses(cloud)
    replaced(cloud, **AGAIN)
    assert (list(cloud.volumes), addresses(cloud)) == (disk, address)


def test_a_server_that_never_came_to_life_is_made_anew() -> None:
    cloud = a_project()
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused, match="it is in ERROR"):
        settle(cloud, server, **WEB)
    cloud.compute.servers_end_in = "ACTIVE"
    cloud.writes.clear()
    replaced(cloud, **AGAIN)
    assert len(cloud.volumes) == 1


@pytest.mark.parametrize("first", [in_error, a_project])
def test_a_server_that_fails_again_is_not_made_for_ever(first: Any) -> None:
    cloud = first()
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(BfvError, match="it is in ERROR"):
        settle(cloud, server, **AGAIN)
    assert the_server(cloud)["status"] == "ERROR"  # it stays, so that it can be looked at
    assert sum(request.path == "/servers" for request in cloud.writes) == 1
    assert len(cloud.volumes) == 1


def test_a_sound_server_is_not_made_anew() -> None:
    cloud = with_server()
    assert planned(cloud, server, **AGAIN).settled


def test_a_server_in_error_that_is_being_deleted_is_waited_for() -> None:
    cloud = in_error(**{"OS-EXT-STS:task_state": "deleting"})
    assert planned(cloud, server, **AGAIN).actions == []
    settle(cloud, server, **WEB)
    assert (disks(cloud), len(cloud.volumes)) == (["web-boot"], 1)


# Another image


@pytest.mark.parametrize("going", [True, False])
@pytest.mark.parametrize(
    ("fate", "left"), [("as_attached", {True: 1, False: 2}), ("keep", {True: 2, False: 2}), ("delete", {True: 1, False: 1})]
)
def test_the_old_disk_goes_or_stays_as_asked_for(going: bool, fate: str, left: dict[bool, int]) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": going}})
    replaced(cloud, **FEDORA, boot_volume_on_delete=fate)
    assert (len(cloud.volumes), goes(cloud)) == (left[going], [going])


def test_another_image_gives_a_new_disk_and_keeps_the_address() -> None:
    cloud = with_server()
    old, address = list(cloud.volumes), addresses(cloud)
    replaced(cloud, **FEDORA, boot_volume_on_delete="delete")
    (disk,) = cloud.volumes.values()
    assert disk["id"] not in old
    assert disk["volume_image_metadata"]["image_id"] == uuid_of("fedora")
    assert (disks(cloud), addresses(cloud)) == (["web-boot"], address)


def test_field_d11_the_new_disk_is_there_before_the_server_goes_and_the_old_one_goes_last() -> None:
    cloud = with_server()
    settle(cloud, server, **FEDORA, boot_volume_on_delete="delete")
    paths = [(request.method, request.path.split("/")[1]) for request in cloud.writes]
    assert paths.index(("POST", "volumes")) < paths.index(("DELETE", "servers"))
    assert paths.index(("POST", "servers")) < paths.index(("DELETE", "volumes"))


def test_a_new_disk_that_cannot_be_made_leaves_the_server() -> None:
    cloud = with_server()
    cloud.volumes_end_in = "error"
    with pytest.raises(BfvError):
        settle(cloud, server, **FEDORA)
    assert (disks(cloud)[:1], the_server(cloud)["status"]) == (["web-boot"], "ACTIVE")
    cloud.volumes_end_in = "available"


def test_a_new_disk_that_is_impossible_is_refused_before() -> None:
    with pytest.raises(Refused, match="size is 2 GiB"):
        planned(with_server(), server, **{**FEDORA, "boot": {"image": "fedora", "size": 2}})


def test_flavor_and_image_change_together() -> None:
    cloud = with_server()
    address = addresses(cloud)
    replaced(cloud, **{**FEDORA, "flavor": "large", "on_flavor_change": "replace"}, boot_volume_on_delete="delete")
    (disk,) = cloud.volumes.values()
    assert disk["volume_image_metadata"]["image_id"] == uuid_of("fedora")
    assert (the_server(cloud)["flavor"]["original_name"], addresses(cloud)) == ("large", address)


def test_the_old_disk_of_a_server_that_somebody_else_made_goes_too() -> None:
    one = uuid_of("server web")
    cloud = a_project(
        a_volume("", id=uuid_of("theirs"), **of_image(), **attached(one)),
        servers=[a_server("web", "theirs")],
        ports=[a_port(device_id=one, of_nova=True, name="")],
    )
    replaced(cloud, **FEDORA, boot_volume_on_delete="delete")
    assert ([one["name"] for one in cloud.volumes.values()], addresses(cloud)) == (["web-boot"], ["192.0.2.50"])


@pytest.mark.parametrize("fate", ["as_attached", "keep", "delete"])
@pytest.mark.parametrize("permits", [True, False])
def test_a_task_that_does_not_permit_another_disk_lets_no_old_one_go_either(permits: bool, fate: str) -> None:
    """Found by the state machine: the first run failed when the new server did, and the next task had another end in mind."""
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": True}})
    (old,) = cloud.volumes
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(BfvError, match="it is in ERROR"):
        settle(cloud, server, **FEDORA, boot_volume_on_delete="keep")
    cloud.compute.servers_end_in = "ACTIVE"
    how = {"on_image_change": "replace"} if permits else {}
    settle(cloud, server, **{**AGAIN, "boot": {"image": "fedora"}, **how}, boot_volume_on_delete=fate)
    cloud.tick()
    assert (the_server(cloud)["status"], notes(cloud)) == ("ACTIVE", [])
    assert (old in cloud.volumes) == (not permits or fate == "keep")
