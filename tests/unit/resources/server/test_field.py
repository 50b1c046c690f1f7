# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the field did to servers and their disks: nothing is lost that the task does not name or permit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import note
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.ports import Address, Port, restored
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.record import Server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import a_snapshot, by_id
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
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import a_floating_ip
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network, a_port, a_server
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal, at_once
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

LARGE: Json = {"name": "web", "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
FEDORA: Json = {**WEB, "boot": {"image": "fedora"}, "on_image_change": "replace", "replace_may_lose": ["user_data"]}
_TASK = "OS-EXT-STS:task_state"


def deleted(cloud: FakeCloud) -> list[str]:
    """The ids of what was deleted."""
    return [
        request.path.rpartition("/")[2] for request in cloud.writes if request.method == "DELETE" and request.path.count("/") == 2
    ]


def noted(cloud: FakeCloud) -> list[str]:
    return sorted({key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")})


# S1, S2, D1: marks and names


def test_field_s1_a_kept_disk_outlives_all_that_its_server_does_later() -> None:
    cloud = with_server(a_volume())
    kept = next(one["id"] for one in cloud.volumes.values() if one["name"] == "web-boot")
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="keep")
    settle(cloud, server, **{**WEB, "boot": {"volume": "root"}})
    cloud.writes.clear()
    plan = planned(cloud, server, **{**WEB, "boot": {"volume": "root"}}, state="stopped")
    settle(cloud, server, **{**WEB, "boot": {"volume": "root"}}, state="stopped")
    settle(cloud, server, name="web")
    assert (deleted(cloud), plan.actions) == ([], [f"stop server web ({the_server(cloud)['id']})"])
    assert kept in cloud.volumes


@pytest.mark.parametrize("options", [{"name": "web"}, {"name": "web", "state": "started"}, {"name": "web", "state": "stopped"}])
@pytest.mark.parametrize("metadata", [{}, {"bfv_boot_of": "web"}, {"bfv_boot_of": "web", "bfv_made": uuid_of("other")}])
def test_field_s2_a_server_without_a_boot_takes_nothing_else_for_its_disk(options: Json, metadata: Json) -> None:
    cloud = with_server(a_volume("other", metadata=metadata))
    cloud.volumes["double"] = a_volume("web-boot", id="double", metadata=metadata)
    settle(cloud, server, **options)
    assert (deleted(cloud), len(cloud.volumes)) == ([], 3)


def test_field_s2_an_id_decides_and_a_name_beside_it_renames() -> None:
    cloud = with_server(a_volume("x2-boot", metadata={"bfv_boot_of": "x2"}), servers=[a_server("x2")])
    one = next(one for one in cloud.compute.servers.values() if one["name"] == "web")
    volumes = dict(cloud.volumes)
    plan = planned(cloud, server, id=one["id"], name="x2")
    assert (plan.before["name"], plan.after["name"]) == ("web", "x2")
    assert plan.actions == [f"rename server web ({one['id']}) to x2"]
    settle(cloud, server, id=one["id"], name="x2", state="stopped")
    assert (one["name"], one["status"], cloud.volumes) == ("x2", "SHUTOFF", volumes)
    assert planned(cloud, server, id=one["id"], name="x2", state="stopped").changed is False


@pytest.mark.parametrize("options", [{}, {"name": "web"}, {"state": "absent"}, {"boot": {"image": "debian"}}])
def test_field_s2_where_an_id_is_given_nothing_is_looked_up_by_the_name(options: Json) -> None:
    cloud = with_server()
    planned(cloud, server, id=the_server(cloud)["id"], **options)
    assert not [path for path in cloud.reads if path in ("/servers/detail", "/volumes/detail")]


def test_field_d1_a_volume_of_somebody_with_the_name_of_the_root_stays() -> None:
    cloud = with_server(a_volume(), options={"boot": {"volume": "root"}})
    cloud.volumes["theirs"] = {**a_volume(), "id": "theirs"}
    settle(cloud, server, id=the_server(cloud)["id"], boot={"volume": "root"}, state="started")
    assert (deleted(cloud), "theirs" in cloud.volumes) == ([], True)


# D7: absent


def test_field_d7_only_what_was_seen_attached_as_root_goes() -> None:
    cloud = with_server(a_volume("old-root"), a_volume("new-root"), options={"boot": {"volume": "old-root"}})
    gone = {"name": "web", "state": "absent", "boot": {"volume": "new-root"}, "boot_volume_on_delete": "delete"}
    settle(cloud, server, **gone)
    cloud.tick()
    assert [one["name"] for one in cloud.volumes.values()] == ["new-root"]
    settle(cloud, server, **gone)
    assert [one["name"] for one in cloud.volumes.values()] == ["new-root"]


def test_field_d7_all_disks_that_go_stand_in_the_diff() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data:::1"]})
    plan = planned(cloud, server, name="web", state="absent", boot_volume_on_delete="delete")
    told = plan.diff["after"]["destroys"]  # type: ignore[index]
    assert {line.partition(":")[0] for line in told} == {the_server(cloud)["id"], *cloud.volumes}


@pytest.mark.parametrize("fate", ["as_attached", "delete"])
def test_field_s14_a_disk_with_snapshots_is_refused_before_its_server_goes(fate: str) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": fate == "as_attached"}})
    (disk,) = cloud.volumes
    cloud.snapshots = by_id([a_snapshot("friday", volume_id=disk)])
    with pytest.raises(Refused, match=r"volume web-boot \(.* has snapshots \(friday \("):
        planned(cloud, server, name="web", state="absent", boot_volume_on_delete=fate)
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="keep")
    assert disk in cloud.volumes


# D8: the root


def with_an_old_disk() -> FakeCloud:
    """The server boots from a volume, and has a disk for its data that was its boot disk once."""
    one = uuid_of("server web")
    old = a_volume("web-boot", metadata={"bfv_boot_of": "web", "bfv_made": uuid_of("web-boot")}, **attached(one, "/dev/vdb"))
    root = a_volume("root", **of_image(), **attached(one))
    return a_project(old, root, snapshots=[], servers=[a_server("web", "web-boot", "root", _root=uuid_of("root"))])


@pytest.mark.parametrize(("fate", "left"), [("keep", {"web-boot", "root"}), ("delete", {"web-boot"})])
def test_field_d8_a_data_disk_that_was_a_boot_disk_is_not_the_root(fate: str, left: set[str]) -> None:
    cloud = with_an_old_disk()
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete=fate)
    cloud.tick()
    assert {one["name"] for one in cloud.volumes.values()} == left


