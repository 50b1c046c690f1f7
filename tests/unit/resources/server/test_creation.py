# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""New servers: the disk first, then the server."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
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
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_port, a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import (
    WEB,
    a_project,
    addresses,
    blank,
    disks,
    the_server,
    with_server,
)


def creation(cloud: FakeCloud, **options: Any) -> Json:
    """The body of the request that creates the server."""
    settle(cloud, server, **{**WEB, **options})
    (body,) = (request.body for request in cloud.writes if request.path == "/servers")
    return body["server"]  # type: ignore[index,no-any-return]


def devices(cloud: FakeCloud, **options: Any) -> list[Json]:
    return creation(cloud, **options)["block_device_mapping_v2"]  # type: ignore[no-any-return]


# What it boots from


def test_a_server_boots_from_an_image_on_a_volume_that_is_made_and_named_first() -> None:
    cloud = a_project()
    foreseen = planned(cloud, server, **WEB).actions
    settle(cloud, server, **WEB)
    assert [request.what for request in cloud.writes] == foreseen
    assert foreseen == [
        "create volume web-boot (3 GiB, from image debian)",
        "note in volume web-boot that it was made here",
        "create server web from volume web-boot",
    ]
    assert (the_server(cloud)["status"], disks(cloud), len(cloud.volumes)) == ("ACTIVE", ["web-boot"], 1)


def test_a_server_boots_from_a_snapshot() -> None:
    cloud = a_project(a_volume(**of_image()))
    settle(cloud, server, **{**WEB, "boot": {"snapshot": "friday"}})
    (disk,) = (one for one in cloud.volumes.values() if one["name"] == "web-boot")
    assert (disk["snapshot_id"], disk["size"], disks(cloud)) == (uuid_of("friday"), 10, ["web-boot"])


@pytest.mark.parametrize("named", ["root", uuid_of("root")])
def test_a_server_boots_from_a_volume_that_is_there(named: str) -> None:
    cloud = a_project(a_volume())
    settle(cloud, server, **{**WEB, "boot": {"volume": named}})
    assert (disks(cloud), len(cloud.volumes), cloud.volumes[uuid_of("root")]["metadata"]) == (["root"], 1, {})


def test_the_volume_is_made_as_it_is_asked_for() -> None:
    cloud = a_project()
    boot = {"image": "debian", "size": 20, "volume_type": "fast", "volume_name": "root-of-web"}
    settle(cloud, server, **{**WEB, "boot": boot})
    (disk,) = cloud.volumes.values()
    assert (disk["name"], disk["size"], disk["volume_type"]) == ("root-of-web", 20, "fast")


def test_the_volume_tells_whose_it_is() -> None:
    (disk,) = with_server().volumes.values()
    assert disk["metadata"]["bfv_boot_of"] == "web"


def test_no_time_limit_of_nova_applies_since_the_volume_is_waited_for() -> None:
    assert devices(a_project())[0]["source_type"] == "volume"


@pytest.mark.parametrize(
    "boot",
    [
        {"image": "debian"},
        {"snapshot": "friday"},
        {"volume": "root"},
        {"image": "debian", "size": 20, "delete_on_termination": True},
    ],
)
def test_a_second_run_changes_nothing_and_reads_three_times_at_most(boot: Json) -> None:
    cloud = with_server(a_volume(**of_image()), options={"boot": boot})
    again = planned(cloud, server, **{**WEB, "boot": boot})
    assert (again.settled, again.changed, again.warnings) == (True, False, ())
    assert len(cloud.reads) <= 3


@pytest.mark.parametrize(("second", "reads"), [([], 3), ([{"network": "storage", "fixed_ip": "192.0.2.77"}], 5)])
def test_a_second_run_with_everything_reads_three_times_and_the_groups_of_several_ports(second: list[Json], reads: int) -> None:
    """Nova tells the groups of all ports together: of several ports, Neutron is asked."""
    options = {
        "key_name": "operations",
        "security_groups": ["web"],
        "networks": ["internal", *second],
        "metadata": {"role": "web"},
        "availability_zone": "nova",
        "state": "started",
    }
    cloud = with_server(options=options)
    again = planned(cloud, server, **{**WEB, **options})
    assert (again.settled, again.warnings, len(cloud.reads)) == (True, (), reads)


