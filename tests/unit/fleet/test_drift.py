# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active nodes that boot with something else than what is asked for: left alone, or deployed again where that is permitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_snapshot,
    a_target,
    a_volume,
    an_image,
    attached,
    manage,
    of_image,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

ROOT: Json = {"name": "root", "image": "debian"}
ENTRY: Json = {"node": "bm-0", "storage_interface": "cinder", "iscsi_boot": True, "volumes": [ROOT]}
LUN: Json = {
    "volume_id": uuid_of("on the array"),
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
    "target_lun": 1,
}
BY_PATHS: Json = {
    **{name: value for name, value in LUN.items() if name != "target_portal"},
    "target_portals": ["192.0.2.10:3260", "198.51.100.10:3260"],
}
ARRAY: Json = {"node": "bm-0", "storage_interface": "external", "iscsi_boot": True, "targets": [LUN]}
PATHS: Json = {**ARRAY, "targets": [BY_PATHS]}
NAMED: Json = {"connectors": [{"type": "iqn", "connector_id": "iqn.2024-01.org.example:bm-0"}]}

UNDEPLOY = f"undeploy node bm-0 ({uuid_of('bm-0')})"

# What the node was deployed with, what is asked for now, and how the difference is called.
DRIFTS: dict[str, tuple[Json, Json, str]] = {
    "another volume": (ENTRY, {**ENTRY, "volumes": [{"name": "other", "image": "debian"}]}, "volume target 0"),
    "another LUN": (ARRAY, {**ARRAY, "targets": [{**LUN, "target_lun": 2}]}, "volume target 0"),
    "another portal": (ARRAY, {**ARRAY, "targets": [{**LUN, "target_portal": "192.0.2.11:3260"}]}, "volume target 0"),
    "a further path": (ARRAY, PATHS, "volume target 0"),
    "one path": (PATHS, ARRAY, "volume target 0"),
    "another second path": (
        PATHS,
        {**ARRAY, "targets": [{**BY_PATHS, "target_portals": ["192.0.2.10:3260"]}]},
        "volume target 0",
    ),
    "a further volume": (ENTRY, {**ENTRY, "volumes": [ROOT, {"name": "more", "size": 5}]}, "volume target 1"),
    "another storage interface": (ENTRY, {**ARRAY, "volumes": None}, "storage_interface"),
    "another boot interface": (ENTRY, {**ENTRY, "boot_interface": "http-ipxe"}, "boot_interface"),
    "another initiator": (
        {**ENTRY, **NAMED},
        {**ENTRY, "connectors": [{"type": "iqn", "connector_id": "iqn.2024-01.org.example:new"}]},
        "iqn connector",
    ),
    "another image": (ENTRY, {**ENTRY, "volumes": [{**ROOT, "image": "trixie", "recreate": "on_drift"}]}, "volume root"),
    "all at once": (
        {**ENTRY, **NAMED},
        {
            **ENTRY,
            "boot_interface": "http-ipxe",
            "connectors": [{"type": "iqn", "connector_id": "iqn.2024-01.org.example:new"}],
            "volumes": [{**ROOT, "image": "trixie", "recreate": "on_drift"}, {"name": "more", "size": 5}],
        },
        "volume root",
    ),
}


def only(outcomes: dict[str, Outcome]) -> Outcome:
    (outcome,) = outcomes.values()
    return outcome


def deployed(wanted: Json | None = None) -> FakeCloud:
    """A node that is active, and powered on, as that was asked for."""
    cloud = FakeCloud(nodes=[a_node(storage_interface="noop")], images=[an_image(), an_image("trixie")])
    assert only(manage(cloud, [wanted or ENTRY])).msg == ""
    cloud.writes.clear()
    return cloud


def drifted(drift: str) -> tuple[FakeCloud, Json]:
    """A node that is active, and what is asked for now. A new disk for a node that holds another one is made before."""
    before, now, _differs = DRIFTS[drift]
    cloud = deployed(before)
    if drift == "another volume":
        cloud.volumes[uuid_of("other")] = a_volume("other", **of_image())
    return cloud, now


