# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkpoint: snapshots of all disks of a machine, taken by one run, as Cinder shows them.

Whose it is stands in the metadata of each snapshot (OF): ``server`` and the name of a server, since a server that is made anew around its
disks, or gets other ones, has another id and other volumes and keeps its name; ``node`` and the UUID of a node, since a node can be
renamed and keeps its UUID. A server that is renamed has no checkpoints any more under its new name; its old name still finds them.

All snapshots that one attempt takes share a set (SET). Those of several attempts are never one checkpoint, since they were not taken
at one time. Marks help to find; what may go is proved in the files that let it go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ...cloud.connection import Cloud
from ...values import permits, secrets
from ...values.errors import Refused
from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Request, Still
from ..node.target import Target
from ..volume.record import MADE, NEW

NAME = "bfv_checkpoint"
OF = "bfv_checkpoint_of"
SET = "bfv_checkpoint_set"
ORDER = "bfv_checkpoint_order"  # 0 is the root
DISKS = "bfv_checkpoint_disks"  # how many snapshots belong to the set
# Of a node's volume target, which Ironic deletes with the deployment (ironic/drivers/modules/deploy_utils.py,
# tear_down_storage_configuration).
BOOT_INDEX = "bfv_checkpoint_boot_index"
VOLUME_TYPE = "bfv_checkpoint_volume_type"
EXTRA = "bfv_checkpoint_extra"  # its notes, as JSON
LENGTH = 255  # of a value of Cinder's metadata

# cinder/objects/fields.py, SnapshotStatus. Every other status, one that is not known too, is of a snapshot that is there.
COMING = ("creating",)
FAILED = ("error",)
GOING = ("deleting", "deleted", "error_deleting", "unmanaging")
DELETABLE = ("available", "error")  # cinder/volume/api.py, delete_snapshot


@dataclass(frozen=True)
class Snapshot:
    """What Cinder says of a snapshot. ``size`` is in GiB."""

    id: str
    name: str
    volume_id: str
    status: str
    size: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None
    created_at: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether this collection made the snapshot under this very id, and has seen its whole set available."""
        return self.metadata.get(MADE) == self.id

    @property
    def is_new(self) -> bool:
        """Whether this collection began to make the snapshot, and no run has seen its whole set available."""
        return self.metadata.get(MADE) == NEW

    @property
    def is_made_here(self) -> bool:
        """Whether this collection made the snapshot, or began to."""
        return self.is_ours or self.is_new

    @property
    def order(self) -> int:
        return int(self.metadata[ORDER])

    @property
    def boot_index(self) -> int:
        """The place in the boot order of the node's volume target. That of a snapshot which does not tell it is its place among the disks."""
        told = self.metadata.get(BOOT_INDEX, "")
        return int(told) if told.isdecimal() else self.order

    @property
    def volume_type(self) -> str:
        return self.metadata.get(VOLUME_TYPE, "iscsi")

    @property
    def extra(self) -> dict[str, object]:
        try:
            noted = json.loads(self.metadata.get(EXTRA, "{}"))
        except ValueError:
            return {}
        return noted if isinstance(noted, dict) else {}


@dataclass(frozen=True)
class Checkpoint:
    """The snapshots of one set, the root's first."""

    name: str
    of: str
    set: str
    disks: int
    snapshots: tuple[Snapshot, ...]

    @property
    def created_at(self) -> str:
        return min(one.created_at for one in self.snapshots)

    @property
    def is_whole(self) -> bool:
        """Whether there is a snapshot of each disk, in whatever status, and none twice."""
        return [one.order for one in self.snapshots] == list(range(self.disks))

    @property
    def is_doubled(self) -> bool:
        """Whether two say that they are of the same disk: somebody has copied marks, and which is which nobody knows."""
        return len({one.order for one in self.snapshots}) < len(self.snapshots)

    @property
    def was_complete(self) -> bool:
        """Whether a run has seen all of it available: what is left of it is no rest of a broken run, but somebody's data."""
        return any(one.is_ours for one in self.snapshots)

    @property
    def is_lost(self) -> bool:
        """Whether it will not be complete any more."""
        return not self.is_whole or self.any_in(*FAILED, *GOING)

    @property
    def is_complete(self) -> bool:
        return not self.is_lost and not self.any_in(*COMING)

    def any_in(self, *statuses: str) -> bool:
        return any(one.status in statuses for one in self.snapshots)


def from_api(snapshot: Mapping[str, Any]) -> Snapshot:
    """A snapshot out of Cinder's JSON (the detailed form)."""
    return Snapshot(
        id=snapshot["id"],
        name=snapshot["name"] or "",
        volume_id=snapshot["volume_id"],
        status=snapshot["status"],
        size=snapshot["size"],
        metadata=snapshot["metadata"],
        group_id=snapshot.get("group_snapshot_id"),
        created_at=snapshot["created_at"],
    )


def marks_of(target: Target) -> dict[str, str]:
    """What a snapshot keeps of the volume target whose volume it is of."""
    marks = {BOOT_INDEX: str(target.boot_index), VOLUME_TYPE: target.volume_type}
    return {**marks, EXTRA: _noted(target)} if target.extra and keeps_extra(target) else marks


def keeps_extra(target: Target) -> bool:
    """Whether the target's notes have a place in Cinder's metadata: they are short, and no secret, which more people could read there."""
    return len(_noted(target)) <= LENGTH and not any(secrets.secret_values(target.extra))


def _noted(target: Target) -> str:
    return json.dumps(dict(target.extra), separators=(",", ":"), sort_keys=True)


