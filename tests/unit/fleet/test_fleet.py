# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    manage,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

ARRAY = {
    "volume_id": uuid_of("on the array"),
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
    "target_lun": 1,
    "chap_username": "bm",
    "chap_password": "hunter2",
}


UNDEPLOY = f"undeploy node bm-0 ({uuid_of('bm-0')})"


def names(number: int) -> list[str]:
    return [f"bm-{index}" for index in range(number)]


def fresh(number: int = 1) -> FakeCloud:
    """Nodes as they come: not set up for boot from volume."""
    fields: Json = {"storage_interface": "noop", "properties": {"capabilities": "boot_mode:uefi"}}
    return FakeCloud(nodes=[a_node(name, **fields) for name in names(number)], images=[an_image()])


def entry(name: str = "bm-0", **more: Any) -> Json:
    """A node that boots from a volume of Cinder."""
    volumes = [{"name": f"{name}-root", "image": "debian"}]
    return {"node": name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": volumes, **more}


def deployed(number: int = 1) -> FakeCloud:
    cloud = fresh(number)
    outcomes = manage(cloud, [entry(name) for name in names(number)])
    assert not any(outcome.failed for outcome in outcomes.values())
    cloud.writes.clear()
    cloud.reads.clear()
    return cloud


def states(cloud: FakeCloud) -> list[str]:
    return [node["provision_state"] for node in cloud.nodes.values()]


def only(outcomes: dict[str, Outcome]) -> Outcome:
    (outcome,) = outcomes.values()
    return outcome


# Deploying


def test_a_node_goes_through_all_stages_in_their_order() -> None:
    cloud = fresh()
    outcome = only(manage(cloud, [entry()]))
    assert [action.partition(" bm-0")[0] for action in outcome.actions] == [
        "create volume",
        "note in volume",
        "set up the storage of node",
        "create the iqn connector of node",
        "create volume target 0 of node",
        "deploy node",
    ]
    assert states(cloud) == ["active"]


def test_the_volume_is_ready_before_the_node_is_deployed() -> None:
    cloud = fresh()
    manage(cloud, [entry()])
    (target,) = cloud.targets.values()
    assert [one["server_id"] for one in cloud.volumes[target["volume_id"]]["attachments"]] == [uuid_of("bm-0")]


def test_a_second_run_changes_nothing() -> None:
    cloud = deployed(3)
    outcomes = manage(cloud, [entry(name) for name in names(3)])
    assert (cloud.writes, [outcome.changed or outcome.failed for outcome in outcomes.values()]) == ([], [False] * 3)


def test_prepared_stops_before_the_deployment() -> None:
    cloud = fresh()
    assert "deploy node bm-0" not in only(manage(cloud, [entry()], state="prepared")).actions
    assert (states(cloud), len(cloud.targets)) == (["available"], 1)


def test_an_array_needs_no_cinder() -> None:
    cloud = fresh()
    outcome = only(manage(cloud, [entry(storage_interface="external", volumes=None, targets=[ARRAY])]))
    assert (outcome.msg, states(cloud)) == ("", ["active"])
    assert not any(path.startswith(("/volumes", "/images")) for path in cloud.reads)


def test_the_volumes_boot_in_their_order() -> None:
    cloud = fresh()
    manage(cloud, [entry(volumes=[{"name": "root", "image": "debian"}, {"name": "more", "size": 5}])])
    order = {one["boot_index"]: cloud.volumes[one["volume_id"]]["name"] for one in cloud.targets.values()}
    assert order == {0: "root", 1: "more"}


def test_an_initiator_may_have_the_name_that_the_array_knows() -> None:
    cloud = fresh()
    manage(cloud, [entry(connectors=[{"type": "iqn", "connector_id": "iqn.2010-10.org.example:bm-0"}])])
    assert [one["connector_id"] for one in cloud.connectors.values()] == ["iqn.2010-10.org.example:bm-0"]
    assert states(cloud) == ["active"]


def test_the_prefix_of_a_made_up_iqn_is_an_option() -> None:
    cloud = fresh()
    manage(cloud, [entry()], iqn_prefix="iqn.2024-01.org.example:")
    assert [one["connector_id"] for one in cloud.connectors.values()] == [f"iqn.2024-01.org.example:{uuid_of('bm-0')}"]


def test_a_deployment_deletes_no_volume_whatever_an_undeployment_would() -> None:
    cloud = deployed()
    assert not only(manage(cloud, [entry()], volumes_on_undeploy="delete")).changed
    assert len(cloud.volumes) == 1


def test_image_source_is_removed_from_every_node() -> None:
    cloud = fresh()
    cloud.nodes[uuid_of("bm-0")]["instance_info"] = {"image_source": ""}
    manage(cloud, [entry()])
    assert (cloud.nodes[uuid_of("bm-0")]["instance_info"], states(cloud)) == ({}, ["active"])


def test_an_active_node_that_boots_from_something_else_is_refused() -> None:
    cloud = deployed()
    cloud.volumes[uuid_of("other")] = a_volume("other")
    outcome = only(manage(cloud, [entry(volumes=[{"name": "other"}])]))
    assert "Undeploy it and run again" in outcome.msg
    assert cloud.writes == []


def test_what_validation_says_stops_the_deployment() -> None:
    cloud = fresh()
    outcome = only(manage(cloud, [entry(connectors=[])]))
    assert "Failed to validate node bm-0: storage validation says" in outcome.msg
    assert states(cloud) == ["available"]


def test_volumes_are_updated_before_the_deployment() -> None:
    cloud = fresh()
    cloud.volumes = {uuid_of("bm-0-root"): a_volume("bm-0-root", bootable="false")}
    wanted = {"name": "bm-0-root", "bootable": True, "description": "d", "metadata": {"rack": "3"}}
    assert (only(manage(cloud, [entry(volumes=[wanted])])).msg, states(cloud)) == ("", ["active"])
    (volume,) = cloud.volumes.values()
    assert (volume["bootable"], volume["metadata"]) == ("true", {"rack": "3"})


def test_a_deployment_that_fails_is_told_in_ironics_words() -> None:
    cloud = fresh()
    cloud.deployment_fails["bm-0"] = "The volume is on fire."
    outcome = only(manage(cloud, [entry()]))
    assert "it is in deploy failed, and Ironic says «The volume is on fire»" in outcome.msg
    assert "deploy node bm-0" in outcome.actions


def test_a_deployment_that_failed_before_is_tried_again() -> None:
    cloud = fresh()
    cloud.deployment_fails["bm-0"] = "The volume is on fire."
    manage(cloud, [entry()])
    cloud.deployment_fails.clear()
    assert (only(manage(cloud, [entry()])).actions, states(cloud)) == (("deploy node bm-0",), ["active"])


def test_a_node_whose_deployment_failed_is_repaired_and_deployed() -> None:
    cloud = FakeCloud(
        nodes=[a_node(provision_state="deploy failed", last_error="of yesterday", properties={})], images=[an_image()]
    )
    outcome = only(manage(cloud, [entry()]))
    assert (outcome.msg, states(cloud)) == ("", ["active"])


def test_a_volume_that_is_just_being_deleted_is_made_anew() -> None:
    cloud = fresh()
    cloud.volumes = {uuid_of("old"): a_volume("bm-0-root", id=uuid_of("old"), status="deleting")}
    assert (only(manage(cloud, [entry()])).msg, states(cloud)) == ("", ["active"])


@pytest.mark.parametrize("recreate", ["on_error", "on_drift"])
def test_a_volume_whose_making_failed_is_made_anew_where_that_is_permitted(recreate: str) -> None:
    cloud = fresh()
    failed = a_volume("bm-0-root", id=uuid_of("failed"), status="error", metadata={"bfv_made": "new"})
    cloud.volumes = {failed["id"]: failed}
    outcome = only(manage(cloud, [entry(volumes=[{"name": "bm-0-root", "image": "debian", "recreate": recreate}])]))
    assert (outcome.msg, states(cloud), uuid_of("failed") in cloud.volumes) == ("", ["active"], False)


@pytest.mark.parametrize("recreate", ["never", "on_error", "on_drift"])
def test_a_volume_in_error_that_may_hold_data_is_told_with_what_to_do(recreate: str) -> None:
    cloud = fresh()
    cloud.volumes = {uuid_of("failed"): a_volume("bm-0-root", id=uuid_of("failed"), status="error")}
    outcome = only(manage(cloud, [entry(volumes=[{"name": "bm-0-root", "image": "debian", "recreate": recreate}])]))
    assert "Failed to set up volume bm-0-root: its status is error. What is on it may be sound" in outcome.msg
    assert cloud.writes == []


def test_records_are_changed_with_the_power_off_where_that_is_permitted() -> None:
    cloud = FakeCloud(
        nodes=[a_node(power_state="power on")],
        connectors=[a_connector()],
        targets=[a_target()],
        volumes=[a_volume(), a_volume("web")],
    )
    wanted = {"node": "bm-0", "targets": [{"volume": "web"}]}
    assert "power_off=true" in only(manage(cloud, [wanted])).msg
    assert only(manage(cloud, [wanted], power_off=True)).actions[0] == f"power off node bm-0 ({uuid_of('bm-0')})"
    assert states(cloud) == ["active"]


def test_a_password_that_is_always_written_is_written_once() -> None:
    cloud = fresh()
    wanted = entry(storage_interface="external", volumes=None, targets=[{**ARRAY, "update_password": "always"}])
    manage(cloud, [wanted], state="prepared")
    cloud.writes.clear()
    outcome = only(manage(cloud, [wanted], state="prepared"))
    assert (outcome.msg, [request.method for request in cloud.writes]) == ("", ["PATCH"])


class Deaf(FakeCloud):
    """Takes every change of a target and does nothing."""

    def send(self, request: Request) -> Json:
        if request.changes != "target":
            return super().send(request)
        self.writes.append(request)
        return self._shown("targets", self.targets[request.key])


def test_a_write_without_effect_is_not_repeated_for_ever() -> None:
    cloud = Deaf(nodes=[a_node()], connectors=[a_connector()], targets=[a_target()], volumes=[a_volume()])
    outcome = only(manage(cloud, [{"node": "bm-0", "targets": [{"volume": "root", "extra": {"rack": "3"}}]}]))
    assert "accepted «change volume target 0 of node bm-0» and shows the old state" in outcome.msg
    assert len(cloud.writes) == 1


# Undeploying


def test_undeploying_takes_the_targets_and_keeps_the_rest() -> None:
    cloud = deployed()
    outcome = only(manage(cloud, [entry()], state="undeployed"))
    assert outcome.actions == (UNDEPLOY,)
    assert (states(cloud), len(cloud.targets), len(cloud.connectors), len(cloud.volumes)) == (["available"], 0, 1, 1)


def test_the_result_is_looked_at_after_an_undeployment() -> None:
    result = only(manage(deployed(), [entry()], state="undeployed")).result()
    assert (result["targets"], result["node"]["provision_state"]) == ([], "available")  # type: ignore[index]
    assert [one["status"] for one in result["volumes"]] == ["available"]  # type: ignore[attr-defined]


def test_volumes_are_deleted_where_that_is_asked_for() -> None:
    cloud = deployed()
    (volume,) = cloud.volumes
    outcome = only(manage(cloud, [entry()], state="undeployed", volumes_on_undeploy="delete"))
    assert (outcome.actions, cloud.volumes) == ((UNDEPLOY, f"delete volume bm-0-root ({volume})"), {})


def test_an_undeployment_may_be_over_at_the_first_look() -> None:
    cloud = deployed()
    cloud.tick = lambda: [FakeCloud.tick(cloud) for _step in range(5)]  # type: ignore[method-assign, assignment]
    outcome = only(manage(cloud, [entry()], state="undeployed", volumes_on_undeploy="delete"))
    assert (outcome.msg, states(cloud), cloud.volumes) == ("", ["available"], {})


def test_targets_of_a_node_that_was_only_prepared_are_removed() -> None:
    cloud = fresh()
    manage(cloud, [entry()], state="prepared")
    (target,) = cloud.targets
    outcome = only(manage(cloud, [entry()], state="undeployed"))
    assert (outcome.actions, cloud.targets) == ((f"remove volume target 0 of node bm-0 ({target})",), {})


@pytest.mark.parametrize("delete", ["keep", "delete"])
def test_a_second_undeployment_changes_nothing(delete: str) -> None:
    cloud = deployed()
    for _run in range(2):
        cloud.writes.clear()
        outcome = only(manage(cloud, [entry()], state="undeployed", volumes_on_undeploy=delete))
    assert (outcome.msg, outcome.changed, cloud.writes) == ("", False, [])


def test_a_node_can_be_deployed_again() -> None:
    cloud = deployed()
    manage(cloud, [entry()], state="undeployed")
    assert (only(manage(cloud, [entry()])).msg, states(cloud), len(cloud.volumes)) == ("", ["active"], 1)


def test_a_deployment_under_way_is_waited_for_and_then_undone() -> None:
    cloud = deployed()
    cloud.nodes[uuid_of("bm-0")]["provision_state"] = "deploying"
    assert (only(manage(cloud, [entry()], state="undeployed")).msg, states(cloud)) == ("", ["available"])


# Many nodes


def test_a_node_that_fails_stops_nobody_else() -> None:
    cloud = fresh(5)
    cloud.deployment_fails["bm-1"] = "no power"
    nodes = [
        entry("bm-0"),
        entry("bm-1"),
        entry("bm-2", volumes=[{"name": "x", "image": "unknown"}]),
        entry("bm-3", targets=[{"boot_index": -1}]),
        entry("bm-7"),
        entry("bm-4"),
    ]
    outcomes = manage(cloud, nodes)
    assert sorted(name for name, outcome in outcomes.items() if outcome.failed) == ["bm-1", "bm-2", "bm-3", "bm-7"]
    assert [states(cloud)[index] for index in (0, 4)] == ["active", "active"]
    reasons = {"bm-1": "no power", "bm-2": "image unknown", "bm-3": "counts from 0", "bm-7": "Failed to find node bm-7"}
    assert all(words in outcomes[name].msg for name, words in reasons.items())


def test_a_refused_node_is_not_touched() -> None:
    cloud = fresh()
    cloud.volumes = {
        uuid_of("bm-0-root"): a_volume("bm-0-root", status="in-use", attachments=[{"server_id": "other", "device": "/dev/vda"}])
    }
    assert "is not multiattach" in only(manage(cloud, [entry()])).msg
    assert cloud.writes == []


def test_a_node_that_is_there_twice_is_refused() -> None:
    cloud = fresh()
    with pytest.raises(Invalid, match="node bm-0 is there twice"):
        manage(cloud, [entry(), entry()])
    assert cloud.writes == []


def test_a_node_is_not_worked_on_under_two_names() -> None:
    cloud = fresh()
    outcomes = manage(cloud, [entry(), {**entry(), "node": uuid_of("bm-0"), "volumes": []}])
    assert "is also there as bm-0" in outcomes[uuid_of("bm-0")].msg
    assert f"is also there as {uuid_of('bm-0')}" in outcomes["bm-0"].msg
    assert cloud.writes == []


def test_two_nodes_cannot_make_one_volume() -> None:
    cloud = fresh(2)
    outcomes = manage(cloud, [entry("bm-0"), entry("bm-1", volumes=[{"name": "bm-0-root", "image": "debian"}])])
    assert "volume bm-0-root is asked for twice" in outcomes["bm-1"].msg
    assert (states(cloud), len(cloud.volumes)) == (["active", "available"], 1)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"connectors": [{"type": "iqn"}, {"type": "iqn", "connector_id": "iqn.2010-10.org.example:a"}]}, "one iqn connector"),
        ({"connectors": [{}, {}]}, "one iqn connector"),
        ({"targets": [{"volume": "a"}, {"volume": "b"}]}, "the same boot_index"),
        ({"volumes": [{"name": "a", "size": 1}, {"name": "a", "size": 1}]}, "asked for twice"),
        ({"volumes": [{"size": 1}]}, "neither name nor id"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(more: Json, words: str) -> None:
    cloud = fresh()
    assert words in only(manage(cloud, [entry(**more)])).msg
    assert cloud.writes == []


def test_at_least_one_node_is_worked_on_at_a_time() -> None:
    with pytest.raises(Invalid, match="concurrency"):
        manage(fresh(), [entry()], concurrency=0)
    assert not only(manage(fresh(), [entry()], concurrency=1)).failed


def test_a_volume_is_known_by_its_id_first() -> None:
    cloud = FakeCloud(nodes=[a_node()], volumes=[a_volume("old"), a_volume("root")])
    manage(cloud, [{"node": "bm-0", "volumes": [{"id": uuid_of("old"), "name": "root"}]}], state="prepared")
    assert [one["volume_id"] for one in cloud.targets.values()] == [uuid_of("old")]


def test_both_of_two_connectors_are_in_the_diff() -> None:
    wwpns = ["5001438024213faa", "5001438024213fab"]
    wanted = entry(connectors=[{"type": "wwpn", "connector_id": wwpn} for wwpn in wwpns])
    diff = str(only(manage(fresh(), [wanted], state="prepared", check_mode=True)).diff)
    assert all(f"'connector_id': '{wwpn}'" in diff for wwpn in wwpns)


# Nova


@pytest.mark.parametrize("state", ["prepared", "deployed", "undeployed"])
@pytest.mark.parametrize("provision_state", ["active", "deploying", "available"])
def test_nodes_of_nova_are_left_alone(state: str, provision_state: str) -> None:
    cloud = FakeCloud(
        nodes=[a_node(instance_uuid="nova", provision_state=provision_state)], targets=[a_target()], volumes=[a_volume()]
    )
    outcome = only(manage(cloud, [{"node": "bm-0", "targets": [{"volume": "root"}]}], state=state))
    assert "belongs to Nova" in outcome.msg
    assert cloud.writes == []


@pytest.mark.parametrize("provision_state", ["active", "deploying", "available"])
@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_nodes_of_nova_are_not_set_up_either(provision_state: str, state: str) -> None:
    cloud = FakeCloud(nodes=[a_node(instance_uuid="nova", provision_state=provision_state, properties={})])
    assert "belongs to Nova" in only(manage(cloud, [{"node": "bm-0", "iscsi_boot": True}], state=state)).msg
    assert cloud.writes == []


# Check mode


@pytest.mark.parametrize("state", ["prepared", "deployed"])
def test_check_mode_sends_nothing_and_tells_all(state: str) -> None:
    cloud = fresh(2)
    nodes = [entry(name) for name in names(2)]
    told = manage(cloud, nodes, state=state, check_mode=True)
    assert (cloud.writes, cloud.now) == ([], 0)
    assert {name: outcome.actions for name, outcome in told.items()} == {
        name: outcome.actions for name, outcome in manage(cloud, nodes, state=state).items()
    }


def test_check_mode_of_an_undeployment_tells_all() -> None:
    cloud = deployed()
    options = {"state": "undeployed", "volumes_on_undeploy": "delete"}
    told = only(manage(cloud, [entry()], **options, check_mode=True))
    assert cloud.writes == []
    assert told.actions == only(manage(cloud, [entry()], **options)).actions


def test_the_diff_of_an_undeployment_shows_what_goes() -> None:
    running = only(manage(deployed(), [entry()], state="undeployed", check_mode=True)).diff
    assert "'provision_state': 'active'" in str(running["before"])
    assert "'provision_state': 'available'" in str(running["after"])
    cloud = fresh()
    manage(cloud, [entry()], state="prepared")
    (target,) = cloud.targets
    prepared = only(manage(cloud, [entry()], state="undeployed", check_mode=True)).diff
    assert prepared["before"].keys() == {"targets"}  # type: ignore[attr-defined]
    assert prepared["after"]["targets"] == {"volume target 0 of node bm-0": {}}  # type: ignore[index]
    assert [line.partition(": ")[0] for line in prepared["after"]["destroys"]] == [target]  # type: ignore[index]


def test_check_mode_finds_a_refusal_as_well() -> None:
    assert "Failed to find node bm-7" in only(manage(fresh(), [entry("bm-7")], check_mode=True)).msg


def test_the_diff_shows_every_stage_and_no_password() -> None:
    wanted = entry(storage_interface="external", volumes=None, targets=[ARRAY])
    diff = only(manage(fresh(), [wanted], check_mode=True)).diff
    assert diff["after_header"] == "node bm-0"
    shown = str(diff["after"])
    assert all(words in shown for words in ("iqn connector", "volume target 0", "'storage_interface': 'external'", "'active'"))
    assert "hunter2" not in shown


# Waiting


def test_a_wait_that_is_too_short_says_what_it_waited_for() -> None:
    cloud = fresh(2)
    outcomes = manage(cloud, [entry(name) for name in names(2)], timeout=0.4)
    assert all("within 0.4 s" in outcome.msg and f"volume {name}-root" in outcome.msg for name, outcome in outcomes.items())
    assert all(outcome.changed for outcome in outcomes.values())


def test_the_next_run_goes_on_after_a_wait_that_was_too_short() -> None:
    cloud = fresh()
    manage(cloud, [entry()], timeout=0.4)
    assert (only(manage(cloud, [entry()])).msg, states(cloud), len(cloud.volumes)) == ("", ["active"], 1)


def test_without_wait_nothing_is_waited_for() -> None:
    cloud = fresh()
    outcome = only(manage(cloud, [entry()], wait=False))
    assert (outcome.msg, cloud.now) == ("", 0)
    assert [action.partition(" bm-0")[0] for action in outcome.actions] == ["create volume"]


class Conflicting(FakeCloud):
    def send(self, request: Request) -> Json:
        if request.method == "PATCH":
            raise Rejected(request.what, "Ironic", 409, "no way")
        return super().send(request)


def test_without_waiting_no_error_is_lost() -> None:
    cloud = Conflicting(nodes=[a_node(storage_interface="noop")], volumes=[a_volume()])
    (outcome,) = manage(cloud, [entry(volumes=[{"name": "root"}])], wait=False).values()
    assert "no way" in outcome.msg


class Flaky(FakeCloud):
    """Fails on some of its reads."""

    looks = 0
    fails_at = range(0)
    status = 500

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        self._look(what)
        return super().list(path, key, what, **query)

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self._look(what)
        return super().find(path, what, **query)

    def _look(self, what: str) -> None:
        self.looks += 1
        if self.looks in self.fails_at:
            raise Rejected(what, "the fake", self.status, "no answer to that")


def first_looks() -> int:
    """How many reads come before anything is done."""
    cloud = Flaky(nodes=[a_node()], images=[an_image()])
    manage(cloud, [entry()], check_mode=True)
    return cloud.looks


@pytest.mark.parametrize("status", [404, 429, 500])
@pytest.mark.parametrize("later", range(1, 6))
def test_field_b12_one_bad_look_fails_no_node(later: int, status: int) -> None:
    cloud, fails_at = Flaky(nodes=[a_node()], images=[an_image()]), first_looks() + later
    cloud.fails_at, cloud.status = range(fails_at, fails_at + 1), status
    outcome = only(manage(cloud, [entry()]))
    assert cloud.looks >= fails_at
    assert (outcome.changed, outcome.msg, states(cloud)) == (True, "", ["active"])


@pytest.mark.parametrize(("status", "seconds"), [(403, 5), (500, 60)])
def test_field_b12_what_was_done_is_told_although_no_later_look_succeeds(status: int, seconds: float) -> None:
    """What is refused for good is not waited for; what may come back is, as long as the run waits."""
    cloud = Flaky(nodes=[a_node()], images=[an_image()])
    cloud.fails_at, cloud.status = range(first_looks() + 2, 10_000), status
    outcome = only(manage(cloud, [entry()]))
    assert (outcome.changed, "no answer to that" in outcome.msg) == (True, True)
    assert cloud.now <= seconds


class Gone(FakeCloud):
    """Answers nothing more once it has shown a deployment that failed."""

    shown = False

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        self._check(what)
        return super().list(path, key, what, **query)

    def find(self, path: str, what: str, **query: object) -> Json | None:
        self._check(what)
        return super().find(path, what, **query)

    def _check(self, what: str) -> None:
        if self.shown:
            raise Rejected(what, "the fake", 500, "Internal Server Error")
        self.shown = "deploy failed" in states(self)


def test_a_last_look_that_fails_hides_no_reason() -> None:
    cloud = Gone(nodes=[a_node()], images=[an_image()])
    cloud.deployment_fails["bm-0"] = "The volume is on fire."
    assert "The volume is on fire" in only(manage(cloud, [entry()])).msg
    assert cloud.shown


def test_an_error_of_the_first_look_is_an_error_of_the_run() -> None:
    cloud = Flaky(nodes=[a_node()])
    cloud.fails_at = range(1, 2)
    with pytest.raises(Rejected, match=r"Failed to read (node bm-0|the nodes): the fake says «no answer to that»"):
        manage(cloud, [entry()])


# Results


def test_the_result_has_the_same_keys_whatever_became_of_the_node() -> None:
    cloud = fresh(2)
    outcomes = manage(cloud, [entry("bm-0"), entry("bm-1", connectors=[]), entry("bm-7"), entry("bm-8", targets=[{}, {}])])
    outcomes |= {"again": manage(cloud, [entry("bm-0")])["bm-0"]}
    keys = {frozenset(outcome.result()) for outcome in outcomes.values()}
    assert keys == {
        frozenset(("changed", "failed", "msg", "actions", "differs", "node", "connectors", "targets", "volumes", "history"))
    }


def test_a_refused_node_is_shown_as_it_is() -> None:
    cloud = FakeCloud(nodes=[a_node(maintenance=True)], connectors=[a_connector()], targets=[a_target()], volumes=[a_volume()])
    outcomes = manage(cloud, [{"node": "bm-0", "volumes": [{"name": "root"}]}, {"node": "bm-7"}])
    refused, unknown = outcomes["bm-0"].result(), outcomes["bm-7"].result()
    assert (refused["node"]["uuid"], len(refused["connectors"]), len(refused["volumes"])) == (uuid_of("bm-0"), 1, 1)  # type: ignore[index, arg-type]
    assert (unknown["node"], unknown["connectors"], unknown["volumes"]) == (None, [], [])


def test_no_secret_is_in_a_result() -> None:
    cloud = fresh()
    outcome = only(manage(cloud, [entry(storage_interface="external", volumes=None, targets=[ARRAY])]))
    assert outcome.result()["targets"][0]["properties"]["auth_password"] == "******"  # type: ignore[index]
    assert "hunter2" not in str(outcome.result()) + repr(outcome)
