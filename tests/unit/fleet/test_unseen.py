# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is attached and not seen is no difference: no machine goes down for it, and the reason is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.tests.unit.deeds import make_volume
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    an_image,
    manage,
    of_image,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

NAMES = [f"bm-{number}" for number in range(6)]


def entry(name: str = "bm-0", **more: Any) -> Json:
    volumes = [{"name": f"{name}-root", "image": "debian", "recreate": "on_drift"}]
    return {"node": name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": volumes, **more}


def running(kind: type[FakeCloud] = FakeCloud, number: int = 1) -> FakeCloud:
    cloud = FakeCloud(nodes=[a_node(name) for name in NAMES[:number]], images=[an_image()])
    assert {one.msg for one in manage(cloud, [entry(name) for name in NAMES[:number]]).values()} == {""}
    cloud.__class__ = kind
    cloud.writes.clear()
    return cloud


def root(cloud: FakeCloud) -> Json:
    return next(one for one in cloud.volumes.values() if one["name"] == "bm-0-root")


def is_renamed(cloud: FakeCloud) -> None:
    root(cloud)["name"] = "bm-0-root-of-2025"


def is_of_another_project(cloud: FakeCloud) -> None:
    del cloud.volumes[root(cloud)["id"]]


def another_project_has_the_name(cloud: FakeCloud) -> None:
    is_of_another_project(cloud)
    make_volume(cloud, "bm-0-root", **of_image())


def a_second_disk_is_not_seen(cloud: FakeCloud) -> None:
    (target,) = cloud.targets.values()
    second = {**target, "uuid": uuid_of("second"), "boot_index": 1, "volume_id": uuid_of("somewhere")}
    cloud.targets[second["uuid"]] = second


def test_a_target_that_names_no_volume_of_cinder_is_a_difference_and_seen() -> None:
    cloud = running()
    a_second_disk_is_not_seen(cloud)
    cloud.targets[uuid_of("second")]["volume_id"] = "lun-3"
    (outcome,) = manage(cloud, [entry()]).values()
    assert "its volume target 1 is not what is asked for" in outcome.msg


UNSEEN: dict[str, tuple[Callable[[FakeCloud], None], str]] = {
    "renamed": (
        is_renamed,
        r"volume target 0 is volume \S+ \(bm-0-root-of-2025\), which is not asked for, .* no volume bm-0-root",
    ),
    "another volume_cloud": (is_of_another_project, r"volume target 0 is volume \S+, which Cinder does not show"),
    "another volume_cloud that has the name": (
        another_project_has_the_name,
        r"volume target 0 is volume \S+, which Cinder does not",
    ),
    "a further disk": (a_second_disk_is_not_seen, r"volume target 1 is volume \S+, which Cinder does not show"),
}


@pytest.mark.parametrize("why", UNSEEN)
@pytest.mark.parametrize(("state", "on_drift"), [("deployed", "redeploy"), ("deployed", "fail"), ("prepared", "redeploy")])
@pytest.mark.parametrize("check_mode", [True, False])
def test_field_d10_no_machine_goes_down_for_a_volume_that_is_not_seen(
    why: str, state: str, on_drift: str, check_mode: bool
) -> None:
    hide, words = UNSEEN[why]
    cloud = running()
    hide(cloud)
    options: Json = {"state": state, "on_drift": on_drift, "check_mode": check_mode, "power_off": True}
    (outcome,) = manage(cloud, [entry()], volumes_on_undeploy="delete", **options).values()
    assert re.search(words, outcome.msg), outcome.msg
    assert (cloud.writes, outcome.changed, [one["provision_state"] for one in cloud.nodes.values()]) == ([], False, ["active"])


def test_field_d10_a_whole_fleet_and_the_wrong_volume_cloud() -> None:
    cloud = running(number=6)
    cloud.volumes.clear()
    outcomes = manage(cloud, [entry(name) for name in NAMES], on_drift="redeploy", golden=True)
    assert ["which Cinder does not show to this user. Name the cloud" in one.msg for one in outcomes.values()] == [True] * 6
    assert (cloud.writes, {one["provision_state"] for one in cloud.nodes.values()}) == ([], {"active"})


class NoCinder(FakeCloud):
    """Has no block storage for this user."""

    def _check(self, path: str, what: str) -> None:
        if path.startswith("/volumes"):
            raise Rejected(what, "Cinder", 403, "Policy doesn't allow volume:get_all to be performed.")

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self._check(path, what)
        return super().find(path, what, **query)

    def list(self, path: str, key: str, what: str, **query: object) -> Any:
        self._check(path, what)
        return super().list(path, key, what, **query)


ARRAY: Json = {
    "volume_id": uuid_of("on the array"),
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
    "target_lun": 1,
}


def test_field_d10_from_cinder_to_an_array_without_a_look_into_cinder() -> None:
    cloud = running(NoCinder)
    wanted = entry(storage_interface="external", volumes=None, targets=[ARRAY])
    (outcome,) = manage(cloud, [wanted], on_drift="redeploy").values()
    assert "which Cinder does not show to this user" in outcome.msg
    assert cloud.writes == []


def test_a_volume_that_the_task_names_by_its_id_need_not_be_seen() -> None:
    cloud = running(NoCinder)
    (target,) = cloud.targets.values()
    wanted = entry(volumes=None, targets=[{"volume_id": target["volume_id"]}])
    (outcome,) = manage(cloud, [wanted], on_drift="redeploy").values()
    assert (outcome.msg, outcome.changed) == ("", False)


@pytest.mark.parametrize("name", ["boot_interface", "storage_interface"])
def test_a_field_that_ironic_does_not_show_is_no_difference(name: str) -> None:
    cloud = running()
    (node,) = cloud.nodes.values()
    node["boot_interface"] = None
    (outcome,) = manage(cloud, [entry(boot_interface="http-ipxe")], on_drift="redeploy").values()
    assert "undeploy node" not in " ".join(outcome.actions) + outcome.msg
    assert node["provision_state"] == "active"


def test_what_a_migration_took_away_is_no_difference() -> None:
    """cinder/volume/manager.py, migrate_volume_completion: the fields of the origin are empty afterwards."""
    cloud = running()
    del root(cloud)["volume_image_metadata"]
    (outcome,) = manage(cloud, [entry()], on_drift="redeploy").values()
    assert (outcome.msg, outcome.changed) == ("", False)


def test_a_second_run_reads_no_volume_twice() -> None:
    cloud = running()
    cloud.reads.clear()
    manage(cloud, [entry()], on_drift="redeploy")
    assert sum(path.startswith("/volumes") for path in cloud.reads) == 1
