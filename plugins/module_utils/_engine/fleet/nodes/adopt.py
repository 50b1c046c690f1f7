# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that is there in the words of the role baremetal_deploy, so that a run of the role changes nothing of it.

Whether that is so the run's own rules say: each node is planned with what is told of it, and one that a run would change, or refuse, is left
out with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...cloud.connection import Cloud
from ...cloud.service import Json
from ...resources.node import deployment, instance, states, target
from ...resources.node.connector import Connector
from ...resources.node.record import Node
from ...resources.node.target import Target
from ...resources.volume import naming, reservation
from ...resources.volume import record as volume_record
from ...resources.volume.naming import Volumes
from ...values import capabilities, connectors, secrets, templates
from ...values.errors import BfvError
from ..stage import whole
from . import plan as planning
from .info import NodeSeen
from .observe import NodeFound, labels
from .readiness import Setup
from .wanted import DEPLOYED, PREPARED, NodeWanted, read

_INTERFACES = ("cinder", "external", "noop")  # those of the role
_BOOTS = ("iscsi_boot", "fibre_channel_boot")
_OURS = (*_BOOTS, "boot_mode")  # the capabilities that booting from volumes is about


@dataclass(frozen=True)
class Adopted:
    """``entry`` is the node as an entry of baremetal_fleet's option nodes, ``state`` what a run is to be asked for. ``left_alone`` says why there is none."""

    entry: Mapping[str, object]
    state: str = DEPLOYED
    left_alone: str = ""


def observe(cloud: Cloud, seen: Sequence[NodeSeen], *, without_nova: bool) -> list[NodeSeen]:
    """The nodes with what a run would see of them as well: whose each is, and the volumes of Cinder where some boot from these."""
    nodes = instance.known(cloud, [one.setup.node for one in seen], without_nova=without_nova)
    seen = [replace(one, setup=replace(one.setup, node=node)) for one, node in zip(seen, nodes, strict=True)]
    if not any(_is_cinders(one) for one in seen):
        return seen
    volumes = {one.id: one for one in reservation.known(cloud, volume_record.read_all(cloud))}
    return [replace(one, setup=replace(one.setup, volumes=volumes)) for one in seen]


def _is_cinders(seen: NodeSeen) -> bool:
    return seen.setup.node.storage_interface == "cinder" and bool(seen.setup.targets)


def adopted(seen: Sequence[NodeSeen]) -> list[Adopted]:
    """What is to be asked for of each node, so that a run changes nothing of it. Pure."""
    known = next((one.setup.volumes for one in seen if one.setup.volumes), {})  # the same for all
    volumes = naming.named(known.values())
    return [_adopted(one, volumes) for one in seen]


def _adopted(seen: NodeSeen, volumes: Volumes) -> Adopted:
    state = DEPLOYED if deployment.is_deployed(seen.setup.node) else PREPARED
    entry = _entry(seen.setup, volumes)
    return Adopted(entry, state, next(_obstacles(seen.setup, entry, state, volumes), ""))


def variables(one: Adopted) -> Json:
    """The role's variables of the node, or the one that says why it has none. What the cloud says is no template in them."""
    if one.left_alone:
        told: dict[str, object] = {"left_alone": one.left_alone}
    else:
        told = {**one.entry, "state": one.state}
    shown = {f"baremetal_deploy_{name}": value for name, value in told.items()}
    return {name: templates.literal(value) for name, value in shown.items()}


def _obstacles(setup: Setup, entry: Mapping[str, object], state: str, volumes: Volumes) -> Iterator[str]:
    """Why a run would do something to the node, or nobody can say."""
    node = setup.node
    if node.storage_interface not in _INTERFACES:
        yield f"its storage interface is {node.storage_interface}, and the role knows {', '.join(_INTERFACES)}"
    if not states.is_known(node.provision_state):
        yield f"its provision state is {node.provision_state}, which this collection does not know"
    for one in setup.targets:
        yield from (f"volume target {one.boot_index}: {why}" for why in target.hidden_obstacles(node, one))
    wants, malformed = read({"nodes": [entry], "state": state, "concurrency": 1})
    yield from map(str, malformed.values())
    try:
        stages = [stage for want in wants for stage in planning.plan(want, _found(setup, want, volumes))]
    except BfvError as error:
        yield str(error)
        return
    waits = [stage.plan.waiting for stage in stages if stage.plan.waiting]
    if waits:
        yield f"it is not at rest: a run would wait for {', '.join(waits)}"
    way = whole("", stages)
    if way.changed:
        yield f"a run would {', '.join(way.actions) or 'change it'}"


