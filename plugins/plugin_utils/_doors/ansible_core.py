# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-core has for itself, and a module in its worker process needs: the only file on the controller that knows it.

Any release may rename these. Then modules run in processes of their own, as those of everybody else do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

# How options and results are written. Ansible takes this profile for every module that asks for no other.
PROFILE = "legacy"

# Where AnsibleModule looks for its options before it reads its standard input.
_OPTIONS = ("_ANSIBLE_ARGS", "_ANSIBLE_PROFILE", "_PARSED_MODULE_ARGS")

NAMES = (
    "ansible.constants:DEFAULT_KEEP_REMOTE_FILES",
    "ansible.constants:DEFAULT_STDOUT_CALLBACK",
    "ansible.constants:config.get_config_value",
    "ansible.executor.module_common:_BuiltModule",
    *(f"ansible.module_utils.basic:{name}" for name in _OPTIONS),
    "ansible.module_utils.common.json:Direction",
    "ansible.module_utils.common.json:get_module_encoder",
    # The steps of an action's _execute_module that a process is made in, and in_process.py takes over.
    "ansible.plugins.action:ActionBase._configure_module",
    "ansible.plugins.action:ActionBase._is_pipelining_enabled",
    "ansible.plugins.action:ActionBase._low_level_execute_command",
    "ansible.plugins.action:ActionBase._compute_environment_string",
    "ansible.plugins.loader:callback_loader",
)


def gone() -> str:
    """The first of the names that this ansible-core does not have, or has for something else; empty where all are as they were."""
    for name in NAMES:
        try:
            resolve_name(name)
        except (AttributeError, ImportError):
            return name.replace(":", ".")
    try:
        built(b"", "")
    except TypeError:
        return "ansible.executor.module_common._BuiltModule of four fields"
    return ""


def built(options: bytes, python: str) -> Any:
    """A module as Ansible has it after it was packed: of ours nothing but the options."""
    from ansible.executor.module_common import _BuiltModule

    return _BuiltModule(b_module_data=options, module_style="new", shebang=f"#!{python}", serialization_profile=PROFILE)


def encoder() -> Any:
    """How a controller writes the options of a module in JSON."""
    from ansible.module_utils.common.json import Direction, get_module_encoder

    return get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)


@contextmanager
def options_for_a_module(options: bytes) -> Iterator[None]:
    """Within the block AnsibleModule finds these options."""
    from ansible.module_utils import basic

    before = {name: getattr(basic, name) for name in _OPTIONS}
    vars(basic).update(zip(_OPTIONS, (options, PROFILE, None), strict=True))
    try:
        yield
    finally:
        vars(basic).update(before)


def environment(action: Any) -> dict[str, str]:
    """The environment that a task wants, with its templates filled in, and texts as a shell gets them."""
    wanted: dict[str, Any] = {}
    action._compute_environment_string(wanted)
    return {str(name): str(value) for name, value in wanted.items()}


def keeps_files_of_modules() -> bool:
    from ansible import constants

    return bool(constants.DEFAULT_KEEP_REMOTE_FILES)  # type: ignore[attr-defined]


def interpreter(variables: Mapping[str, Any]) -> Any:
    """The Python that a host's variables or the settings ask for. It may be a template."""
    from ansible import constants

    return constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)  # type: ignore[no-untyped-call]


def stdout_callback() -> type:
    """The class of the callback that prints what ansible-playbook does."""
    from ansible import constants
    from ansible.plugins.loader import callback_loader

    found: type = callback_loader.get(constants.DEFAULT_STDOUT_CALLBACK, class_only=True)  # type: ignore[attr-defined,no-untyped-call]
    return found
