# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further disks that a server has and the task does not name: kept, or detached by permission; never deleted, and never the root."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import requests
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.record import Server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, attached, planned, settle, uuid_of
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, blank, disks, the_server, with_server

DETACH: Json = {"name": "web", "other_volumes": "detach"}
SET_ASIDE = {"SHELVED_OFFLOADED": "shelve", "SUSPENDED": "suspend", "PAUSED": "pause"}


def a_cloud(*names: str, going: bool = False, cls: type[Any] = FakeCloud, **options: Any) -> Any:
    """A server with these further disks."""
    devices = [{"volume_id": name, "delete_on_termination": going} for name in names]
    return with_server(*map(blank, names), cls=cls, options={"block_devices": devices, **options})


def detached(cloud: FakeCloud, **options: Any) -> list[str]:
    """What a run does: what check mode foresees; every volume is there afterwards, and a second run does nothing."""
    wish, there = {**DETACH, **options}, set(cloud.volumes)
    foreseen = planned(cloud, server, **wish).actions
    cloud.writes.clear()
    settle(cloud, server, **wish)
    done = [request.what for request in cloud.writes]
    new = the_server(cloud)["id"]
    assert done == [action.replace("(known when the server is there)", new) for action in foreseen]
    cloud.tick()
    assert (set(cloud.volumes), {one["status"] for one in cloud.volumes.values()} & {"deleting", "detaching"}) == (there, set())
    again = planned(cloud, server, **wish)
    assert (again.settled, again.changed) == (True, False)
    return done


def test_what_the_task_does_not_name_is_kept_where_it_does_not_say_otherwise() -> None:
    cloud = a_cloud("data")
    for options in ({}, {"other_volumes": "keep"}):
        assert planned(cloud, server, name="web", **options).changed is False


@pytest.mark.parametrize("state", ["present", "stopped", "started", "shelved"])
@pytest.mark.parametrize("going", [True, False])
def test_what_the_task_does_not_name_is_detached_and_never_deleted(going: bool, state: str) -> None:
    cloud = a_cloud("logs", "data", going=going)
    one = the_server(cloud)
    actions = detached(cloud, block_devices=[{"volume_id": "data"}], state=state)
    words = [f"detach volume {uuid_of('logs')} from server web"]
    assert actions[: 1 + going] == [f"keep volume {uuid_of('logs')} when server web is deleted"] * going + words
    assert (disks(cloud), the_server(cloud)["id"]) == (["web-boot", "data"], one["id"])
    assert cloud.volumes[uuid_of("logs")]["status"] == "available"


@pytest.mark.parametrize("going", [True, False])
def test_of_a_shelved_server_nova_would_delete_what_goes_with_it_and_that_is_switched_first(going: bool) -> None:
    """nova/compute/api.py, _detach_volume_shelved_offloaded: "If the volume has delete_on_termination option set then we call the volume api delete"."""
    cloud = a_cloud("data", going=going)
    deeds.act(cloud, the_server(cloud), "shelve")
    detached(cloud)
    assert (disks(cloud), cloud.volumes[uuid_of("data")]["status"]) == (["web-boot"], "available")


def test_several_are_detached_one_after_the_other() -> None:
    cloud = a_cloud("a", "b", "c")
    assert [words.split()[2] for words in detached(cloud)] == [uuid_of(one) for one in "abc"]
    assert disks(cloud) == ["web-boot"]


def test_one_is_detached_and_another_one_attached() -> None:
    cloud = a_cloud("old")
    cloud.volumes[uuid_of("new")] = blank("new")
    assert [words.split()[0] for words in detached(cloud, block_devices=[{"volume_id": "new"}], state="stopped")] == [
        "detach", "attach", "stop",
    ]  # fmt: skip
    assert disks(cloud) == ["web-boot", "new"]


def test_a_named_disk_is_no_other_one_by_its_name_and_its_id() -> None:
    cloud = a_cloud("data")
    for reference in ("data", uuid_of("data")):
        assert planned(cloud, server, **DETACH, block_devices=[{"volume_id": reference}]).changed is False


