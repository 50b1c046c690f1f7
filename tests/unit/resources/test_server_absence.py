# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""Servers that go, and what becomes of their disks."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.resources import server
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import Refused
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
    """The actions, until a second run finds nothing to do."""
    actions = [action for plan in settle(cloud, server, **GONE, **options) for action in plan.actions]
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
    for going, fate, number in ((True, "delete", 1), (False, "keep", 1), (False, "delete", 2), (True, "keep", 2)):
        assert len(remove(there(going), boot_volume_on_delete=fate)) == number


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
    the_server(cloud)["status"] = "ERROR"
    assert remove(cloud) == ["delete server web"]


def test_a_server_is_removed_by_its_id() -> None:
    cloud = there(False)
    settle(cloud, server, id=the_server(cloud)["id"], state="absent", boot_volume_on_delete="delete")
    assert (cloud.compute.servers, cloud.volumes) == ({}, {})


def test_a_server_whose_name_matches_twice_is_not_removed() -> None:
    with pytest.raises(Refused, match="2 servers have that name"):
        planned(a_project(servers=[a_server(), a_server(id="y")]), server, **GONE)


@pytest.mark.parametrize("boot", [{}, {"image": "hurd"}, {"snapshot": "hurd"}])
def test_what_it_would_boot_from_does_not_matter_for_a_removal(boot: Json) -> None:
    assert remove(there(False), boot=boot) == ["delete server web"]


@pytest.mark.parametrize("name", ["", "anything"])
def test_the_disk_of_a_server_that_somebody_else_made_goes_where_that_is_asked_for(name: str) -> None:
    theirs = a_volume(name, id=uuid_of("theirs"), **of_image(), **attached(uuid_of("server web")))
    cloud = a_project(theirs, servers=[a_server("web", "theirs")])
    remove(cloud, boot_volume_on_delete="delete")
    assert cloud.volumes == {}


def test_a_disk_that_a_broken_run_left_goes_where_that_is_asked_for() -> None:
    left = a_volume("web-boot", metadata={"bfv_boot_of": "web"})
    for fate, number in (("as_attached", 1), ("keep", 1), ("delete", 0)):
        cloud = a_project(left)
        remove(cloud, boot_volume_on_delete=fate)
        assert len(cloud.volumes) == number


def test_a_volume_of_that_name_that_was_not_made_for_the_server_stays() -> None:
    cloud = a_project(a_volume("web-boot"))
    assert remove(cloud, boot_volume_on_delete="delete") == []


def test_ports_that_were_given_stay() -> None:
    cloud = there(False, networks="internal")
    assert len(cloud.network.ports) == 1
    remove(cloud)
    assert cloud.network.ports == {}


def test_a_diff_shows_that_it_goes() -> None:
    plan = planned(there(False), server, **GONE)
    assert (plan.before["name"], plan.after) == ("web", {})
