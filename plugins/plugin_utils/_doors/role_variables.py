# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role is asked for by the variables of a host, held against the role's argument spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

_ROLES = Path(__file__).parents[3] / "roles"


class BadVariables(Exception):
    """Why the variables of a host are not what the role takes, in one line."""


class RoleVariables:
    """The variables of a role of this collection. Their names begin with the role's."""

    def __init__(self, role: str) -> None:
        text = (_ROLES / role / "meta" / "argument_specs.yml").read_bytes()
        spec = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._options: dict[str, Any] = spec["argument_specs"]["main"]["options"]
        self._validator = ArgumentSpecValidator(self._options)  # type: ignore[no-untyped-call]
        self._prefix = f"{role}_"

    def of(self, host: str, variables: Mapping[str, Any], templar: Any) -> dict[str, Any]:
        """What a host asks for, by the names without the role's: what is left out, or resolves to ``omit``, is not in it. Raises BadVariables."""
        given = {name: variables[name] for name in self._options if name in variables}
        try:
            filled = templar.template(given)
        except AnsibleError:
            raise BadVariables(self._reason(host, given, templar)) from None
        # Plain values: Ansible's carry along where they come from, which makes each copy of them slow.
        asked = json.loads(json.dumps(filled, default=str))
        checked = self._validator.validate(asked, validate_role_argument_spec=True)  # type: ignore[no-untyped-call]
        if checked.error_messages:
            reasons = "; ".join(map(_in_words, checked.errors.errors))
            raise BadVariables(f"Failed to read the variables of host {host}: {reasons}. Nothing was changed.")
        return {name.removeprefix(self._prefix): value for name, value in asked.items()}

    @staticmethod
    def _reason(host: str, given: Mapping[str, Any], templar: Any) -> str:
        for name, value in given.items():
            try:
                templar.template({name: value})
            except AnsibleError as error:
                return f"Failed to read the variable {name} of host {host}: {error}. Nothing was changed."
        return f"Failed to read the variables of host {host}. Nothing was changed."


def _in_words(error: Exception) -> str:
    """What is wrong, without a full stop. Of an option that is not there Ansible says no more than its name, and which are."""
    said = str(error).removesuffix(".")
    return f"there is no {said}" if isinstance(error, UnsupportedError) else said
