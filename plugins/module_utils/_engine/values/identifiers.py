# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses of storage: iSCSI names, WWNs, MACs, IPs, portals and LUNs.

Ironic stores all of them unchecked, and a wrong one fails the deployment late, in the conductor. Every function here takes
what a person wrote and gives back the form that Ironic, Cinder and iPXE expect, or raises Invalid with what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from .errors import Invalid

try:
    import netaddr
except ImportError:  # run.py refuses to start without it, and says how to get it
    netaddr = None  # type: ignore[assignment]

AVAILABLE = bool(netaddr)

# RFC 3720 3.2.6.3 and RFC 3721: the date is that of the naming authority's domain; 223 bytes at the most.
_IQN = re.compile(r"iqn\.\d{4}-(0[1-9]|1[0-2])\.[a-z0-9]+([.-]+[a-z0-9]+)*(:[\w.:-]+)?", re.IGNORECASE | re.ASCII)
_EUI = re.compile(r"eui\.[0-9a-f]{16}", re.IGNORECASE | re.ASCII)
_NAA = re.compile(r"naa\.([0-9a-f]{16}|[0-9a-f]{32})", re.IGNORECASE | re.ASCII)
_ISCSI_NAME_BYTES = 223

# As resolvers take it, and Ironic with them: labels may have underscores, and a last dot ends a full name.
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.IGNORECASE | re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE | re.ASCII)  # UUID() alone takes much more
_NUMBER = re.compile(r"[0-9]{1,5}")  # enough for a LUN and a TCP port
ISCSI_PORT = 3260  # of a portal that names none (IANA: iscsi-target)
_LUN_MAX = 0xFFFF  # one level of SAM-5 addressing: what iPXE's LUN field takes as one group of hex digits


def iscsi_name(text: object) -> str:
    """An iSCSI name (iqn., eui. or naa.), as given. The case is kept: Ironic and Cinder compare it as text."""
    name = _text(text)
    if len(name.encode()) > _ISCSI_NAME_BYTES:
        raise Invalid(f'"{name[:40]}..." is not an iSCSI name: it is longer than {_ISCSI_NAME_BYTES} bytes')
    if not any(form.fullmatch(name) for form in (_IQN, _EUI, _NAA)):
        raise Invalid(
            f'"{name}" is not an iSCSI name: write iqn.YYYY-MM.reversed.domain[:unique], eui. and 16 hex digits, '
            "or naa. and 16 or 32 hex digits"
        )
    return name


def mac(text: object) -> str:
    """A MAC address in Ironic's form, aa:bb:cc:dd:ee:ff."""
    given = _hex_number(text)
    # netaddr alone takes "1" for a MAC address: it counts a number, not digits.
    if len(_hex_digits(given)) != 12 or not netaddr.valid_mac(given):
        raise Invalid(f'"{given}" is not a MAC address: write six pairs of hex digits, such as 52:54:00:12:34:56')
    return str(netaddr.EUI(given, version=48, dialect=netaddr.mac_unix_expanded))


def wwn(text: object) -> str:
    """A World Wide Name of fibre channel as 16 lower-case hex digits, the form that os-brick gives to Cinder."""
    given = _hex_number(text)
    if len(_hex_digits(given)) != 16 or not netaddr.valid_eui64(given):
        raise Invalid(f'"{given}" is not a WWN: write 16 hex digits, such as 5001438024213faa or 50:01:43:80:24:21:3f:aa')
    return str(netaddr.EUI(given, version=64, dialect=netaddr.eui64_bare)).lower()


def ip_address(text: object) -> str:
    """An IPv4 or IPv6 address in its canonical form."""
    given = _text(text)
    if not (netaddr.valid_ipv4(given) or netaddr.valid_ipv6(given)):
        raise Invalid(f'"{given}" is not an IP address: write it in full, such as 192.0.2.10 or 2001:db8::10')
    return str(netaddr.IPAddress(given))


def uuid(text: object) -> str:
    """A UUID in its canonical form."""
    given = _text(text)
    if not _UUID.fullmatch(given):
        raise Invalid(f'"{given}" is not a UUID')
    return str(UUID(given))


def is_uuid(text: object) -> bool:
    """Whether the text is a UUID in the form that OpenStack's services write."""
    try:
        return uuid(text) == text
    except Invalid:
        return False


def lun(value: object) -> int:
    """A logical unit number, as the integer that Ironic needs: its iPXE template formats it with %x."""
    given = str(value).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(given) or int(given) > _LUN_MAX:
        raise Invalid(f'"{value}" is not a LUN: write a whole number from 0 to {_LUN_MAX}')
    return int(given)


@dataclass(frozen=True)
class Portal:
    """Where an iSCSI target listens: a host (a name or an IP address) and a TCP port, or None for ISCSI_PORT."""

    host: str
    port: int | None = None

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.is_ipv6 else self.host
        return host if self.port is None else f"{host}:{self.port}"


def portal(text: object) -> Portal:
    """A portal: 192.0.2.1:3260, host.example.org:3260, [2001:db8::1]:3260, each also without the port."""
    given = _text(text)
    if "," in given:
        raise Invalid(f'"{given}" is not a portal: leave out what follows the comma, the portal group of open-iscsi')
    host, port = _split_portal(given)
    if port is not None and not (_NUMBER.fullmatch(port) and 0 < int(port) < 65536):
        raise Invalid(f'"{given}" is not a portal: "{port}" is not a TCP port (1 to 65535)')
    if not (netaddr.valid_ipv4(host) or netaddr.valid_ipv6(host) or _is_host_name(host)):
        raise Invalid(f'"{given}" is not a portal: write host:port, such as 192.0.2.1:3260 or [2001:db8::1]:3260')
    host = ip_address(host) if netaddr.valid_ipv6(host) else host.lower()
    return Portal(host=host, port=None if port is None else int(port))


def _split_portal(given: str) -> tuple[str, str | None]:
    bracketed = re.fullmatch(r"\[([^\[\]]+)\](?::(.*))?", given)
    if bracketed:
        host, port = bracketed.groups()
        if not netaddr.valid_ipv6(host):
            raise Invalid(f'"{given}" is not a portal: brackets are for IPv6 addresses, such as [2001:db8::1]:3260')
        return host, port
    if given.count(":") > 1:  # an IPv6 address without brackets has no port
        return given, None
    host, colon, port = given.partition(":")
    return host, port if colon else None


def _is_host_name(host: str) -> bool:
    # 10.0.0 and 010.0.0.1 look like host names, but are mistyped addresses.
    return bool(_HOST_NAME.fullmatch(host)) and not host.rstrip(".").rpartition(".")[2].isdigit()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
        raise Invalid(f'"{value}" is not usable here: write plain text without spaces around it')
    return value


def _hex_number(value: object) -> str:
    """Text that may begin with 0x, as sysfs prints the WWNs of a host's ports."""
    return re.sub(r"^0x", "", _text(value), flags=re.IGNORECASE)


def _hex_digits(text: str) -> str:
    return re.sub(r"[^0-9a-fA-F]", "", text)
