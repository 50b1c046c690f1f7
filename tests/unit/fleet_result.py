# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as the module baremetal_fleet returns them, with the words that the engine has for its steps."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

Json = dict[str, Any]


def identity(of: str) -> str:
    """The same UUID for the same thing."""
    return str(uuid5(NAMESPACE_DNS, of))


def a_target(name: str, boot_index: int = 0, **properties: object) -> Json:
    """A target as Ironic has it once Cinder has attached the volume."""
    properties = properties or {
        "auth_method": "CHAP",
        "auth_username": "user",
        "auth_password": "******",
        "target_iqn": f"iqn.2010-10.org.openstack:volume-{identity(name)}",
        "target_portal": "192.0.2.10:3260",
        "target_lun": 1,
    }
    kind = "fibre_channel" if "target_wwn" in properties else "iscsi"
    return {"boot_index": boot_index, "volume_type": kind, "volume_id": identity(name), "properties": properties, "extra": {}}


def a_volume(name: str, status: str = "in-use") -> Json:
    return {"id": identity(name), "name": name, "size": 20, "status": status, "metadata": {}}


def a_node(name: str, begins: float = 0.5, msg: str = "", **differing: object) -> Json:
    """What became of a node that was deployed from a volume of Cinder; 11 seconds from its first step to its end."""
    steps = [
        (0, f"create volume {name}-root (20 GiB, from image debian-13-iscsi)"),
        (0, f"waits for volume {name}-root (creating) to become available"),
        (4, f"set up the storage of node {name}: storage_interface noop -> cinder"),
        (4.2, f"create the iqn connector of node {name} as iqn.2017-08.org.openstack.{identity(name)}"),
        (4.4, f"create volume target 0 of node {name} with volume {name}-root"),
        (5, f"deploy node {name}"),
        (5, f"waits for node {name} to become active"),
        (6, "deploying"),
        (6, f"waits for node {name} (deploying) to come to rest"),
    ]
    ends = [(10.9, "deploy failed" if msg else "active"), (11, msg or "deployed")]
    return {
        "changed": True,
        "failed": bool(msg),
        "msg": msg,
        "actions": [what for _at, what in steps if " " in what and not what.startswith("waits")],
        "history": [{"at": begins + at, "what": what} for at, what in [*steps, *ends]],
        "node": {
            "uuid": identity(name),
            "name": name,
            "provision_state": "deploy failed" if msg else "active",
            "power_state": "power on",
            "storage_interface": "cinder",
            "boot_interface": "ipxe",
            "capabilities": {"boot_mode": "uefi", "iscsi_boot": "True"},
        },
        "connectors": [{"type": "iqn", "connector_id": f"iqn.2017-08.org.openstack.{identity(name)}"}],
        "targets": [a_target(f"{name}-root")],
        "volumes": [a_volume(f"{name}-root")],
        **differing,
    }


def unchanged(name: str) -> Json:
    return a_node(name, changed=False, actions=[], history=[])


def a_result(*nodes: Json, **differing: object) -> Json:
    """The result of a run, each node under Ironic's name for it."""
    return {"changed": True, "seconds": 12.5, "nodes": {one["node"]["name"]: one for one in nodes}, **differing}
