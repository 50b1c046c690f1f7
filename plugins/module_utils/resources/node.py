# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A bare-metal node as the other resources see it, and the rules of its states that they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..cloud.connection import Cloud
from ..cloud.service import Json, Service
from ..values import boot_interfaces, capabilities, secrets
from ..values.errors import Refused, refuse
from ..values.plan import Request

# What Ironic is asked for of a node: nothing here is a secret but instance_info, of which only one key is kept.
FIELDS = (
    "uuid",
    "name",
    "driver",
    "power_state",
    "provision_state",
    "last_error",
    "instance_uuid",
    "maintenance",
    "storage_interface",
    "boot_interface",
    "deploy_interface",
    "properties",
    "instance_info",
)

# Ironic's own rule (ironic/common/utils.py, is_valid_logical_name), without . and .. that lead elsewhere in a path.
_NAME = re.compile(r"(?!\.{1,2}$)[\w.~-]+", re.ASCII)

POWER_OFF = "power off"
# ironic/common/states.py: where a connector or target may be deleted whatever the power state is.
_RECORDS_MAY_GO = ("enroll", "manageable", "adopt failed")
# Deploy interfaces that do not boot a volume: ramdisk boots its ramdisk, the others never look at the targets.
_NOT_FROM_VOLUME = ("ramdisk", "anaconda", "ansible", "noop")
_STORAGE_OF_VOLUMES = ("cinder", "external")
_BOOT_CAPABILITY = {"iscsi": "iscsi_boot", "fibre_channel": "fibre_channel_boot"}


@dataclass(frozen=True)
class Node:
    """What Ironic says of a node."""

    uuid: str
    name: str
    driver: str = ""
    power_state: str | None = None
    provision_state: str = "available"
    last_error: str | None = None
    instance_uuid: str | None = None
    maintenance: bool = False
    storage_interface: str = "noop"
    boot_interface: str = ""
    deploy_interface: str = ""
    capabilities: str | None = None
    image_source: str | None = None

    @property
    def heeds_targets(self) -> bool:
        """Whether the node's storage interface looks at its volume targets."""
        return self.storage_interface in _STORAGE_OF_VOLUMES

    @property
    def boots_iscsi(self) -> bool:
        """Whether the node is set up to boot from an iSCSI volume."""
        return self.heeds_targets and capabilities.is_true(self.capabilities, "iscsi_boot")


def from_api(node: Mapping[str, Any]) -> Node:
    """A node out of Ironic's JSON."""
    return Node(
        uuid=node["uuid"],
        name=node["name"] or node["uuid"],
        driver=node["driver"],
        power_state=node["power_state"],
        provision_state=node["provision_state"] or "available",  # before API 1.2 available was None
        last_error=node["last_error"],
        instance_uuid=node["instance_uuid"],
        maintenance=node["maintenance"],
        storage_interface=node["storage_interface"] or "noop",
        boot_interface=node["boot_interface"] or "",
        deploy_interface=node["deploy_interface"] or "",
        capabilities=_capabilities((node["properties"] or {}).get("capabilities")),
        image_source=_image_source(node["instance_info"] or {}),
    )


def _capabilities(found: object) -> str | None:
    """What is no text Ironic keeps, and refuses to deploy with: without colons it counts as malformed."""
    return found if found is None or isinstance(found, str) else str(found).replace(":", "")


def _image_source(instance_info: Mapping[str, Any]) -> str | None:
    """None only where there is no such key: Ironic writes an image as soon as there is one, also without a value."""
    if "image_source" not in instance_info:
        return None
    return secrets.without_credentials(str(instance_info["image_source"] or ""))


def find(cloud: Cloud, name: str) -> Node | None:
    """The node of that name or UUID, or None where there is none."""
    record = read(cloud.baremetal, name, FIELDS)
    return from_api(record) if record else None


def read(ironic: Service, name: str, fields: Iterable[str]) -> Json | None:
    """These fields of the node of that name or UUID, or None where there is none."""
    if not _NAME.fullmatch(name):
        return None
    return ironic.find(f"/nodes/{name}", f"read node {name}", fields=",".join(fields))


def observe(cloud: Cloud, name: str) -> Node:
    """The node of that name or UUID. Raises Refused where there is none."""
    node = find(cloud, name)
    if node is None:
        raise unknown(name)
    return node


def unknown(name: str) -> Refused:
    """The error of a node that Ironic does not show."""
    return Refused(
        f"Failed to find node {name}: Ironic shows no node of that name or UUID. "
        "Check the name, and that the cloud's user may see it (system scope, or the node's owner or lessee)."
    )


