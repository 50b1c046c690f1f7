# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A conductor's configuration on its disk, and what stood there before a change that nobody has found good yet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .plan import File, Files

_BEFORE = ".bfv-before"  # oslo.config reads only *.conf in a folder


def read(path: str, places: Sequence[str], *, own: bool) -> Files:
    """The files in the order in which oslo.config reads them: files as they are given, then the sorted ones of the folders."""
    paths: list[str] = []
    for place in places:
        paths += sorted(map(str, Path(place).glob("*.conf"))) if os.path.isdir(place) else [place]
    if path not in paths:
        paths = _inserted(path, paths, places)
    return Files(tuple(File(one, _text(one)) for one in dict.fromkeys(paths)), path, own)


def _inserted(path: str, paths: list[str], places: Sequence[str]) -> list[str]:
    """The paths with a file that does not exist yet: in its place within its folder, else behind all others."""
    folder = str(Path(path).parent)
    if folder not in places or not path.endswith(".conf"):
        return [*paths, path]
    inside = [one for one in paths if str(Path(one).parent) == folder and one not in places]
    behind = [one for one in inside if one > path]
    if behind:
        place = paths.index(behind[0])
    elif inside:
        place = paths.index(inside[-1]) + 1
    else:
        return [*paths, path]
    return [*paths[:place], path, *paths[place:]]


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def before(path: str) -> File | None:
    """The file as it was before a change that has not been settled. An empty text stands for no file."""
    text = _text(path + _BEFORE)
    return None if text is None else File(path, text or None)


def keep(file: File) -> None:
    """Keep a file until it is settled. What is kept already is older, and known to have worked."""
    if before(file.path) is None:
        kept = new(file.path, file.text or "")
        if file.text is not None:
            _liken(kept, file.path)
        os.replace(kept, file.path + _BEFORE)


def as_before(path: str) -> None:
    """Give a file that was put back the owner and the mode that it had."""
    _liken(path, path + _BEFORE)


def _liken(path: str, other: str) -> None:
    like = os.stat(other)
    os.chown(path, like.st_uid, like.st_gid)
    os.chmod(path, like.st_mode & 0o7777)


def settle(path: str) -> None:
    Path(path + _BEFORE).unlink(missing_ok=True)


def new(path: str, text: str) -> str:
    """A new file beside another, which only its owner can read, to be moved to its place as a whole."""
    beside = path + ".bfv-new"
    Path(beside).unlink(missing_ok=True)  # of a run that was killed
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    return beside


def remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
