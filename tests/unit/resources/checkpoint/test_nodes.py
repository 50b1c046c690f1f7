# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of bare-metal nodes: the volumes of their volume targets, and no array's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.checkpoint_cloud import run
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_target,
    a_volume,
    attached,
    planned,
    uuid_of,
)

FRIDAY: Json = {"node": "bm-0", "name": "friday"}


def a_cloud(**node: Any) -> FakeCloud:
    """A node that runs from two volumes, and another one."""
    held = attached(uuid_of("bm-0"), "ironic_mountpoint")
    return FakeCloud(
        nodes=[a_node(provision_state="active", power_state="power on", **node), a_node("bm-1")],
        volumes=[a_volume("data", **held), a_volume("root", **held), a_volume("other")],
        targets=[a_target(volume="data", boot_index=1), a_target(), a_target("bm-1", "other")],
    )


def saved(cloud: FakeCloud) -> list[str]:
    ones = sorted(cloud.snapshots.values(), key=lambda one: str(one["metadata"]["bfv_checkpoint_order"]))
    return [cloud.volumes[one["volume_id"]]["name"] for one in ones]


@pytest.mark.parametrize("reference", ["bm-0", uuid_of("bm-0")])
def test_the_volumes_of_its_targets_are_saved_by_boot_index(reference: str) -> None:
    cloud = a_cloud()
    foreseen = planned(cloud, checkpoint, **FRIDAY)
    ran = run(cloud, name="friday", node=reference)
    assert (saved(cloud), ran.way.actions) == (["root", "data"], foreseen.actions)
    assert {one["metadata"]["bfv_checkpoint_of"] for one in cloud.snapshots.values()} == {f"node {uuid_of('bm-0')}"}
    assert not planned(cloud, checkpoint, **FRIDAY).changed


def test_a_node_that_was_renamed_or_undeployed_has_its_checkpoints() -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    cloud.nodes[uuid_of("bm-0")]["name"] = "renamed"
    cloud.targets.clear()
    assert not planned(cloud, checkpoint, name="friday", node="renamed").changed


def test_keep_lets_the_oldest_go() -> None:
    cloud = a_cloud()
    for name in ("monday", "tuesday", "friday"):
        run(cloud, name=name, node="bm-0", keep=2)
    assert {one["name"] for one in cloud.snapshots.values()} == {"tuesday", "friday"}


@pytest.mark.parametrize("is_gone", [False, True])
def test_they_go_by_name_and_of_a_node_that_is_gone_by_its_uuid(is_gone: bool) -> None:
    cloud = a_cloud()
    run(cloud, **FRIDAY)
    if is_gone:
        cloud.nodes.clear()
    run(cloud, name="friday", node=uuid_of("bm-0"), state="absent")
    assert cloud.snapshots == {}


@pytest.mark.parametrize(
    ("fields", "volumes", "words"),
    [
        ({"storage_interface": "external"}, (), "the snapshots of an array are the array's own"),
        ({"storage_interface": "noop"}, (), "ignores the volume targets"),
        ({}, ("data",), f"Cinder does not show volume {uuid_of('data')} .* the snapshots of an array are the array's own"),
    ],
)
def test_the_disks_of_an_array_are_refused(fields: Json, volumes: tuple[str, ...], words: str) -> None:
    cloud = a_cloud(**fields)
    for name in volumes:
        del cloud.volumes[uuid_of(name)]
    with pytest.raises(Refused, match=words):
        run(cloud, **FRIDAY)
    assert cloud.writes == []


@pytest.mark.parametrize("change", [{"boot_index": 2}, {"volume_type": "local"}])
def test_a_node_without_a_disk_to_boot_from_is_refused(change: Json) -> None:
    cloud = a_cloud()
    cloud.targets[uuid_of("target of bm-0 root")].update(change)
    with pytest.raises(Refused, match="no volume target with boot index 0"):
        run(cloud, **FRIDAY)


def test_a_node_that_is_not_there_is_refused() -> None:
    for state in ("present", "absent"):
        with pytest.raises(Refused, match="Failed to find node bm-7"):
            run(a_cloud(), name="friday", node="bm-7", state=state)
