# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the role baremetal_deploy: from what each host asks for to one call of baremetal_fleet, and from its result to that of each host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# What a host says of its own node, and of the run, for which all hosts have one word. Both as options of baremetal_fleet.
OF_NODE = ("node", "storage_interface", "boot_interface", "capabilities", "connectors", "volumes", "targets")
OF_RUN = (
    "cloud",
    "volume_cloud",
    "state",
    "volumes_on_undeploy",
    "volume_prices",
    "iqn_prefix",
    "power_off",
    "without_nova",
    "on_drift",
    "takeover",
    "takeover_confirmed",
    "takeover_initiator",
    "golden",
    "validate",
    "fail_after",
    "report",
    "concurrency",
    "timeout",
)

_DEPLOYED = "deployed"

# What is left to do for a host: the file of the role that does it.
BEFORE, WAIT, NOTHING = "before", "wait_for", ""


def differing(asked: Json, first: Json) -> list[str]:
    """The variables about the run that are other for a host than for the first."""
    return [f"baremetal_deploy_{name}" for name in OF_RUN if asked.get(name) != first.get(name)]


def refusal_of_another_run(host: str, names: list[str], first: str) -> str:
    """The one call would take the first host's word for all: a single node to be undeployed must not take the others with it."""
    return (
        f"Failed to set up {host}: {', '.join(names)} {'are' if len(names) > 1 else 'is'} other than for host {first}, "
        "and one run has one for all. Run once for each group of hosts that agree (--limit)."
    )


def call(asked: Mapping[str, Json]) -> Json:
    """The options of the one call for hosts that agree about the run."""
    first = next(iter(asked.values()))
    nodes = [{name: one[name] for name in OF_NODE if name in one} for one in asked.values()]
    return {**{name: first[name] for name in OF_RUN if name in first}, "nodes": nodes}


def has_stages_before(asked: Json) -> bool:
    """Whether a host asks for something that comes before its node is changed: a checkpoint, or a look at its disks."""
    at_disks = asked.get("probe") or asked.get("image") is not None or asked.get("seed") is not None
    return asked.get("checkpoint") is not None or (asked.get("state", _DEPLOYED) in ("prepared", _DEPLOYED) and bool(at_disks))


def waits(asked: Json) -> bool:
    """Whether a host asks to wait until its machine has started."""
    return asked.get("wait_for") is not None and asked.get("state", _DEPLOYED) == _DEPLOYED and not asked.get("check_mode")


def sharers(host: str, asked: Mapping[str, Json]) -> list[Json]:
    """The targets of an array that other hosts ask for as well as this one."""
    own = {_disk(target) for target in asked[host].get("targets") or []}
    others = [(other, _disk(target)) for other, one in asked.items() if other != host for target in one.get("targets") or []]
    return [{"host": other, "target_iqn": disk[0], "target_lun": disk[1]} for other, disk in others if disk[0] and disk in own]


def _disk(target: Json) -> tuple[object, int]:
    at = {**(target.get("properties") or {}), **target}
    lun = str(at.get("target_lun") or 0)
    return at.get("target_iqn"), int(lun) if lun.isdecimal() else 0


def results(asked: Mapping[str, Json], fleet: Json) -> dict[str, Json]:
    """Each host's part of the result of the call."""
    if "nodes" not in fleet:  # the options were wrong, or no node could be looked at
        return {host: failure(fleet.get("msg") or "It is not known why no node could be looked at.") for host in asked}
    changed = [name for name, node in fleet["nodes"].items() if node["changed"]]
    diffs = dict(zip(changed, fleet.get("diff") or [], strict=False))
    names = {host: str(one["node"]) for host, one in asked.items()}
    return {host: _result(fleet["nodes"][name], diffs.get(name)) for host, name in names.items()}


def warnings(fleet: Json) -> list[str]:
    """Why the call failed where no node did: its report was not written."""
    failed = fleet.get("failed") and not any(node["failed"] for node in fleet.get("nodes", {}).values())
    return [fleet["msg"]] if failed and "nodes" in fleet else []


def failure(why: str) -> Json:
    return {"changed": False, "failed": True, "msg": why, "actions": [], "differs": []}


def _result(node: Json, diff: object) -> Json:
    """Of a node that failed, what Ironic shows of it would hide the reason."""
    shown = {name: node[name] for name in failure("")} if node["failed"] else node
    return {**shown, **({"diff": diff} if diff else {})}
