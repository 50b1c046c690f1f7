# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which bare-metal nodes are told of, and what."""

    DOCUMENTATION = r"""
options:
  filters:
    description:
      - Only nodes that are as every filter says. A text must be equal; of a list one value must be.
      - Ironic filters by itself, except by O(filters.ready), by O(filters.storage_interface) and by several values of
        O(filters.provision_state).
    type: dict
    suboptions:
      ready:
        description: Whether the node would boot from its volume.
        type: bool
      storage_interface:
        description: One of these storage interfaces, such as V(cinder).
        type: list
        elements: str
      provision_state:
        description: One of these provision states, such as V(available) or V(deploy failed).
        type: list
        elements: str
      maintenance:
        description: Whether the node is in maintenance.
        type: bool
      driver:
        description: The hardware type, such as V(redfish).
        type: str
      resource_class:
        description: The resource class. An empty text is none.
        type: str
      conductor_group:
        description: The conductor group. An empty text is the default group.
        type: str
      owner:
        description: Id of the project that owns the node. An empty text is none.
        type: str
      lessee:
        description: Id of the project that leases the node. An empty text is none.
        type: str
  volumes:
    description:
      - Whether Cinder is asked for the volumes of the targets as well. Without it O(filters.ready) is told from Ironic alone.
      - With the storage interface C(cinder), a volume that this user's project does not have is then a reason not to be ready.
    type: bool
    default: false
  checkpoints:
    description:
      - Whether Cinder is asked for the checkpoints of the nodes (M(bfv.openstack.boot_checkpoint)) as well. It is one list of the project's snapshots,
        however many nodes there are.
    type: bool
    default: false
    version_added: 1.0.0
"""
