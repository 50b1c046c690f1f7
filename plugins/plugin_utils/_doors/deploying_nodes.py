# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the role baremetal_deploy, which are nodes of Ironic (see deploying.py), and what the role does of them beside the call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from typing import Any, TypeAlias

from .deploying import Json

_Disk: TypeAlias = tuple[str, "int | None"]  # an iSCSI name with a number, or what a volume is called

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


def sharers(asked: Mapping[str, Json]) -> dict[str, list[Json]]:
    """By host the disks of an array, and the volumes, that other hosts ask for as well, as the host itself writes them."""
    asking: dict[_Disk, list[str]] = defaultdict(list)
    named = {host: {**_luns(one), **_volumes(one)} for host, one in asked.items()}
    for host, own in named.items():
        for disk in own:
            asking[disk].append(host)
    return {
        host: [{"host": other, **words} for disk, words in own.items() for other in asking[disk] if other != host]
        for host, own in named.items()
    }


def _volumes(asked: Json) -> dict[_Disk, Json]:
    """The volumes by their names or ids."""
    labels = [str(one.get("id") or one.get("name")) for one in asked.get("volumes") or []]
    return {(label, None): {"volume": label} for label in labels}


def _luns(asked: Json) -> dict[_Disk, Json]:
    """The disks that targets lead to, by their iSCSI names, which an array takes in any case (RFC 3722), and numbers."""
    found: dict[_Disk, Json] = {}
    for target in asked.get("targets") or []:
        at = {**(target.get("properties") or {}), **target}
        iqns, luns = (_listed(at, name) for name in ("target_iqn", "target_lun"))
        for iqn, lun in product(map(str, iqns), map(_number, luns or [0])):
            found[iqn.lower(), lun] = {"target_iqn": iqn, "target_lun": lun}
    return found


def _listed(at: Json, name: str) -> list[object]:
    return [at[name]] if at.get(name) is not None else list(at.get(f"{name}s") or [])


def _number(lun: object) -> int:
    text = str(lun).strip()
    return int(text) if text.isdecimal() else 0