def read(cloud: Cloud, of: str) -> tuple[Checkpoint, ...]:
    """The checkpoints of a machine, the oldest first. Cinder takes the filter as a literal of Python (api/v3/snapshots.py)."""
    cloud.check_project()
    listed = cloud.block_storage.list("/snapshots/detail", "snapshots", f"read the checkpoints of {of}", metadata=repr({OF: of}))
    once = {snapshot.id: snapshot for snapshot in map(from_api, listed) if snapshot.metadata.get(OF) == of}
    return gathered(once.values())


def read_of_nodes(cloud: Cloud) -> dict[str, tuple[Checkpoint, ...]]:
    """The checkpoints of all nodes by their UUIDs, the oldest first: one list of the project's snapshots."""
    found: dict[str, tuple[Checkpoint, ...]] = {}
    for one in gathered(read_snapshots(cloud)):
        kind, _blank, of = one.of.partition(" ")
        if kind == "node":
            found[of] = (*found.get(of, ()), one)
    return found


def read_snapshots(cloud: Cloud) -> tuple[Snapshot, ...]:
    """All snapshots of the project, whether they belong to a checkpoint or not."""
    cloud.check_project()
    listed = cloud.block_storage.list("/snapshots/detail", "snapshots", "read the snapshots")
    return tuple({snapshot.id: snapshot for snapshot in map(from_api, listed)}.values())


def gathered(snapshots: Iterable[Snapshot]) -> tuple[Checkpoint, ...]:
    """The snapshots by their sets. One that has only a copy of another's marks belongs to none."""
    own = [one for one in snapshots if one.is_made_here and _is_marked(one)]
    own.sort(key=lambda one: (_set(one), one.order, one.id))
    found = [Checkpoint(*key, tuple(ones)) for key, ones in groupby(own, _set)]
    return tuple(sorted(found, key=lambda one: (one.created_at, one.set)))


def _is_marked(snapshot: Snapshot) -> bool:
    marks = snapshot.metadata
    return {NAME, OF, SET, ORDER, DISKS} <= marks.keys() and marks[ORDER].isdecimal() and marks[DISKS].isdecimal()


def _set(snapshot: Snapshot) -> tuple[str, str, str, int]:
    marks = snapshot.metadata
    return marks[NAME], marks[OF], marks[SET], int(marks[DISKS])


def elect(ones: Iterable[Checkpoint], counts: Callable[[Checkpoint], bool] = lambda _one: True) -> Checkpoint | None:
    """Of the sets of a name the one that counts: that which was seen complete, or else the one that was begun first and is whole."""
    whole = [one for one in ones if not one.is_lost and counts(one)]
    return min(whole, key=lambda one: (not one.was_complete, one.created_at, one.set)) if whole else None


def chosen(checkpoints: Iterable[Checkpoint], name: str, what: str) -> Checkpoint:
    """The checkpoint that is gone back to. Raises Refused where there is none that is complete, or more than one."""
    checkpoints = tuple(checkpoints)
    ones = [one for one in checkpoints if one.name == name]
    twice = [one for one in ones if one.was_complete and one.is_complete]
    if len(twice) > 1:
        raise Refused(
            f"Failed to {what}: it is there twice: {' and '.join(map(told, twice))}. Delete the snapshots that are not meant."
        )
    checkpoint = elect(ones)
    if checkpoint is None or not checkpoint.is_complete:
        known = ", ".join(dict.fromkeys(one.name for one in checkpoints if one.is_complete)) or "none"
        raise Refused(f"Failed to {what}: it has no complete checkpoint of that name. It has: {known}.")
    return checkpoint


def of_checkpoint(snapshot: Snapshot, name: str, of: str, option: str) -> Permit:
    """The right to a snapshot: the task names the checkpoint, by its name and its machine, and the snapshot belongs to that."""
    label = f"checkpoint {name} of {of}"
    belongs_to = f"checkpoint {snapshot.metadata[NAME]} of {snapshot.metadata[OF]}"
    return permits.part(snapshot.id, belongs_to, permits.named(label, [(label, None)], option))


def delete(snapshot: Snapshot, permit: Permit) -> Request:
    """The one request of this collection that deletes a snapshot.

    Cinder takes it, and only then asks the backend: one that keeps the snapshot for a volume that was made of it leaves it available
    (cinder/volume/manager.py, delete_snapshot, SnapshotIsBusy; raised by drivers/rbd.py and drivers/rsd.py). Hence once a run.
    """
    what = f"delete snapshot {snapshot.name} ({snapshot.id}) of volume {snapshot.volume_id}"
    path = path_of("snapshots", snapshot.id)
    still = Still(path, {"status": snapshot.status, "metadata": dict(snapshot.metadata)}, "snapshot")
    return Request(what, "block_storage", "DELETE", path, "snapshot", snapshot.id, once=True, permits=(permit,), still=still)


def told(checkpoint: Checkpoint) -> str:
    """A checkpoint in a refusal: by its snapshots."""
    ones = ", ".join(f"{one.id}: disk {one.order}, {one.status}, made {one.created_at[:19]}" for one in checkpoint.snapshots)
    return f"set {checkpoint.set} ({ones})"


def in_short(checkpoint: Checkpoint) -> dict[str, object]:
    """The checkpoint where many are told."""
    return {"name": checkpoint.name, "created_at": checkpoint.created_at, "complete": checkpoint.is_complete}


def view(checkpoint: Checkpoint) -> dict[str, object]:
    """The checkpoint as a module returns it."""
    return {
        **in_short(checkpoint),
        "snapshots": [
            {"id": one.id, "volume_id": one.volume_id, "status": one.status, "size": one.size, "order": one.order}
            for one in checkpoint.snapshots
        ],
    }