def node(cloud: FakeCloud) -> Json:
    return cloud.nodes[uuid_of("bm-0")]


def whats(cloud: FakeCloud) -> list[str]:
    return [request.what for request in cloud.writes]


def boots(cloud: FakeCloud) -> list[tuple[int, object]]:
    """What the node boots from: the volume's name, or the LUN."""
    volumes = {one["id"]: one["name"] for one in cloud.volumes.values()}
    return sorted(
        (one["boot_index"], volumes.get(one["volume_id"]) or one["properties"]["target_lun"]) for one in cloud.targets.values()
    )


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("state", ["deployed", "prepared"])
def test_a_running_machine_is_left_alone(drift: str, state: str) -> None:
    cloud, now = drifted(drift)
    differs = DRIFTS[drift][2]
    outcome = only(manage(cloud, [now], state=state, power_off=True))
    assert f"it is active, and its {differs} is not what is asked for" in outcome.msg
    assert "on_drift=redeploy" in outcome.msg
    assert (cloud.writes, outcome.changed) == ([], False)


HOWS = {
    "another volume": "volume target 0: volume_id {root} -> " + uuid_of("other"),
    "another LUN": "volume target 0: target_lun 1 -> 2",
    "another portal": "volume target 0: target_portal 192.0.2.10:3260 -> 192.0.2.11:3260",
    "a further volume": "volume target 1 is missing",
    "another storage interface": "storage_interface cinder -> external; volume target 0: ",
    "another boot interface": "boot_interface ipxe -> http-ipxe",
    "another initiator": "iqn connector: connector_id iqn.2024-01.org.example:bm-0 -> iqn.2024-01.org.example:new",
    "another image": "volume root is to be another one; volume target 0: volume_id ",
    "all at once": "volume root is to be another one; boot_interface ipxe -> http-ipxe; iqn connector: ",
}


@pytest.mark.parametrize("drift", HOWS)
def test_all_that_differs_is_told_in_words(drift: str) -> None:
    cloud, now = drifted(drift)
    root = next((id for id, one in cloud.volumes.items() if one["name"] == "root"), "")
    assert f" is not what is asked for ({HOWS[drift].format(root=root)}" in only(manage(cloud, [now])).msg


def test_a_target_that_nobody_asks_for_is_told() -> None:
    two = {**ENTRY, "volumes": [ROOT, {"name": "more", "size": 5}]}
    assert "(volume target 1 is not asked for)" in only(manage(deployed(two), [AGAIN | {"boot_interface": None}])).msg


def test_no_password_is_told_with_what_differs() -> None:
    chap = {"chap_username": "bm-0", "chap_password": "hunter2", "update_password": "on_change"}
    cloud = deployed({**ARRAY, "targets": [{**LUN, **chap}]})
    now = {**ARRAY, "targets": [{**LUN, **chap, "chap_password": "hunter3", "target_lun": 2}]}
    message = only(manage(cloud, [now])).msg
    assert "target_lun 1 -> 2" in message
    assert "hunter" not in message


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_of_a_volume_differs_and_is_left_is_told(check_mode: bool) -> None:
    cloud = deployed()
    outcome = only(manage(cloud, [{**ENTRY, "volumes": [{**ROOT, "volume_type": "ssd"}]}], check_mode=check_mode))
    assert (outcome.msg, cloud.writes) == ("", [])
    assert outcome.differs == ("volume root: volume_type is lvm, and ssd is wanted",)
    assert only(manage(cloud, [ENTRY], check_mode=check_mode)).differs == ()


