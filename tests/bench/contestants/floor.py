# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: the job by the requests that cannot be left out, over connections that are kept.

    python -m tests.bench.contestants.floor JOB STATE [THREADS]

Three lists, asked for at once, tell what is there. A node that is to change takes one PATCH, two POST and, to be deployed, one PUT; the
wait is one list a round. To be undeployed takes one list, one PUT a node, and the same wait.
Nothing is checked, no failure is handled, nothing is reported: a client that does these cannot be faster, it can only come near.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ..raw import Ironic, Json, each

PAUSE = 0.5
_STATE = "uuid,name,provision_state,last_error"
_NODE = f"{_STATE},storage_interface,properties,instance_info"


def main(job: Mapping[str, Json], state: str, threads: int) -> None:
    ironic = Ironic(job["cloud"])
    if state == "undeployed":
        _undeploy(ironic, job, threads)
        return
    lists = [("nodes", {"fields": _NODE}), ("volume/connectors", {"detail": True}), ("volume/targets", {"detail": True})]
    found = each(lambda one: list(ironic.list(one[0], **one[1])), lists)
    nodes = {node["name"]: node for node in found[0]}
    connectors, targets = ({one["node_uuid"]: one for one in ones} for ones in found[1:])

    def advance(name: str) -> None:
        node, want = nodes[name], job["nodes"][name]
        uuid = node["uuid"]
        changes = _changes(node)
        if changes:
            ironic("PATCH", f"/nodes/{uuid}", changes)
        if uuid not in connectors:
            initiator = f"iqn.2017-08.org.openstack.{uuid}"
            ironic("POST", "/volume/connectors", {"node_uuid": uuid, "type": "iqn", "connector_id": initiator})
        if targets.get(uuid, {}).get("volume_id") != want["volume_id"]:
            ironic("POST", "/volume/targets", {"node_uuid": uuid, **want})
        if state == "deployed" and node["provision_state"] == "available":
            ironic("PUT", f"/nodes/{uuid}/states/provision", {"target": "active"})

    each(advance, job["nodes"], threads)
    if state == "deployed":
        _wait(ironic, job, nodes, "active")


def _undeploy(ironic: Ironic, job: Mapping[str, Json], threads: int) -> None:
    nodes = {node["name"]: node for node in ironic.list("nodes", fields=_STATE)}
    going = [nodes[name]["uuid"] for name in job["nodes"] if nodes[name]["provision_state"] == "active"]
    each(lambda uuid: ironic("PUT", f"/nodes/{uuid}/states/provision", {"target": "deleted"}), going, threads)
    _wait(ironic, job, nodes, "available")


def _wait(ironic: Ironic, job: Mapping[str, Json], nodes: Mapping[str, Json], state: str) -> None:
    while not all(nodes[name]["provision_state"] == state for name in job["nodes"]):
        time.sleep(PAUSE)
        nodes = {node["name"]: node for node in ironic.list("nodes", fields=_STATE)}
        for name in job["nodes"]:
            if nodes[name]["provision_state"] in ("deploy failed", "clean failed", "error"):
                raise SystemExit(f"{name}: {nodes[name]['last_error']}")


def _changes(node: Json) -> list[Json]:
    """What the node's PATCH holds. Empty where it is set up."""
    changes: list[Json] = []
    if node["storage_interface"] != "external":
        changes.append({"op": "replace", "path": "/storage_interface", "value": "external"})
    capabilities = node["properties"].get("capabilities", "").split(",")
    if "iscsi_boot:True" not in capabilities:
        value = ",".join(filter(None, [*capabilities, "iscsi_boot:True"]))
        changes.append({"op": "add", "path": "/properties/capabilities", "value": value})
    if "image_source" in node["instance_info"]:
        changes.append({"op": "remove", "path": "/instance_info/image_source"})
    return changes


if __name__ == "__main__":
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2], threads)
