# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foul weather between a run and the services: a share of all answers is bad, the same with the same seed and the same requests."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from dataclasses import replace

from .proxy import Answer, Proxy, Request

LOCK, RESET, CUT, STALL = "409 lock", "reset", "cut", "stall"
ERRORS = {"500": 500, "503": 503}
KINDS = (LOCK, *ERRORS, RESET, CUT, STALL)
_READS = ("GET", "HEAD")


class Weather:
    """Strikes every answer with the same chance: before the request has reached its service, or after that has done it.

    A locked node is answered before, and for writes of Ironic alone. A cut answer comes after. A stall lasts so many seconds, and
    ends without an answer.
    """

    def __init__(self, share: float, seed: int, stall: float) -> None:
        self.strikes: Counter[str] = Counter()
        self._share = share
        self._chance = random.Random(seed)
        self._stall = stall
        self._later: dict[int, str] = {}  # by the request's identity: what strikes when the service has answered
        self._lock = threading.Lock()

    def over(self, proxy: Proxy) -> Proxy:
        """Let the proxy's answers be struck."""
        proxy.instead, proxy.change = self._before, self._after
        return proxy

    def _before(self, request: Request) -> Answer | None:
        with self._lock:
            if self._chance.random() >= self._share:
                return None
            is_write = request.service == "baremetal" and request.method not in _READS
            kind = self._chance.choice([one for one in KINDS if is_write or one != LOCK])
            late = kind == CUT or (kind != LOCK and self._chance.random() < 0.5)
            self.strikes[f"{kind} {'after' if late else 'before'}"] += 1
            if late:
                self._later[id(request)] = kind
                return None
        return self._bad(kind)

    def _after(self, request: Request, answer: Answer) -> Answer:
        kind = self._later.pop(id(request), "")
        if kind == CUT:
            # At once where there is nothing to cut.
            return replace(answer, share=0.5 if answer.body else -1)
        return self._bad(kind) if kind else answer

    def _bad(self, kind: str) -> Answer:
        if kind == LOCK:
            said = "Node x is locked by host y, please retry after the current operation is completed."
            fault = json.dumps({"faultcode": "Client", "faultstring": said, "debuginfo": None})
            return Answer(409, (("Content-Type", "application/json"),), json.dumps({"error_message": fault}).encode())
        if kind in ERRORS:
            return Answer(ERRORS[kind], (("Content-Type", "text/html"),), b"<html><h1>The service is not well</h1></html>")
        return Answer(0, (), b"", after=self._stall if kind == STALL else 0.0, share=-1)
