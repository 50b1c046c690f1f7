# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ironic by raw HTTP that keeps its connections: what no client can undercut. Nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

IDLE = 5.0  # seconds; Ironic's server closes a connection that nothing came by for 10
Json = dict[str, Any]
One = TypeVar("One")
Made = TypeVar("Made")


@dataclass
class Http:
    """Requests to one host, each thread by its own connection; through a proxy where the environment names one."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    _local: threading.local = field(default_factory=threading.local)

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[Any, Mapping[str, str]]:
        """The answer's JSON and headers. An answer that is no success is an error."""
        sent = None if body is None else json.dumps(body)
        connection, prefix = self._connection()
        connection.request(method, prefix + path, sent, {"Content-Type": "application/json", **self.headers, **headers})
        response = connection.getresponse()
        text = response.read()
        if response.status >= 400:
            raise SystemExit(f"{method} {path}: {response.status} {text.decode()}")
        return json.loads(text) if text else {}, response.headers

    def _connection(self) -> tuple[http.client.HTTPConnection, str]:
        proxy = os.environ.get("http_proxy")
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(urlsplit(proxy or self.url).netloc)
        elif time.monotonic() - self._local.used > IDLE:
            self._local.connection.close()  # it is opened again by the next request
        self._local.used = time.monotonic()
        return self._local.connection, self.url if proxy else urlsplit(self.url).path


class Ironic:
    """Ironic at one microversion."""

    def __init__(self, cloud: Mapping[str, Any], microversion: str = "1.33") -> None:
        token, catalog = _sign_in(cloud["auth"])
        (url,) = (
            endpoint["url"]
            for service in catalog
            if service["type"] == "baremetal"
            for endpoint in service["endpoints"]
            if endpoint["interface"] == "public"
        )
        headers = {"X-Auth-Token": token, "X-OpenStack-Ironic-API-Version": microversion}
        self._http = Http(url.rstrip("/").removesuffix("/v1") + "/v1", headers)

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        return self._http(method, path, body)[0]

    def list(self, kind: str, **query: object) -> Iterator[Json]:
        """Every page of /nodes, /volume/connectors or /volume/targets."""
        path: str | None = f"/{kind}?{urlencode(query)}"
        while path:
            page = self("GET", path)
            yield from page[kind.rpartition("/")[2]]
            path = page["next"].partition("/v1")[2] if "next" in page else None


def _sign_in(auth: Mapping[str, str]) -> tuple[str, list[Json]]:
    user = {"name": auth["username"], "password": auth["password"], "domain": {"id": auth["user_domain_id"]}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"system": {"all": True}}}}
    answer, headers = Http(auth["auth_url"])("POST", "/auth/tokens", body)
    return headers["X-Subject-Token"], answer["token"]["catalog"]


def each(do: Callable[[One], Made], ones: Iterable[One], threads: int = 8) -> list[Made]:
    """Do it for each of them, with some threads."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, ones))
