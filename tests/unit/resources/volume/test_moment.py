# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that is attached for a moment: what is left behind, and what the next run makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.connection import Cloud
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected, Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import moment, this_run
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.moment import NOTE
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import a_volume

INITIATOR = "iqn.2010-10.org.example:node"
INFO = {
    "driver_volume_type": "iscsi",
    "target_portal": "192.0.2.10:3260",
    "target_iqn": "iqn.2010-10.org.example:volume",
    "target_lun": 1,
    "auth_username": "user",
    "auth_password": "secret-word",
}
HELD = {"id": "held", "instance": None, "status": "attaching"}


class Cinder:
    """One volume and its attachments."""

    def __init__(self, **fields: Any) -> None:
        self.volume = a_volume(**fields)
        self.attachments: list[dict[str, Any]] = []
        self.info: dict[str, Any] | None = INFO
        self.sent: list[str] = []
        self.fails: dict[str, BfvError] = {}
        self.block_storage = self

    def check_project(self) -> None:
        pass

    def find(self, _path: str, _what: str, **_query: object) -> dict[str, Any]:
        return {"volume": self.volume}

    def list(self, path: str, _key: str, _what: str, **_query: object) -> Iterator[dict[str, Any]]:
        return iter([self.volume] if path.startswith("/volumes") else self.attachments)

    def send(self, request: Request) -> dict[str, Any]:
        name = f"{request.method} {request.path.rpartition('/')[2]}"
        self.sent.append(name)
        if name in self.fails:
            raise self.fails[name]
        body: Any = request.body
        if name == "POST metadata":
            self.volume["metadata"] |= body["metadata"]
        elif name == f"DELETE {NOTE}":
            del self.volume["metadata"][NOTE]
        elif name == "POST attachments":
            self.volume["status"] = "attaching"
            self.attachments.append({**HELD, "volume_id": self.volume["id"]})
            return {"attachment": {"id": "held", "connection_info": self.info}}
        else:
            self.attachments.clear()
            self.volume["status"] = "available"
        return {}

    def left_by(self, text: str, count: int = 1, of: str = "", noted: str = " held-0") -> None:
        """What a run has left that was killed."""
        self.volume["metadata"][NOTE] = f"{of or self.volume['id']} {text}{noted}"
        self.volume["status"] = "attaching"
        self.attachments = [{**HELD, "id": f"held-{number}", "volume_id": self.volume["id"]} for number in range(count)]

    @property
    def is_as_it_was(self) -> bool:
        return self.volume["status"] == "available" and not self.attachments and NOTE not in self.volume["metadata"]


def attach(cinder: Cinder) -> moment.Connection:
    with moment.attached(cast(Cloud, cinder), "root", INITIATOR) as connection:
        assert cinder.volume["metadata"][NOTE] == f"{cinder.volume['id']} {this_run.this().text} held"
        return connection


def test_a_volume_is_attached_and_let_go() -> None:
    cinder = Cinder()
    connection = attach(cinder)
    assert connection.portals == ("192.0.2.10:3260",)
    assert (connection.iqn, connection.lun, connection.password) == ("iqn.2010-10.org.example:volume", 1, "secret-word")
    assert "secret-word" not in repr(connection)
    assert cinder.sent == ["POST metadata", "POST attachments", "POST metadata", "DELETE held", f"DELETE {NOTE}"]
    assert cinder.is_as_it_was


def test_it_is_let_go_where_the_work_fails() -> None:
    cinder = Cinder()
    with pytest.raises(BfvError, match="no"), moment.attached(cast(Cloud, cinder), "root", INITIATOR):
        raise BfvError("no")
    assert cinder.is_as_it_was


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"driver_volume_type": "rbd"}, "over rbd, and not over iSCSI"),
        ({}, "over nothing"),
        (None, "over nothing"),
        ({**INFO, "target_iqn": "?"}, "does not tell where it is"),
        ({"driver_volume_type": "iscsi"}, "does not tell where it is"),
    ],
)
def test_it_is_let_go_where_it_cannot_be_reached(info: dict[str, Any] | None, words: str) -> None:
    cinder = Cinder()
    cinder.info = info
    with pytest.raises(BfvError, match=words):
        attach(cinder)
    assert cinder.is_as_it_was


def test_a_volume_that_cinder_refuses_is_as_it_was() -> None:
    cinder = Cinder()
    cinder.fails["POST attachments"] = Rejected("attach", "Cinder", 400, "no")
    with pytest.raises(Rejected):
        attach(cinder)
    assert cinder.is_as_it_was


