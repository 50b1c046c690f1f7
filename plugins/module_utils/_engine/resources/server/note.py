# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a server knows, kept while it is replaced or removed: in the metadata of the disk that it boots from.

Before the server goes, and before the fate of its disks is switched for that, a note is written: whose it is, when it was written,
what was switched, and the blueprint of the server. A run that comes after a broken one finds it there. It is one JSON document in
pieces, since a value of Cinder's metadata has room for 255 characters.

A note counts on the disk that it names alone (a restored backup has a copy of it), and for a server of the name that it names alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...values.paths import path_of
from ...values.plan import Request
from ..volume.record import Volume
from . import blueprint
from .blueprint import Blueprint
from .record import Server

OF = "bfv_note_of"  # the name of the server, by which the disk is found
_PIECE = "bfv_note_"
_ROOM = 255


@dataclass(frozen=True)
class Note:
    """A note about a server on its boot disk.

    ``switched`` tells of volumes whether they went with it before a run changed that. Where another server is to take its place the
    note has the blueprint of it, and ``boots`` is the id of the disk that the other one boots from. ``kept``: the disk was exchanged for
    one that the task named, and stays whatever an option says of old disks.
    """

    server: str
    name: str
    disk: str
    time: str
    switched: Mapping[str, bool] = field(default_factory=dict)
    boots: str = ""
    blueprint: Blueprint | None = None
    kept: bool = False

    @property
    def label(self) -> str:
        return f"server {self.name} ({self.server}), noted at {self.time}"


def keys(disk: Volume) -> list[str]:
    """The keys of a disk's metadata that belong to a note, in the order in which they are removed: without its first piece it is none."""
    return sorted((key for key in disk.metadata if key.startswith(_PIECE)), key=lambda key: (key == OF, len(key), key))


def read(disk: Volume) -> Note | None:
    """The note on a disk. None where there is none, or only a rest of one, or a copy of another disk's."""
    pieces = [disk.metadata[key] for key in keys(disk) if key != OF]
    try:
        noted = json.loads("".join(pieces))
        plan = noted.pop("blueprint", None)
        note = Note(**noted, blueprint=None if plan is None else blueprint.from_json(plan))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return note if note.disk == disk.id else None


def kept(disk: Volume, note: Note) -> dict[str, object]:
    """What a module returns of a disk that another one was exchanged for."""
    return {"kept_boot_volume": {"id": disk.id, "name": disk.name}} if note.kept else {}


def write(note: Note, disk: Volume) -> list[Request]:
    """Write a note, where it is not there yet: only the time at which another run wrote it may differ."""
    there = read(disk)
    if there and _content({**_json(note), "time": there.time}) == _content(_json(there)):
        return []
    text = _content(_json(note))
    pieces = {f"{_PIECE}{start // _ROOM:02d}": text[start : start + _ROOM] for start in range(0, len(text), _ROOM)}
    longer = [_remove(disk, key) for key in keys(disk) if key not in pieces and key != OF]
    body = {"metadata": {OF: note.name, **pieces}}
    what = f"note server {note.name} ({note.server}) on its disk {disk.name or disk.id}"
    return [*longer, Request(what, "block_storage", "POST", path_of("volumes", disk.id, "metadata"), "volume", disk.id, body)]


def remove(disk: Volume) -> list[Request]:
    """Remove the note of a disk."""
    return [_remove(disk, key) for key in keys(disk)]


def noted_on(disk: Volume, note: Note) -> Volume:
    """The disk when the note is on it."""
    (request,) = write(note, without(disk))
    body: Any = request.body
    return replace(disk, metadata={**without(disk).metadata, **body["metadata"]})


def without(disk: Volume) -> Volume:
    """The disk when its note is removed."""
    return replace(disk, metadata={key: value for key, value in disk.metadata.items() if not key.startswith(_PIECE)})


def left_by(disks: Iterable[Volume], server: Server | None, name: str | None) -> list[tuple[Volume, Note]]:
    """The notes for the server of that name: all that name it, or those of the one whose place a server takes."""
    noted = [(disk, note) for disk in disks if (note := read(disk))]
    return [(disk, note) for disk, note in noted if note.name == name and (server is None or note.server != server.id)]


def _json(note: Note) -> dict[str, Any]:
    plan = {} if note.blueprint is None else {"blueprint": blueprint.to_json(note.blueprint)}
    switched = {"switched": dict(note.switched)} if note.switched else {}
    boots = {"boots": note.boots} if note.boots else {}
    kept = {"kept": True} if note.kept else {}
    return {"server": note.server, "name": note.name, "disk": note.disk, "time": note.time, **switched, **boots, **kept, **plan}


def _content(noted: Mapping[str, Any]) -> str:
    return json.dumps(noted, separators=(",", ":"), sort_keys=True)


def _remove(disk: Volume, key: str) -> Request:
    what = f"remove the note {key} of volume {disk.name or disk.id}"
    return Request(what, "block_storage", "DELETE", path_of("volumes", disk.id, "metadata", key), "volume", disk.id)
