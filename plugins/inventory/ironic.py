# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ironic's nodes as an inventory: what bfv_info tells of them as variables of hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ironic
short_description: The bare-metal nodes of Ironic as an inventory, with what each boots from
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Makes a host of every Ironic node, with its storage set-up, volume connectors, volume targets, and every reason why it would not boot from its
    volume, as M(bfv.openstack.bfv_info) returns them.
  - A handful of list requests, however many nodes there are. Nothing that it keeps, in variables or in a cache, is secret.
  - The configuration is a YAML file whose name ends in C(ironic.yml) or C(ironic.yaml).
  - With O(deploy_variables=true) the nodes become an inventory of the playbook C(bfv.openstack.deploy), which changes nothing of them.
  - Needs the microversion 1.65 of Ironic (15.0, Ussuri).
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.nodes
  - bfv.openstack.without_nova
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Says that the file is for this plugin.
    type: str
    required: true
    choices: [bfv.openstack.ironic]
  hostname:
    description:
      - What a host is called.
      - V(name) is the node's name, or its UUID where it has none. V(uuid) is its UUID.
      - A node that would be called as a group of the inventory is, is called by its UUID, with a warning.
      - Anything else is a Jinja2 expression of the host's variables, such as V(ironic_name ~ '.example.org').
    type: str
    default: name
  hostvars_prefix:
    description:
      - What the names of the variables begin with.
    type: str
    default: ironic_
  deploy_variables:
    description:
      - Whether each host gets the variables of the role P(bfv.openstack.baremetal_deploy#role) that say what is there, instead of those of
        O(hostvars_prefix). C(ansible-inventory --list --yaml --output) makes a file of them.
      - Nodes that are deployed are in the group C(baremetal), others in the group C(baremetal_prepared), for which
        C(baremetal_deploy_state) is V(prepared). The playbook C(bfv.openstack.deploy) is for the first. Move a host there to have it deployed.
      - Both groups have C(baremetal_deploy_cloud), C(baremetal_deploy_volume_cloud) and C(baremetal_deploy_without_nova) as they are given here.
        A cloud that is a dictionary is left out, as it may hold a password.
      - A node of which a run would change something, or which it would refuse, is in neither group, and its one variable
        C(baremetal_deploy_left_alone) says why. Such are the nodes of Nova, whose targets Nova makes itself, nodes on their way to another state,
        and those that boot from a local disk.
      - In place of each secret stands a variable for you to define, such as C(vault_rack3_node07_chap_password) of node C(rack3-node07), and
        C(vault_rack3_node07_chap_password_1) of its target at O(bfv.openstack.volume_target#module:boot_index=1). Dots in the node's name become
        two underscores, and a name with other characters is replaced by the UUID. As long as it is not defined, the password is left as it is, and a
        target that has to be made is refused.
      - Cinder is asked for the volumes where nodes boot from them. A volume is called by its name, or by its id where another one has that name.
      - What a cloud calls C({{ a template }}) is written as a template that gives that text, since Ansible takes each text of the file for one.
      - Leave C(baremetal) out of O(groups) then. A host that gets there without variables has those of the role's defaults.
    type: bool
    default: false
    version_added: 1.0.0
notes:
  - The variables are those that M(bfv.openstack.bfv_info) returns of a node, each with O(hostvars_prefix) before its name, such as C(ironic_uuid),
    C(ironic_provision_state), C(ironic_storage_interface), C(ironic_capabilities), C(ironic_connectors), C(ironic_targets),
    C(ironic_checkpoints), C(ironic_ready) and C(ironic_reasons). O(compose), O(groups) and O(keyed_groups) know them by the same names.
  - The connection options and O(filters) may be templates, such as V({{ lookup('ansible.builtin.env', 'OS_CLOUD'\) }}). They know the extra variables
    of the command line.
  - What the cloud says is never taken for a template.
seealso:
  - module: bfv.openstack.bfv_info
  - module: bfv.openstack.baremetal_fleet
"""

EXAMPLES = r"""
# All nodes. The file is called, say, rack3.ironic.yml:
#   ansible-inventory -i rack3.ironic.yml --graph
plugin: bfv.openstack.ironic
cloud: baremetal-admin

---
# The nodes of a class in groups by state, and those that would not boot from their volumes in a group of their own.
plugin: bfv.openstack.ironic
cloud: baremetal-admin
filters:
  resource_class: baremetal.large
  maintenance: false
groups:
  broken: not ironic_ready
keyed_groups:
  - prefix: state
    key: ironic_provision_state
  - prefix: rack
    key: ironic_properties.rack
    default_value: unknown

---
# Hosts for the playbook bfv.openstack.deploy: it boots the nodes of the group baremetal.
plugin: bfv.openstack.ironic
cloud: baremetal-admin
volume_cloud: storage-project
volumes: true # ask Cinder too whether the volumes are in order
strict: true
compose:
  baremetal_deploy_node: ironic_uuid
groups:
  baremetal: ironic_provision_state in ('available', 'active', 'deploy failed')
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible-ironic
cache_timeout: 300

---
# What is deployed as an inventory of its own, of which the playbook changes nothing. The file is called, say, now.ironic.yml:
#   ansible-inventory -i now.ironic.yml --list --yaml --output hosts.yml
#   ansible-playbook -i hosts.yml bfv.openstack.deploy
plugin: bfv.openstack.ironic
cloud: baremetal-admin
volume_cloud: storage-project
deploy_variables: true
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleError, AnsibleParserError

from ..module_utils._engine import options
from ..module_utils._engine.cloud.connection import Cloud
from ..module_utils._engine.fleet.nodes import adopt, info
from ..plugin_utils._doors.inventory import CONNECTION, Inventory, Json, cloud_name, trusted

_LEFT_ALONE = "baremetal_deploy_left_alone"


class InventoryModule(Inventory):
    """The inventory plugin bfv.openstack.ironic."""

    NAME = "bfv.openstack.ironic"
    SPEC: ClassVar[options.Options] = {
        **CONNECTION,
        **{name: option for name, option in options.INFO.items() if name != "nodes"},
        "deploy_variables": {"type": "bool", "default": False},
    }

    def check_names(self, config: Mapping[str, Any], path: str) -> None:
        super().check_names(config, path)
        prefix = self.get_option("hostvars_prefix")
        if not f"{prefix}uuid".isidentifier():
            raise AnsibleParserError(
                f'Failed to read {path}: hostvars_prefix "{prefix}" begins no name of a variable. Use letters, digits and underscores.'
            )

    def read(self, params: Json) -> list[Json]:
        """The nodes, and where that is asked for the variables of the role."""
        want, cloud = info.wanted(params), Cloud(params)
        seen = info.observe(cloud, want)
        if not params["deploy_variables"]:
            return [{"node": info.view(one)} for one in seen]
        seen = adopt.observe(cloud, seen, without_nova=want.without_nova)
        return [
            {"node": info.view(one), "deploy": adopt.variables(made)} for one, made in zip(seen, adopt.adopted(seen), strict=True)
        ]

    def fill(self, records: list[Json], params: Json) -> None:
        if params["deploy_variables"]:
            self._add_groups(params)
        hosts: dict[str, Json] = {}
        for record in records:
            host = self._host(record, hosts)
            hosts[host] = record
        for host, record in hosts.items():
            told = self._told(record)
            self.add(host, trusted(record["deploy"]) if "deploy" in record else told, told)
        for host, record in hosts.items():
            if "deploy" in record and _LEFT_ALONE not in record["deploy"]:
                self.inventory.add_host(host, group=_group(record["deploy"]["baremetal_deploy_state"]))
            self.group(host, self._told(record))

    def _told(self, record: Json) -> Json:
        """What is told of a node, by the names of variables."""
        return {f"{self.get_option('hostvars_prefix')}{name}": value for name, value in record["node"].items()}

    def _host(self, record: Json, others: Mapping[str, Json]) -> str:
        """What the node is called."""
        node = record["node"]
        host = self._host_name(node, self._told(record))
        if host in self.inventory.groups:  # Ansible would give all hosts of that group the node's variables
            self.display.warning(f"Node {host} is in the inventory as {node['uuid']}: there is a group of its name.")
            host = node["uuid"]
        if host in others:
            raise AnsibleParserError(
                f"Failed to name node {node['name']}: hostname makes {host} of it, and of another node as well. Let each have its own."
            )
        return host

    def _host_name(self, node: Json, variables: Json) -> str:
        hostname = self.get_option("hostname")
        if hostname in ("name", "uuid"):
            return str(node[hostname])
        try:
            name = self._compose(hostname, variables)
        except AnsibleError as error:
            raise AnsibleParserError(f"Failed to name node {node['name']}: {error}") from None
        if not name or not isinstance(name, str):
            raise AnsibleParserError(f"Failed to name node {node['name']}: hostname makes {name!r} of it, which is no text.")
        return name

    def _add_groups(self, params: Json) -> None:
        """A run has one state for all of its hosts."""
        for state in ("deployed", "prepared"):
            variables = {
                "baremetal_deploy_cloud": cloud_name(params.get("cloud")),
                "baremetal_deploy_volume_cloud": cloud_name(params.get("volume_cloud")),
                "baremetal_deploy_without_nova": params["without_nova"] or None,
            }
            self.add_group(_group(state), variables)


def _group(state: str) -> str:
    return "baremetal" if state == "deployed" else f"baremetal_{state}"
