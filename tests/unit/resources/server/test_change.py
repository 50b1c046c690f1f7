# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are there: what is changed in place."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import requests, root
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.record import Server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.root import Attachment
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
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
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, a_project, blank, disks, goes, the_server, with_server

_TASK = "OS-EXT-STS:task_state"


def change(cloud: FakeCloud, **options: Any) -> list[str]:
    """What the change writes, until a second run finds nothing to do. Check mode has said the same, where nothing is at work."""
    first = planned(cloud, server, **{**WEB, **options})
    settle(cloud, server, **{**WEB, **options})
    actions = [request.what for request in cloud.writes]
    assert actions == first.actions or (first.waiting and not first.steps)
    again = planned(cloud, server, **{**WEB, **options})
    assert (again.settled, again.changed) == (True, False)
    return actions


# delete_on_termination, metadata, further volumes


@pytest.mark.parametrize("wanted", [True, False])
def test_delete_on_termination_is_changed_in_place(wanted: bool) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": not wanted}})
    actions = change(cloud, boot={"image": "debian", "delete_on_termination": wanted})
    assert (goes(cloud), len(actions)) == ([wanted], 1)


@pytest.mark.parametrize("found", [True, False])
def test_delete_on_termination_is_left_where_it_is_not_named(found: bool) -> None:
    cloud = with_server(options={"boot": {"image": "debian", "delete_on_termination": found}})
    assert (change(cloud), goes(cloud)) == ([], [found])


def test_delete_on_termination_of_a_further_volume_is_changed_in_place() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data:::0"]})
    change(cloud, block_devices=["vdb=data:::1"])
    assert goes(cloud) == [False, True]


def test_metadata_is_merged_and_null_removes() -> None:
    cloud = with_server(options={"metadata": {"rack": "3", "old": "x", "a b": "1"}})
    actions = change(cloud, metadata={"old": None, "a b": None, "new": 7, "never": None})
    assert (the_server(cloud)["metadata"], len(actions)) == ({"rack": "3", "new": "7"}, 3)


def test_a_volume_that_is_asked_for_is_attached_live() -> None:
    cloud = with_server(blank("data"))
    actions = change(cloud, block_devices=["vdb=data:::1"])
    assert (disks(cloud), goes(cloud)) == (["web-boot", "data"], [False, True])
    assert actions == [f"attach volume {uuid_of('data')} to server web"]


def test_volumes_that_somebody_else_attached_are_left_alone() -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data"]})
    assert (change(cloud), disks(cloud)) == ([], ["web-boot", "data"])


@pytest.mark.parametrize(
    ("volumes", "words"),
    [((), "Cinder shows none of that name"), ((blank("data", **attached("other")),), "attached to other and is not multiattach")],
)
def test_a_volume_that_cannot_be_attached_is_refused(volumes: tuple[Json, ...], words: str) -> None:
    cloud = with_server(*volumes)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **WEB, block_devices=["vdb=data"], metadata={"a": "b"})


@pytest.mark.parametrize(("fields", "refused"), [({}, True), ({_TASK: "deleting"}, False)])
def test_a_volume_that_another_server_has_is_not_attached_though_cinder_shows_it_as_available(
    fields: Json, refused: bool
) -> None:
    """One that is being deleted is at work no more when it has let go of its volumes."""
    cloud = with_server(blank("data"))
    other = a_server("db", "data", **fields)
    cloud.compute.servers[other["id"]] = other
    with pytest.raises(Refused, match=r"volume data .* is a disk of server db") if refused else nullcontext():
        planned(cloud, server, **WEB, block_devices=["vdb=data"])


def test_a_volume_for_several_may_be_of_another_server_as_well() -> None:
    cloud = with_server(blank("data", multiattach=True), servers=[a_server("db", "data")])
    assert planned(cloud, server, **WEB, block_devices=["vdb=data"]).changed


def test_disks_that_nova_makes_are_made_with_a_new_server_only() -> None:
    cloud = with_server()
    blank_one = {"source_type": "blank", "destination_type": "volume", "volume_size": 5}
    assert change(cloud, block_devices=[blank_one]) == []


