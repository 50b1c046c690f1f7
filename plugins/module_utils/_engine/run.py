# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of one door: options in, result out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from ansible.module_utils.basic import missing_required_lib

from . import masking
from .cloud import connection
from .cloud.connection import Cloud
from .fleet import failures, fleet
from .fleet.journal import Tell
from .fleet.kind import Kind
from .module import Module
from .options import CONNECTION, Options
from .resources.settle import Settling
from .values import identifiers
from .values.errors import BfvError
from .values.plan import Plan


class Resource(Protocol):
    """What every file of the floor ``resources`` offers."""

    def wanted(self, params: Mapping[str, Any]) -> Any: ...

    def observe(self, cloud: Cloud, want: Any) -> Any: ...

    def plan(self, want: Any, found: Any, made: Collection[str]) -> Plan: ...

    def result(self, want: Any, found: Any) -> dict[str, object]: ...


Report = Callable[[Cloud, Any, Any], Mapping[str, object]]


def run(options: Options, resource: Resource, report: Report | None = None, **rules: Any) -> None:
    """Run a module that manages one resource. ``report`` adds to the result what is read once all is settled."""
    module = _module(options, rules)
    result: dict[str, Any] = {"changed": False, "actions": []}
    settling = None
    try:
        want = resource.wanted(module.params)
        cloud = Cloud(module.params)
        settling = Settling(cloud, lambda: resource.observe(cloud, want), lambda found, made: resource.plan(want, found, made))
        _tell(module, result, settling.plan)
        if module.check_mode:
            result["actions"] = settling.plan.actions
        else:
            settling.run(module.params["timeout"], module.params["wait"])
            result["actions"] = settling.way.actions
        result.update({**resource.result(want, settling.found), **settling.result})
        if report and not (module.check_mode and settling.plan.changed):
            result.update(report(cloud, want, settling.found))
        result["changed"] = settling.plan.changed or settling.taken
    except BfvError as error:
        if settling:
            result.update(changed=settling.taken, actions=settling.way.actions)
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


def run_fleet(options: Options, kind: Kind, tell: Tell | None = None) -> None:
    """Run a module that manages many machines of a kind. It fails only where nothing can be done at all; machines fail by themselves.

    ``tell`` gets a line of text and its verbosity (0 is always shown, 1 with -v, 2 with -vv) whenever something has happened.
    """
    module = _module(options, {})
    machines = f"{kind.NOUN}s"
    masks = masking.OfMachines(module, machines, kind.name_of)
    try:
        managed = fleet.manage(
            Cloud(module.params), kind, module.params, check_mode=module.check_mode, tell=tell and _masked(masks, tell)
        )
    except BfvError as error:
        module.fail_json(msg=str(error))
    for outcome in managed.outcomes:
        for warning in outcome.plan.warnings:
            module.warn(masks.clean(outcome.name, warning))
    for warning in managed.warnings:
        module.warn(warning)
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in managed.outcomes),
        "seconds": managed.seconds,
        "room": managed.room,
        machines: {outcome.name: masks.clean(outcome.name, outcome.result()) for outcome in managed.outcomes},
    }
    if module.wants_diff:
        result["diff"] = [masks.clean(outcome.name, outcome.diff) for outcome in managed.outcomes if outcome.changed]
    failed = {name: one["msg"] for name, one in sorted(result[machines].items()) if one["failed"]}
    if failed:
        module.fail_json(msg=failures.told(failed, len(managed.outcomes), kind.NOUN), **result)
    module.exit_json(**result)


def missing() -> list[str]:
    """The packages that are needed, and cannot be imported."""
    needed = {"openstacksdk": connection.AVAILABLE, "netaddr": identifiers.AVAILABLE}
    return [package for package, available in needed.items() if not available]


def _module(options: Options, rules: Mapping[str, Any]) -> Module:
    module = Module({**CONNECTION, **options}, **rules)
    for package in missing():
        module.fail_json(msg=missing_required_lib(package))  # type: ignore[no-untyped-call]
    if module.params["sdk_log_path"]:
        try:
            connection.log_to(module.params["sdk_log_path"], debug=module.params["sdk_log_level"] == "DEBUG")
        except BfvError as error:
            module.fail_json(msg=str(error))
    return module


def _masked(masks: masking.OfMachines, tell: Tell) -> Tell:
    # A line begins with its machine's name.
    return lambda line, verbosity: tell(masks.clean(line.partition(": ")[0], line), verbosity)


def _tell(module: Module, result: dict[str, object], plan: Plan) -> None:
    for warning in plan.warnings:
        module.warn(warning)
    if module.wants_diff:
        result["diff"] = plan.diff
