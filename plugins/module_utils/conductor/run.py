# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One run of the module conductor_config. It runs on the conductor's host, with nothing but Python's own library."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..values.errors import BfvError, Refused
from ..values.oslo_config import Name, words
from . import ask_ironic, files, plan
from .plan import Files

OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "read": {"type": "list", "elements": "path", "default": []},
    "own": {"type": "bool", "default": False},
    "create": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent", "settled", "restored"], "default": "present"},
    "storage_interfaces": {"type": "list", "elements": "str"},
    "default_storage_interface": {"type": "str"},
    "boot_interfaces": {"type": "list", "elements": "str"},
    "default_boot_interface": {"type": "str"},
    "options": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "python": {"type": "list", "elements": "str", "default": []},
}
UNKNOWN: dict[str, Any] = {"host": None, **{f"default_{kind}_interface": None for kind in plan.KINDS}}


def run() -> None:
    # no_log: the invocation would go to the system's log.
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True, add_file_common_args=True, no_log=True)  # type: ignore[no-untyped-call]
    path = module.params["path"]
    result: dict[str, Any] = {"changed": False, "path": path}
    try:
        if module.params["state"] == "settled":
            result["changed"] = _settle(module, path)
        elif module.params["state"] == "restored":
            result["changed"] = _restore(module, path)
        else:
            result.update(_configure(module, path))
    except BfvError as error:
        module.fail_json(msg=str(error), **result)
    except OSError as error:
        module.fail_json(msg=f"Failed to configure {path}: {error.strerror} ({error.filename}).", **result)
    module.exit_json(**result)


def _configure(module: AnsibleModule, path: str) -> dict[str, Any]:
    params = module.params
    found = files.read(path, params["read"] or [path], own=params["own"])
    plan.check(found)
    if found.managed.text is None and not params["create"] and params["state"] == "present":
        raise Refused(f"Failed to configure {path}: there is no such file.")
    ironic = _ironic(module, found)
    wanted: dict[Name, str] = {}
    if params["state"] == "present":
        wanted = plan.lines({**plan.enabled_and_default(ironic, params), **plan.flat(params["options"], "options")})
        wanted.update(plan.lines(plan.flat(params["secrets"], "secrets"), literally=True))
    after = found.holding(plan.with_options(found, wanted))
    differs = after.managed.text != found.managed.text
    if differs:
        _check(module, found, after, wanted)
    result = {"host": ironic["host"], "interrupted": files.before(path) is not None}
    for kind in plan.KINDS:
        name = f"enabled_{kind}_interfaces"
        enabled = after.options.get(("DEFAULT", name))
        result[name] = words(enabled) if enabled is not None else ironic[name]
    if module._diff:
        result["diff"] = plan.diff(found.managed, after.managed)
    if differs and not module.check_mode:
        files.keep(found.managed)
        _put(module, path, after.managed.text)
    result["changed"] = _attributes(module, path, after.managed.text, differs) or differs or result["interrupted"]
    return result


def _ironic(module: AnsibleModule, found: Files) -> dict[str, Any]:
    """What holds without what is managed."""
    if module.params["python"]:
        answer = _ask(module, {"texts": found.bare.texts})
        if answer.get("problems"):
            raise Refused(f"Failed to read the configuration that is there: {'; '.join(answer['problems'])}.")
        return answer
    there = found.bare.options
    enabled = {f"enabled_{kind}_interfaces": there.get(("DEFAULT", f"enabled_{kind}_interfaces")) for kind in plan.KINDS}
    default = {f"default_{kind}_interface": there.get(("DEFAULT", f"default_{kind}_interface")) for kind in plan.KINDS}
    lists = {name: None if value is None else words(value) for name, value in enabled.items()}
    return {"host": there.get(("DEFAULT", "host")), **lists, **default}


def _check(module: AnsibleModule, found: Files, after: Files, wanted: Mapping[Name, str]) -> None:
    """Raise Refused where Ironic could not work with the new text, which is not written then."""
    problems = plan.obstacles(after, wanted)
    if module.params["python"]:
        texts = {"before": found.managed.text or "", "after": after.managed.text or ""}
        answer = _ask(module, {"texts": after.texts, "touched": list(wanted), **texts})
        problems += answer["problems"]
        for warning in answer["warnings"]:
            module.warn(f"{found.path} as it was found: {warning}")
    if problems:
        raise Refused(f"Failed to configure {found.path}, which was left as it is: {'; '.join(problems)}.")


def _ask(module: AnsibleModule, question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of Ironic's own Python. The files go to its standard input, since they hold passwords."""
    python = module.params["python"]
    program = inspect.getsource(ask_ironic)
    try:
        # Not Ansible's run_command: it fails by itself where the program ends before it has read its input, and the reason is lost.
        done = subprocess.run([*python, "-c", program], input=json.dumps(question), capture_output=True, text=True, check=False)
    except OSError as error:
        raise Refused(f"Failed to ask Ironic with {' '.join(python)}: {error.strerror}. Check the option python.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Refused(
            f"Failed to ask Ironic with {' '.join(python)}: {said}. Name the Python that Ironic is installed in, with the option python."
        )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise Refused(f"Failed to ask Ironic with {' '.join(python)}: its output is not the answer.") from error
    return answer


def _put(module: AnsibleModule, path: str, text: str | None) -> None:
    if text is None:
        files.remove(path)
    elif not os.path.exists(path):
        os.replace(files.new(path, text), path)  # atomic_move would let everybody read it until it has its mode
    else:
        module.atomic_move(files.new(path, text), path)  # type: ignore[no-untyped-call]


def _attributes(module: AnsibleModule, path: str, text: str | None, differs: bool) -> bool:
    if text is None or (differs and module.check_mode):
        return False
    arguments = module.load_file_common_arguments(module.params)  # type: ignore[no-untyped-call]
    return bool(module.set_fs_attributes_if_different(arguments, False))  # type: ignore[no-untyped-call]


def _settle(module: AnsibleModule, path: str) -> bool:
    kept = files.before(path) is not None
    if kept and not module.check_mode:
        files.settle(path)
    return kept


def _restore(module: AnsibleModule, path: str) -> bool:
    """Put back what was there before. It is kept until the file is in its place."""
    before = files.before(path)
    if before is None:
        return False
    if not module.check_mode:
        _put(module, path, before.text)
        if before.text is not None:
            files.as_before(path)
        files.settle(path)
    return True
