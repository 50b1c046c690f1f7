# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that change nothing are tried again: what reads, what finds out about versions, and what signs in.

An adapter between requests and the network is the one place that all of them pass: keystoneauth tries neither its sign-in nor its
discovery again, and of the others only what answers 503.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from .wait import Pauses

try:
    from requests import exceptions as http_errors
    from urllib3.exceptions import NewConnectionError
except ImportError:  # run.py refuses to start without them, and says how to get them
    http_errors = NewConnectionError = None  # type: ignore[assignment, misc]

PATIENCE = 180.0  # seconds for a request and all its tries, where no timeout is given
TOO_MANY = 429
# Nobody knows what became of a write that got one of these; a read may be answered the next time.
GATEWAY_TIMEOUT = 504
PASSING = (408, 500, 502, 503, GATEWAY_TIMEOUT)

_MOST_PAUSES = 7  # 24 to 48 s, where the service does not ask for more
_MOST_UNREACHED = 4  # 4 to 8 s: a service that starts again, and not a wrong address
_CONNECT = 10.0  # seconds
_READ = 120.0  # the services wait 60 s for one another (oslo.messaging, rpc_response_timeout)
_UPLOAD = 600.0  # Glance may hold up an upload as long as its store is busy
_CHECKED_WHOLE = 65536  # bytes; a longer answer is parsed once, where it is used


class Patient:
    """An adapter of requests around another one. It gives up a request after ``seconds``, and a silent connection in any case."""

    def __init__(self, adapter: Any, seconds: float) -> None:
        self._adapter = adapter
        self._seconds = seconds

    def send(self, request: Any, *, stream: bool = False, timeout: Any = None, **options: Any) -> Any:
        """The answer to a request; one that changes nothing is tried again where it may be answered the next time."""
        timeout = timeout or ((_UPLOAD, _UPLOAD) if hasattr(request.body, "read") else (_CONNECT, _READ))
        if not _changes_nothing(request):
            return self._adapter.send(request, stream=stream, timeout=timeout, **options)
        pauses = Pauses(self._seconds, _MOST_PAUSES)
        while True:
            try:
                response = self._adapter.send(request, stream=stream, timeout=timeout, **options)
                if stream or _is_final(response) or not pauses.pause(retry_after(response)):
                    return response
            except http_errors.RequestException as error:
                unreached = _is_unreached(error) and pauses.taken >= _MOST_UNREACHED
                if unreached or not is_passing(error) or not pauses.pause():
                    raise

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()


def _changes_nothing(request: Any) -> bool:
    return request.method in ("GET", "HEAD") or (request.method == "POST" and request.path_url.endswith("/auth/tokens"))


def _is_final(response: Any) -> bool:
    """Whether another try would bring the same answer. Reads the body, which may end early."""
    content = response.content
    if response.status_code == TOO_MANY or response.status_code in PASSING:
        return False
    if response.status_code >= 400 or not content or "json" not in response.headers.get("Content-Type", ""):
        return True
    if len(content) > _CHECKED_WHOLE:
        return bool(content.rstrip().endswith(b"}"))
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def is_passing(error: Exception) -> bool:
    """Whether an exception of requests tells of the network, and not of an address or a certificate that stay wrong."""
    if isinstance(error, http_errors.SSLError):
        return "EOF" in str(error)  # the other side has hung up
    passing = (
        http_errors.ConnectionError,
        http_errors.Timeout,
        http_errors.ChunkedEncodingError,
        http_errors.ContentDecodingError,
    )
    return isinstance(error, passing)


def _is_unreached(error: Exception) -> bool:
    return isinstance(getattr(next(iter(error.args), None), "reason", None), NewConnectionError)


def retry_after(response: Any) -> float | None:
    """The seconds after which the service wants to be asked again, if it says so: as a number, or as a date by its own clock."""
    headers: Mapping[str, str] = response.headers
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted)
    try:
        when = parsedate_to_datetime(wanted).timestamp()
    except (TypeError, ValueError):
        return None
    try:
        now = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        now = time.time()
    return max(when - now, 0.0)
