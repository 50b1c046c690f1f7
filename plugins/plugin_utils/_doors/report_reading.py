# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a result is read of which nothing is certain: what is not there, or not as expected, is empty."""

from __future__ import annotations

import re
from collections.abc import Mapping

Record = Mapping[str, object]


def record(value: object) -> Record:
    """The value if it is a dictionary; else an empty one."""
    return value if isinstance(value, Mapping) else {}


def records(value: object) -> list[Record]:
    """The dictionaries of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else []


def texts(value: object) -> list[str]:
    """The items of a list, or the only one there is, as text."""
    if isinstance(value, (list, tuple)):
        return [text(one) for one in value]
    return [text(value)] if value is not None else []


def text(value: object) -> str:
    """The value as text; empty where there is none."""
    return "" if value is None else str(value)


def number(value: object) -> float | None:
    """The value if it is a number."""
    return float(value) if isinstance(value, (int, float)) else None


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers within names by their value, however long they are."""
    parts = re.split("([0-9]+)", name)
    parts[1::2] = [digits.lstrip("0") for digits in parts[1::2]]
    return [(len(part) if at % 2 else 0, part) for at, part in enumerate(parts)], name