def test_field_d8_a_reimage_overwrites_the_root_and_says_which() -> None:
    cloud = with_an_old_disk()
    options = {**WEB, "boot": {"image": "fedora"}, "on_image_change": "reimage"}
    told = planned(cloud, server, **options).destroys
    settle(cloud, server, **options)
    overwritten = [
        one["name"] for one in cloud.volumes.values() if one.get("volume_image_metadata", {}) == {"image_id": uuid_of("fedora")}
    ]
    assert (overwritten, uuid_of("root") in " ".join(told), uuid_of("web-boot") in " ".join(told)) == (["root"], True, False)


UNCERTAIN: list[Json] = [
    {"state": "absent", "boot_volume_on_delete": "delete"},
    {"state": "absent", "boot_volume_on_delete": "keep"},
    LARGE,
    {"boot": {"delete_on_termination": True}},
]


@pytest.mark.parametrize("options", UNCERTAIN)
@pytest.mark.parametrize("devices", [("/dev/vda", "/dev/sda"), ("/dev/vdb", "/dev/vdc"), (None, None)])
def test_field_d8_a_root_that_is_not_certain_is_refused(options: Json, devices: tuple[str | None, str | None]) -> None:
    one = uuid_of("server web")
    volumes = [a_volume("root", **of_image(), **attached(one)), a_volume("other", **of_image(), **attached(one))]
    cloud = a_project(*volumes, servers=[a_server("web", "root", "other")])
    for disk, device in zip(the_server(cloud)["os-extended-volumes:volumes_attached"], devices, strict=True):
        disk["_device"] = device
    with pytest.raises(Refused, match="does not tell for certain which of its volumes"):
        planned(cloud, server, **{"name": "web", **options})
    assert planned(cloud, server, name="web", state="absent").actions == [f"delete server web ({one})"]


def test_field_d8_what_nova_tells_administrators_makes_it_certain() -> None:
    one = uuid_of("server web")
    volumes = [a_volume("other", **of_image(), **attached(one)), a_volume("root", **of_image(), **attached(one, "/dev/sda"))]
    cloud = a_project(
        *volumes, snapshots=[], servers=[a_server("web", "other", "root", _root=uuid_of("root"), _root_device="/dev/sda")]
    )
    the_server(cloud)["os-extended-volumes:volumes_attached"][0]["_device"] = "/dev/vda"
    cloud.compute.shows_admins = True
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="delete")
    cloud.tick()
    assert [one["name"] for one in cloud.volumes.values()] == ["other"]


# D11: another image


def test_field_d11_the_old_disk_is_there_if_the_new_server_ends_in_error() -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": True}})
    (old,) = cloud.volumes
    before = addresses(cloud)
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused, match="it is in ERROR"):
        settle(cloud, server, **FEDORA, boot_volume_on_delete="delete")
    assert (cloud.volumes[old]["status"], len(cloud.volumes), deleted(cloud)[-1] == old) == ("available", 2, False)
    cloud.compute.servers_end_in = "ACTIVE"
    settle(cloud, server, **FEDORA, boot_volume_on_delete="delete", recreate="on_error")
    cloud.tick()
    (disk,) = cloud.volumes.values()
    assert (disk["volume_image_metadata"]["image_id"], addresses(cloud), goes(cloud)) == (uuid_of("fedora"), before, [True])


