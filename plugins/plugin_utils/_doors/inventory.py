# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugins have in common: their options, checked as the modules check theirs, and what was read of the cloud, cached or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template
from ansible_collections.bfv.openstack.plugins.module_utils._engine import options, run
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import secrets
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.hiding import Hiding

Json = dict[str, Any]

_WAITS = ("wait", "timeout", "sdk_log_path", "sdk_log_level")
CONNECTION: options.Options = {name: option for name, option in options.CONNECTION.items() if name not in _WAITS}


class Inventory(BaseInventoryPlugin, Constructable, Cacheable):
    """An inventory of what a cloud has. ``SPEC`` are the options that are checked as a module's, and told to ``read``."""

    inventory: InventoryData  # from parse() on
    NAME = ""
    SPEC: ClassVar[options.Options] = {}

    def verify_file(self, path: str) -> bool:
        """The file is called as the plugin is, with anything before."""
        name = self.NAME.rpartition(".")[2]
        return super().verify_file(path) and path.endswith((f"{name}.yml", f"{name}.yaml"))

    def read(self, params: Json) -> list[Json]:
        """What there is, as it may be kept in a cache. Raises BfvError."""
        raise NotImplementedError

    def fill(self, records: list[Json], params: Json) -> None:
        """Make hosts of it."""
        raise NotImplementedError

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self.check_names(self._read_config_data(path), path)
        params = self._params(path)
        self.fill(self._records(params, path, cache), params)

    def check_names(self, config: Mapping[str, Any], path: str) -> None:
        """Ansible passes over what it does not know, so that a mistyped filter would give everything."""
        known = {name for option, said in self.option_definitions.items() for name in (option, *said.get("aliases", ()))}
        self._check_unknown(sorted(map(str, set(config) - known)), path)

    def _check_unknown(self, names: list[str], path: str) -> None:
        if names:
            raise AnsibleParserError(
                f"Failed to read {path}: {', '.join(names)} is no option of {self.NAME}. See `ansible-doc -t inventory {self.NAME}`."
            )

    def _params(self, path: str) -> Json:
        """The options that are the modules' as well, checked as the modules check them."""
        self.templar.available_variables = self._vars or {}
        given = {}
        for name in self.SPEC:
            try:
                given[name] = self.templar.template(self.get_option(name))
            except AnsibleError as error:
                raise AnsibleParserError(f"Failed to read {name} of {path}: {error}") from None
        checked = ArgumentSpecValidator(self.SPEC).validate({name: value for name, value in given.items() if value is not None})
        self._check_unknown(sorted(".".join(name) for name in checked.unsupported_parameters), path)
        if checked.error_messages:
            raise AnsibleParserError(f"Failed to read {path}: {'; '.join(checked.error_messages)}")
        return dict(checked.validated_parameters)

    def _records(self, params: Json, path: str, cache: bool) -> list[Json]:
        """What there is, out of the cache where that is on and has it."""
        if not self.get_option("cache"):
            return self._read(params)
        key = f"{self.get_cache_key(path)}_{_fingerprint(params)}"
        if cache and key in self._cache:
            return list(self._cache[key])
        self._cache[key] = self._read(params)
        return list(self._cache[key])

    def _read(self, params: Json) -> list[Json]:
        for package in run.missing():
            raise AnsibleParserError(missing_required_lib(package))
        try:
            return self.read(params)
        except BfvError as error:
            raise AnsibleParserError(Hiding(secrets.secret_values(params)).text(str(error))) from None

    def add(self, host: str, variables: Json, known: Json) -> None:
        """Add a host with its variables. ``known`` is what compose, groups and keyed_groups may use."""
        self.inventory.add_host(host)
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        self._set_composite_vars(self.get_option("compose"), known, host, strict=self.get_option("strict"))

    def group(self, host: str, known: Json) -> None:
        """Put a host into the groups that are asked for, when all hosts are there."""
        strict = self.get_option("strict")
        self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict=strict)

    def add_group(self, name: str, variables: Json) -> None:
        """Add a group with its variables; those of None are left out."""
        self.inventory.add_group(name)
        for variable, value in variables.items():
            if value is not None:
                self.inventory.set_variable(name, variable, value)


def _fingerprint(params: Json) -> str:
    """Other options, other hosts: what was kept for the options of before must not answer for them."""
    return hashlib.sha256(json.dumps(secrets.mask(params), sort_keys=True, default=str).encode()).hexdigest()[:16]


def trusted(value: Any) -> Any:
    """The value with its texts as templates. The engine has made literals of all that the cloud says."""
    if isinstance(value, Mapping):
        return {key: trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [trusted(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) else value


def cloud_name(cloud: object) -> str | None:
    """A cloud to be named in an inventory; None where it is not called by a name, and may hold a password."""
    return cloud if isinstance(cloud, str) else None
