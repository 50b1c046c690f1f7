# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a module run in Ansible's worker process gives the result that it would give in a process of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._engine import run
from . import ansible_core

PYTHON = sys.executable
SWITCH = "bfv_in_process"  # a variable; in upper case an environment variable

# Variables of the environment that openstacksdk and requests look up at each connection: openstack/config/loader.py, requests/sessions.py.
_LOOKED_UP = re.compile(r"OS_\w+|(http|https|no|all)_proxy|(HTTP|HTTPS|NO|ALL)_PROXY|(REQUESTS|CURL)_CA_BUNDLE", re.ASCII)

_ANY_PYTHON = ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent")


def obstacle(action: Any, task_vars: Mapping[str, Any]) -> str:
    """Why the task of an action plugin needs a process of its own; empty where it does not."""
    gone = ansible_core.gone()
    if gone:
        return f"this ansible-core has no {gone}"
    others = [name for name in ansible_core.environment(action) if not _LOOKED_UP.fullmatch(name)]
    reasons = {
        f"{SWITCH} is off": not _is_on(action, task_vars),
        "the connection is not local": action._connection.transport != "local",
        "it becomes another user": action._connection.become is not None,
        "it is asynchronous": bool(action._task.async_val),
        f"its environment has {' and '.join(others)}": bool(others),
        "the files of modules are kept": ansible_core.keeps_files_of_modules(),
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
    python = action._templar.template(ansible_core.interpreter(of_host))
    return not python or python in _ANY_PYTHON or _is_this(str(python))


def _is_this(python: str) -> bool:
    """The python of a virtual environment is a link, and its packages are those of the folder that the link is in."""
    same_folder = os.path.realpath(os.path.dirname(python)) == os.path.realpath(os.path.dirname(PYTHON))
    return same_folder and os.path.realpath(python) == os.path.realpath(PYTHON)
