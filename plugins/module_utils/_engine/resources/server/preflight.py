# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nova would refuse of a new server when its disk is made already: its zone, hints, user data and further disks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...values import nova_text, references
from ...values.errors import Invalid, Refused
from ...values.identifiers import is_uuid
from ..volume import needs as volume_needs
from ..volume.needs import Needs
from ..volume.record import TO_COME, Volume
from ..volume.source import Source
from .needs import Flavor
from .wanted import Wanted

_OF_SERVERS = ("different_host", "same_host")  # hints that name servers, by their ids alone


def check_texts(want: Wanted, what: str) -> None:
    """Refuse user data and a zone that Nova would not take as they are written."""
    try:
        if want.user_data:
            nova_text.check_user_data(want.user_data)
        if want.availability_zone:
            nova_text.check_name(want.availability_zone, "availability_zone")
    except Invalid as problem:
        raise Refused(f"Failed to {what}: {problem}") from None


def check_zone(zone: str | None, zones: Iterable[str], what: str) -> None:
    """Refuse a zone that is not there. ``zone:host`` and ``zone:host:node`` choose a host, and Nova does not look at the zone then.

    nova/compute/api.py, parse_availability_zone and create.
    """
    name, *places = (zone or "").split(":")
    if len(places) > 2:
        raise Refused(
            f"Failed to {what}: availability_zone {zone} has more than three parts. Write zone, zone:host or zone:host:node."
        )
    if name and not any(places[:1]) and name not in zones:
        known = ", ".join(sorted(zones)) or "none"
        raise Refused(f"Failed to {what}: availability zone {name} is not one of Nova's that work ({known}). Give one of them.")


def hints(want: Wanted, groups: Iterable[tuple[str, str]], what: str) -> dict[str, object]:
    """The scheduler's hints as Nova takes them, a server group by its id. ``groups`` are the ids and names of those that are there."""
    given = dict(want.scheduler_hints or {})
    for hint in _OF_SERVERS:
        for one in _each(given.get(hint)):
            if not is_uuid(str(one)):
                raise Refused(
                    f"Failed to {what}: scheduler_hints has {hint} «{one}», and Nova takes the ids of servers. Give the id."
                )
    if "group" not in given:
        return given
    ids = [_group(str(one), groups, what) for one in _each(given["group"])]
    return {**given, "group": ids if isinstance(given["group"], list) else ids[0]}


def _each(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _group(name: str, groups: Iterable[tuple[str, str]], what: str) -> str:
    found = references.matching(name, groups, lambda one: one)
    if len(found) > 1:
        ids = ", ".join(sorted(id for id, _name in found))
        raise Refused(f"Failed to {what}: {len(found)} server groups are named {name} ({ids}). Give the id.")
    if not found:
        raise Refused(
            f"Failed to {what}: Nova shows no server group {name} to this project. Create it first (openstack.cloud.server_group)."
        )
    return found[0][0]


def check_local_disks(devices: Iterable[Mapping[str, Any]], flavor: Flavor, what: str) -> None:
    """Refuse local disks for which the flavor has no room (nova/compute/api.py, _validate_bdm). Swap is in MiB."""
    blank = [one for one in devices if one["source_type"] == "blank" and one["destination_type"] == "local"]
    swap = [one for one in blank if one.get("guest_format") == "swap"]
    ephemeral = sum(one.get("volume_size") or flavor.ephemeral for one in blank if one not in swap)
    if ephemeral > flavor.ephemeral:
        raise Refused(
            f"Failed to {what}: its local disks have {ephemeral} GiB, and flavor {flavor.name} has {flavor.ephemeral} GiB for them. "
            "Make them smaller, or volumes (destination_type volume)."
        )
    if len(swap) > 1 or sum(one.get("volume_size") or 0 for one in swap) > flavor.swap:
        raise Refused(
            f"Failed to {what}: flavor {flavor.name} has {flavor.swap} MiB for one swap disk. Ask for one of that size at most."
        )


def is_made_by_nova(one: Mapping[str, Any]) -> bool:
    """Whether Nova makes a volume for this disk."""
    return bool(one["source_type"] != "volume" and one["destination_type"] == "volume")


def check_made(
    devices: Iterable[Mapping[str, Any]],
    sources: Mapping[tuple[str, str], Source],
    needs: Needs | None,
    boot: Volume | None,
    what: str,
) -> None:
    """Refuse further disks that Cinder would not make. ``boot`` is a boot disk that is made before them."""
    made = []
    for one in filter(is_made_by_nova, devices):
        source = sources.get((str(one["source_type"]), str(one.get("uuid"))))
        size = int(one.get("volume_size") or (source.needs if source else 1))
        if source and size < source.needs:
            raise Refused(
                f"Failed to {what}: a disk of {size} GiB is asked for, and {source.kind} {source.name} needs {source.needs} GiB. Give a larger size."
            )
        made.append(Volume(TO_COME, "", "available", size, volume_type=one.get("volume_type")))
    if made and needs:
        volume_needs.check([volume_needs.use_of(one, needs) for one in [*([boot] if boot else []), *made]], needs, what)
