# Copyright: The bfv.openstack contributors
# Apache License 2.0 (see LICENSE) or, at your option, GNU General Public License v3.0+ (https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later

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
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ..module_utils._engine import options, run
from ..module_utils._engine.cloud.connection import Cloud
from ..module_utils._engine.fleet import info
from ..module_utils._engine.values import secrets
from ..module_utils._engine.values.errors import BfvError
from ..module_utils._engine.values.hiding import Hiding

Json = dict[str, Any]

# What this plugin takes of the modules' options.
_WAITS = ("wait", "timeout", "sdk_log_path", "sdk_log_level")
_SPEC: options.Options = {
    **{name: option for name, option in options.CONNECTION.items() if name not in _WAITS},
    **{name: option for name, option in options.INFO.items() if name != "nodes"},
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin bfv.openstack.ironic."""

    NAME = "bfv.openstack.ironic"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("ironic.yml", "ironic.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._check_names(self._read_config_data(path), path)
        hosts: dict[str, Json] = {}
        for node in self._nodes(path, cache):
            variables = {f"{self.get_option('hostvars_prefix')}{name}": value for name, value in node.items()}
            host = self._host_name(node, variables)
            if host in inventory.groups:  # Ansible would give all hosts of that group the node's variables
                self.display.warning(f"Node {host} is in the inventory as {node['uuid']}: there is a group of its name.")
                host = node["uuid"]
            if host in hosts:
                raise AnsibleParserError(
                    f"Failed to name node {node['name']}: hostname makes {host} of it, and of another node as well. Let each have its own."
                )
            hosts[host] = variables
        for host, variables in hosts.items():
            self._add(inventory, host, variables)
        for host, variables in hosts.items():
            self._group(host, variables)

    def _check_names(self, config: Mapping[str, Any], path: str) -> None:
        """Ansible passes over what it does not know, so that a mistyped filter would give every node."""
        known = {name for option, said in self.option_definitions.items() for name in (option, *said.get("aliases", ()))}
        self._check_unknown(sorted(map(str, set(config) - known)), path)
        prefix = self.get_option("hostvars_prefix")
        if not f"{prefix}uuid".isidentifier():
            raise AnsibleParserError(
                f'Failed to read {path}: hostvars_prefix "{prefix}" begins no name of a variable. Use letters, digits and underscores.'
            )

    def _check_unknown(self, names: list[str], path: str) -> None:
        if names:
            raise AnsibleParserError(
                f"Failed to read {path}: {', '.join(names)} is no option of {self.NAME}. See `ansible-doc -t inventory {self.NAME}`."
            )

    def _nodes(self, path: str, cache: bool) -> list[Json]:
        """The nodes, out of the cache where that is on and has them."""
        params = self._params(path)
        if not self.get_option("cache"):
            return _read(params)
        key = f"{self.get_cache_key(path)}_{_fingerprint(params)}"
        if cache and key in self._cache:
            return list(self._cache[key])
        self._cache[key] = _read(params)
        return list(self._cache[key])

    def _params(self, path: str) -> Json:
        """The options that are the modules' as well, checked as the modules check them."""
        self.templar.available_variables = self._vars or {}
        given = {}
        for name in _SPEC:
            try:
                given[name] = self.templar.template(self.get_option(name))
            except AnsibleError as error:
                raise AnsibleParserError(f"Failed to read {name} of {path}: {error}") from None
        checked = ArgumentSpecValidator(_SPEC).validate({name: value for name, value in given.items() if value is not None})
        self._check_unknown(sorted(".".join(name) for name in checked.unsupported_parameters), path)
        if checked.error_messages:
            raise AnsibleParserError(f"Failed to read {path}: {'; '.join(checked.error_messages)}")
        return dict(checked.validated_parameters)

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

    def _add(self, inventory: InventoryData, host: str, variables: Json) -> None:
        inventory.add_host(host)
        for name, value in variables.items():
            inventory.set_variable(host, name, value)
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=self.get_option("strict"))

    def _group(self, host: str, variables: Json) -> None:
        strict = self.get_option("strict")
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def _read(params: Json) -> list[Json]:
    for package in run.missing():
        raise AnsibleParserError(missing_required_lib(package))
    try:
        want = info.wanted(params)
        return [info.view(node) for node in info.observe(Cloud(params), want)]
    except BfvError as error:
        raise AnsibleParserError(Hiding(secrets.secret_values(params)).text(str(error))) from None


def _fingerprint(params: Json) -> str:
    """Other options, other nodes: what was kept for the options of before must not answer for them."""
    return hashlib.sha256(json.dumps(secrets.mask(params), sort_keys=True, default=str).encode()).hexdigest()[:16]
