# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""An image in Glance as the source of a volume: how large the volume must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..cloud.connection import Cloud
from ..values.errors import Refused
from ..values.identifiers import is_uuid

_GIB = 2**30


@dataclass(frozen=True)
class Image:
    """What Glance says of an image. ``bytes`` is its unpacked size where Glance knows that, else the size of its file."""

    id: str
    name: str
    status: str
    min_disk: int  # GiB
    bytes: int

    @property
    def needs(self) -> int:
        """The smallest volume that takes the image, in GiB: Cinder checks min_disk and the virtual size."""
        return max(self.min_disk, math.ceil(self.bytes / _GIB), 1)


def observe(cloud: Cloud, image: str) -> Image:
    """The one image of that name or id. Raises Refused where there is none, more than one, or one that is not active."""
    what = f"read image {image}"
    if is_uuid(image):
        body = cloud.image.find(f"/images/{image}", what)
        matches = [body] if body else []
    else:
        matches = list(cloud.image.list("/images", "images", what, name=image))
    if not matches:
        raise Refused(
            f"Failed to find image {image}: Glance shows none of that name or id. Check the name, and that the project may see the image."
        )
    if len(matches) > 1:
        ids = ", ".join(sorted(match["id"] for match in matches))
        raise Refused(f"Failed to find image {image}: {len(matches)} images have that name ({ids}). Give the id.")
    found = _from_api(matches[0])
    if found.status != "active":
        raise Refused(
            f"Failed to use image {image}: its status is {found.status}, and a volume can be made of an active image only."
        )
    return found


def _from_api(image: Mapping[str, Any]) -> Image:
    return Image(
        id=image["id"],
        name=image.get("name") or image["id"],
        status=image["status"],
        min_disk=image.get("min_disk") or 0,
        bytes=image.get("virtual_size") or image.get("size") or 0,
    )