def test_field_d11_a_server_in_error_keeps_the_new_disk_where_no_image_is_named() -> None:
    cloud = with_server()
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused):
        settle(cloud, server, **FEDORA)
    cloud.compute.servers_end_in = "ACTIVE"
    settle(cloud, server, name="web", recreate="on_error", replace_may_lose=["user_data"])
    (root,) = the_server(cloud)["os-extended-volumes:volumes_attached"]
    assert cloud.volumes[root["id"]]["volume_image_metadata"]["image_id"] == uuid_of("fedora")
    assert (len(cloud.volumes), noted(cloud)) == (2, [])


def test_field_d11_an_old_disk_with_snapshots_stays() -> None:
    cloud = with_server()
    (old,) = cloud.volumes
    cloud.snapshots = by_id([a_snapshot("friday", volume_id=old)])
    foreseen = planned(cloud, server, **FEDORA, boot_volume_on_delete="delete")
    assert not [line for line in foreseen.destroys if line.startswith(old)]  # check mode says no more than what is done
    settle(cloud, server, **FEDORA, boot_volume_on_delete="delete")
    cloud.tick()
    assert (old in cloud.volumes, noted(cloud)) == (True, [])


# S5, S6, S7: replacement from what is


def everything() -> FakeCloud:
    """A server with all that can be carried over, made by nobody who knows of this collection."""
    one, mac = uuid_of("server web"), "fa:16:3e:00:00:01"
    root = a_volume("root", **of_image(), **attached(one))
    data = blank("data", **attached(one, "/dev/vdb"))
    subnet = uuid_of(uuid_of("network internal"))
    made = a_port(
        "",
        id=uuid_of("port made"),
        device_id=one,
        of_nova=True,
        mac_address=mac,
        fixed_ips=[
            {"subnet_id": subnet, "ip_address": "192.0.2.50"},
            {"subnet_id": "six", "ip_address": "2001:db8::50"},
            {"subnet_id": subnet, "ip_address": "192.0.2.51"},
        ],
        security_groups=[uuid_of("group web"), uuid_of("group db")],
        allowed_address_pairs=[
            {"ip_address": "192.0.2.200", "mac_address": mac},
            {"ip_address": "192.0.2.201", "mac_address": "aa"},
        ],
    )
    bare = a_port("", "192.0.2.60", "storage", id="bare", device_id=one, of_nova=True, port_security_enabled=False)
    given = a_port("eth2", "192.0.2.70", "storage", device_id=one, security_groups=[uuid_of("group default")])
    return a_project(
        root,
        data,
        servers=[
            a_server(
                "web",
                "root",
                "data",
                going=("data",),
                key_name="operations",
                metadata={"role": "web", "rack": "3"},
                description="the first",
                tags=["a", "b"],
                config_drive="True",
                security_groups=[{"name": "web"}, {"name": "db"}],
                server_groups=["group-1"],
                **{"OS-EXT-AZ:availability_zone": "az1"},
            )
        ],
        ports=[made, bare, given],
        networks=[a_network(), a_network("storage")],
        server_groups=[{"id": "group-1", "name": "spread"}],
        security_groups=[a_group(), a_group("web"), a_group("db")],
        floatingips=[a_floating_ip("203.0.113.5", made["id"], "192.0.2.51"), a_floating_ip("203.0.113.6")],
    )


def shape(cloud: FakeCloud) -> Json:
    """All that a replacement must not change."""
    one = the_server(cloud)
    kept = ("key_name", "metadata", "description", "tags", "security_groups", "OS-EXT-AZ:availability_zone")
    ports = [
        (
            sorted(ip["ip_address"] for ip in port["fixed_ips"]),
            sorted(port["security_groups"]),
            sorted((pair["ip_address"], pair["mac_address"] == port["mac_address"]) for pair in port["allowed_address_pairs"]),
            port["port_security_enabled"],
            port.get("of_nova", False),
        )
        for port in cloud.network.of(one)
    ]
    floating = {ip["floating_ip_address"]: ip["fixed_ip_address"] for ip in cloud.network.floatingips.values() if ip["port_id"]}
    return {
        **{key: one[key] for key in kept},
        "groups": sorted(group["name"] for group in one["security_groups"]),
        "config_drive": bool(one["config_drive"]),
        "disks": sorted(zip(disks(cloud), goes(cloud), strict=True)),
        "ports": sorted(ports),
        "floating": floating,
    }


