# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A Cinder volume that a machine can boot from.

It is ready when it is available and bootable. Cinder's names are not unique, so a name that matches twice is refused. What a
volume was made of and its zone cannot be changed, its type only where a retype is permitted: a difference is reported, or the
volume created anew where that is permitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ..cloud.connection import Cloud
from ..values.errors import Invalid, Refused
from ..values.identifiers import is_uuid
from ..values.merge import merged
from ..values.plan import Plan, Request
from . import golden, volume_source
from .volume_record import MADE_AS, ON_THE_WAY, Volume, described, only, read, view
from .volume_source import Source

_OUT_OF_USE = ("maintenance", "awaiting-transfer")
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
    snapshot: str | None = None
    volume: str | None = None
    backup: str | None = None
    size: int | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    description: str | None = None
    metadata: Mapping[str, str | None] | None = None
    bootable: bool | None = None
    scheduler_hints: Mapping[str, object] | None = None
    image_size_limit: int | None = None
    via_golden: bool = False
    prune_golden: bool = False
    recreate: str = "never"
    retype: bool = False
    cascade: bool = False

    @property
    def source(self) -> tuple[str, str] | None:
        """The kind and the name of what the volume is to be made from."""
        return next(((kind, getattr(self, kind)) for kind in volume_source.KEYS if getattr(self, kind)), None)

    @property
    def label(self) -> str:
        return self.id or self.name or ""


