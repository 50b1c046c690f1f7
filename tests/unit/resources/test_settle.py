# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected, Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources import settle
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request, Validate
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    uuid_of,
)


class Deaf(FakeCloud):
    """Takes every write and does nothing."""

    def send(self, request: Request) -> dict[str, Any]:
        self.writes.append(request)
        return {}


def on_the_way(monkeypatch: pytest.MonkeyPatch, cloud: FakeCloud, resource: Any, **options: Any) -> Settling[Any]:
    monkeypatch.setattr(settle, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep))
    want = resource.wanted(options)
    return Settling(cloud, lambda: resource.observe(cloud, want), lambda found, made: resource.plan(want, found, made))  # type: ignore[arg-type]


def test_steps_are_taken_until_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    way = on_the_way(monkeypatch, FakeCloud(images=[an_image()]), volume, name="root", image="debian")
    way.run(timeout=60)
    assert (way.taken, [one.status for one in way.found.volumes]) == (True, ["available"])


def test_nothing_is_taken_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud(nodes=[a_node()], targets=[a_target()])
    way = on_the_way(monkeypatch, cloud, target, node="bm-0")
    way.run(timeout=60)
    assert (way.taken, cloud.writes, cloud.now) == (False, [], 0)


def test_without_wait_the_first_steps_are_taken_and_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    way = on_the_way(monkeypatch, FakeCloud(), volume, name="root", size=1)
    way.run(timeout=60, wait=False)
    assert [one.status for one in way.found.volumes] == ["creating"]


def test_a_wait_that_is_too_short_says_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    way = on_the_way(monkeypatch, Deaf(), volume, name="root", size=1)
    with pytest.raises(BfvError, match=r"Failed to wait for volume root to become available: .* within 3 s"):
        way.run(timeout=3)
    assert way.taken


def test_a_slow_creation_is_not_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Deaf()
    way = on_the_way(monkeypatch, cloud, volume, name="root", size=1)
    with pytest.raises(BfvError, match="what came of it is gone"):
        way.run(timeout=60)
    assert len(cloud.writes) == 1


def test_steps_that_differ_in_case_alone_are_others() -> None:
    renames = [
        Request("rename", "block_storage", "PUT", "/volumes/1", "volume", "1", {"name": name}) for name in ("root", "Root")
    ]
    way = settle.Way()
    for rename in renames:
        assert way.due(Plan("volume", {}, {}, (rename,))) == (rename,)


def test_what_nothing_was_created_for_is_waited_for_as_long_as_it_takes() -> None:
    steps = (Request("detach", "block_storage", "POST", "/volumes/1/action", "volume", "1"),)
    way = settle.Way()
    assert way.due(Plan("volume", {}, {})) == ()
    assert way.due(Plan("volume", {}, {}, steps, waiting="volume to be free")) == steps
    way.note(steps[0], {})
    for _look in range(20):
        assert way.due(Plan("volume", {}, {}, steps, waiting="volume to be free")) == ()


def test_what_this_run_has_made_is_not_made_anew() -> None:
    create = Request("create volume root", "block_storage", "POST", "/volumes", "volume")
    way = settle.Way()
    assert way.due(Plan("volume root", {}, {}, (create,))) == (create,)
    way.note(create, {"volume": {"id": "v"}})
    rename = Request("rename", "block_storage", "PUT", "/volumes/v", "volume", "v")
    assert way.due(Plan("volume root", {}, {}, (rename,))) == (rename,)
    with pytest.raises(BfvError, match="this run did «create volume root», and what came of it is gone"):
        way.due(Plan("volume root", {}, {}, (create,)))


def test_a_write_without_effect_is_not_repeated_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Deaf(nodes=[a_node()], targets=[a_target()])
    way = on_the_way(monkeypatch, cloud, target, node="bm-0", extra={"rack": "3"})
    with pytest.raises(BfvError, match="accepted «change volume target 0 of node bm-0» and shows the old state"):
        way.run(timeout=60)
    assert len(cloud.writes) == 1


def test_a_password_that_is_always_written_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud(nodes=[a_node()], targets=[a_target(properties={"auth_password": "hunter2"})])
    on_the_way(monkeypatch, cloud, target, node="bm-0", chap_password="hunter3", update_password="always").run(timeout=60)
    assert [request.method for request in cloud.writes] == ["PATCH"]


@pytest.mark.parametrize(
    ("error", "times"),
    [
        # Nobody knows what became of it, or the service has too much to do: it passes.
        (Unanswered("Failed to create volume root: the connection was lost"), 5),
        (Rejected("create volume root", "block_storage", 503, "busy"), 5),
        # Another run was there a moment before.
        (Rejected("create volume root", "block_storage", 409, "exists"), 1),
        (Refused("Failed to create volume root: there are two"), 1),
        # For good.
        (Rejected("create volume root", "block_storage", 403, "forbidden"), 0),
    ],
    ids=["unanswered", "busy", "conflict", "refused", "forbidden"],
)
def test_how_often_an_error_is_forgiven(error: BfvError, times: int) -> None:
    way = settle.Way()
    for _time in range(times):
        way.forgive(error)
    with pytest.raises(BfvError) as raised:
        way.forgive(error)
    assert raised.value is error


QUESTION = Validate(uuid_of("bm-0"), "bm-0", ("boot", "deploy", "power", "storage"))


def test_a_question_that_is_answered_yes_changes_nothing() -> None:
    cloud = FakeCloud(nodes=[a_node()], connectors=[a_connector()], targets=[a_target()])
    assert (settle.take(cloud, QUESTION), cloud.writes) == ({}, [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({"targets": [a_target()]}, "storage validation says «.*no iqn connector». Check its connectors"),
        ({"connectors": [a_connector()]}, "deploy validation says .* Give it a boot volume"),
    ],
)
def test_a_question_that_is_answered_no_is_refused_with_what_to_do(records: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=f"Failed to validate node bm-0: {words}"):
        settle.take(FakeCloud(nodes=[a_node()], **records), QUESTION)  # type: ignore[arg-type]


def test_an_interface_that_says_nothing_is_not_in_order() -> None:
    cloud = FakeCloud(nodes=[a_node()], connectors=[a_connector()], targets=[a_target()])
    with pytest.raises(Refused, match="rescue validation says «nothing»"):
        settle.take(cloud, replace(QUESTION, required=("rescue",)))  # type: ignore[arg-type]


DELETE = Request("delete volume root (1)", "block_storage", "DELETE", "/volumes/1", "volume", "1")


def test_what_destroys_is_not_sent_without_a_permit() -> None:
    cloud = FakeCloud(volumes=[a_volume(id="1")])
    with pytest.raises(Refused, match="has no permit for it"):
        settle.take(cloud, DELETE)  # type: ignore[arg-type]
    assert cloud.writes == []
    settle.take(cloud, replace(DELETE, permits=(permits.created("1", {"1"}),)))  # type: ignore[arg-type]
    assert [request.method for request in cloud.writes] == ["DELETE"]


def test_a_run_knows_what_it_made_by_the_answers() -> None:
    way = settle.Way()
    way.note(Request("", "block_storage", "POST", "/volumes", "volume"), {"volume": {"id": "v"}})
    way.note(Request("", "baremetal", "POST", "/volume/targets", "target"), {"uuid": "t"})
    way.note(Request("", "block_storage", "POST", "/volumes/w/action", "volume", "w"), {"id": "w"})
    way.note(Request("", "block_storage", "PUT", "/volumes/x", "volume", "x"), {"volume": {"id": "x"}})
    assert way.made == {"v", "t"}
