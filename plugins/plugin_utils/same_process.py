# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a module run in Ansible's worker process gives the result that it would give in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import run

PYTHON = sys.executable
SWITCH = "bfv_in_process"  # a variable; in upper case an environment variable

_ANY_PYTHON = ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent")


def obstacle(action: Any, task_vars: Mapping[str, Any]) -> str:
    """Why the task of an action plugin needs a process of its own; empty where it does not."""
    environment: dict[str, Any] = {}
    action._compute_environment_string(environment)
    reasons = {
        f"{SWITCH} is off": not _is_on(action, task_vars),
        "the connection is not local": action._connection.transport != "local",
        "it becomes another user": action._connection.become is not None,
        "it is asynchronous": bool(action._task.async_val),
        "it has an environment": bool(environment),
        "the files of modules are kept": constants.DEFAULT_KEEP_REMOTE_FILES,  # type: ignore[attr-defined]
        "another Python is asked for": not _is_python_asked_for(action, task_vars),
        f"{' and '.join(run.missing())} cannot be imported here": bool(run.missing()),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_on(action: Any, task_vars: Mapping[str, Any]) -> bool:
    value = task_vars.get(SWITCH, os.environ.get(SWITCH.upper(), "true"))
    return bool(boolean(action._templar.template(value)))  # type: ignore[no-untyped-call]


def _is_python_asked_for(action: Any, task_vars: Mapping[str, Any]) -> bool:
    """Whether the host's interpreter is the one that runs Ansible, or left to Ansible to find."""
    delegate = action._task.delegate_to
    of_host = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    asked = constants.config.get_config_value("INTERPRETER_PYTHON", variables=of_host)  # type: ignore[no-untyped-call]
    python = action._templar.template(asked)
    return not python or python in _ANY_PYTHON or _is_this(str(python))


def _is_this(python: str) -> bool:
    """The python of a virtual environment is a link, and its packages are those of the folder that the link is in."""
    same_folder = os.path.realpath(os.path.dirname(python)) == os.path.realpath(os.path.dirname(PYTHON))
    return same_folder and os.path.realpath(python) == os.path.realpath(PYTHON)