def test_nothing_is_attached_to_bare_metal_later() -> None:
    cloud = with_server(blank("data"), options={"flavor": "metal"})
    with pytest.raises(Refused, match="it is bare metal"):
        planned(cloud, server, **{**WEB, "flavor": "metal"}, block_devices=["vdb=data"])


# states


@pytest.mark.parametrize(("state", "status"), [("started", "ACTIVE"), ("stopped", "SHUTOFF")])
@pytest.mark.parametrize("before", ["started", "stopped"])
def test_a_server_is_started_and_stopped(before: str, state: str, status: str) -> None:
    cloud = with_server(options={"state": before})
    actions = change(cloud, state=state)
    assert (the_server(cloud)["status"], len(actions)) == (status, int(before != state))


@pytest.mark.parametrize("before", ["started", "stopped"])
def test_present_leaves_it_open_whether_the_server_runs(before: str) -> None:
    assert change(with_server(options={"state": before}), state="present") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "BUILD"},
        {"status": "REBUILD", "_next": {"status": "ACTIVE"}},
        {"status": "HARD_REBOOT", "_next": {"status": "ACTIVE"}},
        {_TASK: "powering-off", "_next": {"status": "ACTIVE"}},
    ],
)
def test_a_server_at_work_is_waited_for(fields: Json) -> None:
    cloud = with_server()
    the_server(cloud).update(fields)
    plan = planned(cloud, server, **WEB, state="stopped", metadata={"a": "b"})
    assert (plan.actions, "to come to rest" in plan.waiting) == ([], True)
    change(cloud, state="stopped", metadata={"a": "b"})
    assert the_server(cloud)["status"] == "SHUTOFF"


def test_a_server_that_is_being_deleted_is_made_anew_on_its_disk() -> None:
    cloud = with_server()
    the_server(cloud)[_TASK] = "deleting"
    settle(cloud, server, **WEB)
    assert (disks(cloud), len(cloud.volumes)) == (["web-boot"], 1)


# Drift


DRIFT: list[tuple[Json, str]] = [
    ({"key_name": "operations"}, "key_name is none, and operations is wanted"),
    ({"availability_zone": "az1"}, "availability_zone is nova, and az1 is wanted"),
    ({"security_groups": ["web"]}, "security_groups are default, and web are wanted"),
    ({"boot": {"image": "debian", "size": 20}}, "its boot volume has 3 GiB, and boot.size is 20"),
    ({"boot": {"image": "debian", "volume_type": "fast"}}, "its boot volume has type lvm, and boot.volume_type is fast"),
]


@pytest.mark.parametrize(("options", "words"), DRIFT)
def test_what_cannot_be_changed_in_place_is_reported_and_left(options: Json, words: str) -> None:
    cloud = with_server(a_volume("other"))
    plan = planned(cloud, server, **{**WEB, **options})
    assert (plan.settled, plan.changed, len(plan.warnings)) == (True, False, 1)
    assert words in plan.warnings[0]
    (differs,) = left(cloud, **options)
    assert differs.startswith(words)


def left(cloud: FakeCloud, **options: Any) -> list[str]:
    """What the module returns of what it leaves as it is."""
    want = server.wanted({**WEB, **options})
    result: Any = server.result(want, server.observe(cloud, want))["differs"]  # type: ignore[arg-type]
    return result  # type: ignore[no-any-return]


def test_what_is_as_wanted_is_not_reported() -> None:
    options: Json = {"key_name": "operations", "security_groups": ["web", "default"], "availability_zone": "az1"}
    cloud = with_server(options=options)
    assert planned(cloud, server, **{**WEB, **options, "security_groups": ["default", "web"]}).warnings == ()
    assert left(cloud, **{**options, "security_groups": ["default", "web"]}) == []


def test_what_is_not_known_and_what_is_to_go_is_no_difference() -> None:
    cloud = with_server()
    cloud.images.clear()
    assert len(planned(cloud, server, **WEB).warnings) == 1  # whether its disk was made from the image
    assert left(cloud) == []
    assert left(cloud, key_name="operations", state="absent") == []


