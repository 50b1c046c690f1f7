# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""S12, S13: what Nova and Neutron would refuse when the disk is made already is refused before anything is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import holds, release
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import from_api
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import an_attachment, by_id
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
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import a_subnet
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_network, a_port, a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, a_project, blank, the_server, with_server

# S12: words


MALFORMED: list[tuple[Json, str]] = [
    ({"boot": {"image": "debian", "disk_bus": "virtio-blk"}}, 'boot.disk_bus "virtio-blk" is not known. Write one of fdc, ide'),
    ({"boot": {"image": "debian", "tag": "a,b"}}, 'boot.tag "a,b" is not a tag'),
    ({"boot": {"image": "debian", "tag": "a/b"}}, 'boot.tag "a/b" is not a tag'),
    ({"boot": {"image": "debian", "tag": "x" * 61}}, "is not a tag. Write up to 60 characters"),
    ({"boot": {"image": "debian", "device_type": "tape"}}, 'boot.device_type "tape" is not known'),
    ({"block_devices": [{"volume_id": "x", "disk_bus": "virtio-blk"}]}, 'disk_bus "virtio-blk" is not known'),
    ({"block_devices": [{"volume_id": "x", "tag": "a,b"}]}, 'tag "a,b" is not a tag'),
    # S13: names
    ({"name": "web "}, "begins or ends with a blank or a line end"),
    ({"name": "\tweb"}, "begins or ends with a blank"),
    ({"name": "web\n"}, "begins or ends with a blank or a line end"),
    ({"name": "we\nb"}, "has characters that Nova does not take"),
    ({"name": "we\u2028b"}, "has characters that Nova does not take"),
    ({"name": "web \U0001f600"}, "has characters that Nova does not take"),
    ({"name": "w" * 256}, "has 256 characters"),
    ({"boot": {"image": "debian", "volume_name": "root "}}, "has blanks at an end, which Cinder takes away"),
    ({"name": "w" * 251}, "boot volume would have a name of 256 characters"),
    # metadata
    ({"metadata": {"a+b": "c"}}, r'metadata has the key "a\+b"'),
    ({"metadata": {"a+b": None}}, r'metadata has the key "a\+b"'),
    ({"metadata": {"": "c"}}, 'metadata has the key ""'),
    ({"metadata": {"k" * 256: "c"}}, "metadata has the key"),
    ({"metadata": {"a": "v" * 256}}, 'the value of the metadata key "a" has 256 characters'),
    ({"metadata": {"..": None}}, 'the key "..", which no request can remove'),
    ({"metadata": {"bfv_replaces": "x"}}, "this collection's own"),
    # networks
    ({"networks": [{"port": "eth0", "fixed_ip": "192.0.2.9"}]}, "A port has its addresses already: leave out fixed_ip"),
    ({"networks": [{"network": "internal", "fixed_ip": "192.0.2.300"}]}, "is not an IP address"),
    ({"networks": [{"port": "eth0"}, {"port": "eth0"}]}, "port eth0 twice"),
    ({"networks": [{"network": 7}]}, "Write auto, none"),
    ({"networks": [{"network": "internal", "fixed_ip": 7}]}, "Write auto, none"),
]


@pytest.mark.parametrize(("options", "words"), MALFORMED)
def test_field_s12_words_that_nova_does_not_take_are_refused_before_any_request(options: Json, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        server.wanted({**WEB, **options})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"name": "w" * 250},
        {"name": "café 1"},
        {"metadata": {"A-z_0:. 9": "v" * 255, ".": "x", "none": None}},
        {"boot": {"image": "debian", "disk_bus": "sata", "tag": "root disk", "device_type": "lun"}},
        {"networks": [{"network": "internal", "fixed_ip": "2001:DB8::1"}]},
    ],
)
def test_field_s13_words_that_nova_takes_are_taken(options: Json) -> None:
    server.wanted({**WEB, **options})


# S13: what is asked for


