# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked for each node of a fleet, in the terms of the single resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..resources import connector, node_storage, target, volume
from ..values.errors import Invalid

UNDEPLOYED = "undeployed"


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


def wanted(entry: Mapping[str, Any], params: Mapping[str, Any]) -> NodeWanted:
    """One entry of the option nodes. Raises Invalid."""
    node, state = entry["node"], params["state"]
    shared = {"node": node, "power_off": params.get("power_off")}
    gone = "absent" if state == UNDEPLOYED else "present"
    delete = params.get("volumes_on_undeploy") == "delete"
    volumes = [{**one, "state": "absent" if delete and state == UNDEPLOYED else "present"} for one in entry.get("volumes") or ()]
    return NodeWanted(
        node=node,
        state=state,
        storage=node_storage.wanted({**entry, **shared, "image_source": "absent"}),
        connectors=tuple(
            connector.wanted({**one, **shared, "iqn_prefix": params.get("iqn_prefix")}) for one in _connectors(entry)
        ),
        volumes=tuple(map(volume.wanted, volumes)),
        targets=tuple(target.wanted({**one, **shared, "state": gone}) for one in _targets(entry)),
        deletes_volumes=delete,
    )


def _connectors(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node's connectors; left out, it is one iqn connector."""
    given = entry.get("connectors")
    return [{"type": "iqn"}] if given is None else given


def _targets(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node's targets; left out, they are its volumes in their order, the first of them to boot from."""
    given = entry.get("targets")
    if given is None:
        given = [
            {"boot_index": index, "volume": one.get("name") or one.get("id")}
            for index, one in enumerate(entry.get("volumes") or ())
        ]
    places = [one.get("boot_index") or 0 for one in given]
    if len(set(places)) < len(places):
        raise Invalid(
            f"Failed to read the targets of node {entry['node']}: two have the same boot_index. Give each its own, 0 for the boot volume."
        )
    return given
