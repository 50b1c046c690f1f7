# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Golden volumes: an image is converted once for each volume type, and cloned from then on.

Cinder converts one image at a time on a backend, and a clone costs next to nothing. A golden volume belongs to one id of an image,
and is therefore made anew when the image is replaced by another of the same name. Its name and metadata help to find it; what is on
it, Cinder says itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ...cloud.connection import Cloud
from . import record
from .drift import never_available
from .record import ON_THE_WAY, Volume
from .removal import DELETABLE
from .source import Source
from .wanted import Wanted

IMAGE_ID = "bfv_golden_image_id"
IMAGE_NAME = "bfv_golden_image"


@dataclass(frozen=True)
class Cast:
    """The golden volume to clone, if there is one, and what else was cast of the image.

    ``surplus`` was made by this run: another run was faster, or its making failed. ``failed`` was not, and is left.
    """

    elected: Volume | None = None
    surplus: tuple[Volume, ...] = ()
    failed: tuple[Volume, ...] = ()


def wanted(image: Source, want: Wanted) -> Wanted:
    """The golden volume of an image for the volume's type; None is Cinder's default type. It is as small as the image permits, if that is known."""
    metadata = {IMAGE_ID: image.id, IMAGE_NAME: image.name}
    return Wanted(
        name=_name(image.id, want.volume_type),
        image=image.name,
        size=want.size if image.unsized else None,
        volume_type=want.volume_type,
        metadata=metadata,
        mark=want.mark,
    )


def _name(image_id: str, volume_type: str | None) -> str:
    return f"golden-{image_id}" + (f"-{volume_type}" if volume_type else "")


def read(cloud: Cloud, image: Source) -> tuple[Volume, ...]:
    """Every golden volume of the image's name, those of older images as well."""
    return record.read_marked(cloud, IMAGE_NAME, image.name)


def elect(found: Iterable[Volume], image: Source, volume_type: str | None, made: Collection[str]) -> Cast:
    """The golden volume to clone: of two that were made at once every run elects the older one. ``made`` are this run's own."""
    name = _name(image.id, volume_type)
    cast = sorted((one for one in found if one.name == name and _is_of(one, image)), key=lambda one: (one.created_at, one.id))
    failed = [one for one in cast if one.status.startswith("error")]
    sound = [one for one in cast if one not in failed and one.status != "deleting"]
    surplus = [one for one in (*sound[1:], *failed) if one.is_made_by(made)]
    return Cast(sound[0] if sound else None, tuple(surplus), tuple(one for one in failed if one not in surplus))


def _is_of(one: Volume, image: Source) -> bool:
    """Whether the volume was cast of the image by this collection. Cinder tells an image when it is on the volume."""
    return one.is_made_here and one.metadata.get(IMAGE_ID) == image.id and one.image_id in (image.id, *_not_told(one))


def _not_told(one: Volume) -> tuple[None, ...]:
    return (None,) if one.status in ON_THE_WAY or one.status.startswith("error") else ()


def outdated(found: Iterable[Volume], image: Source) -> list[Volume]:
    """What prune_golden lets go: the golden volumes of older images of that name, and those whose making failed.

    Only what this collection made under that id, with the very name that it gives, and that nobody holds.
    """
    return [
        one
        for one in found
        if (never_available(one) or (one.is_ours and one.metadata.get(IMAGE_ID) != image.id))
        and one.metadata.get(IMAGE_NAME) == image.name
        and _has_own_name(one)
        and one.status in DELETABLE
        and not one.attached_to
    ]


def unused(one: Volume, images: Mapping[str, str]) -> str:
    """Why a golden volume is cloned no more; empty where it may be, or is none. ``images`` are the names of those that can be used, by their ids."""
    name = one.metadata.get(IMAGE_NAME)
    if name is None or not _has_own_name(one) or one.status not in DELETABLE or one.attached_to:
        return ""
    if never_available(one):
        return f"its making failed: it was to hold image {name}"
    id = one.metadata.get(IMAGE_ID, "")
    if not one.is_ours or images.get(id) == name:
        return ""
    return (
        f"image {name} ({id}), which it holds, is {f'called {images[id]} by now' if id in images else 'not to be had any more'}"
    )


def _has_own_name(one: Volume) -> bool:
    name = _name(one.metadata.get(IMAGE_ID, ""), None)
    return one.name == name or one.name.startswith(f"{name}-")
