# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plan of a volume makes and uses up, so that many can be counted together before the first is made. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from . import needs
from .creation import cast_for, use_of
from .found import Found, standing
from .needs import Needs, Use
from .plan import expected
from .record import TO_COME
from .wanted import DELETE_FIRST, Wanted


@dataclass(frozen=True)
class Making:
    """What one volume uses up. ``cast`` is the golden volume that is made for it, and serves others as well.

    ``shortest`` is the same in the least room: where the volume takes another's place, that one could go before.
    """

    own: Use
    cast: Use | None = None
    shortest: Use | None = None


def of(want: Wanted, found: Found, have: Needs, made: Collection[str] = ()) -> Making | None:
    """What the volume's plan makes of it; None where that needs no room. Raises Refused where it cannot be made."""
    bare = replace(found, needs=None)
    old, after = standing(want, found, made).volume, expected(want, bare, made)
    if after.id != TO_COME:
        use = needs.use_of_change(old, after, have) if old and old.id == after.id else Use({})
        return Making(use) if any(amount > 0 for amount in use.amounts.values()) else None
    first = cast_for(want, found, made)
    new_one, in_its_place = (use_of(want, after, bare, have, made, goes) for goes in (None, old))
    own = in_its_place if old and (want.recreate_order == DELETE_FIRST or old.status == "deleting") else new_one
    return Making(own, needs.use_of(first, have) if first else None, in_its_place)
