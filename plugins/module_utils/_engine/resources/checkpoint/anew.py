# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes that are made of a checkpoint's snapshots, so that a server goes back to it.

Each says in its metadata to which set it goes back (TO), which disk it is, and of which server it takes the place (FROM): one that was
made for a server which is gone by then, and has run since, is never taken for a fresh one. The server that boots from such a volume has
gone back. Before that the volumes hold what a broken run must not forget: whether the server ran, and the name of its safety checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...cloud.connection import Cloud
from ...values.plan import Plan
from ..server import note
from ..server import plan as servers
from ..server.record import Server
from ..server.wanted import Boot
from ..volume import needs as volume_needs
from ..volume import plan as volume
from ..volume import record as volumes
from ..volume import source as volume_source
from ..volume.needs import Needs
from ..volume.record import TEXT_LENGTH, TO_COME, Volume
from ..volume.source import Source
from . import succession
from .record import ORDER, Checkpoint, Snapshot
from .succession import INSTEAD, TAG, Former

TO = "bfv_reverted_to"  # the set
FROM = "bfv_reverted_from"  # the id of the server whose place the new one takes
RAN = "bfv_reverted_ran"  # yes, where that server ran
WITH = "bfv_reverted_with"  # how many volumes that server had
SAFETY = "bfv_reverted_safety"  # the name of the checkpoint that was taken of it before, or nothing


@dataclass(frozen=True)
class Disk:
    """One of the new volumes: what is wanted and found of it."""

    want: volume.Wanted
    found: volume.Found

    def plan(self, made: Collection[str]) -> Plan:
        return volume.plan(self.want, self.found, made)

    def expected(self, made: Collection[str]) -> Volume:
        """The volume as it will be, under an id of its own as long as that is not known."""
        order = (self.want.metadata or {})[ORDER]
        one = volume.expected(self.want, self.found, made)
        if one.availability_zone is None and self.found.source:
            one = replace(one, availability_zone=self.found.source.zone)
        return replace(one, id=f"{TO_COME} {order}") if one.id == TO_COME and order != "0" else one


@dataclass(frozen=True)
class Anew:
    """The new disks, the root first, and the server around which they are exchanged, as its own wing found it.

    ``origin`` is the id of the server whose place is taken, and ``olds`` are its disks, by their ids.
    """

    origin: str = ""
    ran: bool = False
    volumes: int = 0  # that the server had
    safety: str = ""
    disks: tuple[Disk, ...] = ()
    needs: Needs | None = None
    exchange: servers.Found | None = None
    olds: Mapping[str, Volume] = field(default_factory=dict)

    @property
    def is_begun(self) -> bool:
        return any(disk.found.volumes for disk in self.disks)

    def old_of(self, new: Volume) -> Volume | None:
        """The volume whose place a new one takes."""
        return self.olds.get(new.metadata.get(INSTEAD, ""))


def has_gone_back(root: Volume, checkpoint: Checkpoint) -> bool:
    """Whether a server boots from a volume that was made of this checkpoint for it."""
    return root.metadata.get(TO) == checkpoint.set and root.metadata.get(ORDER) == "0"


