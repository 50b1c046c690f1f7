# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A Cinder volume that a machine can boot from.

It is ready when it is available and bootable. Cinder's names are not unique, so a name that matches twice is refused; what a
volume was made of, its type and its zone cannot be changed here and are reported where they differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ..cloud.connection import Cloud
from ..values.errors import Invalid, Refused
from ..values.identifiers import is_uuid
from ..values.merge import merged
from ..values.plan import Plan, Request
from . import image as images
from .image import Image

# cinder/objects/fields.py: on the way to another state by themselves.
_ON_THE_WAY = ("creating", "downloading", "restoring-backup", "extending", "detaching", "retyping")
_AT_REST = ("available", "in-use")
# cinder/volume/api.py, delete: every other status is refused by Cinder.
_DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")


TO_COME = "(known when the volume is there)"  # the id of a volume that is planned


@dataclass(frozen=True)
class Wanted:
    """The volume that is asked for. None leaves alone. Sizes are in GiB."""

    name: str | None = None
    id: str | None = None
    state: str = "present"
    image: str | None = None
    size: int | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    description: str | None = None
    metadata: Mapping[str, str | None] | None = None
    bootable: bool | None = None
    scheduler_hints: Mapping[str, object] | None = None

    @property
    def label(self) -> str:
        return self.id or self.name or ""


