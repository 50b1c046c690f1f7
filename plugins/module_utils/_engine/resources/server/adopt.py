# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is there in the words of the role server_deploy, so that a run of it changes nothing.

Whether that is so the run's own rules say: each server is planned with what is told of it, and one that a run would change, or refuse, is
left out with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...cloud.connection import Cloud
from ...cloud.service import Json
from ...values import secrets, templates
from ...values.errors import BfvError
from ..volume import naming
from ..volume import plan as volume
from ..volume import record as volume_record
from ..volume.naming import Volumes
from . import plan as planning
from . import record, root, states
from .found import Found
from .record import Server
from .root import Attachment
from .wanted import wanted

_READERS = 4
_STATES = {status: state for state, status in states.STATUS.items()}


@dataclass(frozen=True)
class Seen:
    """A server, what of it Nova tells of its volumes where it has several, and how many servers have its name."""

    server: Server
    attachments: tuple[Attachment, ...]
    volumes: Volumes = field(repr=False)  # those of the project
    namesakes: int = 1

    @property
    def root(self) -> str | None:
        """The id of the volume that it boots from."""
        return root.of(self.server, self.attachments)


@dataclass(frozen=True)
class Adopted:
    """``options`` are those of bfv_server. ``left_alone`` says why there are none."""

    options: Mapping[str, object]
    left_alone: str = ""


def observe(cloud: Cloud) -> list[Seen]:
    """The servers of the project: a list of these and one of their volumes, and a request for each server that has several."""
    servers = record.read_all(cloud)
    volumes = naming.named(volume_record.read_all(cloud) if servers else ())
    with ThreadPoolExecutor(_READERS) as pool:
        attachments = list(pool.map(lambda one: root.read(cloud, one.id) or () if len(one.disks) > 1 else (), servers))
    names = Counter(one.name for one in servers)
    return [Seen(one, several, volumes, names[one.name]) for one, several in zip(servers, attachments, strict=True)]


def adopted(seen: Seen) -> Adopted:
    """What is to be asked for of the server, so that a run changes nothing of it. Pure."""
    options = _options(seen)
    return Adopted(options, next(_obstacles(seen, options), ""))


def variables(one: Adopted) -> Json:
    """The role's variables of the server, or the one that says why it has none. What the cloud says is no template in them."""
    told = {"server_deploy_left_alone": one.left_alone} if one.left_alone else {"server_deploy_options": one.options}
    return {name: templates.literal(value) for name, value in told.items()}


def _obstacles(seen: Seen, options: Mapping[str, object]) -> Iterator[str]:
    """Why a run would do something to the server, or nobody can say."""
    server = seen.server
    if seen.namesakes > 1:
        yield f"{seen.namesakes} servers are called {server.name}, and the playbook finds a server by its name"
    if not states.is_known(server.status):
        yield f"its status is {server.status}, which this collection does not know"
    if not server.boots_from_volume:
        yield "it boots from a local disk, and not from a volume"
    try:
        root.check(server, seen.root, f"tell the boot volume of {record.called(server)}")
        plan = planning.plan(wanted(options), _found(seen))
    except BfvError as error:
        yield str(error)
        return
    if plan.waiting:
        yield f"it is not at rest: a run would wait for {plan.waiting}"
    if plan.changed:
        yield f"a run would {', '.join(plan.actions) or 'change it'}"


def _found(seen: Seen) -> Found:
    """What a run would find of the server."""
    ids, volumes = seen.server.disks, seen.volumes
    boot = tuple(volumes.by_id[id] for id in ids if id == seen.root and id in volumes.by_id)
    disks = {volumes.called(id): volumes.by_label.get(id, ()) for id in ids}
    return Found((seen.server,), seen.root, seen.attachments, volume.Found(boot), disks=disks)


def _options(seen: Seen) -> dict[str, object]:
    server, called = seen.server, seen.volumes.called
    told: dict[str, object] = {"name": server.name, "flavor": server.flavor}
    if server.status in _STATES:
        told["state"] = _STATES[server.status]
    if seen.root:
        told["boot"] = {"volume": called(seen.root), "delete_on_termination": server.disks[seen.root]}
    further = [{"volume_id": called(id), "delete_on_termination": goes} for id, goes in server.disks.items() if id != seen.root]
    others = {
        "block_devices": further,
        "key_name": server.key_name,
        "security_groups": _security_groups(server),
        "config_drive": server.config_drive,
        "availability_zone": server.availability_zone,
        "metadata": {key: value for key, value in server.metadata.items() if not secrets.is_secret(key)},
        "tags": list(server.tags),
        "description": server.description,
    }
    return {**told, "networks": _networks(server), **{name: value for name, value in others.items() if value}}


def _security_groups(server: Server) -> list[str]:
    """Nova tells those of all ports together, and only of one port it is known which it has."""
    return sorted(server.security_groups) if len(server.macs) == 1 else []


def _networks(server: Server) -> str | Sequence[Mapping[str, str]]:
    """Each port once, by its first address."""
    firsts = {one.mac: one for one in reversed(server.on_networks) if one.kind == "fixed"}
    ports = [firsts[mac] for mac in server.macs if mac in firsts]
    return [{"network": one.network, "fixed_ip": one.ip} for one in ports] or "none"