def test_the_boot_device_is_described_as_asked_for() -> None:
    boot = {"image": "debian", "device_type": "lun", "disk_bus": "scsi", "tag": "root", "delete_on_termination": True}
    cloud = a_project()
    (device,) = devices(cloud, boot=boot)
    assert {key: value for key, value in device.items() if key != "uuid"} == {
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": 0,
        "delete_on_termination": True,
        "device_type": "lun",
        "disk_bus": "scsi",
        "tag": "root",
    }


def test_a_new_server_keeps_its_volume_unless_asked_otherwise() -> None:
    assert devices(a_project())[0]["delete_on_termination"] is False


# Further disks


def test_further_volumes_are_sent_by_id_whatever_they_are_called_by() -> None:
    cloud = a_project(blank("data"), blank("logs"))
    wanted = ["vdb=data:::1", {"volume_id": uuid_of("logs"), "disk_bus": "scsi"}]
    data, logs, root = devices(cloud, block_devices=wanted)
    assert root["boot_index"] == 0  # reserved last: Nova does not let it go when it refuses another
    assert (data["uuid"], data["delete_on_termination"], data["boot_index"]) == (uuid_of("data"), True, -1)
    assert (logs["uuid"], logs["disk_bus"]) == (uuid_of("logs"), "scsi")
    assert disks(cloud) == ["web-boot", "data", "logs"]


@pytest.mark.parametrize(
    "device",
    [
        {"source_type": "blank", "destination_type": "volume", "volume_size": 5, "device_type": "cdrom"},
        {"source_type": "blank", "destination_type": "local", "guest_format": "swap", "volume_size": 512},
        "source=image,id=fedora,dest=volume,size=5",
    ],
)
def test_other_disks_are_left_to_nova(device: Any) -> None:
    other, _root = devices(a_project(flavors=[{**a_flavor(), "swap": 512}]), block_devices=[device])
    assert other["source_type"] in ("blank", "image")


@pytest.mark.parametrize(
    "device", ["vda=root", "source=volume,id=root,bootindex=0", {"volume": {"id": "root", "mountpoint": "vda"}}]
)
def test_the_boot_volume_may_be_one_of_the_block_devices(device: Any) -> None:
    cloud = a_project(a_volume())
    settle(cloud, server, name="web", flavor="small", block_devices=[device])
    assert disks(cloud) == ["root"]


def test_an_image_as_boot_device_becomes_a_volume_that_is_made_first() -> None:
    cloud = a_project()
    device = "source=image,id=debian,dest=volume,size=20,bootindex=0,shutdown=remove"
    settle(cloud, server, name="web", flavor="small", block_devices=[device])
    (disk,) = cloud.volumes.values()
    assert (disk["name"], disk["size"], disks(cloud)) == ("web-boot", 20, ["web-boot"])


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (["vda=data"], "both have boot index 0"),
        (["vdb=data", "vdb=logs"], "both named vdb"),
        (["vdb=data:strange"], "the type .* is not known"),
        ([{"source_type": "volume", "boot_index": 2, "uuid": "x"}], "leave one out"),
    ],
)
def test_impossible_block_devices_are_refused_before_any_request(devices: list[Any], words: str) -> None:
    with pytest.raises(Invalid, match=f"Failed to read server web: .*{words}"):
        server.wanted({**WEB, "block_devices": devices})


# What else is sent


def test_all_that_is_asked_for_is_sent() -> None:
    cloud = a_project()
    sent = creation(
        cloud,
        key_name="operations",
        security_groups=["web"],
        user_data="#!/bin/sh\n",
        config_drive=True,
        availability_zone="az1",
        metadata={"role": "web", "number": 1, "gone": None},
        networks="internal",
    )
    assert base64.b64decode(sent.pop("user_data")) == b"#!/bin/sh\n"
    del sent["block_device_mapping_v2"]
    assert sent == {
        "name": "web",
        "flavorRef": uuid_of("flavor small"),
        "networks": [{"uuid": uuid_of("network internal")}],
        "key_name": "operations",
        "security_groups": [{"name": "web"}],
        "config_drive": True,
        "availability_zone": "az1",
        "metadata": {"role": "web", "number": "1"},
    }


def test_what_is_not_asked_for_is_left_to_nova() -> None:
    sent = creation(a_project())
    assert set(sent) == {"name", "flavorRef", "networks", "block_device_mapping_v2"}
    assert (sent["networks"], "imageRef" in sent) == ("auto", False)


