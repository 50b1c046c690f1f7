# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode foresees: what it lists for each node is what a run writes in fair weather, in that order, and the diff is the same."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.tests.unit.deeds import make_volume
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    an_image,
    manage,
    of_image,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fleet import test_drift as drift
from ansible_collections.bfv.openstack.tests.unit.fleet import test_interrupted_fleets as stories

pytestmark = pytest.mark.usefixtures("reading")

NODES = ["bm-0", "bm-1"]


def told_and_done(cloud: FakeCloud, nodes: list[Json], *, at_once: bool = False, **options: Any) -> list[str]:
    """Hold what check mode says against what a run writes. All that was written.

    ``at_once``: volumes of one node that are made at once are ready one before the other, which nobody foresees.
    """
    order: Any = sorted if at_once else tuple
    told = manage(cloud, nodes, check_mode=True, concurrency=1, **options)
    assert cloud.writes == []
    done = manage(cloud, nodes, concurrency=1, **options)
    assert [one.msg for one in done.values()] == [one.msg for one in told.values()] == [""] * len(nodes)
    assert {name: order(one.actions) for name, one in told.items()} == {name: order(one.actions) for name, one in done.items()}
    assert {name: one.diff for name, one in told.items()} == {name: one.diff for name, one in done.items()}
    written = [request.what for request in cloud.writes]
    assert sorted(written) == sorted(action for one in done.values() for action in one.actions)
    for one in told.values():
        destroyed = {permit.id for request in cloud.writes if request.what in one.actions for permit in request.permits}
        assert {line.partition(":")[0] for line in one.plan.destroys} == destroyed
    cloud.writes.clear()
    again = manage(cloud, nodes, concurrency=1, **options)
    assert ([one.actions for one in again.values()], cloud.writes) == ([()] * len(nodes), [])
    return written


@pytest.mark.parametrize("story", stories.STORIES)
def test_of_every_story(story: str) -> None:
    _was, now, options = stories.STORIES[story]
    cloud = stories.before(story)
    cloud.writes.clear()
    told_and_done(cloud, now, **options)


@pytest.mark.parametrize("story", drift.DRIFTS)
def test_of_every_redeployment(story: str) -> None:
    cloud, now = drift.drifted(story)
    told_and_done(cloud, [now], on_drift="redeploy")


def entry(name: str = "bm-0", *volumes: Json, **more: Any) -> Json:
    own = volumes or ({"name": f"{name}-root", "image": "debian"},)
    return {"node": name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": list(own), **more}


def fresh(**node: Any) -> FakeCloud:
    fields = {"storage_interface": "noop", "properties": {}, **node}
    return FakeCloud(nodes=[a_node(name, **fields) for name in NODES], images=[an_image(), an_image("trixie")])


@pytest.mark.parametrize("golden", [False, True])
@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_of_volumes_of_every_kind(state: str, golden: bool) -> None:
    nodes = [
        entry(
            name,
            {"name": f"{name}-root", "image": "debian"},
            {"name": f"{name}-data", "size": 5},
            {"name": f"{name}-more", "size": 5, "bootable": True},
        )
        for name in NODES
    ]
    written = told_and_done(fresh(), nodes, state=state, golden=golden, at_once=golden)
    assert sum(what.startswith("create volume golden") for what in written) == golden
    assert sum("set bootable" in what for what in written) == 2


@pytest.mark.parametrize("power", ["power on", "power off"])
@pytest.mark.parametrize("provision_state", ["available", "manageable", "deploy failed"])
@pytest.mark.parametrize("state", ["prepared", "deployed", "undeployed", "absent"])
def test_of_records_that_want_the_node_powered_off(state: str, provision_state: str, power: str) -> None:
    if state == "deployed" and provision_state == "manageable":
        provision_state = "available"
    own = a_connector(connector_id=f"iqn.2017-08.org.openstack.{uuid_of('bm-0')}")
    wwpn = a_connector(type="wwpn", connector_id="5001438024213faa")
    cloud = FakeCloud(
        nodes=[a_node(power_state=power, provision_state=provision_state)],
        connectors=[own, wwpn],
        targets=[a_target(volume="old"), a_target(volume="older", boot_index=1)],
    )
    make_volume(cloud, "root", **of_image())
    given = entry("bm-0", {"name": "root"})
    given["connectors"] = [
        {"type": "iqn", "extra": {"rack": "3"}},
        {"type": "wwpn", "connector_id": "5001438024213faa", "extra": {"rack": "3"}},
    ]
    written = told_and_done(cloud, [given], state=state, power_off=True)
    assert written


@pytest.mark.parametrize("order", ["create_first", "delete_first"])
@pytest.mark.parametrize("state", ["prepared", "deployed"])
@pytest.mark.parametrize("golden", [False, True])
def test_of_a_volume_that_is_made_anew(order: str, state: str, golden: bool) -> None:
    cloud = fresh()
    manage(cloud, [entry()], state="prepared", golden=golden)
    cloud.writes.clear()
    again = {"name": "bm-0-root", "image": "trixie", "recreate": "on_drift", "recreate_order": order}
    written = told_and_done(cloud, [entry("bm-0", again)], state=state, golden=golden)
    assert sum(what.startswith("delete volume bm-0-root") for what in written) == 1


@pytest.mark.parametrize("order", ["create_first", "delete_first"])
def test_of_a_redeployment_with_a_new_image(order: str) -> None:
    cloud = fresh()
    manage(cloud, [entry()])
    cloud.writes.clear()
    again = {"name": "bm-0-root", "image": "trixie", "recreate": "on_drift", "recreate_order": order}
    written = told_and_done(cloud, [entry("bm-0", again)], on_drift="redeploy")
    places = [
        next(place for place, what in enumerate(written) if what.startswith(words))
        for words in ("create volume bm", "undeploy", "delete volume", "deploy")
    ]
    assert sorted(places) == [places[place] for place in ((0, 1, 3, 2) if order == "create_first" else (1, 2, 0, 3))]


@pytest.mark.parametrize("running", [False, True])
def test_of_what_is_changed_in_place(running: bool) -> None:
    cloud = fresh()
    manage(cloud, [entry()], state="deployed" if running else "prepared")
    cloud.writes.clear()
    changed = {
        "name": "bm-0-root",
        "size": 20,
        "description": "d",
        "metadata": {"rack": "3"},
        "volume_type": "fast",
        "retype": True,
    }
    told_and_done(cloud, [entry("bm-0", changed, capabilities={"rack": "3"})], state="deployed" if running else "prepared")
