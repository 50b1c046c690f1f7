# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of requests. All that are made of a name or an id are made here, so that no name leads elsewhere."""

from __future__ import annotations

from urllib.parse import quote

from .errors import Refused

# What a client takes for a step in the path before it sends it (RFC 3986, 5.2.4), also where it is quoted.
_STEPS = ("", ".", "..")


def path_of(*parts: str) -> str:
    """The path of these parts. Raises Refused where one is no name."""
    for part in parts:
        if part in _STEPS:
            raise Refused(f'Failed to ask for /{"/".join(parts)}: "{part}" leads elsewhere in a path. Give another name.')
    return "".join(f"/{quote(part, safe='')}" for part in parts)
