# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of other people, for a terminal or a page."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with a question mark for each character that a reader would obey and not show, such as an escape or a line's end."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
