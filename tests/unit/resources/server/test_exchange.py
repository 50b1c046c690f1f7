# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another boot disk for a server that is there: refused, or exchanged by permission; the old disk is always kept."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import an_attachment, by_id
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_volume,
    attached,
    in_its_time,
    planned,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_neutron import a_floating_ip
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_port, a_server
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, addresses, blank, disks, goes, the_server, with_server

OTHER: Json = {"name": "web", "boot": {"volume": "other"}}
EXCHANGE: Json = {**OTHER, "on_boot_volume_change": "replace", "replace_may_lose": ["user_data"]}
_COMES = "(known when the server is there)"


def a_cloud(*volumes: Json, cls: type[Any] = FakeCloud, options: Json | None = None, **records: Any) -> Any:
    """A server on its own disk, and another disk to boot from."""
    return with_server(a_volume("other"), *volumes, cls=cls, options=options, **records)


def run(cloud: FakeCloud, options: Json) -> Settling[Any]:
    want = server.wanted(options)
    with in_its_time(cloud):
        settling = Settling(cloud, lambda: server.observe(cloud, want), lambda found, made: server.plan(want, found, made))  # type: ignore[arg-type]
        settling.run(timeout=200)
    return settling


def exchanged(cloud: FakeCloud, **options: Any) -> Settling[Any]:
    """An exchange does what check mode foresees, keeps the old disk, names it, and is not done twice."""
    wish = {**EXCHANGE, **options}
    old, before = the_server(cloud)["_root"], the_server(cloud)["id"]
    foreseen = planned(cloud, server, **wish)
    ran = run(cloud, wish)
    new = the_server(cloud)["id"]
    assert ran.way.actions == [action.replace(_COMES, new) for action in foreseen.actions]
    assert (new == before, disks(cloud)[0], old in cloud.volumes) == (False, "other", True)
    assert cloud.volumes[old]["status"] in ("available", "in-use")
    kept = {"id": old, "name": cloud.volumes[old]["name"]}
    assert (foreseen.result, ran.result) == ({"kept_boot_volume": kept}, {"kept_boot_volume": kept})
    assert [key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")] == []
    again = planned(cloud, server, **wish)
    assert (again.settled, again.changed, again.warnings, again.result) == (True, False, (), {})
    return ran


# What fail means


@pytest.mark.parametrize("how", [{}, {"on_boot_volume_change": "fail"}, {"id": True, "name": None}])
def test_another_boot_volume_is_refused_without_permission(how: Json) -> None:
    cloud = a_cloud()
    given = {**OTHER, **how, **({"id": the_server(cloud)["id"]} if "id" in how else {})}
    with pytest.raises(
        Refused, match=r"it boots from volume web-boot \(.*\), and other is wanted\. .*on_boot_volume_change: replace"
    ):
        planned(cloud, server, **given)


@pytest.mark.parametrize("reference", ["web-boot", "by id"])
def test_the_volume_that_it_boots_from_is_no_change_by_name_or_id(reference: str) -> None:
    cloud = a_cloud()
    root = the_server(cloud)["_root"] if reference == "by id" else reference
    assert planned(cloud, server, **{**EXCHANGE, "boot": {"volume": root}}).changed is False


def test_a_root_that_cinder_does_not_show_is_known_by_its_id_and_by_its_name_it_is_not_known() -> None:
    cloud = a_cloud()
    root = the_server(cloud)["_root"]
    del cloud.volumes[root]
    assert planned(cloud, server, name="web", boot={"volume": root}).settled
    with pytest.raises(Refused, match="it boots from volume"):
        planned(cloud, server, **OTHER)


@pytest.mark.parametrize("how", ["fail", "replace"])
def test_where_the_root_is_not_certain_a_volume_that_it_has_is_told_and_another_one_refused(how: str) -> None:
    cloud = a_cloud(blank("data"), options={"block_devices": ["vdb=data"]})
    the_server(cloud)["_root_device"] = "/dev/vdq"
    for one in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        one["_device"] = "/dev/vdq" if one["id"] == the_server(cloud)["_root"] else "/dev/vdr"
    plan = planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "web-boot"}, "on_boot_volume_change": how})
    assert (plan.settled, "whether it boots from volume web-boot is not known" in plan.warnings[0]) == (True, True)
    words = "is wanted" if how == "fail" else "Nova does not tell for certain"
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**EXCHANGE, "on_boot_volume_change": how})


