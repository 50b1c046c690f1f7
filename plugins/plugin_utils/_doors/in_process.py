# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugins of our modules: a module runs within Ansible's worker process where that gives the same result.

A module by itself is packed, started as a process and imports the SDK anew: about a second of CPU for each task and host.
The worker is a fork of ansible-playbook, which has imported all of that once, with this file.

Ansible's own code prepares the options and reads the result; only the process between the two is left out.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action.normal import ActionModule
from ansible.utils.display import Display

from . import ansible_core, same_process, worker

try:
    from keystoneauth1 import loading
except ImportError:  # then no task runs in a worker
    pass
else:
    # To look for keystoneauth's plugins among all packages takes up to 0.3 s: once here, and not in each worker.
    loading.get_plugin_loader("password")

Json = dict[str, Any]


class InProcess(ActionModule):
    """The action of one module. Each action plugin names its module."""

    module: ModuleType

    _in_process = False

    def run_module(self) -> None:
        """What the module runs as a program."""
        self.module.main()

    def run(self, tmp: Any = None, task_vars: Json | None = None) -> Json:
        reason = same_process.obstacle(self, task_vars or {})
        self._in_process = not reason
        if reason:
            Display().vvv(f"{self._task.action} runs in a process of its own: {reason}")
        result: Json = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        return result

    # How a module gets its options and where it runs: the three steps of Ansible's _execute_module that a process is made in.

    def _is_pipelining_enabled(self, *args: Any, **options: Any) -> bool:
        """Pipelining: no temporary folder, and the options are handed over in memory."""
        return self._in_process or super()._is_pipelining_enabled(*args, **options)

    def _configure_module(self, module_name: str, module_args: Json, *args: Any, **options: Any) -> tuple[Any, str]:
        if not self._in_process:
            return super()._configure_module(module_name, module_args, *args, **options)
        try:
            given = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=ansible_core.encoder()).encode()
        except TypeError as error:
            raise AnsibleError(f"Failed to serialize arguments for the {module_name!r} module.") from error
        return ansible_core.built(given, same_process.PYTHON), str(self.module.__file__)

    def _low_level_execute_command(self, cmd: str, *, in_data: bytes | None = None, **options: Any) -> Json:  # type: ignore[override]
        if self._in_process:
            return worker.run(self.run_module, in_data or b"", ansible_core.environment(self))
        done: Json = super()._low_level_execute_command(cmd, in_data=in_data, **options)  # type: ignore[no-untyped-call]
        return done
