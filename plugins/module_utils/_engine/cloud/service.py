# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One OpenStack service as raw JSON: paged reads, single writes, at one microversion.

Raw JSON, since a list of 1000 targets takes the SDK's resource objects 0.54 s and this 0.012 s. The SDK does the rest: the
configuration, the token, the catalogue, the connection.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from ..values.errors import BfvError, Refused
from ..values.plan import Request
from . import microversions
from .errors import Rejected, Unanswered, is_at_work, rejected, translated
from .patience import PATIENCE, TOO_MANY
from .wait import Pauses, pause

Json = dict[str, Any]

# Ironic's conductor has tried for 3 s by itself before it answers that a node is locked.
_LOCK_TRIES = 5  # before the last one
_LOCK_PAUSE = 1.0  # seconds; doubled each time
_BUSY_TRIES = 20  # before a write is given up that the service has no time for
_AT_WORK = 15.0  # seconds that a service gets in which to end what nobody waits for any more

# Glance takes changes in no other form (glance/api/v2/images.py).
_IMAGE_PATCH = "application/openstack-images-v2.1-json-patch"


class Service:
    """A service behind one of the SDK's proxies. Safe for threads, as the proxy is."""

    def __init__(self, proxy: Any, name: str, microversion: str | None, patience: float = PATIENCE) -> None:
        self._proxy = proxy
        self._name = name
        self._microversion = microversion
        self._patience = patience

    def at(self, microversion: str) -> Service:
        """The same service at another microversion. Raises BfvError where it is too old for that."""
        microversions.check(self._name, self._proxy.get_endpoint_data(), microversion)
        return Service(self._proxy, self._name, microversion, self._patience)

    @property
    def newest(self) -> tuple[int, ...] | None:
        """The newest microversion that the server knows. None where it tells of none."""
        newest = getattr(self._proxy.get_endpoint_data(), "max_microversion", None)
        return tuple(newest) if newest else None

    def offers(self, microversion: str) -> bool:
        """Whether the server knows the microversion. One that tells of none is taken for an old one."""
        return self.newest is not None and self.newest >= tuple(map(int, microversion.split(".")))

    def read(self, path: str, what: str, **query: object) -> Json:
        """One object or one page. ``what`` ends the words "Failed to"."""
        return self._ask("GET", path, what, params=query)

    def find(self, path: str, what: str, **query: object) -> Json | None:
        """One object, or None where the service has none of that name."""
        try:
            return self.read(path, what, **query)
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        """Every object of a collection, page by page. Raises BfvError where a page leads to one that was read already."""
        page: dict[str, object] | None = query
        pages: list[dict[str, object]] = []
        while page is not None:
            if page in pages:
                raise BfvError(
                    f"Failed to {what}: {self._name}'s link to the next page leads back to one that was read. Look into its log, and that of a proxy before it."
                )
            pages.append(page)
            body = self.read(path, what, **page)
            if not isinstance(body.get(key), list):
                raise Unanswered(f"Failed to {what}: {self._name} answered without {key}. Check that its address is right.")
            yield from body[key]
            page = _next_page(body, key, query)

    def send(self, request: Request) -> Json:
        """One write; the answer's object, or {} where it has none. Waits for a locked node, never for another conflict.

        Where the request says what must still hold, the record is read directly before each try: somebody may have had the lock.

        An error that may have come after the write took place (503, a lost connection) is not tried again here: whoever sent it
        looks what came of it, and a record that is still being made, for nobody waited long enough, is none yet: that look comes a while
        later. What the service had no time for (429) was not done.
        """
        try:
            return self._send(request)
        except BfvError as error:
            if request.creates and is_at_work(error):
                pause(_AT_WORK)
            raise

    def _send(self, request: Request) -> Json:
        locked, busy = Pauses(math.inf, _LOCK_TRIES, _LOCK_PAUSE), Pauses(self._patience, _BUSY_TRIES)
        while True:
            check_still(self, request)
            try:
                return self._write(request)
            except Rejected as error:
                if error.status == 404 and request.method == "DELETE":
                    return {}  # it is gone: another run was faster
                if error.is_lock and locked.pause():
                    continue
                if error.status == TOO_MANY and busy.pause(error.later):
                    continue
                error.of_record = bool(request.key)
                error.new = request.changes if request.creates else ""
                raise

    def _write(self, request: Request) -> Json:
        if request.file:
            return self._send_file(request)
        headers = {"Content-Type": _IMAGE_PATCH} if request.service == "image" and request.method == "PATCH" else {}
        return self._ask(request.method, request.path, request.what, json=request.body, headers=headers)

    def _send_file(self, request: Request) -> Json:
        headers = {"Content-Type": "application/octet-stream"}
        try:
            with open(request.file, "rb") as stream:
                return self._ask(request.method, request.path, request.what, data=stream, headers=headers)
        except OSError as error:
            raise Refused(f"Failed to {request.what}: {error.strerror} ({request.file}).") from error

    def _ask(self, method: str, path: str, what: str, **options: object) -> Json:
        # The SDK's debug log would hold the CHAP password of a target.
        log = "/volume/targets" not in path
        # What may be tried again is tried by patience.py, whatever clouds.yaml says.
        once = {"status_code_retries": 0, "connect_retries": 0}
        with translated(what):
            response = self._proxy.request(
                path, method, microversion=self._microversion, raise_exc=False, log=log, **once, **options
            )
            if response.status_code >= 400:
                raise rejected(what, self._name, response, options.get("json"))
            return self._object(response, what)

    def _object(self, response: Any, what: str) -> Json:
        """The answer's object. Where it is cut, or somebody else's, nobody knows what the service has done."""
        try:
            body = response.json() if response.content else {}
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Unanswered(f"Failed to {what}: {self._name}'s answer cannot be read. Check that its address is right.")
        return body


class Listing(Protocol):
    """What lists are read from."""

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]: ...


def short(service: Listing, path: str, key: str, what: str, below: int, **query: object) -> list[Json] | None:
    """Every object of a collection that has fewer than so many; None of a longer one. One request, whatever there is."""
    first = [*islice(service.list(path, key, what, limit=below, **query), below)]
    return first if len(first) < below else None


class Readable(Protocol):
    """What is asked of a service before a write that cannot be taken back."""

    def find(self, path: str, what: str, **query: object) -> Json | None: ...


def check_still(service: Readable, request: Request) -> None:
    """Refuse a request where the record is no more as the plan saw it. The run then looks again, and plans anew."""
    if request.still is None:
        return
    still = request.still
    record = service.find(still.path, f"read what is there before the run may {request.what}")
    if record is None:
        raise Refused(f"Failed to {request.what}: it is gone since it was looked at. Run again.")
    seen = record[still.within] if still.within else record
    for name, expected in still.fields.items():
        if seen.get(name) != expected:
            raise Refused(
                f"Failed to {request.what}: its {name} was {expected or 'none'} when it was looked at, and is {seen.get(name) or 'none'} now. "
                "Somebody else is at work on it: run again."
            )


def _next_page(body: Json, key: str, query: dict[str, object]) -> dict[str, object] | None:
    """The next page's query. Of the link only the query counts: behind a proxy its host may be another."""
    link = body.get("next") or next((link["href"] for link in body.get(f"{key}_links", ()) if link["rel"] == "next"), None)
    return {**query, **dict(parse_qsl(urlsplit(link).query))} if link else None