@pytest.mark.parametrize("drift", DRIFTS)
def test_it_is_deployed_again_where_that_is_permitted(drift: str) -> None:
    cloud, now = drifted(drift)
    outcome = only(manage(cloud, [now], on_drift="redeploy"))
    assert (outcome.msg, node(cloud)["provision_state"]) == ("", "active")
    assert {UNDEPLOY, "deploy node bm-0"} <= set(outcome.actions)
    cloud.writes.clear()
    for again in ("fail", "redeploy"):
        outcome = only(manage(cloud, [now], on_drift=again))
        assert (outcome.msg, outcome.changed, cloud.writes) == ("", False, [])


@pytest.mark.parametrize("drift", DRIFTS)
def test_prepared_takes_no_machine_down(drift: str) -> None:
    cloud, now = drifted(drift)
    manage(cloud, [now], state="prepared", on_drift="redeploy")
    assert node(cloud)["provision_state"] == "active"


@pytest.mark.parametrize("drift", DRIFTS)
def test_field_d10_new_disks_are_ready_before_the_machine_goes_down(drift: str) -> None:
    cloud, now = drifted(drift)
    down: list[list[str]] = []

    class Watched(FakeCloud):
        def send(self, request: Request) -> Json:
            if request.what == UNDEPLOY:
                down.append([one["status"] for one in self.volumes.values()])
            return super().send(request)

    cloud.__class__ = Watched
    assert only(manage(cloud, [now], on_drift="redeploy")).msg == ""
    (statuses,) = down
    assert set(statuses) <= {"available", "in-use"}
    before, after = (cloud.writes[:place] for place in (whats(cloud).index(UNDEPLOY), None))
    made = [request.what for request in after if request.path == "/volumes"]
    assert [request.what for request in before if request.path == "/volumes"] == made
    assert all(request.service == "block_storage" for request in before)
    assert not any(request.destroys for request in before)
    assert whats(cloud).count(UNDEPLOY) == 1


@pytest.mark.parametrize("drift", DRIFTS)
def test_check_mode_tells_a_redeployment_and_does_nothing(drift: str) -> None:
    cloud, now = drifted(drift)
    told = only(manage(cloud, [now], on_drift="redeploy", check_mode=True))
    assert (cloud.writes, node(cloud)["provision_state"], told.msg) == ([], "active", "")
    done = only(manage(cloud, [now], on_drift="redeploy"))
    assert (told.actions, told.diff) == (done.actions, done.diff)


@pytest.mark.parametrize("drift", DRIFTS)
def test_no_drift_is_none_of_permission(drift: str) -> None:
    before, _now, _differs = DRIFTS[drift]
    cloud = deployed(before)
    outcome = only(manage(cloud, [before], on_drift="redeploy"))
    assert (outcome.msg, outcome.changed, cloud.writes) == ("", False, [])


def test_it_boots_from_the_new_volume_and_the_old_one_is_kept() -> None:
    cloud, now = drifted("another volume")
    manage(cloud, [now], on_drift="redeploy", volumes_on_undeploy="delete")
    assert boots(cloud) == [(0, "other")]
    assert {one["name"]: one["status"] for one in cloud.volumes.values()} == {"root": "available", "other": "in-use"}


@pytest.mark.parametrize("drift", ["another boot interface", "another initiator", "a further volume"])
def test_it_boots_from_the_same_volume_again(drift: str) -> None:
    cloud, now = drifted(drift)
    (root,) = (one["id"] for one in cloud.volumes.values())
    manage(cloud, [now], on_drift="redeploy")
    assert boots(cloud)[0] == (0, "root")
    assert [one["id"] for one in cloud.volumes.values() if one["name"] == "root"] == [root]


def test_a_new_image_makes_the_volume_anew() -> None:
    before, now, _differs = DRIFTS["another image"]
    cloud = deployed(before)
    (old,) = cloud.volumes
    manage(cloud, [now], on_drift="redeploy")
    (new,) = cloud.volumes.values()
    assert new["id"] != old
    assert (new["status"], new["volume_image_metadata"]) == ("in-use", {"image_id": uuid_of("trixie")})


