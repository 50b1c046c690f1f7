# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A conductor's configuration on its disk, and what stood there before a change that nobody has found good yet."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from ..values.errors import Refused
from .plan import File, Files

# Beside the managed file; oslo.config reads only *.conf in a folder.
_BEFORE = ".bfv-before"  # the file as it was when it was last settled
_WRITTEN = ".bfv-written"  # digests of what has been written into it since, one a line
_NEW = ".bfv-new"  # the file to come


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
        with _opened(path) as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _opened(file: str | int, mode: Literal["r", "w"] = "r") -> TextIO:
    """A file, or its descriptor, as text in which every byte and every line end stays."""
    return open(file, mode, encoding="utf-8", errors="surrogateescape", newline="")


def check(path: str) -> None:
    """Raise Refused where the managed file is a link: it would be replaced by a file, and what it points at left behind."""
    if os.path.islink(path):
        raise Refused(f"Failed to configure {path}: it is a link to {os.path.realpath(path)}. Give the path of the file itself.")


def managed(path: str) -> File:
    return File(path, _text(path))


def before(path: str) -> File | None:
    """The file as it was before a change that has not been settled. An empty text stands for no file."""
    text = _text_of_ours(path + _BEFORE)
    return None if text is None else File(path, text or None)


def is_edited(file: File) -> bool:
    """Whether somebody has changed the file since a change that has not been settled."""
    kept = before(file.path)
    if kept is None or file.text == kept.text:
        return False
    return _digest(file.text) not in (_text_of_ours(file.path + _WRITTEN) or "").split()


def keep(file: File, after: str | None) -> None:
    """Keep a file until it is settled. What is kept already is older, and known to have worked, unless somebody has edited the file."""
    path = file.path
    if before(path) is None or is_edited(file):
        _replace(path, path + _BEFORE, file.text or "", _like(path))
        Path(path + _WRITTEN).unlink(missing_ok=True)
    # Added before the file itself: a run that is killed in between leaves a file that it still knows.
    _replace(path, path + _WRITTEN, f"{_text_of_ours(path + _WRITTEN) or ''}{_digest(after)}\n", None)


def put_back(kept: File) -> None:
    """Give the file its former text, owner and mode, or remove it where there was none."""
    if kept.text is None:
        remove(kept.path)
    else:
        _replace(kept.path, kept.path, kept.text, _like(kept.path + _BEFORE))
    settle(kept.path)


def settle(path: str) -> None:
    for kept in (path + _WRITTEN, path + _BEFORE):
        Path(kept).unlink(missing_ok=True)


def new(path: str, text: str, like: os.stat_result | None = None) -> str:
    """A new file beside another, to be moved to its place as a whole. Only its owner can read it, unless it is to be like another.

    Owner and mode are set by the descriptor: what stands under a name may be a link by then, in a folder of a service's user.
    """
    beside = path + _NEW
    Path(beside).unlink(missing_ok=True)  # of a run that was killed
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with _opened(number, "w") as stream:
        if like:
            _liken(number, like)
        stream.write(text)
    return beside


def put(path: str, text: str, *, in_place: bool) -> None:
    """Put a text into the file's place as a whole, with the owner and mode of the one before.

    A file that a container has by itself cannot be replaced; ``in_place`` permits to overwrite it.
    """
    try:
        _replace(path, path, text, _like(path))
    except OSError as error:
        Path(path + _NEW).unlink(missing_ok=True)
        if not in_place or error.errno != errno.EBUSY:
            raise
        with _opened(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as stream:
            stream.write(text)


@contextmanager
def model(path: str, folder: str) -> Iterator[str]:
    """An empty file with the owner and mode of another, in a folder that is nobody else's."""
    number, beside = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(number):
            _liken(number, os.stat(path, follow_symlinks=False))
        yield beside
    finally:
        Path(beside).unlink(missing_ok=True)


def liken(path: str, other: str) -> None:
    """Give the file the owner and mode of another."""
    with _opened(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as stream:
        _liken(stream.fileno(), os.stat(other, follow_symlinks=False))


def _liken(number: int, like: os.stat_result) -> None:
    os.fchown(number, like.st_uid, like.st_gid)
    os.fchmod(number, like.st_mode & 0o7777)


def remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _replace(path: str, target: str, text: str, like: os.stat_result | None) -> None:
    os.replace(new(path, text, like), target)


def _like(path: str) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _text_of_ours(path: str) -> str | None:
    """The text of a file that only this collection makes, and so no link. Raises OSError for one."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with _opened(number) as stream:
        return stream.read()


def _digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode("utf-8", "surrogateescape")).hexdigest()