# The exchange


@pytest.mark.parametrize("going", [True, False])
@pytest.mark.parametrize("fate", ["as_attached", "keep", "delete"])
def test_the_old_disk_is_kept_whatever_was_to_become_of_it(fate: str, going: bool) -> None:
    cloud = a_cloud(options={"boot": {"image": "debian", "delete_on_termination": going}})
    exchanged(cloud, boot_volume_on_delete=fate)
    assert goes(cloud) == [False]  # the new one is somebody's, and what became of the old one says nothing of it


def test_a_disk_that_goes_with_its_server_by_the_task_does_so() -> None:
    cloud = a_cloud()
    exchanged(cloud, boot={"volume": "other", "delete_on_termination": True})
    assert goes(cloud) == [True]


def test_ports_addresses_and_data_disks_come_along() -> None:
    floating = a_floating_ip("203.0.113.7")
    networks = [{"port": "eth0"}, {"network": "internal", "fixed_ip": "192.0.2.77"}]
    cloud = a_cloud(
        blank("data"), options={"networks": networks, "block_devices": ["vdb=data:::1"], "metadata": {"a": "b"}}, ports=[a_port()],
        floatingips=[floating],
    )  # fmt: skip
    port = cloud.network.of(the_server(cloud))[1]
    cloud.network.floatingips[floating["id"]].update(port_id=port["id"], fixed_ip_address="192.0.2.77")
    before = addresses(cloud)
    exchanged(cloud)
    assert (addresses(cloud), disks(cloud), goes(cloud)) == (before, ["other", "data"], [False, True])
    assert the_server(cloud)["metadata"] == {"a": "b"}
    assert cloud.network.floatingips[floating["id"]]["port_id"] == cloud.network.of(the_server(cloud))[1]["id"]


def test_actions_and_a_warning_name_both_disks() -> None:
    cloud = a_cloud()
    old, new = the_server(cloud)["_root"], uuid_of("other")
    plan = planned(cloud, server, **EXCHANGE)
    (line,) = [action for action in plan.actions if action.startswith("delete server")]
    assert old in line
    assert new in line
    assert any(f"web-boot ({old}) is kept" in warning for warning in plan.warnings)
    assert not any(old in line.split(": ")[0] for line in plan.destroys)


def test_the_old_disk_may_come_along_as_a_further_one() -> None:
    cloud = a_cloud()
    exchanged(cloud, block_devices=[{"volume_id": "web-boot"}])
    assert disks(cloud) == ["other", "web-boot"]


def test_the_disks_are_exchanged_back_and_forth_and_none_goes() -> None:
    """A disk that once took the place of another one by its image says so for ever, and that means nothing here."""
    cloud = a_cloud()
    run(cloud, {**WEB, "boot": {"image": "fedora"}, "on_image_change": "replace", "replace_may_lose": ["user_data"]})
    new = the_server(cloud)["_root"]
    (old,) = set(cloud.volumes) - {new, uuid_of("other")}
    for wanted in (old, new, old):
        wish = {**EXCHANGE, "boot": {"volume": wanted, "delete_on_termination": True}, "boot_volume_on_delete": "delete"}
        run(cloud, wish)
        assert (the_server(cloud)["_root"], {old, new} <= set(cloud.volumes)) == (wanted, True)
        assert {cloud.volumes[one]["status"] for one in (old, new)} == {"available", "in-use"}


def test_a_new_flavor_comes_in_the_same_go() -> None:
    cloud = a_cloud()
    exchanged(cloud, flavor="large", on_flavor_change="replace")
    assert the_server(cloud)["flavor"]["original_name"] == "large"


def test_a_server_in_error_gets_another_disk_by_both_permissions() -> None:
    cloud = a_cloud()
    the_server(cloud).update(status="ERROR", fault={"message": "boom"})
    with pytest.raises(Refused, match="it is in ERROR"):
        planned(cloud, server, **EXCHANGE)
    with pytest.raises(Refused, match=r"not attached to it as its root.*on_boot_volume_change"):
        planned(cloud, server, **OTHER, recreate="on_error", replace_may_lose=["user_data"])
    exchanged(cloud, recreate="on_error")


def test_a_stopped_server_stays_stopped() -> None:
    cloud = a_cloud(options={"state": "stopped"})
    exchanged(cloud)
    assert the_server(cloud)["status"] == "SHUTOFF"


