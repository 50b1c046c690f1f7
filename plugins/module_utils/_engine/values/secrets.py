# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must never be shown, and how to tell whether it changed without keeping it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import unquote

MASK = "******"  # what Ironic itself answers in place of a password

_HARMLESS = ("update_password",)  # says when, not what
_WORDS = ("password", "passwd", "adminpass", "secret", "token", "passcode", "authorization_code", "user_data", "userdata")
# Of a login (auth) anything may be a secret but who and where, as keystoneauth's plugins and the SDK call them.
_LOGIN = "auth"
_WHO_AND_WHERE = re.compile(
    r"user|user_?name|project|tenant|domain|protocol|identity_provider|\w+_(id|name|url|scope|domain|endpoint|methods)", re.ASCII
)
# The passwords of one URL or of several with commas between them; a slash within one is no end of it, and is not rare.
_IN_URL = re.compile(r"(?://|,)[^:/@,\s]*:([^\s@]{1,200})@")
# About 0.3 s and 32 MiB a digest, as OWASP's cheat sheet on password storage asks for: little for one target, much for who guesses.
_SCRYPT = {"n": 2**15, "r": 8, "p": 3}


@cache
def is_secret(name: object) -> bool:
    """Whether a value of this name is one to hide."""
    return name not in _HARMLESS and any(word in str(name).lower() for word in _WORDS)


def _is_secret_of_login(name: object) -> bool:
    return is_secret(name) or not _WHO_AND_WHERE.fullmatch(str(name).replace("-", "_"))


def mask(values: Mapping[str, object]) -> dict[str, object]:
    """The same names with every secret value replaced, at any depth; None stays, since it says that there is none."""
    return {name: value if value is None else MASK if is_secret(name) else _masked(value, name) for name, value in values.items()}


def _masked(value: object, name: object = None) -> object:
    if isinstance(value, Mapping) and name == _LOGIN:
        value = {key: MASK if inner is not None and _is_secret_of_login(key) else inner for key, inner in value.items()}
    if isinstance(value, Mapping):
        return mask(value)
    if isinstance(value, (list, tuple)):
        return [_masked(inner) for inner in value]
    return value


def is_masked(value: object) -> bool:
    """Whether a service masked the value or a part of it, at any depth: oslo.utils masks passwords within text as well."""
    if isinstance(value, Mapping):
        return any(map(is_masked, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(is_masked, value))
    return isinstance(value, str) and MASK in value


def secret_values(value: object, hidden: bool = False) -> Iterator[str]:
    """Every text below a secret name within a structure, and the passwords within URLs."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from secret_values(inner, hidden or is_secret(_named(name, value)))
            if name == _LOGIN:
                yield from _of_login(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from secret_values(inner, hidden)
    elif hidden and isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
        yield str(value)
    elif isinstance(value, str):
        for password in _IN_URL.findall(value):
            yield from {password, unquote(password)}


def _named(name: object, beside: Mapping[str, object]) -> object:
    """The name of a value. In a JSON patch it is the path's."""
    return beside.get("path", name) if name == "value" else name


def _of_login(auth: object) -> Iterator[str]:
    if isinstance(auth, Mapping):
        for name, inner in auth.items():
            yield from secret_values(inner, _is_secret_of_login(name))
    else:  # not yet read, or nothing that can be
        yield from secret_values(auth, hidden=True)


def without_credentials(url: str) -> str:
    """A URL that can be shown: without a user's name and password, and without a query, which may be a signature."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


@cache  # one plan asks twice, and each round plans again
def digest(password: str, salt: str) -> str:
    """A slow digest of a password, with its costs and its salt. The caller gives a random salt, one for each digest that is kept."""
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), **_SCRYPT, maxmem=2**26, dklen=32)
    return f"{_kind()}{salt}:{key.hex()}"


def _kind() -> str:
    return "scrypt:{n}:{r}:{p}:".format(**_SCRYPT)


def matches(password: str, kept: object) -> bool:
    """Whether the kept digest is that of the password. One of other costs, as an earlier release made, is none."""
    if not isinstance(kept, str) or not kept.startswith(_kind()):
        return False
    salt = kept.removeprefix(_kind()).partition(":")[0]
    return hmac.compare_digest(digest(password, salt).encode(), kept.encode())
