# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is there in the words of the playbook: a run that is asked for it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import adopt
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.adopt import Adopted
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume, settle, uuid_of
from ansible_collections.bfv.openstack.tests.unit.server_cloud import blank, the_server, with_server
from hypothesis import given
from hypothesis import strategies as st

SECRET = "hunter2"


def adopted(cloud: FakeCloud) -> list[Adopted]:
    return [adopt.adopted(seen) for seen in adopt.observe(cloud)]  # type: ignore[arg-type]


def one(cloud: FakeCloud) -> Json:
    """The options of the only server, of which a run changes nothing and warns of nothing: in the second look too."""
    (made,) = adopted(cloud)
    assert not made.left_alone
    for _look in ("first", "second"):
        cloud.writes.clear()
        plans = settle(cloud, server, **made.options)
        assert (cloud.writes, [warning for plan in plans for warning in plan.warnings]) == ([], [])
    told: Any = adopt.variables(made)["server_deploy_options"]
    return dict(told)


def left_alone(cloud: FakeCloud) -> str:
    (made,) = adopted(cloud)
    assert adopt.variables(made) == {"server_deploy_left_alone": made.left_alone}
    return made.left_alone


def test_a_server_with_everything() -> None:
    options = {
        "networks": "internal",
        "key_name": "operations",
        "security_groups": ["default", "web"],
        "metadata": {"role": "front", "db_password": SECRET},
        "tags": ["blue", "web"],
        "description": "The front page",
        "user_data": SECRET,
        "config_drive": True,
        "block_devices": [{"volume_id": "data", "delete_on_termination": True}],
    }
    cloud = with_server(blank("data"), options=options)
    told = one(cloud)
    (address,) = (ip["ip_address"] for port in cloud.network.of(the_server(cloud)) for ip in port["fixed_ips"])
    zone = told.pop("availability_zone")
    assert told == {
        "name": "web",
        "state": "started",
        "flavor": "small",
        "boot": {"volume": "web-boot", "delete_on_termination": False},
        "block_devices": [{"volume_id": "data", "delete_on_termination": True}],
        "networks": [{"network": "internal", "fixed_ip": address}],
        "key_name": "operations",
        "security_groups": ["default", "web"],
        "config_drive": True,
        "metadata": {"role": "front"},
        "tags": ["blue", "web"],
        "description": "The front page",
    }
    assert zone == "nova"
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("status", "state"),
    [("SHUTOFF", "stopped"), ("SHELVED_OFFLOADED", "shelved"), ("PAUSED", None), ("SHELVED", None), ("RESCUE", None)],
)
def test_a_server_stays_in_the_state_that_it_is_in(status: str, state: str | None) -> None:
    cloud = with_server()
    the_server(cloud)["status"] = status
    assert one(cloud).get("state") == state


def test_a_server_of_no_network_has_none() -> None:
    assert one(with_server(options={"networks": "none"}))["networks"] == "none"


def test_groups_are_not_told_of_several_ports() -> None:
    told = one(with_server(options={"networks": ["internal", "storage"]}))
    assert [one["network"] for one in told["networks"]] == ["internal", "storage"]
    assert "security_groups" not in told


def test_volumes_that_share_a_name_are_called_by_their_ids() -> None:
    cloud = with_server(a_volume("other"))
    cloud.volumes[uuid_of("other")]["name"] = "web-boot"
    (disk,) = the_server(cloud)["os-extended-volumes:volumes_attached"]
    assert one(cloud)["boot"]["volume"] == disk["id"]


def test_what_a_cloud_says_is_no_template() -> None:
    told = one(with_server(options={"description": "{{ 6 * 7 }}", "metadata": {"a": "{% x %}"}}))
    assert (told["description"], told["metadata"]) == ("{{ '{' }}{ 6 * 7 }}", {"a": "{{ '{' }}% x %}"})


LEFT: dict[str, tuple[Json, str]] = {
    "in error": ({"status": "ERROR"}, "it is in ERROR"),
    "on its way": ({"status": "REBOOT"}, "a run would wait for server web"),
    "going": ({"OS-EXT-STS:task_state": "deleting"}, "a run would wait for server web"),
    "a status of a newer Nova": ({"status": "POLISHED"}, "its status is POLISHED"),
    "on a local disk": ({"image": {"id": uuid_of("debian")}}, "boots from a local disk"),
    "deleted for a while": ({"status": "SOFT_DELETED"}, "SOFT_DELETED"),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_run_would_change_or_refuse_is_left_alone_and_told(case: str) -> None:
    fields, said = LEFT[case]
    cloud = with_server()
    the_server(cloud).update(fields)
    assert said in left_alone(cloud)


def test_a_root_that_is_not_certain_is_told() -> None:
    cloud = with_server(blank("data"), options={"block_devices": [{"volume_id": "data"}]})
    for volume in cloud.volumes.values():
        for attachment in volume["attachments"]:
            attachment["device"] = "/dev/vda"
    for disk in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        disk["_device"] = "/dev/vda"
    assert "does not tell for certain" in left_alone(cloud)


def test_two_servers_of_one_name_are_told() -> None:
    cloud = with_server()
    twin = {**the_server(cloud), "id": uuid_of("twin"), "os-extended-volumes:volumes_attached": []}
    cloud.compute.servers[twin["id"]] = twin
    assert all("2 servers are called web" in one.left_alone for one in adopted(cloud))


@given(
    status=st.sampled_from(["ACTIVE", "SHUTOFF", "PAUSED", "SHELVED", "ERROR", "RESIZE", "VERIFY_RESIZE", "RESCUE", "NEW"]),
    locked=st.booleans(),
    disks=st.lists(st.booleans(), max_size=2),
    metadata=st.dictionaries(st.sampled_from(["role", "bfv_replaces", "password"]), st.just(uuid_of("x")), max_size=2),
)
def test_whatever_is_there_a_run_changes_nothing_of_it(
    status: str, locked: bool, disks: list[bool], metadata: dict[str, str]
) -> None:
    names = [f"data-{place}" for place in range(len(disks))]
    further = [{"volume_id": name, "delete_on_termination": goes} for name, goes in zip(names, disks, strict=True)]
    cloud = with_server(*map(blank, names), options={"block_devices": further})
    the_server(cloud).update(status=status, locked=locked, metadata=metadata)
    (made,) = adopted(cloud)
    if not made.left_alone:
        settle(cloud, server, **made.options)
        assert cloud.writes == []