# Refused before anything is touched

BUSY = a_volume("busy", **attached("others"))
UNFIT: list[tuple[list[Json], str, str]] = [
    ([], "nowhere", "Cinder shows no volume nowhere"),
    ([a_volume("twice", id="1" * 32), a_volume("twice", id="2" * 32)], "twice", "2 volumes"),
    ([BUSY], "busy", "attached to others"),
    ([blank("empty")], "empty", "not bootable"),
    ([a_volume("held", status="reserved")], "held", "reserved"),
    ([a_volume("broken", status="error")], "broken", "status error"),
    ([a_volume("resting", status="maintenance")], "resting", "maintenance"),
]


@pytest.mark.parametrize(("volumes", "name", "words"), UNFIT, ids=[one[1] for one in UNFIT])
def test_a_disk_that_could_not_be_booted_leaves_the_server(volumes: list[Json], name: str, words: str) -> None:
    cloud = a_cloud(*volumes)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**EXCHANGE, "boot": {"volume": name}})


def test_a_disk_that_is_reserved_for_nobody_leaves_the_server_too() -> None:
    """It could be let go: but not in the middle of an exchange, when the server is gone already."""
    cloud = a_cloud(a_volume("held"))
    deeds.reserve(cloud.volumes[uuid_of("held")])
    with pytest.raises(Refused, match="held"):
        planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "held"}})


def test_a_disk_that_another_server_has_leaves_the_server_though_cinder_shows_it_as_available() -> None:
    cloud = a_cloud(a_volume("taken"), servers=[a_server("db", "taken")])
    with pytest.raises(Refused, match=r"volume taken .* is a disk of server db"):
        planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "taken"}})


def test_what_holds_a_further_disk_does_not_hold_the_boot_disk() -> None:
    cloud = a_cloud(blank("held"))
    deeds.reserve(cloud.volumes[uuid_of("held")])
    cloud.attachments = by_id([an_attachment("held", uuid_of("gone"))])
    assert planned(cloud, server, **EXCHANGE, block_devices=["vdb=held"]).changed


def test_the_disk_of_a_shelved_server_is_refused_with_who_has_it() -> None:
    cloud = with_server(a_volume("own"), options={"boot": {"volume": "own"}})
    deeds.act(cloud, the_server(cloud), "shelve")
    shelved = the_server(cloud)
    shelved["name"] = "db"
    settle(cloud, server, **WEB)
    with pytest.raises(Refused, match=f"volume own has status reserved, by attachment .* for {shelved['id']}"):
        planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "own"}})


@pytest.mark.parametrize("named", [True, False])
def test_a_further_disk_of_the_server_is_not_made_its_boot_disk(named: bool) -> None:
    cloud = a_cloud(a_volume("data"), options={"block_devices": ["vdb=data"]})
    more = {"block_devices": ["vdb=data"]} if named else {}
    with pytest.raises(Refused, match=r"volume data \(.*\) is one of its further disks\. Detach it first") as refused:
        planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "data"}}, **more)
    assert f"openstack server remove volume {the_server(cloud)['id']} {uuid_of('data')}" in str(refused.value)


def test_a_disk_that_is_to_be_both_is_refused() -> None:
    with pytest.raises(Refused, match="further disks"):
        planned(a_cloud(), server, **EXCHANGE, block_devices=[{"volume_id": "other"}])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"locked": True}, "it is locked"),
        ({"status": "PAUSED"}, "boot volume of .* PAUSED"),
        ({"status": "RESCUE"}, "RESCUE"),
    ],
)
def test_a_server_that_may_not_be_replaced_is_left(fields: Json, words: str) -> None:
    cloud = a_cloud()
    the_server(cloud).update(fields)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **EXCHANGE)


def test_what_would_be_lost_is_permitted_first() -> None:
    with pytest.raises(Refused, match="replace_may_lose"):
        planned(a_cloud(), server, **{**EXCHANGE, "replace_may_lose": []})


# Broken off


