# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How wanted keys meet those that are there, the same way for metadata, properties and notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def merged(found: Mapping[str, Value], wanted: Mapping[str, Value | None] | None) -> dict[str, Value]:
    """What is there, with the wanted keys in it. A wanted None removes its key; keys that are not wanted stay, whatever they hold."""
    result = dict(found)
    for key, value in (wanted or {}).items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result
