# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody removes while a run waits for it ends its wait at once, and what was done stays done whatever the last look says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected, Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import kind as nodes_kind
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_volume,
    an_image,
    in_its_time,
    manage,
    settle,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network

pytestmark = pytest.mark.usefixtures("reading")


class Meanwhile(FakeCloud):
    """Somebody does something as soon as it can be done, once."""

    deed: Callable[[Meanwhile], bool] = staticmethod(lambda cloud: True)
    is_done = False

    def sleep(self, seconds: float) -> None:
        self.is_done = self.is_done or self.deed(self)
        super().sleep(seconds)


def entry(name: str, **more: Any) -> Json:
    volumes = [{"name": f"{name}-root", "image": "debian"}]
    return {"node": name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": volumes, **more}


def nodes(number: int) -> list[Json]:
    return [a_node(f"bm-{index}", storage_interface="noop", properties={}) for index in range(number)]


def delete_node(state: str) -> Callable[[Meanwhile], bool]:
    def deed(cloud: Meanwhile) -> bool:
        going = [one for one in cloud.nodes.values() if one["name"] == "bm-0" and one["provision_state"] == state]
        for one in going:
            del cloud.nodes[one["uuid"]]
            cloud.targets = {key: record for key, record in cloud.targets.items() if record["node_uuid"] != one["uuid"]}
            cloud.connectors = {key: record for key, record in cloud.connectors.items() if record["node_uuid"] != one["uuid"]}
        return bool(going)

    return deed


@pytest.mark.parametrize(("state", "at"), [("deployed", "deploying"), ("deployed", "available"), ("undeployed", "cleaning")])
def test_field_b2_a_node_that_somebody_deletes_fails_at_once_and_the_others_go_on(state: str, at: str) -> None:
    cloud = Meanwhile(nodes=nodes(3), images=[an_image()])
    wanted = [entry(f"bm-{index}") for index in range(3)]
    if state == "undeployed":
        cloud.is_done = True
        manage(cloud, wanted)
        cloud.is_done = False
    cloud.deed, began = delete_node(at), cloud.now
    outcomes = manage(cloud, wanted, state=state, timeout=3600)
    assert cloud.is_done
    assert {one.name for one in outcomes.values() if one.failed} == {"bm-0"}
    assert "node bm-0: it is gone" in outcomes["bm-0"].msg or "could not be found" in outcomes["bm-0"].msg
    assert {one["provision_state"] for one in cloud.nodes.values()} == {"active" if state == "deployed" else "available"}
    assert cloud.now - began < 60


def delete_volume(cloud: Meanwhile) -> bool:
    going = [one for one in cloud.volumes.values() if one["name"].endswith(("root", "boot")) and one["status"] != "in-use"]
    for one in going[:1]:
        del cloud.volumes[one["id"]]
    return bool(going)


def test_field_b2_a_volume_that_somebody_deletes_fails_its_node_at_once() -> None:
    cloud = Meanwhile(nodes=nodes(2), images=[an_image()])
    cloud.deed = delete_volume
    outcomes = manage(cloud, [entry("bm-0"), entry("bm-1")], timeout=3600)
    (failed,) = [one.msg for one in outcomes.values() if one.failed]
    assert "what came of it is gone: somebody has removed it meanwhile" in failed
    assert cloud.now < 60


WEB: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}


def delete_server(cloud: Meanwhile) -> bool:
    going = list(cloud.compute.servers)
    cloud.compute.servers.clear()
    for one in cloud.volumes.values() if going else ():
        one.update(status="available", attachments=[])
    return bool(going)


@pytest.mark.parametrize(
    ("resource", "options", "deed", "words"),
    [
        (volume, {"name": "root", "image": "debian"}, delete_volume, "is gone"),
        (volume, {"name": "root", "image": "debian", "via_golden": True}, delete_volume, "gone"),
        (server, WEB, delete_server, "gone"),
        (server, WEB, delete_volume, "gone"),
    ],
)
def test_field_b2_what_a_module_waits_for_and_is_gone_ends_the_wait(
    resource: Any, options: Json, deed: Callable[[Meanwhile], bool], words: str
) -> None:
    cloud = Meanwhile(
        nodes=nodes(1), images=[an_image()], flavors=[a_flavor("small")], networks=[a_network()], security_groups=[a_group()]
    )
    cloud.deed = deed
    with pytest.raises(BfvError, match=words):
        settle(cloud, resource, **options)
    assert cloud.is_done
    assert cloud.now < 60


@pytest.mark.parametrize("resource", [connector, target])
def test_field_b2_a_module_whose_node_is_gone_says_so(resource: Any) -> None:
    cloud = Meanwhile(nodes=[a_node(power_state="power on")], volumes=[a_volume()])
    settle(cloud, resource, node="bm-0", **({"volume": "root"} if resource is target else {}))
    cloud.deed = delete_node("available")
    with pytest.raises(BfvError, match="bm-0"):
        settle(cloud, resource, node="bm-0", state="absent", power_off=True)
    assert cloud.now < 60


# The last look


class NoLastLook(FakeCloud):
    """Shows neither volumes nor targets once every node is active."""

    error: BfvError = Unanswered("Failed to read: no connection (reset).")

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        if path != "/nodes" and {one["provision_state"] for one in self.nodes.values()} == {"active"}:
            raise self.error
        return super().list(path, key, what, **query)


@pytest.mark.parametrize(
    "error", [NoLastLook.error, Rejected("read", "Cinder", 500, "no"), Rejected("read", "Cinder", 403, "no")]
)
def test_field_b2_a_last_look_that_fails_calls_no_node_failed(error: BfvError) -> None:
    cloud = NoLastLook(nodes=nodes(6), images=[an_image()])
    cloud.error = error
    given = {"state": "deployed", "concurrency": 4, "timeout": 60, "wait": True}
    with in_its_time(cloud):
        result = fleet.manage(
            cloud, nodes_kind, {**given, "nodes": [entry(f"bm-{index}") for index in range(6)]}, check_mode=False
        )  # type: ignore[arg-type]
    assert [one.msg for one in result.outcomes] == [""] * 6
    assert all(one.changed for one in result.outcomes)
    assert all(str(error) in warning for warning in result.warnings)
    assert len(result.warnings) == 2
