# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The microversions that the collection asks for: always by number, so that a server's update changes nothing here."""

from __future__ import annotations

from typing import Any

from ..values.errors import BfvError

# 1.33 (Pike) has everything of boot from volume: 1.32 brought connectors and targets, 1.33 the node's storage interface.
BAREMETAL = "1.33"
# 1.65 (Ussuri) tells a node's lessee; 1.50 brought the owner, 1.46 the conductor group and 1.37 traits. Only who asks about nodes
# wants these, so nothing else needs more than 1.33.
BAREMETAL_DETAILS = "1.65"
# 3.63 (Wallaby) tells a volume's type by name and by id; 3.47 makes one from a backup, 3.42 grows one that is in use.
BLOCK_STORAGE = "3.63"

# 2.93 (Zed) rebuilds a server that boots from a volume; 2.85 changes delete_on_termination, 2.67 brought the volume type.
COMPUTE = "2.93"


# Of these microversions, the release that brought it.
RELEASES = {
    BAREMETAL: "Ironic 9.0 (Pike)",
    BAREMETAL_DETAILS: "Ironic 15.0 (Ussuri)",
    BLOCK_STORAGE: "Cinder 18.0 (Wallaby)",
    COMPUTE: "Nova 26.0 (Zed)",
}


def check(service: str, endpoint: Any, needed: str) -> None:
    """Raise where the server's newest microversion is older than the needed one. A server that tells none is believed."""
    newest = getattr(endpoint, "max_microversion", None)
    if newest and tuple(newest) < tuple(map(int, needed.split("."))):
        raise BfvError(
            f"Failed to use {service} at {endpoint.url}: it offers microversions up to {'.'.join(map(str, newest))}, "
            f"and this needs {needed}, which came with {RELEASES[needed]}. Update the service."
        )
