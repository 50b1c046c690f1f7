# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""One run of one door: options in, result out. The only file of the engine that knows Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from .cloud import connection
from .cloud.connection import Cloud
from .fleet import fleet
from .fleet.journal import Tell
from .options import CONNECTION, Options
from .resources.settle import Settling
from .values import identifiers, secrets
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
    try:
        cloud = Cloud(module.params)
        managed = fleet.manage(cloud, module.params, check_mode=module.check_mode, tell=tell and _without_secrets(module, tell))
    except BfvError as error:
        module.fail_json(msg=str(error))
    outcomes = managed.outcomes
    for outcome in outcomes:
        for warning in outcome.plan.warnings:
            module.warn(_hidden(module, warning))
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "seconds": managed.seconds,
        "nodes": {outcome.node: outcome.result() for outcome in outcomes},
    }
    if module._diff:
        result["diff"] = [outcome.diff for outcome in outcomes if outcome.changed]
    failed = sorted(outcome.node for outcome in outcomes if outcome.failed)
    if failed:
        reasons = "; ".join(outcome.msg for outcome in outcomes if outcome.failed)
        module.fail_json(msg=f"{len(failed)} of {len(outcomes)} nodes failed ({', '.join(failed)}): {reasons}", **result)
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
    # Ansible hides every value of auth. A project called web would make asterisks of each web in what the module returns.
    module.no_log_values.difference_update(secrets.open_values(module.params["auth"]))
    module.no_log_values.update(secrets.secret_values(module.params))
    for package in missing():
        module.fail_json(msg=missing_required_lib(package))  # type: ignore[no-untyped-call]
    if module.params["sdk_log_path"]:
        connection.log_to(module.params["sdk_log_path"], debug=module.params["sdk_log_level"] == "DEBUG")
    return module


def _without_secrets(module: AnsibleModule, tell: Tell) -> Tell:
    return lambda line, verbosity: tell(_hidden(module, line), verbosity)


def _hidden(module: AnsibleModule, text: str) -> str:
    """The text without secrets: Ansible takes them out of results only."""
    return str(remove_values(text, module.no_log_values))  # type: ignore[no-untyped-call]


def _tell(module: AnsibleModule, result: dict[str, object], plan: Plan) -> None:
    for warning in plan.warnings:
        module.warn(_hidden(module, warning))
    if module._diff:
        result["diff"] = plan.diff
