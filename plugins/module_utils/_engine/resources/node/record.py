# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare-metal node as the other resources see it, and the rules of its states that they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...cloud import microversions
from ...cloud.connection import Cloud
from ...cloud.service import Json, Service, short
from ...values import boot_interfaces, capabilities, permits, references, secrets
from ...values.errors import Refused, refuse
from ...values.ironic import OF_TODAY, Ironic
from ...values.paths import path_of
from ...values.permits import Permit
from ...values.plan import Plan, Request, Still
from . import states

# What Ironic is asked for of a node: nothing here is a secret but instance_info, of which one key is kept, and that there is another.
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
# 1.42 brought the fault, 1.46 the conductor group, 1.48 protected and 1.61 retired.
_LATER_FIELDS = ("fault", "conductor_group", "protected", "retired")

# Ironic's own rule (ironic/common/utils.py, is_valid_logical_name), without . and .. that lead elsewhere in a path.
_NAME = re.compile(r"(?!\.{1,2}$)[\w.~-]+", re.ASCII)

POWER_OFF = "power off"
# ironic/common/states.py: where a connector or target may be deleted whatever the power state is.
_RECORDS_MAY_GO = ("enroll", "manageable", "adopt failed")
# ironic/common/states.py: where no machine runs that anybody would miss. Adoption is for machines that run already: not adopt failed.
_NO_MACHINE_RUNS = ("enroll", "manageable", "available", "inspect failed", "clean failed", "deploy failed")
# Deploy interfaces that do not boot a volume: ramdisk boots its ramdisk, the others never look at the targets.
_NOT_FROM_VOLUME = ("ramdisk", "anaconda", "ansible", "noop")
_STORAGE_OF_VOLUMES = ("cinder", "external")
_WRITE_CAPABILITIES = "Write them anew (baremetal node set --property capabilities=name:value,name:value)"
BOOT_CAPABILITY = {"iscsi": "iscsi_boot", "fibre_channel": "fibre_channel_boot"}


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
    fault: str | None = None
    protected: bool = False
    retired: bool = False
    conductor_group: str = ""
    is_allocated: bool = False  # its instance_uuid is that of an allocation of Ironic
    is_novas: bool = True  # its instance_uuid, if there is one, is that of a server: taken for granted until it is known
    storage_interface: str = "noop"
    boot_interface: str = ""
    deploy_interface: str = ""
    capabilities_are: str = capabilities.TEXT  # or another form of values/capabilities.py, which Ironic keeps and cannot read
    capabilities: str | None = None
    image_source: str | None = None
    config_drive: bool = False  # that instance_info has one
    ironic: Ironic = OF_TODAY

    @property
    def holders(self) -> tuple[str, ...]:
        """The ids under which Ironic attaches volumes to the node (ironic/common/cinder.py, attach_volumes)."""
        return (self.uuid, self.instance_uuid) if self.instance_uuid else (self.uuid,)

    @property
    def heeds_targets(self) -> bool:
        """Whether the node's storage interface looks at its volume targets."""
        return self.storage_interface in _STORAGE_OF_VOLUMES

    @property
    def has_nothing_else(self) -> bool:
        """Whether nothing but a volume could have been deployed to the node: no image, and no deploy interface that needs none."""
        return self.image_source is None and self.deploy_interface not in _NOT_FROM_VOLUME

    @property
    def boots_iscsi(self) -> bool:
        """Whether the node is set up to boot from an iSCSI volume."""
        return self.heeds_targets and capabilities.is_true(self.capabilities, "iscsi_boot")


