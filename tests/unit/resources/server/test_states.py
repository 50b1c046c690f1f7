# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""S16, B4: what becomes of a server in each of Nova's statuses; what is advised is done, and then the task succeeds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import states
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, planned, settle
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, blank, the_server, with_server

_TASK = "OS-EXT-STS:task_state"
SET_ASIDE = {"PAUSED": ("pause", "unpause"), "SUSPENDED": ("suspend", "resume"), "SHELVED_OFFLOADED": ("shelve", "unshelve")}
# The commands of the client that the advices name, as Nova's actions.
COMMANDS = {"unpause": "unpause", "resume": "resume", "unshelve": "unshelve", "unrescue": "unrescue", "restore": "restore"}


def in_status(status: str, *volumes: Json, **fields: Any) -> FakeCloud:
    """A cloud with a server that somebody has brought into the status."""
    cloud = with_server(*volumes)
    if status in SET_ASIDE:
        deeds.act(cloud, the_server(cloud), SET_ASIDE[status][0])
    elif status == "RESCUE":
        deeds.act(cloud, the_server(cloud), "rescue")
    the_server(cloud).update({"status": status, **fields})
    return cloud


def follow(cloud: FakeCloud, error: Refused) -> None:
    """Do what the refusal advises: the first command that it names."""
    found = re.search(r"openstack server (\S+) " + the_server(cloud)["id"], str(error))
    assert found, error
    deeds.act(cloud, the_server(cloud), COMMANDS[found[1]])


@pytest.mark.parametrize("status", SET_ASIDE)
@pytest.mark.parametrize(("state", "end"), [("started", "ACTIVE"), ("stopped", "SHUTOFF")])
def test_field_s16_a_server_that_was_set_aside_is_brought_where_the_task_wants_it(status: str, state: str, end: str) -> None:
    cloud = in_status(status)
    first = planned(cloud, server, **WEB, state=state, metadata={"a": "b"})
    cloud.writes.clear()
    settle(cloud, server, **WEB, state=state, metadata={"a": "b"})
    assert [request.what for request in cloud.writes] == first.actions
    assert first.actions[0] == f"{SET_ASIDE[status][1]} server web ({the_server(cloud)['id']})"
    assert (the_server(cloud)["status"], the_server(cloud)["metadata"]["a"]) == (end, "b")
    assert planned(cloud, server, **WEB, state=state, metadata={"a": "b"}).changed is False


@pytest.mark.parametrize("status", SET_ASIDE)
def test_field_s16_it_is_brought_back_before_it_is_replaced_or_resized(status: str) -> None:
    for how in ("replace", "resize"):
        cloud = in_status(status)
        wish = {**WEB, "flavor": "large", "on_flavor_change": how, "replace_may_lose": ["user_data"], "state": "started"}
        first = planned(cloud, server, **wish)
        cloud.writes.clear()
        settle(cloud, server, **wish)
        new = the_server(cloud)["id"]
        said = [action.replace("(known when the server is there)", new) for action in first.actions]
        assert [request.what for request in cloud.writes] == said
        assert (the_server(cloud)["flavor"]["original_name"], the_server(cloud)["status"]) == ("large", "ACTIVE")


