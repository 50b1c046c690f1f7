# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as a kind of machine: what the engine of all fleets is told of them (see ../kind.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...cloud.connection import Cloud
from ...resources.server import plan as server
from ...resources.settle import Way
from ...resources.volume import plan as volume
from ...resources.volume import record as volume_record
from ...resources.volume.needs import Needs
from ...values.errors import BfvError
from ..room import Around
from ..stage import Stage
from . import observe as observing
from . import plan, shared
from .again import look_again, look_at_last
from .observe import ServerFound, absorb
from .wanted import ServerWanted, name_of, read

__all__ = [
    "NOUN",
    "absorb",
    "differs",
    "identity",
    "look_again",
    "look_at_last",
    "name_of",
    "observe",
    "read",
    "stages",
    "view",
    "volumes",
]

NOUN = "server"


def observe(cloud: Cloud, wants: list[ServerWanted]) -> Mapping[str, ServerFound | BfvError]:
    """What is there of each server, with a refusal where another one of the run is in its way."""
    found: shared.Found = observing.read(cloud, wants)
    for judge in (shared.refuse_held, shared.refuse_second, shared.refuse_without_room):
        found = judge(wants, found)
    return found


def identity(found: ServerFound) -> str | None:
    """The id of a server that is there."""
    return found.server.servers[0].id if len(found.server.servers) == 1 else None


def stages(want: ServerWanted, found: ServerFound, way: Way) -> list[Stage]:
    """The way of the server. Raises Refused."""
    return plan.plan(want, found, way.made)


def volumes(want: ServerWanted, found: ServerFound) -> tuple[Needs | None, Iterable[Around]]:
    """The server's volumes, where some may have to be made."""
    needs = next((one.needs for one in found.volumes.values() if one.needs), None)
    return needs, ((one, plan.of_volume(one, found)) for one in want.volumes)


def differs(want: ServerWanted, found: ServerFound) -> list[str]:
    """What of the server and of its volumes is left as it is."""
    of_volumes = [
        f"volume {one.label}: {differs}"
        for one in want.volumes
        for differs in volume.differences(one, plan.of_volume(one, found))
    ]
    of_server: Any = server.result(want.server, found.server)["differs"]
    return [*of_volumes, *of_server]


def view(want: ServerWanted | None, found: ServerFound | None) -> dict[str, object]:
    """The server and its volumes, each as its own module returns it."""
    if want is None or found is None:
        return {"server": None, "volume": None, "kept_boot_volume": None, "volumes": []}
    seen = server.result(want.server, found.server)
    if isinstance(seen["server"], dict) and found.ports is not None:
        seen["server"]["ports"] = list(found.ports)
    own = [volume_record.view(one) for each in found.volumes.values() for one in each.volumes]
    return {**{key: seen[key] for key in ("server", "volume", "kept_boot_volume")}, "volumes": own}