def on_a_local_disk(*volumes: Json) -> FakeCloud:
    """A server that does not boot from a volume, and has one for its data."""
    data = blank("data", **attached(uuid_of("server web"), "/dev/vdb"))
    return a_project(data, *volumes, servers=[a_server("web", "data", image={"id": uuid_of("fedora")})])


@pytest.mark.parametrize("boot", [{"image": "debian"}, {"volume": "root"}, {"snapshot": "friday"}])
@pytest.mark.parametrize("how", [{}, {"on_image_change": "replace"}, {"on_image_change": "reimage"}])
def test_a_server_on_a_local_disk_is_reported_and_keeps_it(boot: Json, how: Json) -> None:
    plan = planned(on_a_local_disk(a_volume()), server, **{**WEB, "boot": boot}, **how)
    assert (plan.settled, "local disk" in " ".join(plan.warnings)) == (True, True)


def test_a_server_on_a_local_disk_is_not_replaced() -> None:
    with pytest.raises(Refused, match=r"local disk|not attached to it"):
        planned(on_a_local_disk(), server, **{**WEB, "flavor": "large"}, on_flavor_change="replace")


def test_data_of_a_server_on_a_local_disk_does_not_go_as_its_boot_volume() -> None:
    cloud = on_a_local_disk()
    settle(cloud, server, name="web", state="absent", boot_volume_on_delete="delete")
    assert uuid_of("data") in cloud.volumes


# Servers of somebody else


@pytest.mark.parametrize("name", ["", "anything", "web"])
def test_a_server_that_somebody_else_made_is_recognised_without_a_change(name: str) -> None:
    cloud = a_project(a_volume(name, id="x", **of_image(), **attached(uuid_of("server web"))), blank("x"), servers=[a_server()])
    volumes = [{"id": "x", "delete_on_termination": True}]
    cloud.compute.servers[uuid_of("server web")].update({"os-extended-volumes:volumes_attached": volumes, "image": ""})
    plan = planned(cloud, server, **WEB)
    assert (plan.settled, plan.changed, plan.warnings) == (True, False, ())


def test_of_several_volumes_the_root_device_is_the_boot_volume() -> None:
    one = uuid_of("server web")
    there = [
        blank("a", **attached(one, "/dev/vdb")),
        a_volume("b", **of_image(), **attached(one)),
        blank("c", **attached(one, "/dev/vdc")),
    ]
    cloud = a_project(*there, servers=[a_server("web", "a", "b", "c", _root=uuid_of("b"))])
    change(cloud, boot={"image": "debian", "delete_on_termination": True})
    assert goes(cloud) == [True, False, False]


def test_a_server_is_managed_by_its_id() -> None:
    cloud = with_server()
    one = the_server(cloud)["id"]
    settle(cloud, server, id=one, state="stopped", boot={"delete_on_termination": True}, metadata={"a": "b"})
    assert (the_server(cloud)["status"], goes(cloud), the_server(cloud)["metadata"]) == ("SHUTOFF", [True], {"a": "b"})


@pytest.mark.parametrize(
    "options",
    [
        {"state": "stopped"},
        {"state": "shelved"},
        {"boot": {"image": "fedora"}, "on_image_change": "reimage"},
    ],
    ids=["stop", "shelve", "reimage"],
)
def test_a_server_is_read_again_directly_before_its_work_ends(options: Json) -> None:
    cloud = with_server()
    (request,) = planned(cloud, server, **{**WEB, **options}).requests
    the_server(cloud)[_TASK] = "migrating"
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)
    assert cloud.writes == []


def test_of_a_volume_that_came_off_meanwhile_nova_may_still_tell_the_device() -> None:
    one = Server("one", "web", "ACTIVE", disks={"a": False, "b": False})
    there = [Attachment("a", "/dev/vdb"), Attachment("gone", "/dev/vda"), Attachment("b", "/dev/vdc")]
    assert root.of(one, there) is None
    assert root.of(one, [Attachment("a", "/dev/vda"), *there]) == "a"