def test_a_volume_that_cannot_be_made_anew_is_not_left_beside_the_old_one() -> None:
    before, now, _differs = DRIFTS["another image"]
    cloud = deployed(before)
    (old,) = cloud.volumes
    cloud.volumes_end_in = "error"
    for _run in (1, 2):
        outcome = only(manage(cloud, [now], on_drift="redeploy"))
        assert "this run did «create volume root" in outcome.msg
        assert list(cloud.volumes) == [old]
    assert UNDEPLOY not in whats(cloud)


def test_a_volume_of_another_run_that_could_not_be_made_is_named() -> None:
    before, now, _differs = DRIFTS["another image"]
    cloud = deployed(before)
    (old,) = cloud.volumes
    metadata = {"bfv_made": "new", "bfv_replaces": old}
    cloud.volumes["failed"] = a_volume("root", id="failed", status="error", metadata=metadata, created_at="2026-11-02T00:00:00")
    outcome = only(manage(cloud, [now], on_drift="redeploy"))
    assert "failed was to take the place of" in outcome.msg
    assert set(cloud.volumes) == {old, "failed"}


@pytest.mark.parametrize("recreate", ["never", "on_error"])
def test_a_new_image_alone_is_no_reason(recreate: str) -> None:
    cloud = deployed()
    wanted = {**ENTRY, "volumes": [{**ROOT, "image": "trixie", "recreate": recreate}]}
    outcome = only(manage(cloud, [wanted], on_drift="redeploy"))
    assert (outcome.msg, cloud.writes) == ("", [])
    assert "image is" in " ".join(outcome.plan.warnings)


def test_what_can_be_changed_while_it_runs_is_changed() -> None:
    cloud = deployed()
    wanted = {**ENTRY, "capabilities": {"rack": "3"}, "volumes": [{**ROOT, "metadata": {"rack": "3"}}]}
    outcome = only(manage(cloud, [wanted], on_drift="redeploy"))
    assert (outcome.msg, node(cloud)["provision_state"]) == ("", "active")
    assert UNDEPLOY not in outcome.actions
    assert "rack:3" in node(cloud)["properties"]["capabilities"]


def test_a_connector_that_is_missing_is_made_while_it_runs() -> None:
    cloud = deployed()
    cloud.connectors.clear()
    outcome = only(manage(cloud, [ENTRY], on_drift="redeploy"))
    assert (outcome.msg, len(outcome.actions), len(cloud.connectors)) == ("", 1, 1)


@pytest.mark.parametrize("state", ["deploying", "deleting"])
def test_a_node_on_its_way_is_waited_for(state: str) -> None:
    cloud, now = drifted("another volume")
    node(cloud)["provision_state"] = state
    assert (only(manage(cloud, [now], on_drift="redeploy")).msg, boots(cloud)) == ("", [(0, "other")])


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("rescue", "Undeploy it and run again"),
        ("service hold", "End its service first"),
        ("quiesced", "This collection does not know that state"),
    ],
)
def test_only_an_active_node_is_deployed_again(state: str, advice: str) -> None:
    cloud = deployed()
    node(cloud)["provision_state"] = state
    outcome = only(manage(cloud, [AGAIN], on_drift="redeploy"))
    words = f"it is {state}, and its boot_interface is not what is asked for (boot_interface ipxe -> http-ipxe). {advice}"
    assert (words in outcome.msg, cloud.writes) == (True, [])


def test_a_disk_that_goes_before_the_new_one_is_made_goes_when_the_machine_is_down() -> None:
    cloud = deployed()
    anew = {**ROOT, "image": "trixie", "recreate": "on_drift", "recreate_order": "delete_first"}
    actions = only(manage(cloud, [{**ENTRY, "volumes": [anew]}], on_drift="redeploy", check_mode=True)).actions
    (root,) = cloud.volumes
    assert actions.index(UNDEPLOY) < actions.index(f"delete volume root ({root})")


BESIDE: Json = {**ENTRY, "targets": [{"volume": "root"}]}