def test_the_note_stays_where_nobody_knows_what_became_of_it() -> None:
    cinder = Cinder()
    cinder.fails["POST attachments"] = Unanswered("Failed: no answer")
    with pytest.raises(Unanswered):
        attach(cinder)
    assert NOTE in cinder.volume["metadata"]


@pytest.mark.parametrize("status", ["in-use", "attaching", "error", "maintenance"])
def test_what_somebody_uses_is_left_alone(status: str) -> None:
    cinder = Cinder(status=status)
    with pytest.raises(Refused, match=f"its status is {status}"):
        attach(cinder)
    assert cinder.sent == []


def ended() -> str:
    return replace(this_run.this(), started="1").text


def test_what_a_killed_run_has_left_is_let_go() -> None:
    cinder = Cinder()
    cinder.left_by(ended())
    connection = attach(cinder)
    (told,) = connection.cleared
    assert f"({cinder.volume['id']}) (attachment held-0)" in told
    assert cinder.sent[0] == "DELETE held-0"
    assert cinder.is_as_it_was


def test_a_note_without_an_attachment_is_no_obstacle() -> None:
    cinder = Cinder()
    cinder.left_by(ended(), count=0)
    cinder.volume["status"] = "available"
    attach(cinder)
    assert cinder.is_as_it_was


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        (this_run.this().text, 1, "of this host is at work on it. Run again"),
        (replace(this_run.this(), boot="another").text, 1, "nobody can see whether it has ended"),
        (ended(), 2, "nobody can see who has attached it.*openstack volume attachment delete held-0 held-1"),
    ],
    ids=["a run of this host", "a run of another host", "two attachments"],
)
def test_what_may_be_at_work_is_told_and_left(text: str, count: int, words: str) -> None:
    cinder = Cinder()
    cinder.left_by(text, count)
    with pytest.raises(Refused, match=words):
        attach(cinder)
    assert cinder.sent == []


@pytest.mark.parametrize("noted", ["", " HELD-0", " another"], ids=["none yet", "in another case", "another one"])
def test_an_attachment_that_the_note_does_not_name_may_be_another_runs(noted: str) -> None:
    """One that saw the volume free at the same moment has written its note over that of the run which is at work, or a person came later."""
    cinder = Cinder()
    cinder.left_by(ended(), noted=noted)
    with pytest.raises(Refused, match=r"nobody can see who has attached it.*openstack volume attachment delete held-0"):
        attach(cinder)
    assert cinder.sent == []


def test_it_is_let_go_where_it_cannot_be_noted() -> None:
    cinder = Cinder()
    send = cinder.send

    def refusing(request: Request) -> dict[str, Any]:
        if cinder.attachments and request.method == "POST":
            raise Rejected("note", "Cinder", 403, "no")
        return send(request)

    cinder.send = refusing  # type: ignore[method-assign]
    with pytest.raises(Rejected):
        attach(cinder)
    assert cinder.is_as_it_was


@pytest.mark.parametrize(
    ("text", "of"),
    [("", ""), ("some words", ""), (ended(), "another-volume"), (ended(), str(a_volume()["id"]).upper())],
    ids=["none", "unreadable", "a copy's", "in another case"],
)
def test_an_attachment_without_a_note_of_its_own_is_somebody_elses(text: str, of: str) -> None:
    """A clone, or a restored backup, has its original's metadata."""
    cinder = Cinder()
    cinder.left_by(text, of=of)
    with pytest.raises(Refused, match="its status is attaching"):
        attach(cinder)
    assert cinder.sent == []


def test_an_attachment_of_a_server_is_left_alone() -> None:
    cinder = Cinder()
    cinder.left_by(ended())
    cinder.attachments[0]["instance"] = "a-server"
    with pytest.raises(Refused, match="its status is attaching"):
        attach(cinder)
    assert cinder.sent == []


def test_check_mode_tells_what_would_be_attached_and_attaches_nothing() -> None:
    cinder = Cinder()
    assert moment.foreseen(cast(Cloud, cinder), "root") == cinder.volume["id"]
    cinder.left_by(ended())
    assert moment.foreseen(cast(Cloud, cinder), "root") == cinder.volume["id"]
    cinder.volume["metadata"].clear()
    with pytest.raises(Refused, match="its status is attaching"):
        moment.foreseen(cast(Cloud, cinder), "root")
    assert cinder.sent == []
