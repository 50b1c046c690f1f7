# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forward proxy between the modules and the services: it keeps what was asked, and can answer what no service would on demand.

A run goes through it by the environment variable http_proxy, so neither the cloud's configuration nor any path changes.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

_READS = ("GET", "HEAD")
_LISTS = ("/v1/volume/connectors", "/v1/volume/targets")
_OF_ONE_CONNECTION = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length")


@dataclass(frozen=True)
class Request:
    """A request that came by. ``service`` is its name in the catalogue."""

    service: str
    method: str
    path: str
    query: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def is_token(self) -> bool:
        return self.service == "identity" and self.path.endswith("/auth/tokens")

    def __str__(self) -> str:
        return f"{self.method} {self.service} {self.path}"


@dataclass(frozen=True)
class Answer:
    """What a service answered. It is held back for ``after`` seconds, and of its body only ``share`` is sent: of -1 no answer at all."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    after: float = 0.0
    share: float = 1.0


Change = Callable[[Request, Answer], Answer]
Instead = Callable[[Request], Answer | None]


class Proxy:
    """Listens on loopback from ``with`` on. ``services`` are the names of the services by host and port."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self.requests: list[Request] = []
        self.spoilt: Counter[str] = Counter()  # lists that Ironic answered with 404, as a node of another test was just going
        self.instead: Instead = lambda request: None
        self.change: Change = lambda request, answer: answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, services))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a run go through the proxy."""
        return {"http_proxy": self.url}

    @property
    def writes(self) -> list[str]:
        """The requests that may have changed something. Getting a token does not."""
        return [str(one) for one in self.requests if one.method not in _READS and not one.is_token]

    @property
    def counts(self) -> Counter[str]:
        """How often each request was made, whatever its query. What had to be asked for again counts once."""
        return Counter(map(str, self.requests)) - self.spoilt


def _handler(proxy: Proxy, services: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer goes out in two pieces, and the second would wait up to 40 ms for the receipt of the first.
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _pass_on(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(services.get(url.netloc, url.netloc), self.command, url.path, url.query, body)
            proxy.requests.append(request)
            answer = proxy.instead(request) or proxy.change(request, self._ask(url.netloc, body))
            self._tell(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

        def _ask(self, netloc: str, body: bytes) -> Answer:
            connection = http.client.HTTPConnection(netloc, timeout=120)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
            target = self.path.partition(netloc)[2] or "/"
            connection.request(self.command, target, body=body or None, headers=headers)
            response = connection.getresponse()
            kept = tuple((name, value) for name, value in response.getheaders() if name.lower() not in _OF_ONE_CONNECTION)
            answer = Answer(response.status, kept, response.read())
            connection.close()
            if answer.status == 404 and urlsplit(self.path).path in _LISTS:
                proxy.spoilt[f"{self.command} baremetal {urlsplit(self.path).path}"] += 1
            return answer

        def _tell(self, answer: Answer) -> None:
            time.sleep(answer.after)
            if answer.share < 0:
                self._hang_up()
                return
            try:
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body[: int(len(answer.body) * answer.share)])
                if answer.share < 1:
                    self._hang_up()
            except ConnectionError:  # the one who asked was killed
                self.close_connection = True

        def _hang_up(self) -> None:
            self.close_connection = True
            with suppress(OSError):  # the one who asked has gone
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler
