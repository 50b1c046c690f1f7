# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there of a fleet of servers: each is read as bfv_server and bfv_volume read it, and all out of one look at the cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ...cloud.connection import Cloud
from ...cloud.shared_look import SharedLook
from ...resources.server import plan as server
from ...resources.volume import plan as volume
from ...resources.volume import record as volume_record
from ...resources.volume.record import Volume
from ...values.errors import BfvError
from ...values.plan import Request
from .wanted import ServerWanted

Answer = TypeVar("Answer")

# Up to so many servers are asked for one by one: in a project with many others that costs less than a list of all.
FEW = 4
_READERS = 4  # what lists do not tell, such as the devices of a server with several disks, is read for several at once


@dataclass(frozen=True)
class ServerFound:
    """One server, and its volumes by what they are asked for. ``ports`` are read when all is settled, as the module returns them."""

    server: server.Found = field(default_factory=server.Found)
    volumes: Mapping[str, volume.Found] = field(default_factory=dict)
    ports: tuple[Mapping[str, object], ...] | None = None


def read(cloud: Cloud, wants: list[ServerWanted]) -> dict[str, ServerFound | BfvError]:
    """What is there of each server by its name, or why that could not be read."""
    return observe(SharedLook(cloud, in_bulk=len(wants) > FEW), wants)


def observe(look: SharedLook, wants: list[ServerWanted]) -> dict[str, ServerFound | BfvError]:
    """The same, out of a look that others share. Nova and Cinder are asked at the same time."""
    with ThreadPoolExecutor(_READERS) as of_nova, ThreadPoolExecutor(_READERS) as of_cinder:
        servers = of_nova.map(lambda want: _read(lambda: server.observe(look, want.server)), wants)
        volumes = of_cinder.map(lambda want: _read(lambda: _observe_volumes(look, want)), wants)
        return {want.name: _found(seen, own) for want, seen, own in zip(wants, servers, volumes, strict=True)}


def _observe_volumes(look: SharedLook, want: ServerWanted) -> dict[str, volume.Found]:
    return {one.label: volume.observe(look, one) for one in want.volumes}


def _read(ask: Callable[[], Answer]) -> Answer | BfvError:
    try:
        return ask()
    except BfvError as error:
        return error


def _found(seen: server.Found | BfvError, volumes: dict[str, volume.Found] | BfvError) -> ServerFound | BfvError:
    if isinstance(seen, BfvError):
        return seen
    return volumes if isinstance(volumes, BfvError) else ServerFound(seen, volumes)


def absorb(found: ServerFound, request: Request, answer: Mapping[str, Any]) -> ServerFound | None:
    """What is there after a write to a volume, by its answer; None where only another look tells, as of all that Nova does."""
    if request.changes == "volume" and "status" in answer.get("volume", ()):
        return _with_volume(found, volume_record.from_api(answer["volume"]))
    if request.changes == "volume" and "metadata" in answer:
        known = next((one for each in found.volumes.values() for one in each.volumes if one.id == request.key), None)
        return None if known is None else _with_volume(found, replace(known, metadata={**known.metadata, **answer["metadata"]}))
    return None


def _with_volume(found: ServerFound, volume: Volume) -> ServerFound | None:
    """A volume that is new stands beside others of its name: one of them may be that whose place it takes. None where it is none of the entry's."""

    def among(ones: tuple[Volume, ...]) -> tuple[Volume, ...]:
        return (*(one for one in ones if one.id != volume.id), volume)

    volumes = {
        label: replace(each, volumes=among(each.volumes)) if label in (volume.id, volume.name) else each
        for label, each in found.volumes.items()
    }
    return replace(found, volumes=volumes) if volumes != found.volumes else None
