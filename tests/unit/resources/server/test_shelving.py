# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are to be shelved: off their host, with all that is theirs, until a task wants them back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume, attached, planned, settle, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import (
    WEB,
    a_project,
    addresses,
    blank,
    disks,
    the_server,
    with_server,
)

SHELVED: Json = {"name": "web", "state": "shelved"}


def obeyed(cloud: FakeCloud, **options: Any) -> list[str]:
    """What a run does: what check mode foresees, and a second run does nothing."""
    foreseen = planned(cloud, server, **options).actions
    cloud.writes.clear()
    settle(cloud, server, **options)
    done = [request.what for request in cloud.writes]
    new = the_server(cloud)["id"]
    assert done == [action.replace("(known when the server is there)", new) for action in foreseen]
    again = planned(cloud, server, **options)
    assert (again.settled, again.changed) == (True, False)
    return done


@pytest.mark.parametrize("before", ["started", "stopped"])
def test_a_server_is_shelved_once(before: str) -> None:
    cloud = with_server(options={"state": before})
    one = the_server(cloud)["id"]
    assert obeyed(cloud, **SHELVED) == [f"shelve server web ({one})"]
    assert (the_server(cloud)["status"], the_server(cloud)["id"]) == ("SHELVED_OFFLOADED", one)


def test_shelving_stands_in_the_diff_as_what_ends_a_machines_work() -> None:
    cloud = with_server()
    plan: Plan = planned(cloud, server, **SHELVED)
    one = the_server(cloud)["id"]
    assert plan.destroys == [f"{one}: shelve server web ({one}), since the task names it"]
    assert (plan.before["status"], plan.after["status"]) == ("ACTIVE", "SHELVED_OFFLOADED")


@pytest.mark.parametrize(("state", "status"), [("started", "ACTIVE"), ("stopped", "SHUTOFF"), ("present", "SHELVED_OFFLOADED")])
def test_a_shelved_server_comes_back_where_the_task_wants_it(state: str, status: str) -> None:
    cloud = with_server(blank("data"), options={"block_devices": ["vdb=data"], "state": "shelved"})
    before = (disks(cloud), addresses(cloud))
    obeyed(cloud, name="web", state=state)
    assert (the_server(cloud)["status"], disks(cloud), addresses(cloud)) == (status, *before)


@pytest.mark.parametrize(("action", "back"), [("pause", "unpause"), ("suspend", "resume")])
def test_a_paused_or_suspended_server_is_brought_back_first_so_that_it_shuts_down(action: str, back: str) -> None:
    cloud = with_server()
    deeds.act(cloud, the_server(cloud), action)
    assert [words.partition(" ")[0] for words in obeyed(cloud, **SHELVED)] == [back, "shelve"]


def test_a_new_server_is_made_and_shelved() -> None:
    cloud = a_project()
    assert obeyed(cloud, **{**WEB, "state": "shelved"})[-1].startswith("shelve server web")


def test_other_changes_come_before() -> None:
    cloud = with_server(blank("data"))
    actions = obeyed(cloud, **SHELVED, metadata={"a": "b"}, block_devices=["vdb=data"])
    assert [words.partition(" ")[0] for words in actions] == ["set", "attach", "shelve"]


def test_a_server_is_replaced_and_then_shelved() -> None:
    cloud = with_server()
    obeyed(
        cloud, **{**WEB, "state": "shelved", "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
    )
    assert (the_server(cloud)["status"], the_server(cloud)["flavor"]["original_name"]) == ("SHELVED_OFFLOADED", "large")


@pytest.mark.parametrize("waits", [True, False])
def test_a_server_that_stays_on_its_host_is_taken_off_it(waits: bool) -> None:
    """One on a local disk is only SHELVED for a while, where the cloud's shelved_offload_time is not 0 (nova/compute/manager.py)."""
    cloud = a_project(servers=[a_server("web", image={"id": uuid_of("debian")})])
    cloud.compute.shelved_offload_time = -1 if waits else 0
    settle(cloud, server, **SHELVED)
    one = the_server(cloud)["id"]
    done = [request.what for request in cloud.writes]
    assert done == [f"shelve server web ({one})", *([f"take server web ({one}) off its host"] if waits else [])]
    assert the_server(cloud)["status"] == "SHELVED_OFFLOADED"
    assert planned(cloud, server, **SHELVED).changed is False


def test_what_somebody_has_only_shelved_is_taken_off_its_host() -> None:
    cloud = with_server()
    the_server(cloud)["status"] = "SHELVED"
    assert obeyed(cloud, **SHELVED) == [f"take server web ({the_server(cloud)['id']}) off its host"]


# Refused


@pytest.mark.parametrize("there", [True, False])
def test_bare_metal_is_not_shelved_and_not_made_for_it(there: bool) -> None:
    cloud = with_server(options={"flavor": "metal"}) if there else a_project()
    with pytest.raises(Refused, match="it is bare metal, and Nova's driver for Ironic does not shelve"):
        planned(cloud, server, **{**WEB, "flavor": "metal", "state": "shelved"})


def test_a_locked_server_is_not_shelved() -> None:
    cloud = with_server()
    the_server(cloud)["locked"] = True
    with pytest.raises(Refused, match="Failed to shelve server web: it is locked"):
        planned(cloud, server, **SHELVED)


@pytest.mark.parametrize("status", ["RESCUE", "VERIFY_RESIZE", "UNKNOWN"])
def test_a_server_in_another_status_is_refused_with_what_to_do(status: str) -> None:
    cloud = with_server()
    the_server(cloud)["status"] = status
    with pytest.raises(Refused, match=r"its status is|waits for a decision"):
        planned(cloud, server, **SHELVED)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metadata": {"a": "b"}}, "state: started"),
        ({"flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}, "state: started"),
    ],
)
def test_what_nova_does_not_change_of_a_shelved_server_is_refused_first(options: Json, words: str) -> None:
    cloud = with_server(options={"state": "shelved"})
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **SHELVED, **options)


def test_a_shelving_that_has_no_effect_is_not_tried_for_ever() -> None:
    cloud = with_server()
    tick, one = cloud.compute.tick, the_server(cloud)

    def fails() -> None:
        tick()
        one["status"] = "ACTIVE"

    cloud.compute.tick = fails  # type: ignore[method-assign]
    with pytest.raises(Refused, match="it is needed again"):
        settle(cloud, server, **SHELVED)


def test_a_shelved_servers_volumes_are_its_own() -> None:
    cloud = with_server(a_volume("theirs", **attached("others")), options={"state": "shelved"})
    assert planned(cloud, server, **{**WEB, "state": "shelved"}).changed is False


def test_a_new_server_does_not_take_the_disk_of_a_shelved_one() -> None:
    """Its disk is only reserved, which nothing ends but its way back: to wait for that would be for ever."""
    cloud = with_server(options={"state": "shelved"})
    shelved = the_server(cloud)
    shelved["name"] = "db"
    with pytest.raises(Refused, match=f"is reserved by attachment .*, for server db .{shelved['id']}, SHELVED_OFFLOADED"):
        planned(cloud, server, **WEB)