@dataclass(frozen=True)
class Found:
    """The volumes of the wanted name or id, and what their plan needs beside them.

    That is the source and the golden volumes where they are asked for, and the snapshots that hold a volume that is to go.
    """

    volumes: tuple[Volume, ...] = ()
    source: Source | None = None
    snapshots: tuple[str, ...] = ()
    golden: tuple[Volume, ...] = ()


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    want = Wanted(**{name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None})
    if not want.label:
        raise Invalid("Failed to read the volume: neither name nor id is given. Give one of them.")
    if want.id and not is_uuid(want.id):
        raise Invalid(
            f'Failed to read volume {want.label}: id "{want.id}" is not a UUID. Give it as Cinder shows it, or the name.'
        )
    sources = [kind for kind in volume_source.KEYS if getattr(want, kind)]
    if len(sources) > 1:
        raise Invalid(
            f"Failed to read volume {want.label}: {' and '.join(sources)} are given. Give one source, or none for a blank volume."
        )
    if want.via_golden and not want.image:
        raise Invalid(
            f"Failed to read volume {want.label}: via_golden is for volumes from an image. Give image, or leave via_golden out."
        )
    if want.prune_golden and not want.via_golden:
        raise Invalid(f"Failed to read volume {want.label}: prune_golden needs via_golden. Give both, or leave prune_golden out.")
    if want.size is not None and want.size < 1:
        raise Invalid(f"Failed to read volume {want.label}: size {want.size} is not a number of GiB above zero.")
    if want.metadata is None:
        return want
    texts = {str(key): None if value is None else str(value) for key, value in want.metadata.items()}  # Cinder keeps text only
    return replace(want, metadata=texts)


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read what is there of the wanted volume. Raises Refused for an unknown or ambiguous source."""
    volumes = read(cloud, name=want.name, id=want.id)
    if want.state == "absent":
        return Found(volumes, snapshots=_read_snapshots(cloud, volumes))
    source = volume_source.observe(cloud, *want.source) if want.source else None
    snapshots = _read_snapshots(cloud, tuple(one for one in volumes if _is_recreated(want, one, source)))
    return Found(volumes, source, snapshots, golden.read(cloud, source) if source and want.via_golden else ())


def _read_snapshots(cloud: Cloud, volumes: tuple[Volume, ...]) -> tuple[str, ...]:
    """The names of the volume's snapshots: Cinder's refusal to delete does not tell them."""
    what = "read the volume's snapshots"
    one_by_one = (cloud.block_storage.list("/snapshots", "snapshots", what, volume_id=volume.id) for volume in volumes)
    return tuple(snapshot["name"] or snapshot["id"] for snapshots in one_by_one for snapshot in snapshots)


def plan(want: Wanted, found: Found) -> Plan:
    """What to do so that the volume is as wanted. Pure. Raises Refused."""
    volume = only(found.volumes, want.label)
    if want.state == "absent":
        return _plan_absence(want, volume, found.snapshots)
    plan = _plan_creation(want, found) if volume is None else _plan_update(want, volume, found)
    if plan.settled and len(found.volumes) > 1:
        doubles = [one for one in found.volumes if volume and one.id != volume.id]
        plan = replace(plan, steps=tuple(_delete_other(one, "second") for one in _idle(doubles)))
    if want.prune_golden and found.source and plan.settled:
        return replace(
            plan, steps=tuple(_delete_other(one, "outdated golden") for one in _idle(golden.outdated(found.golden, found.source)))
        )
    return plan


def expected(want: Wanted, found: Found) -> Volume:
    """The volume as it is once its plan is settled, so that what needs it can be planned before. Raises Refused."""
    volume = only(found.volumes, want.label)
    if volume is None or volume.status == "deleting" or _is_recreated(want, volume, found.source):
        return _new(want, found.source)
    goal = _after(want, volume)
    if volume.status in ON_THE_WAY:
        return replace(goal, status="available", bootable=goal.bootable or _bootable(want, found.source))
    return goal


def _new(want: Wanted, source: Source | None) -> Volume:
    if want.name is None or want.id is not None:
        raise Refused(f"Failed to find volume {want.id}: Cinder shows none with that id. Give a name, and no id, to create one.")
    ids = {source.kind: source.id} if source else {}
    return Volume(
        id=TO_COME,
        name=want.name,
        status="available",
        size=_size(want, source, f"create volume {want.name}"),
        bootable=_bootable(want, source),
        volume_type=want.volume_type,
        availability_zone=want.availability_zone,
        description=want.description,
        metadata=merged({MADE_AS: want.name}, want.metadata),
        image_id=ids.get("image"),
        snapshot_id=ids.get("snapshot"),
        source_volid=ids.get("volume"),
    )


def _bootable(want: Wanted, source: Source | None) -> bool:
    """Whether a new volume is bootable: Cinder makes those from an image so, and copies it from a volume."""
    if want.bootable is not None:
        return want.bootable
    return source is not None and source.bootable


def _plan_creation(want: Wanted, found: Found) -> Plan:
    new = _new(want, found.source)
    subject = f"volume {new.name}"
    if not want.via_golden or found.source is None:
        return Plan(subject, {}, described(new), (_create(want, new, found.source),), f"{subject} to become available")
    elected, doubles = golden.elect(found.golden, found.source, want.volume_type)
    if elected is None:
        first = _golden(want, found.source)
        request = replace(_create(first, _new(first, found.source), found.source), once=True, common=True)
        failed = [one for one in found.golden if one.name == first.name]
        steps = (request, *(_delete_other(one, "failed golden") for one in _idle(failed)))
        return Plan(subject, {}, described(new), steps, f"golden volume {first.name} to become available")
    if elected.status not in _AT_REST:
        return Plan(subject, {}, described(new), waiting=f"golden volume {elected.name} ({elected.status}) to become available")
    clone = Source("volume", elected.id, elected.name, elected.size)
    steps = (_create(want, new, clone), *(_delete_other(one, "second golden") for one in _idle(doubles)))
    return Plan(subject, {}, described(new), steps, f"{subject} to become available")


def _golden(want: Wanted, image: Source) -> Wanted:
    """The golden volume that serves the wanted one."""
    name = golden.name(image, want.volume_type)
    return Wanted(name=name, image=image.name, volume_type=want.volume_type, metadata=golden.metadata(image))


def _idle(volumes: Iterable[Volume]) -> list[Volume]:
    return [volume for volume in volumes if volume.status in _DELETABLE and not volume.attached_to]


def _delete_other(volume: Volume, which: str) -> Request:
    """Golden volumes that are not needed any more, and the second one of two runs that made it at the same time."""
    what = f"delete the {which} volume {volume.name} ({volume.id})"
    return Request(what, "block_storage", "DELETE", f"/volumes/{volume.id}", "volume", volume.id, shared=True)


def _create(want: Wanted, new: Volume, source: Source | None) -> Request:
    given = {
        "name": new.name,
        "size": new.size,
        "volume_type": new.volume_type,
        "availability_zone": new.availability_zone,
        "description": new.description,
        "metadata": dict(new.metadata) or None,
    }
    if source:
        given[volume_source.KEYS[source.kind]] = source.id
    body: dict[str, object] = {"volume": {key: value for key, value in given.items() if value is not None}}
    if want.scheduler_hints:
        body["OS-SCH-HNT:scheduler_hints"] = dict(want.scheduler_hints)
    what = f"create volume {new.name} ({new.size} GiB, {f'from {source.kind} {source.name}' if source else 'blank'})"
    return Request(what, "block_storage", "POST", "/volumes", "volume", body=body)


def _size(want: Wanted, source: Source | None, what: str) -> int:
    if source is None:
        if want.size is None:
            raise Refused(f"Failed to {what}: a blank volume needs a size. Give size in GiB, or what to make it from.")
        return want.size
    size = source.needs if want.size is None else want.size
    if size < source.needs:
        why = f" ({source.why})" if source.why else ""
        raise Refused(
            f"Failed to {what}: size is {size} GiB, and {source.kind} {source.name} needs {source.needs} GiB{why}. "
            "Give a larger size, or none to have it computed."
        )
    if source.kind == "image" and want.image_size_limit is not None and source.needs > want.image_size_limit:
        raise Refused(
            f"Failed to {what}: image {source.name} needs {source.needs} GiB, and image_size_limit is {want.image_size_limit} GiB, "
            "above which this cloud makes no volumes from images. Use a smaller image, a snapshot or a volume."
        )
    return size


def is_recreated(want: Wanted, found: Found) -> bool:
    """Whether the volume that is there is to be deleted and created anew. Raises Refused where the name matches twice."""
    volume = only(found.volumes, want.label)
    return volume is not None and _is_recreated(want, volume, found.source)


def _is_recreated(want: Wanted, volume: Volume, source: Source | None) -> bool:
    """Whether the volume is to be deleted and created anew."""
    if volume.status == "deleting":
        return False
    if volume.status.startswith("error"):
        return want.recreate != "never"
    return want.recreate == "on_drift" and bool(_drift(want, volume, source))


def _plan_update(want: Wanted, volume: Volume, found: Found) -> Plan:
    subject, source = f"volume {want.label}", found.source
    if volume.status == "deleting":
        return Plan(subject, {}, described(_new(want, source)), waiting=f"{subject}, which is being deleted, to be gone")
    if _is_recreated(want, volume, source):
        return _plan_recreation(want, volume, found)
    if volume.status.startswith("error"):
        raise Refused(
            f"Failed to set up {subject}: its status is {volume.status}. Remove it (state=absent), or permit to create it anew (recreate=on_error)."
        )
    after = _after(want, volume)
    view, goal = described(volume), described(after)
    warnings = tuple(f"{subject}: {one}; it was left as it is" for one in _drift(want, volume, source))
    if volume.status in ON_THE_WAY:
        return Plan(subject, view, goal, waiting=f"{subject} ({volume.status}) to become available", warnings=warnings)
    if volume.status in _OUT_OF_USE:
        raise Refused(f"Failed to set up {subject}: its status is {volume.status}. Run again when it is available.")
    busy = [name for name in ("size", "volume_type") if getattr(after, name) != getattr(volume, name)]
    if busy and volume.status not in _AT_REST:
        raise Refused(
            f"Failed to change the {' and '.join(busy)} of {subject}: its status is {volume.status}. Run again when it is available."
        )
    return Plan(subject, view, goal, tuple(_updates(volume, after)), f"{subject} to be changed" if busy else "", warnings)


def _plan_recreation(want: Wanted, volume: Volume, found: Found) -> Plan:
    """Delete the volume; when it is gone, the next look finds none and creates it. Refused before that if it could not be created."""
    if want.id:
        raise Refused(
            f"Failed to create volume {want.label} anew: the new one would have another id. Give the name instead of the id."
        )
    new = _new(want, found.source)
    going = _plan_absence(want, volume, found.snapshots)
    return replace(going, after=described(new), steps=tuple(replace(request, once=True) for request in going.requests))


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
        volume_type=want.volume_type if want.retype and want.volume_type else volume.volume_type,
        bootable=volume.bootable if want.bootable is None else want.bootable,
        description=volume.description if want.description is None else want.description,
        metadata=merged(volume.metadata, want.metadata),
    )


def _updates(volume: Volume, after: Volume) -> list[Request]:
    """The writes between two states of a volume. Growing comes last: the volume is busy while it grows."""
    label, path = after.name or volume.id, f"/volumes/{volume.id}"

    def request(what: str, method: str, path: str, body: object = None) -> Request:
        return Request(f"{what} of volume {label}", "block_storage", method, path, "volume", volume.id, body)

    def act(what: str, action: str, arguments: Mapping[str, object]) -> Request:
        busy = action in ("os-retype", "os-extend")  # Cinder goes back to the old value where it fails
        return replace(request(what, "POST", f"{path}/action", {action: arguments}), once=busy)

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
        steps.append(act(f"set bootable to {after.bootable}", "os-set_bootable", {"bootable": after.bootable}))
    if after.volume_type != volume.volume_type:
        # on-demand: Cinder moves the data where the new type is on another backend
        policy = {"new_type": after.volume_type, "migration_policy": "on-demand"}
        steps.append(act(f"change the type from {volume.volume_type} to {after.volume_type}", "os-retype", policy))
        return steps  # the volume is busy now; it grows when it is at rest
    if after.size != volume.size:
        steps.append(act(f"grow the size from {volume.size} to {after.size} GiB", "os-extend", {"new_size": after.size}))
    return steps


def _drift(want: Wanted, volume: Volume, source: Source | None) -> list[str]:
    """What differs and cannot be changed. A backup leaves no trace in its volume, so that it cannot be compared."""
    made_from = {"image": volume.image_id, "snapshot": volume.snapshot_id, "volume": volume.source_volid}
    if volume.status in ON_THE_WAY and volume.image_id is None:
        del made_from["image"]  # Cinder shows it when the image is on the volume
    fixed = [
        (
            source.kind if source else "",
            source.id if source and source.kind in made_from else None,
            made_from.get(source.kind if source else ""),
        ),
        ("volume_type", None if want.retype else want.volume_type, volume.volume_type),
        ("availability_zone", want.availability_zone, volume.availability_zone),
    ]
    return [
        f"{name} is {is_value or 'none'}, and {wanted} is wanted"
        for name, wanted, is_value in fixed
        if wanted not in (None, is_value)
    ]


def _plan_absence(want: Wanted, volume: Volume | None, snapshots: tuple[str, ...]) -> Plan:
    subject = f"volume {want.label}"
    if volume is None:
        return Plan(subject, {}, {})
    if volume.status == "deleting":
        return Plan(subject, {}, {}, waiting=f"{subject} to be gone")
    if volume.attached_to:
        raise Refused(
            f"Failed to delete {subject}: it is attached to {', '.join(volume.attached_to)}. Detach it first, or undeploy the node."
        )
    if snapshots and not want.cascade:
        raise Refused(
            f"Failed to delete {subject}: it has snapshots ({', '.join(snapshots)}). Delete them first, or permit it with cascade=true."
        )
    if volume.status in ON_THE_WAY:
        return Plan(subject, described(volume), {}, waiting=f"{subject} ({volume.status}) to come to rest before it is deleted")
    if volume.status not in _DELETABLE:
        raise Refused(
            f"Failed to delete {subject}: its status is {volume.status}, and Cinder deletes only {', '.join(_DELETABLE)} volumes."
        )
    what = f"delete {subject}" + (f" with snapshots {', '.join(snapshots)}" if snapshots else "")
    request = Request(
        what, "block_storage", "DELETE", f"/volumes/{volume.id}{'?cascade=true' if snapshots else ''}", "volume", volume.id
    )
    return Plan(subject, described(volume), {}, (request,), f"{subject} to be gone")


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The wanted volume as a module returns it, or None where there is none."""
    return {"volume": view(found.volumes[0]) if found.volumes else None}
