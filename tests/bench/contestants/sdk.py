# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job by a script with openstacksdk, one node after the other, as its documentation shows.

python -m tests.bench.contestants.sdk JOB STATE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import openstack

from ..raw import Json


def main(job: Json, state: str) -> None:
    connection = openstack.connect(**job["cloud"])
    for name, want in job["nodes"].items():
        one(connection.baremetal, name, want, state)


def one(baremetal: Any, name: str, want: Json, state: str) -> None:
    node = baremetal.find_node(name, ignore_missing=False)
    changes: Json = {}
    capabilities = node.properties.get("capabilities", "").split(",")
    if node.storage_interface != "external":
        changes["storage_interface"] = "external"
    if "iscsi_boot:True" not in capabilities:
        merged = ",".join(filter(None, [*capabilities, "iscsi_boot:True"]))
        changes["properties"] = {**node.properties, "capabilities": merged}
    if "image_source" in node.instance_info:
        changes["instance_info"] = {key: value for key, value in node.instance_info.items() if key != "image_source"}
    if changes:
        baremetal.update_node(node, **changes)
    if not any(baremetal.volume_connectors(node=node.id)):
        initiator = f"iqn.2017-08.org.openstack.{node.id}"
        baremetal.create_volume_connector(node_uuid=node.id, type="iqn", connector_id=initiator)
    if want["volume_id"] not in [target.volume_id for target in baremetal.volume_targets(details=True, node=node.id)]:
        baremetal.create_volume_target(node_uuid=node.id, **want)
    if state == "deployed" and node.provision_state != "active":
        baremetal.validate_node(node, required=["boot", "deploy", "power", "storage"])
        baremetal.set_node_provision_state(node, "active", wait=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2])