def test_field_s5_all_of_the_server_comes_along() -> None:
    cloud = everything()
    before = {**shape(cloud), "security_groups": None}
    settle(cloud, server, **LARGE)
    assert {**shape(cloud), "security_groups": None} == before
    (body,) = (request.body for request in cloud.writes if request.path == "/servers")
    assert body["os:scheduler_hints"] == {"group": "group-1"}  # type: ignore[index]
    assert the_server(cloud)["flavor"]["original_name"] == "large"
    assert (noted(cloud), planned(cloud, server, **LARGE).changed) == ([], False)


def test_field_s5_the_diff_shows_what_comes_along_and_what_is_lost() -> None:
    after = planned(everything(), server, **LARGE).after
    carried, lost = "\n".join(after["carries_over"]), "\n".join(after["loses"])  # type: ignore[call-overload]
    for words in (
        "key pair operations",
        "availability zone az1",
        "description the first",
        "tags a, b",
        "metadata rack, role",
        "config drive",
        "server group group-1",
        "2001:db8::50",
        "192.0.2.200",
        "no port security",
        "203.0.113.5",
        f"volume {uuid_of('data')} (delete_on_termination)",
    ):
        assert words in carried
    assert ("user data" in lost, "MAC address of the port with 192.0.2.50" in lost, "192.0.2.70" in lost) == (True, True, False)


def test_field_s5_a_wish_wins_over_what_is() -> None:
    cloud = everything()
    cloud.compute.keypairs.add("mine")
    wishes = {
        "key_name": "mine",
        "metadata": {"role": "db", "rack": None},
        "availability_zone": "nova",
        "security_groups": ["default"],
    }
    settle(cloud, server, **LARGE, **wishes, scheduler_hints={"different_host": uuid_of("x")})
    one = the_server(cloud)
    assert (one["key_name"], one["metadata"], one["OS-EXT-AZ:availability_zone"]) == ("mine", {"role": "db"}, "nova")
    made = [port["security_groups"] for port in cloud.network.of(one) if port.get("of_nova") and port["port_security_enabled"]]
    assert made == [[uuid_of("group default")]]


@pytest.mark.parametrize(
    ("shown", "user_data", "refused"), [(False, None, True), (True, None, False), (True, "Zm9v", True), (False, "Zm9v", True)]
)
def test_field_s5_user_data_that_would_be_lost_is_refused(shown: bool, user_data: str | None, refused: bool) -> None:
    cloud = with_server()
    the_server(cloud)["_user_data"] = user_data
    cloud.compute.shows_admins = shown
    without = {**LARGE, "replace_may_lose": []}
    if refused:
        with pytest.raises(Refused, match=r"Failed to replace server web \([0-9a-f-]{36}\): .*replace_may_lose: \[user_data\]"):
            planned(cloud, server, **without)
        assert planned(cloud, server, **without, user_data="foo").changed
    settle(cloud, server, **(LARGE if refused else without))
    assert the_server(cloud)["flavor"]["original_name"] == "large"


def test_field_s5_local_disks_that_would_be_lost_are_refused() -> None:
    cloud = with_server(flavors=[{**a_flavor(), "OS-FLV-EXT-DATA:ephemeral": 5}, a_flavor("large")])
    with pytest.raises(Refused, match=r"ephemeral disk of 5 GiB.*replace_may_lose: \[local_disks\]"):
        planned(cloud, server, **LARGE)
    assert planned(cloud, server, **{**LARGE, "replace_may_lose": ["user_data", "local_disks"]}).changed


def test_field_s5_an_address_that_cannot_be_chosen_again_is_refused() -> None:
    networks = [{**a_network(), "project_id": "of the provider"}, a_network("storage")]
    cloud = with_server(networks=networks)
    with pytest.raises(Refused, match="on a network of another project"):
        planned(cloud, server, **LARGE)
    cloud.compute.shows_admins = True  # who may choose every address
    assert planned(cloud, server, **LARGE).changed


def test_field_s5_a_port_that_stays_needs_no_address_of_another_project() -> None:
    networks = [{**a_network(), "project_id": "of the provider"}, a_network("storage")]
    cloud = with_server(options={"networks": [{"port": "eth0"}]}, networks=networks, ports=[a_port()])
    assert planned(cloud, server, **LARGE).changed


def test_field_s5_a_port_without_an_address_needs_none_of_another_project() -> None:
    networks = [{**a_network(), "project_id": "of the provider"}, a_network("storage")]
    cloud = with_server(networks=networks)
    for port in cloud.network.ports.values():
        port["fixed_ips"] = []
    assert planned(cloud, server, **LARGE).changed


def test_field_s5_a_key_pair_of_another_user_is_refused_before() -> None:
    cloud = everything()
    cloud.compute.keypairs.clear()
    with pytest.raises(Refused, match="Failed to find key pair operations"):
        planned(cloud, server, **LARGE)


