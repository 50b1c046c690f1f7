#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baremetal_deploy
short_description: The task of the role baremetal_deploy
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - The role P(bfv.openstack.baremetal_deploy#role) consists of this task. Use the role, or M(bfv.openstack.baremetal_fleet) for a list of nodes that
    are no hosts.
  - What is wanted of the hosts is in their variables, which the role explains. They are held against its argument spec here, for each host.
  - The task of the host that comes first makes one call of M(bfv.openstack.baremetal_fleet) for all hosts of the batch that come to the task. The tasks
    of the others wait for it, and each host gets its own result, its own diff and its own failure.
  - Only a host that comes to the task for certain is taken along - one for which the conditions of the task, and of what included it, hold, and of
    which the same task has failed before and was rescued as of the first one, or none. The others have a call of their own. With the
    strategy V(free), and in a loop of C(include_role), each host has.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.attributes.action_group
  - bfv.openstack.attributes.role_task
options:
  stages_done:
    description:
      - Whether the role has done what comes before the call, checkpoints and a look at the disks. Without it a batch of which a host asks for
        one of these is told so (RV(stage)), and nothing else is done.
    type: bool
    default: false
seealso:
  - module: bfv.openstack.baremetal_fleet
"""

EXAMPLES = r"""
- name: Bring the node where it should be
  bfv.openstack.baremetal_deploy:
  delegate_to: localhost
  register: baremetal_deploy_result
"""

RETURN = r"""
actions:
  description: What was written, as RV(bfv.openstack.baremetal_fleet#module:nodes).
  returned: always
  type: list
  elements: str
  sample: [deploy node rack3-node07]
differs:
  description: What of its volumes is not as asked for, as RV(bfv.openstack.baremetal_fleet#module:nodes).
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: Why the node failed. Empty if it did not.
  returned: always
  type: str
  sample: ""
node:
  description: The node as M(bfv.openstack.baremetal_node_storage) returns it. C(null) where there is none.
  returned: unless the host failed, or RV(stage) is V(before)
  type: dict
  sample: {name: rack3-node07, provision_state: active, storage_interface: cinder}
connectors:
  description: The node's connectors as M(bfv.openstack.volume_connector) returns them.
  returned: as RV(node)
  type: list
  elements: dict
  sample: []
targets:
  description: The node's targets as M(bfv.openstack.volume_target) returns them. Secrets are masked.
  returned: as RV(node)
  type: list
  elements: dict
  sample: []
volumes:
  description: The wanted volumes as M(bfv.openstack.bfv_volume) returns them.
  returned: as RV(node)
  type: list
  elements: dict
  sample: []
history:
  description: What happened to the node and when, in seconds since the call began.
  returned: as RV(node)
  type: list
  elements: dict
  contains:
    at:
      description: When, in seconds since the call began.
      type: float
      sample: 0.812
    what:
      description: What happened.
      type: str
      sample: deploy node rack3-node07
stage:
  description:
    - What the role does next for the host. V(before) is what comes before the call, which has not been made then; V(wait_for) is to wait for the machine.
  returned: unless the variables of the host were refused
  type: str
  sample: ""
all_in_one_call:
  description: Whether all hosts of the batch were in this call.
  returned: always
  type: bool
  sample: true
stages_of_some:
  description: Whether a host of the batch may have a RV(stage).
  returned: always
  type: bool
  sample: false
sharers:
  description: The disks of an array, and the volumes, that other hosts ask for as well.
  returned: where RV(stage) is V(before)
  type: list
  elements: dict
  contains:
    host:
      description: The other host.
      type: str
      sample: rack3-node08
    target_iqn:
      description: The IQN of the target, as this host writes it.
      returned: where it is a disk of an array
      type: str
      sample: iqn.2010-10.org.example:array.rack3-node07
    target_lun:
      description: Its LUN.
      returned: where it is a disk of an array
      type: int
      sample: 1
    volume:
      description: The name or id of the volume.
      returned: where it is a volume of Cinder
      type: str
      sample: rack3-node07-root
"""
