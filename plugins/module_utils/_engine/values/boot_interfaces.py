# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of Ironic's boot interfaces can boot a node from an iSCSI volume."""

from __future__ import annotations

from .ironic import Ironic

# The interfaces that declare iscsi_volume_boot and act on it. redfish-virtual-media declares it too, but only sets the boot
# device to the local disk. The hardware types ilo and irmc, with all that was theirs, left Ironic in 36.0.0 (2026.1).
_IPXE, _HTTP_IPXE = "ipxe", "http-ipxe"
_UNTIL_IRONIC_35 = ("ilo-ipxe", "ilo-virtual-media", "irmc-virtual-media")

# Those that find a machine by the address of its port.
BY_PORT = (_IPXE, _HTTP_IPXE, "pxe", "ilo-ipxe", "ilo-pxe", "irmc-pxe")

ISCSI = (_IPXE, _HTTP_IPXE, *_UNTIL_IRONIC_35)


def of(ironic: Ironic) -> tuple[str, ...]:
    """Those for iSCSI that a server may have."""
    lacks = () if ironic.has_http_ipxe else (_HTTP_IPXE,)
    gone = () if ironic.has_ilo_and_irmc else _UNTIL_IRONIC_35
    return tuple(name for name in ISCSI if name not in lacks + gone)
