# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nodes of one call share: a disk that only one of them can have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ...values.errors import Refused
from . import claims
from .observe import NodeFound, disks, may_begin
from .wanted import GOING, NodeWanted

Found: TypeAlias = Mapping[str, "NodeFound | Refused"]


def refuse_second(wants: Iterable[NodeWanted], found: Found) -> dict[str, NodeFound | Refused]:
    """What was found, with a refusal in place of each node that asks for what another one has before it."""
    owners: dict[str, tuple[str, str]] = {}
    judged = dict(found)
    for want in wants:
        seen = found[want.node]
        if isinstance(seen, Refused) or want.state in GOING:
            continue
        for disk in disks(want, seen, want.targets):
            name, uuid = owners.setdefault(disk.id, (want.node, seen.node.uuid))
            if uuid != seen.node.uuid and may_begin(want, seen.node):
                judged[want.node] = Refused(
                    f"Failed to set up node {want.node}: {disk.called} is asked for by node {name} as well, and {disk.why}"
                )
    return judged


def refuse_held(wants: Iterable[NodeWanted], found: Found) -> dict[str, NodeFound | Refused]:
    """What was found, with a refusal in place of each node whose volume is to go, and is the disk of another node that is undeployed as well.

    Neither is begun. The volume would be kept as long as that node's target names it, and be deleted by the next run, which finds that target gone.
    """
    wants = list(wants)
    names = {seen.node.uuid: want.node for want in wants if isinstance(seen := found[want.node], NodeFound)}
    judged = dict(found)
    for want in wants:
        seen = found[want.node]
        if isinstance(seen, Refused) or not want.deletes_volumes:
            continue
        for one in (each for entry in want.volumes for each in seen.volumes.get(entry.label, ())):
            for holder in sorted(
                names[uuid] for uuid in claims.of_others(seen.claims, claims.of_volume(one), seen.node.uuid) if uuid in names
            ):
                why = (
                    f"volume {one.name} ({one.id}), which is to be deleted with node {want.node}, is the disk of node {holder}. "
                )
                mend = f"Take it out of the volumes of node {want.node}, or undeploy node {holder} alone first if it is to go."
                for name in (want.node, holder):
                    judged[name] = Refused(f"Failed to take back the set-up of node {name}: {why}{mend}")
    return judged


def refuse_taken_over(wants: Iterable[NodeWanted], found: Found) -> dict[str, NodeFound | Refused]:
    """What was found, with a refusal in place of each node that is to take something over from a node which has a way of its own in this run."""
    wants = list(wants)
    names = {seen.node.uuid: want.node for want in wants if isinstance(seen := found[want.node], NodeFound)}
    judged = dict(found)
    for want in wants:
        seen = found[want.node]
        if isinstance(seen, Refused):
            continue
        for other in (names[one.node.uuid] for one in seen.holders if one.node.uuid in names):
            judged[want.node] = Refused(
                f"Failed to take over the disks of node {want.node} from node {other}: that is asked for in this run as well. "
                f"Run for node {want.node} alone first, and then for the others."
            )
    return judged
