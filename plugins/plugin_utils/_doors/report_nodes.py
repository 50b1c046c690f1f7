# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes as a kind of machine that a report shows (see report_machines.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from ...module_utils._engine.resources.node import states
from .report_machines import DEPLOYMENT, NONE, OTHER, STORAGE, VOLUMES, Cell, Line, Seen, being_made
from .report_reading import Record, natural, record, records, text, texts

__all__ = ["COLUMNS", "DONE", "GONE", "MODULE", "NOUN", "PHASES", "own_states", "phases", "seen"]

NOUN = "node"
MODULE = "bfv.openstack.baremetal_fleet"
COLUMNS = ("Storage interface", "Boot index", "Volume", "Size", "Target", "Connector")
DONE = {"absent": "cleared"}
GONE = ("undeployed", "absent")
# Told by the beginning of what the fleet notes: names come later in it, and may be any words.
PHASES = (
    (STORAGE, re.compile(r"(create|change|remove) (the )?(volume target|\w+ connector) |(set up the )?storage of node ")),
    (STORAGE, re.compile(r"power off node |node \S+ to be powered off|(connectors|targets)$")),
    (DEPLOYMENT, re.compile(r"(un)?deploy node |node ")),
    (VOLUMES, re.compile(r"[^:«]*\bvolumes?\b")),
)


def phases(gone: bool) -> Mapping[str, str]:
    """The phases in words."""
    return {
        VOLUMES: "volumes",
        STORAGE: "storage interface, connectors, targets",
        DEPLOYMENT: "undeployment" if gone else "deployment",
        OTHER: "other",
    }


def own_states(options: Record) -> Mapping[str, str]:
    """None: all nodes of a run are wanted in one state."""
    return {}


def seen(name: str, of_node: Record, state: str) -> Seen:
    """What a result tells of a node that was wanted in a state."""
    node, volumes = record(of_node.get("node")), records(of_node.get("volumes"))
    provision_state = text(node.get("provision_state"))
    known_as = text(node.get("name")) if node.get("name") != name else ""
    in_short = (provision_state, text(node.get("power_state")), text(node.get("storage_interface")))
    return Seen(
        known_as=known_as,
        notes=(Line(", ".join(filter(None, (known_as, provision_state))) or "not found", "small"),),
        now=", ".join(filter(None, in_short)) if provision_state else "",
        disks=tuple(_rows(node, of_node, volumes)),
        moves=states.moves(provision_state) or being_made(volumes),
        lands=state != "deployed" or provision_state == "active",
    )


def _rows(node: Record, of_node: Record, volumes: Sequence[Record]) -> Iterable[tuple[Cell, ...]]:
    """A row for each target, the one to boot from first, and one for each volume that no target is for."""
    storage = Line(text(node.get("storage_interface")) or NONE)
    boot = text(node.get("boot_interface"))
    of_all = (storage, *([Line(f"boot: {boot}", "small")] if boot else []))
    connectors = tuple(_connectors(records(of_node.get("connectors")))) or (Line("none"),)
    by_id = {text(one.get("id")): one for one in volumes}  # one that is asked for by name and by id is there twice
    ordered = sorted(records(of_node.get("targets")), key=lambda one: natural(text(one.get("boot_index"))))
    disks = [(one, by_id.pop(text(one.get("volume_id")), {})) for one in ordered]
    disks += [({}, one) for one in by_id.values()]
    for target, volume in disks:
        yield (of_all, *_disk(target, volume), connectors)
    if not disks:
        yield (of_all, (Line(NONE),), (Line("none"),), (Line(NONE),), (Line("none"),), connectors)


def _disk(target: Record, volume: Record) -> tuple[Cell, ...]:
    """A volume of a node, and the target by which the node reaches it; or one of the two alone."""
    volume_id = text(target.get("volume_id")) or text(volume.get("id"))
    size = text(volume.get("size"))
    return (
        (Line(text(target.get("boot_index")) or NONE),),
        (Line(text(volume.get("name")) or "not of Cinder"), Line(volume_id, "code")),
        (Line(f"{size} GiB" if size else NONE),),
        tuple(_paths(record(target.get("properties")))) or (Line("no address known" if target else "no target"),),
    )


def _paths(properties: Record) -> Iterable[Line]:
    """The paths of a target: one in the singular, several in lists. A single name or LUN is that of all paths."""

    def several(name: str) -> list[str]:
        return list(texts(properties.get(f"{name}s") or properties.get(name)))

    names, portals, luns = several("target_iqn") or several("target_wwn"), several("target_portal"), several("target_lun")
    paths = max(len(names), len(portals))
    of_all = [ones * paths if len(ones) == 1 else ones for ones in (names, luns)]
    chap = properties.get("auth_method") == "CHAP" or bool(properties.get("auth_username"))
    for name, portal, lun in zip_longest(of_all[0], portals, of_all[1], fillvalue=""):
        yield Line(", ".join(filter(None, (portal, f"LUN {lun}" if lun else "", "CHAP" if chap else ""))))
        yield Line(name, "code")


def _connectors(connectors: Iterable[Record]) -> Iterable[Line]:
    for one in connectors:
        yield Line(text(one.get("connector_id")), "code")
        if one.get("type") != "iqn":
            yield Line(text(one.get("type")), "small")
