# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a volume differs and cannot be changed, and whether it is made anew for that. What is not known is no difference. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ...values import references
from ...values.errors import Unusable
from .record import ON_THE_WAY, SOURCE_BACKUP, Volume
from .source import Source
from .wanted import Wanted


def drift(want: Wanted, volume: Volume, source: Source | None) -> list[str]:
    """What is known to differ, in words.

    A migration takes the trace of an image or another volume away (cinder/volume/manager.py, migrate_volume_completion), and an older
    Cinder does not tell a type's id: none of this is a difference.
    """
    differs = []
    origin = _origins(volume)[source.kind] if source else None
    if source and source.kind != "backup" and origin not in (None, source.id):
        differs.append(f"{source.kind} is {origin}, and {source.id} is wanted")
    if not want.retype and differs_in_type(want, volume):
        differs.append(f"volume_type is {volume.volume_type}, and {want.volume_type} is wanted")
    if want.availability_zone and volume.availability_zone not in (None, want.availability_zone):
        differs.append(f"availability_zone is {volume.availability_zone}, and {want.availability_zone} is wanted")
    return differs


def _origins(volume: Volume) -> dict[str, str | None]:
    """What the volume was made from, as Cinder tells it. A backup's id it notes in the metadata, which anybody may change."""
    backup = volume.metadata.get(SOURCE_BACKUP)
    return {"image": volume.image_id, "snapshot": volume.snapshot_id, "volume": volume.source_volid, "backup": backup}


def unknown(want: Wanted, volume: Volume, source: Source | None, lacks: Unusable | None) -> list[str]:
    """What cannot be compared, in words: Cinder does not show what it was made from, or the source that is asked for is not to be had.

    Of an image it shows it when that is on the volume. Of a backup it keeps a note where its own service restored it
    (cinder/backup/manager.py), which is told, and nothing is made anew for it.
    """
    if want.source is None or volume.status in ON_THE_WAY:
        return []
    (kind, name), origin = want.source, _origins(volume)[want.source[0]]
    if lacks and origin not in lacks.ids:
        return [f"whether it was made from {kind} {name} cannot be told: {lacks.why}"]
    if source and kind == "backup" and origin not in (None, source.id):
        return [f"Cinder notes that it was restored from backup {origin}, and {source.id} is wanted"]
    if source and kind != "backup" and origin is None:
        return [f"Cinder does not show whether it was made from {kind} {source.name}"]
    return []


def differs_in_type(want: Wanted, volume: Volume) -> bool:
    """Whether another type is wanted, by its name or id. An empty one is none."""
    if not want.volume_type or volume.volume_type is None:
        return False
    return not references.means(want.volume_type, volume.volume_type_id, volume.volume_type)


def needs_more(want: Wanted, volume: Volume) -> bool:
    """Whether the volume is to get a type or a size that the project may not have."""
    return (want.retype and differs_in_type(want, volume)) or (want.size is not None and want.size > volume.size)


def never_available(volume: Volume) -> bool:
    """Whether nothing was ever on the volume: its making failed.

    An error tells nothing of the data: it comes from attaching, extending and deleting as well. Only a volume that this collection
    began to make, and that no run has seen available, has none; Cinder shows what it was made from when that is on it.
    """
    return volume.status == "error" and volume.is_new and volume.image_id is None and not volume.attached_to


def is_recreated(want: Wanted, volume: Volume, source: Source | None, made: Collection[str] = ()) -> bool:
    """Whether the volume is to be made anew: its making failed, or it differs, is our own, and is at rest."""
    if never_available(volume):
        return want.recreate != "never" and not volume.is_made_by(made)  # a run makes a volume once
    if volume.status == "deleting" or volume.status.startswith("error") or volume.status in ON_THE_WAY:
        return False
    return want.recreate == "on_drift" and volume.is_made_here and bool(drift(want, volume, source))
