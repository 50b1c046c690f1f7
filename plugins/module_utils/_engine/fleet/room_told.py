# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run makes, what is left for it and what it costs, as the module returns it and in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..values.errors import Invalid
from .room import Room


def prices(given: Mapping[str, Any] | None) -> dict[str, float]:
    """The prices of a GiB for a month by volume type. Raises Invalid."""
    found = {}
    for name, price in (given or {}).items():
        try:
            found[name] = float(price)
        except (TypeError, ValueError):
            found[name] = math.nan
        if isinstance(price, bool) or not 0 <= found[name] < math.inf:
            raise Invalid(
                f"Failed to read volume_prices: the price of {name} is «{price}». Give what a GiB costs a month as a number."
            )
    return found


def view(room: Room, price_of: Mapping[str, float]) -> dict[str, Any]:
    """The sums as the module returns them: the same keys whatever is made."""
    sums = {key: room.makes.get(key, 0) for key in ("volumes", "gigabytes")}
    types = {name: _of_type(room, name) for name in sorted({key.partition("_")[2] for key in room.makes} - {""})}
    left = {key: amount for key, amount in room.have.left.items() if key in room.makes} if room.have else None
    pools = room.have.pools if room.have else None
    seen: dict[str, Any] = {
        **sums,
        "types": types,
        "left": left,
        "pools": None if pools is None else {one.name: _whole(one.room()) for one in pools},
        "monthly": _monthly(types, price_of) if price_of else None,
        "lacking": list(room.lacking),
    }
    return {**seen, "told": list(_told(seen, price_of)) if room.have else []}


def _of_type(room: Room, name: str) -> dict[str, int]:
    return {key: room.makes.get(f"{key}_{name}", 0) for key in ("volumes", "gigabytes")}


def _whole(room: float) -> int | None:
    return None if room == math.inf else max(math.floor(room), 0)


def _monthly(types: Mapping[str, Mapping[str, int]], price_of: Mapping[str, float]) -> float:
    return round(sum(one["gigabytes"] * price_of.get(name, 0) for name, one in types.items()), 2)


def _told(seen: Mapping[str, Any], price_of: Mapping[str, float]) -> Iterator[str]:
    by_type = "; ".join(f"of type {name} {_amount(one)}" for name, one in seen["types"].items())
    yield f"This run makes {_amount(seen)}{f' ({by_type})' if by_type else ''}."
    left = ", ".join(_left(key, amount) for key, amount in sorted(seen["left"].items()))
    yield f"Left of the project's quota before it: {left}." if left else "The project's quota sets it no limit."
    if seen["pools"]:
        rooms = ", ".join(
            f"{name} {'without a bound' if room is None else f'{room} GiB'}" for name, room in seen["pools"].items()
        )
        yield f"Room in Cinder's pools before it: {rooms}."
    if price_of:
        free = seen["gigabytes"] - sum(one["gigabytes"] for name, one in seen["types"].items() if name in price_of)
        yield f"It costs {seen['monthly']:.2f} a month, charged at the current rates{f'; {free} GiB of it have no price' if free else ''}."


def _amount(one: Mapping[str, int]) -> str:
    return f"{one['volumes']} {'volume' if one['volumes'] == 1 else 'volumes'}, {one['gigabytes']} GiB"


def _left(key: str, amount: int) -> str:
    unit, _underscore, of = key.partition("_")
    return f"{max(amount, 0)} {'GiB' if unit == 'gigabytes' else unit}{f' of type {of}' if of else ''}"
