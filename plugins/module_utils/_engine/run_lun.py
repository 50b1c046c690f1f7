# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the module iscsi_lun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from .cloud.connection import AVAILABLE as HAS_SDK
from .cloud.connection import Cloud
from .fleet.journal import Tell
from .iscsi import observe, plan, programs, seed, writing
from .iscsi.address import Address
from .iscsi.disk import Begin
from .iscsi.plan import Fill, Wanted
from .iscsi.programs import Deadline
from .module import Module
from .options import CONNECTION, Options
from .resources.volume import moment
from .values import identifiers
from .values.errors import BfvError, Invalid

# Here verify says whether to read back.
_CONNECTION: Options = {**CONNECTION, "validate_certs": {"type": "bool"}}
_HOSTS_OWN = Path("/etc/iscsi/initiatorname.iscsi")
_MADE_UP = "iqn.2017-08.org.openstack.bfv"
_EVERY = 10.0  # seconds between two lines of progress
_MIB = 1024**2


def run(options: Options, tell: Tell | None = None, **rules: Any) -> None:
    """Run the module. ``tell`` gets a line of text and its verbosity whenever something has happened."""
    module = Module({**_CONNECTION, **options}, **rules)
    needed = {"netaddr": identifiers.AVAILABLE, "openstacksdk": HAS_SDK or not (module.params["volume"] or module.params["seed"])}
    for package in [package for package, available in needed.items() if not available]:
        module.fail_json(msg=missing_required_lib(package))  # type: ignore[no-untyped-call]
    result: dict[str, Any] = {"changed": False, "actions": []}
    try:
        programs.check()
        deadline = Deadline(module.params["timeout"])
        if module.check_mode and module.params["volume"]:
            result["volume"] = moment.foreseen(Cloud(module.params), module.params["volume"])
            module.warn("In check mode no volume is attached, so that nothing is told of what is on it.")
            module.exit_json(**result)
        with _place(module, result) as place:
            _run(module, _wanted(module.params, place), deadline, tell or (lambda _line, _verbosity: None), result)
    except BfvError as error:
        module.fail_json(msg=str(error), **result)
    except OSError as error:
        module.fail_json(msg=f"Failed to read {error.filename or 'what is needed'}: {error.strerror}.", **result)
    module.exit_json(**result)


def _run(module: Module, want: Wanted, deadline: Deadline, tell: Tell, result: dict[str, Any]) -> None:
    progress = _progress(want, tell)
    found = observe.observe(want, deadline, progress)
    result.update(plan.result(found, None))
    planned = plan.plan(want, found)
    for warning in planned.warnings:
        module.warn(warning)
    if module.wants_diff:
        result["diff"] = planned.diff
    result["actions"] = plan.actions(planned)
    if planned.steps and not module.check_mode:
        result["actions"] = []
        written = next((step.source.digest for step in planned.steps if isinstance(step, Fill)), None)

        def taken(what: str) -> None:
            result["changed"] = True
            result["actions"].append(what)

        writing.take(want, found, planned, progress, taken)
        found = observe.read(found, progress)
        result.update(plan.result(found, written))
    result["changed"] = planned.changed


def _wanted(params: Mapping[str, Any], place: Address) -> Wanted:
    of_node = f"{place.iqn} {place.lun} {place.initiator}"
    return Wanted(
        place,
        image=params["image"],
        seed=seed.wanted(params["seed"], of_node) if params["seed"] else None,
        write=params["write"],
        verify=params["verify"],
        in_use=params["in_use"],
    )


@contextmanager
def _place(module: Module, result: dict[str, Any]) -> Iterator[Address]:
    """The LUN of the options, or that of a volume of Cinder, which is attached as long as the block runs."""
    params = module.params
    initiator = _name("initiator_name", params["initiator_name"]) if params["initiator_name"] else _own_name()
    if params["volume"] is None:
        yield _address(params, initiator)
        return
    with moment.attached(Cloud(params), params["volume"], initiator) as connection:
        result["volume"] = connection.volume
        for cleared in connection.cleared:
            module.warn(cleared)
        yield Address(connection.portals, connection.iqn, connection.lun, initiator, connection.username, connection.password)


def _address(params: Mapping[str, Any], initiator: str) -> Address:
    where = "Failed to read the LUN's address"
    portals = [str(_read("portals", identifiers.portal, portal)) for portal in params["portals"] or []]
    if not portals:
        raise Invalid(f"{where}: portals is empty. Give at least one, such as 192.0.2.10:3260.")
    if twice := [portal for portal in portals if portals.count(portal) > 1]:
        raise Invalid(f"{where}: portals has {twice[0]} twice. Give each once.")
    if (params["chap_username"] is None) != (params["chap_password"] is None):
        raise Invalid(f"{where}: of chap_username and chap_password only one is given. Give both, or none.")
    return Address(
        tuple(portals),
        _name("iqn", params["iqn"]),
        _read("lun", identifiers.lun, params["lun"]),
        initiator,
        params["chap_username"],
        params["chap_password"],
    )


def _read(option: str, of: Callable[[object], Any], value: object) -> Any:
    try:
        return of(value)
    except Invalid as error:
        raise Invalid(f"Failed to read the LUN's address: {option}: {error}.") from None


def _name(option: str, value: object) -> str:
    return str(_read(option, identifiers.iscsi_name, value))


def _own_name() -> str:
    """This host's initiator name, or where it has none, or shows it to root alone, one made up for this collection."""
    try:
        lines = _HOSTS_OWN.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.partition("=")[2].strip() for line in lines if line.startswith("InitiatorName=iqn.")), _MADE_UP)


def _progress(want: Wanted, tell: Tell) -> Begin:
    """Lines for the person in front of the terminal: what is done, how far it is, and how quick."""

    def begin(doing: str, size: int) -> programs.Told:
        began = last = time.monotonic()

        def told(percent: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _EVERY:
                last = now
                speed = size * percent / 100 / _MIB / (now - began)
                tell(f"{want.place.name}: {percent:.0f} % {doing}, {speed:.0f} MiB/s", 0)

        return told

    return begin
