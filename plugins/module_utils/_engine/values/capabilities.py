# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's capabilities: the text "boot_mode:uefi,iscsi_boot:True" in its properties.

Ironic's two parsers disagree: the one behind validate strips spaces, the one behind the deployment does not, and so finds
no iscsi_boot in "boot_mode:uefi, iscsi_boot:True". What is written here therefore has no spaces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .errors import Invalid

# What Ironic has under the name capabilities: it keeps any JSON there, and reads text.
TEXT, OBJECT, OTHER = "text", "object", "other"

_TRUE = frozenset(("true", "t", "yes", "y", "on", "1"))  # oslo.utils' bool_from_string, which Ironic reads them with
_FALSE = frozenset(("false", "f", "no", "n", "off", "0"))


def read(stored: object) -> tuple[str | None, str]:
    """Capabilities as a record has them: their text, and whether that is TEXT, an OBJECT that says the same, or OTHER, which is no text."""
    if stored is None or (isinstance(stored, str) and not stored.lstrip().startswith(("{", "["))):
        return stored, TEXT
    try:
        found = json.loads(stored) if isinstance(stored, str) else stored
        if not isinstance(found, dict) or any(not isinstance(value, (str, int, float)) for value in found.values()):
            return None, OTHER
        return merge(None, found), OBJECT
    except ValueError:  # text after all, which only looks like JSON
        return str(stored), TEXT
    except Invalid:
        return None, OTHER


def parse(text: str | None) -> dict[str, str]:
    """The capabilities by name. Parts that are not name:value are left out; of a name that comes twice the last one counts."""
    return {name: value for name, value in map(_split, _parts(text)) if value is not None}


def names(text: str | None) -> set[str]:
    """The names that are there, those of malformed parts too."""
    return {_split(part)[0] for part in _parts(text)}


def malformed(text: str | None) -> list[str]:
    """The parts that make Ironic refuse a deployment: those without exactly one colon, empty ones too."""
    return [part.strip() for part in text.split(",") if part.count(":") != 1] if text else []


def spaced(text: str | None) -> list[str]:
    """The names with spaces around them: Ironic's deployment takes the spaces for a part of the name."""
    return [name for name in (part.partition(":")[0] for part in (text or "").split(",")) if name != name.strip()]


def merge(text: str | None, wanted: Mapping[str, object]) -> str | None:
    """The text with the wanted capabilities in it; a value of None removes its name.

    Order, unknown names and their malformed parts stay, and a node without any (None) stays so when nothing is to be set. A wanted
    boolean is content with any spelling that Ironic reads as it.
    """
    for name, value in wanted.items():
        _check(name, value)
    missing = {name: value for name, value in wanted.items() if value is not None}
    merged = []
    for part in _parts(text):
        name, found = _split(part)
        if name not in wanted:
            merged.append(part)
        elif name in missing:
            merged.append(f"{name}:{_written(missing.pop(name), found)}")
    merged.extend(f"{name}:{_written(value)}" for name, value in missing.items())
    return ",".join(merged) if merged or text is not None else None


def is_true(text: str | None, name: str) -> bool:
    """Whether Ironic takes the capability for switched on."""
    return parse(text).get(name, "").lower() in _TRUE


def _parts(text: str | None) -> list[str]:
    stripped = (":".join(piece.strip() for piece in part.split(":")) for part in (text or "").split(","))
    return [part for part in stripped if part]


def _split(part: str) -> tuple[str, str | None]:
    name, colon, value = part.partition(":")
    return name, value if colon else None


def _written(wanted: object, found: str | None = None) -> str:
    if isinstance(wanted, bool) and found is not None and found.lower() in (_TRUE if wanted else _FALSE):
        return found
    return str(wanted)


def _check(name: str, value: object) -> None:
    if value is None and name and not any(letter in ",:" for letter in str(name)):
        return  # another client may have put a name there that is none
    for text in (str(name), str(value)):
        if not text or any(letter in ",:" or letter.isspace() for letter in text):
            raise Invalid(f'"{name}: {value}" is not a capability: neither part may be empty or hold a comma, a colon or a space')