def with_more(cloud: FakeCloud) -> None:
    """A volume of another type than is asked for, which the node does not use."""
    cloud.volumes[uuid_of("more")] = a_volume("more", size=5, metadata={"bfv_made": uuid_of("more")})


def test_what_is_told_of_a_volume_beside_the_machine_is_told_once() -> None:
    cloud = deployed()
    with_more(cloud)
    wanted = {**BESIDE, "boot_interface": "http-ipxe", "volumes": [ROOT, {"name": "more", "size": 5, "volume_type": "fast"}]}
    outcome = only(manage(cloud, [wanted], on_drift="redeploy", check_mode=True))
    assert UNDEPLOY in outcome.actions
    assert sum("volume more: volume_type is lvm" in warning for warning in outcome.plan.warnings) == 1


def test_a_volume_that_the_node_does_not_use_is_made_anew_beside_the_machine() -> None:
    cloud = deployed()
    with_more(cloud)
    more = {"name": "more", "size": 5, "volume_type": "fast", "recreate": "on_drift"}
    outcome = only(manage(cloud, [{**BESIDE, "volumes": [ROOT, more]}]))
    assert (outcome.msg, node(cloud)["provision_state"]) == ("", "active")
    assert any(what.startswith("create volume more") for what in whats(cloud))


# Nothing is undeployed for what a redeployment would not mend


def hides_properties(cloud: FakeCloud) -> None:
    cloud.hides_properties = True


def has_two_iqns(cloud: FakeCloud) -> None:
    cloud.connectors[uuid_of("second")] = a_connector(connector_id="iqn.2024-01.org.example:second", uuid=uuid_of("second"))


def is_novas(cloud: FakeCloud) -> None:
    node(cloud)["instance_uuid"] = "nova"


def is_in_maintenance(cloud: FakeCloud) -> None:
    node(cloud)["maintenance"] = True


def has_an_odd_capability(cloud: FakeCloud) -> None:
    node(cloud)["properties"]["capabilities"] += ",odd"


def deploys_nothing(cloud: FakeCloud) -> None:
    node(cloud)["deploy_interface"] = "ramdisk"


def other_is_in_use(cloud: FakeCloud) -> None:
    cloud.volumes[uuid_of("other")] = a_volume("other", **attached("somewhere else"), **of_image())


def other_is_in_error(cloud: FakeCloud) -> None:
    cloud.volumes[uuid_of("other")] = a_volume("other", status="error", **of_image())


def other_is_there_twice(cloud: FakeCloud) -> None:
    for number in (1, 2):
        cloud.volumes[uuid_of(f"other {number}")] = a_volume("other", id=uuid_of(f"other {number}"))


def initiator_is_taken(cloud: FakeCloud) -> None:
    cloud.nodes[uuid_of("bm-1")] = a_node("bm-1")
    taken = a_connector("bm-1", connector_id="iqn.2024-01.org.example:new")
    cloud.connectors[taken["uuid"]] = taken


def nothing(cloud: FakeCloud) -> None:
    pass