def read(
    cloud: Cloud,
    name: str,
    server: Server | None,
    root: Volume | None,
    checkpoint: Checkpoint,
    may_lose: tuple[str, ...],
    safety: str,
    formers: Mapping[int, Former],
    mark: str,
) -> Anew:
    """Read the new disks, and what the exchange of the old ones needs.

    ``safety`` is the name that a new safety checkpoint gets, and ``formers`` are the disks that the server has, by their order. ``mark`` is
    of what this run makes.
    """
    marked = volumes.read_marked(cloud, TO, checkpoint.set)
    back = root if root and has_gone_back(root, checkpoint) else None
    origin = back.metadata[FROM] if back else server.id if server else _gone(cloud, name)
    ours = [one for one in marked if one.metadata.get(FROM) == origin and one.is_made_here]
    begun = ours[0].metadata if ours else _marks(server, safety)
    marks = {TO: checkpoint.set, FROM: origin, **{key: begun[key] for key in (RAN, WITH, SAFETY) if key in begun}}
    # the old disks are detached on the way, and the new ones alone then know what they were
    told = {one.metadata[ORDER]: {key: one.metadata[key] for key in succession.KEYS if key in one.metadata} for one in ours}
    noted = {**{str(order): former.notes for order, former in formers.items()}, **told}
    disks = tuple(
        Disk(
            volume.Wanted(
                name=_name(name, checkpoint, origin, one.order),
                snapshot=one.id,
                description=formers[one.order].volume.description if one.order in formers else None,
                metadata={**_given(cloud, formers, one), **marks, ORDER: str(one.order), **noted.get(str(one.order), {})},
                recreate="on_error",  # one whose making failed
                mark=mark,
            ),
            volume.Found(
                tuple(each for each in ours if each.metadata.get(ORDER) == str(one.order)),
                _source(cloud, one.id) if not back else None,
            ),
        )
        for one in checkpoint.snapshots
    )
    needs = None if back else volume_needs.read(cloud)
    new = Anew(
        origin,
        begun.get(RAN) == "yes",
        int(begun[WITH]) if begun.get(WITH, "").isdecimal() else 0,
        begun.get(SAFETY, ""),
        disks,
        needs,
        olds=_olds(cloud, (notes[INSTEAD] for notes in noted.values() if INSTEAD in notes), formers),
    )
    wish = replace(wanted(new, name, may_lose, (mark,)), other_volumes="detach")
    return replace(new, exchange=servers.observe(cloud, wish))


def _given(cloud: Cloud, formers: Mapping[int, Former], one: Snapshot) -> dict[str, str]:
    return succession.given(cloud, formers[one.order].volume, one.volume_id) if one.order in formers else {}


def _olds(cloud: Cloud, ids: Iterable[str], formers: Mapping[int, Former]) -> dict[str, Volume]:
    seen = {former.volume.id: (former.volume,) for former in formers.values()}
    return {one.id: one for id in ids for one in seen.get(id) or volumes.read(cloud, id=id)}


def _marks(server: Server | None, safety: str) -> dict[str, str]:
    """What is to be known of a server that is to go."""
    if server is None:
        return {}
    marks = {RAN: "yes" if server.status == "ACTIVE" else "no", WITH: str(len(server.disks))}
    return {**marks, SAFETY: safety} if safety else marks


def _name(server: str, checkpoint: Checkpoint, origin: str, order: int) -> str:
    """The name of a new disk: another one each time that a server goes back."""
    end = f"-{checkpoint.name}-{origin[:8]}-{order}"
    return server[: TEXT_LENGTH - len(end)] + end


def _source(cloud: Cloud, id: str) -> Source:
    return volume_source.observe(cloud, "snapshot", id)


def _gone(cloud: Cloud, name: str) -> str:
    """The id of the server of that name which a run has deleted, and not made anew yet: as its disk tells."""
    left = note.left_by(volumes.read_marked(cloud, note.OF, name), None, name)
    return next((about.server for _disk, about in left), "")


def wanted(anew: Anew, name: str, may_lose: tuple[str, ...], made: Collection[str], state: str = "present") -> servers.Wanted:
    """The server with its new disks."""
    first, *rest = (disk.expected(made) for disk in anew.disks)
    devices: list[Mapping[str, Any]] = [_device(one) for one in rest]
    return servers.Wanted(
        name=name,
        state=state,
        boot=Boot(volume=first.name if first.id == TO_COME else first.id),
        on_boot_volume_change="replace",
        block_devices=tuple(devices),
        replace_may_lose=may_lose,
    )


def _device(one: Volume) -> dict[str, Any]:
    tag = {"tag": one.metadata[TAG]} if TAG in one.metadata else {}
    return {"source_type": "volume", "destination_type": "volume", "uuid": one.id, "boot_index": -1, **tag}


def with_new_disks(found: servers.Found, expected: Iterable[Volume]) -> servers.Found:
    """What will be found of the server when its new disks are ready."""
    first, *rest = expected
    others = [one for one in found.boot.volumes if one.id != first.id and one.name != first.name]  # one that failed goes
    boot = replace(found.boot, volumes=(first, *others))
    return replace(found, boot=boot, disks={**found.disks, **{one.id: (one,) for one in rest}})