WITH_SUBNET: Json = {"subnets": [a_subnet()]}
REFUSED: list[tuple[Json, Json, str]] = [
    ({}, {"availability_zone": "nowhere"}, r"availability zone nowhere is not one of Nova's that work \(az1, nova\)"),
    ({}, {"availability_zone": "nowhere::node"}, "availability zone nowhere is not one"),
    ({}, {"availability_zone": "nova:a:b:c"}, "has more than three parts"),
    ({}, {"availability_zone": "nova "}, "begins or ends with a blank"),
    ({}, {"scheduler_hints": {"group": "spread"}}, "Nova shows no server group spread"),
    (
        {"server_groups": [{"id": "1", "name": "x"}, {"id": "2", "name": "x"}]},
        {"scheduler_hints": {"group": "x"}},
        "2 server groups",
    ),
    ({}, {"scheduler_hints": {"different_host": "web-2"}}, "different_host «web-2», and Nova takes the ids"),
    ({}, {"scheduler_hints": {"same_host": [uuid_of("x"), "web-2"]}}, "same_host «web-2»"),
    ({}, {"user_data": "x" * 49150}, "user_data has 49150 bytes, and Nova takes up to 49149"),
    (
        {"ports": [a_port(device_id="y", device_owner="compute:nova")]},
        {"networks": [{"port": "eth0"}]},
        "in use by compute:nova y",
    ),
    ({"ports": [a_port(fixed_ips=[])]}, {"networks": [{"port": "eth0"}]}, "has no address"),
    ({"networks": [a_network(subnets=[])]}, {"networks": "internal"}, "has no subnet"),
    (WITH_SUBNET, {"networks": [{"network": "internal", "fixed_ip": "198.51.100.9"}]}, "is in no subnet of network internal"),
    (
        {**WITH_SUBNET, "ports": [a_port(ip="192.0.2.9", device_id="y")]},
        {"networks": [{"network": "internal", "fixed_ip": "192.0.2.9"}]},
        "fixed_ip 192.0.2.9 is in use in network internal",
    ),
    ({"networks": [a_network(), a_network("second")]}, {}, "networks is auto, and the project has 2 networks"),
    ({"networks": [a_network(), a_network("second", project_id="x", shared=True)]}, {}, "the project has 2 networks"),
    (
        {},
        {"block_devices": ["source=image,id=fedora,dest=volume,size=2"]},
        "a disk of 2 GiB is asked for, and image fedora needs 3",
    ),
    ({}, {"block_devices": ["source=blank,dest=local,size=1"]}, "its local disks have 1 GiB, and flavor small has 0 GiB"),
    ({}, {"block_devices": ["source=blank,dest=local,format=swap,size=1"]}, "flavor small has 0 MiB for one swap disk"),
    (
        {},
        {"block_devices": [{"source_type": "blank", "volume_size": 1, "destination_type": "volume", "volume_type": "gone"}]},
        "no volume type gone",
    ),
]


@pytest.mark.parametrize(("records", "options", "words"), REFUSED)
def test_field_s13_what_nova_would_refuse_is_refused_before_the_disk_is_made(records: Json, options: Json, words: str) -> None:
    cloud = a_project(**records)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**WEB, **options})
    assert cloud.writes == []


TAKEN: list[tuple[Json, Json]] = [
    ({}, {"availability_zone": "az1"}),
    ({}, {"availability_zone": "nova:host"}),
    ({}, {"availability_zone": "nova:host:node"}),
    ({}, {"availability_zone": "az1::node"}),
    ({}, {"user_data": "x" * 49149}),
    (WITH_SUBNET, {"networks": [{"network": "internal", "fixed_ip": "192.0.2.9"}]}),
    ({"ports": [a_port()]}, {"networks": [{"port": "eth0"}]}),
    ({"ports": [a_port(fixed_ips=[], ip_allocation="deferred")]}, {"networks": [{"port": "eth0"}]}),
    ({"networks": [a_network(), a_network("second")]}, {"networks": "second"}),
]


@pytest.mark.parametrize(("records", "options"), TAKEN)
def test_field_s13_what_nova_takes_is_taken(records: Json, options: Json) -> None:
    cloud = a_project(**records)
    settle(cloud, server, **{**WEB, **options})
    again = planned(cloud, server, **{**WEB, **options})
    assert (again.changed, again.warnings) == (False, ())