OTHER = DRIFTS["another volume"][1]
AGAIN = DRIFTS["another boot interface"][1]
HOPELESS: dict[str, tuple[Json, Callable[[FakeCloud], None], Json, str]] = {
    "hidden properties": (ARRAY, hides_properties, DRIFTS["another LUN"][1], "Ironic hides its properties"),
    "two iqn connectors": (ENTRY, has_two_iqns, AGAIN, "2 iqn connectors"),
    "Nova": (ENTRY, is_novas, OTHER, "belongs to Nova"),
    "maintenance": (ENTRY, is_in_maintenance, AGAIN, "maintenance"),
    "a malformed capability": (ENTRY, has_an_odd_capability, AGAIN, '"odd" is not name:value'),
    "a deploy interface without volumes": (ENTRY, deploys_nothing, AGAIN, "deploy interface ramdisk"),
    "a boot interface without volumes": (ENTRY, nothing, {**ENTRY, "boot_interface": "pxe"}, "boot interface pxe"),
    "an unknown image": (ENTRY, nothing, {**ENTRY, "volumes": [ROOT, {"name": "more", "image": "unknown"}]}, "image unknown"),
    "a blank volume without size": (ENTRY, nothing, {**ENTRY, "volumes": [ROOT, {"name": "more"}]}, "needs a size"),
    "a volume in use": (ENTRY, other_is_in_use, OTHER, "is not multiattach"),
    "a volume in error": (ENTRY, other_is_in_error, OTHER, "status error"),
    "a volume in error that is no target": (
        ENTRY,
        other_is_in_error,
        {**ENTRY, "boot_interface": "http-ipxe", "volumes": [ROOT, OTHER["volumes"][0]], "targets": [{"volume": "root"}]},
        "volume other: its status is error",
    ),
    "an ambiguous volume": (ENTRY, other_is_there_twice, OTHER, "2 volumes"),
    "an unknown volume": (ENTRY, nothing, {**ENTRY, "volumes": [], "targets": [{"volume": "unknown"}]}, "no volume unknown"),
    "an initiator of another node": (
        {**ENTRY, **NAMED},
        initiator_is_taken,
        DRIFTS["another initiator"][1],
        "is taken by node",
    ),
    "an incomplete target": (ARRAY, nothing, {**ARRAY, "targets": [{"target_lun": 2}]}, "no volume is named"),
    "nothing to boot from": (
        ENTRY,
        nothing,
        {**ENTRY, "boot_interface": "http-ipxe", "volumes": [], "targets": []},
        "nothing to boot from",
    ),
    "a malformed portal": (ARRAY, nothing, {**ARRAY, "targets": [{**LUN, "target_portal": "192.0.2.10:http"}]}, "TCP port"),
    "one path twice": (ARRAY, nothing, {**ARRAY, "targets": [{**BY_PATHS, "target_portals": 2 * ["192.0.2.10"]}]}, "twice"),
    "one path and several": (ARRAY, nothing, {**ARRAY, "targets": [{**LUN, **BY_PATHS}]}, "are both given"),
    "a volume that cannot shrink": (
        ENTRY,
        nothing,
        {**ENTRY, "boot_interface": "http-ipxe", "volumes": [{**ROOT, "size": 1}]},
        "cannot shrink",
    ),
}


@pytest.mark.parametrize("reason", HOPELESS)
def test_nothing_is_undeployed_in_vain(reason: str) -> None:
    before, spoil, now, words = HOPELESS[reason]
    cloud = deployed(before)
    spoil(cloud)
    for check_mode in (True, False):
        outcome = only(manage(cloud, [now], on_drift="redeploy", check_mode=check_mode))
        assert words in outcome.msg
        assert (cloud.writes, outcome.changed, node(cloud)["provision_state"]) == ([], False, "active")


def test_a_volume_with_snapshots_is_not_undeployed_in_vain() -> None:
    cloud = deployed()
    (volume,) = cloud.volumes.values()
    snapshot = a_snapshot()
    snapshot["volume_id"] = volume["id"]
    cloud.snapshots = {snapshot["id"]: snapshot}
    outcome = only(manage(cloud, [DRIFTS["another image"][1]], on_drift="redeploy"))
    assert f"it has snapshots (friday ({uuid_of('friday')}))" in outcome.msg
    assert cloud.writes == []


@pytest.mark.parametrize(
    "now",
    [
        {**ARRAY, "targets": [{**LUN, "extra": {"rack": "3"}}]},
        {**ARRAY, "connectors": [{"type": "iqn", "extra": {"rack": "3"}}]},
    ],
)
def test_a_note_takes_no_machine_down(now: Json) -> None:
    cloud = deployed(ARRAY)
    outcome = only(manage(cloud, [now], on_drift="redeploy"))
    assert (outcome.msg, cloud.writes, node(cloud)["provision_state"]) == ("", [], "active")
    assert "was left as it is" in " ".join(outcome.plan.warnings)


