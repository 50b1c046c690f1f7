# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume as Cinder shows it, and the rules about it that volumes, targets and servers share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ...cloud.connection import Cloud
from ...cloud.service import short
from ...values.errors import Refused, refuse
from ...values.identifiers import is_uuid
from ...values.paths import path_of

# cinder/objects/fields.py: on the way to another state by themselves.
ON_THE_WAY = ("creating", "downloading", "restoring-backup", "extending", "detaching", "retyping")
AT_REST = ("available", "in-use")
OUT_OF_USE = ("maintenance", "awaiting-transfer")  # until somebody ends it
TO_COME = "(known when the volume is there)"  # the id of a volume that is planned
OWN_KEYS = "bfv_"  # how the keys of this collection's metadata begin
# Marks a volume that this collection makes: with NEW and a word of the run until it was seen available, and from then on with its own
# id. A restored backup has a copy of its original's metadata, and so the id of another volume in it.
MADE = "bfv_made"
NEW = "new"
TEXT_LENGTH = 255  # of a name, a description, and of a key and a value of metadata (cinder/api/validation/parameter_types.py)
SOURCE_BACKUP = "src_backup_id"  # Cinder's own note of the backup that a volume was restored from
REPLACES = "bfv_replaces"  # the id of the volume whose place a new one takes


