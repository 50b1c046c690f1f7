# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""Show what the sandbox's nodes boot from: python tools/demo_table.py (with OS_CLIENT_CONFIG_FILE set).

Everything is asked of the services, not taken from what the playbook said: nodes and targets of Ironic, names of volumes of Cinder,
and the iPXE script that Ironic wrote for each node. Only the script's sanhook lines are shown: others carry the CHAP password.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openstack

HEADER = ["node", "provision state", "storage interface", "volume", "portal", "IQN", "LUN"]
SCRIPTS = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "ironic" / "http"
MICROVERSION = "1.43"  # the first in which Ironic lists nodes, like volume targets, with ?detail=True


def sanhooks(node_uuid: str) -> list[str]:
    script = SCRIPTS / node_uuid / "config"
    lines = script.read_text().splitlines() if script.exists() else []
    return [line.strip() for line in lines if line.strip().startswith("sanhook ")]


def main() -> None:
    bare_metal = openstack.connect(cloud="sandbox-system").baremetal

    def listed(kind: str) -> list[dict[str, Any]]:
        response = bare_metal.get(f"/{kind}?detail=True", microversion=MICROVERSION)
        response.raise_for_status()
        return response.json()[kind.rpartition("/")[2]]

    nodes = sorted(listed("nodes"), key=lambda node: node["name"])
    targets = sorted(listed("volume/targets"), key=lambda target: target["boot_index"])
    volumes = {volume.id: volume.name for volume in openstack.connect(cloud="sandbox").block_storage.volumes()}

    rows = []
    for node in nodes:
        state = [node["name"], node["provision_state"], node["storage_interface"]]
        for target in (target for target in targets if target["node_uuid"] == node["uuid"]):
            properties = target["properties"]
            volume = volumes.get(target["volume_id"], "of the array")
            where = [properties.get(key, "") for key in ("target_portal", "target_iqn", "target_lun")]
            rows.append([*state, volume, *map(str, where)])
            state = ["", "", ""]
        if state[0]:
            rows.append([*state, "none", "", "", ""])

    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    for row in [HEADER, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    print("\nWhat the nodes' firmware is told (iPXE):")
    for node in nodes:
        for line in sanhooks(node["uuid"]):
            print(f"  {node['name']}: {line}")


if __name__ == "__main__":
    main()
