# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes with which a node goes back to a checkpoint: each in place, or a new one of its snapshot.

Cinder writes a snapshot onto its volume only where that is the volume's newest one and of its size, and nobody has the volume
(cinder/api/v3/volumes.py, revert; cinder/volume/api.py, revert_to_snapshot). A safety checkpoint is newer than what is gone back to, and
nothing else would hold what is written over. So it is done in place for who wants no safety checkpoint; all others get new volumes, and
keep the old ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ...cloud.connection import Cloud
from ...values.paths import path_of
from ..node import connector, deployment, hardware, listing
from ..node.record import Node
from ..node.target import Target
from ..volume import needs as volume_needs
from ..volume import plan as volume
from ..volume import record as volumes
from ..volume import source as volume_source
from ..volume.record import REPLACES, TEXT_LENGTH, Volume
from . import places, succession
from .anew import FROM, RAN, SAFETY, TO, Disk
from .places import STEP, WAITS, Back, Place
from .record import ORDER, Checkpoint, Snapshot

_HELD = ("available", "in-use", "detaching")  # of a volume that is available when its node has let go of it


@dataclass(frozen=True)
class _Seen:
    """What is there. ``marked`` are the volumes that say that they belong to the way back."""

    node: Node
    targets: tuple[Target, ...]
    disks: tuple[Volume, ...]
    marked: tuple[Volume, ...]
    mark: str

    @cached_property
    def named(self) -> Mapping[int, str]:
        """The ids of volumes by their boot indexes."""
        return {one.boot_index: one.volume_id for one in self.targets}

    def is_named(self, one: Volume, snapshot: Snapshot) -> bool:
        return self.named.get(snapshot.boot_index) == one.id

    def of(self, snapshot: Snapshot) -> list[Volume]:
        return [one for one in self.marked if one.metadata.get(ORDER) == str(snapshot.order)]


def read(
    cloud: Cloud,
    node: Node,
    targets: tuple[Target, ...],
    disks: tuple[Volume, ...],
    checkpoint: Checkpoint,
    safety: str,
    mark: str,
) -> Back:
    """Read the volumes, and what else a deployment needs. ``safety`` is the name of a new safety checkpoint, empty where none is wanted.

    ``mark`` is of what this run makes.
    """
    marked = tuple(one for one in volumes.read_marked(cloud, TO, checkpoint.set) if STEP in one.metadata)
    seen = _Seen(node, targets, disks, marked, mark)
    taken = [_taken(seen, one) for one in checkpoint.snapshots]
    if root := taken[0]:
        is_done = places.is_done(root)
        there = tuple(Place(one, on) for one, on in zip(checkpoint.snapshots, taken, strict=True) if on)
        left = () if is_done else tuple(_left(cloud, seen, there))
        back = Back(there, left, has_gone_back=True, ran=root.metadata.get(RAN) == "yes" and not is_done)
    else:
        back = _begin(cloud, seen, checkpoint, safety)
    if not back.ran or (back.has_gone_back and deployment.is_deployed(node)):
        return back
    listed = listing.read(
        cloud, listing.CONNECTORS, f"read the volume connectors of node {node.name}", node=node.uuid, detail=True
    )
    own = tuple(one for one in map(connector.from_api, listed) if one.node_uuid == node.uuid)
    vifs = () if back.has_gone_back else tuple(sorted(_read_vifs(cloud, node)))
    return replace(back, vifs=vifs, connectors=own, hardware=hardware.read(cloud, {node.uuid}))


def _read_vifs(cloud: Cloud, node: Node) -> Iterator[str]:
    what = f"read the VIFs of node {node.name}"
    return (str(one["id"]) for one in cloud.baremetal.list(path_of("nodes", node.uuid, "vifs"), "vifs", what))


def _taken(seen: _Seen, snapshot: Snapshot) -> Volume | None:
    """The volume that was made, or written, for a place, where the target names it, and the node was ready to be deployed from it."""
    return next((one for one in seen.of(snapshot) if places.is_taken(one) and seen.is_named(one, snapshot)), None)


def _begin(cloud: Cloud, seen: _Seen, checkpoint: Checkpoint, safety: str) -> Back:
    """A way back that is not at its end: begun, or to be begun."""
    fresh = [_fresh(seen, one) for one in checkpoint.snapshots]
    others = None if safety else _claims(cloud, seen.node)
    both = tuple(zip(checkpoint.snapshots, fresh, strict=True))
    in_place = [None if new else _in_place(cloud, seen, one, others) for one, new in both]
    begun = [one for one in (*fresh, *(one for one in seen.marked if places.is_to_be_written(one))) if one]
    # as long as the node has its old disks, nothing else tells better
    ran = deployment.is_deployed(seen.node) or any(one.metadata.get(RAN) == "yes" for one in begun)
    name = next((one.metadata[SAFETY] for one in begun if SAFETY in one.metadata), safety) if safety else ""
    marks = {TO: checkpoint.set, STEP: WAITS, RAN: "yes" if ran else "no", **({SAFETY: name} if name else {})}
    found = tuple(
        Place(one, here or _new(cloud, seen, one, new, marks))
        for one, here, new in zip(checkpoint.snapshots, in_place, fresh, strict=True)
    )
    needs = volume_needs.read(cloud) if any(one.volume is None for one in found) else None
    return Back(found, tuple(_left(cloud, seen, found)), ran=ran, safety=name, needs=needs)


