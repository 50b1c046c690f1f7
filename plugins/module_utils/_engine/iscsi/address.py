# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a LUN is, and who asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PORT = 3260  # RFC 7143 section 1.1
SECRET = "chap"  # the id by which qemu-img finds the password


@dataclass(frozen=True)
class Address:
    """A LUN at its portals (host:port), as an initiator of that name with these credentials sees it."""

    portals: tuple[str, ...]
    iqn: str
    lun: int
    initiator: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return f"LUN {self.lun} of {self.iqn}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What libiscsi's programs read the credentials from."""
        if self.username is None:
            return {}
        return {"LIBISCSI_CHAP_USERNAME": self.username, "LIBISCSI_CHAP_PASSWORD": self.password or ""}

    def url(self, portal: str) -> str:
        """As libiscsi's programs take it."""
        return f"iscsi://{portal}/{self.iqn}/{self.lun}"

    def block_device(self, portal: str) -> dict[str, Any]:
        """As qemu takes it (qapi/block-core.json, BlockdevOptionsIscsi)."""
        credentials = {} if self.username is None else {"user": self.username, "password-secret": SECRET}
        return {
            "driver": "iscsi",
            "transport": "tcp",
            "portal": portal,
            "target": self.iqn,
            "lun": self.lun,
            "initiator-name": self.initiator,
            **credentials,
        }
