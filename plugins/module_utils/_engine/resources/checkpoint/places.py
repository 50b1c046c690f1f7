# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places in a node's boot order when it goes back to a checkpoint, and what is noted on their volumes. Pure. A server's has the last note alone.

What a broken run must not forget stands in the metadata of these volumes, since Ironic deletes the targets with the deployment: to which
set they belong (TO), whether the node ran (RAN), and how far they have come (STEP).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from ...values.paths import path_of
from ...values.plan import Request
from ..node.connector import Connector
from ..node.hardware import Hardware
from ..node.record import Node
from ..volume.needs import Needs
from ..volume.record import Volume
from .anew import FROM, RAN, TO, Disk
from .record import ORDER, Checkpoint, Snapshot

STEP = "bfv_reverted_step"
WAITS = "waits"  # a new volume for its node, or one that is there for its snapshot
_WRITTEN = "written by "  # its snapshot, by a run: what another one wrote may not be there any more
_USED = "used by "  # by a run that deploys the node
_DONE = "done"


@dataclass(frozen=True)
class Place:
    """A place: the snapshot that comes there, and what it comes on, the volume that it is written onto or a new one that is made of it."""

    snapshot: Snapshot
    on: Volume | Disk

    @property
    def here(self) -> Volume | None:
        return self.on if isinstance(self.on, Volume) else None

    @property
    def new(self) -> Disk | None:
        return self.on if isinstance(self.on, Disk) else None

    @property
    def volume(self) -> Volume | None:
        """The volume, where it is there."""
        return self.on if isinstance(self.on, Volume) else next(iter(self.on.found.volumes), None)

    def expected(self, made: Collection[str]) -> Volume:
        """The volume when it is made, and its node has let go of it."""
        if isinstance(self.on, Disk):
            return self.on.expected(made)
        return replace(self.on, status="available", attached_to=())


@dataclass(frozen=True)
class Back:
    """The places, the root's first, and what a deployment needs beside them.

    ``left`` are the volumes that stay without a place, or give it up. ``has_gone_back``: all places are taken, as the root's volume says, which is noted
    last. ``ran``: the node is deployed again.
    """

    places: tuple[Place, ...]
    left: tuple[Volume, ...] = ()
    has_gone_back: bool = False
    ran: bool = False
    safety: str = ""
    needs: Needs | None = None
    vifs: tuple[str, ...] = ()  # the ids of what the networking service has attached, which Ironic detaches with the deployment
    connectors: tuple[Connector, ...] = ()
    hardware: Hardware = field(default_factory=Hardware)

    @property
    def olds(self) -> set[str]:
        """The ids of the volumes whose places others take."""
        return {one.metadata.get(FROM, "") for place in self.places if (one := place.expected(()))}

    def old_of(self, new: Volume) -> Volume | None:
        """The volume whose place a new one takes."""
        return next((one for one in self.left if one.id == new.metadata.get(FROM)), None)


def step(one: Volume) -> str:
    return one.metadata.get(STEP, "")


def is_fresh(one: Volume, *, named: bool) -> bool:
    """Whether no machine can have run from a new volume. ``named``: the node's target names it."""
    return step(one) == WAITS or (named and step(one).startswith(_USED))


def is_to_be_written(one: Volume) -> bool:
    return step(one) == WAITS or step(one).startswith(_WRITTEN)


def is_written(one: Volume, attempt: str) -> bool:
    """Whether this run has written the snapshot onto the volume."""
    return step(one) == _WRITTEN + attempt


def is_taken(one: Volume) -> bool:
    """Whether the node is deployed from the volume, or ready for that."""
    return step(one).startswith(_USED) or is_done(one)


def is_deployed_by(one: Volume, attempt: str) -> bool:
    """Whether this run has deployed the node, or begun to."""
    return step(one) == _USED + attempt


def is_done(one: Volume) -> bool:
    return step(one) == _DONE


# What is noted


def await_snapshot(place: Place, back: Back, node: Node, checkpoint: Checkpoint) -> list[Request]:
    """Note on a volume that its snapshot is to be written onto it, as long as that is not noted."""
    here = place.here
    if here is None:
        return []
    marks = {TO: checkpoint.set, ORDER: str(place.snapshot.order), FROM: here.id, RAN: "yes" if back.ran else "no"}
    if is_to_be_written(here) and marks.items() <= here.metadata.items():
        return []
    return [_note(here, f"node {node.name} goes back to checkpoint {checkpoint.name} on it", {**marks, STEP: WAITS})]


def begin_to_write(here: Volume, snapshot: Snapshot, attempt: str) -> Request:
    """Note that Cinder has taken the order. What comes of it, the volume's status tells."""
    return _note(here, f"snapshot {snapshot.id} is written onto it", {STEP: _WRITTEN + attempt})


def take(one: Volume, node: Node, attempt: str) -> Request:
    """Note that the node is deployed from the volume: from then on it is no fresh one."""
    return _note(one, f"node {node.name} is deployed from it", {STEP: _USED + attempt})


def finish(one: Volume, machine: str, checkpoint: str) -> Request:
    return _note(one, f"{machine} has gone back to checkpoint {checkpoint}", {STEP: _DONE})


def _note(one: Volume, what: str, marks: Mapping[str, str]) -> Request:
    path = path_of("volumes", one.id, "metadata")
    words = f"note on volume {one.name or one.id} that {what}"
    return Request(words, "block_storage", "POST", path, "volume", one.id, {"metadata": marks})