@pytest.mark.parametrize("now", [PATHS, {**ARRAY, "targets": [{key: LUN[key] for key in ("volume_id", "target_lun")}]}])
def test_paths_that_are_as_asked_for_or_not_asked_for_are_no_reason(now: Json) -> None:
    cloud = deployed(PATHS)
    outcome = only(manage(cloud, [now], on_drift="redeploy"))
    assert (outcome.msg, cloud.writes, node(cloud)["provision_state"]) == ("", [], "active")


def test_a_portal_that_is_asked_for_no_more_is_not_left_beside_the_others() -> None:
    cloud = deployed(ARRAY)
    outcome = only(manage(cloud, [PATHS], on_drift="redeploy"))
    (target,) = cloud.targets.values()
    assert (outcome.msg, target["properties"].get("target_portal")) == ("", None)
    assert target["properties"]["target_portals"] == BY_PATHS["target_portals"]


def test_a_password_is_no_reason() -> None:
    chap = {**LUN, "chap_username": "bm", "chap_password": "hunter2"}
    cloud = deployed({**ARRAY, "targets": [chap]})
    now = {**ARRAY, "targets": [{**chap, "update_password": "always", "chap_password": "hunter3"}]}
    outcome = only(manage(cloud, [now], on_drift="redeploy"))
    assert (outcome.msg, cloud.writes) == ("", [])


@pytest.mark.parametrize("before", ["on_create", "always"])
def test_a_password_that_nobody_can_compare_is_no_reason(before: str) -> None:
    chap = {**LUN, "chap_username": "bm", "chap_password": "hunter2"}
    cloud = deployed({**ARRAY, "targets": [{**chap, "update_password": before}]})
    outcome = only(manage(cloud, [{**ARRAY, "targets": [{**chap, "update_password": "on_change"}]}], on_drift="redeploy"))
    assert (outcome.msg, cloud.writes, node(cloud)["provision_state"]) == ("", [], "active")


def test_a_password_that_is_known_to_differ_is_one() -> None:
    chap = {**LUN, "chap_username": "bm", "chap_password": "hunter2", "update_password": "on_change"}
    cloud = deployed({**ARRAY, "targets": [chap]})
    outcome = only(manage(cloud, [{**ARRAY, "targets": [{**chap, "chap_password": "hunter3"}]}], on_drift="redeploy"))
    assert (outcome.msg, outcome.actions[0]) == ("", UNDEPLOY)
    (target,) = cloud.targets.values()
    assert target["properties"]["auth_password"] == "hunter3"


def test_no_secret_is_in_the_diff_of_a_redeployment() -> None:
    chap = {**LUN, "chap_username": "bm", "chap_password": "hunter2"}
    cloud = deployed({**ARRAY, "targets": [chap]})
    outcome = only(manage(cloud, [{**ARRAY, "targets": [{**chap, "target_lun": 2}]}], on_drift="redeploy"))
    assert outcome.changed
    assert "hunter2" not in str(outcome.diff) + str(outcome.result())


# Many nodes


def test_only_nodes_that_differ_are_deployed_again() -> None:
    names = [f"bm-{number}" for number in range(6)]
    cloud = FakeCloud(nodes=[a_node(name) for name in names], images=[an_image()])

    def wanted(name: str, **more: Any) -> Json:
        return {"node": name, "volumes": [{"name": f"{name}-root", "image": "debian"}], **more}

    manage(cloud, [wanted(name) for name in names])
    cloud.writes.clear()
    nodes = [wanted(name, **({"boot_interface": "http-ipxe"} if name in ("bm-1", "bm-4") else {})) for name in names]
    outcomes = manage(cloud, nodes, on_drift="redeploy")
    assert {name for name, outcome in outcomes.items() if outcome.changed} == {"bm-1", "bm-4"}
    assert {one["provision_state"] for one in cloud.nodes.values()} == {"active"}
    assert {request.path.split("/")[2] for request in cloud.writes if request.path.startswith("/nodes")} == {
        uuid_of("bm-1"),
        uuid_of("bm-4"),
    }