# resize


def test_another_flavor_is_refused_without_permission() -> None:
    with pytest.raises(Refused, match=r"its flavor is small, and large is wanted\. Permit the change with on_flavor_change"):
        planned(with_server(), server, **{**WEB, "flavor": "large"})


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_a_server_is_resized_and_that_is_confirmed(state: str) -> None:
    cloud = with_server(options={"state": state})
    one = the_server(cloud)["id"]
    actions = change(cloud, flavor="large", on_flavor_change="resize")
    assert actions == [f"resize server web ({one}) from small to large", f"confirm the resize of server web ({one})"]
    assert (the_server(cloud)["flavor"]["original_name"], the_server(cloud)["id"]) == ("large", one)
    assert the_server(cloud)["status"] == {"started": "ACTIVE", "stopped": "SHUTOFF"}[state]


def test_a_flavor_by_its_id_is_no_change() -> None:
    assert change(with_server(), flavor=uuid_of("flavor small"), on_flavor_change="replace") == []


def test_a_resize_that_an_earlier_run_began_is_confirmed() -> None:
    cloud = with_server()
    cloud.compute._act(*_resize(cloud, "large"))
    one = the_server(cloud)["id"]
    assert change(cloud, flavor="large", on_flavor_change="resize") == [f"confirm the resize of server web ({one})"]


def test_the_resize_of_a_locked_server_is_not_confirmed() -> None:
    cloud = with_server()
    cloud.compute._act(*_resize(cloud, "large"))
    cloud.tick()
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match="Failed to confirm the resize of server web: it is locked"):
        planned(cloud, server, **{**WEB, "flavor": "large"}, on_flavor_change="resize")


def test_a_change_that_is_not_permitted_is_refused_for_that_in_every_status() -> None:
    cloud = with_server()
    the_server(cloud)["status"] = "PAUSED"
    with pytest.raises(Refused, match="Permit the change with on_flavor_change"):
        planned(cloud, server, **{**WEB, "flavor": "large"})


@pytest.mark.parametrize("state", ["present", "started", "stopped"])
@pytest.mark.parametrize("how", ["fail", "resize", "replace"])
def test_field_d12_a_resize_to_another_flavor_is_left_to_who_began_it(how: str, state: str) -> None:
    cloud = with_server()
    cloud.compute._act(*_resize(cloud, "large"))
    cloud.tick()
    with pytest.raises(Refused, match=r"it was resized to large, and that waits for a decision.*openstack server resize revert"):
        planned(cloud, server, **WEB, on_flavor_change=how, state=state)


@pytest.mark.parametrize("options", [{}, {"flavor": "large"}, {"on_flavor_change": "resize"}])
@pytest.mark.parametrize("state", ["started", "stopped"])
def test_field_d12_a_resize_that_the_task_does_not_ask_for_is_not_confirmed_for_a_state(options: Json, state: str) -> None:
    cloud = with_server()
    cloud.compute._act(*_resize(cloud, "large"))
    cloud.tick()
    with pytest.raises(Refused, match="waits for a decision"):
        planned(cloud, server, name="web", state=state, **options)


def test_field_d12_what_a_resize_does_not_concern_is_changed_beside_it_and_it_is_told() -> None:
    cloud = with_server()
    cloud.compute._act(*_resize(cloud, "large"))
    cloud.tick()
    plan = planned(cloud, server, name="web")
    assert (plan.settled, plan.changed) == (True, False)
    assert "waits to be confirmed or reverted" in plan.warnings[0]


def _resize(cloud: FakeCloud, flavor: str) -> Any:
    request = Request("resize", "compute", "POST", "", "server")
    return request, the_server(cloud), "resize", {"flavorRef": a_flavor(flavor)["id"]}


