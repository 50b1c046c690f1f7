# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume target: a volume for a node, at a place in its boot order.

Targets belong to one deployment: Ironic deletes them all when the node is undeployed. The API checks none of their properties, so
that what Ironic's iPXE template cannot digest fails the deployment late; the rules below say it before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from ...cloud.connection import Cloud
from ...values import identifiers, permits, secrets
from ...values.errors import Invalid, Refused, refuse
from ...values.merge import merged
from ...values.paths import path_of
from ...values.plan import Plan, Request
from ..volume import record as volumes
from ..volume import reservation
from ..volume.record import Volume
from . import instance, listing, states, target_properties, target_secrets
from . import record as nodes
from .record import Node
from .target_secrets import DIGEST

_KEY = re.compile(r"[\w-]+", re.ASCII)  # of other keys Ironic patches none (ironic/api/schemas/v1/volume_target.py)
_VOLUME_ID_LENGTH = 36  # the column's width: a longer id fails in Ironic's database
_REDACTED = "redacted_contents"
_VOLUME_TYPES = ("iscsi", "fibre_channel")  # compared as they stand (ironic/drivers/modules/deploy_utils.py, is_iscsi_boot)

# The module's short options, and the property that Ironic reads.
SHORT = (
    *((name, name) for name in (*target_properties.ADDRESS, target_properties.PORTALS)),
    ("chap_username", target_properties.USERNAME),
    ("chap_password", target_properties.PASSWORD),
)


@dataclass(frozen=True)
class Wanted:
    """The target that is asked for. None leaves alone. ``volume`` is a name or id in Cinder, ``volume_id`` any id."""

    node: str
    boot_index: int = 0
    volume_type: str | None = None
    volume: str | None = None
    volume_id: str | None = None
    properties: Mapping[str, object] | None = field(default=None, repr=False)
    update_password: str = "on_create"
    extra: Mapping[str, object] | None = None
    shared: bool = False  # other machines may boot the same LUN: a fleet's nodes alone are compared
    state: str = "present"
    power_off: bool = False
    without_nova: bool = False
    salt: str = field(default_factory=lambda: token_hex(16), compare=False, repr=False)  # of a digest that this run makes