def test_an_undeployment_that_fails_is_told_in_ironics_words() -> None:
    cloud = deployed()

    def tick() -> None:
        if node(cloud)["provision_state"] == "deleting":
            node(cloud).update(provision_state="error", last_error="The BMC is gone.")

    cloud.tick = tick  # type: ignore[method-assign]
    outcome = only(manage(cloud, [AGAIN], on_drift="redeploy"))
    assert "Failed to undeploy node bm-0: it is in error, and Ironic says «The BMC is gone»" in outcome.msg
    assert outcome.actions == (UNDEPLOY,)


def test_a_target_that_has_gone_is_made_by_another_deployment() -> None:
    cloud = deployed()
    cloud.targets.clear()
    assert "its volume target 0 is not" in only(manage(cloud, [ENTRY])).msg
    assert (only(manage(cloud, [ENTRY], on_drift="redeploy")).msg, boots(cloud)) == ("", [(0, "root")])


def test_a_target_that_nobody_asks_for_is_taken_away_by_another_deployment() -> None:
    cloud = deployed()
    cloud.volumes[uuid_of("more")] = a_volume("more")
    further = a_target(volume="more", boot_index=1)
    cloud.targets[further["uuid"]] = further
    assert "its volume target 1 is not" in only(manage(cloud, [ENTRY])).msg
    assert only(manage(cloud, [{**ENTRY, "volumes": []}])).msg == ""  # whoever asks for none leaves all alone
    assert (only(manage(cloud, [ENTRY], on_drift="redeploy")).msg, boots(cloud)) == ("", [(0, "root")])


def test_the_diff_tells_that_a_running_machine_goes_down() -> None:
    before, now, _differs = DRIFTS["another LUN"]
    cloud = deployed(before)
    diff = only(manage(cloud, [now], on_drift="redeploy", check_mode=True)).diff
    was, becomes = diff["before"], diff["after"]
    assert "'provision_state': 'active'" in str(was)
    assert "'provision_state': 'available'" in str(becomes)
    assert "'target_lun': 1" in str(was)
    assert "'target_lun': 2" in str(becomes)
    assert "'target_lun': 1" not in str(becomes)


def test_a_target_is_compared_by_its_place() -> None:
    cloud = deployed({**ENTRY, "volumes": [ROOT, {"name": "more", "image": "debian"}]})
    swapped = {**ENTRY, "volumes": [{"name": "more", "image": "debian"}, ROOT]}
    assert "its volume target 0, 1 is not" in only(manage(cloud, [swapped])).msg
    manage(cloud, [swapped], on_drift="redeploy")
    assert boots(cloud) == [(0, "more"), (1, "root")]


def test_a_volume_of_another_node_is_not_taken_for_drift() -> None:
    """A volume that this node does not hold says nothing about what it boots with."""
    cloud = deployed(ARRAY)
    cloud.volumes = {uuid_of("root"): a_volume("root", **of_image())}
    wanted = {**ARRAY, "volumes": [{**ROOT, "image": "trixie", "recreate": "on_drift"}]}
    outcome = only(manage(cloud, [wanted], on_drift="redeploy"))
    assert UNDEPLOY not in outcome.actions
    assert node(cloud)["provision_state"] == "active"


def test_a_target_record_names_the_volume_of_the_node() -> None:
    cloud = FakeCloud(
        nodes=[a_node(provision_state="active", power_state="power on")],
        connectors=[a_connector()],
        targets=[a_target()],
        volumes=[a_volume(**attached(uuid_of("bm-0")))],
    )
    assert only(manage(cloud, [{"node": "bm-0", "targets": [{"volume": "root"}]}], on_drift="redeploy")).actions == ()