def from_api(node: Mapping[str, Any], ironic: Ironic = OF_TODAY) -> Node:
    """A node out of the JSON of that Ironic."""
    text, form = capabilities.read((node["properties"] or {}).get("capabilities"))
    return Node(
        uuid=node["uuid"],
        name=node["name"] or node["uuid"],
        driver=node["driver"],
        power_state=node["power_state"],
        provision_state=node["provision_state"] or "available",  # before API 1.2 available was None
        last_error=node["last_error"],
        instance_uuid=node["instance_uuid"],
        maintenance=node["maintenance"],
        fault=node.get("fault"),
        protected=bool(node.get("protected")),
        retired=bool(node.get("retired")),
        conductor_group=node.get("conductor_group") or "",
        storage_interface=node["storage_interface"] or "noop",
        boot_interface=node["boot_interface"] or "",
        deploy_interface=node["deploy_interface"] or "",
        capabilities=text,
        capabilities_are=form,
        image_source=_image_source(node["instance_info"] or {}),
        config_drive="configdrive" in (node["instance_info"] or {}),
        ironic=ironic,
    )


def _image_source(instance_info: Mapping[str, Any]) -> str | None:
    """None only where there is no such key: Ironic writes an image as soon as there is one, also without a value."""
    if "image_source" not in instance_info:
        return None
    return secrets.without_credentials(str(instance_info["image_source"] or ""))


def find(cloud: Cloud, name: str) -> Node | None:
    """The node of that name or UUID, or None where there is none."""
    if not _NAME.fullmatch(name):
        return None
    ironic, fields = reading(cloud)
    record = read(ironic, name, fields)
    return from_api(record, cloud.ironic) if record else None


def reading(cloud: Cloud) -> tuple[Service, tuple[str, ...]]:
    """Ironic as it tells of nodes, and the fields that it knows."""
    if not cloud.baremetal.offers(microversions.BAREMETAL_DETAILS):
        return cloud.baremetal, FIELDS
    return cloud.baremetal.at(microversions.BAREMETAL_DETAILS), FIELDS + _LATER_FIELDS


def read_all(cloud: Cloud) -> list[Node]:
    """Every node: one request for a page of 1000."""
    service, fields = reading(cloud)
    ironic = cloud.ironic
    return [from_api(one, ironic) for one in service.list("/nodes", "nodes", "read the nodes", fields=",".join(fields))]


def read_short(cloud: Cloud, below: int) -> list[Node] | None:
    """Every node where there are fewer than so many, else None."""
    service, fields = reading(cloud)
    records = short(service, "/nodes", "nodes", "read the nodes", below, fields=",".join(fields))
    return None if records is None else [from_api(one, cloud.ironic) for one in records]


def changed(was: Node, answer: Mapping[str, Any]) -> Node:
    """The node as the answer to its change tells it, which comes at the oldest microversion and so without some fields."""
    kept = {name: getattr(was, name) for name in (*_LATER_FIELDS, "is_allocated", "is_novas")}
    return replace(from_api(answer, was.ironic), **kept)


def read(ironic: Service, name: str, fields: Iterable[str]) -> Json | None:
    """These fields of the node of that name or UUID, or None where there is none."""
    if not _NAME.fullmatch(name):
        return None
    return ironic.find(path_of("nodes", name), f"read node {name}", fields=",".join(fields))


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


def named(node: Node, label: str, option: str = "") -> Permit:
    """The right to what the task asks for of a node. ``label`` is what the task calls it: Ironic's database may compare without case."""
    reference = node.uuid if label.lower() == node.uuid else label
    if not references.means(reference, node.uuid, node.name):
        raise Refused(
            f"Failed to find node {label}: Ironic answers with node {node.name} ({node.uuid}). Write its name as Ironic does."
        )
    return permits.named(reference, [(node.uuid, node.name)], option)


def still(node: Node) -> Still:
    """Nobody has begun anything with the node since it was looked at."""
    return Still(path_of("nodes", node.uuid), {"provision_state": node.provision_state, "instance_uuid": node.instance_uuid})


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
            f"Set boot_interface to {' or '.join(boot_interfaces.of(node.ironic))}."
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


