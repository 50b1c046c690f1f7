# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Unanswered, rejected, translated
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.tests.unit.scripted import answer
from keystoneauth1 import exceptions as keystone_errors
from openstack import exceptions as sdk_errors
from requests import exceptions as http_errors

LOCKED = "Node 1be2 is locked by host conductor-1, please retry after the current operation is completed."
DUPLICATE = "A volume connector with type iqn and connector ID x already exists."


def ironics(said: str) -> dict[str, str]:
    """Ironic puts JSON into JSON."""
    return {"error_message": json.dumps({"faultcode": "Client", "faultstring": said, "debuginfo": None})}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ironics(DUPLICATE), DUPLICATE),
        ({"error_message": {"faultstring": DUPLICATE}}, DUPLICATE),
        ({"error_message": "not JSON"}, "not JSON"),
        ({"badRequest": {"code": 400, "message": "Invalid volume: too small"}}, "Invalid volume: too small"),
        ({"itemNotFound": {"code": 404, "message": "Volume x could not be found."}}, "Volume x could not be found."),
        ({"error": {"code": 403, "title": "Forbidden", "message": "You are not authorized"}}, "You are not authorized"),
        ({"error": "too busy"}, "too busy"),
        ('"too busy"', "too busy"),
        ({"errors": [], "error": {"title": "Forbidden"}}, "Forbidden"),
        ("<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>", "502 Bad Gateway nginx"),
        ("<html><title>403 Forbidden</title><h1>403 Forbidden</h1>\nNot you</html>", "403 Forbidden Not you"),
        ("plain  text\nof a proxy", "plain text of a proxy"),
        ("", "HTTP 409 Conflict"),
        ({}, "HTTP 409 Conflict"),
        ([], "HTTP 409 Conflict"),
        ("null", "HTTP 409 Conflict"),
        ({"error_message": "null"}, "HTTP 409 Conflict"),
        ({"error": {"message": None}}, "HTTP 409 Conflict"),
    ],
)
def test_what_the_server_says_is_quoted(body: object, said: str) -> None:
    error = rejected("change it", "Ironic", answer(body, 409, "Conflict"))
    assert error.said == said
    assert str(error).startswith(f"Failed to change it: Ironic says «{said}»")


def test_an_endless_page_is_cut() -> None:
    assert len(str(rejected("change it", "Ironic", answer("x" * 10_000, 500)))) < 600


@pytest.mark.parametrize(("status", "said", "is_lock"), [(409, LOCKED, True), (409, DUPLICATE, False), (500, LOCKED, False)])
def test_a_lock_is_told_from_other_conflicts(status: int, said: str, is_lock: bool) -> None:
    assert rejected("change it", "Ironic", answer(ironics(said), status)).is_lock is is_lock


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (409, LOCKED, "run again when it has finished"),
        (409, "can not be updated while a state transition is in progress.", "when the transition has ended"),
        (413, "VolumeSizeExceedsAvailableQuota: Requested volume exceeds the quota", "Raise the project's quota"),
        (401, "Unauthorized", "Check the user, the password"),
        (403, "Policy doesn't allow volume:create", "whose user has the role"),
        (403, "Forbidden", "whose user has the role"),
        (406, "Version 1.33 was requested but the minor version is not supported", "older than the microversion"),
    ],
)
def test_what_to_do_next_is_added(status: int, said: str, advice: str) -> None:
    assert advice in str(rejected("change it", "Ironic", answer(ironics(said), status)))


@pytest.mark.parametrize(("service", "is_there"), [("Ironic", False), ("Cinder", True), ("Glance", True)])
def test_who_reads_volumes_in_the_system_scope_is_told_of_the_other_cloud(service: str, is_there: bool) -> None:
    for said in ("Forbidden", "You are not authorized"):
        assert ("volume_cloud" in str(rejected("read image x", service, answer({"error": said}, 403)))) is is_there