def test_field_s6_a_quota_that_is_too_small_is_refused_before() -> None:
    cloud = with_server(flavors=[a_flavor(), {**a_flavor("large"), "vcpus": 4}])
    cloud.compute.limits["cores"] = 3
    for how in ("replace", "resize"):
        with pytest.raises(Refused, match="has 3 cores more, and the project's quota has 2 left"):
            planned(cloud, server, **{**LARGE, "on_flavor_change": how})
    cloud.compute.limits["cores"] = 4
    assert planned(cloud, server, **LARGE).changed


def test_field_s5_an_address_that_neutron_computes_is_asked_for_by_its_subnet() -> None:
    """Neutron takes no address on such a subnet, and computes it from the port's MAC address."""
    four, six = Address("four", "192.0.2.50"), Address("six")
    had = Port("old", "internal", (four, six, Address("four", "192.0.2.51")))
    one = Server("new", "web", "ACTIVE")
    (request,) = restored(one, [had], [Port("new", "internal", (four, six))], (), with_groups=True)
    assert [sorted(ip) for ip in request.body["port"]["fixed_ips"]].count(["subnet_id"]) == 1  # type: ignore[index]
    assert (
        restored(one, [replace(had, addresses=(four, six))], [Port("new", "internal", (four, six))], (), with_groups=True) == []
    )


LOCKED: list[Json] = [
    LARGE,
    FEDORA,
    {**LARGE, "on_flavor_change": "resize"},
    {**FEDORA, "on_image_change": "reimage"},
    {"name": "web", "state": "absent"},
    {"name": "web", "state": "absent", "boot_volume_on_delete": "keep"},
    {"name": "web", "state": "stopped"},
]


@pytest.mark.parametrize("options", LOCKED)
def test_field_s6_a_locked_server_is_refused_before_anything_is_switched(options: Json) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": True}})
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match=r"it is locked\. Unlock it first"):
        settle(cloud, server, **options)
    assert (cloud.writes, goes(cloud)) == ([], [True])


class Locking(FakeCloud):
    """Somebody locks the server when its disks are switched, or just before it is deleted."""

    late = False

    def send(self, request: Request) -> Json:
        if self.late and request.method == "DELETE" and request.path.startswith("/servers/") and request.path.count("/") == 2:
            for one in self.compute.servers.values():
                one["locked"] = True
        return super().send(request)


@pytest.mark.parametrize(
    "options",
    [
        LARGE,
        FEDORA,
        {"name": "web", "state": "absent", "boot_volume_on_delete": "keep"},
    ],
)
def test_field_s6_what_was_switched_is_switched_back_where_the_server_stays(options: Json) -> None:
    cloud = with_server(
        blank("data"),
        cls=Locking,
        options={"boot": {"image": "debian", "delete_on_termination": True}, "block_devices": ["vdb=data:::1"]},
    )
    cloud.late = True
    with pytest.raises(Refused, match="it is locked"):
        settle(cloud, server, **options)
    assert (goes(cloud), noted(cloud)) == ([True, True], [])


@pytest.mark.parametrize("then", [{"name": "web"}, {"name": "web", "state": "started"}, WEB])
def test_field_s6_what_a_killed_run_switched_is_switched_back_by_the_next(then: Json) -> None:
    """The next run wants no replacement any more."""
    options = {"boot": {"image": "debian", "delete_on_termination": True}, "block_devices": ["vdb=data:::1"]}
    for instant in range(1, 9):
        cloud = with_server(blank("data"), cls=Mortal, options=options)
        cloud.instants, cloud.breaks_at = 0, instant
        with suppress(Killed):
            settle(cloud, server, **LARGE)
        if the_server(cloud)[_TASK] == "deleting":
            break
        settle(cloud, server, **then)
        assert (goes(cloud), noted(cloud)) == ([True, True], []), f"killed at instant {instant}"
        assert planned(cloud, server, **then).changed is False
    assert instant > 4


def test_field_s7_floating_addresses_follow_the_machine() -> None:
    cloud = everything()
    settle(cloud, server, **LARGE)
    port = cloud.network.floatingips[uuid_of("floating 203.0.113.5")]["port_id"]
    assert (cloud.network.ports[port]["device_id"], port == uuid_of("port made")) == (the_server(cloud)["id"], False)
    assert cloud.network.floatingips[uuid_of("floating 203.0.113.6")]["port_id"] is None


def test_field_s7_a_floating_address_that_somebody_took_meanwhile_stays_there() -> None:
    cloud = everything()
    floating = cloud.network.floatingips[uuid_of("floating 203.0.113.5")]
    plan = planned(cloud, server, **LARGE)
    for step in plan.requests:
        cloud.send(step)
    cloud.tick()
    floating["port_id"] = "of somebody"
    settle(cloud, server, **LARGE)
    assert floating["port_id"] == "of somebody"


