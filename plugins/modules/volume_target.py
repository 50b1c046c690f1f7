#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_target
short_description: Manage the volume targets of a bare-metal node
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Creates, changes and removes a volume target of an Ironic node, that is a volume at a place of the node's boot order.
  - A target is known by its node and its O(boot_index). What is left out of a target that is there stays as it is.
  - Ironic checks nothing of a target before the node boots. The module refuses what could not boot before it changes anything.
  - Targets belong to one deployment. Ironic removes all of them when the node is undeployed, so they are made again before the next one.
  - Targets of a node that Nova has deployed are refused, because Nova makes and removes them itself.
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
  boot_index:
    description:
      - The place in the boot order. V(0) is the volume that the node boots from.
    type: int
    default: 0
  volume_type:
    description:
      - How the volume is reached. A new target has V(iscsi) when it is left out.
    type: str
    choices: [iscsi, fibre_channel]
  volume:
    description:
      - Name or id of a volume in Cinder. It must be there, and bootable for O(boot_index=0); attached elsewhere it must be multiattach.
      - Mutually exclusive with O(volume_id).
    type: str
  volume_id:
    description:
      - Id of the volume as the storage knows it, of 36 characters at the most. It is not looked up.
      - Needed for a new target where O(volume) is left out.
    type: str
  target_iqn:
    description:
      - iSCSI name of the storage's target.
      - With the storage interface C(cinder) Cinder gives IQN, portal, LUN and CHAP when the volume is attached; with C(external) the first three must
        be given.
    type: str
  target_portal:
    description:
      - Address and port at which the storage's target listens, such as V(192.0.2.10:3260).
      - A target that has O(target_portals) loses them.
    type: str
  target_portals:
    description:
      - The addresses and ports of several paths, in place of O(target_portal). All of them must lead to the one O(target_iqn) and O(target_lun).
      - iPXE connects to all of them at once, and the machine boots by the one that answers first. One that does not answer does no harm; one whose
        name cannot be resolved, or to which the machine has no route, keeps it from booting at all.
      - Ironic keeps them as the property C(target_portals). A target that has O(target_portal) loses that.
      - Mutually exclusive with O(target_portal).
    type: list
    elements: str
    version_added: 1.0.0
  target_lun:
    description:
      - Logical unit number of the volume.
    type: int
  chap_username:
    description:
      - User name for CHAP.
      - With the storage interface C(external), every iSCSI target but the boot volume needs it, and O(chap_password), even if empty.
      - With C(external), a target with a user and without O(chap_password) is not created.
    type: str
  chap_password:
    description:
      - Password for CHAP. Ironic never shows it again, see O(update_password).
    type: str
  properties:
    description:
      - Further properties by name, as Ironic keeps them. A value of V(null) removes the name; names that are not given stay.
      - The options above are C(target_iqn), C(target_portal), C(target_portals), C(target_lun), C(auth_username) and C(auth_password) there.
      - C(target_iqns) and C(target_luns) are lists of which Ironic takes the first, where C(target_iqn) and C(target_lun) are not there. Given, they take
        the place of these; with several portals all of their items must be the same.
    type: dict
  update_password:
    description:
      - When to write the password of a target that is there.
      - V(on_create) writes it only with a new target.
      - V(always) writes it in every run, so every run reports a change.
      - V(on_change) keeps a digest of it in the target's O(extra) and compares. A target without a digest is written once.
      - The digest (scrypt with a random salt) is renewed whenever the module writes the password, and knows nothing of what others write. Whoever may
        read the target in Ironic can try passwords against it, some a second. Use it for long random passwords only.
    type: str
    choices: [on_create, always, on_change]
    default: on_create
  extra:
    description:
      - Notes to keep with the target, by name. A value of V(null) removes the name; names that are not given stay.
    type: dict
  state:
    description:
      - Whether the target is there.
    type: str
    choices: [present, absent]
    default: present
  power_off:
    description:
      - Permits to power the node off where Ironic demands it. It stays off.
      - Ironic changes a target only when the node is powered off, and removes it then or in the states C(enroll), C(manageable) and C(adopt failed),
        where the module removes it and makes it again instead of changing it.
      - Ironic before 37.0 demands it in those states too, and no version tells whether it does. The module then takes its answer for it, so that check
        mode tells of no power off there.
      - It powers off no node on which a machine may run. The node must be C(enroll), C(manageable), C(available), C(inspect failed),
        C(clean failed) or C(deploy failed), and none of Nova's, and it is read once more directly before. Elsewhere undeploy the node first, have
        Nova stop the server, or shut the machine down and power the node off yourself.
    type: bool
    default: false
