# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud as it is at one moment, for many that look at once: what several ask is asked once, and what each asks of its own is found in one list.

It reads, and never writes. Whoever looks again takes a new one.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

from ..values.errors import BfvError
from .connection import Cloud
from .service import Json, Service

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Whole:
    """A collection that is read whole: the key of its answer and of one record, and for each filter the values that a record answers to.

    Filters are a help, and no answer: whoever asks compares again.
    """

    key: str
    one: str
    answers_to: Mapping[str, Callable[[Json], Iterable[str]]]


def _name(record: Json) -> list[str]:
    return [record.get("name") or ""]


def _pattern(server: Json) -> list[str]:
    """Nova takes a name for a regular expression."""
    return [f"^{re.escape(server.get('name') or '')}$"]


def _pairs(volume: Json) -> list[str]:
    """Cinder takes a pair of metadata as a literal of Python."""
    return [repr({key: value}) for key, value in volume.get("metadata", {}).items()]


def _volume(snapshot: Json) -> list[str]:
    return [snapshot["volume_id"]]


# By their paths: those of which a fleet asks for each machine. Each lists what is the project's own.
SERVERS = {"/servers/detail": Whole("servers", "", {"name": _pattern})}  # one that is read alone shows more
VOLUMES = {
    "/volumes/detail": Whole("volumes", "volume", {"name": _name, "metadata": _pairs}),
    "/snapshots": Whole("snapshots", "", {"volume_id": _volume}),
}


class SharedLook(Cloud):
    """The same cloud, asked once. ``in_bulk``: what is asked for each machine is read whole. Safe for threads."""

    def __init__(self, cloud: Cloud, *, in_bulk: bool) -> None:
        self._cloud = cloud
        self._in_bulk = in_bulk

    @cached_property
    def block_storage(self) -> Service:
        return _Asked(self._cloud.block_storage, VOLUMES if self._in_bulk else {})

    @cached_property
    def compute(self) -> Service:
        return _Asked(self._cloud.compute, SERVERS if self._in_bulk else {})

    @cached_property
    def image(self) -> Service:
        return _Asked(self._cloud.image, {})

    @cached_property
    def network(self) -> Service:
        return _Asked(self._cloud.network, {})

    @property
    def project(self) -> str:
        return self._cloud.project

    def check_project(self) -> None:
        self._cloud.check_project()


class _Asked(Service):
    """A service of which each question is asked once, also where its answer is an error."""

    def __init__(self, service: Service, whole: Mapping[str, Whole]) -> None:
        self._service = service
        self._whole = whole
        self._answers: dict[str, object] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def at(self, microversion: str) -> Service:
        return self._service.at(microversion)

    @property
    def newest(self) -> tuple[int, ...] | None:
        return self._service.newest

    def offers(self, microversion: str) -> bool:
        return self._service.offers(microversion)

    def read(self, path: str, what: str, **query: object) -> Json:
        return self._once(f"read {path} {query}", lambda: self._service.read(path, what, **query))

    def find(self, path: str, what: str, **query: object) -> Json | None:
        """One object. What the list of all does not have, such as another project's, is asked for."""
        for of_all, whole in self._whole.items():
            parent, _slash, id = path.rpartition("/")
            if whole.one and not query and parent == of_all.removesuffix("/detail"):
                for record in self._index(of_all, whole, "id").get(id, ()):
                    return {whole.one: record}
        return self._once(f"find {path} {query}", lambda: self._service.find(path, what, **query))

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        whole, asked = self._whole.get(path), [*query]
        if whole and len(asked) == 1 and asked[0] in whole.answers_to:
            return iter(self._index(path, whole, asked[0]).get(str(query[asked[0]]), ()))
        return iter(self._once(f"list {path} {query}", lambda: tuple(self._service.list(path, key, what, **query))))

    def _index(self, path: str, whole: Whole, by: str) -> Mapping[str, tuple[Json, ...]]:
        """The records of a collection by what they answer to."""

        def index() -> Mapping[str, tuple[Json, ...]]:
            found: dict[str, tuple[Json, ...]] = defaultdict(tuple)
            for record in self.list(path, whole.key, f"read the {whole.key}"):
                for value in [record["id"]] if by == "id" else whole.answers_to[by](record):
                    found[value] += (record,)
            return dict(found)

        return self._once(f"index {path} {by}", index)

    def _once(self, question: str, ask: Callable[[], Answer]) -> Answer:
        with self._lock:
            asking = self._asking.setdefault(question, threading.Lock())
        with asking:
            if question not in self._answers:
                try:
                    self._answers[question] = ask()
                except BfvError as error:
                    self._answers[question] = error
        answer = self._answers[question]
        if isinstance(answer, BfvError):
            raise answer
        return cast(Answer, answer)
