# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write onto the boot disks of a server and a node of the sandbox, as their machines would, or read what is there.

python tools/demo_disk.py SERVER NODE [WORDS] (with OS_CLIENT_CONFIG_FILE set). The sandbox keeps each volume in a file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import openstack

VOLUMES = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "data" / "cinder" / "volumes"
AT, LENGTH = 64 * 2**20, 32  # behind what the image has


def of_server(name: str) -> str:
    """The id of the volume that the server boots from: it has no other."""
    compute = openstack.connect(cloud="sandbox").compute
    (server,) = (one for one in compute.servers() if one.name == name)
    (volume,) = server.attached_volumes
    return str(volume.id)


def of_node(name: str) -> str:
    baremetal = openstack.connect(cloud="sandbox-system").baremetal
    (target,) = (one for one in baremetal.volume_targets(details=True) if one.node_id == baremetal.get_node(name).id)
    return str(target.volume_id)


def main(server: str, node: str, words: str = "") -> None:
    for machine, volume in ((server, of_server(server)), (node, of_node(node))):
        with (VOLUMES / f"volume-{volume}").open("r+b") as disk:
            disk.seek(AT)
            if words:
                disk.write(words.encode().ljust(LENGTH))
            else:
                print(f"on the disk of {machine}: {disk.read(LENGTH).decode().strip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