def test_a_resize_that_fails_is_not_tried_for_ever() -> None:
    cloud = with_server()
    cloud.compute.resizes_fail = True
    with pytest.raises(Refused, match=r"«resize server web \(.*\) from small to large», and it is needed again"):
        settle(cloud, server, **{**WEB, "flavor": "large"}, on_flavor_change="resize")
    assert len(cloud.writes) == 1


def test_a_server_at_which_somebody_is_at_work_meanwhile_is_not_resized() -> None:
    """It would be powered off."""
    cloud = with_server()
    plan = planned(cloud, server, **{**WEB, "flavor": "large"}, on_flavor_change="resize")
    request = plan.requests[0]
    (one,) = cloud.compute.servers.values()
    assert [permit.id for permit in request.permits] == [one["id"]]
    one["OS-EXT-STS:task_state"] = "image_snapshot"
    with pytest.raises(Refused, match="Somebody else is at work on it"):
        cloud.send(request)


@pytest.mark.parametrize("how", ["resize", "replace"])
def test_a_flavor_that_cannot_boot_from_a_volume_is_refused(how: str) -> None:
    with pytest.raises(Refused, match="flavor large cannot boot from a volume"):
        planned(with_server(), server, **{**WEB, "flavor": "large"}, on_flavor_change=how, flavor_denylist=["large"])


@pytest.mark.parametrize("how", ["resize", "replace"])
def test_an_unknown_flavor_is_refused(how: str) -> None:
    with pytest.raises(Refused, match="Failed to find flavor huge"):
        planned(with_server(), server, **{**WEB, "flavor": "huge"}, on_flavor_change=how)


# reimage


def test_another_image_is_refused_without_permission() -> None:
    with pytest.raises(Refused, match="its boot volume was not made from image fedora"):
        planned(with_server(), server, **{**WEB, "boot": {"image": "fedora"}})


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_the_image_is_written_onto_the_disk_where_that_is_permitted(state: str) -> None:
    cloud = with_server(options={"state": state})
    one = the_server(cloud)["id"]
    actions = change(cloud, boot={"image": "fedora"}, on_image_change="reimage")
    (disk,) = cloud.volumes.values()
    assert actions == [f"reimage server web ({one}) with image fedora"]
    assert (the_server(cloud)["id"], disk["volume_image_metadata"]["image_id"]) == (one, uuid_of("fedora"))


def test_a_reimage_that_fails_is_not_tried_for_ever() -> None:
    cloud = with_server()
    cloud.compute.rebuilds_fail = True
    with pytest.raises(Refused, match=r"«reimage server web \(.*\) with image fedora», and it is needed again"):
        settle(cloud, server, **{**WEB, "boot": {"image": "fedora"}}, on_image_change="reimage")
    assert len(cloud.writes) == 1


def test_bare_metal_is_not_reimaged() -> None:
    cloud = with_server(options={"flavor": "metal"})
    with pytest.raises(Refused, match="bare metal, and Ironic does not rebuild from volumes"):
        planned(cloud, server, **{**WEB, "flavor": "metal", "boot": {"image": "fedora"}}, on_image_change="reimage")


# Permits


@pytest.mark.parametrize(("label", "found"), [("web", ["web", "web"]), ("db", ["web"]), ("web", []), ("WEB", ["web"])])
def test_a_server_is_named_only_by_a_task_that_means_it_alone(label: str, found: list[str]) -> None:
    servers = [Server(f"id {number}", name, "ACTIVE") for number, name in enumerate(found)]
    assert [requests.named(one, servers[:1]).id for one in ("web", "id 0") if servers] == ["id 0"] * (2 if servers else 0)
    with pytest.raises(Refused, match="have that name or id"):
        requests.named(label, servers)


def test_a_disk_goes_with_its_server_only_by_a_permit() -> None:
    one = Server("one", "web", "ACTIVE", disks={"disk": False})
    permits.check(requests.set_fate(one, "disk", goes=False))
    with pytest.raises(Refused, match="has no permit for it"):
        permits.check(requests.set_fate(one, "disk", goes=True))
    of = requests.named("web", [one])
    permits.check(requests.set_fate(one, "disk", goes=True, permit=permits.part("disk", "one", of)))