@pytest.mark.parametrize("status", [*SET_ASIDE, "RESCUE", "VERIFY_RESIZE"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_field_s16_what_asks_for_no_change_of_it_goes_on(status: str, state: str) -> None:
    cloud = in_status(status)
    cloud.writes.clear()
    settle(cloud, server, name="web", state=state)
    assert (len(cloud.writes), len(cloud.compute.servers)) == ((0, 1) if state == "present" else (1, 0))


@pytest.mark.parametrize("state", ["started", "stopped"])
def test_field_s16_a_rescue_is_left_to_who_is_at_work_in_it(state: str) -> None:
    cloud = in_status("RESCUE")
    cloud.writes.clear()
    with pytest.raises(Refused, match="its status is RESCUE") as refused:
        planned(cloud, server, **WEB, state=state)
    assert cloud.writes == []
    follow(cloud, refused.value)
    settle(cloud, server, **WEB, state=state)


@pytest.mark.parametrize("state", ["present", "started", "stopped"])
def test_field_s16_a_server_that_was_deleted_and_is_kept_is_no_server(state: str) -> None:
    cloud = in_status("SOFT_DELETED")
    one = the_server(cloud)["id"]
    with pytest.raises(Refused, match="It was deleted, and Nova keeps it") as refused:
        planned(cloud, server, id=one, state=state)
    follow(cloud, refused.value)
    settle(cloud, server, id=one, state=state)


def test_field_s16_to_remove_a_server_that_was_deleted_and_is_kept_changes_nothing() -> None:
    cloud = in_status("SOFT_DELETED")
    plan = planned(cloud, server, id=the_server(cloud)["id"], state="absent", boot_volume_on_delete="delete")
    assert (plan.settled, plan.changed, "openstack server delete --force" in plan.warnings[0]) == (True, False, True)


NOT_TAKEN = [
    ("SUSPENDED", {"block_devices": [{"volume_id": "data"}]}),
    ("RESCUE", {"block_devices": [{"volume_id": "data"}]}),
    ("SHELVED_OFFLOADED", {"metadata": {"a": "b"}}),
    ("RESCUE", {"metadata": {"a": "b"}}),
    ("VERIFY_RESIZE", {"metadata": {"a": "b"}}),
]


@pytest.mark.parametrize(("status", "options"), NOT_TAKEN)
def test_field_s16_what_nova_does_not_take_in_a_status_is_refused_first(status: str, options: Json) -> None:
    cloud = in_status(status, blank("data"))
    cloud.writes.clear()
    with pytest.raises(Refused, match=f"its status is {status}") as refused:
        planned(cloud, server, name="web", **options)
    assert cloud.writes == []
    if status != "VERIFY_RESIZE":
        follow(cloud, refused.value)
        settle(cloud, server, name="web", **options)


LOCKED: list[tuple[str, Json]] = [
    ("ACTIVE", {"state": "stopped"}),
    ("SHUTOFF", {"state": "started"}),
    *((status, {"state": "started"}) for status in SET_ASIDE),
    ("ACTIVE", {"metadata": {"a": "b"}}),
    ("ACTIVE", {"block_devices": [{"volume_id": "data"}]}),
    ("ACTIVE", {"state": "absent"}),
]


@pytest.mark.parametrize(("status", "options"), LOCKED)
def test_field_s16_a_locked_server_is_refused_first_with_the_reason(status: str, options: Json) -> None:
    cloud = in_status(status, blank("data"), locked=True, locked_reason="audit")
    cloud.writes.clear()
    with pytest.raises(Refused, match=r"it is locked \(«audit»\). Unlock it first") as refused:
        planned(cloud, server, **{"name": "web", **options})
    assert (cloud.writes, f"openstack server unlock {the_server(cloud)['id']}" in str(refused.value)) == ([], True)


@pytest.mark.parametrize(
    "options", [{"boot": {"delete_on_termination": True}}, {"id": True, "name": "db"}, {"state": "started"}, {}]
)
def test_field_s16_what_nova_lets_a_locked_server_have_is_done(options: Json) -> None:
    cloud = in_status("ACTIVE", locked=True)
    given = {**options, **({"id": the_server(cloud)["id"]} if "id" in options else {"name": "web"})}
    settle(cloud, server, **given)
    assert planned(cloud, server, **given).changed is False


@pytest.mark.parametrize("task", ["migrating", "updating_password", "shelving", "image_snapshot", "something new"])
def test_field_s16_a_server_at_work_is_waited_for(task: str) -> None:
    cloud = in_status("ACTIVE", **{_TASK: task})
    plan = planned(cloud, server, **WEB, state="stopped")
    assert (plan.steps, plan.waiting) == ((), "server web (ACTIVE) to come to rest")


@pytest.mark.parametrize("status", ["MIGRATING", "PASSWORD", "REBOOT", "HARD_REBOOT", "REBUILD", "RESIZE", "REVERT_RESIZE"])
def test_field_s16_a_status_of_a_server_at_work_is_waited_for(status: str) -> None:
    cloud = in_status(status)
    assert planned(cloud, server, **WEB, state="stopped").waiting == f"server web ({status}) to come to rest"


@pytest.mark.parametrize("status", ["UNKNOWN", "QUIESCED"])
def test_field_b4_an_unknown_status_is_said_and_left_alone(status: str) -> None:
    cloud = in_status(status)
    cloud.writes.clear()
    plan = planned(cloud, server, **WEB)
    assert (plan.changed, f"its status is {status}, which this collection does not know" in plan.warnings[0]) == (False, True)
    for state in ("started", "stopped"):
        with pytest.raises(Refused, match=f"its status is {status}. This collection does not know that status"):
            planned(cloud, server, **WEB, state=state)


def test_field_b4_a_server_whose_cell_does_not_answer_is_said_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = in_status("ACTIVE")
    (id,) = cloud.compute.servers
    cloud.writes.clear()
    # nova/api/openstack/compute/views/servers.py, _show_from_down_cell
    told = {"id": id, "status": "UNKNOWN", "tenant_id": "ours", "created": "2026-01-01T00:00:00Z", "links": []}
    monkeypatch.setattr(cloud.compute, "find", lambda path, what, **query: {"server": told})
    with pytest.raises(Refused, match=f"Failed to read server {id}: .* the cell that has it does not answer. Run again"):
        planned(cloud, server, id=id, state="absent")
    assert cloud.writes == []


def test_field_s16_a_machine_that_went_off_by_itself_is_said() -> None:
    cloud = in_status("ACTIVE", **{"OS-EXT-STS:power_state": 4})
    assert "its machine has gone off" in planned(cloud, server, **WEB, state="started").warnings[0]


def test_field_s16_a_server_that_does_not_come_back_is_not_tried_for_ever() -> None:
    cloud = in_status("SHELVED_OFFLOADED")
    tick, one = cloud.compute.tick, the_server(cloud)

    def no_host() -> None:
        tick()
        one["status"] = "SHELVED_OFFLOADED"

    cloud.compute.tick = no_host  # type: ignore[method-assign]
    with pytest.raises(Refused, match="it is needed again"):
        settle(cloud, server, **WEB, state="started")


def test_the_table_has_every_status_that_nova_34_knows() -> None:
    # nova/api/openstack/common.py, _STATE_MAP
    novas = """ACTIVE REBOOT HARD_REBOOT PASSWORD REBUILD MIGRATING RESIZE BUILD SHUTOFF VERIFY_RESIZE REVERT_RESIZE PAUSED SUSPENDED
    RESCUE ERROR DELETED SOFT_DELETED SHELVED SHELVED_OFFLOADED"""
    assert set(novas.split()) == set(states.TABLE)