def _fresh(seen: _Seen, snapshot: Snapshot) -> Volume | None:
    """The new volume of the snapshot that a run has made, and no machine has run from. That which a target names before others."""
    made = [one for one in seen.of(snapshot) if one.snapshot_id == snapshot.id and one.is_made_here]
    fresh = [one for one in made if places.is_fresh(one, named=seen.is_named(one, snapshot))]
    return min(fresh, key=lambda one: (not seen.is_named(one, snapshot), one.created_at, one.id), default=None)


def _new(cloud: Cloud, seen: _Seen, snapshot: Snapshot, there: Volume | None, marks: Mapping[str, str]) -> Disk:
    old = seen.named.get(snapshot.boot_index, "")
    former = next((one for one in seen.disks if one.id == old), None)
    end = f"-{snapshot.name}-{(old or snapshot.id)[:8]}-{snapshot.order}"
    metadata = {
        **(succession.given(cloud, former, snapshot.volume_id) if former else {}),
        **marks,
        ORDER: str(snapshot.order),
        FROM: old or "none",
    }
    if there:
        metadata = {**metadata, **{key: there.metadata[key] for key in (STEP, FROM, SAFETY) if key in there.metadata}}
    want = volume.Wanted(
        name=there.name if there else seen.node.name[: TEXT_LENGTH - len(end)] + end,
        snapshot=snapshot.id,
        description=former.description if former else None,
        metadata=metadata,
        recreate="on_error",  # one whose making failed
        mark=seen.mark,
    )
    follow = (one for one in seen.of(snapshot) if there and one.metadata.get(REPLACES) == there.id and one.is_made_here)
    ones = (there, *follow) if there else ()  # one whose making failed, and that which takes its place
    return Disk(want, volume.Found(ones, volume_source.observe(cloud, "snapshot", snapshot.id)))


def _in_place(cloud: Cloud, seen: _Seen, snapshot: Snapshot, others: Collection[str] | None) -> Volume | None:
    """The volume of the snapshot, where it is the node's own and Cinder would write the snapshot onto it.

    ``others`` are those of other nodes; where it is None nothing is to be written over, and only what Cinder has begun comes to its end.
    """
    own = [one for one in seen.disks if seen.is_named(one, snapshot)]
    waiting = [one for one in seen.of(snapshot) if places.is_to_be_written(one)]
    one = next((one for one in (*own, *waiting) if one.id == snapshot.volume_id), None)
    if one is None or one.status == "reverting":
        return one
    if others is None or one.id in others or one.size != snapshot.size or one.status not in _HELD:
        return None
    if set(one.attached_to) - set(seen.node.holders):
        return None
    return one if _newest(cloud, one) == snapshot.id else None


def _newest(cloud: Cloud, one: Volume) -> str | None:
    """The id of the volume's newest snapshot, where that is certain (cinder/db/api.py, snapshot_get_latest_for_volume).

    Cinder takes one by itself while it reverts, and deletes it shortly after (cinder/volume/manager.py, _create_backup_snapshot).
    """
    what = f"read the snapshots of volume {one.id}"
    listed = cloud.block_storage.list("/snapshots/detail", "snapshots", what, volume_id=one.id)
    own = f"[revert] volume {one.id} backup snapshot"
    times = {each["id"]: each["created_at"] for each in listed if each["volume_id"] == one.id and each["name"] != own}
    newest = [id for id, time in times.items() if time == max(times.values())]
    return newest[0] if len(newest) == 1 else None


def _claims(cloud: Cloud, node: Node) -> set[str]:
    """The volumes that targets of other nodes name."""
    every = listing.read(cloud, listing.TARGETS, "read the volume targets of all nodes", detail=True)
    return {str(one["volume_id"]) for one in every if one["node_uuid"] != node.uuid}


def _left(cloud: Cloud, seen: _Seen, found: Iterable[Place]) -> Iterator[Volume]:
    """The node's volumes that stay without a place. Of a run that was broken off the new ones tell whose places they take."""
    ours = {one.volume.id for one in found if one.volume}
    yield from (one for one in seen.disks if one.id not in ours)
    told = {one.volume.metadata.get(FROM, "none") for one in found if one.volume}
    for id in sorted(told - {"none", *ours, *(one.id for one in seen.disks)}):
        yield from volumes.read(cloud, id=id)
