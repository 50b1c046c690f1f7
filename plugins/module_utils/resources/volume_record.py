# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A volume as Cinder shows it, and the rules about it that volumes, targets and servers share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cloud.connection import Cloud
from ..values.errors import Refused, refuse
from ..values.identifiers import is_uuid

# cinder/objects/fields.py: on the way to another state by themselves.
ON_THE_WAY = ("creating", "downloading", "restoring-backup", "extending", "detaching", "retyping")
MADE_AS = "bfv_made_as"  # marks, with its name, a volume that this collection made: Cinder takes a name twice


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
    snapshot_id: str | None = None
    source_volid: str | None = None
    multiattach: bool = False
    attached_to: tuple[str, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    created_at: str = ""


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
        snapshot_id=volume["snapshot_id"],
        source_volid=volume["source_volid"],
        multiattach=volume["multiattach"],
        attached_to=tuple(attachment["server_id"] for attachment in volume["attachments"]),
        devices={attachment["server_id"]: attachment["device"] or "" for attachment in volume["attachments"]},
        created_at=volume["created_at"],
    )


def read(cloud: Cloud, *, name: str | None = None, id: str | None = None) -> tuple[Volume, ...]:
    """The volumes of an id, or else those of a name."""
    if id:
        body = cloud.block_storage.find(f"/volumes/{id}", f"read volume {id}")
        return (from_api(body["volume"]),) if body else ()
    return tuple(map(from_api, cloud.block_storage.list("/volumes/detail", "volumes", f"read volume {name}", name=name)))


def read_all(cloud: Cloud) -> tuple[Volume, ...]:
    """Every volume of the project."""
    return tuple(map(from_api, cloud.block_storage.list("/volumes/detail", "volumes", "read the volumes")))


def read_marked(cloud: Cloud, key: str, value: str) -> tuple[Volume, ...]:
    """The volumes that have a pair in their metadata. Cinder takes the filter as a literal of Python."""
    query = repr({key: value})
    return tuple(
        map(from_api, cloud.block_storage.list("/volumes/detail", "volumes", f"read the volumes of {value}", metadata=query))
    )


def find(cloud: Cloud, volume: str) -> tuple[Volume, ...]:
    """The volumes that a person may mean by a name or id."""
    return (is_uuid(volume) and read(cloud, id=volume)) or read(cloud, name=volume)


def only(volumes: tuple[Volume, ...], label: str) -> Volume | None:
    """The one volume, or None. Raises Refused where the name matches more than one.

    Of volumes that runs at the same time made under one name (each has the mark), every run takes the same: one that is in use, else the oldest.
    """
    if len(volumes) > 1 and all(one.metadata.get(MADE_AS) == one.name for one in volumes):
        return min(volumes, key=lambda one: (not one.attached_to, one.created_at, one.id))
    if len(volumes) > 1:
        ids = ", ".join(sorted(volume.id for volume in volumes))
        raise Refused(
            f"Failed to find volume {label}: {len(volumes)} volumes have that name ({ids}). Give the id, or remove the others."
        )
    return volumes[0] if volumes else None


def check_attachable(volume: Volume, holders: tuple[str, ...], *, boots: bool, what: str) -> None:
    """Refuse a volume that a node could not boot from or attach. ``holders`` are ids under which the node has it already."""
    refuse(what, obstacles(volume, holders, boots=boots))


def obstacles(volume: Volume, holders: Collection[str | None], *, boots: bool) -> Iterator[str]:
    """Why a node could not boot from the volume or attach it."""
    subject = f"volume {volume.name or volume.id}"
    if volume.status.startswith("error") or volume.status == "deleting":
        yield f"{subject} has status {volume.status}. Repair it or name another."
    elif volume.status != "available" and not volume.attached_to:
        yield f"{subject} has status {volume.status}. Run again when it is available."
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
