#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: conductor_info
short_description: Look at the Ironic conductor of a host
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Tells by which systemd unit a conductor runs on this host, in which Python, which files it reads its configuration from, what its environment sets,
    and where it logs. It runs on the conductor's host, as root.
  - What a conductor that runs was started with is read from the kernel, since a unit may start a script that adds options. Of one that does not run, the
    unit tells.
  - The role P(bfv.openstack.conductor_storage#role) looks at this before it changes anything.
requirements:
  - Python 3.9 or newer on the host of the conductor, where the module runs. No library is needed there.
seealso:
  - module: bfv.openstack.conductor_config
extends_documentation_fragment:
  - bfv.openstack.attributes
options:
  service:
    description:
      - The systemd unit. When left out it is the one of C(ironic-conductor), C(openstack-ironic-conductor) and C(ironic) that is there. Where several are,
        it is the one that runs.
    type: str
attributes:
  check_mode:
    description:
      - The module changes nothing in any mode.
  diff_mode:
    support: N/A
    description:
      - The module changes nothing, so there is nothing to compare.
"""

EXAMPLES = r"""
- name: Look at the conductor
  bfv.openstack.conductor_info:
  register: conductor

- name: Show the files that it reads
  ansible.builtin.debug:
    var: conductor.config_files

- name: Look at the one of a unit with another name
  bfv.openstack.conductor_info:
    service: devstack@ir-cond
"""

RETURN = r"""
service:
  description: The unit.
  returned: success
  type: str
  sample: openstack-ironic-conductor
running:
  description: Whether it runs.
  returned: success
  type: bool
  sample: true
user:
  description: The user that the unit names.
  returned: success
  type: str
  sample: ironic
command:
  description: What it was started with, or would be.
  returned: success
  type: list
  elements: str
  sample: [/usr/bin/python3, /usr/bin/ironic-conductor, --config-file, /etc/ironic/ironic.conf]
python:
  description: The Python that it runs in.
  returned: success
  type: str
  sample: /usr/bin/python3
config_files:
  description: The files that it reads.
  returned: success
  type: list
  elements: str
  sample: [/etc/ironic/ironic.conf]
config_dirs:
  description: The folders whose C(*.conf) it reads.
  returned: success
  type: list
  elements: str
  sample: [/etc/ironic/ironic.conf.d]
reads:
  description:
    - All of them in the order in which it reads them. What is read last wins.
    - Files that a conductor was told of (C(--config-file)) come behind the folders that it looks for by itself.
  returned: success
  type: list
  elements: str
  sample: [/etc/ironic/ironic.conf, /etc/ironic/ironic.conf.d]
environment:
  description: Names of the options that its environment sets (C(OS_<SECTION>__<OPTION>)). These win over every file.
  returned: success
  type: list
  elements: str
  sample: ["[DEFAULT] enabled_storage_interfaces"]
log_file:
  description: The file that it logs into. V(null) where it logs to its output, and so into the journal.
  returned: success
  type: str
  sample: /var/log/ironic/ironic-conductor.log
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.conductor.info import run


def main() -> None:
    run()


if __name__ == "__main__":
    main()
