# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Golden volumes: an image is converted once for each volume type, and cloned from then on.

Cinder converts one image at a time on a backend, and a clone costs next to nothing. A golden volume is known by its name and its
metadata, belongs to one id of an image, and is therefore made anew when the image is replaced by another of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..cloud.connection import Cloud
from . import volume_record
from .volume_record import Volume
from .volume_source import Source

IMAGE_ID = "bfv_golden_image_id"
IMAGE_NAME = "bfv_golden_image"


def name(image: Source, volume_type: str | None) -> str:
    """The name of the golden volume of an image for a volume type; None is Cinder's default type."""
    return f"golden-{image.id}" + (f"-{volume_type}" if volume_type else "")


def metadata(image: Source) -> dict[str, str]:
    """How a golden volume is marked."""
    return {IMAGE_ID: image.id, IMAGE_NAME: image.name}


def read(cloud: Cloud, image: Source) -> tuple[Volume, ...]:
    """Every golden volume of the image's name, those of older images as well."""
    what = f"read the golden volumes of image {image.name}"
    query = repr({IMAGE_NAME: image.name})  # Cinder takes the filter as a literal of Python
    return tuple(map(volume_record.from_api, cloud.block_storage.list("/volumes/detail", "volumes", what, metadata=query)))


def elect(found: Iterable[Volume], image: Source, volume_type: str | None) -> tuple[Volume | None, list[Volume]]:
    """The golden volume to clone, and its doubles: of two that were made at once every run elects the same, the older one."""
    wanted = name(image, volume_type)
    sound = sorted(
        (one for one in found if one.name == wanted and not one.status.startswith("error")),
        key=lambda one: (one.created_at, one.id),
    )
    return (sound[0], sound[1:]) if sound else (None, [])


def outdated(found: Iterable[Volume], image: Source) -> list[Volume]:
    """The golden volumes of older images of that name, and those that failed."""
    return [one for one in found if one.metadata.get(IMAGE_ID) != image.id or one.status.startswith("error")]
