# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes, connectors and targets as they are read: a few one by one, many with a list of all there are, at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

from ...cloud.connection import Cloud
from ...cloud.service import Json
from ...resources.node import connector, listing, target
from ...resources.node import record as node
from ...resources.node.connector import Connector
from ...resources.node.record import Node
from ...resources.node.target import Target

# Up to so many nodes, volumes or golden images are read one by one: on a cloud with many others that costs less than a list of all.
FEW = 4
# A list that is shorter than this costs no more than they do: from two on it is asked for first, and is enough where it is whole.
SHORT = 32
# From so many nodes on, which are a quarter of a page at least, all lists are asked for at once.
MANY = 250
# The connectors and targets of a node alone, against its part in the lists of all: Ironic reads each record's node (measured in tests/bench).
_SINGLE_COSTS = 4
_READERS = 2  # of each of the two

Record = TypeVar("Record", Connector, Target)
Records = tuple[dict[str, list[Connector]], dict[str, list[Target]]]


def read_nodes(cloud: Cloud, names: Collection[str], short: int = 0) -> dict[str, Node]:
    """The nodes of these names and UUIDs, and where those are many, or all there are fewer than ``short``, every other as well."""
    there = node.read_short(cloud, short) if short and 1 < len(names) <= FEW else None
    if there is None and len(names) <= FEW:
        return {name: one for name in names if (one := node.find(cloud, name))}
    found = {}
    for one in node.read_all(cloud) if there is None else there:
        found[one.name] = found[one.uuid] = one
    for name in spelled_otherwise(names, found):
        if one := node.find(cloud, name):
            found[name] = one
    return found


def spelled_otherwise(names: Iterable[str], there: Collection[str]) -> list[str]:
    """The names that are there in other letters only: whether that is the same name, a service's database decides, so it is asked."""
    folded = {name.lower() for name in there}
    return [name for name in names if name not in there and name.lower() in folded]


def is_few(wanted: int, there: int) -> bool:
    """Whether connectors and targets are read node by node. Ironic takes four times as long for a node alone as for its part of a list."""
    return wanted <= FEW or _SINGLE_COSTS * wanted < there


@contextmanager
def ahead(cloud: Cloud, wanted: int) -> Iterator[Callable[[], Records | None]]:
    """Ask for the records of all nodes while the nodes are read, where so many are wanted. They may turn out to be few among all there
    are: then what is left of the lists is not asked for."""
    if wanted < MANY:
        yield lambda: None
        return
    in_vain = Event()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(read_records, cloud, None, in_vain.is_set)
        try:
            yield coming.result
        finally:
            in_vain.set()


def read_records(cloud: Cloud, of: Collection[str] | None, unless: Callable[[], bool] = lambda: False) -> Records:
    """The connectors and the targets by their nodes: those of nodes by their UUIDs, or all there are. Ironic is slow with both: at once."""
    with ThreadPoolExecutor(2) as pool:
        connectors = pool.submit(_read_kind, cloud, listing.CONNECTORS, connector.from_api, of, unless)
        targets = pool.submit(_read_kind, cloud, listing.TARGETS, target.from_api, of, unless)
        return _by_node(connectors.result()), _by_node(targets.result())


def _read_kind(
    cloud: Cloud, kind: str, form: Callable[[Json], Record], of: Collection[str] | None, unless: Callable[[], bool]
) -> list[Record]:
    if of is None:
        return _read(cloud, kind, form, unless=unless)
    if 1 < len(of) <= FEW:
        short = listing.read_short(cloud, kind, f"read the volume {kind}", SHORT, detail=True)
        if short is not None:
            return list(map(form, short))
    with ThreadPoolExecutor(_READERS) as pool:
        answers = [pool.submit(_read, cloud, kind, form, node=uuid) for uuid in sorted(of)]
        return [record for answer in answers for record in answer.result()]


def read_connectors(cloud: Cloud) -> list[Connector]:
    """The connectors of all nodes."""
    return _read(cloud, listing.CONNECTORS, connector.from_api)


def read_targets(cloud: Cloud, uuids: Collection[str] | None = None) -> dict[str, list[Target]]:
    """The targets of these nodes, and of every other where those are many, or none are named."""
    queries: list[dict[str, str]] = [{}] if uuids is None or len(uuids) > FEW else [{"node": uuid} for uuid in uuids]
    return _by_node(one for query in queries for one in _read(cloud, listing.TARGETS, target.from_api, **query))


def _read(cloud: Cloud, kind: str, form: Callable[[Json], Record], **query: Any) -> list[Record]:
    return list(map(form, listing.read(cloud, kind, f"read the volume {kind}", detail=True, **query)))


def _by_node(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.node_uuid].append(record)
    return found