def check_not_novas(node: Node, what: str) -> None:
    """Refuse to touch the targets of a node that Nova has deployed: Nova makes and deletes them itself."""
    refuse(what, nova_obstacles(node))


def check_can_boot_iscsi(node: Node, what: str) -> None:
    """Refuse a set-up whose deployment Ironic would accept, and that would not boot from its iSCSI volume."""
    if node.boots_iscsi:
        refuse(what, interface_obstacles(node))


def interface_obstacles(node: Node, volume_type: str = "iscsi") -> Iterator[str]:
    """Why the node's boot and deploy interfaces do not boot a volume of that type."""
    if volume_type == "iscsi" and node.boot_interface not in boot_interfaces.ISCSI:
        yield (
            f"boot interface {node.boot_interface} cannot boot an iSCSI volume. "
            f"Set boot_interface to one of {', '.join(boot_interfaces.ISCSI)}."
        )
    if node.deploy_interface in _NOT_FROM_VOLUME:
        yield f"deploy interface {node.deploy_interface} does not boot from volumes. Set the node's deploy interface to direct."


def storage_obstacles(node: Node) -> Iterator[str]:
    """Why the node's storage interface, or an image, keeps Ironic from its volume targets."""
    if not node.heeds_targets:
        yield (
            f"storage interface {node.storage_interface} ignores the volume targets. "
            f"Set storage_interface to {' or '.join(_STORAGE_OF_VOLUMES)} (bfv.openstack.baremetal_node_storage)."
        )
    if node.image_source is not None:
        yield (
            f'instance_info has the image_source "{node.image_source}", which Ironic writes to the local disk and boots instead. '
            "Remove it (image_source absent, bfv.openstack.baremetal_node_storage)."
        )


def capability_obstacles(node: Node) -> Iterator[str]:
    """Why Ironic's deployment cannot read the node's capabilities."""
    for part in capabilities.malformed(node.capabilities):
        yield (
            f'its capability "{part}" is not name:value, which Ironic refuses then. '
            "Repair it (baremetal node set --property capabilities=...)."
        )
    for name in capabilities.spaced(node.capabilities):
        yield (
            f'its capability "{name}" has spaces around its name, and Ironic\'s deployment does not find it. '
            "Write the capabilities without spaces (capabilities of bfv.openstack.baremetal_node_storage does)."
        )


def boot_capability_obstacles(node: Node, volume_type: str) -> Iterator[str]:
    """Why the capabilities keep Ironic from booting a volume of that type.

    Its deployment looks for the name and its validation for the value; both must be satisfied.
    """
    name = _BOOT_CAPABILITY.get(volume_type)
    if name and not capabilities.is_true(node.capabilities, name):
        yield f"its capabilities have no {name}:True. Set {name} (bfv.openstack.baremetal_node_storage)."


def nova_obstacles(node: Node) -> Iterator[str]:
    """Why the node's targets are not ours: Nova makes and deletes those of its nodes itself."""
    if node.instance_uuid:
        yield (
            f"the node belongs to Nova (instance {node.instance_uuid}), which makes and removes its volume targets itself. "
            "Use a server that boots from the volume instead."
        )


def may_update_records(node: Node) -> bool:
    """Whether Ironic updates the node's connectors and targets: only at exactly "power off".

    Source: ironic/conductor/manager.py, update_volume_connector and update_volume_target. A new node's power state is None.
    """
    return node.power_state == POWER_OFF


def may_delete_records(node: Node) -> bool:
    """Whether Ironic deletes the node's connectors and targets: when powered off, and in the states before available.

    Source: ironic/conductor/manager.py, destroy_volume_connector and destroy_volume_target.
    """
    return node.power_state == POWER_OFF or node.provision_state in _RECORDS_MAY_GO


def delete_record(node: Node, what: str, delete: Request, *, permitted: bool) -> tuple[tuple[Request, ...], str]:
    """The steps that delete a connector or target, and what they wait for."""
    return ((delete,), "") if may_delete_records(node) else power_off_first(node, what, permitted=permitted)


def power_off_first(node: Node, what: str, *, permitted: bool) -> tuple[tuple[Request, ...], str]:
    """The step that powers the node off, and what it waits for. Raises Refused where that is not permitted."""
    if not permitted:
        raise Refused(
            f"Failed to {what}: Ironic allows it only while the node is powered off, and the power state is {node.power_state or 'unknown'} "
            f"(provision state {node.provision_state}). Power the node off, or permit it with power_off=true."
        )
    request = Request(
        what=f"power off node {node.name}",
        service="baremetal",
        method="PUT",
        path=f"/nodes/{node.uuid}/states/power",
        changes="node",
        key=node.uuid,
        body={"target": POWER_OFF},
    )
    return (request,), f"node {node.name} to be powered off"
