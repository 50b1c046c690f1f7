# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ironic's releases do differently, as far as the newest microversion that a server offers tells its release.

The microversions are those of ironic/common/release_mappings.py.
"""

from __future__ import annotations

from dataclasses import dataclass

_24_1 = (1, 90)  # 2024.1
_25_0 = (1, 91)
_36_0 = (1, 112)


@dataclass(frozen=True)
class Ironic:
    """What is known of a server. ``newest`` is None where it tells no microversion: it is taken for one of today then."""

    newest: tuple[int, ...] | None = None
    # Of connectors and targets. No microversion tells that (it went with 37.0): the server's answer to a removal does.
    removes_only_when_off: bool = False

    @property
    def has_http_ipxe(self) -> bool:
        """Whether there is a boot interface http-ipxe."""
        return self.newest is None or self.newest >= _24_1

    @property
    def has_ilo_and_irmc(self) -> bool:
        """Whether there may be the hardware types ilo and irmc, with their boot interfaces."""
        return self.newest is None or self.newest < _36_0

    @property
    def writes_luns_in_decimal(self) -> bool:
        """Whether iPXE, which reads a LUN's digits as hexadecimal ones, gets decimal ones (ironic/common/pxe_utils.py)."""
        return self.newest is not None and self.newest < _25_0


OF_TODAY = Ironic()
