# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nova takes for a name, a description, tags, metadata and user data. It says so only when it is asked to make the server, after its disk.

The rules are those of nova/api/validation/parameter_types.py (Nova 34), at the microversion that this collection asks for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from math import ceil

from .block_device_item import quoted
from .errors import Invalid

LENGTH = 255  # of a name, a description, and of a key and a value of metadata
USER_DATA = 65535  # of user data in base64, which makes four letters of three bytes
TAGS = 50  # of a server (nova/objects/instance.py, MAX_TAG_COUNT)
_TAG = re.compile(r"[^,/]{1,60}")
_KEY = re.compile(r"[a-zA-Z0-9_:. -]{1,255}")
_LAST = "\ufffe"  # Nova's pattern has no letter behind the first plane of Unicode, such as emoji


def check_name(name: str, what: str = "name") -> None:
    """Refuse a name of a server or a zone that Nova would not take, or would be found under another one. Raises Invalid."""
    if not 1 <= len(name) <= LENGTH:
        raise Invalid(f"{what} {quoted(name)} has {len(name)} characters. Give one of 1 to {LENGTH}.")
    if name[0].isspace() or name[-1].isspace():
        raise Invalid(f"{what} {quoted(name)} begins or ends with a blank or a line end. Leave that out.")
    if not all(map(_is_printable, name)):
        raise Invalid(
            f"{what} {quoted(name)} has characters that Nova does not take. Leave out line ends, control characters and emoji."
        )


def check_description(text: str) -> None:
    """Refuse a description of a server that Nova would not take. Raises Invalid."""
    if len(text) > LENGTH:
        raise Invalid(f"description has {len(text)} characters, and Nova takes up to {LENGTH}.")
    if not all(map(_is_printable, text)):
        raise Invalid(
            f"description {quoted(text)} has characters that Nova does not take. Leave out line ends, control characters and emoji."
        )


def check_tags(tags: Collection[str]) -> None:
    """Refuse tags of a server that Nova would not take. Raises Invalid."""
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise Invalid(f"tags has {quoted(tag)}. Write 1 to 60 characters, without commas and slashes.")
    if len(set(tags)) > TAGS:
        raise Invalid(f"there are {len(set(tags))} tags, and Nova takes up to {TAGS}.")


def _is_printable(letter: str) -> bool:
    category = unicodedata.category(letter)
    return letter <= _LAST and not category.startswith("C") and (category == "Zs" or not category.startswith("Z"))


def check_metadata(metadata: Mapping[str, str | None]) -> None:
    """Refuse keys and values that Nova would not take. Raises Invalid."""
    for key, value in metadata.items():
        if not _KEY.fullmatch(key):
            raise Invalid(
                f"metadata has the key {quoted(key)}. Write 1 to {LENGTH} letters, digits, blanks and the signs - _ : . as Nova takes them."
            )
        if value is None and key in (".", ".."):
            raise Invalid(
                f"metadata has the key {quoted(key)}, which no request can remove: paths are shortened by it. Leave it out."
            )
        if value is not None and len(value) > LENGTH:
            raise Invalid(
                f"the value of the metadata key {quoted(key)} has {len(value)} characters, and Nova takes up to {LENGTH}."
            )


def check_user_data(text: str) -> None:
    """Refuse user data that is too long. Raises Invalid, without any of it."""
    size = len(text.encode())
    if 4 * ceil(size / 3) > USER_DATA:
        raise Invalid(
            f"user_data has {size} bytes, and Nova takes up to {USER_DATA // 4 * 3}. Shorten it, or have the machine fetch the rest."
        )
