# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other hosts of a task: which of them come to it as surely as this one did, and with which variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from . import ansible_core


def reason_to_be_alone(action: Any, task_vars: Mapping[str, Any]) -> str:
    """Why nothing is known of the others' way to this task; empty where it is known."""
    gone = ansible_core.gone_of_others(action, task_vars["hostvars"])
    if gone:
        return f"this ansible-core has no {gone}"
    task = action._task
    reasons = {
        "the strategy lets each host go its own way": not ansible_core.is_in_step(task),
        "the task is to run on one host": bool(task.run_once),
        "a role that it is in ends for some hosts (end_role)": ansible_core.may_end_a_role(task),
        "it was included by a loop": any(include.loop is not None for include in ansible_core.includes(task)),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def companions(action: Any, task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The other hosts of the batch that are on the same way as this one, and their variables.

    That is: all conditions of the task, and of those that included it, hold for them as well, the same was included, in the same mode and
    environment, and the same task has failed of both, or none. A host
    that is not among them may come nevertheless, and one that is comes for certain, unless it is unreachable or the run ends.
    """
    conditions = [one for task in (action._task, *ansible_core.includes(action._task)) for one in task.when]
    failed = ansible_core.rescued_from(task_vars)
    written = ansible_core.written(action._task)
    filled = _filled(written, action, task_vars)
    found: dict[str, dict[str, Any]] = {}
    if filled is None:
        return found
    # What is the same when it is filled in has no template.
    templates = [(one, own) for one, own in zip(written, filled, strict=True) if one != own]
    for host in task_vars["ansible_play_batch"]:
        if host != task_vars["inventory_hostname"]:
            variables = ansible_core.variables_of(host, action, task_vars)
            if ansible_core.rescued_from(variables) != failed or not _hold(conditions, action, variables):
                continue
            if not templates or _filled([one for one, _own in templates], action, variables) == [own for _one, own in templates]:
                found[host] = variables
    return found


def _filled(written: list[Any], action: Any, variables: Mapping[str, Any]) -> list[Any] | None:
    """What was written, filled in with a host's variables; None where that fails."""
    templar = action._templar.copy_with_new_env(available_variables=variables)
    try:
        return [templar.template(one) for one in written]
    except AnsibleError:
        return None


def _hold(conditions: list[Any], action: Any, variables: dict[str, Any]) -> bool:
    if not conditions:
        return True
    templar = action._templar.copy_with_new_env(available_variables=variables)
    try:
        return all(templar.evaluate_conditional(one) for one in conditions)
    except AnsibleError:  # that host will tell
        return False
