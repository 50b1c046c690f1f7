# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of volume connectors, and what an identifier of each type looks like.

The API takes any type of up to 32 characters; the list is that of python-ironicclient. Cinder's storage interface uses iqn, ip, wwnn
and wwpn, Nova's driver uses mac and ip as well, and nobody uses port and portgroup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import identifiers
from .errors import Invalid

_FORMS: Mapping[str, Callable[[object], str]] = {
    "iqn": identifiers.iscsi_name,
    "ip": identifiers.ip_address,
    "mac": identifiers.mac,
    "wwnn": identifiers.wwn,
    "wwpn": identifiers.wwn,
    "port": identifiers.uuid,
    "portgroup": identifiers.uuid,
}
TYPES = tuple(_FORMS)


def identifier(connector_type: str, text: object) -> str:
    """The connector's identifier in the form of its type. Raises Invalid."""
    return _FORMS[connector_type](text)


def canonical(connector_type: str, text: str) -> str:
    """The form to compare by: 50:01:43:80:24:21:3f:aa and 5001438024213FAA are one. What is malformed stays as it is."""
    try:
        return identifier(connector_type, text)
    except (Invalid, KeyError):  # another client stored it, and Ironic takes any text
        return text