def test_they_stand_in_the_diff() -> None:
    plan = planned(a_cloud("data"), server, **DETACH)
    assert [line.partition(":")[0] for line in plan.destroys] == [uuid_of("data")]
    assert [len(side["volumes"]) for side in (plan.before, plan.after)] == [2, 1]  # type: ignore[arg-type]


def test_a_server_is_replaced_and_lets_them_go_then() -> None:
    cloud = a_cloud("data")
    detached(cloud, flavor="large", on_flavor_change="replace", replace_may_lose=["user_data"])
    assert (disks(cloud), the_server(cloud)["flavor"]["original_name"]) == (["web-boot"], "large")


def test_a_server_that_was_set_aside_is_brought_back_first_where_the_task_wants_that() -> None:
    cloud = a_cloud("data", going=True)
    deeds.act(cloud, the_server(cloud), "shelve")
    assert [words.split()[0] for words in detached(cloud, state="started")] == ["unshelve", "keep", "detach"]


def test_one_that_somebody_is_just_detaching_is_waited_for() -> None:
    cloud = a_cloud("data")
    cloud.compute.send(requests.detach(Server(the_server(cloud)["id"], "web", "ACTIVE"), uuid_of("data"), permits.Permit("", "")))
    plan = planned(cloud, server, **DETACH)
    assert (plan.steps, plan.waiting) == ((), f"volume {uuid_of('data')} to be detached from server web")
    settle(cloud, server, **DETACH)
    assert disks(cloud) == ["web-boot"]


def test_one_that_only_another_server_holds_any_more_is_waited_for() -> None:
    cloud = a_cloud("data")
    cloud.volumes[uuid_of("data")].update({"multiattach": True, **attached("others")})
    assert planned(cloud, server, **DETACH).steps == ()


def test_one_that_cinder_does_not_show_is_not_taken_for_the_next() -> None:
    cloud = a_cloud("hidden", "leaving")
    del cloud.volumes[uuid_of("hidden")]
    cloud.volumes[uuid_of("leaving")]["status"] = "detaching"
    assert planned(cloud, server, **DETACH).actions == [f"detach volume {uuid_of('hidden')} from server web"]


def test_one_that_does_not_come_off_is_not_tried_for_ever() -> None:
    cloud = a_cloud("data")
    cloud.compute.detachments_fail = True
    with pytest.raises(Refused, match="it is needed again"):
        settle(cloud, server, **DETACH)
    assert sum(request.method == "DELETE" for request in cloud.writes) == 1


@pytest.mark.parametrize("instant", range(1, 12))
def test_a_run_that_is_killed_is_finished_by_the_next(instant: int) -> None:
    cloud: Mortal = a_cloud("a", "b", going=True, cls=Mortal)
    cloud.instants, cloud.breaks_at = 0, instant
    try:
        settle(cloud, server, **DETACH)
    except Killed:
        cloud.breaks_at = -1
        settle(cloud, server, **DETACH)
    cloud.breaks_at = -1
    assert disks(cloud) == ["web-boot"]
    assert {cloud.volumes[uuid_of(one)]["status"] for one in "ab"} == {"available"}


def test_what_somebody_let_go_of_in_cinder_alone_is_waited_for_with_what_would_help() -> None:
    """Nova detaches only what Cinder calls in-use (cinder/volume/api.py, begin_detaching), and its record may only lag behind."""
    cloud = a_cloud("data")
    assert planned(cloud, server, **DETACH).waiting == f"volume {uuid_of('data')} to be detached from server web"
    deeds.let_go(cloud.volumes[uuid_of("data")])
    plan = planned(cloud, server, **DETACH)
    assert (plan.steps, "openstack volume set --state in-use --attached" in plan.waiting) == ((), True)


# Refused


