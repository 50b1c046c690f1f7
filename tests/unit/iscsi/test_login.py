# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What libiscsi's programs say, in the array's terms. The texts are those of libiscsi 1.19 before tgt 1.0.85; RFC 7143 has the other numbers."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import login, programs
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.address import Address
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.login import Path, Unit
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.programs import Deadline, Done

PORTAL = "127.0.0.1:3260"
INQUIRY = "Peripheral Qualifier:CONNECTED\nPeripheral Device Type:DIRECT_ACCESS\nVendor:IET     \nProduct:VIRTUAL-DISK    \nRevision:0001"
CAPACITY = "RETURNED LOGICAL BLOCK ADDRESS:524287\nLOGICAL BLOCK LENGTH IN BYTES:512\nTotal size:268435456"
SERIAL = "Unit Serial Number:[                              beaf11]"
FINE = {"iscsi-inq": Done(0, INQUIRY), "iscsi-readcapacity16": Done(0, CAPACITY), "-c": Done(0, SERIAL)}


def seen(monkeypatch: pytest.MonkeyPatch, *, username: str | None = "user", **answers: Done) -> Path:
    said = {**FINE, **{name.replace("_", "-"): done for name, done in answers.items()}}

    def ask(program: str, _place: Address, _portal: str, _deadline: Deadline, *options: str) -> Done:
        return said["-c" if "-c" in options else program]

    monkeypatch.setattr(login, "_listens", lambda _portal, _seconds: ("", ""))
    monkeypatch.setattr(programs, "libiscsi", ask)
    place = Address((PORTAL,), "iqn.2010-10.org.example:a", 7, "iqn.2010-10.org.example:node", username, username and "secret")
    (path,) = login.paths(place, Deadline(60))
    return path


def test_a_disk_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch) == Path(PORTAL, Unit(268435456, 512, "IET", "VIRTUAL-DISK", "beaf11"))


def test_a_disk_without_a_serial_number_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    path = seen(monkeypatch, **{"-c": Done(10, "Login Failed. SENSE KEY:ILLEGAL_REQUEST(5) ASCQ:INVALID_FIELD_IN_CDB(0x2400)")})
    assert path.unit
    assert path.unit.serial == ""


@pytest.mark.parametrize(
    ("said", "cause", "words"),
    [
        ("Login Failed. Failed to log in to target. Status: Authentication failure(513)", "chap_refused", "refuses user user or the password"),
        ("Login Failed. Failed to log in to target. Status: Authorization failure(514)", "not_admitted", "does not admit initiator"),
        ("Login Failed. Failed to log in to target. Status: Target not found(515)", "no_such_target", "or its ACL does not admit"),
        ("Login Failed. Failed to log in to target. Status: Target removed(516)", "no_such_target", "0x0204"),
        ("Login Failed. Failed to log in to target. Status: Too many connections(518)", "too_many_sessions", "no more sessions"),
        ("Login Failed. Failed to log in to target. Status: Out of resources(770)", "array_unavailable", "0x0302"),
        ("Login Failed. SENSE KEY:ILLEGAL_REQUEST(5) ASCQ:LOGICAL_UNIT_NOT_SUPPORTED(0x2500)", "no_such_lun", "has no LUN 7"),
        ("Login Failed. something new", "refused", "«Login Failed. something new»"),
        ("", "refused", "status 10"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_cause(monkeypatch: pytest.MonkeyPatch, said: str, cause: str, words: str) -> None:
    path = seen(monkeypatch, iscsi_inq=Done(10, said))
    assert path.unit is None
    assert path.cause == cause
    assert words in path.why
    assert "secret" not in path.why


def test_an_array_that_wants_a_password_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    done = Done(10, "Login Failed. Failed to log in to target. Status: Authentication failure(513)")
    assert "wants a CHAP user and a password" in seen(monkeypatch, username=None, iscsi_inq=done).why


def test_a_controller_is_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    inquiry = INQUIRY.replace("DIRECT_ACCESS", "STORAGE_ARRAY_CONTROLLER")
    path = seen(monkeypatch, iscsi_inq=Done(0, inquiry))
    assert path.cause == "not_a_disk"
    assert "STORAGE_ARRAY_CONTROLLER" in path.why


def test_a_disk_without_a_size_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, iscsi_readcapacity16=Done(10, "Failed")).cause == "not_a_disk"


def test_a_portal_at_which_nobody_listens_is_told_without_a_login() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    place = Address((f"127.0.0.1:{port}",), "iqn.2010-10.org.example:a", 1, "iqn.2010-10.org.example:node")
    (path,) = login.paths(place, Deadline(60))
    assert (path.cause, path.why) == ("nobody_listens", f"nobody listens at 127.0.0.1:{port} (connection refused)")


def test_a_portal_that_no_name_server_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_given: object, **_more: object) -> socket.socket:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    place = Address(("array.example.org",), "iqn.2010-10.org.example:a", 1, "iqn.2010-10.org.example:node")
    assert login.paths(place, Deadline(60))[0].why == "no name server knows array.example.org"


@pytest.mark.parametrize(
    ("error", "words"), [(TimeoutError(), "does not answer within 5 s"), (OSError(113, "No route to host"), "No route to host")]
)
def test_a_portal_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, error: OSError, words: str) -> None:
    def away(*_given: object, **_more: object) -> socket.socket:
        raise error

    monkeypatch.setattr(socket, "create_connection", away)
    place = Address(("192.0.2.10",), "iqn.2010-10.org.example:a", 1, "iqn.2010-10.org.example:node")
    (path,) = login.paths(place, Deadline(60))
    assert path.cause == "no_answer"
    assert words in path.why
