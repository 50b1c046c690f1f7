# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk that a new server boots from: one that is named, that of the server whose place it takes, or one that was made for it. Pure.

Made for it is what says so itself (BOOT_OF) and was made by this collection under its own id. Anything else that merely has the name
is somebody's disk, and is refused: to name it is to permit it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...values import references
from ...values.errors import Refused
from ...values.identifiers import is_uuid
from ...values.plan import Plan
from ..volume import plan as volume
from ..volume import record as volume_record
from ..volume.drift import never_available
from ..volume.record import REPLACES, Volume
from ..volume.source import Source
from .wanted import Wanted

BOOT_OF = "bfv_boot_of"  # marks a volume that was made for a server, in its metadata: the server's name


@dataclass(frozen=True)
class Disk:
    """The boot disk of a new server: what is wanted and found of it, and what there is to do until it can be booted from."""

    want: volume.Wanted
    found: volume.Found
    plan: Plan
    expected: Volume

    @property
    def there(self) -> Volume | None:
        return self.found.volumes[0] if len(self.found.volumes) == 1 else None


def of(want: Wanted, found: volume.Found, old: Volume | None, made: Collection[str], what: str) -> Disk:
    """The disk to boot from, where ``old`` is that of the server whose place the new one takes. Raises Refused."""
    if want.boot.volume and not (old and references.means(want.boot.volume, old.id, old.name)):
        named = references.matching(want.boot.volume, found.volumes, lambda one: (one.id, one.name))
        wanted = volume.Wanted(id=want.boot.volume) if is_uuid(want.boot.volume) else volume.Wanted(name=want.boot.volume)
        if not named:
            raise Refused(
                f"Failed to {what}: Cinder shows no volume {want.boot.volume}. Create it first (bfv.openstack.bfv_volume)."
            )
        return _disk(wanted, replace(found, volumes=tuple(named), source=None), made, what)
    anew = want.on_image_change == "replace" and old and found.source and differs(old, found.source)
    if old and not anew:
        _check_source(want, old, found.source, what)
        return _disk(volume.Wanted(id=old.id), replace(found, volumes=(old,), source=None), made, what)
    wanted = _new(want, found.source, old)
    return _disk(wanted, replace(found, volumes=_made_for(want, found, old, what)), made, what)


def is_made_for(disk: Volume, name: str | None) -> bool:
    """Whether this collection made the volume for the server of that name."""
    return name is not None and disk.metadata.get(BOOT_OF) == name and disk.is_made_here


def differs(disk: Volume, source: Source) -> bool:
    """Whether the disk is known to be made from another image. What is not known is no difference."""
    return source.kind == "image" and disk.image_id not in (None, source.id)


def _disk(want: volume.Wanted, found: volume.Found, made: Collection[str], what: str) -> Disk:
    if not volume.is_recreated(want, found, made):
        _check_sound(want, found.volumes, what)
    return Disk(want, found, volume.plan(want, found, made), volume.expected(want, found, made))


def _check_sound(want: volume.Wanted, volumes: tuple[Volume, ...], what: str) -> None:
    """Refuse a disk in error, with what can be done here: bfv_server repairs none, and makes only its own anew."""
    for one in volumes:
        if not one.status.startswith("error"):
            continue
        subject = f"Failed to {what}: its boot volume {one.name or one.id} ({one.id}) has status {one.status}."
        if never_available(one):
            anew = "Permit to make it anew (recreate=on_error), or remove it" if BOOT_OF in (want.metadata or {}) else "Remove it"
            raise Refused(
                f"{subject} It could not be made, and nothing is on it. {anew} (bfv.openstack.bfv_volume, state=absent, id {one.id})."
            )
        raise Refused(
            f"{subject} What is on it may be sound: see Cinder's log, and have its status reset (openstack volume set --state available "
            f"{one.id}, by an administrator), or boot from another volume."
        )


def _new(want: Wanted, source: Source | None, old: Volume | None) -> volume.Wanted:
    """The volume to make for the server. In the place of another one it gets what is not said otherwise from that."""
    boot, metadata = want.boot, {BOOT_OF: want.name or ""}
    wanted = volume.Wanted(
        name=want.disk_name,
        image=boot.image,
        snapshot=boot.snapshot,
        size=boot.size,
        volume_type=boot.volume_type,
        metadata=metadata,
        image_size_limit=want.image_size_limit,
        recreate=want.recreate,  # a disk whose making failed
        mark=want.mark,
    )
    if old is None:
        return wanted
    is_room = source is not None and old.size >= source.needs
    return replace(
        wanted,
        size=boot.size or (old.size if is_room else None),
        volume_type=boot.volume_type or old.volume_type,
        availability_zone=old.availability_zone,
        metadata={**metadata, REPLACES: old.id},
    )


def _made_for(want: Wanted, found: volume.Found, old: Volume | None, what: str) -> tuple[Volume, ...]:
    """The volumes that were made for the server and fit; none where one is to be made. Raises Refused."""
    if old:
        return tuple(one for one in found.volumes if is_made_for(one, want.name) and one.metadata.get(REPLACES) == old.id)
    ours = [one for one in found.volumes if is_made_for(one, want.name)]
    fitting = [one for one in ours if not _is_of_another(one, found.source)]
    if fitting:
        return tuple(fitting)
    if ours and want.on_image_change == "replace":
        return ()
    if ours:
        one = volume_record.only(tuple(ours), want.disk_name)
        _check_source(want, one, found.source, what)
        return tuple(ours)
    if found.volumes:
        ids = ", ".join(one.id for one in found.volumes)
        raise Refused(
            f"Failed to {what}: volume {want.disk_name} is there ({ids}), and was not made for this server. "
            "Name it as boot.volume to boot from it, or give boot.volume_name to make another one."
        )
    return ()


def _is_of_another(disk: Volume, source: Source | None) -> bool:
    """Whether the disk is known to be made from something else. Cinder tells an image only when it is on the volume."""
    if source is None:
        return False
    made_from = {"image": disk.image_id, "snapshot": disk.snapshot_id}.get(source.kind)
    return made_from not in (None, source.id)


def _check_source(want: Wanted, disk: Volume | None, source: Source | None, what: str) -> None:
    """A volume that is there from something else is used as it is, or written over, by permission only."""
    if disk is None or source is None or not _is_of_another(disk, source):
        return
    if source.kind == "image" and want.on_image_change != "fail":
        return
    permission = ", or permit the change with on_image_change: reimage, or replace" if source.kind == "image" else ""
    raise Refused(
        f"Failed to {what}: volume {disk.name} is there, and was not made from {source.kind} {source.name}. "
        f"Name it as boot.volume to boot from it as it is{permission}."
    )