def test_where_the_root_is_not_certain_nothing_is_detached() -> None:
    cloud = a_cloud("data")
    the_server(cloud)["_root_device"] = "/dev/vdq"
    for one in the_server(cloud)["os-extended-volumes:volumes_attached"]:
        one["_device"] = f"/dev/vd{'q' if one['id'] == the_server(cloud)['_root'] else 'r'}"
    with pytest.raises(Refused, match="Nova does not tell for certain which of its volumes"):
        planned(cloud, server, **DETACH)


def test_which_of_them_nova_made_with_the_server_is_not_known_and_none_is_detached() -> None:
    made: Json = {"source_type": "blank", "destination_type": "volume", "volume_size": 5}
    cloud = with_server(blank("data"), options={"block_devices": [made, {"volume_id": "data"}]})
    assert planned(cloud, server, **DETACH, block_devices=[made, {"volume_id": "data"}]).changed is False
    with pytest.raises(Refused, match=r"which of its 2 other volumes .* Nova made .* is not known"):
        planned(cloud, server, **DETACH, block_devices=[made])


@pytest.mark.parametrize(("status", "words"), [("SUSPENDED", "its status is SUSPENDED"), ("RESCUE", "its status is RESCUE")])
def test_in_a_status_in_which_nova_detaches_nothing_it_is_refused_first(status: str, words: str) -> None:
    cloud = a_cloud("data")
    the_server(cloud)["status"] = status
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **DETACH)


def test_of_a_locked_server_and_of_bare_metal_nothing_is_detached() -> None:
    cloud = a_cloud("data")
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match="it is locked"):
        planned(cloud, server, **DETACH)
    with pytest.raises(Refused, match="bare metal, from which Nova detaches nothing"):
        planned(a_cloud("data", flavor="metal"), server, **DETACH)


def test_a_volume_in_another_status_is_refused_first() -> None:
    cloud = a_cloud("data")
    cloud.volumes[uuid_of("data")]["status"] = "extending"
    with pytest.raises(Refused, match="the volume has status extending"):
        planned(cloud, server, **DETACH)


def test_what_else_is_wrong_is_found_before_anything_is_detached() -> None:
    cloud = a_cloud("data")
    with pytest.raises(BfvError, match="Cinder shows none of that name"):
        settle(cloud, server, **DETACH, block_devices=[{"volume_id": "nowhere"}])
    assert cloud.writes == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "SHELVED_OFFLOADED"},
        {"os-extended-volumes:volumes_attached": [{"id": uuid_of("data"), "delete_on_termination": True, "_device": "/dev/vdb"}]},
    ],
    ids=["shelved", "goes along"],
)
def test_a_server_is_read_again_directly_before_a_disk_is_detached(changes: Json) -> None:
    """Of a server that is off its host, Nova deletes a disk that goes with it."""
    cloud = a_cloud("data")
    (request,) = planned(cloud, server, **DETACH).requests
    the_server(cloud).update(changes)
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)
    assert cloud.writes == []


def test_a_disk_is_detached_only_by_a_permit() -> None:
    one = Server("one", "web", "ACTIVE", disks={"disk": False})
    of = requests.named("web", [one])
    permits.check(requests.detach(one, "disk", permits.part("disk", "one", of)))
    with pytest.raises(Refused, match="has no permit for it"):
        permits.check(requests.detach(one, "disk", of))


@pytest.mark.parametrize("local", [True, False])
def test_a_server_without_other_volumes_is_left(local: bool) -> None:
    cloud = with_server()
    if local:
        the_server(cloud).update({"image": {"id": uuid_of("debian")}, "os-extended-volumes:volumes_attached": [], "_root": None})
    assert planned(cloud, server, **DETACH).changed is False


def test_nothing_more_is_read_where_nothing_is_to_be_detached() -> None:
    cloud = with_server(options=WEB)
    cloud.reads.clear()
    planned(cloud, server, **WEB)
    before = list(cloud.reads)
    cloud.reads.clear()
    planned(cloud, server, **WEB, other_volumes="detach")
    assert cloud.reads == before