seealso:
  - module: bfv.openstack.bfv_volume
  - module: bfv.openstack.volume_connector
  - module: bfv.openstack.baremetal_node_storage
  - module: bfv.openstack.baremetal_fleet
"""

EXAMPLES = r"""
- name: Let a node boot from a volume of Cinder
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    volume_cloud: storage-project
    node: rack3-node07
    volume: rack3-node07-root

- name: Let a node boot from a LUN of a storage array, without Cinder
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    node: rack3-node08
    volume_id: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    target_iqn: iqn.2010-10.org.example:array.rack3-node08
    target_portal: 192.0.2.10:3260
    target_lun: 1
    chap_username: rack3-node08
    chap_password: "{{ vault_chap_password }}"
    update_password: on_change

- name: Let a node boot from a LUN that it reaches by two networks
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    node: rack3-node09
    volume_id: c0a0d4a5-4f2f-4a3e-8e26-0f6d3c9f7b51
    target_iqn: iqn.2010-10.org.example:array.rack3-node09
    target_portals:
      - 192.0.2.10:3260
      - 198.51.100.10:3260
    target_lun: 1

- name: Let a node boot by fibre channel from a volume of Cinder
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    volume_cloud: storage-project
    node: rack4-node01
    volume: rack4-node01-root
    volume_type: fibre_channel

- name: Remove a property that an old script wrote and nothing reads, and note who asked for it
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    node: rack3-node08
    properties:
      auth_method: null
    extra:
      ticket: "4711"

- name: Attach a data volume as well
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    volume_cloud: storage-project
    node: rack3-node07
    boot_index: 1
    volume: rack3-node07-data

- name: Take the data volume away again, for which Ironic wants the node powered off
  bfv.openstack.volume_target:
    cloud: baremetal-admin
    node: rack3-node07
    boot_index: 1
    state: absent
    power_off: true
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - create volume target 0 of node rack3-node07 with volume rack3-node07-root
  version_added: 1.0.0
target:
  description: The target as it is now, or in check mode as it was. V(null) where there is none. Secrets are masked.
  returned: success
  type: dict
  contains:
    uuid:
      description: UUID of the target.
      type: str
      sample: 91eef5c7-b2ac-4d8f-ae09-5b1b3b4e0a66
    node_uuid:
      description: UUID of its node.
      type: str
      sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
    boot_index:
      description: Its place in the boot order.
      type: int
      sample: 0
    volume_type:
      description: How the volume is reached.
      type: str
      sample: iscsi
    volume_id:
      description: Id of the volume.
      type: str
      sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    properties:
      description: What Ironic tells the machine about the way to the volume.
      type: dict
      sample:
        auth_password: "******"
        auth_username: rack3-node08
        target_iqn: iqn.2010-10.org.example:array.rack3-node08
        target_lun: 1
        target_portal: 192.0.2.10:3260
    extra:
      description: Notes kept with the target.
      type: dict
      sample: {}
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import (
    NODE,
    POWER_OFF,
    STATE,
    TARGET,
    WITHOUT_NOVA,
    Options,
)
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {**NODE, **TARGET, **STATE, **POWER_OFF, **WITHOUT_NOVA}


def main() -> None:
    run(OPTIONS, target, mutually_exclusive=[("volume", "volume_id"), ("target_portal", "target_portals")])


if __name__ == "__main__":
    main()
