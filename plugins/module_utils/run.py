# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One run of one door: options in, result out. The only file of the engine that knows Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from . import masking
from .cloud import connection
from .cloud.connection import Cloud
from .fleet import fleet
from .fleet.journal import Tell
from .options import CONNECTION, Options
from .resources.settle import Settling
from .values import identifiers
from .values.errors import BfvError
from .values.plan import Plan


class Resource(Protocol):
    """What every file of the floor ``resources`` offers."""

    def wanted(self, params: Mapping[str, Any]) -> Any: ...

    def observe(self, cloud: Cloud, want: Any) -> Any: ...

    def plan(self, want: Any, found: Any) -> Plan: ...

    def result(self, want: Any, found: Any) -> dict[str, object]: ...


Report = Callable[[Cloud, Any, Any], Mapping[str, object]]


def run(options: Options, resource: Resource, report: Report | None = None, **rules: Any) -> None:
    """Run a module that manages one resource. ``report`` adds to the result what is read once all is settled."""
    module = _module(options, rules)
    result: dict[str, Any] = {"changed": False}
    settling = None
    try:
        want = resource.wanted(module.params)
        cloud = Cloud(module.params)
        settling = Settling(cloud, lambda: resource.observe(cloud, want), lambda found: resource.plan(want, found))
        _tell(module, result, settling.plan)
        if not module.check_mode:
            settling.run(module.params["timeout"], module.params["wait"])
        result.update(resource.result(want, settling.found))
        if report and not (module.check_mode and settling.plan.changed):
            result.update(report(cloud, want, settling.found))
        result["changed"] = settling.plan.changed or settling.taken
    except BfvError as error:
        result["changed"] = settling is not None and settling.taken
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


def run_fleet(options: Options, tell: Tell | None = None) -> None:
    """Run the module that manages many nodes. It fails only where nothing can be done at all; nodes fail by themselves.

    ``tell`` gets a line of text and its verbosity (0 is always shown, 1 with -v) whenever something has happened.
    """
    module = _module(options, {})
    masks = masking.OfNodes(module)
    try:
        managed = fleet.manage(
            Cloud(module.params), module.params, check_mode=module.check_mode, tell=tell and _masked(masks, tell)
        )
    except BfvError as error:
        module.fail_json(msg=str(error), invocation=masks.invocation)
    for outcome in managed.outcomes:
        for warning in outcome.plan.warnings:
            module.warn(masks.clean(outcome.node, warning))
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in managed.outcomes),
        "seconds": managed.seconds,
        "nodes": {outcome.node: masks.clean(outcome.node, outcome.result()) for outcome in managed.outcomes},
        "invocation": masks.invocation,
    }
    if module._diff:
        result["diff"] = [masks.clean(outcome.node, outcome.diff) for outcome in managed.outcomes if outcome.changed]
    failed = {name: node["msg"] for name, node in sorted(result["nodes"].items()) if node["failed"]}
    if failed:
        names, reasons = ", ".join(failed), "; ".join(failed.values())
        module.fail_json(msg=f"{len(failed)} of {len(managed.outcomes)} nodes failed ({names}): {reasons}", **result)
    module.exit_json(**result)


def missing() -> list[str]:
    """The packages that are needed, and cannot be imported."""
    needed = {"openstacksdk": connection.AVAILABLE, "netaddr": identifiers.AVAILABLE}
    return [package for package, available in needed.items() if not available]


def _module(options: Options, rules: Mapping[str, Any]) -> AnsibleModule:
    # A copy: what a run makes of a default must not reach the next run of the same process.
    spec = deepcopy({**CONNECTION, **options})
    # no_log: the invocation would go to the system's log before secrets within dicts are known.
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, no_log=True, **rules)  # type: ignore[no-untyped-call]
    masking.hide_from_result(module)
    for package in missing():
        module.fail_json(msg=missing_required_lib(package))  # type: ignore[no-untyped-call]
    if module.params["sdk_log_path"]:
        connection.log_to(module.params["sdk_log_path"], debug=module.params["sdk_log_level"] == "DEBUG")
    return module


def _masked(masks: masking.OfNodes, tell: Tell) -> Tell:
    # A line begins with its node's name.
    return lambda line, verbosity: tell(masks.clean(line.partition(": ")[0], line), verbosity)


def _tell(module: AnsibleModule, result: dict[str, object], plan: Plan) -> None:
    for warning in plan.warnings:
        module.warn(masking.hidden(warning, module.no_log_values))
    if module._diff:
        result["diff"] = plan.diff
