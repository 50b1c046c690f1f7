# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a node would not boot from its volume: every reason, where a plan stops at the first. Pure.

The rules are those by which the resources refuse; here they are only asked, and put under their subjects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...resources.node import connector, deployment, hardware, target, target_properties
from ...resources.node import record as nodes
from ...resources.node.connector import Connector, Key
from ...resources.node.hardware import Hardware
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.volume.record import Volume
from ...values import capabilities


@dataclass(frozen=True)
class Setup:
    """What decides whether a node boots from its volume.

    ``taken`` are the connectors of all nodes by what must be unique of them, ``volumes`` those of Cinder by their ids: None where
    Cinder was not asked.
    """

    node: Node
    connectors: Sequence[Connector] = ()
    targets: Sequence[Target] = ()
    taken: Mapping[Key, Sequence[Connector]] = field(default_factory=dict, repr=False)
    volumes: Mapping[str, Volume] | None = None
    hardware: Hardware = field(default_factory=Hardware, repr=False)

    @property
    def boots_by(self) -> str:
        """The type of the volume that the node boots from; where it has none, the type that its capabilities announce."""
        fibre = self._has("fibre_channel_boot") and not self._has("iscsi_boot")
        announced = "fibre_channel" if fibre else "iscsi"
        return next((one.volume_type for one in self.targets if one.boot_index == 0), announced)

    def _has(self, capability: str) -> bool:
        return capabilities.is_true(self.node.capabilities, capability)


def reasons(setup: Setup) -> list[str]:
    """Every reason why the node would not boot from its volume, each in one line with what to do; none for one that is ready."""
    return [*of_machine(setup), *_of_targets(setup)]


def of_machine(setup: Setup) -> list[str]:
    """Those of the reasons that are not about its disks."""
    return [*_of_node(setup), *_of_connectors(setup)]


def _of_node(setup: Setup) -> Iterator[str]:
    node = setup.node
    yield from deployment.obstacles(node)
    if not deployment.is_deployed(node):
        yield from nodes.nova_obstacles(node)
    yield from nodes.storage_obstacles(node)
    yield from nodes.capability_obstacles(node)
    yield from nodes.boot_capability_obstacles(node, setup.boots_by)
    yield from nodes.interface_obstacles(node, setup.boots_by)
    yield from hardware.obstacles(node, setup.hardware)


def _of_connectors(setup: Setup) -> Iterator[str]:
    types = {setup.boots_by, *(one.volume_type for one in setup.targets)}
    yield from connector.obstacles(setup.connectors, setup.node, types, setup.taken)


def _of_targets(setup: Setup) -> Iterator[str]:
    if not any(one.boot_index == 0 for one in setup.targets):
        yield "there is no volume target with boot_index 0 to boot from. Make one (bfv.openstack.volume_target)."
    if not setup.node.heeds_targets:
        return  # what they need depends on the storage interface that is to come
    for one in sorted(setup.targets, key=lambda one: one.boot_index):
        for obstacle in (
            *target.obstacles(setup.node, one),
            *target.hidden_obstacles(setup.node, one),
            *target_properties.portal_obstacles(one.properties),
            *target.volume_obstacles(setup.node, one.boot_index, one.volume_id, setup.volumes),
        ):
            yield f"volume target {one.boot_index}: {obstacle}"
