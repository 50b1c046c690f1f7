# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for each node of a fleet, in the terms of the single resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...resources.node import connector, target
from ...resources.node import storage as node_storage
from ...resources.volume import plan as volume
from ...resources.volume.record import new_mark
from ...values.errors import Invalid

PREPARED, DEPLOYED, UNDEPLOYED, ABSENT = "prepared", "deployed", "undeployed", "absent"
GOING = (UNDEPLOYED, ABSENT)
NEVER, POWERED_OFF, CONFIRMED = TAKEOVER = ("never", "powered_off", "confirmed")
KEEP, OWN = INITIATOR = ("keep", "own")
# What a deployment from a volume needs, and no other way of booting uses.
_BOOT_CAPABILITIES = ("iscsi_boot", "fibre_channel_boot")


@dataclass(frozen=True)
class Takeover:
    """Whether a node may take its disks over from another one: never, when Ironic has seen that off, or when a person says so of those named.

    ``initiator`` tells whether it takes over the other's initiator name as well, which the array may know.
    """

    mode: str = NEVER
    confirmed: tuple[str, ...] = ()
    initiator: str = KEEP


_NO_TAKEOVER = Takeover()


@dataclass(frozen=True)
class NodeWanted:
    """One node: how it is set up, what it boots from, and where it should come to."""

    node: str
    state: str
    storage: node_storage.Wanted
    connectors: tuple[connector.Wanted, ...]
    volumes: tuple[volume.Wanted, ...]
    targets: tuple[target.Wanted, ...]
    deletes_volumes: bool = False
    power_off: bool = False
    on_drift: str = "fail"
    validate: bool = True
    without_nova: bool = False
    takeover: Takeover = _NO_TAKEOVER

    @property
    def name(self) -> str:
        """The name that it is asked for by."""
        return self.node


def read(params: Mapping[str, Any]) -> tuple[list[NodeWanted], dict[str, Invalid]]:
    """What is wanted of each node, and why it cannot be read of the others. Raises Invalid where the list itself is wrong."""
    _takeover(params)
    names = [entry["node"] for entry in params["nodes"]]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Invalid(f"Failed to read nodes: node {twice[0]} is there twice. Name each node once.")
    wants: list[NodeWanted] = []
    malformed: dict[str, Invalid] = {}
    owners: dict[str, str] = {}
    for entry in params["nodes"]:
        try:
            want = wanted(entry, params)
            _check_own_volumes(want, owners)
            wants.append(want)
        except Invalid as error:
            malformed[entry["node"]] = error
    return wants, malformed


def _check_own_volumes(want: NodeWanted, owners: dict[str, str]) -> None:
    """Each volume that is to be made belongs to one place: two nodes would both make it, and Cinder takes the name twice."""
    labels = [one.label for one in want.volumes]
    for label in labels:
        owner = owners.setdefault(label, want.node)
        if owner != want.node or labels.count(label) > 1:
            raise Invalid(
                f"Failed to read the volumes of node {want.node}: volume {label} is asked for twice (node {owner}). Give each its own."
            )


def wanted(entry: Mapping[str, Any], params: Mapping[str, Any]) -> NodeWanted:
    """One entry of the option nodes. Raises Invalid."""
    node, state = entry["node"], params["state"]
    shared = {"node": node, "power_off": params.get("power_off"), "without_nova": params.get("without_nova")}
    deletes = params.get("volumes_on_undeploy") == "delete" and state in GOING
    mark = new_mark()  # one: several volumes may come from one golden volume
    return NodeWanted(
        node=node,
        state=state,
        storage=node_storage.wanted({**_storage(entry, state), **shared}),
        connectors=tuple(
            connector.wanted(
                {**one, **shared, "iqn_prefix": params.get("iqn_prefix"), "state": "absent" if state == ABSENT else "present"}
            )
            for one in _connectors(entry)
        ),
        volumes=tuple(
            volume.wanted(
                {
                    **one,
                    "state": "absent" if deletes else "present",
                    "via_golden": bool(params.get("golden") and one.get("image")),
                    "mark": mark,
                }
            )
            for one in entry.get("volumes") or ()
        ),
        targets=tuple(target.wanted({**one, **shared}) for one in _targets(entry)),
        deletes_volumes=deletes,
        power_off=bool(params.get("power_off")),
        on_drift=params.get("on_drift") or "fail",
        validate=params.get("validate") is not False,
        without_nova=bool(params.get("without_nova")),
        takeover=_takeover(params),
    )


def _takeover(params: Mapping[str, Any]) -> Takeover:
    mode, confirmed = params.get("takeover") or NEVER, tuple(params.get("takeover_confirmed") or ())
    if confirmed and mode != CONFIRMED:
        raise Invalid(
            f"Failed to read takeover_confirmed: it names {', '.join(confirmed)}, and takeover is {mode}. Set takeover to {CONFIRMED}, or leave it out."
        )
    if mode == CONFIRMED and not confirmed:
        raise Invalid(
            f"Failed to read takeover: it is {CONFIRMED}, and takeover_confirmed names no node. Name each node whose machine is known to be off."
        )
    return Takeover(mode, confirmed, params.get("takeover_initiator") or KEEP)


def _storage(entry: Mapping[str, Any], state: str) -> Mapping[str, Any]:
    """How the node is set up. Where it is to boot from volumes no more, its driver's default and none of their capabilities."""
    if state != ABSENT:
        return {**entry, "image_source": "absent"}
    return {"storage_interface": node_storage.RESET, "capabilities": dict.fromkeys(_BOOT_CAPABILITIES)}


def _connectors(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node's connectors; left out, it is one iqn connector."""
    given: list[Mapping[str, Any]] | None = entry.get("connectors")
    if given is None:
        return [{"type": "iqn"}]
    if sum(one.get("type", "iqn") == "iqn" for one in given) > 1:
        raise Invalid(
            f"Failed to read the connectors of node {entry['node']}: a node has one iqn connector at the most. Give one."
        )
    return given


def _targets(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node's targets; left out, they are its volumes in their order, the first of them to boot from."""
    given: list[Mapping[str, Any]] | None = entry.get("targets")
    if given is None:
        given = [
            {"boot_index": index, "volume": one.get("id") or one.get("name")}
            for index, one in enumerate(entry.get("volumes") or ())
        ]
    places = [one.get("boot_index") or 0 for one in given]
    if len(set(places)) < len(places):
        raise Invalid(
            f"Failed to read the targets of node {entry['node']}: two have the same boot_index. Give each its own, 0 for the boot volume."
        )
    return given
