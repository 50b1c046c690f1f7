# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SDK's proxy of a service, with answers written down beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from requests import Response


def answer(body: object = None, status: int = 200, reason: str = "") -> Response:
    """An HTTP response: a text as it is, all else as JSON."""
    response = Response()
    response.status_code, response.reason = status, reason
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    response._content = text.encode()
    return response


class Proxy:
    """Gives the answers in their order (an exception is raised), and keeps what it was asked."""

    def __init__(self, *answers: Response | Exception | Callable[[], Response]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.options: list[dict[str, Any]] = []

    def request(self, path: str, method: str, **options: Any) -> Response:
        self.asked.append((method, path))
        self.options.append(options)
        given = self._answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, Response) else given()
