# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image in Glance, one version of several, and what is asked for of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4, uuid5

from ...values.errors import Invalid

DIGEST = "bfv_image_digest"
_LONGEST = 255
# Statuses of an upload that has not ended (glance/domain/__init__.py). Nobody can tell whether somebody is at work on it.
UNDER_WAY = ("queued", "saving", "uploading", "importing")


@dataclass(frozen=True)
class Wanted:
    """One version of an image. ``name`` is for whoever uses the newest, ``digest`` tells the versions apart."""

    name: str
    digest: str
    file: str
    disk_format: str = "raw"
    min_disk: int | None = None  # GiB
    visibility: str = "private"
    properties: Mapping[str, str] = field(default_factory=dict)
    keep: int = 0  # versions; 0 keeps all
    run: UUID = field(default_factory=uuid4, compare=False)  # the ids of what this run makes come from it

    def new_id(self, made: Collection[str]) -> str:
        """The id that the run gives the next image it makes, so that it knows its own although no answer comes."""
        return str(uuid5(self.run, str(len(made))))

    @property
    def long_name(self) -> str:
        return long_name(self.name, self.digest)

    @property
    def fields(self) -> dict[str, object]:
        """What Glance is to show of it. The digest is an image's own and never changes."""
        least = {} if self.min_disk is None else {"min_disk": self.min_disk}
        return {"name": self.name, **least, "visibility": self.visibility, **self.properties}


def wanted(params: Mapping[str, Any]) -> Wanted:
    """The module's options. Raises Invalid."""
    if len(params["digest"]) < 12:
        raise Invalid(
            f"Failed to read digest {params['digest']}: it has less than 12 characters. Give the whole digest of the image's inputs."
        )
    _check(params)
    names = ("name", "digest", "file", "disk_format", "min_disk", "visibility", "keep")
    properties = {name: str(value) for name, value in (params["properties"] or {}).items() if value is not None}
    return Wanted(**{name: params[name] for name in names}, properties=properties)


def _check(params: Mapping[str, Any]) -> None:
    """What Glance would not take (glance/api/v2/images.py, get_base_properties), and what would mean something else than it says."""
    name = params["name"]
    if not name or len(long_name(name, params["digest"])) > _LONGEST:
        room = _LONGEST - len(long_name("", "x" * 12))
        raise Invalid(f"Failed to read image {name[:40]}: its name has {len(name)} characters. Give 1 to {room}.")
    for option in ("keep", "min_disk"):
        if params[option] is not None and params[option] < 0:
            raise Invalid(f"Failed to read image {name}: {option} is {params[option]}. Give 0 or more.")
    taken = sorted({"name", "visibility", "min_disk", DIGEST} & (params["properties"] or {}).keys())
    if taken:
        raise Invalid(
            f"Failed to read image {name}: properties has {', '.join(taken)}, which options of their own say. Leave them out."
        )


def long_name(name: str, digest: str) -> str:
    """What a version is called before and after its time."""
    return f"{name}-{digest[:12]}"


@dataclass(frozen=True)
class Image:
    """What Glance says of an image."""

    id: str
    name: str
    status: str
    owner: str | None
    created_at: str
    protected: bool
    digest: str | None
    shown: Mapping[str, Any] = field(repr=False)

    @property
    def age(self) -> tuple[str, str]:
        return (self.created_at, self.id)

    def is_version_of(self, name: str, project: str) -> bool:
        """Whether it is certainly a version of ours: the project's own, with a digest, and a name that is exactly one of the two."""
        return self.owner == project and bool(self.digest) and self.name in (name, long_name(name, str(self.digest)))

    def __str__(self) -> str:
        return f"image {self.id} ({self.name}, {self.status}, of {self.created_at})"


def from_api(image: Mapping[str, Any]) -> Image:
    return Image(
        id=image["id"],
        name=image.get("name") or "",
        status=image["status"],
        owner=image.get("owner"),
        created_at=image.get("created_at") or "",
        protected=bool(image.get("protected")),
        digest=image.get(DIGEST),
        shown=image,
    )
