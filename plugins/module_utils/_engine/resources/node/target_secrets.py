# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets among a target's properties: Ironic takes them, and gives back six asterisks.

Whether one changed can therefore not be seen. What is written in a run, and what is kept to compare it with in the next, is
decided here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...values import secrets

Properties = Mapping[str, object]

DIGEST = "bfv_password_digest"  # the key of a digest in a target's ``extra``


def given(properties: Properties | None) -> dict[str, object]:
    """The secrets that are wanted, in clear."""
    return {name: value for name, value in (properties or {}).items() if secrets.is_secret(name) and value is not None}


def to_write(
    properties: Properties | None, found: Properties, update_password: str, kept: object, place: str
) -> dict[str, object]:
    """The wanted properties without the secrets that are to stay as they are found. ``kept`` is the digest of an earlier run."""
    wanted = dict(properties or {})
    stay = update_password == "on_create" or (update_password == "on_change" and secrets.matches(_text(wanted, place), kept))
    staying = {name for name in given(wanted) if stay and name in found}
    return {name: value for name, value in wanted.items() if name not in staying}


def notes(properties: Properties | None, kept: object, place: str, salt: str) -> dict[str, object]:
    """What is kept beside the target, so that the next run can tell whether its secrets changed. ``salt`` is that of a new digest.

    A digest is of one place, so that one that is copied to another target with all its ``extra`` is none there.
    """
    text = _text(properties, place)
    return {DIGEST: kept if secrets.matches(text, kept) else secrets.digest(text, salt)}


def _text(properties: Properties | None, place: str) -> str:
    return json.dumps([place, given(properties)], sort_keys=True)


def as_shown(goal: Properties, found: Properties) -> dict[str, object]:
    """The properties as Ironic will show them: a secret that is written looks like the one before."""
    return {**goal, **{name: value for name, value in found.items() if value == secrets.MASK and name in goal}}


def in_clear(goal: Properties, properties: Properties | None) -> dict[str, object]:
    """The goal with the wanted secrets in it. A mask that is left means that only Ironic knows that secret."""
    return {**goal, **{name: value for name, value in given(properties).items() if name in goal}}


def masked(properties: Properties, was: Properties | None = None) -> dict[str, object]:
    """The properties to show. A secret that differs from what was is said to be new, and no more."""
    shown = secrets.mask(properties)
    new = {name for name in given(properties) if was is not None and properties[name] != was.get(name)}
    return {name: f"{value} (new)" if name in new else value for name, value in shown.items()}
