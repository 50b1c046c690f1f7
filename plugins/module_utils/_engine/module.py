# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module as Ansible sees it: options in, result out, and no secret with it. The only file of the engine that knows how.

Until 2.21 ansible-core takes the values of ``no_log`` options out of a result; from 2.22 on it hides them where it prints, and
everywhere else, so that the name within a login becomes a hole in all that is printed. Neither sees the secrets within dictionaries.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .values import secrets
from .values.hiding import Hiding


class Module(AnsibleModule):
    """Every way out of the module hides the secrets of its options."""

    hiding: Hiding | None = None  # None until the options are read

    def __init__(self, options: Mapping[str, dict[str, Any]], **rules: Any) -> None:
        # A copy: what a run makes of a default must not reach the next run of the same process.
        super().__init__(argument_spec=deepcopy(dict(options)), supports_check_mode=True, **rules)  # type: ignore[no-untyped-call]
        self.hiding = Hiding(secrets.secret_values(self.params))

    @property
    def no_log(self) -> bool:
        """Nothing goes to the system's log: Ansible would write the options there, and what it takes out are not all of their secrets."""
        return True

    @no_log.setter
    def no_log(self, asked: bool) -> None:
        """Ansible tells of each task whether it asks for that."""

    @property
    def wants_diff(self) -> bool:
        return bool(getattr(self, "_diff", False))

    def exit_json(self, **result: Any) -> NoReturn:
        super().exit_json(**self._without_secrets(result))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        if sys.exc_info()[0]:  # shown where tracebacks are asked for
            result["exception"] = traceback.format_exc()
        super().fail_json(**self._without_secrets({"msg": msg, **result}))

    def warn(self, warning: str, **more: Any) -> None:
        super().warn(self._hiding().text(warning), **more)

    def _hiding(self) -> Hiding:
        return self.hiding or Hiding(secrets.secret_values(getattr(self, "params", {})))

    def _without_secrets(self, result: dict[str, Any]) -> dict[str, Any]:
        # Ansible would look through all of it once more, and make asterisks of a number that has a secret's digits in it.
        vars(self).get("no_log_values", set()).clear()
        # What Ansible adds by itself has the secrets within dictionaries; options that do not hold may have them anywhere.
        given = _given(self.argument_spec, self.params) if self.hiding else {}
        return self._hiding().value({**result, "invocation": {"module_args": secrets.mask(given)}})  # type: ignore[no-any-return]


def _given(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a task says: Ansible makes None of each option that it does not name, of a fleet's entries as well."""
    return {name: _within(options.get(name, {}), value) for name, value in values.items() if value is not None}


def _within(option: Mapping[str, Any], value: Any) -> Any:
    options = option.get("options")
    if not options:
        return value
    return [_given(options, one) for one in value] if isinstance(value, list) else _given(options, value)
