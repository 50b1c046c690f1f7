# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What new volumes refer to and use up: their types, their zones, the project's quota. Looked at before anything is changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...cloud.connection import Cloud
from ...cloud.service import Json
from ...values import references
from ...values.errors import Refused, refuse
from . import pools, quota
from .pools import Pool
from .record import Volume

_KINDS = ("volumes", "gigabytes")
_BACKEND = "volume_backend_name"
_THICK = ("provisioning:type", "thick")
_ZONES = "RESKEY:availability_zones"  # cinder/volume/volume_utils.py, extract_availability_zones_from_volume_type
_MULTIATTACH = ("multiattach", "<is> True")


@dataclass(frozen=True)
class VolumeType:
    """A type that the project may use. ``zones`` is None where it does not say to which it is bound, ``backend`` where any may serve it."""

    id: str
    name: str
    zones: tuple[str, ...] | None = None
    multiattach: bool = False
    backend: str | None = None
    thick: bool = False


@dataclass(frozen=True)
class Needs:
    """What the project may have. ``left`` tells what is left of its quota, by Cinder's words; what has no limit is not in it."""

    types: tuple[VolumeType, ...] = ()
    zones: tuple[str, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    largest: int | None = None  # GiB, of one volume
    default_type: str | None = None
    pools: tuple[Pool, ...] | None = None  # None where this user may not see them
    places: Mapping[str, str] = field(
        default_factory=dict
    )  # the pools of the new volumes that others are cloned from, by their names


@dataclass(frozen=True)
class Use:
    """What a plan uses up: ``amounts`` of the quota by Cinder's words, and room in a pool for the ``new`` volume if there is one.

    ``beside`` is where that comes to be: the pool of the volume that it is cloned from, or the name of one that is made for it. ``goes`` is
    whether another one goes before it: whether the pools know of that by then is not known, and it is not looked for room.
    """

    amounts: Mapping[str, int]
    new: Volume | None = None
    beside: str | None = None
    goes: bool = False


def read(cloud: Cloud) -> Needs:
    """Five requests, whatever is asked for."""
    cinder = cloud.block_storage
    types = map(_type, cinder.list("/types", "volume_types", "read the volume types"))
    zones = cinder.read("/os-availability-zone", "read the availability zones")["availabilityZoneInfo"]
    left = quota.read(cloud)
    default = cinder.find("/types/default", "read the default volume type")
    return Needs(
        tuple(types),
        tuple(one["zoneName"] for one in zones if one["zoneState"]["available"]),
        {key: amount for key, amount in left.items() if key.partition("_")[0] in _KINDS},
        left.get(quota.LARGEST),
        default["volume_type"]["name"] if default else None,
        pools.read(cloud),
    )


def _type(one: Json) -> VolumeType:
    specs = one.get("extra_specs") or {}
    bound = [zone.strip() for zone in specs.get(_ZONES, "").split(",") if zone.strip()]
    backend = specs.get(_BACKEND, "")
    return VolumeType(
        one["id"],
        one["name"],
        tuple(bound) or None,
        specs.get(_MULTIATTACH[0]) == _MULTIATTACH[1],
        backend if re.fullmatch(r"[\w.@-]+", backend) else None,  # else it is a condition (scheduler/filters/extra_specs_ops.py)
        specs.get(_THICK[0]) == _THICK[1],
    )


def check(uses: Iterable[Use], needs: Needs, what: str) -> None:
    """Refuse new volumes that Cinder would not make. Raises Refused."""
    uses = list(uses)
    for new in (use.new for use in uses if use.new):
        refuse(what, _obstacles(new, needs))
    check_room(uses, needs, what)


def check_room(uses: Iterable[Use], needs: Needs, what: str) -> Needs:
    """What is left for others when all of that is made. Raises Refused where the quota or the pools have not enough for all together."""
    uses = list(uses)
    more: Counter[str] = Counter()
    for use in uses:
        more.update(use.amounts)
    _check_quota(more, needs, what)
    left = {key: amount - more[key] for key, amount in needs.left.items()}
    return _placed(uses, replace(needs, left=left), what)


def use_of(new: Volume, needs: Needs, *, goes: Volume | None = None, beside: str | None = None) -> Use:
    """What a new volume uses up. ``goes`` is deleted before, and what that frees is for this one alone: others may be made before."""
    freed = used_by(goes, needs) if goes else {}
    amounts = {key: max(amount - freed.get(key, 0), 0) for key, amount in used_by(new, needs).items()}
    return Use(amounts, new, beside, goes is not None)


def use_of_change(volume: Volume, after: Volume, needs: Needs) -> Use:
    """What another type and a larger size use up."""
    more: Counter[str] = Counter()
    if after.volume_type != volume.volume_type:
        more.update({key: amount for key, amount in used_by(after, needs).items() if "_" in key})
    if after.size != volume.size:
        more["gigabytes"] += after.size - volume.size
        if after.volume_type == volume.volume_type:
            more[f"gigabytes_{volume.volume_type}"] += after.size - volume.size
    return Use(more)


def check_change(volume: Volume, after: Volume, needs: Needs, what: str) -> None:
    """Refuse a type and a size that Cinder would not give the volume. Raises Refused."""
    if after.volume_type != volume.volume_type:
        refuse(what, _obstacles(replace(after, availability_zone=None), needs))
        kind = type_of(after, needs)
        if kind and kind.multiattach != volume.multiattach and volume.status != "available":
            raise Refused(
                f"Failed to {what}: of the types {volume.volume_type} and {kind.name} one is multiattach, and between such a volume is changed "
                f"only when it is available: its status is {volume.status}. Detach it first."
            )
    if after.size != volume.size:
        refuse(what, _too_large(after, needs))
    check_room([use_of_change(volume, after, needs)], needs, what)


def _obstacles(new: Volume, needs: Needs) -> Iterator[str]:
    kind = type_of(new, needs)
    if new.volume_type and kind is None:
        known = ", ".join(sorted(one.name for one in needs.types))
        yield f"Cinder shows no volume type {new.volume_type} to this project, but {known}. Give one of them."
    zone = new.availability_zone
    if zone and zone not in needs.zones:
        known = ", ".join(sorted(needs.zones))
        yield f"availability zone {zone} is not one of Cinder's that work ({known}). Give one of them."
    if kind and kind.zones is not None and not set(kind.zones) & ({zone} if zone else {*needs.zones}):
        bound = ", ".join(kind.zones)
        yield f"volume type {kind.name} is bound to availability zone {bound}, and the volume is to be in {zone or 'another one'}. Give another."
    yield from _too_large(new, needs)


def _too_large(new: Volume, needs: Needs) -> Iterator[str]:
    if needs.largest is not None and new.size > needs.largest:
        yield f"a volume of this project may have {needs.largest} GiB, and {new.size} are needed. Raise the quota ({quota.LARGEST}) or give a smaller size."


def type_of(volume: Volume, needs: Needs) -> VolumeType | None:
    """The volume's type: that which it names, or Cinder's default."""
    reference = volume.volume_type or needs.default_type
    found = references.matching(reference, needs.types, lambda one: (one.id, one.name)) if reference else []
    return found[0] if found else None


def used_by(volume: Volume, needs: Needs) -> dict[str, int]:
    """What of a quota a volume uses, by Cinder's words."""
    kind = type_of(volume, needs)
    amounts = {"volumes": 1, "gigabytes": volume.size}
    return amounts | ({f"{key}_{kind.name}": amount for key, amount in amounts.items()} if kind else {})


def _placed(uses: Iterable[Use], needs: Needs, what: str) -> Needs:
    """What the pools have left when each new volume is where Cinder's scheduler would make it."""
    for use in uses:
        if use.new and not use.goes:
            needs = _with_placed(use.new, use.beside, needs, what)
    return needs


def _with_placed(new: Volume, beside: str | None, needs: Needs, what: str) -> Needs:
    kind = type_of(new, needs)
    thick = kind is not None and kind.thick
    ones = pools.candidates(needs.pools or (), kind.backend if kind else None)
    ones = [one for one in ones if one.name == needs.places.get(beside or "", beside)] or ones
    if not ones:  # none is told
        return needs
    taken = pools.most_room(ones, thick=thick)
    if taken.room(thick=thick) < new.size:
        raise Refused(
            f"Failed to {what}: no pool of Cinder's has room for {new.size} GiB more{f' of type {kind.name}' if kind else ''} "
            f"({', '.join(pools.told(one, thick=thick) for one in ones)}). Make room there, or give another type."
        )
    held = tuple(one.holding(new.size) if one is taken else one for one in needs.pools or ())
    return replace(needs, pools=held, places={**needs.places, new.name: taken.name})


def _check_quota(more: Mapping[str, int], needs: Needs, what: str) -> None:
    """cinder/quota.py, reserve: each of the limits by itself, and only what grows."""
    short = [_short(key, needs.left[key], more[key]) for key in sorted(needs.left) if more.get(key, 0) > max(needs.left[key], 0)]
    if short:
        raise Refused(
            f"Failed to {what}: of the project's quota {' and '.join(short)}. Raise the quota or remove what is not needed."
        )


def _short(key: str, left: int, more: int) -> str:
    unit, _underscore, of = key.partition("_")
    kind = f" of type {of}" if of else ""
    if unit == "gigabytes":
        return f"{max(left, 0)} GiB{kind} are left, and {more} are needed"
    if left <= 0:
        return f"no volume{kind} is left"
    return f"{left} volumes{kind} are left, and {more} are needed"