def test_hints_stand_beside_the_server() -> None:
    hint = {"different_host": [uuid_of("other")], "cidr": "/24"}
    cloud = a_project()
    settle(cloud, server, **WEB, scheduler_hints=hint)
    assert cloud.writes[-1].body["os:scheduler_hints"] == hint  # type: ignore[index]


@pytest.mark.parametrize(
    ("networks", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("storage", [{"uuid": uuid_of("network storage")}]),
        (uuid_of("network storage"), [{"uuid": uuid_of("network storage")}]),
        (["storage", {"port": "eth0"}], [{"uuid": uuid_of("network storage")}, {"port": uuid_of("port eth0")}]),
        (
            [{"network": "internal", "fixed_ip": "192.0.2.9"}],
            [{"uuid": uuid_of("network internal"), "fixed_ip": "192.0.2.9"}],
        ),
    ],
)
def test_networks_and_ports_are_sent_by_id(networks: Any, sent: Any) -> None:
    assert creation(a_project(ports=[a_port()]), networks=networks)["networks"] == sent


def test_a_server_gets_the_address_that_is_asked_for() -> None:
    cloud = with_server(options={"networks": [{"network": "internal", "fixed_ip": "192.0.2.9"}]})
    assert addresses(cloud) == ["192.0.2.9"]


def kept(image: str = "fedora", **fields: Any) -> Json:
    """A disk that this collection made for the server, and that was kept when that went."""
    disk = a_volume("web-boot", **of_image(image))
    return {**disk, "metadata": {"bfv_boot_of": "web", "bfv_made": disk["id"]}, **fields}


@pytest.mark.parametrize("status", ["available", "creating"])
@pytest.mark.parametrize("how", ["fail", "reimage", "replace"])
@pytest.mark.parametrize("boot", [{"image": "debian"}, {"snapshot": "friday"}, {"image": "debian", "volume_name": "web-boot"}])
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"bfv_boot_of": "web"},
        {"bfv_boot_of": "web", "bfv_made": uuid_of("its original")},  # a restored backup
        {"bfv_boot_of": "other", "bfv_made": uuid_of("web-boot")},
        {"bfv_made": uuid_of("web-boot")},
    ],
)
def test_field_d9_a_volume_of_that_name_that_was_not_made_for_the_server_is_refused(
    metadata: Json, boot: Json, how: str, status: str
) -> None:
    theirs = a_volume("web-boot", metadata=metadata, status=status, **of_image())
    cloud = a_project(theirs, a_volume(**of_image()))
    with pytest.raises(Refused, match=r"was not made for this server\. Name it as boot.volume"):
        planned(cloud, server, **{**WEB, "boot": boot}, on_image_change=how)


def test_field_d9_it_is_booted_from_where_it_is_named() -> None:
    cloud = a_project(a_volume("web-boot"))
    settle(cloud, server, **{**WEB, "boot": {"volume": "web-boot"}})
    assert (disks(cloud), cloud.volumes[uuid_of("web-boot")]["metadata"]) == (["web-boot"], {})


def test_a_kept_disk_of_our_own_is_booted_again() -> None:
    cloud = a_project(kept("debian"))
    settle(cloud, server, **WEB)
    assert (disks(cloud), list(cloud.volumes)) == (["web-boot"], [uuid_of("web-boot")])


def test_a_kept_disk_of_another_image_is_not_booted_without_permission() -> None:
    with pytest.raises(Refused, match="volume web-boot is there, and was not made from image debian"):
        planned(a_project(kept()), server, **WEB)


def test_a_kept_disk_is_not_booted_in_place_of_a_snapshot() -> None:
    cloud = a_project(kept(snapshot_id=uuid_of("thursday")), a_volume(**of_image()))
    with pytest.raises(Refused, match="was not made from snapshot friday"):
        planned(cloud, server, **{**WEB, "boot": {"snapshot": "friday"}})


