# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else is at work: what a node was when it was looked at, and what it is when its turn comes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    an_image,
    manage,
    uuid_of,
)

SERVER = uuid_of("server")
OTHER_IQN = "iqn.2024-01.org.example:other"
TAKEN: dict[str, Json] = {
    "deployed": {"provision_state": "active", "power_state": "power on"},
    "being deployed": {"provision_state": "wait call-back", "power_state": "power on"},
    "Nova's": {"instance_uuid": SERVER},
}


class Taken(FakeCloud):
    """The node is somebody's as soon as its volume is there, or right before the first write of a kind."""

    becomes: Json | None = None
    before: str = ""

    def tick_volumes(self) -> None:
        super().tick_volumes()
        if not self.before and any(one["status"] == "available" for one in self.volumes.values()):
            self._take()

    def send(self, request: Request) -> Json:
        if self.before and request.path.endswith(self.before):
            self._take()
        return super().send(request)

    def _take(self) -> None:
        self.nodes[uuid_of("bm-0")].update(self.becomes or {})
        self.becomes = None


def entry(**more: Any) -> Json:
    return {
        "node": "bm-0",
        "storage_interface": "cinder",
        "iscsi_boot": True,
        "volumes": [{"name": "root", "image": "debian"}],
        "connectors": [{"type": "iqn", "connector_id": OTHER_IQN}],
        **more,
    }


def went_down(cloud: FakeCloud) -> list[str]:
    return [one.what for one in cloud.writes if one.path.endswith(("/states/power", "/states/provision"))]


@pytest.mark.parametrize("taken", TAKEN)
@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_field_d13_a_node_that_is_minutes_old_is_not_powered_off(taken: str, state: str) -> None:
    cloud = Taken(nodes=[a_node(power_state="power on")], connectors=[a_connector()], images=[an_image()])
    cloud.becomes = TAKEN[taken]
    (outcome,) = manage(cloud, [entry()], state=state, power_off=True, wait=True).values()
    assert outcome.failed or taken == "being deployed"
    assert went_down(cloud) == []
    assert cloud.becomes is None


@pytest.mark.parametrize("taken", TAKEN)
def test_field_d13_it_is_read_again_directly_before(taken: str) -> None:
    cloud = Taken(nodes=[a_node(power_state="power on")], connectors=[a_connector()], images=[an_image()])
    cloud.becomes, cloud.before = TAKEN[taken], "/states/power"
    (outcome,) = manage(cloud, [entry()], state="prepared", power_off=True).values()
    assert (went_down(cloud), outcome.failed) == ([], True)
    assert cloud.nodes[uuid_of("bm-0")]["power_state"] == "power on"


def running(kind: type[Taken] = Taken) -> Taken:
    cloud = FakeCloud(nodes=[a_node()], images=[an_image()])
    (outcome,) = manage(cloud, [entry()]).values()
    assert outcome.msg == ""
    cloud.__class__ = kind
    cloud.writes.clear()
    assert isinstance(cloud, Taken)
    return cloud


@pytest.mark.parametrize(
    "options", [{"state": "undeployed"}, {"state": "absent", "volumes_on_undeploy": "delete"}, {"on_drift": "redeploy"}]
)
def test_a_node_that_nova_took_meanwhile_is_not_undeployed(options: Json) -> None:
    cloud = running()
    cloud.becomes, cloud.before = {"instance_uuid": SERVER}, "/states/provision"
    (outcome,) = manage(cloud, [entry(boot_interface="http-ipxe")], **options).values()
    assert f"belongs to Nova (instance {SERVER})" in outcome.msg
    assert (went_down(cloud), cloud.nodes[uuid_of("bm-0")]["provision_state"]) == ([], "active")
    assert outcome.actions == ()


def test_a_node_that_somebody_rescued_meanwhile_is_planned_anew() -> None:
    """An undeployment is asked for, and the node may be undeployed from there; a redeployment is not tried."""
    cloud = running()
    cloud.becomes, cloud.before = {"provision_state": "rescue"}, "/states/provision"
    (outcome,) = manage(cloud, [entry()], state="undeployed").values()
    assert (outcome.msg, len(went_down(cloud))) == ("", 1)
    cloud = running()
    cloud.becomes, cloud.before = {"provision_state": "rescue"}, "/states/provision"
    (outcome,) = manage(cloud, [entry(boot_interface="http-ipxe")], on_drift="redeploy").values()
    assert "it is rescue, and its boot_interface is not what is asked for" in outcome.msg
    assert went_down(cloud) == []


@pytest.mark.parametrize("state", ["rescue", "service failed", "error", "unrescue failed", "some state of tomorrow"])
@pytest.mark.parametrize("power", ["power on", "power off"])
def test_a_machine_is_left_alone_in_every_state_that_has_one(state: str, power: str) -> None:
    """Its targets and connectors are those it boots with, whether it runs just now or not."""
    cloud = running()
    cloud.nodes[uuid_of("bm-0")].update(provision_state=state, power_state=power)
    for asked in ("prepared", "deployed"):
        wanted = entry(connectors=[{"type": "iqn", "connector_id": "iqn.2024-01.org.example:third"}])
        (outcome,) = manage(cloud, [wanted], state=asked, power_off=True, on_drift="redeploy").values()
        assert state in outcome.msg
    assert cloud.writes == []
