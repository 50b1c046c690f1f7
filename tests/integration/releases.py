# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In what the releases of OpenStack differ, as far as the tests see it."""

from __future__ import annotations

from dataclasses import dataclass

MASK = "******"


@dataclass(frozen=True)
class Release:
    """What one release does."""

    # Whether Ironic's answers mask the CHAP password of a target: those of 37.0 and newer do, of 29.0.6, and of none before it.
    masks_chap: bool = True
    # Whether the connectors and targets of a node that is powered on can be changed, as long as it is not available: in Ironic 37.0 and newer.
    changes_powered_on: bool = True
    # A LUN that is other in decimal and in hexadecimal digits. Ironic before 25.0 boots only those that are not.
    lun: int = 16

    def chap_password(self, password: str) -> str:
        """What Ironic shows of a target's password."""
        return MASK if self.masks_chap else password


RELEASES = {
    "2024.1": Release(masks_chap=False, changes_powered_on=False, lun=7),
    "2025.1": Release(changes_powered_on=False),
    "2026.2": Release(),
}
