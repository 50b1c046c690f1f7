# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's storage set-up: its storage and boot interfaces, its capabilities, and no image that would be written to its disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...values import capabilities
from ...values.errors import Invalid, Refused
from ...values.paths import path_of
from ...values.plan import Plan, Request
from . import record as nodes
from . import states
from .record import Node

Default: TypeAlias = "str | Rejected"  # a driver's storage interface, or why it is not known

RESET = "reset"
# ironic/conductor/manager.py, update_node: where an interface may be changed; in maintenance it may be anywhere.
_INTERFACES_MAY_CHANGE = ("enroll", "inspecting", "inspect wait", "manageable", "available")
_SHORT = ("iscsi_boot", "fibre_channel_boot", "boot_mode")


@dataclass(frozen=True)
class Wanted:
    """The set-up that is asked for. None leaves alone; a capability of None is removed."""

    node: str
    storage_interface: str | None = None
    boot_interface: str | None = None
    capabilities: Mapping[str, object] | None = None
    image_source: str | None = None  # "absent"
    validate: bool = False


@dataclass(frozen=True)
class Found:
    """The node, and the storage interface that a reset would give it (read only where a reset is asked for), or why it is not known."""

    node: Node
    default_storage_interface: Default | None = None


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    wanted_capabilities = dict(given.get("capabilities") or {})
    for name in _SHORT:
        if params.get(name) is None:
            continue
        if name in wanted_capabilities:
            raise Invalid(
                f"Failed to read the storage of node {given['node']}: {name} and capabilities.{name} are both given. Give one of them."
            )
        wanted_capabilities[name] = params[name]
    try:
        capabilities.merge(None, wanted_capabilities)
    except Invalid as error:
        raise Invalid(f"Failed to read the storage of node {given['node']}: {error}.") from None
    return Wanted(**{**given, "capabilities": wanted_capabilities or None})


def observe(cloud: Cloud, want: Wanted) -> Found:
    """Read the node, and its driver's default where that is wanted."""
    node = nodes.observe(cloud, want.node)
    if want.storage_interface != RESET:
        return Found(node)
    return Found(node, read_default(cloud, node.driver))


def read_default(cloud: Cloud, driver: str) -> Default:
    """The storage interface that a driver gives a node that has none of its own, or why Ironic does not tell it.

    Ironic tells it to users with system scope (baremetal:driver:get), and only of a driver that a living conductor has.
    """
    try:
        told = cloud.baremetal.read(path_of("drivers", driver), f"read driver {driver}")
    except Rejected as error:
        if error.status in (403, 404):
            return error
        raise
    return str(told["default_storage_interface"])


def plan(want: Wanted, found: Found, made: Collection[str] = ()) -> Plan:
    """What to do so that the node is set up as wanted. Pure. Raises Refused."""
    node, subject = found.node, f"storage of node {found.node.name}"
    if _changes_capabilities(want, node):
        nodes.check_capabilities_known(node, f"set up the {subject}")
    after = goal(want, found)
    nodes.check_can_boot_iscsi(after, f"set up the {subject}")
    interfaces = [name for name in ("storage_interface", "boot_interface") if getattr(after, name) != getattr(node, name)]
    if interfaces and node.provision_state not in _INTERFACES_MAY_CHANGE and not node.maintenance:
        raise Refused(
            f"Failed to set {' and '.join(interfaces)} of node {node.name}: Ironic allows it in the states {', '.join(_INTERFACES_MAY_CHANGE)} "
            f"or in maintenance, and {states.needs(node.provision_state, states.of(node.provision_state).change)}"
        )
    patch = [_patch_interface(want, after, name) for name in interfaces]
    if (after.capabilities, after.capabilities_are) != (node.capabilities, node.capabilities_are):
        patch.append({"op": "add", "path": "/properties/capabilities", "value": after.capabilities})
    if after.image_source != node.image_source:
        patch.append({"op": "remove", "path": "/instance_info/image_source"})
    if patch and states.is_locked(node.provision_state):
        raise Refused(
            f"Failed to set up the {subject}: Ironic changes nothing then, for {states.needs(node.provision_state, states.of(node.provision_state).change)}"
        )
    was, becomes = _view(node), _view(after)
    warnings = tuple(
        f'node {node.name} has the malformed capability "{part}", for which Ironic refuses to deploy: it must be name:value'
        for part in capabilities.malformed(after.capabilities)
    )
    if not patch:
        return Plan(subject, was, becomes, warnings=warnings)
    changes = ", ".join(f"{name} {was[name]} -> {becomes[name]}" for name in was if was[name] != becomes[name])
    request = Request(
        f"set up the {subject}: {changes}", "baremetal", "PATCH", path_of("nodes", node.uuid), "node", node.uuid, patch
    )
    return Plan(subject, was, becomes, (request,), warnings=warnings)


def _changes_capabilities(want: Wanted, node: Node) -> bool:
    """Whether the capabilities are written; only to be without some that are not there is no reason."""
    there = capabilities.names(node.capabilities)
    return any(value is not None or name in there for name, value in (want.capabilities or {}).items())


def goal(want: Wanted, found: Found) -> Node:
    """The node as it is once it is set up as wanted."""
    node = found.node
    if want.capabilities is not None and _changes_capabilities(want, node):
        merged = capabilities.merge(node.capabilities, want.capabilities)
        node = replace(node, capabilities=merged, capabilities_are=capabilities.TEXT)
    return replace(
        node,
        storage_interface=_storage_interface(want, found) or node.storage_interface,
        boot_interface=want.boot_interface or node.boot_interface,
        image_source=None if want.image_source == "absent" else node.image_source,
    )


def _storage_interface(want: Wanted, found: Found) -> str | None:
    """The storage interface that the node is to have. One that ignores volumes is as good as a default that nobody tells."""
    default, node = found.default_storage_interface, found.node
    if want.storage_interface != RESET:
        return want.storage_interface
    if not isinstance(default, Rejected):
        return default
    if not node.heeds_targets:
        return node.storage_interface
    raise Refused(
        f"Failed to reset the storage interface of node {node.name}: which one its driver {node.driver} has by default is not known, since "
        f"Ironic says «{default.said}». Use a cloud with system scope, or set storage_interface yourself "
        "(noop, with bfv.openstack.baremetal_node_storage)."
    )


def _patch_interface(want: Wanted, goal: Node, name: str) -> dict[str, object]:
    if name == "storage_interface" and want.storage_interface == RESET:
        return {"op": "remove", "path": f"/{name}"}
    return {"op": "add", "path": f"/{name}", "value": getattr(goal, name)}


def _view(node: Node) -> dict[str, object]:
    return {
        "storage_interface": node.storage_interface,
        "boot_interface": node.boot_interface,
        "capabilities": _capabilities(node),
        "image_source": node.image_source,
    }


def _capabilities(node: Node) -> object:
    return capabilities.parse(node.capabilities) if node.capabilities_are == capabilities.OBJECT else node.capabilities


def view(node: Node) -> dict[str, object]:
    """The node's set-up as a module returns it."""
    return {
        "uuid": node.uuid,
        "name": node.name,
        "provision_state": node.provision_state,
        "power_state": node.power_state,
        **_view(node),
        "capabilities": capabilities.parse(node.capabilities),
    }


def result(want: Wanted, found: Found) -> dict[str, object]:
    """The node as a module returns it."""
    return {"node": view(found.node)}
