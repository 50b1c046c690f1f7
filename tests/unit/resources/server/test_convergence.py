# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers from any state, through broken runs, and with two runs at once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import by_id
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
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_port, a_server
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
from hypothesis import given, settings
from hypothesis import strategies as st

SERVER_ID = uuid_of("server web")
_CARRIED = ("status", "metadata", "key_name", "OS-EXT-AZ:availability_zone", "config_drive", "tags", "description")


# Broken runs


def outcome(cloud: FakeCloud) -> tuple[Any, ...]:
    volumes = sorted(
        (one["name"], one["status"], one.get("volume_image_metadata", {}).get("image_id"), sorted(one["metadata"]))
        for one in cloud.volumes.values()
    )
    if not cloud.compute.servers:
        return (volumes,)
    one = the_server(cloud)
    shown = {key: value for key, value in one.items() if key in _CARRIED}
    ports = [(sorted(port["security_groups"]), port["allowed_address_pairs"] != []) for port in cloud.network.of(one)]
    floating = [(ip["floating_ip_address"], ip["port_id"] is not None) for ip in cloud.network.floatingips.values()]
    return shown, one["flavor"]["original_name"], disks(cloud), goes(cloud), addresses(cloud), volumes, ports, floating


def fresh() -> Mortal:
    return a_project(blank("data"), cls=Mortal)


def running() -> Mortal:
    cloud = with_server(blank("data"), cls=Mortal, options={"block_devices": ["vdb=data:::1"]})
    # the disk goes with the server, and the address is not the one that Neutron gives next
    the_server(cloud)["os-extended-volumes:volumes_attached"][0]["delete_on_termination"] = True
    (port,) = cloud.network.ports.values()
    port["fixed_ips"][0]["ip_address"] = "192.0.2.88"
    return cloud


def stopped() -> Mortal:
    cloud = running()
    the_server(cloud)["status"] = "SHUTOFF"
    return cloud


def rich() -> Mortal:
    """A server with all that can be carried over."""
    groups = [a_group(), a_group("web"), a_group("db")]
    cloud = with_server(blank("data"), cls=Mortal, options={"block_devices": ["vdb=data:::1"], **RICH}, security_groups=groups)
    one = the_server(cloud)
    one.update(tags=["a", "b"], description="the first", server_groups=["group-1"])
    cloud.compute.server_groups = [{"id": "group-1", "name": "spread"}]
    (port,) = cloud.network.ports.values()
    subnet = port["fixed_ips"][0]["subnet_id"]
    port["fixed_ips"] = [{"subnet_id": subnet, "ip_address": "192.0.2.88"}, {"subnet_id": "six", "ip_address": "2001:db8::88"}]
    port["security_groups"] = [uuid_of("group db"), uuid_of("group web")]
    port["allowed_address_pairs"] = [{"ip_address": "192.0.2.200", "mac_address": port["mac_address"]}]
    cloud.network.floatingips = by_id([a_floating_ip("203.0.113.5", port["id"], "192.0.2.88")])
    return cloud


RICH: Json = {
    "key_name": "operations",
    "security_groups": ["web", "default"],
    "metadata": {"role": "web", "rack": "3"},
    "availability_zone": "az1",
    "config_drive": True,
}


def failed() -> Mortal:
    cloud = running()
    the_server(cloud)["status"] = "ERROR"
    return cloud