@dataclass(frozen=True)
class Volume:
    """What Cinder says of a volume. ``attached_to`` holds the ids of servers, or of nodes where Ironic attached it by itself."""

    id: str
    name: str
    status: str
    size: int
    bootable: bool = False
    volume_type: str | None = None
    volume_type_id: str | None = None
    availability_zone: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    image_id: str | None = None
    min_ram: int = 0  # MiB that its image wants of a flavor
    snapshot_id: str | None = None
    source_volid: str | None = None
    multiattach: bool = False
    attached_to: tuple[str, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(default_factory=dict)  # their ids, by what holds it
    created_at: str = ""
    reserved_by: tuple[
        tuple[str, str], ...
    ] = ()  # attachments that are not attached yet, and what they are for: see reservation.py
    pool: str | None = None  # where it is, which only an admin is told

    @property
    def is_ours(self) -> bool:
        """Whether this collection made the volume under this very id."""
        return self.metadata.get(MADE) == self.id

    @property
    def is_new(self) -> bool:
        """Whether this collection began to make the volume, and no run has seen it available yet. A backup may have a copy of that mark."""
        return self.metadata.get(MADE, "").partition(" ")[0] == NEW and SOURCE_BACKUP not in self.metadata

    @property
    def mark(self) -> str | None:
        """The mark of the run that began to make the volume."""
        return self.metadata[MADE] if self.is_new else None

    def is_made_by(self, made: Collection[str]) -> bool:
        """Whether the run made the volume: that is known by its id or, where no answer came, by the run's mark."""
        return self.id in made or self.mark in made

    @property
    def is_made_here(self) -> bool:
        """Whether this collection made the volume, or began to."""
        return self.is_ours or self.is_new


def new_mark(run: str = "") -> str:
    """A mark for the volumes that one run makes."""
    return f"{NEW} {run or uuid4()}"


def from_api(volume: Mapping[str, Any]) -> Volume:
    """A volume out of Cinder's JSON (the detailed form)."""
    return Volume(
        id=volume["id"],
        name=volume["name"] or "",
        status=volume["status"],
        size=volume["size"],
        bootable=volume["bootable"] == "true",  # Cinder says it as text
        volume_type=volume["volume_type"],
        volume_type_id=volume.get("volume_type_id"),
        availability_zone=volume["availability_zone"],
        description=volume["description"],
        metadata=volume["metadata"],
        image_id=volume.get("volume_image_metadata", {}).get("image_id"),
        min_ram=int(volume.get("volume_image_metadata", {}).get("min_ram") or 0),  # Cinder says it as text
        snapshot_id=volume["snapshot_id"],
        source_volid=volume["source_volid"],
        multiattach=volume["multiattach"],
        attached_to=tuple(attachment["server_id"] for attachment in volume["attachments"]),
        devices={attachment["server_id"]: attachment["device"] or "" for attachment in volume["attachments"]},
        attachments={attachment["server_id"]: attachment.get("attachment_id") or "" for attachment in volume["attachments"]},
        created_at=volume["created_at"],
        pool=volume.get("os-vol-host-attr:host"),
    )


def read(cloud: Cloud, *, name: str | None = None, id: str | None = None) -> tuple[Volume, ...]:
    """The volumes of an id, or else those of a name."""
    if id:
        body = cloud.block_storage.find(path_of("volumes", id), f"read volume {id}")
        return (from_api(body["volume"]),) if body else ()
    found = _listed(cloud, f"read volume {name}", name=name)
    return tuple(volume for volume in found if volume.name == name)


def read_all(cloud: Cloud) -> tuple[Volume, ...]:
    """Every volume of the project."""
    return _listed(cloud, "read the volumes")


def read_short(cloud: Cloud, below: int) -> tuple[Volume, ...] | None:
    """Every volume of the project where it has fewer than so many, else None."""
    cloud.check_project()
    records = short(cloud.block_storage, "/volumes/detail", "volumes", "read the volumes", below)
    return None if records is None else tuple(map(from_api, records))


def read_marked(cloud: Cloud, key: str, value: str) -> tuple[Volume, ...]:
    """The volumes that have a pair in their metadata. Cinder takes the filter as a literal of Python."""
    found = _listed(cloud, f"read the volumes of {value}", metadata=repr({key: value}))
    return tuple(volume for volume in found if volume.metadata.get(key) == value)


def _listed(cloud: Cloud, what: str, **query: str | None) -> tuple[Volume, ...]:
    """A filter is a help, and no answer: callers compare again. Pages that shift meanwhile may show a volume twice."""
    cloud.check_project()  # without one Cinder lists the volumes of no project, and all that are asked for look gone
    found = map(from_api, cloud.block_storage.list("/volumes/detail", "volumes", what, **query))
    return tuple({volume.id: volume for volume in found}.values())


def find(cloud: Cloud, volume: str) -> tuple[Volume, ...]:
    """The volumes that a person may mean by a name or id."""
    return (is_uuid(volume) and read(cloud, id=volume)) or read(cloud, name=volume)


def snapshot_label(snapshot: Mapping[str, Any]) -> str:
    """A snapshot as it is told where it holds a volume, or goes with it: by its id, since Cinder takes a name twice."""
    return f"{snapshot['name']} ({snapshot['id']})" if snapshot["name"] else str(snapshot["id"])


def called(volume: Volume) -> str:
    """A volume where a name alone does not say which one."""
    return f"{volume.name} ({volume.id})" if volume.name else volume.id


def only(volumes: tuple[Volume, ...], label: str) -> Volume | None:
    """The one volume, or None. Raises Refused where the name matches more than one: nobody can say from here which is meant."""
    if len(volumes) > 1:
        ones = "; ".join(_told(volume) for volume in sorted(volumes, key=lambda one: (one.created_at, one.id)))
        raise Refused(
            f"Failed to find volume {label}: {len(volumes)} volumes have that name ({ones}). Give the id of the one that is meant, "
            "or remove the other with state=absent and its id."
        )
    return volumes[0] if volumes else None


def _told(volume: Volume) -> str:
    holders = f"attached to {', '.join(volume.attached_to)}" if volume.attached_to else "attached to nothing"
    return f"{volume.id}: {volume.size} GiB, {volume.status}, {holders}, made {volume.created_at[:19]}"


def check_attachable(volume: Volume, holders: tuple[str, ...], *, boots: bool, what: str) -> None:
    """Refuse a volume that a node could not boot from or attach. ``holders`` are ids under which the node has it already."""
    refuse(what, obstacles(volume, holders, boots=boots))


def obstacles(volume: Volume, holders: Collection[str | None], *, boots: bool) -> Iterator[str]:
    """Why a node could not boot from the volume or attach it."""
    subject = f"volume {volume.name or volume.id}"
    if volume.status.startswith("error") or volume.status == "deleting":
        yield f"{subject} has status {volume.status}. Repair it or name another."
    elif volume.reserved_by:
        held = " and ".join(f"attachment {id} for {holder or 'nobody'}" for id, holder in volume.reserved_by)
        yield (
            f"{subject} has status {volume.status}, by {held}. Where nothing waits for that any more, remove it "
            f"(openstack --os-volume-api-version 3.27 volume attachment delete {volume.reserved_by[0][0]})."
        )
    elif volume.status in ("reserved", "attaching") and not volume.attached_to:
        yield (
            f"{subject} has status {volume.status}, and no attachment says for whom. Where nothing attaches it any more, an admin sets it free "
            f"(openstack volume set --state available {volume.id})."
        )
    elif volume.status in ON_THE_WAY and not volume.attached_to:
        yield f"{subject} has status {volume.status}. Run again when it is available."
    elif volume.status != "available" and not volume.attached_to:
        yield f"{subject} has status {volume.status}, in which it is not attached. Make it available, or name another volume."
    others = [holder for holder in volume.attached_to if holder not in holders]
    if others and not volume.multiattach:
        yield f"{subject} is attached to {', '.join(others)} and is not multiattach. Detach it there, or name another volume."
    if boots and not volume.bootable:
        yield f"{subject} is not bootable. Make it from an image, or set bootable (bfv.openstack.bfv_volume)."


def described(volume: Volume) -> dict[str, object]:
    """The volume as a diff shows it."""
    return {
        "name": volume.name,
        "size": volume.size,
        "bootable": volume.bootable,
        "volume_type": volume.volume_type,
        "availability_zone": volume.availability_zone,
        "description": volume.description,
        "metadata": dict(volume.metadata),
        "image_id": volume.image_id,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volid,
    }


def view(volume: Volume) -> dict[str, object]:
    """The volume as a module returns it."""
    return {
        "id": volume.id,
        "status": volume.status,
        **described(volume),
        "multiattach": volume.multiattach,
        "attached_to": list(volume.attached_to),
    }
