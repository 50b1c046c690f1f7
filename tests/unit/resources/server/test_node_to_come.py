# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare-metal server that is replaced: its node is not free at once, and until then Nova finds no valid host for the new one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume, in_its_time, planned
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, addresses, disks, goes, the_server, with_server

METAL: Json = {**WEB, "flavor": "metal"}
EXCHANGE: Json = {**METAL, "boot": {"volume": "other"}, "on_boot_volume_change": "replace", "replace_may_lose": ["user_data"]}


def a_cloud(cleaning: float, **options: Any) -> FakeCloud:
    """A server on the only node, which Nova offers again so many seconds after the server is gone."""
    cloud = with_server(a_volume("other"), options={**METAL, "networks": "internal", **options})
    cloud.compute.cleaning = cleaning
    return cloud


def run(cloud: FakeCloud, options: Json, timeout: float = 200) -> Settling[Any]:
    want = server.wanted(options)
    with in_its_time(cloud):
        settling = Settling(cloud, lambda: server.observe(cloud, want), lambda found, made: server.plan(want, found, made))  # type: ignore[arg-type]
        settling.run(timeout)
    return settling


def full(flavor: str = "metal") -> FakeCloud:
    """Where the time of an exchange was over, since no node was free, or no host for a flavor of another kind."""
    cloud = with_server(a_volume("other"), options={**METAL, "flavor": flavor})
    cloud.compute.cleaning, cloud.compute.servers_end_in = 300, "ACTIVE" if flavor == "metal" else "ERROR"
    with pytest.raises(BfvError):
        run(cloud, {**EXCHANGE, "flavor": flavor}, timeout=100)
    cloud.tick()
    return cloud


def creations(ran: Settling[Any]) -> list[str]:
    return [action for action in ran.way.actions if action.startswith("create server")]


def test_a_free_node_is_taken_at_once() -> None:
    assert len(creations(run(a_cloud(0), EXCHANGE))) == 1


@pytest.mark.parametrize("going", [True, False])
def test_the_new_server_is_asked_for_until_its_node_is_free(going: bool) -> None:
    cloud = a_cloud(60, boot={"image": "debian", "delete_on_termination": going})
    old, before = the_server(cloud)["_root"], addresses(cloud)
    ran = run(cloud, {**EXCHANGE, "boot": {"volume": "other", "delete_on_termination": going}})
    assert (the_server(cloud)["status"], disks(cloud), goes(cloud)) == ("ACTIVE", ["other"], [going])
    assert (addresses(cloud), cloud.volumes[old]["status"]) == (before, "available")
    assert ran.result == {"kept_boot_volume": {"id": old, "name": "web-boot"}}
    first, *more = creations(ran)
    assert first == "create server web from volume other"
    assert len(more) == len(set(more)) > 1
    assert all(line.startswith(f"{first}, since there was no node for server web (") for line in more)
    assert [key for one in cloud.volumes.values() for key in one["metadata"] if key.startswith("bfv_note")] == []
    assert planned(cloud, server, **EXCHANGE).changed is False


def test_a_task_whose_time_is_over_says_so_and_the_next_one_goes_on() -> None:
    cloud = a_cloud(300)
    with pytest.raises(BfvError, match=r"Failed to wait for .*server web.* not come true within 100 s\. Run again"):
        run(cloud, EXCHANGE, timeout=100)
    cloud.tick()
    foreseen = planned(cloud, server, **EXCHANGE)
    ran = run(cloud, EXCHANGE, timeout=400)
    assert (the_server(cloud)["status"], disks(cloud)) == ("ACTIVE", ["other"])
    assert ran.way.actions[:2] == foreseen.actions[:2]
    assert foreseen.actions[0].startswith("delete server web")
    assert foreseen.actions[-1] == ran.way.actions[-1] == "remove metadata bfv_replaces of server web"


def test_it_is_not_asked_for_without_a_pause() -> None:
    cloud, want = full(), server.wanted(EXCHANGE)
    found = server.observe(cloud, want)  # type: ignore[arg-type]
    made_at = replace(found.servers[0], created_at="2026-01-02T00:00:10Z")
    early, late = (server.plan(want, replace(found, time=f"2026-01-02T00:00:{now}Z", servers=(made_at,))) for now in (29, 30))
    assert (early.steps, early.waiting) == ((), "a node to be free for server web")
    assert early.actions == late.actions
    assert [one.what for one in late.requests] == late.actions[:2]


@pytest.mark.parametrize(
    ("flavor", "changes"),
    [("metal", {"fault": {"message": "Exceeded maximum number of retries."}}), ("metal", {"metadata": {}}), ("small", {})],
    ids=["another fault", "in nobody's place", "no bare metal"],
)
def test_what_else_ends_in_error_is_told(flavor: str, changes: Json) -> None:
    cloud = full(flavor)
    the_server(cloud).update(changes)
    with pytest.raises(Refused, match="it is in ERROR"):
        planned(cloud, server, **{**EXCHANGE, "flavor": flavor})


def test_a_first_server_for_which_there_is_no_node_is_told_at_once() -> None:
    cloud = a_cloud(10**6)
    run(cloud, {"name": "web", "state": "absent"})
    with pytest.raises(Refused, match="it is in ERROR, and Nova says «No valid host was found"):
        run(cloud, METAL)
