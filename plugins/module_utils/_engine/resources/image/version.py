# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of an image in Glance: a new one is uploaded under a long name, takes the short one when it is complete, and only then
old ones go. Nobody can take half an image, or find two of the short name.

Touched is only what is certainly the project's own version of this image (``Image.is_version_of``), and of uploads that are under way
only the one that this run began.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...cloud.connection import Cloud
from ...values import permits
from ...values.errors import Refused
from ...values.paths import path_of
from ...values.plan import Plan, Request, Still
from . import record
from .record import DIGEST, UNDER_WAY, Image, Wanted


@dataclass(frozen=True)
class Found:
    """The project's own images, and those of others that have the wanted name."""

    project: str
    own: tuple[Image, ...]
    others: tuple[Image, ...]


def wanted(params: Mapping[str, Any]) -> Wanted:
    return record.wanted(params)


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read what is there. Every answer is compared again: a filter may have been dropped."""
    project = cloud.project
    what = f"read the images of {want.name}"
    mine = [record.from_api(one) for one in cloud.image.list("/images", "images", what, owner=project)]
    named = [record.from_api(one) for one in cloud.image.list("/images", "images", what, name=want.name)]
    own = {one.id: one for one in (*mine, *named) if one.owner == project}
    others = {one.id: one for one in named if one.owner != project and one.name == want.name}
    return Found(project, tuple(sorted(own.values(), key=lambda one: one.age)), tuple(others.values()))


def plan(want: Wanted, found: Found, made: Collection[str]) -> Plan:
    """What is to be done now. The run chooses the ids of what it makes. ``made`` are the ids of what this run created. Raises Refused."""
    new_id = want.new_id(made)
    made = {*made, new_id}
    versions = [one for one in found.own if one.is_version_of(want.name, found.project)]
    _refuse_what_is_in_the_way(want, found, versions)
    same = [one for one in versions if one.digest == want.digest]
    complete = sorted((one for one in same if one.status == "active"), key=lambda one: (one.name != want.name, *one.age))
    former = [one for one in reversed(versions) if one.digest != want.digest and one.status == "active"]
    warnings = tuple(_left(one) for one in versions if one.status in UNDER_WAY and one.id not in made)
    subject = f"image {want.name}"
    after = {**want.fields, DIGEST: want.digest}
    if complete:
        current, *twins = complete
        surplus = tuple(_delete(one, permits.created(one.id, made)) for one in twins if one.id in made)
        warnings += tuple(f"{one} is the same version once more, and was left" for one in twins if one.id not in made)
        changes = _change(want, current)
        before = {**{name: current.shown.get(name) for name in want.fields}, DIGEST: current.digest}
        steps = (*surplus, *_step_back(want, former), *changes, *_prune(want, former))
        return Plan(subject, before, after, steps, warnings=warnings)
    follow = (*_step_back(want, former), _rename(want), *_prune(want, former))
    begun = next((one for one in same if one.id in made), None)
    if begun is None:
        return Plan(subject, {}, after, (_create(want, new_id),), warnings=warnings, then=(_upload(want, "", made), *follow))
    if begun.status == "queued":
        return Plan(subject, {}, after, (_upload(want, begun.id, made),), warnings=warnings, then=follow)
    return Plan(subject, {}, after, (), f"{want.long_name} to become active", warnings, then=follow)


def _refuse_what_is_in_the_way(want: Wanted, found: Found, versions: Collection[Image]) -> None:
    """Before anything is uploaded: whoever asks for the name would find two, or what somebody has taken out of use."""
    for one in (*found.own, *found.others):
        if one.name == want.name and one not in versions:
            whose = "of another project" if one.owner != found.project else "that this collection did not upload"
            raise Refused(
                f"Failed to upload image {want.name}: Glance has an image of that name {whose} ({one.id}). Rename it, or choose another name."
            )
    for one in versions:
        if one.status == "deactivated" and (one.name == want.name or one.digest == want.digest):
            raise Refused(
                f"Failed to upload image {want.name}: {one} has been deactivated by somebody. Activate it, or rename or remove it, and run again."
            )


def _left(one: Image) -> str:
    return f"{one} is an upload that has not ended, of a run that was killed or of one at work. It was left: remove it by its id if nobody is at work"


def _create(want: Wanted, id: str) -> Request:
    body = {
        "id": id,
        **want.fields,
        "name": want.long_name,
        "disk_format": want.disk_format,
        "container_format": "bare",
        DIGEST: want.digest,
    }
    return Request(f"create image {want.long_name}", "image", "POST", "/images", "image", body=body)


def _upload(want: Wanted, id: str, made: Collection[str]) -> Request:
    what = f"upload {want.file} to image {want.long_name}"
    # Of an upload that fails nothing is left.
    undo = _delete_begun(want, id, made) if id else None
    path = path_of("images", id, "file") if id else "/images/"  # foreseen
    return Request(what, "image", "PUT", path, "image", id, file=want.file, undo=undo)


def _delete_begun(want: Wanted, id: str, made: Collection[str]) -> Request:
    what = f"delete image {id} ({want.long_name}), whose upload failed"
    return Request(what, "image", "DELETE", path_of("images", id), "image", id, permits=(permits.created(id, made),))


def _step_back(want: Wanted, former: Collection[Image]) -> tuple[Request, ...]:
    """The former version gives the short name away."""
    return tuple(
        _patch(
            f"rename image {one.id} to {record.long_name(want.name, str(one.digest))}",
            one,
            name=record.long_name(want.name, str(one.digest)),
        )
        for one in former
        if one.name == want.name
    )


def _rename(want: Wanted) -> Request:
    """Foreseen of the new version: its id is not known yet."""
    return Request(f"rename image {want.long_name} to {want.name}", "image", "PATCH", "/images/", "image")


def _change(want: Wanted, current: Image) -> tuple[Request, ...]:
    differs = {name: value for name, value in want.fields.items() if current.shown.get(name) != value}
    if not differs:
        return ()
    if differs.keys() == {"name"}:
        return (_patch(_rename(want).what, current, **differs),)
    return (_patch(f"change {', '.join(sorted(differs))} of image {want.name}", current, **differs),)


def _patch(what: str, one: Image, **values: object) -> Request:
    """Glance tells a property that is there from one that is not (glance/api/v2/images.py, _do_add)."""
    body = [
        {
            "op": "replace" if name in one.shown else "add",
            "path": f"/{name.replace('~', '~0').replace('/', '~1')}",
            "value": value,
        }
        for name, value in values.items()
    ]
    return Request(what, "image", "PATCH", path_of("images", one.id), "image", one.id, body)


def _prune(want: Wanted, former: list[Image]) -> tuple[Request, ...]:
    """Old versions, the newest first. One that is protected stays, as somebody wants it to."""
    old = former[want.keep - 1 :] if want.keep else []
    return tuple(_delete(one, permits.outdated(one.id, is_ours=True, option="keep")) for one in old if not one.protected)


def _delete(one: Image, permit: permits.Permit) -> Request:
    still = Still(
        path_of("images", one.id), {"status": one.status, "owner": one.owner, DIGEST: one.digest, "protected": one.protected}
    )
    what = f"delete image {one.id} ({one.name})"
    return Request(what, "image", "DELETE", path_of("images", one.id), "image", one.id, permits=(permit,), still=still)


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The version as it is, or None where there is none; and what uploads have left, or are about."""
    versions = [one for one in found.own if one.is_version_of(want.name, found.project)]
    same = [one for one in versions if one.digest == want.digest and one.status == "active"]
    current = min(same, key=lambda one: (one.name != want.name, *one.age), default=None)
    shown = current and {"id": current.id, "name": current.name, "status": current.status, "digest": current.digest}
    return {"image": shown, "unfinished": [one.id for one in versions if one.status in UNDER_WAY]}
