# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether there is room for all that the machines of a run make together: in the project's quota, and in the pools for those who may see them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ..resources.volume import making, needs
from ..resources.volume import plan as volume
from ..resources.volume.making import Making
from ..resources.volume.needs import Needs, Use
from ..resources.volume.recreation import DELETES_FIRST
from ..values.errors import Refused

_NAMES = 10

Around = tuple[volume.Wanted, volume.Found]  # a volume, and what there is of it


@dataclass(frozen=True)
class Room:
    """What the machines of a run make, what there was left for it, and which of them that does not suffice for.

    ``makes`` is by Cinder's words: volumes and gigabytes, and both with a type's name behind. ``have`` is None where nothing is made.
    With a ``refusal`` none of the ``makers`` comes further: where there is not room for all, nothing is made for any.
    """

    makes: Mapping[str, int] = field(default_factory=dict)
    have: Needs | None = None
    makers: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()
    refusal: Refused | None = None


def of(planned: Iterable[tuple[str, Needs | None, Iterable[Around]]], noun: str) -> Room:
    """The room for these machines, whose plans nothing else is in the way of: of each its name, what the project may have, and its volumes."""
    makings: dict[str, list[Making]] = {}
    have = None
    for name, needs_of_one, around in planned:
        if needs_of_one is None:
            continue
        have = needs_of_one
        if made := [each for one, beside in around if (each := making.of(one, beside, have))]:
            makings[name] = made
    if have is None or not makings:
        return Room()
    uses = list(_uses(chain.from_iterable(makings.values()), set()))
    room = Room(_sums(uses, have), have, frozenset(makings))
    try:
        needs.check_room(uses, have, "make the volumes of this run")
    except Refused as error:
        lacking = _lacking(makings, have)
        return replace(room, lacking=lacking, refusal=Refused(f"{error} {_told(makings, lacking, have, noun)}"))
    return room


def _uses(makings: Iterable[Making], cast: set[str], *, shortest: bool = False) -> Iterator[Use]:
    """What they use up, in order. Of a golden volume once: ``cast`` are the names of those that are counted."""
    for one in makings:
        if one.cast and one.cast.new and one.cast.new.name not in cast:
            cast.add(one.cast.new.name)
            yield one.cast
        yield (one.shortest if shortest and one.shortest else one.own)


def _lacking(makings: Mapping[str, Sequence[Making]], have: Needs) -> tuple[str, ...]:
    """Those that there is no room for beside those before them."""
    lacking, cast = [], set[str]()
    for name, made in makings.items():
        with_these = set(cast)
        try:
            have = needs.check_room(_uses(made, with_these), have, "")
        except Refused:
            lacking.append(name)
        else:
            cast = with_these
    return tuple(lacking)


def _told(makings: Mapping[str, Sequence[Making]], lacking: Sequence[str], have: Needs, noun: str) -> str:
    names = ", ".join(lacking[:_NAMES]) + (f" and {len(lacking) - _NAMES} more" if len(lacking) > _NAMES else "")
    said = f"There is room for {len(makings) - len(lacking)} of {len(makings)} {noun}s, and not for {names}."
    try:
        needs.check_room(_uses(chain.from_iterable(makings.values()), set(), shortest=True), have, "")
    except Refused:
        return said
    return f"{said} {DELETES_FIRST}"


def _sums(uses: Iterable[Use], have: Needs) -> Counter[str]:
    """What comes about: new volumes whole, and what others grow by. Another type alone makes nothing."""
    makes: Counter[str] = Counter({"volumes": 0, "gigabytes": 0})
    for use in uses:
        if use.new:
            makes.update(needs.used_by(use.new, have))
            continue
        retyped = {key.partition("_")[2] for key in use.amounts if key.startswith("volumes_")}
        makes.update({key: amount for key, amount in use.amounts.items() if key.partition("_")[2] not in retyped})
    return makes
