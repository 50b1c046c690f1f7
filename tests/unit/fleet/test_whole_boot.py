# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry with targets describes all that its node boots with, and what could not boot is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_connector, a_node, a_target, a_volume, manage

ENTRY = {"node": "bm-0", "targets": [{"boot_index": 0, "volume": "root"}]}


def a_cloud(*, targets: tuple = (), **node: Any) -> FakeCloud:
    return FakeCloud(nodes=[a_node(**node)], connectors=[a_connector()], volumes=[a_volume("root")], targets=targets)


def places(cloud: FakeCloud) -> list[int]:
    return sorted(one["boot_index"] for one in cloud.targets.values())


@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_a_target_that_nobody_asks_for_is_removed(state: str) -> None:
    cloud = a_cloud(targets=(a_target(boot_index=1),))
    (going,) = cloud.targets
    outcome = manage(cloud, [ENTRY], state=state)["bm-0"]
    assert (outcome.msg, places(cloud)) == ("", [0])
    assert f"remove volume target 1 of node bm-0 ({going})" in outcome.actions
    assert [line.partition(": ")[0] for line in outcome.plan.destroys] == [going]


def test_targets_stay_where_none_are_asked_for() -> None:
    cloud = a_cloud(targets=(a_target(boot_index=1),))
    outcome = manage(cloud, [{"node": "bm-0"}], state="prepared")["bm-0"]
    assert (outcome.actions, places(cloud)) == ((), [1])


def test_an_undeployment_removes_every_target_that_is_left() -> None:
    cloud = a_cloud(targets=(a_target(boot_index=0), a_target(boot_index=1)))
    outcome = manage(cloud, [{"node": "bm-0"}], state="undeployed")["bm-0"]
    assert (outcome.msg, places(cloud)) == ("", [])


@pytest.mark.parametrize("targets", [None, [{"boot_index": 1, "volume": "root"}]])
def test_a_node_with_nothing_to_boot_from_is_refused(targets: list | None) -> None:
    cloud = a_cloud()
    outcome = manage(cloud, [{"node": "bm-0", "targets": targets}])["bm-0"]
    assert "nothing to boot from" in outcome.msg
    assert cloud.writes == []


def test_a_malformed_capability_is_refused_before_a_deployment() -> None:
    cloud = a_cloud(properties={"capabilities": "iscsi_boot:True,odd"})
    outcome = manage(cloud, [ENTRY])["bm-0"]
    assert '"odd" is not name:value' in outcome.msg
    assert cloud.writes == []


def test_a_running_machine_is_not_powered_off_for_a_connector() -> None:
    cloud = a_cloud(targets=(a_target(boot_index=0),), provision_state="active", power_state="power on")
    wanted = {**ENTRY, "connectors": [{"type": "iqn", "connector_id": "iqn.2026-01.org.example:another"}]}
    outcome = manage(cloud, [wanted], power_off=True)["bm-0"]
    assert "it is active, and its iqn connector is not what is asked for" in outcome.msg
    assert cloud.writes == []
