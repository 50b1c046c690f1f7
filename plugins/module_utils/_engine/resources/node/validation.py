# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ironic's own check of a node. It looks at the storage only here, never when it deploys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...cloud.connection import Cloud
from ...values.errors import Refused
from ...values.paths import path_of

Validation = Mapping[str, Mapping[str, object]]

_ADVICE = {
    "storage": "Check its connectors, its volume targets and the capability iscsi_boot",
    "deploy": "Give it a boot volume: a volume target with boot_index 0, and no image_source",
}


def ask(cloud: Cloud, node_uuid: str, name: str) -> dict[str, dict[str, object]]:
    """What Ironic says of each interface of the node: result (true, false, or none where it has nothing to check) and reason."""
    answer = cloud.baremetal.read(path_of("nodes", node_uuid, "validate"), f"validate node {name}")
    return {interface: {"result": said["result"], "reason": said.get("reason")} for interface, said in sorted(answer.items())}


def check(validation: Validation, name: str, required: Iterable[str]) -> None:
    """Refuse a node of which Ironic says that a required interface is not in order."""
    for interface in required:
        said = validation.get(interface, {})
        if not said.get("result"):
            reason = str(said.get("reason") or "nothing").rstrip(".")
            advice = _ADVICE.get(interface, "Repair that, and run again")
            raise Refused(f"Failed to validate node {name}: {interface} validation says «{reason}». {advice}.")