# Notes


def half_way(cls: type[Mortal] = Mortal) -> Mortal:
    """The server is gone, and the new one not yet there."""
    cloud = with_server(cls=cls, options={"key_name": "operations"})
    for step in planned(cloud, server, **LARGE).requests:
        cloud.send(step)
    cloud.tick()  # for a moment Nova shows it without its volumes
    cloud.tick()
    assert cloud.compute.servers == {}
    return cloud


def test_a_note_has_its_server_its_disk_and_a_time_and_no_secret() -> None:
    cloud = with_server()
    settled = planned(cloud, server, **LARGE, user_data="password: hunter2")
    (request,) = (request for request in settled.requests if request.what.startswith("note server"))
    text = str(request.body)
    (disk,) = cloud.volumes
    assert (the_server(cloud)["id"] in text, disk in text, '"time":"20' in text, "hunter2" in text) == (True, True, True, False)
    values = request.body["metadata"].values()  # type: ignore[index]
    assert max(map(len, values)) <= 255


def test_a_run_that_comes_later_says_whose_place_it_takes() -> None:
    plan = planned(half_way(), server, **LARGE)
    assert "server web" in str(plan.after["takes_the_place_of"])
    assert "key pair operations" in plan.after["carries_over"]  # type: ignore[operator]


def test_a_note_of_a_server_of_another_name_is_not_used() -> None:
    cloud = half_way()
    settle(cloud, server, **{**WEB, "name": "other"})
    assert the_server(cloud)["key_name"] is None
    assert noted(cloud) != []


def test_a_copied_note_is_not_used() -> None:
    """A backup that is restored as another volume has a copy of its original's metadata."""
    cloud = half_way()
    (disk,) = cloud.volumes.values()
    cloud.volumes["copy"] = {**disk, "id": "copy", "name": "restored", "metadata": dict(disk["metadata"])}
    settle(cloud, server, **LARGE)
    assert disks(cloud) == ["web-boot"]
    assert "copy" in cloud.volumes


def test_a_note_of_a_server_that_lives_under_another_name_is_not_used() -> None:
    cloud = with_server(options={"key_name": "operations"})
    for step in planned(cloud, server, **LARGE).requests[:1]:
        cloud.send(step)
    the_server(cloud)["name"] = "renamed"
    with pytest.raises(Refused, match="attached to"):
        planned(cloud, server, **WEB)


ABSENT: Json = {"name": "web", "state": "absent"}


def failed_in_between(cloud: FakeCloud, **options: Any) -> None:
    """The server is replaced, and the new one ends in error before it has taken the place of the old one."""
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused, match="it is in ERROR"):
        settle(cloud, server, **options)
    cloud.compute.servers_end_in = "ACTIVE"
    cloud.writes.clear()


def test_what_is_noted_of_the_one_before_stays_while_the_new_one_is_in_error() -> None:
    cloud = with_server(options={"key_name": "operations"})
    failed_in_between(cloud, **LARGE)
    before = noted(cloud)
    with pytest.raises(Refused, match="it is in ERROR"):
        planned(cloud, server, **LARGE)
    assert (before != [], noted(cloud), cloud.writes) == (True, before, [])


def test_what_is_noted_of_the_one_before_stays_until_the_new_one_is_gone() -> None:
    cloud = with_server(options={"key_name": "operations"})
    failed_in_between(cloud, **LARGE)
    assert planned(cloud, server, **ABSENT).actions[0] == f"delete server web ({the_server(cloud)['id']})"


def test_a_removal_that_is_given_up_is_undone_of_one_that_takes_a_place_as_well() -> None:
    cloud = with_server()
    failed_in_between(cloud, **FEDORA)
    for step in planned(cloud, server, **ABSENT, boot_volume_on_delete="delete").requests[:2]:
        cloud.send(step)
    assert goes(cloud) == [True]
    with pytest.raises(Refused, match="it is in ERROR"):
        settle(cloud, server, **WEB)
    assert goes(cloud) == [False]


def test_only_what_was_switched_is_switched_back() -> None:
    options = {"boot": {"image": "debian", "delete_on_termination": True}, "block_devices": ["vdb=data:::1"]}
    cloud = with_server(blank("data"), options=options)
    steps = planned(cloud, server, **LARGE).requests
    cloud.send(steps[0])  # noted, and nothing switched
    assert [words for words in planned(cloud, server, name="web").actions if not words.startswith("remove the note")] == []
    cloud.send(steps[1])
    assert [words.split()[0] for words in planned(cloud, server, name="web").actions].count("delete") == 1


