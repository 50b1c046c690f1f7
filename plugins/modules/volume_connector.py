#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_connector
short_description: Manage the volume connectors of a bare-metal node
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Creates, changes and removes a volume connector of an Ironic node, that is an initiator by which the storage knows the node.
  - A node has one connector of the type V(iqn) at the most, because with several Ironic tells Cinder the first and iPXE the last.
    One that is there with another identifier is changed. Connectors of the other types are told apart by their identifiers.
  - Connectors survive an undeployment of the node.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
  - bfv.openstack.without_nova
options:
  node:
    description:
      - Name or UUID of the node.
    type: str
    required: true
  type:
    description:
      - What the identifier is.
      - Cinder uses V(iqn), V(ip), V(wwnn) and V(wwpn); Nova uses V(mac) and V(ip) as well; nobody uses V(port) and V(portgroup).
    type: str
    choices: [iqn, ip, mac, wwnn, wwpn, port, portgroup]
    default: iqn
  connector_id:
    description:
      - The identifier, in the form that its type has. An identifier is unique in a whole Ironic.
      - V(auto) is for the type V(iqn). It keeps the connector that is there, and makes one from O(iqn_prefix) and the node's UUID where there is none.
        With O(state=absent) it means the only connector of its type.
    type: str
    default: auto
  iqn_prefix:
    description:
      - What stands before the node's UUID in an identifier that is made up. The end counts, so give the dot or colon as well.
    type: str
    default: iqn.2017-08.org.openstack.
  extra:
    description:
      - Notes to keep with the connector, by name. A value of V(null) removes the name; names that are not given stay.
    type: dict
  state:
    description:
      - Whether the connector is there.
    type: str
    choices: [present, absent]
    default: present
  power_off:
    description:
      - Permits to power the node off where Ironic demands it. It stays off.
      - Ironic changes a connector only when the node is powered off, and removes it then or in the states C(enroll), C(manageable) and C(adopt failed).
      - Ironic before 37.0 demands it in those states too, and no version tells whether it does. The module then takes its answer for it, so that check
        mode tells of no power off there.
      - It powers off no node on which a machine may run. The node must be C(enroll), C(manageable), C(available), C(inspect failed),
        C(clean failed) or C(deploy failed), and none of Nova's, and it is read once more directly before. Elsewhere undeploy the node first, have
        Nova stop the server, or shut the machine down and power the node off yourself.
    type: bool
    default: false
seealso:
  - module: bfv.openstack.volume_target
  - module: bfv.openstack.baremetal_node_storage
"""

EXAMPLES = r"""
- name: Give a node an iSCSI initiator name
  bfv.openstack.volume_connector:
    cloud: baremetal-admin
    node: rack3-node07

- name: Give a node the initiator name that the storage array knows
  bfv.openstack.volume_connector:
    cloud: baremetal-admin
    node: rack3-node07
    connector_id: iqn.2026-01.org.example:rack3-node07

- name: Make up the initiator name with a prefix of your own, and note who asked for it
  bfv.openstack.volume_connector:
    cloud: baremetal-admin
    node: rack3-node07
    iqn_prefix: "iqn.2026-01.org.example:"
    extra:
      ticket: "4711"

- name: Register a fibre channel port
  bfv.openstack.volume_connector:
    cloud: baremetal-admin
    node: rack3-node07
    type: wwpn
    connector_id: "50:01:43:80:24:21:3f:aa"

- name: Remove the initiator name
  bfv.openstack.volume_connector:
    cloud: baremetal-admin
    node: rack3-node07
    state: absent
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - create the iqn connector of node rack3-node07 as iqn.2017-08.org.openstack.1be26c0b-03f2-4d2e-ae87-c02d7f33c123
  version_added: 1.0.0
connector:
  description: The connector as it is now, or in check mode as it was. V(null) where there is none.
  returned: success
  type: dict
  contains:
    uuid:
      description: UUID of the connector.
      type: str
      sample: 9bf93e01-d728-47a3-ad4b-5e66a835037c
    node_uuid:
      description: UUID of its node.
      type: str
      sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
    type:
      description: What the identifier is.
      type: str
      sample: iqn
    connector_id:
      description: The identifier.
      type: str
      sample: iqn.2017-08.org.openstack.1be26c0b-03f2-4d2e-ae87-c02d7f33c123
    extra:
      description: Notes kept with the connector.
      type: dict
      sample: {}
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import (
    CONNECTOR,
    IQN_PREFIX,
    NODE,
    POWER_OFF,
    STATE,
    WITHOUT_NOVA,
    Options,
)
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {**NODE, **CONNECTOR, **IQN_PREFIX, **STATE, **POWER_OFF, **WITHOUT_NOVA}


def main() -> None:
    run(OPTIONS, connector)


if __name__ == "__main__":
    main()
