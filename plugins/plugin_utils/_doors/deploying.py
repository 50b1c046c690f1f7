# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the roles that bring the hosts of a play where they should be: from what each asks for to one call, and from its result to that of each.

Which machines these are is told by deploying_nodes.py and deploying_servers.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Json = dict[str, Any]


class Kind(Protocol):
    """What a role tells of its machines."""

    @property
    def ROLE(self) -> str:
        """The role, with which the names of its variables begin."""

    @property
    def MODULE(self) -> str:
        """The module that is called once."""

    @property
    def NOUN(self) -> str:
        """One machine in words; with an s it is the option of the module that names them, and the key of the result."""

    @property
    def NAME(self) -> str:
        """The option that names a machine, and under whose value the result has it."""

    @property
    def OF_RUN(self) -> Sequence[str]:
        """The options of the run, for which all hosts have one word."""

    def entry(self, host: str, asked: Json) -> Json:
        """What the module is asked for of a host's machine."""

    def refusal(self, host: str, variables: Mapping[str, Any]) -> str:
        """Why a host is refused before its variables are read; empty where it is not."""


def differing(kind: Kind, asked: Json, first: Json) -> list[str]:
    """The variables about the run that are other for a host than for the first."""
    return [f"{kind.ROLE}_{name}" for name in kind.OF_RUN if asked.get(name) != first.get(name)]


def refusal_of_another_run(host: str, names: list[str], first: str) -> str:
    """The one call would take the first host's word for all: a single node to be undeployed must not take the others with it."""
    return (
        f"Failed to set up {host}: {', '.join(names)} {'are' if len(names) > 1 else 'is'} other than for host {first}, "
        "and one run has one for all. Run once for each group of hosts that agree (--limit)."
    )


def call(kind: Kind, asked: Mapping[str, Json]) -> Json:
    """The options of the one call for hosts that agree about the run."""
    first = next(iter(asked.values()))
    of_run = {name: first[name] for name in kind.OF_RUN if name in first}
    return {**of_run, f"{kind.NOUN}s": [kind.entry(host, one) for host, one in asked.items()]}


def results(kind: Kind, asked: Mapping[str, Json], fleet: Json) -> dict[str, Json]:
    """Each host's part of the result of the call."""
    machines = fleet.get(f"{kind.NOUN}s")
    if machines is None:  # the options were wrong, or no machine could be looked at
        return {host: failure(fleet.get("msg") or f"It is not known why no {kind.NOUN} could be looked at.") for host in asked}
    changed = [name for name, machine in machines.items() if machine["changed"]]
    diffs = dict(zip(changed, fleet.get("diff") or [], strict=False))
    names = {host: str(kind.entry(host, one)[kind.NAME]) for host, one in asked.items()}
    return {host: _result(machines[name], diffs.get(name)) for host, name in names.items()}


def warnings(kind: Kind, fleet: Json) -> list[str]:
    """Why the call failed where no machine did: its report was not written."""
    machines = fleet.get(f"{kind.NOUN}s")
    failed = fleet.get("failed") and not any(machine["failed"] for machine in (machines or {}).values())
    return [fleet["msg"]] if failed and machines is not None else []


def failure(why: str) -> Json:
    return {"changed": False, "failed": True, "msg": why, "actions": [], "differs": []}


def _result(machine: Json, diff: object) -> Json:
    """Of a machine that failed, what its service shows of it would hide the reason."""
    shown = {name: machine[name] for name in failure("")} if machine["failed"] else machine
    return {**shown, **({"diff": diff} if diff else {})}
