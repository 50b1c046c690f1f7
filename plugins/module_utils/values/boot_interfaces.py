# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of Ironic's boot interfaces can boot a node from an iSCSI volume."""

from __future__ import annotations

# The interfaces that declare iscsi_volume_boot and act on it. redfish-virtual-media declares it too, but only sets the boot
# device to the local disk. The hardware types ilo and irmc, with all that was theirs, left Ironic in 36.0.0 (2026.1).
SINCE_PIKE = ("ipxe", "http-ipxe")
UNTIL_IRONIC_35 = ("ilo-ipxe", "ilo-virtual-media", "irmc-virtual-media")

ISCSI = SINCE_PIKE + UNTIL_IRONIC_35
