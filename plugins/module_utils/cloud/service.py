# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One OpenStack service as raw JSON: paged reads, single writes, at one microversion.

Raw JSON, since a list of 1000 targets takes the SDK's resource objects 0.54 s and this 0.012 s. The SDK does the rest: the
configuration, the token, the catalogue, the connection.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..values.plan import Request
from .errors import Rejected, rejected, translated

Json = dict[str, Any]

# Ironic's conductor has tried for 3 s by itself before it answers that a node is locked.
_LOCK_TRIES = 5  # before the last one
_LOCK_PAUSE = 1.0  # seconds; doubled each time, with jitter so that a fleet's tries spread
_READ_TRIES = 4
_CONNECT_TRIES = 2


class Service:
    """A service behind one of the SDK's proxies. Safe for threads, as the proxy is."""

    def __init__(self, proxy: Any, name: str, microversion: str | None) -> None:
        self._proxy = proxy
        self._name = name
        self._microversion = microversion

    def at(self, microversion: str) -> Service:
        """The same service at another microversion."""
        return Service(self._proxy, self._name, microversion)

    def read(self, path: str, what: str, **query: object) -> Json:
        """One object or one page. ``what`` ends the words "Failed to"."""
        options = {"status_code_retries": _READ_TRIES, "retriable_status_codes": [503], "connect_retries": _CONNECT_TRIES}
        return self._ask("GET", path, what, params=query, **options)

    def find(self, path: str, what: str, **query: object) -> Json | None:
        """One object, or None where the service has none of that name."""
        try:
            return self.read(path, what, **query)
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        """Every object of a collection, page by page."""
        page: dict[str, object] | None = query
        while page is not None:
            body = self.read(path, what, **page)
            yield from body[key]
            page = _next_page(body, key, query)

    def send(self, request: Request) -> Json:
        """One write; the answer's object, or {} where it has none. Waits for a locked node, never for another conflict.

        An error that may have come after the write took place (503, a lost connection) is not tried again: the next run sees
        what came of it.
        """
        for tries in range(_LOCK_TRIES):
            try:
                return self._write(request)
            except Rejected as error:
                if error.status == 404 and request.method == "DELETE":
                    return {}  # it is gone: another run was faster
                if not error.is_lock:
                    error.of_record = bool(request.key)
                    raise
            time.sleep(_LOCK_PAUSE * 2**tries * random.uniform(0.5, 1.0))
        return self._write(request)

    def _write(self, request: Request) -> Json:
        once = {"status_code_retries": 0, "connect_retries": 0}
        return self._ask(request.method, request.path, request.what, json=request.body, **once)

    def _ask(self, method: str, path: str, what: str, **options: object) -> Json:
        # The SDK's debug log would hold the CHAP password of a target.
        log = "/volume/targets" not in path
        with translated(what):
            response = self._proxy.request(path, method, microversion=self._microversion, raise_exc=False, log=log, **options)
            if response.status_code >= 400:
                raise rejected(what, self._name, response)
            return response.json() if response.content else {}


def _next_page(body: Json, key: str, query: dict[str, object]) -> dict[str, object] | None:
    """The next page's query. Of the link only the query counts: behind a proxy its host may be another."""
    link = body.get("next") or next((link["href"] for link in body.get(f"{key}_links", ()) if link["rel"] == "next"), None)
    return {**query, **dict(parse_qsl(urlsplit(link).query))} if link else None
