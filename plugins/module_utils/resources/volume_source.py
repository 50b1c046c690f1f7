# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a volume is made from: an image, a snapshot, another volume or a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..cloud.connection import Cloud
from ..values.errors import Refused
from ..values.identifiers import is_uuid
from . import image as images

# The kinds, the key of each in a request to create a volume, and the statuses in which it can be a source
# (cinder/volume/flows/api/create_volume.py).
KEYS = {"image": "imageRef", "snapshot": "snapshot_id", "volume": "source_volid", "backup": "backup_id"}
_STATUSES = {"snapshot": ("available",), "volume": ("available", "in-use"), "backup": ("available",)}


@dataclass(frozen=True)
class Source:
    """A source as it was found. ``needs`` is the smallest volume that takes it, in GiB, and ``why`` says what that comes from."""

    kind: str
    id: str
    name: str
    needs: int
    why: str = ""
    bootable: bool = True  # what a volume from it will be, as far as its kind tells


def observe(cloud: Cloud, kind: str, name: str) -> Source:
    """The one source of that name or id. Raises Refused where there is none, more than one, or one in the wrong status."""
    if kind == "image":
        image = images.observe(cloud, name)
        return Source(kind, image.id, image.name, image.needs, f"min_disk {image.min_disk} GiB, {image.bytes} bytes")
    matches = _read(cloud, kind, name)
    if not matches:
        raise Refused(f"Failed to find {kind} {name}: Cinder shows none of that name or id. Check the name, and the project.")
    if len(matches) > 1:
        ids = ", ".join(sorted(match["id"] for match in matches))
        raise Refused(f"Failed to find {kind} {name}: {len(matches)} have that name ({ids}). Give the id.")
    (found,) = matches
    if found["status"] not in _STATUSES[kind]:
        raise Refused(
            f"Failed to use {kind} {name}: its status is {found['status']}, and a volume is made only of one that is "
            f"{' or '.join(_STATUSES[kind])}."
        )
    return Source(kind, found["id"], found["name"] or found["id"], found["size"], bootable=_bootable(cloud, kind, found))


def _bootable(cloud: Cloud, kind: str, found: Mapping[str, Any]) -> bool:
    """Whether what is made from the source can boot. A snapshot does not say it, but its volume does; a backup is believed."""
    if kind == "snapshot":
        volume = cloud.block_storage.find(f"/volumes/{found['volume_id']}", f"read the volume of snapshot {found['name']}")
        return volume is None or volume["volume"]["bootable"] == "true"
    return found.get("bootable") != "false"


def _read(cloud: Cloud, kind: str, name: str) -> list[Mapping[str, Any]]:
    what = f"read {kind} {name}"
    by_id = cloud.block_storage.find(f"/{kind}s/{name}", what) if is_uuid(name) else None
    return [by_id[kind]] if by_id else list(cloud.block_storage.list(f"/{kind}s/detail", f"{kind}s", what, name=name))
