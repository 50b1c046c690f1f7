# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The properties of a target by which iPXE finds the volume: their forms, and what Ironic takes and cannot boot from.

Each is there for one path, or in the plural for several (ironic/common/pxe_utils.py, get_volume_pxe_options).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...values import identifiers
from ...values.errors import Invalid

Properties = Mapping[str, object]
Form = Callable[[Any], object]

ADDRESS = ("target_iqn", "target_portal", "target_lun")
PORTAL, PORTALS = "target_portal", "target_portals"
USERNAME, PASSWORD = "auth_username", "auth_password"


def _each(form: Form) -> Form:
    """The form of a list. Of text Ironic would take each letter for a portal."""

    def formed(value: object) -> object:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f'"{value}" is not a list')
        if not value:
            raise Invalid("the list is empty: write one at least")
        return [form(one) for one in value]

    return formed


_ONE: Mapping[str, Form] = {
    "target_iqn": identifiers.iscsi_name,
    "target_portal": lambda text: str(identifiers.portal(text)),
    "target_lun": identifiers.lun,
}
_FORMS: Mapping[str, Form] = {
    **_ONE,
    **{f"{name}s": _each(form) for name, form in _ONE.items()},
    USERNAME: str,
    PASSWORD: str,
}


def formed(name: str, value: object) -> object:
    """A wanted property in the form that Ironic needs. Raises Invalid."""
    if value is None or name not in _FORMS:
        return value
    value = _FORMS[name](value)
    if name == PORTALS:
        _check_each_once(value)
    return value


def _check_each_once(portals: Any) -> None:
    """A portal that is there twice is no second path, but one of them mistyped."""
    places = set()
    for text in portals:
        portal = identifiers.portal(text)
        place = portal.host, portal.port or identifiers.ISCSI_PORT
        if place in places:
            raise Invalid(f'"{text}" is given twice: give each portal once (one without a port has {identifiers.ISCSI_PORT})')
        places.add(place)


def replacing(properties: Properties) -> dict[str, object]:
    """The wanted properties, and with them null for what Ironic would read in place of one, and for the portal's other form.

    Of IQN and LUN it reads the single one where both forms are there, of the portals the list. Raises Invalid.
    """
    given = {name for name, value in properties.items() if value is not None}
    if {PORTAL, PORTALS} <= given:
        raise Invalid(f"{PORTAL} and {PORTALS} are both given. Give one of them")
    if PORTALS in given:
        _check_one_lun(properties)
    replaced: dict[str, object] = {name: None for name in ADDRESS if f"{name}s" in given and name not in given}
    if PORTAL in given:
        replaced[PORTALS] = None
    return {**properties, **replaced}


def _check_one_lun(properties: Properties) -> None:
    """With several portals Ironic takes one IQN and one LUN for all of them, and says nothing of the others."""
    for name in ("target_iqn", "target_lun"):
        several = properties.get(f"{name}s")
        meant = dict.fromkeys((properties.get(name), *(several if isinstance(several, list) else ())))
        meant.pop(None, None)
        if len(meant) > 1:
            raise Invalid(
                f"all of {PORTALS} lead to one {name}, and {' and '.join(map(str, meant))} are given. Give one, as {name}"
            )


def luns(properties: Properties) -> frozenset[str]:
    """The disks of an array that they lead to, each by its IQN, in any case (RFC 3722), and LUN: an IQN is of one array only, whatever its portals."""
    iqns, numbers = (
        [properties.get(name)] if properties.get(name) is not None else properties.get(f"{name}s") or []
        for name in ("target_iqn", "target_lun")
    )
    return frozenset(f"{str(iqn).lower()} LUN {number}" for iqn in _listed(iqns) for number in _listed(numbers))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def obstacles(properties: Properties, *, boots: bool) -> Iterator[str]:
    """What keeps iPXE from the volume (ironic/common/pxe_utils.py, get_volume_pxe_options)."""
    missing = [name for name in ADDRESS if properties.get(name) is None and properties.get(f"{name}s") is None]
    if missing:
        yield f"an iSCSI volume without Cinder needs {', '.join(missing)}."
    if not boots and not {USERNAME, PASSWORD} <= set(properties):
        yield (
            "Ironic cannot boot with a further iSCSI volume that has no CHAP keys. "
            "Give chap_username and chap_password, empty ones where the storage wants none."
        )
    for name in (*ADDRESS, *(f"{name}s" for name in ADDRESS)):
        value = properties.get(name)
        # Where target_portals is there it counts, whatever it holds, and target_portal does not.
        if name == PORTAL and PORTALS in properties:
            continue
        if value is not None or (name == PORTALS and name in properties):
            yield from _form_obstacles(name, value)


def login_obstacles(properties: Properties) -> Iterator[str]:
    """Why the storage would refuse the machine: an inventory that was made of what is there has no password as long as nobody gives it."""
    if properties.get(USERNAME) and PASSWORD not in properties:
        yield f"its CHAP user is {properties[USERNAME]}, and there is no password. Give chap_password."


def _form_obstacles(name: str, value: object) -> Iterator[str]:
    try:
        formed = _FORMS[name](value)
    except Invalid as error:
        yield f"its {name} is malformed: {error}. Set {name}."
        return
    if name == "target_lun" and formed != value:
        yield f'its target_lun is the text "{value}", and Ironic formats a whole number. Set target_lun.'
    if name == "target_luns" and isinstance(value, (list, tuple)):
        for one in value:
            if isinstance(one, str):
                yield f'its target_luns has the text "{one}", and Ironic formats a whole number. Set target_luns.'


def portal_obstacles(properties: Properties) -> Iterator[str]:
    """Why iPXE cannot read a portal of the target: Ironic takes the brackets of an IPv6 address away."""
    read = properties[PORTALS] if PORTALS in properties else [properties.get(PORTAL)]
    for portal in read if isinstance(read, list) else ():
        if not isinstance(portal, str) or portal.count(":") < 2:
            continue
        yield f"Ironic drops the brackets of an IPv6 portal, and iPXE cannot read {portal}. Use an IPv4 address or a host name."


def decimal_lun_obstacles(properties: Properties) -> Iterator[str]:
    """Why iPXE, which takes a LUN's digits for hexadecimal ones, would boot another LUN where Ironic writes decimal ones."""
    several = properties.get("target_luns")
    for lun in (properties.get("target_lun"), *(several if isinstance(several, list) else ())):
        if isinstance(lun, int) and lun > 9:
            yield (
                f"this Ironic is older than 25.0 and writes LUN {lun} in decimal digits, which iPXE reads as hexadecimal ones, so that the "
                f"machine would boot from LUN {int(str(lun), 16)}. Export the volume under a LUN below 10, or update Ironic."
            )
