# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a volume is made from: an image, a snapshot, another volume or a backup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...cloud.connection import Cloud
from ...values import references
from ...values.errors import Unusable
from ...values.identifiers import is_uuid
from ...values.paths import path_of
from . import image as images

# The kinds, the key of each in a request to create a volume, and the statuses in which it can be a source
# (cinder/volume/flows/api/create_volume.py).
KEYS = {"image": "imageRef", "snapshot": "snapshot_id", "volume": "source_volid", "backup": "backup_id"}
_STATUSES = {"snapshot": ("available",), "volume": ("available", "in-use"), "backup": ("available",)}
# Of several of a name these are on their way out, or never came about. What is on a volume in error may well be sound.
_NO_DOUBLES = {
    "snapshot": ("error", "deleting", "error_deleting", "deleted"),
    "volume": ("deleting", "error_deleting"),
    "backup": ("error", "deleting", "error_deleting", "deleted"),
}
# As long as a volume is made of it (cinder/volume/flows/manager/create_volume.py); the run that asked for that looks again meanwhile.
_RESTORING = "restoring"


@dataclass(frozen=True)
class Source:
    """A source as it was found. ``needs`` is the smallest volume that takes it, in GiB, and ``why`` says what that comes from."""

    kind: str
    id: str
    name: str
    needs: int
    why: str = ""
    bootable: bool = True  # what a volume from it will be, as far as its kind tells
    busy: str = ""  # why no volume can be made of it now
    unsized: str = ""  # why ``needs`` is no more than the least that it can be
    volume_type: str | None = None  # which a volume from it gets where none is asked for
    zone: str | None = None  # where a volume from it comes to be where no other is asked for
    pool: str | None = None  # of Cinder, in which a clone comes to be as well; only an admin is told


def observe(cloud: Cloud, kind: str, name: str) -> Source:
    """The one source of that name or id. Raises Unusable where there is none, more than one, or one in the wrong status."""
    if kind == "image":
        image = images.observe(cloud, name)
        why = f"min_disk {image.min_disk} GiB, {image.bytes} bytes"
        return Source(kind, image.id, image.name, image.needs, why, unsized=image.unsized)
    matches = _read(cloud, kind, name)
    ids = sorted(match["id"] for match in matches)
    if not matches:
        why = "Cinder shows none of that name or id"
        known = [name] if is_uuid(name) else []
        raise Unusable(f"find {kind} {name}", why, "Check the name, and the project.", known)
    sound = [match for match in matches if match["status"] not in _NO_DOUBLES[kind]]
    if len(sound or matches) > 1:
        told = sorted(match["id"] for match in sound or matches)
        why = f"{len(told)} have that name ({', '.join(told)})"
        raise Unusable(f"find {kind} {name}", why, "Give the id.", ids)
    (found,) = sound or matches
    status = found["status"]
    busy = None if status in _STATUSES[kind] else _busy(kind, name, status, ids)
    if busy and (kind, status) != ("backup", _RESTORING):
        raise busy
    of = _volume_of(cloud, kind, found)
    return Source(
        kind,
        found["id"],
        found["name"] or found["id"],
        found["size"],
        bootable=of.get("bootable") != "false",
        busy=str(busy or ""),
        volume_type=of.get("volume_type"),
        zone=of.get("availability_zone"),
        pool=of.get("os-vol-host-attr:host") if kind == "volume" else None,
    )


def _busy(kind: str, name: str, status: str, ids: Iterable[str]) -> Unusable:
    statuses = " or ".join(_STATUSES[kind])
    why = f"its status is {status}, and a volume is made only of one that is {statuses}"
    return Unusable(f"use {kind} {name}", why, f"Run again when it is, or name another {kind}.", ids)


def _volume_of(cloud: Cloud, kind: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The volume that a new one takes after, as Cinder shows it: whether it boots, its type, its zone. A backup does not tell, and is believed."""
    if kind == "snapshot":
        volume = cloud.block_storage.find(path_of("volumes", found["volume_id"]), f"read the volume of snapshot {found['name']}")
        return volume["volume"] if volume else {}
    return found if kind == "volume" else {}


def _read(cloud: Cloud, kind: str, name: str) -> list[Mapping[str, Any]]:
    what = f"read {kind} {name}"
    by_id = cloud.block_storage.find(f"/{kind}s/{name}", what) if is_uuid(name) else None
    listed = [by_id[kind]] if by_id else cloud.block_storage.list(f"/{kind}s/detail", f"{kind}s", what, name=name)
    return references.matching(name, listed, lambda one: (one["id"], one["name"]))
