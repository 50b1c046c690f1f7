# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What must never be shown, and how to tell whether it changed without keeping it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from functools import cache

MASK = "******"  # what Ironic itself answers in place of a password

_HARMLESS = ("update_password",)  # says when, not what
_WORDS = ("password", "passwd", "secret", "token", "passcode", "authorization_code")
_WHO_AND_WHERE = re.compile(r"user_?name|\w+_(id|name|url|scope)", re.ASCII)  # among the options of keystoneauth's plugins
# About 50 ms and 16 MiB a digest: nothing for one target, much for somebody who guesses.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 24}


@cache
def is_secret(name: object) -> bool:
    """Whether a value of this name is one to hide."""
    return name not in _HARMLESS and any(word in str(name).lower() for word in _WORDS)


def mask(values: Mapping[str, object]) -> dict[str, object]:
    """The same names with every secret value replaced, at any depth; None stays, since it says that there is none."""
    return {name: MASK if is_secret(name) and value is not None else _masked(value) for name, value in values.items()}


def _masked(value: object) -> object:
    if isinstance(value, Mapping):
        return mask(value)
    if isinstance(value, (list, tuple)):
        return [_masked(inner) for inner in value]
    return value


def secret_values(value: object, hidden: bool = False) -> Iterator[str]:
    """Every text below a secret name within a structure, for Ansible's own filter of its output."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from secret_values(inner, hidden or is_secret(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secret_values(inner, hidden)
    elif hidden and isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
        yield str(value)


def open_values(auth: Mapping[str, object] | None) -> set[str]:
    """The values of the option ``auth`` that say who and where, and may be shown."""
    return {str(value) for name, value in (auth or {}).items() if _WHO_AND_WHERE.fullmatch(str(name)) and not is_secret(name)}


def without_credentials(url: str) -> str:
    """A URL that can be shown: without a user's name and password, and without a query, which may be a signature."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


@cache  # one plan asks twice, and each round plans again
def digest(password: str, salt: str) -> str:
    """A slow digest of a password. The caller gives the salt, one for each place where a digest is kept."""
    return "scrypt:" + hashlib.scrypt(password.encode(), salt=salt.encode(), **_SCRYPT).hex()


def matches(password: str, salt: str, kept: object) -> bool:
    """Whether the kept digest is that of the password."""
    return isinstance(kept, str) and hmac.compare_digest(digest(password, salt).encode(), kept.encode())