@pytest.mark.parametrize(("how", "left"), [("reimage", 1), ("replace", 2)])
def test_a_kept_disk_of_another_image_is_overwritten_or_left_where_that_is_permitted(how: str, left: int) -> None:
    cloud = a_project(kept())
    foreseen = planned(cloud, server, **WEB, on_image_change=how).actions
    settle(cloud, server, **WEB, on_image_change=how)
    one = the_server(cloud)
    (disk,) = (cloud.volumes[one["id"]] for one in one["os-extended-volumes:volumes_attached"])
    assert (disk["volume_image_metadata"]["image_id"], len(cloud.volumes)) == (uuid_of("debian"), left)
    written = [request.what.replace(one["id"], "(known when the server is there)") for request in cloud.writes]
    assert written == foreseen


def test_a_volume_that_a_broken_run_left_under_the_name_is_used() -> None:
    becomes = {"status": "available", "bootable": "true", **of_image()}
    metadata = {"bfv_boot_of": "web", "bfv_made": "new"}
    cloud = a_project(a_volume("web-boot", status="creating", metadata=metadata, _becomes=becomes))
    settle(cloud, server, **WEB)
    assert (len(cloud.volumes), disks(cloud)) == (1, ["web-boot"])


@pytest.mark.parametrize("how", ["fail", "reimage", "replace"])
def test_the_way_of_images_does_not_concern_snapshots(how: str) -> None:
    cloud = a_project(a_volume(**of_image()))
    settle(cloud, server, **{**WEB, "boot": {"snapshot": "friday"}}, on_image_change=how)
    assert (disks(cloud), len(cloud.volumes)) == (["web-boot"], 2)
    assert planned(cloud, server, **{**WEB, "boot": {"snapshot": "friday"}}, on_image_change=how).settled


def test_a_snapshot_of_a_volume_that_does_not_boot_is_refused_before() -> None:
    with pytest.raises(Refused, match="not bootable"):
        planned(a_project(a_volume(bootable="false")), server, **{**WEB, "boot": {"snapshot": "friday"}})


def test_a_multiattach_volume_can_have_several_servers() -> None:
    cloud = a_project(a_volume(multiattach=True, **attached("other")))
    settle(cloud, server, **{**WEB, "boot": {"volume": "root"}})
    assert len(cloud.volumes[uuid_of("root")]["attachments"]) == 2


def test_a_bare_metal_server_boots_from_a_volume() -> None:
    cloud = a_project()
    settle(cloud, server, **{**WEB, "flavor": "metal"})
    assert the_server(cloud)["status"] == "ACTIVE"


def test_a_server_that_fails_is_told_in_novas_words() -> None:
    cloud = a_project()
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused, match=r"it is in ERROR, and Nova says «No valid host was found\.»"):
        settle(cloud, server, **WEB)


def test_a_server_of_a_like_name_is_another_server() -> None:
    cloud = a_project(servers=[a_server("web-2"), a_server("my.web"), a_server("WEB")])
    settle(cloud, server, **WEB)
    assert len(cloud.compute.servers) == 4


def test_a_name_with_special_letters_is_found_again() -> None:
    cloud = with_server(options={"name": "web.1+(a) [b]"})
    assert planned(cloud, server, **{**WEB, "name": "web.1+(a) [b]"}).settled


def test_a_diff_shows_the_new_server() -> None:
    plan = planned(a_project(), server, **WEB)
    assert (plan.before, plan.after["flavor"], plan.after["status"]) == ({}, "small", "ACTIVE")


def test_the_result_has_the_same_keys_whether_it_is_there_or_not() -> None:
    want = server.wanted(WEB)
    for cloud in (a_project(), with_server()):
        result = server.result(want, server.observe(cloud, want))  # type: ignore[arg-type]
        assert set(result) == {"server", "volume", "kept_boot_volume", "differs"}
    assert (result["server"]["name"], result["volume"]["name"]) == ("web", "web-boot")  # type: ignore[index]


def test_the_disk_of_a_server_that_has_no_host_yet_is_not_in_the_way() -> None:
    """Nova shows no volumes of it then: found on a busy real one, where the run wanted to remove its own disk as one too many."""
    cloud = with_server()
    (disk,), (one,) = cloud.volumes.values(), cloud.compute.servers.values()
    one["status"] = "BUILD"
    disk.update(status="reserved", attachments=[], metadata={**disk["metadata"], "bfv_replaces": uuid_of("one that failed")})
    want = server.wanted(WEB)
    plan = server.plan(want, server.observe(cloud, want), {disk["id"], one["id"]})  # type: ignore[arg-type]
    assert (plan.steps, plan.waiting) == ((), "server web (BUILD) to come to rest")
