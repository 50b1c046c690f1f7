# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils.resources import settle, target, volume
from ansible_collections.bfv.openstack.plugins.module_utils.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Request, Validate
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_connector, a_node, a_target, an_image, uuid_of


class Deaf(FakeCloud):
    """Takes every write and does nothing."""

    def send(self, request: Request) -> dict[str, Any]:
        self.writes.append(request)
        return {}


def on_the_way(monkeypatch: pytest.MonkeyPatch, cloud: FakeCloud, resource: Any, **options: Any) -> Settling[Any]:
    monkeypatch.setattr(settle, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep))
    want = resource.wanted(options)
    return Settling(cloud, lambda: resource.observe(cloud, want), lambda found: resource.plan(want, found))  # type: ignore[arg-type]


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
    with pytest.raises(BfvError):
        way.run(timeout=60)
    assert len(cloud.writes) == 1


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


class Refusing(FakeCloud):
    """Answers every write with one status."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    def send(self, request: Request) -> dict[str, Any]:
        raise Rejected(request.what, "Cinder", self.status, "no")


CLEARING_UP = Request("delete the second volume root", "block_storage", "DELETE", "/volumes/1", "volume", "1", shared=True)


@pytest.mark.parametrize("status", [400, 404, 409])
def test_what_another_run_clears_up_too_is_no_error(status: int) -> None:
    assert settle.take(Refusing(status), CLEARING_UP) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_that_no_other_run_explains_is_told_also_of_clearing_up(status: int) -> None:
    with pytest.raises(Rejected):
        settle.take(Refusing(status), CLEARING_UP)  # type: ignore[arg-type]
