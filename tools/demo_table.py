# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show what the sandbox's nodes and servers boot from: python tools/demo_table.py (with OS_CLIENT_CONFIG_FILE set).

Everything is asked of the services, not taken from what the playbook said: nodes and targets of Ironic, servers of Nova, names of volumes
of Cinder, and the iPXE script that Ironic wrote for each node. Only the script's sanhook lines are shown: others carry the CHAP password.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openstack

NODES = ["node", "provision state", "storage interface", "volume", "portal", "IQN", "LUN"]
SERVERS = ["server", "status", "flavor", "address", "volume", "delete_on_termination"]
SCRIPTS = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "ironic" / "http"
BARE_METAL = "1.43"  # the first microversion in which Ironic lists nodes, like volume targets, with ?detail=True
COMPUTE = "2.47"  # the first in which Nova shows the flavor's name with a server


def sanhooks(node_uuid: str) -> list[str]:
    script = SCRIPTS / node_uuid / "config"
    lines = script.read_text().splitlines() if script.exists() else []
    return [line.strip() for line in lines if line.strip().startswith("sanhook ")]


def listed(service: Any, path: str, key: str, microversion: str) -> list[dict[str, Any]]:
    response = service.get(path, microversion=microversion)
    response.raise_for_status()
    return response.json()[key]


def show(header: list[str], rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def node_rows(nodes: list[dict[str, Any]], targets: list[dict[str, Any]], volumes: dict[str, str]) -> list[list[str]]:
    rows = []
    for node in nodes:
        state = [node["name"], node["provision_state"], node["storage_interface"]]
        for target in (target for target in targets if target["node_uuid"] == node["uuid"]):
            properties = target["properties"]
            volume = volumes.get(target["volume_id"], "of the array")
            portals = properties.get("target_portals") or [properties.get("target_portal", "")]
            where = [properties.get(key, "") for key in ("target_iqn", "target_lun")]
            rows.append([*state, volume, ", ".join(portals), *map(str, where)])
            state = ["", "", ""]
        if state[0]:
            rows.append([*state, "none", "", "", ""])
    return rows


def server_rows(servers: list[dict[str, Any]], volumes: dict[str, str]) -> list[list[str]]:
    rows = []
    for server in servers:
        addresses = [address["addr"] for network in server["addresses"].values() for address in network]
        disks = server["os-extended-volumes:volumes_attached"]
        rows.append(
            [
                server["name"],
                server["status"],
                server["flavor"]["original_name"],
                ", ".join(addresses) or "none",
                ", ".join(volumes[disk["id"]] for disk in disks) or "none",
                ", ".join(str(disk["delete_on_termination"]).lower() for disk in disks),
            ]
        )
    return rows


def main() -> None:
    bare_metal = openstack.connect(cloud="sandbox-system").baremetal
    project = openstack.connect(cloud="sandbox")
    nodes = sorted(listed(bare_metal, "/nodes?detail=True", "nodes", BARE_METAL), key=lambda node: node["name"])
    targets = listed(bare_metal, "/volume/targets?detail=True", "targets", BARE_METAL)
    targets.sort(key=lambda target: target["boot_index"])
    volumes = {volume.id: volume.name for volume in project.block_storage.volumes()}

    show(NODES, node_rows(nodes, targets, volumes))
    servers = listed(project.compute, "/servers/detail?sort_key=display_name&sort_dir=asc", "servers", COMPUTE)
    show(SERVERS, server_rows(servers, volumes))

    print("What the nodes' firmware is told (iPXE):")
    for node in nodes:
        for line in sanhooks(node["uuid"]):
            print(f"  {node['name']}: {line}")


if __name__ == "__main__":
    main()