def check_capabilities_known(node: Node, what: str) -> None:
    """Refuse to write capabilities where those that are there were not understood: what was read with loss is never written back."""
    if node.capabilities_are == capabilities.OTHER:
        raise Refused(
            f"Failed to {what}: its capabilities are no text that Ironic can read, and would be lost. {_WRITE_CAPABILITIES}."
        )


def capability_obstacles(node: Node) -> Iterator[str]:
    """Why Ironic's deployment cannot read the node's capabilities (ironic/drivers/utils.py, capabilities_to_dict)."""
    if node.capabilities_are == capabilities.OBJECT:
        yield (
            "its capabilities are an object, and Ironic reads text. "
            "Set one (bfv.openstack.baremetal_node_storage), which makes text of them all."
        )
    if node.capabilities_are == capabilities.OTHER:
        yield f"its capabilities are no text that Ironic can read. {_WRITE_CAPABILITIES}."
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
    name = BOOT_CAPABILITY.get(volume_type)
    if node.capabilities_are != capabilities.TEXT:
        return  # nothing of them is read, which capability_obstacles says
    if name and not capabilities.is_true(node.capabilities, name):
        yield f"its capabilities have no {name}:True. Set {name} (bfv.openstack.baremetal_node_storage)."


def nova_obstacles(node: Node, advice: str = "Use a server that boots from the volume instead") -> Iterator[str]:
    """Why the node's targets are not ours: Nova makes and deletes those of its nodes itself."""
    if node.instance_uuid and node.is_novas:
        yield (
            f"the node belongs to Nova (instance {node.instance_uuid}), which makes and removes its volume targets itself. "
            f"{advice}. Where no Nova uses this node, say so (without_nova=true)."
        )


def may_update_records(node: Node) -> bool:
    """Whether Ironic updates the node's connectors and targets: only at exactly "power off".

    Source: ironic/conductor/manager.py, update_volume_connector and update_volume_target. A new node's power state is None.
    """
    return node.power_state == POWER_OFF


def may_delete_records(node: Node) -> bool:
    """Whether Ironic deletes the node's connectors and targets: when powered off, and most in the states before available too.

    Source: ironic/conductor/manager.py, destroy_volume_connector and destroy_volume_target.
    """
    may_stay_on = node.provision_state in _RECORDS_MAY_GO and not node.ironic.removes_only_when_off
    return node.power_state == POWER_OFF or may_stay_on


def when_off(plan: Plan, node: Node, label: str, what: str, *, permitted: bool) -> Plan:
    """The plan as it is for the node powered off, behind the step that powers it off. Raises Refused where that is not permitted."""
    steps = (_power_off(node, label, what, permitted=permitted),)
    return replace(plan, steps=steps, waiting=f"node {node.name} to be powered off", then=tuple(plan.requests))


def _power_off(node: Node, label: str, what: str, *, permitted: bool) -> Request:
    why = f"Failed to {what}: Ironic allows it only while the node is powered off, and"
    if node.instance_uuid and node.is_novas:
        raise Refused(f"{why} it runs a server of Nova ({node.instance_uuid}). Stop that server first.")
    if node.provision_state not in _NO_MACHINE_RUNS:
        raise Refused(
            f"{why} its provision state is {node.provision_state}, so that a machine may run on it. "
            "Undeploy it first, or shut the machine down and power the node off yourself (baremetal node power off)."
        )
    if node.fault == states.POWER_FAILURE:
        raise Refused(
            f"{why} Ironic does not reach its controller (power failure). Repair its power interface (driver_info) first."
        )
    if not permitted:
        raise Refused(
            f"{why} the power state is {node.power_state or 'unknown'} (provision state {node.provision_state}). "
            "Power the node off, or permit it with power_off=true."
        )
    return Request(
        what=f"power off node {node.name} ({node.uuid})",
        service="baremetal",
        method="PUT",
        path=path_of("nodes", node.uuid, "states", "power"),
        changes="node",
        key=node.uuid,
        body={"target": POWER_OFF},
        permits=(named(node, label, "power_off"),),
        still=still(node),
    )
