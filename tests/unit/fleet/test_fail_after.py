# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that stops when too many nodes have failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, an_image, manage, uuid_of

pytestmark = pytest.mark.usefixtures("reading")

STOPPED = "failed, and fail_after ends the run then"
ARRAY: Json = {
    "volume_id": uuid_of("on the array"),
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
}


def names(number: int = 10) -> list[str]:
    return [f"bm-{index}" for index in range(number)]


def a_cloud(number: int = 10) -> FakeCloud:
    return FakeCloud(nodes=[a_node(name, storage_interface="noop") for name in names(number)], images=[an_image()])


def of_array(name: str) -> Json:
    """A node that is deployed at once, in the first round."""
    return {"node": name, "storage_interface": "external", "targets": [{**ARRAY, "target_lun": int(name.rpartition("-")[2])}]}


def of_cinder(name: str) -> Json:
    """A node whose volume must be waited for, before it is set up."""
    return {"node": name, "storage_interface": "cinder", "volumes": [{"name": f"{name}-root", "image": "debian"}]}


def run(cloud: FakeCloud, nodes: list[Json], **options: Any) -> dict[str, Outcome]:
    return manage(cloud, nodes, concurrency=1, **options)


def stopped(outcomes: dict[str, Outcome]) -> list[str]:
    return [name for name, outcome in outcomes.items() if STOPPED in outcome.msg]


def states(cloud: FakeCloud) -> dict[str, str]:
    return {node["name"]: node["provision_state"] for node in cloud.nodes.values()}


@pytest.mark.parametrize("fail_after", ["2", "20%"])
def test_nothing_is_begun_when_so_many_are_refused_at_once(fail_after: str) -> None:
    cloud = a_cloud()
    nodes = [of_array(name) for name in names(8)] + [{"node": "no-such"}, {"node": "nor-such"}]
    outcomes = run(cloud, nodes, fail_after=fail_after)
    assert cloud.writes == []
    assert stopped(outcomes) == names(8)
    assert "Failed to find node no-such" in outcomes["no-such"].msg


@pytest.mark.parametrize("fail_after", [None, "3", "30%"])
def test_fewer_failures_stop_nobody(fail_after: str | None) -> None:
    cloud = a_cloud()
    nodes = [of_array(name) for name in names(8)] + [{"node": "no-such"}, {"node": "nor-such"}]
    outcomes = run(cloud, nodes, fail_after=fail_after)
    assert stopped(outcomes) == []
    assert list(states(cloud).values()).count("active") == 8


def test_nodes_that_are_being_deployed_are_waited_for() -> None:
    cloud = a_cloud(4)
    cloud.deployment_fails["bm-0"] = "no power"
    # bm-0 fails, and bm-1 and bm-2 are being deployed, while the volume of bm-3 is made.
    outcomes = run(cloud, [*map(of_array, names(3)), of_cinder("bm-3")], fail_after="1")
    assert states(cloud) == {"bm-0": "deploy failed", "bm-1": "active", "bm-2": "active", "bm-3": "available"}
    assert [name for name, outcome in outcomes.items() if outcome.failed] == ["bm-0", "bm-3"]
    assert stopped(outcomes) == ["bm-3"]


def test_nodes_that_are_being_undeployed_are_waited_for() -> None:
    cloud = a_cloud(3)
    run(cloud, [*map(of_array, names(2)), of_cinder("bm-2")])
    outcomes = run(cloud, [*map(of_array, names(2)), of_cinder("bm-2"), {"node": "no-such"}], state="undeployed", fail_after="2")
    assert stopped(outcomes) == []
    assert set(states(cloud).values()) == {"available"}


@pytest.mark.parametrize(
    ("state", "on_the_way", "end"), [("deployed", "deploying", "active"), ("undeployed", "deleting", "available")]
)
def test_what_an_earlier_run_began_is_waited_for(state: str, on_the_way: str, end: str) -> None:
    cloud = a_cloud(2)
    run(cloud, [of_array("bm-0")])
    cloud.nodes[uuid_of("bm-0")]["provision_state"] = on_the_way
    outcomes = run(cloud, [of_array("bm-0"), {"node": "no-such"}], state=state, fail_after="1")
    assert (outcomes["bm-0"].msg, states(cloud)["bm-0"]) == ("", end)


def test_a_stopped_node_is_told_as_a_failure_with_what_was_done() -> None:
    cloud = a_cloud(2)
    cloud.deployment_fails["bm-0"] = "no power"
    outcomes = run(cloud, [of_array("bm-0"), of_cinder("bm-1")], fail_after="1")
    assert "Failed to go on with node bm-1: 1 node has failed" in outcomes["bm-1"].msg
    assert (outcomes["bm-1"].failed, outcomes["bm-1"].changed) == (True, True)
    assert outcomes["bm-1"].actions[0].startswith("create volume bm-1-root")
    assert outcomes["bm-1"].history[-1].what == outcomes["bm-1"].msg


def test_stopped_nodes_do_not_count_as_failures() -> None:
    cloud = a_cloud()
    cloud.deployment_fails["bm-0"] = "no power"
    outcomes = run(cloud, [of_array("bm-0"), *map(of_cinder, names()[1:])], fail_after="1")
    assert {outcomes[name].msg.partition(": ")[2][:17] for name in stopped(outcomes)} == {"1 node has failed"}
    assert len(stopped(outcomes)) == 9


@pytest.mark.parametrize("fail_after", ["1", "3", None])
def test_the_next_run_finishes_what_was_stopped(fail_after: str | None) -> None:
    cloud = a_cloud(6)
    cloud.deployment_fails["bm-0"] = "no power"
    nodes = [of_array("bm-0"), *map(of_cinder, names(6)[1:])]
    run(cloud, nodes, fail_after="1")
    cloud.deployment_fails.clear()
    outcomes = run(cloud, nodes, fail_after=fail_after)
    assert [outcome.msg for outcome in outcomes.values()] == [""] * 6
    assert (set(states(cloud).values()), len(cloud.volumes)) == ({"active"}, 5)


def test_nodes_that_are_there_already_are_no_failures() -> None:
    cloud = a_cloud(4)
    run(cloud, list(map(of_array, names(3))))
    cloud.writes.clear()
    outcomes = run(cloud, [*map(of_array, names(3)), of_array("bm-3"), {"node": "no-such"}], fail_after="1")
    assert [name for name, outcome in outcomes.items() if outcome.failed] == ["no-such", "bm-3"]
    assert cloud.writes == []


def test_check_mode_stops_nothing() -> None:
    told = run(a_cloud(), [*map(of_array, names(3)), {"node": "no-such"}], fail_after="1", check_mode=True)
    assert [name for name, outcome in told.items() if outcome.failed] == ["no-such"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_cannot_be_read_is_refused_before_anything(check_mode: bool) -> None:
    cloud = a_cloud()
    with pytest.raises(Invalid, match='Failed to read fail_after: "some" is neither'):
        run(cloud, [of_array("bm-0")], fail_after="some", check_mode=check_mode)
    assert (cloud.reads, cloud.writes) == ([], [])


def test_a_run_with_threads_stops_as_well() -> None:
    cloud = a_cloud(40)
    for name in names(5):
        cloud.deployment_fails[name] = "no power"
    outcomes = manage(cloud, [*map(of_array, names(5)), *map(of_cinder, names(40)[5:])], concurrency=16, fail_after="10%")
    assert len(stopped(outcomes)) == 35
    assert list(states(cloud).values()).count("active") == 0