def _found(setup: Setup, want: NodeWanted, volumes: Volumes) -> NodeFound:
    """What a run would find of the node."""
    return NodeFound(
        setup.node,
        tuple(setup.connectors),
        targets=tuple(setup.targets),
        volumes={label: volumes.by_label.get(label, ()) for label in labels(want)},
        held=volumes.by_id,
        hardware=setup.hardware,
    )


def _entry(setup: Setup, volumes: Volumes) -> dict[str, object]:
    node = setup.node
    heeded = sorted(setup.targets, key=lambda one: one.boot_index) if node.heeds_targets else []
    entry: dict[str, object] = {"node": node.name, "storage_interface": node.storage_interface}
    if node.boot_interface:
        entry["boot_interface"] = node.boot_interface
    entry["capabilities"] = _capabilities(node)
    # Of a type that the collection does not know there may be any, and a run leaves it alone.
    entry["connectors"] = [_connector(one) for one in setup.connectors if one.type in connectors.TYPES]
    if node.storage_interface == "cinder":
        return entry | _of_cinder(heeded, volumes)
    return entry | ({"targets": [_of_array(one, node) for one in heeded]} if heeded else {})


def _capabilities(node: Node) -> dict[str, object]:
    """Those of ours as they are; none where to write them would respell the others."""
    there = capabilities.parse(node.capabilities)
    ours: dict[str, object] = {name: there[name] for name in _OURS if name in there}
    if node.capabilities_are != capabilities.TEXT or capabilities.merge(node.capabilities, ours) != node.capabilities:
        return {}
    return ours | {name: True for name in _BOOTS if capabilities.is_true(node.capabilities, name)}


def _connector(one: Connector) -> dict[str, object]:
    told: dict[str, object] = {"type": one.type, "connector_id": one.connector_id}
    return told | _notes(one.extra)


def _notes(extra: Mapping[str, object]) -> dict[str, object]:
    kept = _without_secrets(extra)
    return {"extra": kept} if kept else {}


def _without_secrets(values: Mapping[str, object]) -> dict[str, object]:
    """What was read whole: what a service masks is never written back."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and not secrets.is_masked(value) and secrets.mask({name: value}) == {name: value}
    }


def _of_cinder(targets: Sequence[Target], volumes: Volumes) -> dict[str, object]:
    """The volumes in the order of the targets, and the targets where they are not what the volumes make by themselves.

    Nothing is said of a volume but what it is called: one that goes is missed then, and not made anew, blank.
    """
    called = {one.volume_id: volumes.called(one.volume_id) for one in targets}
    # One that several machines may have is no node's own.
    own = [one.volume_id for one in targets if not _is_shared(one, volumes)]
    told: dict[str, object] = {"volumes": [{"id" if called[id] == id else "name": called[id]} for id in own]} if own else {}
    by_themselves = [(place, "iscsi") for place in range(len(own))]
    if [(one.boot_index, one.volume_type) for one in targets] != by_themselves or any(_notes(one.extra) for one in targets):
        told["targets"] = [
            {
                "boot_index": one.boot_index,
                "volume_type": one.volume_type,
                "volume": called[one.volume_id],
                **_notes(one.extra),
            }
            for one in targets
        ]
    return told


def _is_shared(one: Target, volumes: Volumes) -> bool:
    return one.volume_id in volumes.by_id and volumes.by_id[one.volume_id].multiattach


def _of_array(one: Target, node: Node) -> dict[str, object]:
    """A target outside of Cinder, with placeholders for its secrets."""
    options = {name: option for option, name in target.SHORT}
    place = f"_{one.boot_index}" if one.boot_index else ""
    known = _without_secrets(one.properties) | {
        name: templates.placeholder(node.name, node.uuid, f"{options.get(name, name)}{place}")
        for name, value in one.properties.items()
        if secrets.is_secret(name) and value is not None
    }
    told: dict[str, object] = {"boot_index": one.boot_index, "volume_id": one.volume_id}
    if one.volume_type != "iscsi":
        told["volume_type"] = one.volume_type
    told |= {options[name]: value for name, value in known.items() if name in options}
    others = {name: value for name, value in known.items() if name not in options}
    return told | ({"properties": others} if others else {}) | _notes(one.extra)
