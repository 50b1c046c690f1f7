# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One volume at two nodes: with a type that is multiattach the real Cinder and Ironic do it, with any other it is refused before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .lab import PROJECT, SYSTEM, Json, Lab, Node
from .runs import Ansible, Run, Task, task


@pytest.fixture(scope="module")
def shared_type(lab: Lab) -> Iterator[str]:
    """A multiattach type on the sandbox's backend."""
    (known,) = (one for one in lab.cinder_admin.list("/types", "volume_types") if one["name"] == "tgt")
    specs = {**known["extra_specs"], "multiattach": "<is> True"}
    made = lab.cinder_admin("POST", "/types", {"volume_type": {"name": lab.name("type"), "extra_specs": specs}})["volume_type"]
    yield made["name"]
    lab.clear()  # a type that has volumes stays
    lab.cinder_admin("DELETE", f"/types/{made['id']}")


@dataclass(frozen=True)
class Shared:
    """Two nodes, the volume that both boot from, and one that only the first may have."""

    run: Run
    nodes: tuple[Node, Node]
    volume: Json


def fleet(title: str, state: str, *entries: Json) -> Task:
    return task(title, "bfv.openstack.baremetal_fleet", cloud=SYSTEM, volume_cloud=PROJECT, state=state, nodes=list(entries))


@pytest.fixture(scope="module")
def shared(lab: Lab, ansible: Ansible, shared_type: str) -> Shared:
    first, second = lab.node(), lab.node()
    name, single = lab.name("shared"), lab.name("single")
    source = {"cloud": PROJECT, "size": 1, "bootable": True}

    def entry(node: Node, volume: str) -> Json:
        target = {"boot_index": 0, "volume": volume}
        return {"node": node.name, "storage_interface": "cinder", "capabilities": {"iscsi_boot": True}, "targets": [target]}

    run = ansible.tasks(
        task("volume", "bfv.openstack.bfv_volume", name=name, volume_type=shared_type, **source),
        task("single volume", "bfv.openstack.bfv_volume", name=single, volume_type="tgt", **source),
        fleet("first", "deployed", entry(first, name)),
        fleet("second", "deployed", entry(second, name)),
        fleet("again", "deployed", entry(first, name), entry(second, name)),
        task("held", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, state="absent"),
        task("retype", "bfv.openstack.bfv_volume", cloud=PROJECT, name=name, volume_type="tgt", retype=True),
        task(
            "info",
            "bfv.openstack.bfv_info",
            cloud=SYSTEM,
            volume_cloud=PROJECT,
            nodes=[first.name, second.name],
            volumes=True,
            gather=["nodes", "volumes"],
        ),
        fleet("release one", "undeployed", entry(first, name)),
        task(
            "single at the first",
            "bfv.openstack.volume_target",
            cloud=SYSTEM,
            volume_cloud=PROJECT,
            node=first.name,
            volume=single,
        ),
        fleet("single deployed", "deployed", {**entry(first, single)}),
        task(
            "single at the second",
            "bfv.openstack.volume_target",
            check=True,
            cloud=SYSTEM,
            volume_cloud=PROJECT,
            node=second.name,
            boot_index=1,
            volume=single,
        ),
    )
    (volume,) = lab.volumes(name)
    return Shared(run, (first, second), volume)


def test_the_volume_of_a_multiattach_type_says_so(shared: Shared) -> None:
    assert not shared.run["volume"]["failed"], shared.run["volume"].get("msg")
    assert (shared.run["volume"]["volume"]["multiattach"], shared.run["single volume"]["volume"]["multiattach"]) == (True, False)


def test_two_nodes_boot_from_one_volume(lab: Lab, shared: Shared) -> None:
    for title in ("first", "second"):
        assert not shared.run[title]["failed"], shared.run[title].get("msg")
    (seen,) = (one for one in shared.run["info"]["volumes"] if one["name"] == shared.volume["name"])
    assert sorted(seen["attached_to"]) == sorted(node.uuid for node in shared.nodes)
    assert {one["name"]: one["kind"] for one in seen["holders"]} == {node.name: "node" for node in shared.nodes}


def test_a_second_run_changes_nothing_and_both_are_ready(shared: Shared) -> None:
    assert (shared.run["again"]["failed"], shared.run["again"]["changed"]) == (False, False), shared.run["again"].get("msg")
    assert [(one["ready"], one["reasons"]) for one in shared.run["info"]["nodes"]] == [(True, [])] * 2


def test_what_both_hold_is_neither_deleted_nor_made_single(shared: Shared) -> None:
    assert "attached to" in shared.run["held"]["msg"]
    assert all(node.uuid in shared.run["held"]["msg"] for node in shared.nodes)
    assert "one is multiattach" in shared.run["retype"]["msg"]


def test_one_node_is_released_and_the_other_keeps_the_volume(shared: Shared) -> None:
    assert not shared.run["release one"]["failed"], shared.run["release one"].get("msg")
    assert [one["server_id"] for one in shared.volume["attachments"]] == [shared.nodes[1].uuid]


def test_a_volume_of_another_type_is_refused_for_a_second_node(shared: Shared) -> None:
    assert not shared.run["single deployed"]["failed"], shared.run["single deployed"].get("msg")
    assert "is not multiattach" in shared.run["single at the second"]["msg"]
