# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two views of a thing, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_NONE = "none"


def told(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """The fields that differ, each with what it is and what it is to be: ``target_lun 0 -> 5, target_portal none -> 192.0.2.10:3260``."""
    return ", ".join(f"{name} {was} -> {becomes}" for name, was, becomes in _each(before, after))


def _each(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    for name in dict.fromkeys([*before, *after]):
        was, becomes = before.get(name), after.get(name)
        if isinstance(was, Mapping) or isinstance(becomes, Mapping):
            yield from _each(was if isinstance(was, Mapping) else {}, becomes if isinstance(becomes, Mapping) else {})
        elif was != becomes:
            yield name, _shown(was), _shown(becomes)


def _shown(value: object) -> object:
    return _NONE if value in (None, "") else value