def test_a_removal_switches_back_first_what_a_replacement_has_switched() -> None:
    """What goes with its server by what it was attached with, goes."""
    options = {"boot": {"image": "debian", "delete_on_termination": True}, "block_devices": ["vdb=data:::1"]}
    cloud = with_server(blank("data"), options=options)
    for step in planned(cloud, server, **LARGE).requests[:-1]:
        cloud.send(step)
    assert goes(cloud) == [False, False]
    settle(cloud, server, **ABSENT)
    cloud.tick()
    assert cloud.volumes == {}


def test_of_the_notes_of_a_name_only_rests_and_its_own_are_removed_at_the_end() -> None:
    own = a_volume("own")
    about = note.Note("before", "web", own["id"], "2026-01-01T00:00:00Z")
    others = note.Note("of another", "web", uuid_of("others"), "2026-01-01T00:00:00Z")
    rest = a_volume("rest", metadata={note.OF: "web"})
    for replaces, gone in (("before", {"own", "rest"}), ("nobody", {"rest"})):
        cloud = with_server()
        the_server(cloud)["metadata"]["bfv_replaces"] = replaces
        for volume, told in ((own, about), (a_volume("others"), others)):
            keys = note.noted_on(volume_record.from_api(volume), told).metadata
            cloud.volumes[volume["id"]] = {**volume, "metadata": dict(keys)}
        cloud.volumes[rest["id"]] = rest
        actions = planned(cloud, server, **WEB).actions
        assert {words.split()[-1] for words in actions if words.startswith("remove the note")} == gone
        assert actions[-1] == "remove metadata bfv_replaces of server web"


def test_only_the_mark_itself_goes_from_the_metadata() -> None:
    cloud = with_server()
    the_server(cloud)["metadata"].update({"bfv_replaces": "nobody", "BFV_REPLACES": "somebody's"})
    plan = planned(cloud, server, **WEB)
    assert (plan.actions, plan.after["metadata"]) == (
        ["remove metadata bfv_replaces of server web"],
        {"BFV_REPLACES": "somebody's"},
    )


@pytest.mark.parametrize(("says", "goes"), [("root", False), ("ROOT", True), ("", True)])
def test_of_the_disks_that_this_run_made_only_one_that_takes_the_roots_place_is_needed(says: str, goes: bool) -> None:
    cloud = with_server()
    root = the_server(cloud)["_root"]
    replaces = {"root": {"bfv_replaces": root}, "ROOT": {"bfv_replaces": root.upper()}}.get(says, {})
    own = a_volume("web-boot", id=uuid_of("own"), metadata={"bfv_made": uuid_of("own"), **replaces})
    cloud.volumes[own["id"]] = own
    want = server.wanted(WEB)
    plan = server.plan(want, server.observe(cloud, want), {own["id"]})  # type: ignore[arg-type]
    assert [request.key for request in plan.requests] == ([own["id"]] if goes else [])


def is_at_work(cloud: FakeCloud) -> None:
    the_server(cloud)[_TASK] = "migrating"


def has_no_certain_root(cloud: FakeCloud) -> None:
    """And the disk is one that was to take its place."""
    cloud.volumes[uuid_of("own")]["metadata"]["bfv_replaces"] = the_server(cloud)["_root"]
    for one in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        one["_device"] = "/dev/vdr"


def is_held(cloud: FakeCloud) -> None:
    cloud.volumes[uuid_of("own")].update(attached("others"))


@pytest.mark.parametrize("deed", [is_at_work, has_no_certain_root, is_held])
def test_a_disk_that_this_run_made_stays_where_it_is_not_certain_that_nobody_needs_it(deed: Callable[[FakeCloud], None]) -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data"]})
    own = a_volume("web-boot", id=uuid_of("own"), metadata={"bfv_made": uuid_of("own")})
    cloud.volumes[own["id"]] = own
    deed(cloud)
    want = server.wanted(WEB)
    plan = server.plan(want, server.observe(cloud, want), {own["id"]})  # type: ignore[arg-type]
    assert (plan.requests, plan.destroys) == ([], [])


def test_one_that_was_stopped_is_not_stopped_where_the_task_has_it_run() -> None:
    cloud = with_server(options={"state": "stopped"})
    settle(cloud, server, **LARGE, state="started")
    assert not [request for request in cloud.writes if request.what.startswith("stop")]
    assert the_server(cloud)["status"] == "ACTIVE"