@pytest.mark.parametrize("group", ["spread", uuid_of("spread"), ["spread"]])
def test_field_s13_a_server_group_is_found_by_its_name(group: object) -> None:
    cloud = a_project(server_groups=[{"id": uuid_of("spread"), "name": "spread"}])
    settle(cloud, server, **WEB, scheduler_hints={"group": group, "cidr": "/24"})
    body = cloud.writes[-1].body["os:scheduler_hints"]  # type: ignore[index]
    assert body == {"group": [uuid_of("spread")] if isinstance(group, list) else uuid_of("spread"), "cidr": "/24"}


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"instances": 1}, "no instance left"), ({"cores": 1}, "1 cores more, and"), ({"ram": 900}, "512 MiB of RAM more")],
)
def test_field_s13_a_quota_that_is_used_up_is_refused_before_the_disk_is_made(limits: Json, words: str) -> None:
    cloud = with_server()
    cloud.compute.limits.update(limits)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**WEB, "name": "second"})
    assert cloud.writes == []
    settle(cloud, server, **WEB, state="stopped")
    settle(cloud, server, **{**WEB, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]})
    assert len(cloud.compute.servers) == 1  # the place of one that goes is free


@pytest.mark.parametrize(
    ("networks", "new"), [("auto", 1), (["internal"], 1), (["internal", {"network": "internal"}], 2), ("none", 0)], ids=str
)
def test_the_quota_of_ports_is_seen_before_the_disk_is_made(networks: object, new: int) -> None:
    cloud = a_project()
    cloud.network.most_ports = max(new - 1, 0)
    options = {**WEB, "networks": networks}
    if new:
        with pytest.raises(Refused, match=f"it gets {new} new ports?, and the project's quota has {new - 1} left"):
            planned(cloud, server, **options)
        assert cloud.writes == []
    cloud.network.most_ports = new
    settle(cloud, server, **options)
    assert (len(cloud.network.ports), len(cloud.compute.servers)) == (new, 1)


def test_a_port_that_is_there_takes_no_room_and_none_is_asked_for() -> None:
    cloud = a_project(ports=[a_port()])
    cloud.network.most_ports = 0
    settle(cloud, server, **WEB, networks=[{"port": "eth0"}])
    assert not [path for path in cloud.reads if path.startswith("/quotas")]


def test_a_quota_of_ports_that_is_not_told_stands_in_nobodys_way() -> None:
    cloud = a_project()
    cloud.network.hides_quota = True
    assert planned(cloud, server, **WEB).changed


def test_field_s13_the_quota_of_volumes_counts_all_that_are_made() -> None:
    cloud = a_project()
    cloud.limits.update(gigabytes=9)
    options = {**WEB, "block_devices": ["source=blank,dest=volume,size=4", "source=blank,dest=volume,size=3"]}
    with pytest.raises(Refused, match="9 GiB are left, and 10 are needed"):
        planned(cloud, server, **options)
    cloud.limits.update(gigabytes=10)
    settle(cloud, server, **options)


@pytest.mark.parametrize("name", ["web", "second"])
def test_field_s13_the_number_of_metadata_is_seen_first(name: str) -> None:
    cloud = with_server(options={"metadata": {"a": "1"}})
    cloud.compute.server_meta = 2
    with pytest.raises(Refused, match="it would have 3 items of metadata, and the project's quota permits 2"):
        planned(cloud, server, **{**WEB, "name": name}, metadata={"b": "2", "c": "3", "d": None if name == "web" else "4"})
    settle(cloud, server, **WEB, metadata={"a": None, "b": "2", "c": "3"})


@pytest.mark.parametrize("key", ["../flavors", "..", "."])
def test_field_s13_a_key_pair_is_asked_for_by_its_name_alone(key: str) -> None:
    cloud = a_project()
    with pytest.raises(Refused, match="Failed to find key pair"):
        planned(cloud, server, **WEB, key_name=key)
    assert not [path for path in cloud.reads if path.startswith("/os-keypairs") and ("/../" in path or path.endswith("/.."))]


# S12: reserved volumes


OLD, FRESH = "2026-01-01T00:00:00.000000", "2999-01-01T00:00:00.000000"


def with_reserved(instance: str | None, *servers: Json, updated_at: str = OLD) -> FakeCloud:
    volumes = (
        a_volume(**of_image(), status="reserved", updated_at=updated_at),
        blank("data", status="reserved", updated_at=updated_at),
    )
    records = {"attachments": [an_attachment("root", instance), an_attachment("data", instance)], "servers": servers}
    return a_project(*volumes, **records)


