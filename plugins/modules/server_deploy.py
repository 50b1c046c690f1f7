#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_deploy
short_description: The task of the role server_deploy
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - The role P(bfv.openstack.server_deploy#role) consists of this task. Use the role, or M(bfv.openstack.server_fleet) for a list of servers that
    are no hosts.
  - What is wanted of the hosts is in their variables, which the role explains. They are held against its argument spec here, for each host.
  - The task of the host that comes first makes one call of M(bfv.openstack.server_fleet) for all hosts of the batch that come to the task. The tasks
    of the others wait for it, and each host gets its own result, its own diff and its own failure.
  - Only a host that comes to the task for certain is taken along - one for which the conditions of the task, and of what included it, hold, and of
    which the same task has failed before and was rescued as of the first one, or none. The others have a call of their own. With the
    strategy V(free), and in a loop of C(include_role), each host has.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.attributes.action_group
  - bfv.openstack.attributes.role_task
seealso:
  - module: bfv.openstack.server_fleet
"""

EXAMPLES = r"""
- name: Bring the server where it should be
  bfv.openstack.server_deploy:
  delegate_to: localhost
  register: server_deploy_result
"""

RETURN = r"""
actions:
  description: What was written, as RV(bfv.openstack.server_fleet#module:servers).
  returned: always
  type: list
  elements: str
  sample: [create server web-1 from volume web-1-root]
differs:
  description: What of the server and its volumes is not as asked for, as RV(bfv.openstack.server_fleet#module:servers).
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: Why the server failed. Empty if it did not.
  returned: always
  type: str
  sample: ""
server:
  description: The server as M(bfv.openstack.bfv_server) returns it. V(null) where there is none.
  returned: unless the host failed
  type: dict
  sample: {name: web-1, status: ACTIVE, addresses: [192.0.2.17]}
volume:
  description: The boot volume as M(bfv.openstack.bfv_volume) returns it. V(null) where there is none.
  returned: as RV(server)
  type: dict
  sample: {name: web-1-root, status: in-use, size: 20}
kept_boot_volume:
  description: See RV(bfv.openstack.bfv_server#module:kept_boot_volume). V(null) where none was exchanged.
  returned: as RV(server)
  type: dict
  sample:
volumes:
  description: Those of C(server_deploy_volumes) as M(bfv.openstack.bfv_volume) returns them.
  returned: as RV(server)
  type: list
  elements: dict
  sample: []
history:
  description: What happened to the server and when, in seconds since the call began. Empty in check mode, and where there was nothing to do.
  returned: as RV(server)
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
      sample: create server web-1 from volume web-1-root
"""
