# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a LUN answers at each of its portals, and why it does not, in the array's terms."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..values import identifiers
from . import programs
from .address import PORT, Address
from .programs import Deadline, Done

_CONNECT = 5.0  # seconds in which a portal answers that somebody listens at
# libiscsi's, of a login response: the class and the detail of RFC 7143 section 11.13.5.
_STATUS = re.compile(r"Status: .*\((\d+)\)")
_NO_LUN = re.compile(r"LOGICAL_UNIT_NOT_SUPPORTED")
_DISK = "DIRECT_ACCESS"
_SERIAL_PAGE = 0x80  # SPC-4 7.8.18, unit serial number

# Numbers of the RFC, and what an array means by them.
_REFUSALS = {
    0x0201: "chap_refused",
    0x0202: "not_admitted",
    0x0203: "no_such_target",
    0x0204: "no_such_target",
    0x0206: "too_many_sessions",
    0x0301: "array_unavailable",
    0x0302: "array_unavailable",
}


@dataclass(frozen=True)
class Unit:
    """What a LUN says of itself: its size and its logical blocks in bytes, and the words of SCSI's inquiry."""

    size: int
    block: int
    vendor: str
    product: str
    serial: str


@dataclass(frozen=True)
class Path:
    """A LUN at one portal: the unit, or the cause for which there is none, as a word and in words."""

    portal: str
    unit: Unit | None = None
    cause: str = ""
    why: str = ""


def paths(place: Address, deadline: Deadline) -> tuple[Path, ...]:
    """The LUN at each of its portals, which are tried at once."""
    with ThreadPoolExecutor(len(place.portals)) as pool:
        return tuple(pool.map(lambda portal: _path(place, portal, deadline), place.portals))


def _path(place: Address, portal: str, deadline: Deadline) -> Path:
    cause, why = _listens(portal, min(_CONNECT, deadline.left))
    if cause:
        return Path(portal, cause=cause, why=why)
    asked = programs.libiscsi("iscsi-inq", place, portal, deadline)
    told = dict(_lines(asked.said))
    if asked.status or "Vendor" not in told:
        return Path(portal, None, *_refusal(place, portal, asked))
    if told.get("Peripheral Device Type") != _DISK:
        return Path(
            portal, cause="not_a_disk", why=f"{place.name} is no disk but {told.get('Peripheral Device Type', 'unknown')}"
        )
    capacity = dict(_lines(programs.libiscsi("iscsi-readcapacity16", place, portal, deadline).said))
    serial = programs.libiscsi("iscsi-inq", place, portal, deadline, "-e", "1", "-c", str(_SERIAL_PAGE))
    try:
        size, block = int(capacity["Total size"]), int(capacity["LOGICAL BLOCK LENGTH IN BYTES"])
    except (KeyError, ValueError):
        return Path(portal, cause="not_a_disk", why=f"{place.name} tells no size at {portal}")
    return Path(portal, Unit(size, block, told["Vendor"], told.get("Product", ""), _serial(serial)))


def _listens(portal: str, seconds: float) -> tuple[str, str]:
    """Why no connection to the portal can be made; empty where one can. libiscsi's own words for all of these are the same."""
    parsed = identifiers.portal(portal)
    try:
        socket.create_connection((parsed.host, parsed.port or PORT), timeout=seconds).close()
    except socket.gaierror:
        return "unknown_host", f"no name server knows {parsed.host}"
    except ConnectionRefusedError:
        return "nobody_listens", f"nobody listens at {portal} (connection refused)"
    except TimeoutError:
        return "no_answer", f"{portal} does not answer within {seconds:.0f} s"
    except OSError as error:
        return "no_answer", f"{portal} cannot be reached ({error.strerror})"
    return "", ""


def _refusal(place: Address, portal: str, asked: Done) -> tuple[str, str]:
    if _NO_LUN.search(asked.said):
        return "no_such_lun", f"{place.iqn} has no LUN {place.lun} for {place.initiator}"
    match = _STATUS.search(asked.said)
    status = int(match[1]) if match else 0
    cause = _REFUSALS.get(status, "refused")
    said = asked.said.splitlines()[-1] if asked.said else f"iscsi-inq ended with status {asked.status}"
    words = {
        "chap_refused": (
            f"the array at {portal} refuses user {place.username} or the password (CHAP)"
            if place.username
            else f"the array at {portal} wants a CHAP user and a password"
        ),
        "not_admitted": f"the array at {portal} does not admit initiator {place.initiator} to {place.iqn}",
        # An array that does not admit an initiator may as well say that there is no such target.
        "no_such_target": (
            f"the array at {portal} has no target {place.iqn} for initiator {place.initiator}: it knows no such target, or its ACL does "
            "not admit that initiator"
        ),
        "too_many_sessions": f"the array at {portal} takes no more sessions",
        "array_unavailable": f"the array at {portal} says that it is out of service or of resources",
        "refused": f"the login at {portal} failed, and iscsi-inq says «{said}»",
    }
    return cause, words[cause] + (f" (login status 0x{status:04x})" if status else "")


def _lines(said: str) -> Iterator[tuple[str, str]]:
    for line in said.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _serial(done: Done) -> str:
    match = re.search(r"Unit Serial Number:\[(.*)\]", done.said)
    return match[1].strip() if match and not done.status else ""
