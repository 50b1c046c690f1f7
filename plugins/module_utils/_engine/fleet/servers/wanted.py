# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for each server of a fleet, in the terms of the single resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...resources.server import plan as server
from ...resources.volume import plan as volume
from ...resources.volume.record import new_mark
from ...values.errors import Invalid

ABSENT = "absent"


@dataclass(frozen=True)
class ServerWanted:
    """One server by the name it is asked for, and the volumes that are made before it."""

    name: str
    server: server.Wanted
    volumes: tuple[volume.Wanted, ...] = ()

    @property
    def state(self) -> str:
        """Where it should come to."""
        return self.server.state


def name_of(entry: Mapping[str, Any]) -> str:
    """What an entry calls its server: the name, or the id of one that is there."""
    return str(entry.get("name") or entry.get("id") or "")


def read(params: Mapping[str, Any]) -> tuple[list[ServerWanted], dict[str, Invalid]]:
    """What is wanted of each server, and why it cannot be read of the others. Raises Invalid where the list itself is wrong."""
    names = [name_of(entry) for entry in params["servers"]]
    if "" in names:
        raise Invalid(f"Failed to read servers: entry {names.index('') + 1} has neither name nor id. Give one of them.")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Invalid(f"Failed to read servers: server {twice[0]} is there twice. Name each server once.")
    wants: list[ServerWanted] = []
    malformed: dict[str, Invalid] = {}
    owners: dict[str, str] = {}
    for entry in params["servers"]:
        try:
            want = wanted(entry, params)
            _check_own_volumes(want, owners)
            wants.append(want)
        except Invalid as error:
            malformed[name_of(entry)] = error
    return wants, malformed


def wanted(entry: Mapping[str, Any], params: Mapping[str, Any]) -> ServerWanted:
    """One entry of the option servers. Volumes of a server that is to be absent are left alone. Raises Invalid."""
    state = entry.get("state") or params["state"]
    mark = new_mark()  # one: several volumes may come from one golden volume
    want = server.wanted({**entry, "state": state})
    volumes = [volume.wanted({**one, "mark": mark}) for one in entry.get("volumes") or () if state != ABSENT]
    return ServerWanted(name_of(entry), want, tuple(volumes))


def _check_own_volumes(want: ServerWanted, owners: dict[str, str]) -> None:
    """Each volume that is to be made belongs to one place: two servers would both make it, and Cinder takes the name twice."""
    for one in want.volumes:
        if (owner := owners.get(one.label)) is not None:
            raise Invalid(
                f"Failed to read the volumes of server {want.name}: volume {one.label} is asked for twice (server {owner}). Give each its own."
            )
        owners[one.label] = want.name
