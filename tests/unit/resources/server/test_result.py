# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module returns of a server: its addresses by network, its ports, the image of its boot disk, its fault and its lock."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import a_floating_ip
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_network, a_port
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, a_project, the_server, with_server


def result(cloud: FakeCloud, **options: Any) -> Any:
    """What is returned without a look at what only Neutron knows, as in check mode."""
    want = server.wanted({**WEB, **options})
    return server.result(want, server.observe(cloud, want))  # type: ignore[arg-type]


def reported(cloud: FakeCloud, **options: Any) -> Any:
    """What is returned when all is settled."""
    want = server.wanted({**WEB, **options})
    found = server.observe(cloud, want)  # type: ignore[arg-type]
    cloud.reads.clear()
    return {**server.result(want, found), **server.report(cloud, want, found)}  # type: ignore[arg-type]


def with_addresses() -> FakeCloud:
    """A server with a port of its own and one that Nova made, to which a floating address leads."""
    networks = [{"port": "eth0"}, {"network": "storage", "fixed_ip": "192.0.2.77"}]
    floating = a_floating_ip("203.0.113.7")
    cloud = with_server(
        options={"networks": networks},
        ports=[
            a_port(fixed_ips=[{"subnet_id": "s4", "ip_address": "192.0.2.50"}, {"subnet_id": "s6", "ip_address": "2001:db8::50"}])
        ],
        networks=[a_network(), a_network("storage")],
        floatingips=[floating],
    )
    port = cloud.network.of(the_server(cloud))[1]
    cloud.network.floatingips[floating["id"]].update(port_id=port["id"], fixed_ip_address="192.0.2.77")
    return cloud


def test_the_addresses_are_told_by_network_and_kind() -> None:
    cloud = with_addresses()
    own, made = (port["mac_address"] for port in cloud.network.of(the_server(cloud)))
    assert result(cloud)["server"]["networks"] == {
        "internal": [
            {"address": "192.0.2.50", "version": 4, "kind": "fixed", "mac_address": own},
            {"address": "2001:db8::50", "version": 6, "kind": "fixed", "mac_address": own},
        ],
        "storage": [
            {"address": "192.0.2.77", "version": 4, "kind": "fixed", "mac_address": made},
            {"address": "203.0.113.7", "version": 4, "kind": "floating", "mac_address": made},
        ],
    }
    assert result(cloud)["server"]["addresses"] == ["192.0.2.50", "192.0.2.77", "2001:db8::50", "203.0.113.7"]


def test_the_ports_are_told_in_the_servers_order() -> None:
    cloud = with_addresses()
    first, second = cloud.network.of(the_server(cloud))
    listed = cloud.network.list
    cloud.network.list = lambda *asked, **query: reversed(list(listed(*asked, **query)))  # type: ignore[method-assign, assignment, return-value]
    assert reported(cloud)["server"]["ports"] == [
        {
            "id": first["id"],
            "name": "eth0",
            "mac_address": first["mac_address"],
            "network": "internal",
            "network_id": uuid_of("network internal"),
            "fixed_ips": ["192.0.2.50", "2001:db8::50"],
            "floating_ips": [],
        },
        {
            "id": second["id"],
            "name": "",
            "mac_address": second["mac_address"],
            "network": "storage",
            "network_id": uuid_of("network storage"),
            "fixed_ips": ["192.0.2.77"],
            "floating_ips": ["203.0.113.7"],
        },
    ]


def test_two_requests_read_them_and_one_where_there_is_no_port() -> None:
    cloud = with_addresses()
    reported(cloud)
    assert cloud.reads == ["/ports", "/floatingips"]
    alone = with_server(options={"networks": "none"})
    assert (reported(alone)["server"]["ports"], alone.reads) == ([], ["/ports"])


def test_a_port_without_an_address_is_told_without_its_networks_name() -> None:
    cloud = with_server(options={"networks": [{"port": "bare"}]}, ports=[a_port("bare", fixed_ips=[], ip_allocation="none")])
    (port,) = reported(cloud)["server"]["ports"]
    assert (port["network"], port["network_id"], port["fixed_ips"]) == (None, uuid_of("network internal"), [])


@pytest.mark.parametrize("there", [True, False])
def test_the_keys_are_the_same_where_neutron_was_not_asked(there: bool) -> None:
    cloud = with_server() if there else a_project()
    without, with_ports = result(cloud), reported(cloud)
    assert set(with_ports) == set(without)
    if there:
        assert set(with_ports["server"]) == set(without["server"])
        assert (len(with_ports["server"]["ports"]), without["server"]["ports"]) == (1, [])
    else:
        assert (with_ports, cloud.reads) == (without, [])


def test_the_image_of_the_boot_disk_is_told_by_its_id() -> None:
    assert result(with_server())["server"]["image"] == uuid_of("debian")
    cloud = with_server(a_volume("root"), options={"boot": {"volume": "root"}})
    assert result(cloud, boot={"volume": "root"})["server"]["image"] is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {"fault": None, "locked": False}),
        ({"locked": True}, {"fault": None, "locked": True}),
        (
            {"status": "ERROR", "fault": {"message": "No valid host was found. "}},
            {"fault": "No valid host was found.", "locked": False},
        ),
    ],
)
def test_its_fault_and_its_lock_are_told(fields: Json, told: Json) -> None:
    cloud = with_server()
    the_server(cloud).update(fields)
    seen = result(cloud)["server"]
    assert {key: seen[key] for key in told} == told