DATA: Json = {**WEB, "replace_may_lose": ["user_data"], "block_devices": ["vdb=data:::1"], "metadata": {"role": "web"}}
LARGE: Json = {**DATA, "flavor": "large"}
FEDORA: Json = {**DATA, "boot": {"image": "fedora"}}
ROUTES: dict[str, tuple[Any, Json]] = {
    "create": (fresh, DATA),
    "create stopped": (fresh, {**DATA, "state": "stopped"}),
    "resize": (running, {**LARGE, "on_flavor_change": "resize"}),
    "replace for a flavor": (running, {**LARGE, "on_flavor_change": "replace"}),
    "reimage": (running, {**FEDORA, "on_image_change": "reimage"}),
    "replace for an image": (running, {**FEDORA, "on_image_change": "replace"}),
    "replace for both": (running, {**FEDORA, "flavor": "large", "on_image_change": "replace", "on_flavor_change": "replace"}),
    "replace a stopped one": (stopped, {**LARGE, "on_flavor_change": "replace"}),
    "replace a rich one": (
        rich,
        {"name": "web", "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]},
    ),
    "replace a rich one for an image": (
        rich,
        {
            "name": "web",
            "boot": {"image": "fedora"},
            "on_image_change": "replace",
            "replace_may_lose": ["user_data"],
            "boot_volume_on_delete": "delete",
        },
    ),
    "stop": (running, {**DATA, "state": "stopped"}),
    "recreate": (failed, {**DATA, "recreate": "on_error"}),
    "remove and keep": (running, {"name": "web", "state": "absent", "boot_volume_on_delete": "keep"}),
    "remove and delete": (running, {"name": "web", "state": "absent", "boot_volume_on_delete": "delete"}),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("elapsed", [0, 3])
def test_a_run_that_is_killed_at_any_instant_is_finished_by_the_next(route: str, elapsed: int) -> None:
    before, options = ROUTES[route]
    whole = before()
    whole.instants = 0
    settle(whole, server, **options)
    whole.tick()
    for instant in range(1, whole.instants + 1):
        cloud = before()
        cloud.instants, cloud.breaks_at = 0, instant
        with suppress(Killed):
            settle(cloud, server, **options)
        for _tick in range(elapsed):
            cloud.tick()
        settle(cloud, server, **options)
        cloud.tick()
        assert outcome(cloud) == outcome(whole), f"killed at instant {instant}"
        assert planned(cloud, server, **options).changed is False


@pytest.mark.parametrize("route", ROUTES)
def test_check_mode_says_exactly_what_a_run_writes(route: str) -> None:
    before, options = ROUTES[route]
    cloud = before()
    there = set(cloud.compute.servers)
    cloud.writes.clear()
    foreseen = planned(cloud, server, **options)
    assert (cloud.writes, foreseen.changed) == ([], True)
    settle(cloud, server, **options)
    words = [request.what for request in cloud.writes]
    for made in set(cloud.compute.servers) - there:
        words = [line.replace(made, "(known when the server is there)") for line in words]
    assert words == foreseen.actions


@pytest.mark.parametrize("route", ROUTES)
def test_all_that_a_run_destroys_stands_in_the_diff_of_check_mode(route: str) -> None:
    before, options = ROUTES[route]
    cloud = before()
    there, volumes = set(cloud.compute.servers), set(cloud.volumes)
    cloud.writes.clear()
    told = " ".join(planned(cloud, server, **options).destroys)
    settle(cloud, server, **options)
    cloud.tick()
    gone = (there - set(cloud.compute.servers)) | (volumes - set(cloud.volumes))
    assert all(id in told for id in gone)


@pytest.mark.parametrize("route", ["replace for a flavor", "replace for an image", "recreate"])
def test_the_address_survives_a_replacement(route: str) -> None:
    before, options = ROUTES[route]
    cloud = before()
    settle(cloud, server, **options)
    assert addresses(cloud) == ["192.0.2.88"]


# Two runs at once


@pytest.mark.parametrize("route", ["create", "replace for a flavor", "replace for an image", "recreate", "remove and delete"])
@settings(max_examples=25)
@given(order=st.lists(st.integers(0, 1), max_size=24))
def test_two_runs_at_once_come_to_what_one_comes_to(route: str, order: list[int]) -> None:
    before, options = ROUTES[route]
    whole = before()
    settle(whole, server, **options)
    whole.tick()
    cloud = before()
    at_once(cloud, server, order, options, options)
    settle(cloud, server, **options)
    cloud.tick()
    assert outcome(cloud) == outcome(whole)
    assert planned(cloud, server, **options).changed is False


# From any state


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, *values))


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=strategies)


