# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as a kind of machine that a report shows (see report_machines.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...module_utils._engine.fleet.servers.wanted import name_of
from ...module_utils._engine.resources.server import states
from .report_machines import DEPLOYMENT, NONE, OTHER, STORAGE, VOLUMES, Cell, Line, Seen, being_made
from .report_reading import Record, record, records, text

__all__ = ["COLUMNS", "DONE", "GONE", "MODULE", "NOUN", "PHASES", "own_states", "phases", "seen"]

NOUN = "server"
MODULE = "bfv.openstack.server_fleet"
COLUMNS = ("Flavor", "Disk", "Volume", "Size", "Made from", "Addresses")
DONE: Mapping[str, str] = {}
GONE = ("absent",)
# Told by which word is first in what the fleet notes: names come later in it, and may be any words.
PHASES = (
    (STORAGE, re.compile(r"(attach|detach) (other )?volumes? |volume \S+ to be (attached to|detached from) server ")),
    (VOLUMES, re.compile(r"(?:(?!\bserver\b)[^:«])*\bvolumes?\b")),
    (DEPLOYMENT, re.compile(r"[^:«]*\bserver\b|take ")),
)
_SOURCES = (("image_id", "image"), ("snapshot_id", "snapshot"), ("source_volid", "volume"))


def phases(gone: bool) -> Mapping[str, str]:
    """The phases in words."""
    return {VOLUMES: "volumes", STORAGE: "attachments", DEPLOYMENT: "removal" if gone else "server", OTHER: "other"}


def own_states(options: Record) -> Mapping[str, str]:
    """Of those servers that were not asked for in the state of the run: which, by their names."""
    return {name_of(one): text(one["state"]) for one in records(options.get("servers")) if one.get("state")}


def seen(name: str, of_server: Record, state: str) -> Seen:
    """What a result tells of a server that was wanted in a state."""
    server = record(of_server.get("server"))
    status, fault = text(server.get("status")), text(server.get("fault"))
    known_as = text(server.get("name")) if server.get("name") != name else ""
    volumes = {text(one.get("id")): one for one in (*records(of_server.get("volumes")), record(of_server.get("volume"))) if one}
    described = Line(", ".join(filter(None, (known_as, status))) or "not there", "small")
    return Seen(
        known_as=known_as,
        notes=(described, Line(text(server.get("id")), "code")) if server else (described,),
        now=", ".join(filter(None, (status, fault.rstrip(".")))),
        disks=tuple(_rows(server, of_server, volumes)),
        moves=states.of(status).is_busy or being_made(volumes.values()),
        lands=_lands(state, server, status),
    )


def _lands(state: str, server: Record, status: str) -> bool:
    if state == "absent":
        return not server
    return status == states.STATUS[state] if state in states.STATUS else bool(server)


def _rows(server: Record, of_server: Record, volumes: Mapping[str, Record]) -> Iterable[tuple[Cell, ...]]:
    """A row for each volume that is attached, the one to boot from first, and one for each that is not."""
    flavor = (Line(text(server.get("flavor")) or NONE),)
    addresses = tuple(_addresses(record(server.get("networks")))) or (Line("none"),)
    boot, kept = text(record(of_server.get("volume")).get("id")), record(of_server.get("kept_boot_volume"))
    attached = {text(one.get("id")): one for one in records(server.get("volumes"))}
    ids = [*attached, *(one for one in volumes if one not in attached)]
    disks = [_disk(_role(one, boot, attached), one, volumes.get(one, {}), attached.get(one, {})) for one in ids]
    if kept and kept.get("id") not in ids:
        disks.append(_disk("kept", text(kept.get("id")), kept, {}))
    for disk in disks or [((Line(NONE),), (Line("none"),), (Line(NONE),), (Line(NONE),))]:
        yield (flavor, *disk, addresses)


def _role(volume_id: str, boot: str, attached: Mapping[str, Record]) -> str:
    if volume_id not in attached:
        return NONE
    return "boot" if volume_id == boot else "data"


def _disk(role: str, volume_id: str, volume: Record, attachment: Record) -> tuple[Cell, ...]:
    """A volume as a disk of the server: what it is for, its name, size in GiB, and what it was made from."""
    size = text(volume.get("size"))
    goes = [Line("deleted with the server", "small")] if attachment.get("delete_on_termination") else []
    return (
        (Line(role),),
        (Line(text(volume.get("name"))), Line(volume_id, "code"), *goes),
        (Line(f"{size} GiB" if size else NONE),),
        next(((Line(noun), Line(text(volume[key]), "code")) for key, noun in _SOURCES if volume.get(key)), (Line(NONE),)),
    )


def _addresses(networks: Record) -> Iterable[Line]:
    for network, addresses in networks.items():
        for one in records(addresses):
            floating = ", floating" if one.get("kind") == "floating" else ""
            yield Line(text(one.get("address")))
            yield Line(f"{network}{floating}", "small")
