# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that is there: what is changed in place, and what is only told. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ...values.errors import Refused
from ...values.merge import merged
from ...values.paths import path_of
from ...values.plan import Plan, Request
from . import needs
from .creation import bootable_set_to, note_made
from .drift import differs_in_type, drift, never_available, unknown
from .found import Found
from .record import AT_REST, MADE, ON_THE_WAY, OUT_OF_USE, OWN_KEYS, REPLACES, Volume, described
from .wanted import Wanted


def plan_update(want: Wanted, volume: Volume, found: Found, made: Collection[str], replaces: Volume | None = None) -> Plan:
    """Bring the volume to what is wanted, as far as Cinder changes it. ``made`` are the ids of what this run created. Raises Refused."""
    subject = f"volume {want.label}"
    if volume.status.startswith("error"):
        raise Refused(f"Failed to set up {subject}: its status is {volume.status}. {_advice(want, volume)}")
    after = goal(want, volume)
    unmarked = volume.id in made and not volume.is_new and not volume.is_ours
    if unmarked:
        after = replace(after, metadata=_own_marks(after, want, replaces))
    if found.needs:
        needs.check_change(volume, after, found.needs, f"change {subject}")
    view = described(volume)
    warnings = tuple(
        f"{subject}: {one}; it was left as it is"
        for one in (*drift(want, volume, found.source), *unknown(want, volume, found.source, found.lacks))
    )
    mark, updates = note_made(volume), _updates(want, volume, after)
    steps = (*((mark,) if volume.is_new else ()), *updates, *((mark,) if unmarked else ()))
    if volume.status in ON_THE_WAY:
        waiting = f"{subject} ({volume.status}) to become available"
        return Plan(subject, view, described(after), waiting=waiting, warnings=warnings, then=steps)
    if volume.status in OUT_OF_USE:
        raise Refused(f"Failed to set up {subject}: its status is {volume.status}. Run again when it is available.")
    busy = [name for name in ("size", "volume_type") if getattr(after, name) != getattr(volume, name)]
    if busy and volume.status not in AT_REST:
        raise Refused(
            f"Failed to change the {' and '.join(busy)} of {subject}: its status is {volume.status}. Run again when it is available."
        )
    then = tuple(_updates(want, replace(after, size=volume.size), after)) if len(busy) > 1 else ()
    return Plan(subject, view, described(after), steps, f"{subject} to be changed" if busy else "", warnings, then)


def _own_marks(after: Volume, want: Wanted, replaces: Volume | None) -> dict[str, str]:
    """The metadata of a volume that this run made of a backup: Cinder has put that of the original in its place (cinder/backup/driver.py,
    _restore_vol_meta), whose marks tell nothing of this one. They go before it gets its own.
    """
    kept = {key: value for key, value in after.metadata.items() if not key.startswith(OWN_KEYS) or key in (want.metadata or {})}
    return {**kept, MADE: after.id, **({REPLACES: replaces.id} if replaces else {})}


def _advice(want: Wanted, volume: Volume) -> str:
    """What can be done for a volume in error. Of one that has been available nobody but a person can say what is on it."""
    if never_available(volume):
        anew = "permit to make it anew (recreate=on_error)" if want.recreate == "never" else "run again to make it anew"
        return f"It could not be made, and nothing is on it: {anew}, or remove it (state=absent, id {volume.id})."
    return (
        "What is on it may be sound: see what Cinder's log says, and have its status reset (openstack volume set --state available, "
        "by an admin). Only if nothing on it is needed, remove it (state=absent)."
    )


def goal(want: Wanted, volume: Volume) -> Volume:
    """The volume once it is changed. Raises Refused where it would have to shrink."""
    if want.size is not None and want.size < volume.size:
        raise Refused(
            f"Failed to set up volume {want.label}: it has {volume.size} GiB, size is {want.size}, and Cinder cannot shrink a volume. "
            f"Leave size out, or create a smaller volume under another name."
        )
    return replace(
        volume,
        name=volume.name if want.name is None else want.name,
        size=volume.size if want.size is None else want.size,
        volume_type=want.volume_type if want.retype and differs_in_type(want, volume) else volume.volume_type,
        bootable=volume.bootable if want.bootable is None else want.bootable,
        description=volume.description if want.description is None else want.description,
        metadata=merged({**volume.metadata, **({MADE: volume.id} if volume.is_new else {})}, want.metadata),
    )


def _updates(want: Wanted, volume: Volume, after: Volume) -> list[Request]:
    """The writes between two states of a volume. Growing comes last: the volume is busy while it grows."""
    label = after.name or volume.id

    def request(what: str, method: str, *within: str, body: object = None) -> Request:
        path = path_of("volumes", volume.id, *within)
        return Request(f"{what} of volume {label}", "block_storage", method, path, "volume", volume.id, body)

    def act(what: str, action: str, arguments: Mapping[str, object]) -> Request:
        busy = action in ("os-retype", "os-extend")  # Cinder goes back to the old value where it fails
        return replace(request(what, "POST", "action", body={action: arguments}), once=busy)

    steps = []
    texts = {key: getattr(after, key) for key in ("name", "description") if getattr(after, key) != getattr(volume, key)}
    if texts:
        steps.append(request(f"set {' and '.join(texts)}", "PUT", body={"volume": texts}))
    changed = {key: value for key, value in after.metadata.items() if volume.metadata.get(key) != value and key != MADE}
    if changed:
        steps.append(request(f"set metadata {', '.join(sorted(changed))}", "POST", "metadata", body={"metadata": changed}))
    for key in sorted(set(volume.metadata) - set(after.metadata)):
        steps.append(request(f"remove metadata {key}", "DELETE", "metadata", key))
    if after.bootable != volume.bootable:
        steps.append(bootable_set_to(after))
    if after.volume_type != volume.volume_type:
        policy = {"new_type": after.volume_type, "migration_policy": want.migration_policy}
        steps.append(act(f"change the type from {volume.volume_type} to {after.volume_type}", "os-retype", policy))
        return steps  # the volume is busy now; it grows when it is at rest
    if after.size != volume.size:
        steps.append(act(f"grow the size from {volume.size} to {after.size} GiB", "os-extend", {"new_size": after.size}))
    return steps