@dataclass(frozen=True)
class Target:
    """What Ironic says of a target. The properties may hold Cinder's CHAP password in clear on servers older than 2026.1."""

    uuid: str
    node_uuid: str
    volume_type: str
    boot_index: int
    volume_id: str
    properties: Mapping[str, object] = field(default_factory=dict, repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The node, its targets, and the volumes of Cinder that the wanted name or id matches."""

    node: Node
    targets: tuple[Target, ...] = ()
    volumes: tuple[Volume, ...] = ()


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for, with every property in the form that Ironic needs. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**given)
    where = f"Failed to read volume target {want.boot_index} of node {want.node}"
    if want.boot_index < 0:
        raise Invalid(f"{where}: boot_index is {want.boot_index}, and counts from 0, the boot volume.")
    if want.volume_id and len(want.volume_id) > _VOLUME_ID_LENGTH:
        raise Invalid(
            f"{where}: volume_id has {len(want.volume_id)} characters, and Ironic keeps {_VOLUME_ID_LENGTH}. Give a UUID."
        )
    if want.volume and want.volume_id:
        raise Invalid(f"{where}: volume and volume_id are both given. Give volume for one of Cinder's, volume_id for any other.")
    return replace(want, properties=_properties(params, where))


def _properties(params: Mapping[str, Any], where: str) -> dict[str, object] | None:
    properties = dict(params.get("properties") or {})
    for option, name in SHORT:
        if params.get(option) is None:
            continue
        if name in properties:
            raise Invalid(f"{where}: {option} and properties.{name} are both given. Give one of them.")
        properties[name] = params[option]
    for name, value in properties.items():
        if not _KEY.fullmatch(name):
            raise Invalid(f'{where}: properties has the key "{name}", and Ironic changes only keys of letters, digits, - and _.')
        try:
            properties[name] = target_properties.formed(name, value)
        except Invalid as error:
            raise Invalid(f"{where}: {name}: {error}.") from None
    try:
        return target_properties.replacing(properties) or None
    except Invalid as error:
        raise Invalid(f"{where}: {error}.") from None


def from_api(target: Mapping[str, Any]) -> Target:
    """A target out of Ironic's JSON (the detailed form)."""
    return Target(
        uuid=target["uuid"],
        node_uuid=target["node_uuid"],
        volume_type=target["volume_type"],
        boot_index=target["boot_index"],
        volume_id=target["volume_id"],
        properties=target.get("properties") or {},
        extra=target.get("extra") or {},
    )


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the node, its targets, and the volume where Cinder's is asked for."""
    (node,) = instance.known(cloud, [nodes.observe(cloud, want.node)], without_nova=want.without_nova)
    what = f"read the volume targets of node {node.name}"
    targets = tuple(map(from_api, listing.read(cloud, listing.TARGETS, what, node=node.uuid, detail=True)))
    of_cinder = want.volume if want.state == "present" else None
    return Found(node, targets, reservation.known(cloud, volumes.find(cloud, of_cinder)) if of_cinder else ())


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the target is as wanted. Pure. Raises Refused."""
    node = found.node
    subject = f"volume target {want.boot_index} of node {node.name}"
    current = find(want, found.targets)
    if want.state == "absent":
        return _plan_absence(want, node, current, subject)
    nodes.check_not_novas(node, f"set up {subject}")
    nodes.check_can_boot_iscsi(node, f"set up {subject}")
    volume_id = _volume_id(want, found, current, subject)
    if current is None:
        return _plan_creation(want, node, volume_id, subject)
    return _plan_update(want, node, current, volume_id, subject)


def find(want: Wanted, targets: tuple[Target, ...]) -> Target | None:
    """The target at the wanted place of the boot order: Ironic keeps that place unique on a node."""
    return next((target for target in targets if target.boot_index == want.boot_index), None)


def _volume_id(want: Wanted, found: Found, current: Target | None, subject: str) -> str | None:
    """The id of the wanted volume, or None where none is named."""
    if want.volume is None:
        return want.volume_id
    volume = volumes.only(found.volumes, want.volume)
    if volume is None:
        raise Refused(
            f"Failed to set up {subject}: Cinder shows no volume {want.volume}. Create it first (bfv.openstack.bfv_volume)."
        )
    # What a machine runs from is in use; all else is looked at, changed or not: the next deployment will use it.
    if current is None or current.volume_id != volume.id or not states.of(found.node.provision_state).machine:
        volumes.check_attachable(volume, found.node.holders, boots=want.boot_index == 0, what=f"set up {subject}")
    return volume.id


def _plan_creation(want: Wanted, node: Node, volume_id: str | None, subject: str) -> Plan:
    if volume_id is None:
        raise Refused(f"Failed to create {subject}: no volume is named. Give volume (Cinder's name or id) or volume_id.")
    target = Target(
        uuid="",
        node_uuid=node.uuid,
        volume_type=want.volume_type or "iscsi",
        boot_index=want.boot_index,
        volume_id=volume_id,
        properties=merged({}, want.properties),
        extra=_extra(want, node, {}, writes=True),
    )
    _check(want, node, target, subject)
    if node.storage_interface != "cinder":
        refuse(f"create {subject}", target_properties.login_obstacles(target.properties))
    return Plan(
        subject,
        {},
        _view(target),
        (_create(target, f"create {subject} with volume {want.volume or volume_id}"),),
        warnings=_warnings(node, target),
    )


def _plan_update(want: Wanted, node: Node, current: Target, volume_id: str | None, subject: str) -> Plan:
    if want.properties and _REDACTED in current.properties:
        raise Refused(
            f"Failed to compare {subject}: Ironic hides its properties from this user (policy baremetal:volume:view_target_properties). "
            "Use a cloud with system scope or the role admin."
        )
    kept = current.extra.get(DIGEST)
    to_write = target_secrets.to_write(want.properties, current.properties, want.update_password, kept, _place(want, node))
    goal = replace(
        current,
        volume_type=want.volume_type or current.volume_type,
        volume_id=volume_id or current.volume_id,
        properties=merged(current.properties, to_write),
        extra=_extra(want, node, current.extra, writes=bool(target_secrets.given(to_write))),
    )
    _check(want, node, goal, subject)
    warnings = _warnings(node, goal)
    if goal == current:
        return Plan(subject, _view(current), _view(current), warnings=warnings)
    what = f"change {subject}"
    unseen = replace(goal, properties=target_secrets.as_shown(goal.properties, current.properties)) == current
    update = replace(_update(current, goal, what), unseen=unseen)
    in_place = Plan(subject, _view(current), _view(goal, current), (update,), warnings=warnings)
    if nodes.may_update_records(node):
        return in_place
    if nodes.may_delete_records(node):
        steps = _delete(want, current, node, f"{what} (delete)"), _create(_whole(want, node, goal, subject), f"{what} (create)")
        return replace(in_place, steps=tuple(replace(step, unseen=unseen) for step in steps))
    return nodes.when_off(in_place, node, want.node, what, permitted=want.power_off)


def _plan_absence(want: Wanted, node: Node, current: Target | None, subject: str) -> Plan:
    if current is None:
        return Plan(subject, {}, {})
    what = f"remove {subject}"
    nodes.check_not_novas(node, what)
    removal = Plan(subject, _view(current), {}, (_delete(want, current, node, what),))
    if nodes.may_delete_records(node):
        return removal
    return nodes.when_off(removal, node, want.node, what, permitted=want.power_off)


def _check(want: Wanted, node: Node, target: Target, subject: str) -> None:
    if node.storage_interface == "cinder" and want.volume is not None:
        return  # its id comes from Cinder
    refuse(f"set up {subject}", obstacles(node, target))


def obstacles(node: Node, target: Target) -> Iterator[str]:
    """What Ironic accepts of a target and then cannot boot from (ironic/common/pxe_utils.py, get_volume_pxe_options)."""
    if target.volume_type not in _VOLUME_TYPES:
        yield f'its volume_type is "{target.volume_type}", and Ironic knows {" and ".join(_VOLUME_TYPES)}. Set volume_type.'
    if node.storage_interface == "cinder":  # Cinder writes the properties itself when it attaches the volume
        if not identifiers.is_uuid(target.volume_id):
            yield f'storage interface cinder attaches Cinder\'s volumes, and "{target.volume_id}" is no id of one.'
    elif target.volume_type == "iscsi" and _REDACTED not in target.properties:
        yield from target_properties.obstacles(target.properties, boots=target.boot_index == 0)
        if node.ironic.writes_luns_in_decimal:
            yield from target_properties.decimal_lun_obstacles(target.properties)


def is_hidden(target: Target) -> bool:
    """Whether Ironic hides from this user where the target leads."""
    return _REDACTED in target.properties


def hidden_obstacles(node: Node, target: Target) -> Iterator[str]:
    """Why nobody can say whether the node boots from the target."""
    if node.storage_interface == "external" and is_hidden(target):
        yield (
            "Ironic hides its properties from this user (policy baremetal:volume:view_target_properties), so they cannot be checked. "
            "Use a cloud with system scope or the role admin."
        )


def volume_obstacles(node: Node, boot_index: int, volume_id: str, seen: Mapping[str, Volume] | None) -> Iterator[str]:
    """Why Ironic could not attach the volume of a target. ``seen`` are Cinder's by their ids, None where it was not asked.

    Only the interface cinder asks Cinder; with external the id may mean anything.
    """
    if seen is None or node.storage_interface != "cinder" or not identifiers.is_uuid(volume_id):
        return
    if volume_id in seen:
        yield from volumes.obstacles(seen[volume_id], node.holders, boots=boot_index == 0)
    else:
        yield f"Cinder shows no volume {volume_id} to this user. Name the cloud of its project (volume_cloud), or make the target anew."


def _warnings(node: Node, target: Target) -> tuple[str, ...]:
    warnings = []
    if node.storage_interface == "noop":
        warnings.append(f"node {node.name} has storage interface noop, which ignores its volume targets: set cinder or external")
    warnings += [
        f"volume target {target.boot_index} of node {node.name}: {obstacle}"
        for obstacle in target_properties.portal_obstacles(target.properties)
    ]
    return tuple(warnings)


def taken_away(target: Target, node: Node) -> Plan:
    """What becomes of a target when its node is undeployed: Ironic removes it."""
    return Plan(f"volume target {target.boot_index} of node {node.name}", _view(target), {})


def _place(want: Wanted, node: Node) -> str:
    return f"{node.uuid}/{want.boot_index}"


def _extra(want: Wanted, node: Node, found: Mapping[str, object], *, writes: bool) -> dict[str, object]:
    """The notes beside the target. A digest that is there is that of the secret that was written last, whyever it was written."""
    extra, kept = merged(found, want.extra), found.get(DIGEST)
    is_kept = want.update_password == "on_change" or (writes and kept is not None)
    if not is_kept or not target_secrets.given(want.properties):
        return extra
    return {**extra, **target_secrets.notes(want.properties, kept, _place(want, node), want.salt)}


def _whole(want: Wanted, node: Node, goal: Target, subject: str) -> Target:
    """The target as a new record, with its secrets in clear. Raises Refused where only Ironic knows them."""
    properties = target_secrets.in_clear(goal.properties, want.properties)
    unknown = [name for name, value in properties.items() if secrets.is_masked(value) or name == _REDACTED]
    if unknown:
        raise Refused(
            f"Failed to change {subject}: it must be deleted and created again, and only Ironic knows its {', '.join(unknown)}. "
            "Give that as well, or power the node off."
        )
    return replace(goal, properties=properties, extra=_extra(want, node, goal.extra, writes=True))


def _update(current: Target, goal: Target, what: str) -> Request:
    """The differences as JSON patch, key by key: writing the whole of the properties back would store the mask as the password."""
    fields = ("volume_type", "volume_id", "extra")
    patch: list[dict[str, object]] = [
        {"op": "add", "path": f"/{name}", "value": getattr(goal, name)}
        for name in fields
        if getattr(goal, name) != getattr(current, name)
    ]
    patch += _patch_properties(current.properties, goal.properties)
    return Request(what, "baremetal", "PATCH", path_of("volume", "targets", current.uuid), "target", current.uuid, patch)


def _patch_properties(current: Mapping[str, object], goal: Mapping[str, object]) -> list[dict[str, object]]:
    if not current:  # the record may hold null there, into which no key can be added
        return [{"op": "add", "path": "/properties", "value": dict(goal)}] if goal else []
    patch: list[dict[str, object]] = [
        {"op": "add", "path": f"/properties/{key}", "value": value} for key, value in goal.items() if current.get(key) != value
    ]
    return patch + [{"op": "remove", "path": f"/properties/{key}"} for key in current if key not in goal]


def _create(target: Target, what: str) -> Request:
    body = {
        "node_uuid": target.node_uuid,
        "volume_type": target.volume_type,
        "boot_index": target.boot_index,
        "volume_id": target.volume_id,
        "properties": dict(target.properties),
        "extra": dict(target.extra),
    }
    return Request(what, "baremetal", "POST", "/volume/targets", "target", body=body)


def _delete(want: Wanted, target: Target, node: Node, what: str) -> Request:
    permit = permits.part(target.uuid, target.node_uuid, nodes.named(node, want.node))
    path = path_of("volume", "targets", target.uuid)
    return Request(f"{what} ({target.uuid})", "baremetal", "DELETE", path, "target", target.uuid, permits=(permit,))


def _view(target: Target, was: Target | None = None) -> dict[str, object]:
    """The target as a diff shows it, without secrets."""
    return {
        "boot_index": target.boot_index,
        "volume_type": target.volume_type,
        "volume_id": target.volume_id,
        "properties": target_secrets.masked(target.properties, was.properties if was else None),
        "extra": secrets.mask(target.extra),
    }


def view(target: Target) -> dict[str, object]:
    """The target as a module returns it, without secrets."""
    return {"uuid": target.uuid, "node_uuid": target.node_uuid, **_view(target)}


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The wanted target as a module returns it, or None where there is none."""
    current = find(want, found.targets)
    return {"target": view(current) if current else None}
