# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's servers that boot from volumes as an inventory of the playbook bfv.openstack.server."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nova_bfv
short_description: The servers of a project that boot from volumes as an inventory that changes nothing of them
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Makes a host of every server of the project, with the variables of the playbook C(bfv.openstack.server) that say what is there. The playbook then changes
    nothing. C(ansible-inventory --list --yaml --output) makes a file of them, to go on with.
  - The variable C(server_deploy_options) has the options of M(bfv.openstack.bfv_server). The hosts are in the group C(servers), whose C(server_deploy_cloud) is
    O(cloud) where that is a name. A dictionary is left out, as it may hold a password.
  - A server of which a run would change something, or which it would refuse, is not in that group, and its one variable C(server_deploy_left_alone) says
    why. Such are servers that boot from a local disk, in error or on their way, of which two have one name, or of which Nova does not tell which volume is the
    root.
  - User data are not told, and neither are metadata whose name is that of a secret. The security groups are told of a server with one port, since Nova
    does not say which port has which.
  - Some list requests, and one for each server that has several volumes.
  - The configuration is a YAML file whose name ends in C(nova_bfv.yml) or C(nova_bfv.yaml).
extends_documentation_fragment:
  - bfv.openstack.connection
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Says that the file is for this plugin.
    type: str
    required: true
    choices: [bfv.openstack.nova_bfv]
notes:
  - A host has the name of its server. Where that is no name of a host, or that of another server or of a group as well, it has the server's id.
  - O(compose), O(groups) and O(keyed_groups) know the variables of the host.
  - The connection options may be templates, such as V({{ lookup('ansible.builtin.env', 'OS_CLOUD'\) }}).
  - What a cloud calls C({{ a template }}) is written as a template that gives that text, since Ansible takes each text of the file for one.
seealso:
  - module: bfv.openstack.bfv_server
  - plugin: bfv.openstack.ironic
    plugin_type: inventory
"""

EXAMPLES = r"""
# The file is called, say, now.nova_bfv.yml:
#   ansible-inventory -i now.nova_bfv.yml --list --yaml --output servers.yml
#   ansible-playbook -i servers.yml bfv.openstack.server
plugin: bfv.openstack.nova_bfv
cloud: storage-project
"""

import re
from typing import ClassVar

from ..module_utils._engine import options
from ..module_utils._engine.cloud.connection import Cloud
from ..module_utils._engine.resources.server import adopt
from ..plugin_utils._doors.inventory import CONNECTION, Inventory, Json, cloud_name, trusted

_GROUP = "servers"
# Of others Ansible makes ranges, ports or nothing at all.
_HOST = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


class InventoryModule(Inventory):
    """The inventory plugin bfv.openstack.nova_bfv."""

    NAME = "bfv.openstack.nova_bfv"
    SPEC: ClassVar[options.Options] = CONNECTION

    def read(self, params: Json) -> list[Json]:
        """The servers, with their variables."""
        seen = adopt.observe(Cloud(params))
        return [{"id": one.server.id, "name": one.server.name, "variables": adopt.variables(adopt.adopted(one))} for one in seen]

    def fill(self, records: list[Json], params: Json) -> None:
        self.add_group(_GROUP, {"server_deploy_cloud": cloud_name(params.get("cloud"))})
        names = [record["name"] for record in records]
        hosts = {}
        for record in records:
            name = record["name"]
            is_host = _HOST.fullmatch(name) and names.count(name) == 1 and name not in self.inventory.groups
            hosts[name if is_host else record["id"]] = trusted(record["variables"])
        for host, variables in hosts.items():
            self.add(host, variables, variables)
        for host, variables in hosts.items():
            if "server_deploy_options" in variables:
                self.inventory.add_host(host, group=_GROUP)
            self.group(host, variables)