FROM_ROOT: Json = {"name": "web", "flavor": "small", "boot": {"volume": "root"}, "block_devices": [{"volume_id": "data"}]}


def test_field_s12_a_reservation_of_a_server_that_never_came_about_is_let_go() -> None:
    cloud = with_reserved(uuid_of("never made"))
    first = planned(cloud, server, **FROM_ROOT)
    settle(cloud, server, **FROM_ROOT)
    assert [request.what for request in cloud.writes] == first.actions
    assert [action.partition(":")[0] for action in first.actions[:2]] == ["let go of volume root", "let go of volume data"]
    assert (the_server(cloud)["status"], cloud.attachments) == ("ACTIVE", {})


def test_field_s12_a_reservation_that_is_only_just_made_is_waited_for() -> None:
    cloud = with_reserved(uuid_of("being made"), updated_at=FRESH)
    plan = planned(cloud, server, **FROM_ROOT)
    assert (plan.steps, plan.waiting, len(plan.then)) == ((), "volume root to be released", 3)


@pytest.mark.parametrize("status", ["BUILD", "SHELVED_OFFLOADED", "ERROR", "SOFT_DELETED"])
def test_field_s12_a_reservation_of_somebody_is_named_with_its_id_and_owner(status: str) -> None:
    theirs = a_server("theirs", status=status)
    cloud = with_reserved(theirs["id"], theirs)
    said = rf"volume root .* is reserved by attachment .*, for server theirs \({theirs['id']}, {status}\) of project"
    with pytest.raises(Refused, match=said):
        planned(cloud, server, **FROM_ROOT)
    assert (cloud.writes, len(cloud.attachments)) == ([], 2)


def test_field_s12_a_reservation_of_nobody_known_is_left() -> None:
    cloud = with_reserved(None)
    with pytest.raises(Refused, match=r"which tells no server\. Delete that if it is left over"):
        planned(cloud, server, **FROM_ROOT)
    assert cloud.writes == []


def test_field_s12_a_volume_that_is_reserved_without_a_reservation_is_refused_and_not_waited_for() -> None:
    cloud = with_reserved(None)
    cloud.attachments.clear()
    with pytest.raises(Refused, match="no attachment says for whom"):
        planned(cloud, server, **FROM_ROOT)


def test_field_s12_what_follows_when_its_own_disk_is_free_is_foreseen() -> None:
    """The server before is gone, and Cinder is a moment behind Nova."""
    cloud = with_server()
    cloud.compute.servers.clear()
    (disk,) = cloud.volumes.values()
    disk.update(status="reserved", attachments=[])
    plan = planned(cloud, server, **WEB)
    assert (plan.steps, plan.waiting) == ((), "volume web-boot to be released")
    assert plan.actions == ["create server web from volume web-boot"]


def test_field_s12_reserved_volumes_without_a_name_are_told_by_their_ids() -> None:
    cloud = with_reserved(uuid_of("never made"), updated_at=FRESH)
    for one in cloud.volumes.values():
        one["name"] = ""
    root, data = uuid_of("root"), uuid_of("data")
    wish = {**FROM_ROOT, "boot": {"volume": root}, "block_devices": [{"volume_id": data}]}
    plan = planned(cloud, server, **wish)
    assert (plan.waiting, plan.actions[0].partition(":")[0]) == (
        f"volume {root} to be released",
        f"let go of volume {root}",
    )


def test_field_s12_only_of_reserved_volumes_is_asked_who_has_reserved_them() -> None:
    cloud = a_project(a_volume(**of_image()), blank("data"), blank("shared", **{**attached("others"), "status": "reserved"}))
    assert holds.read(cloud, [from_api(one) for one in cloud.volumes.values()], "2026-01-01T00:00:00Z") == ()
    assert cloud.reads == []


@pytest.mark.parametrize("known", [True, False], ids=["reserved at a time that is not told", "gone by now"])
def test_field_s12_a_reservation_of_which_the_time_is_not_known_is_in_doubt(known: bool) -> None:
    cloud = with_reserved(uuid_of("never made"))
    volume = from_api(cloud.volumes[uuid_of("root")])
    cloud.volumes = {one: {**fields, "updated_at": None} for one, fields in cloud.volumes.items() if known}
    (hold,) = holds.read(cloud, [volume], "2026-06-01T00:00:00+00:00")  # type: ignore[arg-type]
    assert (hold.is_left_over, hold.in_doubt) == (True, True)