@pytest.mark.parametrize("going", [True, False])
@pytest.mark.parametrize("instant", range(1, 30))
def test_a_run_that_is_killed_is_finished_by_the_next(instant: int, going: bool) -> None:
    cloud: Mortal = a_cloud(
        blank("data"), cls=Mortal,
        options={"boot": {"image": "debian", "delete_on_termination": going}, "block_devices": ["vdb=data:::1"]},
    )  # fmt: skip
    old, before = the_server(cloud)["_root"], addresses(cloud)
    wish = {**EXCHANGE, "boot_volume_on_delete": "delete"}
    cloud.instants, cloud.breaks_at = 0, instant
    try:
        run(cloud, wish)
    except Killed:
        cloud.breaks_at = -1
        run(cloud, wish)
    cloud.breaks_at = -1
    assert (disks(cloud), goes(cloud), addresses(cloud)) == (["other", "data"], [False, True], before)
    assert cloud.volumes[old]["status"] == "available"
    assert planned(cloud, server, **wish).changed is False


def test_a_run_that_finishes_one_names_the_kept_disk_too() -> None:
    cloud: Mortal = a_cloud(cls=Mortal)
    old = the_server(cloud)["_root"]
    cloud.instants, cloud.breaks_at = 0, 6  # the server is just gone
    with pytest.raises(Killed):
        run(cloud, EXCHANGE)
    cloud.breaks_at = -1
    for _moment in range(3):
        cloud.tick()
    assert cloud.compute.servers == {}
    assert run(cloud, EXCHANGE).result == {"kept_boot_volume": {"id": old, "name": "web-boot"}}


def test_where_the_new_server_fails_and_is_made_anew_the_kept_disk_is_still_the_old_one() -> None:
    cloud = a_cloud()
    old = the_server(cloud)["_root"]
    cloud.compute.servers_end_in = "ERROR"
    with pytest.raises(Refused, match="it is in ERROR"):
        run(cloud, EXCHANGE)
    cloud.compute.servers_end_in = "ACTIVE"
    wish = {**EXCHANGE, "recreate": "on_error"}
    assert any(f"web-boot ({old}) is kept" in warning for warning in planned(cloud, server, **wish).warnings)
    ran = run(cloud, wish)
    assert ran.result == {"kept_boot_volume": {"id": old, "name": "web-boot"}}
    assert any(f"and keep volume web-boot ({old})" in action for action in ran.way.actions)


def test_where_the_exchange_is_given_up_before_the_server_goes_all_is_as_it_was() -> None:
    cloud: Mortal = a_cloud(cls=Mortal, options={"boot": {"image": "debian", "delete_on_termination": True}})
    cloud.instants, cloud.breaks_at = 0, 4  # noted, and switched
    with pytest.raises(Killed):
        run(cloud, EXCHANGE)
    cloud.breaks_at = -1
    assert goes(cloud) == [False]
    with pytest.raises(BfvError, match="is wanted"):
        run(cloud, OTHER)
    assert (goes(cloud), disks(cloud)) == ([True], ["web-boot"])
    assert not [key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")]


# What Nova would find out when the server is gone


@pytest.mark.parametrize(
    "wish",
    [EXCHANGE, {**WEB, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}],
    ids=["disk", "flavor"],
)
def test_a_disk_whose_image_wants_more_memory_than_the_flavor_has_leaves_the_server(wish: Json) -> None:
    """nova/compute/api.py, _validate_flavor_image_nostatus, by the properties that Cinder keeps of the image, all of them text."""
    cloud = a_cloud()
    for one in cloud.volumes.values():
        one["volume_image_metadata"] = {"image_id": uuid_of("debian"), "min_ram": "1024"}
    with pytest.raises(
        Refused, match=r"its boot volume .* was made from an image that wants 1024 MiB of RAM, and flavor (small|large) has 512"
    ):
        planned(cloud, server, **wish)


def test_a_disk_in_another_zone_is_told_since_only_the_cloud_knows_whether_it_may_be_attached() -> None:
    cloud = a_cloud(a_volume("far", availability_zone="az1"))
    plan = planned(cloud, server, **{**EXCHANGE, "boot": {"volume": "far"}})
    assert any("is in zone az1, and the one before it in nova" in warning for warning in plan.warnings)
    assert not any("zone" in warning for warning in planned(cloud, server, **EXCHANGE).warnings)


def test_the_kept_disk_is_named_where_the_server_was_at_work_at_first() -> None:
    cloud = a_cloud()
    old = the_server(cloud)["_root"]
    the_server(cloud).update({"status": "REBOOT", "_next": {"status": "ACTIVE"}})
    assert planned(cloud, server, **EXCHANGE).result == {}
    assert run(cloud, EXCHANGE).result == {"kept_boot_volume": {"id": old, "name": "web-boot"}}