servers = st.builds(
    lambda some, flavor, images, going: a_server(
        "web", *(["boot"] if images else []), flavor=a_flavor(flavor), going=("boot",) if going else (), **some
    ),
    fields(
        status=st.sampled_from(["ACTIVE", "SHUTOFF", "ERROR", "BUILD"]),
        metadata=st.sampled_from([{}, {"a": "1"}]),
        **{"OS-EXT-STS:task_state": maybe("deleting")},
    ),
    st.sampled_from(["small", "large"]),
    st.booleans(),
    st.booleans(),
)
boot_volumes = st.builds(
    lambda name, image, marks, some: {**a_volume(name, id=uuid_of("boot"), metadata=marks, **image), **some},
    st.sampled_from(["web-boot", "", "other"]),
    st.sampled_from([of_image(), of_image("fedora"), {}]),
    st.sampled_from([{}, {"bfv_boot_of": "web"}, {"bfv_boot_of": "web", "bfv_made_as": "web-boot"}]),
    fields(bootable=st.sampled_from(["true", "false"]), status=st.sampled_from(["available", "creating", "error", "deleting"])),
)
wishes = fields(
    state=st.sampled_from(["present", "started", "stopped", "absent"]),
    flavor=st.sampled_from(["small", "large", uuid_of("flavor large")]),
    boot=st.one_of(
        st.sampled_from([{"image": "debian"}, {"image": "fedora"}, {"snapshot": "friday"}, {"volume": "web-boot"}]),
        st.sampled_from([{"image": "debian", "delete_on_termination": True}, {"image": "debian", "size": 5}]),
    ),
    block_devices=st.sampled_from([[], ["vdb=data"], ["vdb=data:::1"]]),
    networks=st.sampled_from(["auto", "none", "internal"]),
    metadata=st.dictionaries(st.sampled_from("ab"), maybe("1", "2"), max_size=2),
    on_flavor_change=st.sampled_from(["fail", "resize", "replace"]),
    on_image_change=st.sampled_from(["fail", "reimage", "replace"]),
    recreate=st.sampled_from(["never", "on_error"]),
    boot_volume_on_delete=st.sampled_from(["as_attached", "keep", "delete"]),
)


@settings(max_examples=250)
@given(st.lists(servers, max_size=1), st.lists(boot_volumes, max_size=1), st.booleans(), wishes)
def test_a_server_converges_or_is_refused_before_anything_is_written(
    there: list[Json], volumes: list[Json], holds: bool, wanted: Json
) -> None:
    if there and volumes and holds:
        disk = {"id": uuid_of("boot"), "delete_on_termination": False}
        there[0].update({"os-extended-volumes:volumes_attached": [disk], "image": ""})
        volumes[0].update(attached(SERVER_ID))
    elif there:
        there[0].update({"os-extended-volumes:volumes_attached": [], "image": {"id": uuid_of("fedora")}})
    ports = [a_port(device_id=SERVER_ID, of_nova=True, name="")] if there else []
    cloud = a_project(*volumes, blank("data"), a_volume(), servers=there, ports=ports)
    options = {"name": "web", **wanted}
    try:
        first = planned(cloud, server, **options)
        settle(cloud, server, **options)
    except (Refused, Invalid):
        assert cloud.writes == []
        return
    assert first.changed == bool(cloud.writes) or first.waiting  # what a server at work will need is not known yet
    cloud.tick()
    again = planned(cloud, server, **options)
    assert (again.steps, again.waiting, again.changed) == ((), "", False)


def test_a_refusal_of_a_service_says_what_was_tried() -> None:
    cloud = a_project()
    tick = cloud.tick

    def taken_meanwhile() -> None:
        tick()
        cloud.network.ports = {"x": a_port(ip="192.0.2.9", id="x", device_id="somebody's")}
        cloud.network.ports["x"]["network_id"] = "not shown to this project"

    cloud.tick = taken_meanwhile  # type: ignore[method-assign]
    with pytest.raises(BfvError, match="Failed to create server web from volume web-boot: Nova says «Fixed IP"):
        settle(cloud, server, **WEB, networks=[{"network": "internal", "fixed_ip": "192.0.2.9"}])
