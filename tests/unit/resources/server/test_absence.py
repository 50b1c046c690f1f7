# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that go, and what becomes of their disks."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import note
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server.note import Note
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
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
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import a_project, blank, the_server, with_server

GONE: Json = {"name": "web", "state": "absent"}


def there(going: bool, *volumes: Json, **options: Any) -> FakeCloud:
    return with_server(*volumes, options={"boot": {"image": "debian", "delete_on_termination": going}, **options})


def remove(cloud: FakeCloud, **options: Any) -> list[str]:
    """What is written, until a second run finds nothing to do. Check mode has said the same."""
    foreseen = planned(cloud, server, **GONE, **options).actions
    settle(cloud, server, **GONE, **options)
    actions = [request.what for request in cloud.writes]
    assert actions == foreseen
    assert cloud.compute.servers == {}
    cloud.tick()
    again = planned(cloud, server, **GONE, **options)
    assert (again.settled, again.changed) == (True, False)
    return actions


@pytest.mark.parametrize("going", [True, False])
@pytest.mark.parametrize(
    ("fate", "left"), [("as_attached", {True: 0, False: 1}), ("keep", {True: 1, False: 1}), ("delete", {True: 0, False: 0})]
)
def test_the_disk_goes_or_stays_as_asked_for(going: bool, fate: str, left: dict[bool, int]) -> None:
    cloud = there(going)
    remove(cloud, boot_volume_on_delete=fate)
    assert len(cloud.volumes) == left[going]


def test_the_disk_is_told_to_nova_only_where_that_changes_something() -> None:
    told = {
        fate + str(going): sum(
            action.startswith(("keep", "delete volume")) for action in remove(there(going), boot_volume_on_delete=fate)
        )
        for going in (True, False)
        for fate in ("delete", "keep")
    }
    assert told == {"deleteTrue": 0, "keepFalse": 0, "deleteFalse": 1, "keepTrue": 1}


def test_the_fate_is_noted_before_and_no_note_stays_on_a_disk_that_is_kept() -> None:
    cloud = there(True)
    actions = remove(cloud, boot_volume_on_delete="keep")
    assert [action.split()[0] for action in actions] == ["note", "keep", "delete", *["remove"] * (len(actions) - 3)]
    (disk,) = cloud.volumes.values()
    assert not [key for key in disk["metadata"] if key.startswith("bfv_note")]


@pytest.mark.parametrize("fate", ["as_attached", "keep", "delete"])
@pytest.mark.parametrize("on_its_own", [True, False])
def test_what_a_server_before_it_of_that_name_left_noted_is_foreseen_too(fate: str, on_its_own: bool) -> None:
    """A note stays where a replacement came to no end and somebody made another server of the name."""
    cloud = there(True, a_volume("old"))
    disk = the_server(cloud)["_root"] if on_its_own else uuid_of("old")
    seen = volume_record.from_api(cloud.volumes[disk])
    noted = note.noted_on(seen, Note(uuid_of("before it"), "web", disk, "2026-01-01T00:00:00Z", {disk: True}))
    cloud.volumes[disk]["metadata"] = dict(noted.metadata)
    actions = remove(cloud, boot_volume_on_delete=fate)
    if on_its_own and fate != "keep":  # it goes with the disk
        assert [action.split()[0] for action in actions] == ["delete"]
    assert not [key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")]


@pytest.mark.parametrize("fate", ["as_attached", "keep", "delete"])
def test_further_volumes_stay_as_they_are_attached(fate: str) -> None:
    cloud = there(False, blank("data"), block_devices=["vdb=data:::0"])
    remove(cloud, boot_volume_on_delete=fate)
    assert uuid_of("data") in cloud.volumes


def test_what_is_not_there_is_not_removed() -> None:
    cloud = a_project(blank("data"))
    assert (remove(cloud), cloud.writes) == ([], [])


def test_a_server_that_is_being_deleted_is_waited_for() -> None:
    cloud = there(False)
    the_server(cloud)["OS-EXT-STS:task_state"] = "deleting"
    assert (remove(cloud), cloud.writes) == ([], [])


def test_a_server_in_error_is_removed() -> None:
    cloud = there(False)
    one = the_server(cloud)["id"]
    the_server(cloud)["status"] = "ERROR"
    assert remove(cloud) == [f"delete server web ({one})"]


def test_a_server_that_never_had_a_disk_is_removed_whatever_is_to_become_of_that() -> None:
    cloud = there(False)
    one = the_server(cloud)["id"]
    the_server(cloud).update({"status": "ERROR", "os-extended-volumes:volumes_attached": [], "_root": None})
    assert remove(cloud, boot_volume_on_delete="delete") == [f"delete server web ({one})"]


def test_a_server_is_removed_by_its_id() -> None:
    cloud = there(False)
    settle(cloud, server, id=the_server(cloud)["id"], state="absent", boot_volume_on_delete="delete")
    assert (cloud.compute.servers, cloud.volumes) == ({}, {})


def test_a_server_whose_name_matches_twice_is_not_removed() -> None:
    with pytest.raises(Refused, match="2 servers have that name"):
        planned(a_project(servers=[a_server(), a_server(id="y")]), server, **GONE)


@pytest.mark.parametrize("boot", [{}, {"image": "hurd"}, {"snapshot": "hurd"}])
def test_what_it_would_boot_from_does_not_matter_for_a_removal(boot: Json) -> None:
    cloud = there(False)
    one = the_server(cloud)["id"]
    assert remove(cloud, boot=boot) == [f"delete server web ({one})"]


@pytest.mark.parametrize("name", ["", "anything"])
def test_the_disk_of_a_server_that_somebody_else_made_goes_where_that_is_asked_for(name: str) -> None:
    theirs = a_volume(name, id=uuid_of("theirs"), **of_image(), **attached(uuid_of("server web")))
    cloud = a_project(theirs, servers=[a_server("web", "theirs")])
    remove(cloud, boot_volume_on_delete="delete")
    assert cloud.volumes == {}


@pytest.mark.parametrize("fate", ["as_attached", "keep", "delete"])
@pytest.mark.parametrize("boot", [{}, {"volume": "web-boot"}, {"image": "debian"}])
def test_field_d7_nothing_is_deleted_of_a_server_that_is_not_there(fate: str, boot: Json) -> None:
    """Whatever the disk says of itself: this run has not seen it attached."""
    disk = a_volume("web-boot")
    cloud = a_project({**disk, "metadata": {"bfv_boot_of": "web", "bfv_made": disk["id"]}})
    assert remove(cloud, boot_volume_on_delete=fate, boot=boot) == []
    assert list(cloud.volumes) == [disk["id"]]


def test_ports_that_were_given_stay() -> None:
    cloud = there(False, networks="internal")
    assert len(cloud.network.ports) == 1
    remove(cloud)
    assert cloud.network.ports == {}


def test_a_diff_shows_that_it_goes() -> None:
    plan = planned(there(False), server, **GONE)
    assert (plan.before["name"], plan.after) == ("web", {})