@pytest.mark.parametrize(("status", "due"), [("reserved", True), ("available", False), ("in-use", False)])
def test_field_s12_only_a_reserved_volume_is_let_go(status: str, due: bool) -> None:
    volume = replace(from_api(blank("data")), status=status)
    found = server.Found(holds=(holds.Hold("a", volume.id, "never made"),))
    stage = release.plan_release("server web", {}, [volume], found, "create server web")
    assert (stage is not None) == due


def test_field_s12_a_reserved_volume_is_attached_to_a_server_that_is_there() -> None:
    cloud = with_server(blank("data", status="reserved", updated_at=OLD))
    cloud.attachments = by_id([an_attachment("data", uuid_of("never made"))])
    wish = {"name": "web", "block_devices": [{"volume_id": "data"}]}
    first = planned(cloud, server, **wish)
    settle(cloud, server, **wish)
    assert [request.what for request in cloud.writes] == first.actions
    assert cloud.volumes[uuid_of("data")]["status"] == "in-use"


def test_field_s12_the_record_is_read_once_more_before_a_reservation_goes() -> None:
    cloud = with_reserved(uuid_of("never made"))
    (request, *_rest) = planned(cloud, server, **FROM_ROOT).requests
    cloud.volumes[uuid_of("root")].update(attached("somebody"))
    with pytest.raises(BfvError, match="Somebody else is at work on it"):
        cloud.send(request)


# S17: a boot volume in error


OURS: Json = {"metadata": {"bfv_boot_of": "web", "bfv_made": "new"}, "bootable": "false"}


def test_field_s17_a_boot_volume_whose_making_failed_is_made_anew_where_that_is_permitted() -> None:
    cloud = a_project(a_volume("web-boot", **OURS, status="error"))
    with pytest.raises(
        Refused, match=rf"boot volume web-boot \({uuid_of('web-boot')}\) .* Permit to make it anew \(recreate=on_error\)"
    ):
        planned(cloud, server, **WEB)
    first = planned(cloud, server, **WEB, recreate="on_error")
    settle(cloud, server, **WEB, recreate="on_error")
    (disk,) = cloud.volumes.values()
    assert (the_server(cloud)["status"], disk["id"] == uuid_of("web-boot")) == ("ACTIVE", False)
    told = [action.replace("(known when the volume is there)", disk["id"]) for action in first.actions]
    assert [request.what for request in cloud.writes] == told


def test_field_s17_a_boot_volume_in_error_that_may_be_sound_is_never_made_anew() -> None:
    cloud = a_project(a_volume(status="error"))
    wish = {**WEB, "boot": {"volume": "root"}, "recreate": "on_error"}
    with pytest.raises(Refused, match=f"may be sound: .*openstack volume set --state available {uuid_of('root')}, by an admin"):
        planned(cloud, server, **wish)
    cloud.volumes[uuid_of("root")]["status"] = "available"
    settle(cloud, server, **wish)


def test_field_s17_a_failed_volume_that_is_named_is_removed_by_its_id() -> None:
    cloud = a_project(a_volume(metadata={"bfv_made": "new"}, status="error"))
    with pytest.raises(Refused, match=f"nothing is on it. Remove it .*state=absent, id {uuid_of('root')}"):
        planned(cloud, server, **{**WEB, "boot": {"volume": "root"}, "recreate": "on_error"})


def test_field_s17_the_fault_is_told_and_the_disk_by_its_name_and_id() -> None:
    cloud = with_server()
    the_server(cloud).update(status="ERROR", fault={"message": "No valid host was found."})
    (disk,) = cloud.volumes
    with pytest.raises(Refused, match=rf"Nova says «No valid host was found.». Its disk is volume web-boot \({disk}\)"):
        planned(cloud, server, **WEB)


def test_a_flavor_has_room_for_local_disks() -> None:
    cloud = a_project(flavors=[{**a_flavor(), "swap": 64, "OS-FLV-EXT-DATA:ephemeral": 2}])
    settle(cloud, server, **WEB, block_devices=["source=blank,dest=local,size=2", "source=blank,dest=local,format=swap,size=64"])
