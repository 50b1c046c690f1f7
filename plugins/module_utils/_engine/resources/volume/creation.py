# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new volume: what it will be, and the requests that make it, from a golden volume where that is wanted. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.merge import merged
from ...values.paths import path_of
from ...values.plan import Plan, Request
from . import golden, needs
from .found import Found
from .record import AT_REST, MADE, NEW, OUT_OF_USE, REPLACES, TO_COME, Volume, described
from .removal import plan_removal
from .source import KEYS, Source
from .wanted import Wanted


def new(want: Wanted, found: Found) -> Volume:
    """The volume as it will be. Raises Refused where it cannot be made so."""
    source = found.source
    if want.name is None or want.id is not None:
        raise Refused(f"Failed to find volume {want.id}: Cinder shows none with that id. Give a name, and no id, to create one.")
    if want.source and source is None:  # never a blank one in its place
        kind, name = want.source
        raise found.lacks or Refused(
            f"Failed to create volume {want.name}: {kind} {name} cannot be read. Check its name, and the project."
        )
    ids = {source.kind: source.id} if source else {}
    return Volume(
        id=TO_COME,
        name=want.name,
        status="available",
        size=_size(want, source, f"create volume {want.name}"),
        bootable=will_boot(want, source),
        volume_type=want.volume_type,
        availability_zone=want.availability_zone,
        description=want.description,
        metadata=merged({MADE: TO_COME}, want.metadata),
        image_id=ids.get("image"),
        snapshot_id=ids.get("snapshot"),
        source_volid=ids.get("volume"),
    )


def will_boot(want: Wanted, source: Source | None) -> bool:
    """Whether a new volume is bootable: Cinder makes those from an image so, and copies it from a volume."""
    if want.bootable is not None:
        return want.bootable
    return source is not None and source.bootable


def plan_creation(want: Wanted, found: Found, made: Collection[str], replaces: Volume | None = None) -> Plan:
    """Make the volume, in the place of another one where that is told. Raises Refused."""
    wanted = new(want, found)
    subject, before = f"volume {wanted.name}", described(replaces) if replaces else {}
    if found.source and found.source.busy:
        raise Refused(found.source.busy)
    _check_needs(want, wanted, found, made, f"create {subject}")
    rest = (note_made(wanted), *set_bootable(wanted, found.source))
    if not want.via_golden or found.source is None:
        request = create(want, wanted, found.source, replaces)
        return Plan(subject, before, described(wanted), (request,), f"{subject} to become available", then=rest)
    cast = golden.elect(found.golden, found.source, want.volume_type, made)
    plan = _plan_cast(want, found.source, cast, made) or Plan(subject, {}, {})
    if cast.elected:
        _check_room(wanted, cast.elected)
        clone = Source("volume", cast.elected.id, cast.elected.name, cast.elected.size)
        follow = (*_note_golden(cast.elected), create(want, wanted, clone, replaces), *rest)
    else:
        first = golden.wanted(found.source, want)
        clone = replace(found.source, kind="volume", name=str(first.name))
        follow = (replace(note_made(new(first, found)), common=True), create(want, wanted, clone, replaces), *rest)
    failed = (
        f"golden volume {one.name} ({one.id}) is in error, and was left: remove it (state=absent with its id)"
        for one in cast.failed
    )
    if plan.settled:
        steps = follow[: -len(rest)]
        plan = replace(plan, steps=steps, waiting=f"{subject} to become available", then=rest)
    else:
        plan = replace(plan, then=follow)
    return replace(plan, subject=subject, before=before, after=described(wanted), warnings=tuple(failed))


def _check_needs(want: Wanted, wanted: Volume, found: Found, made: Collection[str], what: str) -> None:
    """What the volume needs, and the golden volume that has to be made for it."""
    if found.needs:
        first = cast_for(want, found, made)
        uses = [needs.use_of(first, found.needs)] if first else []
        needs.check([*uses, use_of(want, wanted, found, found.needs, made)], found.needs, what)


def cast_for(want: Wanted, found: Found, made: Collection[str]) -> Volume | None:
    """The golden volume that has to be made before the volume; None where there is one, or none is wanted."""
    source = found.source
    if source is None or not want.via_golden or golden.elect(found.golden, source, want.volume_type, made).elected:
        return None
    return new(golden.wanted(source, want), replace(found, needs=None))


def use_of(
    want: Wanted, wanted: Volume, found: Found, have: needs.Needs, made: Collection[str], goes: Volume | None = None
) -> needs.Use:
    """What the new volume itself uses up. A clone comes to be beside its source (cinder/volume/flows/api/create_volume.py, VolumeCastTask)."""
    source, beside = found.source, found.source.pool if found.source else None
    if source and want.via_golden:
        elected = golden.elect(found.golden, source, want.volume_type, made).elected
        beside = elected.pool if elected else golden.wanted(source, want).name
    return needs.use_of(as_counted(wanted, source), have, goes=goes, beside=beside)


