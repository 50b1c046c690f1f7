#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: conductor_config
short_description: Set options in the configuration of an Ironic conductor
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Enables storage and boot interfaces on a conductor, and sets other options, in one file of its configuration.
  - It runs on the conductor's host, as a user who may write that file, and asks no cloud. An override of kolla-ansible is
    changed on the host where kolla-ansible runs.
  - Interfaces that are enabled stay enabled. What is asked for is added, and a default is always among the enabled ones.
  - Comments, order and all other options of a file stay. A line whose place is taken stays beside it as a comment, and comes back with O(state=absent).
  - An option that the module has set has a mark with a digest before it. One that somebody has changed by hand since is taken for somebody else's.
  - The diff shows what the module sets and takes back, and no other line of the file.
  - The new text is checked before it is written, by C(oslo-config-validator) and by what Ironic's own Python makes of the values.
    Interfaces that are not installed, values of a wrong type, unknown options and incomplete credentials are refused, and the file is left as it is.
    What is wrong already before the change is a warning.
  - The module restarts nothing. It keeps the file as it was until a run with O(state=settled) or O(state=restored).
    The role P(bfv.openstack.conductor_storage#role) does all of this.
requirements:
  - Python 3.9 or newer on the host of the conductor, where the module runs. No library is needed there.
seealso:
  - module: bfv.openstack.conductor_info
extends_documentation_fragment:
  - ansible.builtin.files
  - bfv.openstack.attributes
options:
  path:
    description:
      - The file to set the options in.
    type: path
    required: true
  read:
    description:
      - All files and folders that the conductor reads its configuration from, in this order. Of a folder these are the sorted C(*.conf).
      - Only O(path) when left out.
    type: list
    elements: path
    default: []
  environment:
    description:
      - Options that the conductor's environment sets, as M(bfv.openstack.conductor_info) names them. These win over every file, and setting one of them
        is refused.
    type: list
    elements: str
    default: []
    version_added: 1.0.0
  own:
    description:
      - Whether O(path) is a file that the module makes for these options. Without options there is no such file, unless somebody has added to it.
        Somebody else's file is refused.
    type: bool
    default: false
  create:
    description:
      - Whether to make O(path) where it does not exist. Only its owner can read it where O(mode) does not say otherwise.
    type: bool
    default: false
  template:
    description:
      - Whether O(path) is read by Jinja before it becomes a file, as the overrides of kolla-ansible are. Values with C({{), C({%) or C({#) are refused
        then.
      - A file that holds expressions or statements of Jinja itself is refused in any case, since nobody knows yet what it will say.
    type: bool
    default: false
    version_added: 1.0.0
  state:
    description:
      - V(present) sets the options, V(absent) takes back what the module has set.
      - V(settled) tells that the conductor works with the file, so that what was there before is kept no longer.
      - V(restored) puts back the file as it was when it was last settled. It is refused where somebody has edited the file since it was changed.
    type: str
    choices: [present, absent, settled, restored]
    default: present
  storage_interfaces:
    description:
      - Storage interfaces to enable, such as V(cinder) and V(external).
    type: list
    elements: str
  default_storage_interface:
    description:
      - The storage interface of new nodes.
    type: str
  boot_interfaces:
    description:
      - Boot interfaces to enable. Only V(ipxe) and V(http-ipxe) boot from iSCSI volumes.
    type: list
    elements: str
  default_boot_interface:
    description:
      - The boot interface of new nodes.
    type: str
  options:
    description:
      - Other options, by section and name. Lists are joined by commas; V(null) leaves an option alone.
      - They are written as they are, so that C($my_ip) means what it does in a file.
    type: dict
    default: {}
  secrets:
    description:
      - Options whose values are never shown, by section and name. They are taken literally, C($) included.
    type: dict
    default: {}
  python:
    description:
      - The command that runs the Python that Ironic is installed in, with its arguments.
      - When left out, values are not checked, and O(read) has to hold the lists to add to.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description:
      - In check mode the module reads and checks, and reports what it would change.
"""

EXAMPLES = r"""
- name: Enable storage interface external in a file beside ironic.conf
  bfv.openstack.conductor_config:
    path: /etc/ironic/ironic.conf.d/50-bfv.conf
    read: [/etc/ironic/ironic.conf, /etc/ironic/ironic.conf.d]
    own: true
    create: true
    group: ironic
    mode: "0640"
    storage_interfaces: [external]
    python: [/usr/bin/python3]

- name: Look at the conductor
  bfv.openstack.conductor_info:
  register: conductor

- name: Enable storage interface external, with what that has found
  bfv.openstack.conductor_config:
    path: "{{ conductor.config_files | last }}"
    read: "{{ conductor.reads }}"
    environment: "{{ conductor.environment }}"
    python: ["{{ conductor.python }}"]
    storage_interfaces: [external]

- name: Give Ironic a user in Cinder, in ironic.conf itself
  bfv.openstack.conductor_config:
    path: /etc/ironic/ironic.conf
    options:
      cinder:
        auth_type: password
        auth_url: https://keystone.example.org/v3
        username: ironic
        user_domain_name: Default
        project_name: service
        project_domain_name: Default
    secrets:
      cinder:
        password: "{{ vault_ironic_password }}"
    python: [/opt/ironic/bin/python3]

- name: Enable a boot interface as well, and make it the one of new nodes
  bfv.openstack.conductor_config:
    path: /etc/ironic/ironic.conf
    boot_interfaces: [ipxe, http-ipxe]
    default_boot_interface: http-ipxe
    python: [/opt/ironic/bin/python3]

- name: Set them in an override of kolla-ansible, which Jinja reads first
  bfv.openstack.conductor_config:
    path: /etc/kolla/config/ironic.conf
    create: true
    template: true
    read: [/etc/kolla/ironic-conductor/ironic.conf, /etc/kolla/config/ironic.conf]
    storage_interfaces: [external]
    default_storage_interface: external

- name: Keep the file as it was before no longer, since the conductor works
  bfv.openstack.conductor_config:
    path: /etc/ironic/ironic.conf
    state: settled

- name: Take all of it back
  bfv.openstack.conductor_config:
    path: /etc/ironic/ironic.conf
    state: absent
    python: [/opt/ironic/bin/python3]
"""

RETURN = r"""
actions:
  description: What was written, in words; in check mode what would be.
  returned: always
  type: list
  elements: str
  sample:
    - set [DEFAULT] enabled_storage_interfaces in /etc/ironic/ironic.conf
  version_added: 1.0.0
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/ironic/ironic.conf.d/50-bfv.conf
host:
  description: The name that the conductor goes by in Ironic's API. V(null) where O(python) is not given and no file tells it.
  returned: O(state=present) and O(state=absent)
  type: str
  sample: conductor-0.example.org
interrupted:
  description: Whether an earlier change has not been settled. Then the conductor may run with other options than the file's.
  returned: O(state=present) and O(state=absent)
  type: bool
  sample: false
enabled_storage_interfaces:
  description: The storage interfaces that are enabled with this file, or would be.
  returned: O(state=present) and O(state=absent)
  type: list
  elements: str
  sample: [cinder, noop, external]
enabled_boot_interfaces:
  description: The boot interfaces that are enabled with this file, or would be.
  returned: O(state=present) and O(state=absent)
  type: list
  elements: str
  sample: [ipxe, pxe, http-ipxe]
gid:
  description: Id of the file's group.
  returned: when the file is there
  type: int
  sample: 42
group:
  description: The file's group.
  returned: when the file is there
  type: str
  sample: ironic
mode:
  description: The file's mode.
  returned: when the file is there
  type: str
  sample: "0640"
owner:
  description: The file's owner.
  returned: when the file is there
  type: str
  sample: root
secontext:
  description: The file's SELinux context.
  returned: when the file is there, and the host has SELinux
  type: str
  sample: system_u:object_r:etc_t:s0
size:
  description: The file's size in bytes.
  returned: when the file is there
  type: int
  sample: 3416
state:
  description: What the file is for C(ansible.builtin.file).
  returned: always
  type: str
  sample: file
uid:
  description: Id of the file's owner.
  returned: when the file is there
  type: int
  sample: 0
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.conductor.run import run


def main() -> None:
    run()


if __name__ == "__main__":
    main()
