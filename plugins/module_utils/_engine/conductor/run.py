# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the module conductor_config. It runs on the conductor's host, with nothing but Python's own library."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from ..module import Module
from ..values.errors import BfvError, Refused
from ..values.oslo_config import Name, words
from . import ask_ironic, files, plan
from .plan import File, Files

OPTIONS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "read": {"type": "list", "elements": "path", "default": []},
    "environment": {"type": "list", "elements": "str", "default": []},
    "own": {"type": "bool", "default": False},
    "create": {"type": "bool", "default": False},
    "template": {"type": "bool", "default": False},
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
    module = Module(OPTIONS, add_file_common_args=True)
    path = module.params["path"]
    result: dict[str, Any] = {"changed": False, "path": path, "actions": []}
    steps = {"settled": _settle, "restored": _restore}
    try:
        files.check(path)
        steps.get(module.params["state"], _configure)(module, path, result)
    except BfvError as error:
        module.fail_json(msg=str(error), **result)
    except OSError as error:
        module.fail_json(msg=f"Failed to configure {path}: {error.strerror} ({error.filename}).", **result)
    module.exit_json(**result)


def _configure(module: Module, path: str, result: dict[str, Any]) -> None:
    params = module.params
    found = files.read(path, params["read"] or [path], own=params["own"])
    plan.check(found)
    if found.managed.text is None and not params["create"] and params["state"] == "present":
        raise Refused(f"Failed to configure {path}: there is no such file.")
    ironic = _ironic(module, found)
    clear, secrets = plan.flat(params["options"], "options"), plan.flat(params["secrets"], "secrets")
    wanted: dict[Name, str] = {}
    if params["state"] == "present":
        wanted = plan.lines({**plan.enabled_and_default(ironic, params), **clear})
        wanted.update(plan.lines(secrets, literally=True))
        if params["template"]:
            plan.check_literal(path, wanted)
    after = found.holding(plan.with_options(found, wanted))
    differs = after.managed.text != found.managed.text
    _check(module, found, after, wanted)
    result.update(host=ironic["host"], interrupted=files.before(path) is not None)
    for kind in plan.KINDS:
        name = f"enabled_{kind}_interfaces"
        enabled = after.options.get(("DEFAULT", name))
        result[name] = words(enabled) if enabled is not None else ironic[name]
    if module.wants_diff:
        result["diff"] = plan.diff(found.managed, after.managed, clear, [*secrets, *ironic.get("secrets", ())])
    if differs:
        result["actions"] = [*plan.actions(found.managed, after.managed)]
        if files.is_edited(found.managed):
            module.warn(
                f"{path} was edited by hand after a run that was interrupted: as it is now it is kept, until it is settled."
            )
    if differs and not module.check_mode:
        _put(module, found.managed, after.managed.text)
    attributes = _attributes(module, path, after.managed.text, differs)
    if attributes and not differs:
        result["actions"].append(f"set the owner or the mode of {path}")
    result["changed"] = attributes or differs or result["interrupted"]


def _ironic(module: Module, found: Files) -> dict[str, Any]:
    """What holds without what is managed."""
    if module.params["python"]:
        answer = _ask(module, {**found.bare.texts, "diff": module.wants_diff})
        if answer.get("problems"):
            raise Refused(f"Failed to read the configuration that is there: {'; '.join(answer['problems'])}.")
        return answer
    there = found.bare.options
    enabled = {f"enabled_{kind}_interfaces": there.get(("DEFAULT", f"enabled_{kind}_interfaces")) for kind in plan.KINDS}
    default = {f"default_{kind}_interface": there.get(("DEFAULT", f"default_{kind}_interface")) for kind in plan.KINDS}
    lists = {name: None if value is None else words(value) for name, value in enabled.items()}
    return {"host": there.get(("DEFAULT", "host")), **lists, **default}


def _check(module: Module, found: Files, after: Files, wanted: Mapping[Name, str]) -> None:
    """Raise Refused where the options would be in vain, or Ironic could not work with a new text, which is not written then."""
    problems = plan.obstacles(after, wanted, module.params["environment"])
    if module.params["python"] and after.managed.text != found.managed.text:
        texts = {"path": found.path, "before": found.managed.text or "", "after": after.managed.text or ""}
        answer = _ask(module, {**after.texts, "touched": list(wanted), **texts})
        problems += answer["problems"]
        for warning in answer["warnings"]:
            module.warn(f"{found.path} as it was found: {warning}")
    if problems:
        raise Refused(f"Failed to configure {found.path}, which was left as it is: {'; '.join(problems)}.")


def _ask(module: Module, question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of Ironic's own Python. The files go to its standard input, since they hold passwords."""
    python = module.params["python"]
    program = inspect.getsource(ask_ironic)
    try:
        # Not Ansible's run_command: it fails by itself where the program ends before it has read its input, and the reason is lost.
        # An AnsibleModule has run_command, and there is none on this floor.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [*python, "-I", "-c", program], input=json.dumps(question), capture_output=True, text=True, check=False
        )
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


def _put(module: Module, found: File, text: str | None) -> None:
    path = found.path
    if files.managed(path).text != found.text:
        raise Refused(f"Failed to configure {path}: somebody has changed it while this run was reading. Run again.")
    files.keep(found, text)
    if text is None:
        files.remove(path)
    else:
        files.put(path, text, in_place=module.params["unsafe_writes"])


def _attributes(module: Module, path: str, text: str | None, differs: bool) -> bool:
    """Whether owner, group, mode, label or attributes of the file were, or in check mode would be, set.

    Ansible sets a mode by the file's path, behind which a link may stand by then. So it sets it for a file that nobody else reaches, and the
    one that is meant gets the same by its descriptor.

    Label and attributes are set by the path all the same, for neither follows a link: Ansible calls lsetfilecon, and chattr opens with O_NOFOLLOW
    (e2fsprogs 1.47; older ones look first whether it is a file). A model cannot have them, for its file system may know neither.
    """
    if text is None or (differs and module.check_mode):
        return False
    arguments = module.load_file_common_arguments(module.params)  # type: ignore[no-untyped-call]
    owned = {name: arguments[name] for name in ("owner", "group", "mode")}
    others = {**arguments, **dict.fromkeys(owned)}
    changed = bool(module.set_fs_attributes_if_different(others, False))  # type: ignore[no-untyped-call]
    with files.model(path, module.tmpdir) as model:
        alone = {**dict.fromkeys(arguments), **owned, "path": model}
        if module.set_fs_attributes_if_different(alone, False):  # type: ignore[no-untyped-call]
            changed = True
            files.liken(path, model)
    return changed


def _settle(module: Module, path: str, result: dict[str, Any]) -> None:
    if files.before(path) is None:
        return
    result.update(changed=True, actions=[f"settle {path}"])
    if not module.check_mode:
        files.settle(path)


def _restore(module: Module, path: str, result: dict[str, Any]) -> None:
    """Put back what was there before. It is kept until the file is in its place."""
    kept, found = files.before(path), files.managed(path)
    if kept is None:
        return
    if module.wants_diff:
        result["diff"] = plan.diff(found, kept)
    if files.is_edited(found):
        raise Refused(
            f"Failed to put back {path}: somebody has edited it since it was changed. Compare it with {path}.bfv-before, "
            f"which is the file as it was; then settle it (state=settled), or make the one the other by hand."
        )
    result.update(changed=True, actions=[f"put back {path} as it was" if kept.text is not None else f"remove {path}"])
    if not module.check_mode:
        files.put_back(kept)