@dataclass(frozen=True)
class Volume:
    """What Cinder says of a volume. ``attached_to`` holds the ids of servers, or of nodes where Ironic attached it by itself."""

    id: str
    name: str
    status: str
    size: int
    bootable: bool = False
    volume_type: str | None = None
    availability_zone: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    image_id: str | None = None
    multiattach: bool = False
    attached_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The volumes of the wanted name or id, and the image where one is asked for."""

    volumes: tuple[Volume, ...] = ()
    image: Image | None = None


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = Wanted(
        **{name: params.get(name) for name in Wanted.__dataclass_fields__ if name != "state"},
        state=params.get("state") or "present",
    )
    if given.metadata is not None:  # Cinder keeps text only
        given = replace(
            given, metadata={str(key): None if value is None else str(value) for key, value in given.metadata.items()}
        )
    if given.size is not None and given.size < 1:
        raise Invalid(f"Failed to read volume {given.label}: size {given.size} is not a number of GiB above zero.")
    if not given.label:
        raise Invalid("Failed to read the volume: neither name nor id is given. Give one of them.")
    if given.id and not is_uuid(given.id):
        raise Invalid(
            f'Failed to read volume {given.label}: id "{given.id}" is not a UUID. Give it as Cinder shows it, or the name.'
        )
    return given


def from_api(volume: Mapping[str, Any]) -> Volume:
    """A volume out of Cinder's JSON (the detailed form)."""
    return Volume(
        id=volume["id"],
        name=volume["name"] or "",
        status=volume["status"],
        size=volume["size"],
        bootable=volume["bootable"] == "true",  # Cinder says it as text
        volume_type=volume["volume_type"],
        availability_zone=volume["availability_zone"],
        description=volume["description"],
        metadata=volume["metadata"],
        image_id=volume.get("volume_image_metadata", {}).get("image_id"),
        multiattach=volume["multiattach"],
        attached_to=tuple(attachment["server_id"] for attachment in volume["attachments"]),
    )


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read what is there of the wanted volume. Raises Refused for an unknown or ambiguous image."""
    image = images.observe(cloud, want.image) if want.image and want.state == "present" else None
    return Found(volumes=read(cloud, name=want.name, id=want.id), image=image)


def read(cloud: Cloud, *, name: str | None = None, id: str | None = None) -> tuple[Volume, ...]:
    """The volumes of an id, or else those of a name."""
    if id:
        body = cloud.block_storage.find(f"/volumes/{id}", f"read volume {id}")
        return (from_api(body["volume"]),) if body else ()
    return tuple(map(from_api, cloud.block_storage.list("/volumes/detail", "volumes", f"read volume {name}", name=name)))


def find(cloud: Cloud, volume: str) -> tuple[Volume, ...]:
    """The volumes that a person may mean by a name or id."""
    return (is_uuid(volume) and read(cloud, id=volume)) or read(cloud, name=volume)


def only(volumes: tuple[Volume, ...], label: str) -> Volume | None:
    """The one volume, or None. Raises Refused where the name matches more than one."""
    if len(volumes) > 1:
        ids = ", ".join(sorted(volume.id for volume in volumes))
        raise Refused(
            f"Failed to find volume {label}: {len(volumes)} volumes have that name ({ids}). Give the id, or remove the others."
        )
    return volumes[0] if volumes else None


def plan(want: Wanted, found: Found) -> Plan:
    """What to do so that the volume is as wanted. Pure. Raises Refused."""
    volume = only(found.volumes, want.label)
    if want.state == "absent":
        return _plan_absence(want, volume)
    if volume is None:
        return _plan_creation(want, found.image)
    return _plan_update(want, volume, found.image)


def expected(want: Wanted, found: Found) -> Volume:
    """The volume as it is once its plan is settled, so that what needs it can be planned before. Raises Refused."""
    volume = only(found.volumes, want.label)
    if volume is None or volume.status == "deleting":
        return _new(want, found.image)
    goal = _after(want, volume)
    if volume.status in _ON_THE_WAY:
        return replace(goal, status="available", bootable=goal.bootable or _bootable(want))
    return goal


def _new(want: Wanted, image: Image | None) -> Volume:
    what = f"create volume {want.label}"
    if want.name is None:
        raise Refused(f"Failed to find volume {want.id}: Cinder shows none with that id. Give a name to create one.")
    return Volume(
        id=TO_COME,
        name=want.name,
        status="available",
        size=_size(want, image, what),
        bootable=_bootable(want),
        volume_type=want.volume_type,
        availability_zone=want.availability_zone,
        description=want.description,
        metadata=merged({}, want.metadata),
        image_id=image.id if image else None,
    )


def _bootable(want: Wanted) -> bool:
    """Whether a new volume is bootable: Cinder makes those from an image so."""
    return bool(want.image) if want.bootable is None else want.bootable


def _plan_creation(want: Wanted, image: Image | None) -> Plan:
    new = _new(want, image)
    given = {
        "name": new.name,
        "size": new.size,
        "imageRef": new.image_id,
        "volume_type": new.volume_type,
        "availability_zone": new.availability_zone,
        "description": new.description,
        "metadata": dict(new.metadata) or None,
    }
    body: dict[str, object] = {"volume": {key: value for key, value in given.items() if value is not None}}
    if want.scheduler_hints:
        body["OS-SCH-HNT:scheduler_hints"] = dict(want.scheduler_hints)
    source = f"from image {image.name}" if image else "blank"
    what = f"create volume {new.name} ({new.size} GiB, {source})"
    request = Request(what, "block_storage", "POST", "/volumes", "volume", body=body)
    return Plan(f"volume {new.name}", {}, _view(new), (request,), f"volume {new.name} to become available")


def _size(want: Wanted, image: Image | None, what: str) -> int:
    if image is None:
        if want.size is None:
            raise Refused(f"Failed to {what}: a blank volume needs a size. Give size in GiB, or an image to make it from.")
        return want.size
    if want.size is not None and want.size < image.needs:
        raise Refused(
            f"Failed to {what}: size is {want.size} GiB, and image {image.name} needs {image.needs} GiB "
            f"(min_disk {image.min_disk} GiB, {image.bytes} bytes). Give a larger size, or none to have it computed."
        )
    return image.needs if want.size is None else want.size


def _plan_update(want: Wanted, volume: Volume, image: Image | None) -> Plan:
    subject = f"volume {want.label}"
    if volume.status == "deleting":
        return Plan(subject, {}, _view(_new(want, image)), waiting=f"{subject}, which is being deleted, to be gone")
    if volume.status.startswith("error"):
        raise Refused(
            f"Failed to set up {subject}: its status is {volume.status}. Remove it (state absent) and run again to create it anew."
        )
    after = _after(want, volume)
    view, goal = _view(volume), _view(after)
    warnings = tuple(_drift(want, volume, image))
    if volume.status in _ON_THE_WAY:
        return Plan(subject, view, goal, waiting=f"{subject} ({volume.status}) to become available", warnings=warnings)
    grows = after.size != volume.size
    if grows and volume.status not in _AT_REST:
        raise Refused(f"Failed to grow {subject}: its status is {volume.status}. Run again when it is available.")
    return Plan(
        subject, view, goal, tuple(_updates(volume, after)), f"{subject} to have {after.size} GiB" if grows else "", warnings
    )


def _after(want: Wanted, volume: Volume) -> Volume:
    if want.size is not None and want.size < volume.size:
        raise Refused(
            f"Failed to set up volume {want.label}: it has {volume.size} GiB, size is {want.size}, and Cinder cannot shrink a volume. "
            f"Leave size out, or create a smaller volume under another name."
        )
    return replace(
        volume,
        name=volume.name if want.name is None else want.name,
        size=volume.size if want.size is None else want.size,
        bootable=volume.bootable if want.bootable is None else want.bootable,
        description=volume.description if want.description is None else want.description,
        metadata=merged(volume.metadata, want.metadata),
    )


def _updates(volume: Volume, after: Volume) -> list[Request]:
    """The writes between two states of a volume. Growing comes last: the volume is busy while it grows."""
    label, path = after.name or volume.id, f"/volumes/{volume.id}"

    def request(what: str, method: str, path: str, body: object = None) -> Request:
        return Request(f"{what} of volume {label}", "block_storage", method, path, "volume", volume.id, body)

    steps = []
    texts = {key: getattr(after, key) for key in ("name", "description") if getattr(after, key) != getattr(volume, key)}
    if texts:
        steps.append(request(f"set {' and '.join(texts)}", "PUT", path, {"volume": texts}))
    changed = {key: value for key, value in after.metadata.items() if volume.metadata.get(key) != value}
    if changed:
        steps.append(request(f"set metadata {', '.join(sorted(changed))}", "POST", f"{path}/metadata", {"metadata": changed}))
    for key in sorted(set(volume.metadata) - set(after.metadata)):
        steps.append(request(f"remove metadata {key}", "DELETE", f"{path}/metadata/{quote(key, safe='')}"))
    if after.bootable != volume.bootable:
        action = {"os-set_bootable": {"bootable": after.bootable}}
        steps.append(request(f"set bootable to {after.bootable}", "POST", f"{path}/action", action))
    if after.size != volume.size:
        steps.append(
            request(
                f"grow the size from {volume.size} to {after.size} GiB",
                "POST",
                f"{path}/action",
                {"os-extend": {"new_size": after.size}},
            )
        )
    return steps


def _drift(want: Wanted, volume: Volume, image: Image | None) -> list[str]:
    """What differs and cannot be changed."""
    fixed = [
        ("image", image.id if image else None, volume.image_id),
        ("volume_type", want.volume_type, volume.volume_type),
        ("availability_zone", want.availability_zone, volume.availability_zone),
    ]
    return [
        f"volume {want.label}: {name} is {is_value or 'none'} and {wanted_value} is wanted; it cannot be changed, and was left as it is"
        for name, wanted_value, is_value in fixed
        if wanted_value is not None and wanted_value != is_value
    ]


def _plan_absence(want: Wanted, volume: Volume | None) -> Plan:
    subject = f"volume {want.label}"
    if volume is None:
        return Plan(subject, {}, {})
    if volume.status == "deleting":
        return Plan(subject, {}, {}, waiting=f"{subject} to be gone")
    if volume.attached_to:
        raise Refused(
            f"Failed to delete {subject}: it is attached to {', '.join(volume.attached_to)}. Detach it first, or undeploy the node."
        )
    if volume.status in _ON_THE_WAY:
        return Plan(subject, _view(volume), {}, waiting=f"{subject} ({volume.status}) to come to rest before it is deleted")
    if volume.status not in _DELETABLE:
        raise Refused(
            f"Failed to delete {subject}: its status is {volume.status}, and Cinder deletes only {', '.join(_DELETABLE)} volumes."
        )
    request = Request(f"delete {subject}", "block_storage", "DELETE", f"/volumes/{volume.id}", "volume", volume.id)
    return Plan(subject, _view(volume), {}, (request,), f"{subject} to be gone")


def check_attachable(volume: Volume, holders: tuple[str, ...], *, boots: bool, what: str) -> None:
    """Refuse a volume that a node could not boot from or attach. ``holders`` are ids under which the node has it already."""
    if volume.status.startswith("error") or volume.status == "deleting":
        raise Refused(
            f"Failed to {what}: volume {volume.name or volume.id} has status {volume.status}. Repair it or name another."
        )
    others = [holder for holder in volume.attached_to if holder not in holders]
    if others and not volume.multiattach:
        raise Refused(
            f"Failed to {what}: volume {volume.name or volume.id} is attached to {', '.join(others)} and is not multiattach. "
            "Detach it there, or name another volume."
        )
    if boots and not volume.bootable:
        raise Refused(
            f"Failed to {what}: volume {volume.name or volume.id} is not bootable. Make it from an image, or set bootable (bfv.openstack.bfv_volume)."
        )


def _view(volume: Volume) -> dict[str, object]:
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
    }


def view(volume: Volume) -> dict[str, object]:
    """The volume as a module returns it."""
    return {
        "id": volume.id,
        "status": volume.status,
        **_view(volume),
        "multiattach": volume.multiattach,
        "attached_to": list(volume.attached_to),
    }


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The wanted volume as a module returns it, or None where there is none."""
    return {"volume": view(found.volumes[0]) if found.volumes else None}
