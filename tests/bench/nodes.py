# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks' nodes, and the job that every contestant does with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from .raw import Ironic, Json, each

PREFIX = "bench-"
IMAGE = "http://192.0.2.10/left-by-an-earlier-deployment"


@contextmanager
def nodes(cloud: Mapping[str, Any], count: int, deployable: bool = True, prefix: str = PREFIX) -> Iterator[Json]:
    """New nodes, and the job to do with them. They are removed in the end, in whatever state they are."""
    remove(cloud, prefix)  # what an interrupted benchmark left
    names = [f"{prefix}{number:04}" for number in range(count)]
    try:
        _make(cloud, names, deployable)
        yield job(cloud, names)
    finally:
        remove(cloud, prefix)


def job(cloud: Mapping[str, Any], names: list[str]) -> Json:
    """What is wanted of each node: storage interface external, iscsi_boot, one iqn connector, this target, no image_source.

    The same twice: ``nodes`` has the targets as Ironic takes them, ``fleet`` the nodes as bfv.openstack.baremetal_fleet does.
    """
    targets = {name: _target(number) for number, name in enumerate(names)}
    return {"cloud": cloud, "nodes": targets, "fleet": [_entry(name, target) for name, target in targets.items()]}


def _target(number: int) -> Json:
    properties = {
        "target_iqn": f"iqn.2010-10.org.example:array.{number:04}",
        "target_portal": "192.0.2.10:3260",
        "target_lun": 1,
        "auth_method": "CHAP",
        "auth_username": f"user-{number:04}",
        "auth_password": f"not-secret-{number:04}",
    }
    volume_id = f"0b5c7d3e-0000-4000-8000-{number:012}"
    return {"volume_type": "iscsi", "boot_index": 0, "volume_id": volume_id, "properties": properties}


def _entry(name: str, target: Json) -> Json:
    properties = target["properties"]
    described = {key: properties[key] for key in ("target_iqn", "target_portal", "target_lun")}
    described |= {"chap_username": properties["auth_username"], "chap_password": properties["auth_password"]}
    return {
        "node": name,
        "storage_interface": "external",
        "iscsi_boot": True,
        "targets": [{"volume_id": target["volume_id"], **described}],
    }


def mac(number: int) -> str:
    """The address of a node's port."""
    return f"52:54:02:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def _make(cloud: Mapping[str, Any], names: list[str], deployable: bool) -> None:
    # Before microversion 1.11 a new node is available at once.
    ironic, old = Ironic(cloud), Ironic(cloud, "1.10")

    def one(number: int) -> None:
        body = {
            "uuid": str(uuid4()),
            "name": names[number],
            "driver": "fake-hardware",
            "properties": {"cpu_arch": "x86_64", "capabilities": "boot_mode:uefi"},
            # Any value will do: fake hardware boots neither, but the interfaces ask for them.
            "driver_info": {"deploy_kernel": "file:///dev/null", "deploy_ramdisk": "file:///dev/null"},
            "instance_info": {"image_source": IMAGE},
        }
        old("POST", "/nodes", body)
        if deployable:  # only a deployment looks at the ports
            ironic("POST", "/ports", {"node_uuid": body["uuid"], "address": mac(number)})
        ironic("PUT", f"/nodes/{body['uuid']}/states/power", {"target": "power off"})

    each(one, range(len(names)))


def remove(cloud: Mapping[str, Any], prefix: str) -> None:
    """Remove the nodes of that prefix, with all that belongs to them."""
    ironic = Ironic(cloud)

    def one(node: Json) -> None:
        if node["provision_state"] != "available":
            ironic("PUT", f"/nodes/{node['uuid']}/maintenance", {})
        ironic("DELETE", f"/nodes/{node['uuid']}")

    listed = list(ironic.list("nodes", fields="uuid,name,provision_state"))
    each(one, [node for node in listed if (node["name"] or "").startswith(prefix)])