def as_counted(wanted: Volume, source: Source | None) -> Volume:
    """The volume with the type that it is counted by where none is asked for: that of what it is made from."""
    return replace(wanted, volume_type=wanted.volume_type or (source.volume_type if source else None))


def _plan_cast(want: Wanted, image: Source, cast: golden.Cast, made: Collection[str]) -> Plan | None:
    """What must come about before there is a golden volume to clone; None where there is one."""
    for one in cast.surplus:  # of this run: another run was faster, or its making failed
        return plan_removal(f"volume {one.name}", one, permits.created(one.id, made, one.mark), (), cascade=False)
    if cast.elected is None:
        first = golden.wanted(image, want)
        request = replace(create(first, new(first, Found(source=image)), image), once=True, common=True)
        return Plan("", {}, {}, (request,), f"golden volume {first.name} to become available")
    if cast.elected.status in OUT_OF_USE:
        raise Refused(
            f"Failed to create volume {want.label}: golden volume {cast.elected.name} ({cast.elected.id}), which it is cloned from, has status "
            f"{cast.elected.status}. Run again when it is available."
        )
    if cast.elected.status not in AT_REST:
        return Plan("", {}, {}, waiting=f"golden volume {cast.elected.name} ({cast.elected.status}) to become available")
    return None


def _check_room(wanted: Volume, cast: Volume) -> None:
    """A golden volume of an image whose size Glance does not tell is as large as the first volume was to be."""
    if wanted.size < cast.size:
        raise Refused(
            f"Failed to create volume {wanted.name}: its size is {wanted.size} GiB, and golden volume {cast.name}, which it is cloned from, "
            f"has {cast.size} GiB. Give that size or a larger one."
        )


def _note_golden(one: Volume) -> tuple[Request, ...]:
    return (replace(note_made(one), common=True),) if one.is_new else ()


def note_made(volume: Volume) -> Request:
    """Say in the volume's own metadata that this collection made it: a copy of that elsewhere names another id than its own."""
    what = f"note in volume {volume.name} that it was made here"
    body = {"metadata": {MADE: volume.id}}
    return Request(what, "block_storage", "POST", path_of("volumes", volume.id, "metadata"), "volume", volume.id, body)


def set_bootable(wanted: Volume, source: Source | None) -> tuple[Request, ...]:
    """What follows where Cinder would make the volume otherwise than it is wanted."""
    if wanted.bootable == (source is not None and source.bootable):
        return ()
    return (bootable_set_to(wanted),)


def bootable_set_to(volume: Volume) -> Request:
    what = f"set bootable to {volume.bootable} of volume {volume.name or volume.id}"
    body = {"os-set_bootable": {"bootable": volume.bootable}}
    return Request(what, "block_storage", "POST", path_of("volumes", volume.id, "action"), "volume", volume.id, body)


def create(want: Wanted, wanted: Volume, source: Source | None, replaces: Volume | None = None) -> Request:
    """The request that makes the volume."""
    metadata = {**wanted.metadata, MADE: want.mark, **({REPLACES: replaces.id} if replaces else {})}
    given = {
        "name": wanted.name,
        "size": wanted.size,
        "volume_type": wanted.volume_type,
        "availability_zone": wanted.availability_zone,
        "description": wanted.description,
        "metadata": metadata,
    }
    if source:
        given[KEYS[source.kind]] = source.id
    body: dict[str, object] = {"volume": {key: value for key, value in given.items() if value is not None}}
    if want.scheduler_hints:
        body["OS-SCH-HNT:scheduler_hints"] = dict(want.scheduler_hints)
    origin = f"from {source.kind} {source.name}" if source else "blank"
    what = f"create volume {wanted.name} ({wanted.size} GiB, {origin}{f', in the place of {replaces.id}' if replaces else ''})"
    return Request(what, "block_storage", "POST", "/volumes", "volume", body=body, mark=want.mark if want.mark != NEW else "")


def _size(want: Wanted, source: Source | None, what: str) -> int:
    if source is None:
        if want.size is None:
            raise Refused(f"Failed to {what}: a blank volume needs a size. Give size in GiB, or what to make it from.")
        return want.size
    if want.size is None and source.unsized:
        raise Refused(
            f"Failed to {what}: nobody knows how large it must be, since {source.unsized}. Give size in GiB, or set min_disk of the image."
        )
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
