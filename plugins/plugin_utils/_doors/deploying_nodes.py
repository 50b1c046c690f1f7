# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the role baremetal_deploy, which are nodes of Ironic (see deploying.py), and what the role does of them beside the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .deploying import Json

ROLE = "baremetal_deploy"
MODULE = "bfv.openstack.baremetal_fleet"
NOUN = "node"
NAME = "node"
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


def entry(host: str, asked: Json) -> Json:
    """A node is named by the role's defaults, if not by its host."""
    return {name: asked[name] for name in OF_NODE if name in asked}


def refusal(host: str, variables: Mapping[str, Any]) -> str:
    return ""


def has_stages_before(asked: Json) -> bool:
    """Whether a host asks for something that comes before its node is changed: a checkpoint, or a look at its disks."""
    at_disks = asked.get("probe") or asked.get("image") is not None or asked.get("seed") is not None
    return asked.get("checkpoint") is not None or (asked.get("state", _DEPLOYED) in ("prepared", _DEPLOYED) and bool(at_disks))


def waits(asked: Json) -> bool:
    """Whether a host asks to wait until its machine has started."""
    return asked.get("wait_for") is not None and asked.get("state", _DEPLOYED) == _DEPLOYED and not asked.get("check_mode")


def sharers(host: str, asked: Mapping[str, Json]) -> list[Json]:
    """The disks of an array, and the volumes, that other hosts ask for as well as this one, as this one writes them."""
    found: list[Json] = []
    own = {disk: iqn for target in asked[host].get("targets") or [] for disk, iqn in _disks(target)}
    for other in (one for one in asked if one != host):
        disks = [disk for target in asked[other].get("targets") or [] for disk, _iqn in _disks(target)]
        found += [{"host": other, "target_iqn": own[disk], "target_lun": disk[1]} for disk in disks if disk in own]
        found += [{"host": other, "volume": one} for one in _volumes(asked[other]) if one in _volumes(asked[host])]
    return found


def _volumes(asked: Json) -> list[str]:
    """The names and ids of volumes."""
    return [str(one.get("id") or one.get("name")) for one in asked.get("volumes") or []]


def _disks(target: Json) -> list[tuple[tuple[str, int], str]]:
    """The disks that a target leads to, each with its iSCSI name as it is written: an array takes it in any case (RFC 3722)."""
    at = {**(target.get("properties") or {}), **target}
    iqns, luns = (_listed(at, name) for name in ("target_iqn", "target_lun"))
    return [((str(iqn).lower(), _number(lun)), str(iqn)) for iqn in iqns for lun in luns or [0]]


def _listed(at: Json, name: str) -> list[object]:
    return [at[name]] if at.get(name) is not None else list(at.get(f"{name}s") or [])


def _number(lun: object) -> int:
    text = str(lun).strip()
    return int(text) if text.isdecimal() else 0
