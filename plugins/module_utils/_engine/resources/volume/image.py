# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image in Glance as the source of a volume: which one is meant, and how large the volume must be."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...cloud.connection import Cloud
from ...cloud.service import Json
from ...values import references
from ...values.errors import Unusable
from ...values.identifiers import is_uuid
from ...values.paths import path_of

_GIB = 2**30
# Formats whose file is as large as the disk within. Every other one, and a compressed container, tells nothing by its size.
_PLAIN = ("raw", "iso", "ami", "ari", "aki")
_COMPRESSED = "compressed"
# Statuses of an image whose data is still to come (glance/domain/__init__.py).
_UNDER_WAY = ("queued", "saving", "uploading", "importing")
_AT_ONCE = 50  # ids in one request: all of them stand in its address


@dataclass(frozen=True)
class Image:
    """What Glance says of an image. ``bytes`` is its unpacked size where Glance knows that, else the size of its file."""

    id: str
    name: str
    min_disk: int  # GiB
    bytes: int
    unsized: str = ""  # why nobody knows how large the image is unpacked

    @property
    def needs(self) -> int:
        """The smallest volume that takes the image, in GiB: Cinder checks min_disk and the virtual size."""
        return max(self.min_disk, math.ceil(self.bytes / _GIB), 1)


def observe(cloud: Cloud, image: str) -> Image:
    """The one active image of that name or id. Raises Unusable where there is none, or more than one.

    A name means what Glance lists by itself. Community images are listed only when they are asked for (glance/db/sqlalchemy/api.py,
    image_get_all), and anybody may give one any name: they count where nothing else of the name is active. A hidden image is an outdated one,
    and is meant by its id.
    """
    what = f"read image {image}"
    by_id = cloud.image.find(path_of("images", image), what) if is_uuid(image) else None
    found = {by_id["id"]: by_id} if by_id else _listed(cloud, image, what)
    active = _active(found)
    if not active and not by_id:
        found |= _listed(cloud, image, what, visibility="community")
        active = _active(found)
    if len(active) == 1:
        return _from_api(active[0])
    if not active and not by_id:
        found = _listed(cloud, image, what, os_hidden="true") | found
    raise _unusable(image, list(found.values()), active)


def read_names(cloud: Cloud, ids: set[str]) -> dict[str, str]:
    """The names of those of the images that are active, by their ids: one list of so many, and a request for each that it leaves out.

    It leaves out what is hidden, and what is of the community (glance/db/sqlalchemy/api.py, image_get_all).
    """
    asked, found = sorted(ids), list[Json]()
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        found += cloud.image.list("/images", "images", "read the images of golden volumes", id=f"in:{','.join(some)}")
    there = {one["id"]: one for one in found if one["id"] in ids}
    for id in ids - there.keys():
        if one := cloud.image.find(path_of("images", id), f"read image {id}"):
            there[id] = one
    return {one["id"]: one.get("name") or one["id"] for one in _active(there)}


def _listed(cloud: Cloud, image: str, what: str, **query: object) -> dict[str, Json]:
    listed = cloud.image.list("/images", "images", what, name=image, **query)
    return {one["id"]: one for one in references.matching(image, listed, lambda one: (one["id"], one.get("name")))}


def _active(images: Mapping[str, Json]) -> list[Json]:
    return [one for one in images.values() if one["status"] == "active"]


def _unusable(image: str, found: Collection[Json], active: Collection[Json]) -> Unusable:
    if len(active) > 1:
        ids = ", ".join(sorted(one["id"] for one in active))
        return Unusable(
            f"find image {image}", f"{len(active)} images have that name ({ids})", "Give the id.", [one["id"] for one in found]
        )
    if not found:
        why = "Glance shows none of that name or id"
        advice = "Check the name, and that the project may see the image."
        return Unusable(f"find image {image}", why, advice, [image] if is_uuid(image) else [])
    return Unusable(f"use image {image}", _state(found), _advice(found), [one["id"] for one in found])


def _state(found: Collection[Json]) -> str:
    if len(found) > 1:
        seen = ", ".join(f"{one['id']}: {_shown(one)}" for one in sorted(found, key=lambda one: str(one["id"])))
        return f"none of the {len(found)} images of that name can be used ({seen})"
    (one,) = found
    if one["status"] == "active":
        return f"it is hidden, as outdated images are ({one['id']})"
    return f"its status is {one['status']}, and a volume can be made of an active image only"


def _shown(one: Json) -> str:
    return "hidden" if one["status"] == "active" else str(one["status"])


def _advice(found: Collection[Json]) -> str:
    statuses = {one["status"] for one in found}
    if "active" in statuses:
        return "Give the id to use it all the same, or the name of its successor."
    if statuses & {*_UNDER_WAY}:
        return "Run again when its upload has ended, or name another image."
    if "deactivated" in statuses:
        return "Somebody has taken it out of use: have it activated (openstack image set --activate), or name another image."
    return "Name another image."


def _from_api(image: Mapping[str, Any]) -> Image:
    name, unpacked, min_disk = image.get("name") or image["id"], image.get("virtual_size"), image.get("min_disk") or 0
    packed = image.get("container_format") == _COMPRESSED or (image.get("disk_format") or "raw") not in _PLAIN
    unsized = ""
    if packed and not unpacked and not min_disk:
        form = _COMPRESSED if image.get("container_format") == _COMPRESSED else image["disk_format"]
        unsized = f"the image is {form}, and Glance tells neither its virtual_size nor a min_disk"
    return Image(id=image["id"], name=name, min_disk=min_disk, bytes=unpacked or image.get("size") or 0, unsized=unsized)
