# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the network does to requests, on a real one: the loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud import wait
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.patience import Patient, is_passing, retry_after
from requests.adapters import HTTPAdapter

BODY = json.dumps({"nodes": [{"uuid": "x"}]}).encode()
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as it is told, and with the whole body when nothing is told any more."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server: Any = self.server
        server.asked.append((self.command, self.path))
        (server.answers.pop(0) if server.answers else whole)(self)

    do_GET = do_POST = do_PUT = do_HEAD = do_PATCH = do_DELETE = _answer

    def say(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


def whole(handler: Handler) -> None:
    handler.say(200, BODY)


def status(number: int, **headers: str) -> Answer:
    return lambda handler: handler.say(number, b"{}", **headers)


def reset(handler: Handler) -> None:
    handler.hang_up()


def cut(handler: Handler) -> None:
    handler.say(200, BODY[:10], len(BODY))
    handler.hang_up()


def garbled(handler: Handler) -> None:
    handler.say(200, BODY[:10])


def stalled(handler: Handler) -> None:
    time.sleep(1)
    handler.hang_up()


FAULTS: dict[str, Answer] = {
    **{str(number): status(number) for number in (408, 429, 500, 502, 503, 504)},
    "reset": reset,
    "cut": cut,
    "garbled": garbled,
    "stalled": stalled,
}

WAITS = {"stalled": 0.3}  # seconds that the client waits for an answer; all others come at once, on however busy a machine


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.answers, server.asked = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which take no time; the clock goes on by them."""
    taken: list[float] = []
    monkeypatch.setattr(wait, "time", SimpleNamespace(sleep=taken.append, monotonic=lambda: sum(taken)))
    return taken


def a_session(seconds: float = 180) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Patient(HTTPAdapter(), seconds))
    return session


def ask(server: Any, method: str = "GET", path: str = "/v1/nodes", seconds: float = 180, **options: Any) -> requests.Response:
    return a_session(seconds).request(method, f"http://127.0.0.1:{server.server_address[1]}{path}", **options)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nodes"), ("GET", "/"), ("POST", "/v3/auth/tokens")])
def test_field_b12_what_changes_nothing_is_tried_again(
    server: Any, pauses: list[float], fault: str, method: str, path: str
) -> None:
    server.answers = [FAULTS[fault]] * 3
    assert ask(server, method, path, timeout=WAITS.get(fault)).json() == json.loads(BODY)
    assert server.asked == [(method, path)] * 4
    assert [2**index / 4 <= pause <= 2**index / 2 for index, pause in enumerate(pauses)] == [True] * 3


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_field_b12_a_write_is_sent_once(server: Any, pauses: list[float], fault: str, method: str) -> None:
    server.answers = [FAULTS[fault]]
    with suppress(requests.RequestException):
        ask(server, method, json={}, timeout=WAITS.get(fault))
    assert (len(server.asked), pauses) == (1, [])


@pytest.mark.parametrize("number", [400, 401, 403, 404, 406, 409, 410, 413, 422, 501])
def test_field_b12_what_is_refused_is_final(server: Any, pauses: list[float], number: int) -> None:
    server.answers = [status(number)]
    assert ask(server).status_code == number
    assert (len(server.asked), pauses) == (1, [])


@pytest.mark.parametrize("fault", FAULTS)
def test_field_b12_what_stays_bad_is_given_up_within_a_minute(server: Any, pauses: list[float], fault: str) -> None:
    server.answers = [FAULTS[fault]] * 20
    if fault == "stalled":
        server.answers = [lambda handler: time.sleep(0.4)] * 20
    with suppress(requests.RequestException):
        ask(server, timeout=WAITS.get(fault))
    assert len(server.asked) == 8
    assert 20 < sum(pauses) < 60


def test_field_b12_nothing_is_tried_for_longer_than_the_task_waits(server: Any, pauses: list[float]) -> None:
    server.answers = [status(503)] * 20
    assert ask(server, seconds=3).status_code == 503
    assert 1 < sum(pauses) < 3


@pytest.mark.parametrize("later", ["7", formatdate(1007, usegmt=True)])
@pytest.mark.parametrize("number", [429, 503])
def test_field_b12_the_service_says_when_to_come_again(server: Any, pauses: list[float], number: int, later: str) -> None:
    server.answers = [status(number, Retry_After=later, Date=formatdate(1000, usegmt=True))]
    assert ask(server).status_code == 200
    (pause,) = pauses
    assert 7 <= pause <= 8


def test_field_b12_who_is_told_to_come_too_late_does_not_wait(server: Any, pauses: list[float]) -> None:
    server.answers = [status(429, Retry_After="3600")]
    assert ask(server).status_code == 429
    assert pauses == []


@pytest.mark.parametrize("wanted", ["", "soon", "-1", "1.5", "٣", "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_what_says_no_time_is_no_time(wanted: str) -> None:
    assert retry_after(SimpleNamespace(headers={"Retry-After": wanted})) is None


def test_a_date_is_compared_with_our_clock_where_the_service_tells_none() -> None:
    wanted = formatdate(time.time() + 30, usegmt=True)
    seconds = retry_after(SimpleNamespace(headers={"Retry-After": wanted}))
    assert seconds is not None
    assert 25 < seconds < 35
    assert retry_after(SimpleNamespace(headers={"Retry-After": formatdate(0, usegmt=True)})) == 0


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_field_b12_an_address_where_nobody_is_is_given_up_soon(pauses: list[float], host: str) -> None:
    with pytest.raises(requests.ConnectionError):
        a_session().get(f"http://{host}/")
    assert len(pauses) == 4
    assert sum(pauses) < 8


def test_field_b12_a_certificate_stays_wrong(server: Any, pauses: list[float]) -> None:
    assert not is_passing(requests.exceptions.SSLError("certificate verify failed: self-signed certificate"))
    assert is_passing(requests.exceptions.SSLError("EOF occurred in violation of protocol"))
    assert not is_passing(requests.exceptions.InvalidURL("no host"))


def test_field_b12_a_silent_service_is_not_waited_for_for_ever(server: Any) -> None:
    taken: list[Any] = []

    class Noting:
        def send(self, request: Any, **options: Any) -> Any:
            taken.append(options["timeout"])
            raise requests.ReadTimeout

        def close(self) -> None: ...

    session = requests.Session()
    session.mount("http://", Patient(Noting(), 0))
    for options in ({"json": {}}, {"data": open(__file__, "rb")}, {"json": {}, "timeout": 5}):  # noqa: SIM115
        with pytest.raises(requests.ReadTimeout):
            session.post("http://127.0.0.1/", **options)
    assert taken == [(10.0, 120.0), (600.0, 600.0), 5]


def test_a_large_body_is_not_parsed_twice(server: Any, pauses: list[float]) -> None:
    large = json.dumps({"nodes": ["x" * 70_000]}).encode()
    server.answers = [lambda handler: handler.say(200, large[:-1]), lambda handler: handler.say(200, large)]
    assert ask(server).content == large
    assert len(pauses) == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_what_is_no_json_is_left_to_who_asked(server: Any, pauses: list[float], content_type: str) -> None:
    server.answers = [lambda handler: handler.say(200, b"<html>", Content_Type=content_type)]
    assert ask(server).content == b"<html>"
    assert pauses == []
