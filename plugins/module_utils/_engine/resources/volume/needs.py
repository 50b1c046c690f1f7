# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What new volumes refer to and use up: their types, their zones, the project's quota. Looked at before anything is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...cloud.service import Json
from ...values import references
from ...values.errors import Refused, refuse
from ...values.paths import path_of
from .record import Volume

_KINDS = ("volumes", "gigabytes")
_LARGEST = "per_volume_gigabytes"
_ZONES = "RESKEY:availability_zones"  # cinder/volume/volume_utils.py, extract_availability_zones_from_volume_type
_MULTIATTACH = ("multiattach", "<is> True")


@dataclass(frozen=True)
class VolumeType:
    """A type that the project may use. ``zones`` is None where it does not say to which it is bound."""

    id: str
    name: str
    zones: tuple[str, ...] | None = None
    multiattach: bool = False


@dataclass(frozen=True)
class Needs:
    """What the project may have. ``left`` tells what is left of its quota, by Cinder's words; what has no limit is not in it."""

    types: tuple[VolumeType, ...] = ()
    zones: tuple[str, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    largest: int | None = None  # GiB, of one volume
    default_type: str | None = None  # read only where some type has a quota of its own


def read(cloud: Cloud) -> Needs:
    """Three requests, whatever is asked for, and one more where types have quotas of their own."""
    cinder = cloud.block_storage
    types = map(_type, cinder.list("/types", "volume_types", "read the volume types"))
    zones = cinder.read("/os-availability-zone", "read the availability zones")["availabilityZoneInfo"]
    left = _quota(cloud)
    by_type = left.keys() - {*_KINDS, _LARGEST}
    default = cinder.find("/types/default", "read the default volume type") if by_type else None
    return Needs(
        tuple(types),
        tuple(one["zoneName"] for one in zones if one["zoneState"]["available"]),
        {key: amount for key, amount in left.items() if key != _LARGEST},
        left.get(_LARGEST),
        default["volume_type"]["name"] if default else None,
    )


def _type(one: Json) -> VolumeType:
    specs = one.get("extra_specs") or {}
    bound = [zone.strip() for zone in specs.get(_ZONES, "").split(",") if zone.strip()]
    return VolumeType(one["id"], one["name"], tuple(bound) or None, specs.get(_MULTIATTACH[0]) == _MULTIATTACH[1])


def _quota(cloud: Cloud) -> dict[str, int]:
    """What is left by its name: volumes, gigabytes, both of a type with its name behind, and the most that one volume may have."""
    what = "read the project's quota"
    try:
        quota = cloud.block_storage.read(path_of("os-quota-sets", cloud.project), what, usage=True)["quota_set"]
    except Rejected as error:
        if error.status != 403:
            raise
        return _limits(cloud)
    limited = {key: one for key, one in quota.items() if isinstance(one, dict) and one["limit"] >= 0}
    return {
        key: one["limit"] - one["in_use"] - one["reserved"]
        for key, one in limited.items()
        if key == _LARGEST or key.partition("_")[0] in _KINDS
    }


def _limits(cloud: Cloud) -> dict[str, int]:
    """The same without the types, for a user who may not see the quota itself."""
    seen = cloud.block_storage.read("/limits", "read the project's limits")["limits"]["absolute"]
    names = {
        "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
        "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    }
    return {key: seen[most] - seen[used] for key, (most, used) in names.items() if seen[most] >= 0}


def check(new: Volume, needs: Needs, what: str, *, goes: Volume | None = None, beside: Collection[Volume] = ()) -> None:
    """Refuse a volume that Cinder would not make.

    ``goes`` is deleted before, and frees what it uses; ``beside`` are further volumes that are made for it. Raises Refused.
    """
    for one in (new, *beside):
        refuse(what, _obstacles(one, needs))
    check_room((new, *beside), needs, what, goes=(goes,) if goes else ())


def check_room(new: Iterable[Volume], needs: Needs, what: str, *, goes: Iterable[Volume] = ()) -> None:
    """Refuse new volumes that are more, or larger, than the project's quota permits, all together. Raises Refused."""
    more: Counter[str] = Counter()
    freed: Counter[str] = Counter()
    for volume in new:
        more.update(_used_by(volume, needs))
    for volume in goes:
        freed.update(_used_by(volume, needs))
    left = {key: amount + freed[key] for key, amount in needs.left.items()}
    _check_quota(more, replace(needs, left=left), what)


def check_change(volume: Volume, after: Volume, needs: Needs, what: str) -> None:
    """Refuse a type and a size that Cinder would not give the volume. Raises Refused."""
    more: Counter[str] = Counter()
    if after.volume_type != volume.volume_type:
        refuse(what, _obstacles(replace(after, availability_zone=None), needs))
        kind = _of(after, needs)
        if kind and kind.multiattach != volume.multiattach and volume.status != "available":
            raise Refused(
                f"Failed to {what}: of the types {volume.volume_type} and {kind.name} one is multiattach, and between such a volume is changed "
                f"only when it is available: its status is {volume.status}. Detach it first."
            )
        more.update({key: amount for key, amount in _used_by(after, needs).items() if "_" in key})
    if after.size != volume.size:
        refuse(what, _too_large(after, needs))
        more["gigabytes"] += after.size - volume.size
        if after.volume_type == volume.volume_type:
            more[f"gigabytes_{volume.volume_type}"] += after.size - volume.size
    _check_quota(more, needs, what)


def _obstacles(new: Volume, needs: Needs) -> Iterator[str]:
    kind = _of(new, needs)
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
        yield f"a volume of this project may have {needs.largest} GiB, and {new.size} are needed. Raise the quota ({_LARGEST}) or give a smaller size."


def _of(volume: Volume, needs: Needs) -> VolumeType | None:
    """The volume's type: that which it names, or Cinder's default."""
    reference = volume.volume_type or needs.default_type
    found = references.matching(reference, needs.types, lambda one: (one.id, one.name)) if reference else []
    return found[0] if found else None


def _used_by(volume: Volume, needs: Needs) -> dict[str, int]:
    kind = _of(volume, needs)
    amounts = {"volumes": 1, "gigabytes": volume.size}
    return amounts | ({f"{key}_{kind.name}": amount for key, amount in amounts.items()} if kind else {})


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