def test_two_notes_for_one_name_are_refused() -> None:
    cloud = half_way()
    (disk,) = cloud.volumes.values()
    text = "".join(disk["metadata"][key] for key in sorted(disk["metadata"]) if key.startswith("bfv_note_0"))
    other = text.replace(disk["id"], uuid_of("second"))
    pieces = {f"bfv_note_{index:02d}": other[index * 255 : index * 255 + 255] for index in range(len(other) // 255 + 1)}
    cloud.volumes[uuid_of("second")] = a_volume("second", metadata={"bfv_note_of": "web", **pieces})
    with pytest.raises(Refused, match="2 volumes have a note"):
        planned(cloud, server, **LARGE)


def test_a_removal_after_a_broken_replacement_leaves_the_disk_and_no_note() -> None:
    cloud = half_way()
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="delete")
    assert (noted(cloud), len(cloud.volumes)) == ([], 1)


def test_a_server_that_somebody_made_from_the_disk_meanwhile_is_not_changed_after_the_note() -> None:
    cloud = half_way()
    (disk,) = cloud.volumes.values()
    theirs = a_server("web", id=uuid_of("theirs"), image="", _root=disk["id"])
    theirs["os-extended-volumes:volumes_attached"] = [{"id": disk["id"], "delete_on_termination": False, "_device": "/dev/vda"}]
    cloud.compute.servers = by_id([theirs])
    disk.update(attached(theirs["id"]))
    settle(cloud, server, name="web")
    assert (noted(cloud), [request.service for request in cloud.writes if request.service == "network"]) == ([], [])


# States that nobody thought of


@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "RESCUE", "SOFT_DELETED", "QUIESCED"])
@pytest.mark.parametrize("options", [LARGE, FEDORA, {**LARGE, "on_flavor_change": "resize"}])
def test_nothing_is_destroyed_in_a_state_that_is_not_understood(status: str, options: Json) -> None:
    cloud = with_server()
    the_server(cloud)["status"] = status
    with pytest.raises(Refused, match=f"its status is {status}"):
        settle(cloud, server, **{"name": "web", **options})
    assert cloud.writes == []


def test_a_server_that_goes_between_two_reads_is_taken_for_gone() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data"]})
    listed = cloud.compute.list

    def gone_when_listed(*args: Any, **query: Any) -> list[Json]:
        seen = list(listed(*args, **query))
        cloud.compute.servers.clear()
        return seen

    cloud.compute.list = gone_when_listed  # type: ignore[method-assign,assignment]
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="delete")
    assert (cloud.writes, len(cloud.volumes)) == ([], 2)


# Two runs


def later(cloud: FakeCloud) -> Callable[[], Json]:
    def other() -> Json:
        made = a_server("web", id=uuid_of("of the other run"), created="2026-01-01T00:00:00Z", image="")
        cloud.compute.servers[made["id"]] = made
        return made

    return other


def test_of_two_servers_that_two_runs_made_each_run_removes_its_own() -> None:
    """Both boot from a multiattach volume, so that Nova refuses neither."""
    shared = a_volume(multiattach=True)
    boot = {"boot": {"volume": "root", "delete_on_termination": True}}
    for order in ([0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1], [1, 1, 0, 0, 1, 0]):
        cloud = a_project(shared)
        assert at_once(cloud, server, order, {**WEB, **boot}, {**WEB, **boot}) == []
        cloud.tick()
        assert (len(cloud.compute.servers), list(cloud.volumes)) == (1, [uuid_of("root")])
        oldest = min(request.what for request in cloud.writes if request.path == "/servers")
        assert oldest == "create server web from volume root"


FIRST = Server("first", "web", "ACTIVE", disks={"root": False})
OWN = Server("own", "web", "ACTIVE", disks={"a": True, "b": False})


def test_of_the_later_one_of_two_only_what_would_go_with_it_is_kept_first() -> None:
    plan = server.plan(server.wanted({"name": "web"}), server.Found(servers=(FIRST, OWN)), {"own"})
    assert plan.actions == [
        "keep volume a when server web is deleted",
        "delete server web (own), which another run has made too",
    ]


def test_the_later_one_of_two_is_not_deleted_again_while_it_goes() -> None:
    found = server.Found(servers=(FIRST, replace(OWN, task="deleting")))
    plan = server.plan(server.wanted({"name": "web"}), found, {"own"})
    assert (plan.steps, plan.waiting) == ((), "server web (own), which another run made too, to be gone")


def test_a_second_server_of_the_name_that_this_run_did_not_make_is_refused() -> None:
    cloud = with_server()
    later(cloud)()
    with pytest.raises(BfvError, match="2 servers have that name"):
        planned(cloud, server, **WEB)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "SHUTOFF"},
        {"locked": True},
        {_TASK: "resize_prep"},
        {"name": "other"},
        {"os-extended-volumes:volumes_attached": [{"id": "x", "delete_on_termination": True, "_device": "/dev/vdb"}]},
    ],
)
def test_a_server_is_read_again_directly_before_it_is_deleted(changes: Json) -> None:
    cloud = with_server()
    (request,) = planned(cloud, server, name="web", state="absent").requests
    the_server(cloud).update(changes)
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)
    assert len(cloud.compute.servers) == 1