def test_where_nothing_can_be_advised_nothing_is() -> None:
    assert (
        str(rejected("change it", "Ironic", answer(ironics(DUPLICATE), 409)))
        == f"Failed to change it: Ironic says «{DUPLICATE}»."
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (keystone_errors.Unauthorized("Wrong password"), "Keystone says «Wrong password"),
        (keystone_errors.ConnectFailure("refused"), r"no connection \(.*Check that the service runs"),
        (keystone_errors.ConnectTimeout("timed out"), r"no answer in time \(.*Check that the service runs"),
        (http_errors.ConnectionError("reset"), r"no connection \(.*Check that the service runs"),
        (sdk_errors.NotSupported("exists but does not have any supported versions"), "supported versions.*that the service runs"),
        (keystone_errors.EndpointNotFound("no baremetal endpoint"), "no baremetal endpoint.*Check the region"),
        (keystone_errors.MissingRequiredOptions([]), "no complete credentials.*OS_CLOUD"),
        (keystone_errors.ConnectTimeout("too slow"), "too slow"),
        (keystone_errors.InternalServerError("HTTP 500"), "HTTP 500"),
        (sdk_errors.ConfigException("Cloud x was not found"), "Cloud x was not found.*OS_CLIENT_CONFIG_FILE"),
        (http_errors.ReadTimeout("read timed out"), "read timed out"),
    ],
)
def test_what_the_sdk_raises_becomes_one_line(error: Exception, words: str) -> None:
    with pytest.raises(BfvError, match=f"^Failed to read the nodes: .*{words}") as caught, translated("read the nodes"):
        raise error
    assert "\n" not in str(caught.value)


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), translated("read the nodes"):
        raise ZeroDivisionError


PAGES = {
    "title": "<title>" * 1700,
    "titles": "<title>" + "x" * 6000 + "</title>" + "x" * 6000,
    "many titles": "<title>a</title>" * 750,
    "brackets": "<" * 12_000,
    "pool": "HTTPConnectionPool(" * 600,
    "pools": "HTTPConnectionPool(" + ": " * 6000,
    "quotes": "HTTPConnectionPool(" + ": " + "')" * 6000,
    "spaces": " " * 12_000,
    "lists": "[" * 12_000,
    "objects": '{"a":' * 2400,
    "nested": '{"a":' * 500 + "1" + "}" * 500,
    "words": json.dumps({"error": {"message": "requires " * 1500}}),
    "ironic's": json.dumps({"error_message": "[" * 12_000}),
    "ironic's objects": json.dumps({"error_message": '{"a":' * 900 + "1" + "}" * 900}),
    "bytes": "\x80\xff" * 6000,
}


@pytest.mark.parametrize("page", PAGES)
def test_field_x7_a_hostile_error_page_takes_no_time(page: str) -> None:
    began = time.process_time()
    error = rejected("change it", "Ironic", answer(PAGES[page], 500, "Internal Server Error"))
    with pytest.raises(BfvError), translated("change it"):
        raise keystone_errors.ConnectFailure(PAGES[page])
    assert time.process_time() - began < 0.5
    assert len(str(error)) < 600
    assert "\n" not in str(error)


def test_field_x7_the_words_of_a_page_are_still_found() -> None:
    page = "<html><title>502 Bad Gateway</title><body><h1>502 Bad Gateway</h1></body></html>"
    assert rejected("change it", "Ironic", answer(page + "x" * 12_000, 502)).said.startswith("502 Bad Gateway")


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (keystone_errors.ConnectTimeout("too slow"), True),
        (keystone_errors.UnknownConnectionError("cut", None), True),
        (keystone_errors.ServiceUnavailable("no token"), True),
        (keystone_errors.SSLError("EOF occurred in violation of protocol"), True),
        (keystone_errors.SSLError("certificate verify failed"), False),
        (http_errors.ChunkedEncodingError("cut"), True),
        (http_errors.ReadTimeout("too slow"), True),
        (http_errors.InvalidURL("no host"), False),
        (keystone_errors.Unauthorized("no"), False),
    ],
)
def test_field_b12_after_these_nobody_knows_what_was_done(error: Exception, is_lost: bool) -> None:
    with pytest.raises(BfvError) as caught, translated("change it"):
        raise error
    assert isinstance(caught.value, Unanswered) is is_lost
