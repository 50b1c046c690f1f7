# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

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
USERNAME, PASSWORD = "auth_username", "auth_password"


def _each(form: Form) -> Form:
    """The form of a list. Of text Ironic would take each letter for a portal."""

    def formed(value: object) -> object:
        if not isinstance(value, (list, tuple)):
            raise Invalid(f'"{value}" is not a list')
        if not value:
            raise Invalid("the list is empty")
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
    """A property in the form that Ironic needs. Raises Invalid."""
    return value if value is None or name not in _FORMS else _FORMS[name](value)


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
        # Where target_portals is there it counts, whatever it holds.
        if value is not None or (name == "target_portals" and name in properties):
            yield from _form_obstacles(name, value)


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
    """Why iPXE cannot read the target's portal: Ironic takes the brackets of an IPv6 address away."""
    several = properties.get("target_portals")
    for portal in (properties.get("target_portal"), *(several if isinstance(several, list) else ())):
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
