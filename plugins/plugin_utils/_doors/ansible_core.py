# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-core has for itself, and a module in its worker process needs: the only file on the controller that knows it.

Any release may rename these. Then modules run in processes of their own, as those of everybody else do, and each host of a role makes a call
of its own.
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


# What tells of a play's other hosts, and of the way on which a task comes to its host.
NAMES_OF_OTHERS = (
    "ansible.constants:DEFAULT_LOCAL_TMP",
    "ansible.playbook.base:FieldAttributeBase.get_ds",
    "ansible.playbook.role:Role.get_task_blocks",
    "ansible.playbook.task:Task.get_play",
    "ansible.playbook.task_include:TaskInclude",
    "ansible.template:Templar.copy_with_new_env",
    "ansible.template:Templar.evaluate_conditional",
    "ansible.vars.manager:VariableManager.get_vars",
)

# Strategies in which no host begins a task before all others have ended the one before it.
_IN_STEP = ("linear", "debug")
_HOW = ("check_mode", "environment", "module_defaults")
_INCLUDING = ("include_role", "include_tasks", "action", "local_action")


def gone() -> str:
    """The first of the names that this ansible-core does not have, or has for something else; empty where all are as they were."""
    name = _first_gone(NAMES)
    if name:
        return name
    try:
        built(b"", "")
    except TypeError:
        return "ansible.executor.module_common._BuiltModule of four fields"
    return ""


def gone_of_others(action: Any, hostvars: Any) -> str:
    """As ``gone``, for what tells of other hosts."""
    own = {f"Task.{name}": (action._task, name) for name in ("_parent", "_uuid")}
    own |= {f"HostVars.{name}": (hostvars, name) for name in ("_inventory", "_variable_manager")}
    lacking = (f"ansible's {name}" for name, (owner, attribute) in own.items() if not hasattr(owner, attribute))
    return _first_gone(NAMES_OF_OTHERS) or next(lacking, "")


def _first_gone(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            resolve_name(name)
        except (AttributeError, ImportError):
            return name.replace(":", ".")
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


def folder_of_this_run() -> str:
    """Ansible makes it for its owner alone when it starts, and removes it when it ends."""
    from ansible import constants

    return str(constants.DEFAULT_LOCAL_TMP)  # type: ignore[attr-defined]


def identity(task: Any) -> str:
    """The same for a task on all of its hosts, and another for each task: also for one that is included again."""
    return str(task._uuid)


def is_in_step(task: Any) -> bool:
    """Whether all hosts come to a task together."""
    name = str(task.get_play().strategy)
    return name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.") in _IN_STEP


def includes(task: Any) -> list[Any]:
    """The tasks that have included a task at run time."""
    from ansible.playbook.task_include import TaskInclude

    return [one for one in _parents(task) if isinstance(one, TaskInclude) and not one.statically_loaded]


def _parents(task: Any) -> Iterator[Any]:
    while (task := task._parent) is not None:
        yield task


def _roles(task: Any) -> list[Any]:
    """The roles that a task is in."""
    return [role for one in (task, *_parents(task)) if (role := getattr(one, "_role", None))]


def may_end_a_role(task: Any) -> bool:
    """Whether hosts may have left a role that the task is in, which nothing tells of them. What a role includes at run time is not looked through."""
    todo = [block for role in _roles(task) for block in role.get_task_blocks()]
    while todo:
        one = todo.pop()
        if getattr(one, "args", {}).get("_raw_params") == "end_role":
            return True
        todo += [each for name in ("block", "rescue", "always") for each in getattr(one, name, None) or ()]
    return False


def written(task: Any) -> list[Any]:
    """What a play says of how a task runs, and of what was included to come to it: as it was written, before any host has filled it in."""
    found = [value for name, value in (task.get_ds() or {}).items() if name in _HOW]
    around = [task.get_play(), *_parents(task), *_roles(task)]
    found += [vars(one).get(f"_{name}") for one in around for name in _HOW]
    for include in includes(task):
        found += [value for name, value in (include.get_ds() or {}).items() if str(name).rpartition(".")[2] in _INCLUDING]
    return [one for one in found if isinstance(one, (str, list, Mapping))]


def rescued_from(variables: Mapping[str, Any]) -> object:
    """What tells the task of a host that failed last, after which a block went on with its ``rescue``, from all other tasks. None without one."""
    failed = variables.get("ansible_failed_task")
    if not failed:
        return None
    # Until 2.21 it has the task's identity, then no more than what was written of it. How its loop is controlled is no plain value.
    return failed.get("uuid") or {name: value for name, value in failed.items() if name != "loop_control"}


def variables_of(host: str, action: Any, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of an action's task for another host of the batch, as Ansible gives them to the task there. None of them is templated."""
    known = task_vars["hostvars"]
    of_host: dict[str, Any] = known._variable_manager.get_vars(
        play=action._task.get_play(),
        host=known._inventory.get_host(host),
        task=action._task,
        _hosts=task_vars["ansible_play_batch"],
        _hosts_all=task_vars["ansible_play_hosts_all"],
    )
    return of_host
