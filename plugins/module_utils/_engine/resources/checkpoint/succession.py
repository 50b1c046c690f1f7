# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new disk takes over of the one whose place it takes: name, description, metadata, tag, and whether it goes with its server.

Tasks and inventories name a machine's disks. When it has gone back, they must find the new ones by these names, and not attach those that
are kept. A new disk takes the name first: as long as both have it, every task refuses to choose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from ...cloud.connection import Cloud
from ...values.paths import path_of
from ...values.plan import Request
from ..volume import record as volumes
from ..volume.record import OWN_KEYS, SOURCE_BACKUP, TEXT_LENGTH, Volume, called

INSTEAD = "bfv_reverted_instead"  # the id of the volume whose place at its server a new one takes
TAG = "bfv_reverted_tag"  # under which a machine finds a further disk, in the metadata that Nova shows it
GOES = "bfv_reverted_goes"  # yes, where the old one was to be deleted with its server
KEYS = (INSTEAD, TAG, GOES)
_OF_ROLLOUT = {"rollout", "rollout_of", "rollout_takes"}  # roles/rollout/tasks/disk.yml


@dataclass(frozen=True)
class Former:
    """The old disk of a place at a server."""

    volume: Volume
    tag: str | None = None
    goes: bool = False

    @property
    def notes(self) -> dict[str, str]:
        """What is to be known of it when its server is gone."""
        tag = {TAG: self.tag} if self.tag else {}
        return {INSTEAD: self.volume.id, **tag, **({GOES: "yes"} if self.goes else {})}


def given(cloud: Cloud, old: Volume, saved: str) -> dict[str, str]:
    """The metadata that people gave a disk. What tells how a volume was made tells nothing of another one.

    What a rollout noted tells from which image its content comes. So it is that of the disk which was saved, by the id ``saved``: where that is
    another one, the machine has been rolled out to since, or before.
    """
    metadata = dict(old.metadata)
    if saved != old.id and _OF_ROLLOUT & metadata.keys():
        there = next(iter(volumes.read(cloud, id=saved)), None)
        metadata = {key: value for key, value in metadata.items() if key not in _OF_ROLLOUT}
        metadata |= {key: value for key, value in there.metadata.items() if key in _OF_ROLLOUT} if there else {}
    return {key: value for key, value in metadata.items() if not key.startswith(OWN_KEYS) and key != SOURCE_BACKUP}


def kept(old: Volume) -> Volume:
    """The old disk under the name that it has when another one has its own."""
    end = f"-kept-{old.id[:8]}"
    if not old.name or old.name.endswith(end):
        return old
    return replace(old, name=old.name[: TEXT_LENGTH - len(end)] + end)


def exchange_names(new: Volume, old: Volume) -> Iterator[Request]:
    """What is still to do. An old disk that has no name gives none, and one that has got another one has given its own already."""
    then = kept(old)
    if then.name == old.name:
        return
    if new.name != old.name:
        yield _rename(new, new.name or new.id, old.name)
    yield _rename(old, called(old), then.name)


def _rename(one: Volume, called: str, name: str) -> Request:
    words = f"rename volume {called} to {name}"
    return Request(words, "block_storage", "PUT", path_of("volumes", one.id), "volume", one.id, {"volume": {"name": name}})


def told(new: Volume, old: Volume | None, snapshot: str) -> str:
    """A new disk under the name that it will have."""
    return f"{(old and old.name) or new.name}, a new one of snapshot {snapshot}"


def described(ones: Iterable[Volume], exchanged: Collection[str]) -> list[dict[str, str]]:
    """The disks that stay, as they are called in the end. ``exchanged`` are the ids of those whose places others take."""
    return [{"id": one.id, "name": (kept(one) if one.id in exchanged else one).name} for one in ones]
