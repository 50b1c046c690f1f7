#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baremetal_node_storage
short_description: Set up how a bare-metal node gets at its storage
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Sets the storage interface, the boot interface and the capabilities of an Ironic node, and removes the image that would be written to its disk.
  - Every option that is left out leaves the node as it is.
  - Capabilities are merged. The others that the node has, and their order, stay.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  node:
    description:
      - Name or UUID of the node.
    type: str
    required: true
  storage_interface:
    description:
      - V(cinder) attaches volumes of Cinder, V(external) boots from any iSCSI target, V(noop) ignores volume targets.
      - V(reset) gives the node the default of its conductor.
      - Ironic changes it only in the states C(enroll), C(inspecting), C(inspect wait), C(manageable) and C(available), or in maintenance.
    type: str
    choices: [cinder, external, noop, reset]
  boot_interface:
    description:
      - The node's boot interface.
      - V(ipxe) and V(http-ipxe) (Ironic 24.1 and newer) boot iSCSI volumes. On Ironic before 36.0.0 V(ilo-ipxe), V(ilo-virtual-media) and
        V(irmc-virtual-media) do as well.
    type: str
  capabilities:
    description:
      - Capabilities to set, by name. A value of V(null) removes the name; names that are not given stay.
      - Neither a name nor a value may hold a comma, a colon or a space.
    type: dict
  iscsi_boot:
    description:
      - The capability C(iscsi_boot), without which Ironic does not boot an iSCSI volume.
    type: bool
  fibre_channel_boot:
    description:
      - The capability C(fibre_channel_boot).
    type: bool
  boot_mode:
    description:
      - The capability C(boot_mode).
    type: str
    choices: [bios, uefi]
  image_source:
    description:
      - V(absent) removes C(image_source) from the node's C(instance_info).
        While it is there, even empty, Ironic writes that image to the local disk in place of booting from the volume.
    type: str
    choices: [absent]
  validate:
    description:
      - Whether to have Ironic validate the node afterwards. The module fails when the C(storage) interface is not in order.
      - In check mode a node that would be changed is not validated.
    type: bool
    default: false
seealso:
  - module: bfv.openstack.volume_connector
  - module: bfv.openstack.volume_target
  - module: bfv.openstack.baremetal_fleet
"""

EXAMPLES = r"""
- name: Let a node boot from Cinder volumes over iSCSI
  bfv.openstack.baremetal_node_storage:
    cloud: baremetal-admin
    node: rack3-node07
    storage_interface: cinder
    boot_interface: ipxe
    iscsi_boot: true
    boot_mode: uefi
    image_source: absent

- name: Ask Ironic whether the node is ready
  bfv.openstack.baremetal_node_storage:
    cloud: baremetal-admin
    node: rack3-node07
    validate: true

- name: Give the node back to local disks
  bfv.openstack.baremetal_node_storage:
    cloud: baremetal-admin
    node: rack3-node07
    storage_interface: reset
    capabilities:
      iscsi_boot: null

- name: Let a node boot by fibre channel from an array that Cinder drives
  bfv.openstack.baremetal_node_storage:
    cloud: baremetal-admin
    node: rack4-node01
    storage_interface: cinder
    fibre_channel_boot: true
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - "set up the storage of node rack3-node07: storage_interface noop -> cinder"
  version_added: 1.0.0
node:
  description: The node as it is now, or in check mode as it was.
  returned: success
  type: dict
  contains:
    uuid:
      description: UUID of the node.
      type: str
      sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
    name:
      description: Name of the node, or its UUID where it has none.
      type: str
      sample: rack3-node07
    provision_state:
      description: Provision state of the node.
      type: str
      sample: available
    power_state:
      description: Power state of the node, V(null) where Ironic does not know it.
      type: str
      sample: power off
    storage_interface:
      description: Storage interface of the node.
      type: str
      sample: cinder
    boot_interface:
      description: Boot interface of the node.
      type: str
      sample: ipxe
    capabilities:
      description: Capabilities of the node by name.
      type: dict
      sample: {boot_mode: uefi, iscsi_boot: "True"}
    image_source:
      description: The image that Ironic would write to the node's disk, V(null) where there is none.
      type: str
      sample:
validation:
  description: What Ironic says of each interface.
  returned: when O(validate=true)
  type: dict
  sample:
    storage: {result: true, reason: null}
"""

from collections.abc import Mapping

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.connection import Cloud
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import NODE, NODE_STORAGE, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage as node_storage
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import validation
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {
    **NODE,
    **NODE_STORAGE,
    "image_source": {"type": "str", "choices": ["absent"]},
    "validate": {"type": "bool", "default": False},
}


def validate(cloud: Cloud, want: node_storage.Wanted, found: node_storage.Found) -> Mapping[str, object]:
    """Ironic's own check, where it is asked for."""
    if not want.validate:
        return {}
    said = validation.ask(cloud, found.node.uuid, found.node.name)
    validation.check(said, found.node.name, ("storage",))
    return {"validation": said}


def main() -> None:
    run(OPTIONS, node_storage, report=validate)


if __name__ == "__main__":
    main()
