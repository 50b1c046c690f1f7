# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node takes its disks over from another one. Whatever happens, no two machines run on one disk."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    attached,
    manage,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.machines import Machines
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal

OLD, NEW = "board-1", "board-2"
INITIATOR = "iqn.2024-01.org.example:web-1"
LUN = {"target_iqn": "iqn.2010-10.org.example:array.web-1", "target_portal": "192.0.2.10:3260", "target_lun": 1}
WANTED: dict[str, Json] = {
    "cinder": {"node": NEW, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"name": "root"}]},
    "external": {"node": NEW, "storage_interface": "external", "iscsi_boot": True, "targets": [{"volume_id": "web-1", **LUN}]},
}
MODES: dict[str, Json] = {
    "powered_off": {"takeover": "powered_off"},
    "confirmed": {"takeover": "confirmed", "takeover_confirmed": [OLD]},
}


class World(Mortal, Machines):
    """Machines, and runs that end at an instant."""


def world(interface: str, kind: type[World] = World, *, dead: bool = False, **fields: Any) -> Any:
    """A machine that runs, or whose board has died, and a spare."""
    disk = "root" if interface == "cinder" else "web-1"
    properties = {} if interface == "cinder" else {**LUN, "auth_username": "web-1", "auth_password": "secret"}
    old = {"provision_state": "active", "power_state": "power on", "storage_interface": interface, **fields}
    cloud = kind(
        nodes=[a_node(OLD, **old), a_node(NEW, storage_interface=interface)],
        connectors=[a_connector(OLD, INITIATOR)],
        targets=[a_target(OLD, disk, properties=properties, **({} if interface == "cinder" else {"volume_id": "web-1"}))],
        volumes=[a_volume("root", bootable="true", **attached(uuid_of(OLD), "ironic_mountpoint"))]
        if interface == "cinder"
        else [],
        images=[an_image()],
    )
    disk_id = uuid_of("root") if interface == "cinder" else "web-1"
    cloud.scripts[OLD] = disk_id
    if dead:
        cloud.dead = {OLD}
        cloud.nodes[uuid_of(OLD)].update(power_state=None, fault="power failure", maintenance=True)
    else:
        cloud.running[OLD] = disk_id
    return cloud


def run(cloud: World, interface: str, mode: str, **options: Any) -> Outcome:
    return manage(cloud, [WANTED[interface]], **MODES[mode], **options)[NEW]


def state(cloud: World) -> tuple[Any, ...]:
    """What has to be the same however it came about."""
    new = cloud.nodes[uuid_of(NEW)]
    own = [one for one in cloud.targets.values() if one["node_uuid"] == new["uuid"]]
    initiators = [(one["node_uuid"], one["connector_id"]) for one in cloud.connectors.values()]
    holders = [one["server_id"] for volume in cloud.volumes.values() for one in volume["attachments"]]
    return new["provision_state"], len(own), len(cloud.targets), initiators, holders, cloud.running, cloud.scripts


def at_the_end(interface: str) -> tuple[Any, ...]:
    disk = uuid_of("root") if interface == "cinder" else "web-1"
    holders = [uuid_of(NEW)] if interface == "cinder" else []
    return "active", 1, 1, [(uuid_of(NEW), INITIATOR)], holders, {NEW: disk}, {NEW: disk}


@pytest.mark.parametrize("interface", WANTED)
@pytest.mark.parametrize("mode", MODES)
def test_a_spare_boots_the_disk_of_a_node_that_is_off_or_was_said_to_be(interface: str, mode: str) -> None:
    cloud = world(interface, dead=mode == "confirmed")
    foreseen = run(cloud, interface, mode, check_mode=True)
    assert not cloud.writes
    done = run(cloud, interface, mode)
    assert (done.msg, state(cloud)) == ("", at_the_end(interface))
    assert list(done.actions) == list(foreseen.actions)
    again = run(cloud, interface, mode)
    assert (again.msg, again.actions) == ("", ())


@pytest.mark.parametrize("interface", WANTED)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", [Killed(), Rejected("do it", "the fake", 403, "Forbidden")], ids=["killed", "refused"])
@pytest.mark.parametrize("elapsed", [0, 5])
def test_a_takeover_that_ends_at_any_instant_is_completed_by_the_next_run(
    interface: str, mode: str, end: BaseException, elapsed: int
) -> None:
    whole = world(interface, dead=mode == "confirmed")
    assert not run(whole, interface, mode).failed
    for instant in range(1, whole.instants + 1):
        cloud = world(interface, dead=mode == "confirmed")
        cloud.breaks_at, cloud.end = instant, end
        with suppress(Killed):
            run(cloud, interface, mode)
        for _round in range(elapsed):
            cloud.tick()
        after = run(cloud, interface, mode)
        assert (after.msg, state(cloud)) == ("", at_the_end(interface)), f"ended at instant {instant}"


@pytest.mark.parametrize("maintenance", [True, False])
def test_somebody_who_gave_his_word_is_told_what_it_means(maintenance: bool) -> None:
    cloud = world("cinder", maintenance=maintenance)
    cloud.running.clear()
    done = run(cloud, "cinder", "confirmed")
    assert [one for one in done.plan.warnings if "must not be switched on before Ironic has undeployed it" in one]
    assert cloud.nodes[uuid_of(OLD)]["maintenance"]


@pytest.mark.parametrize("interface", WANTED)
def test_nothing_moves_while_the_other_node_cannot_be_seen_off(interface: str) -> None:
    cloud = world(interface)
    cloud.dead = {OLD}
    before = state(cloud)
    refused = run(cloud, interface, "powered_off")
    assert "Ironic says «Failed to power off: no answer»" in refused.msg
    assert "takeover_confirmed board-1" in refused.msg
    assert state(cloud) == before


@pytest.mark.parametrize("interface", WANTED)
def test_a_node_that_ironic_does_not_reach_is_not_even_asked(interface: str) -> None:
    cloud = world(interface, dead=True)
    refused = run(cloud, interface, "powered_off")
    assert "(power failure), and so cannot see it off" in refused.msg
    assert not cloud.writes


def test_a_word_about_another_node_is_none_about_this_one() -> None:
    cloud = world("cinder", dead=True)
    refused = manage(cloud, [WANTED["cinder"]], takeover="confirmed", takeover_confirmed=["board-7"])[NEW]
    assert "takeover_confirmed does not name it" in refused.msg
    assert not cloud.writes


def test_without_permission_all_is_as_it_was() -> None:
    cloud = world("cinder")
    refused = manage(cloud, [WANTED["cinder"]])[NEW]
    assert f"is attached to {uuid_of(OLD)}" in refused.msg
    assert not cloud.writes


def freed(**volume: Any) -> World:
    """Somebody has detached the disk of a machine that may run, or be switched on again, in Cinder."""
    cloud: World = world("cinder")
    cloud.volumes[uuid_of("root")].update(status="available", attachments=[], **volume)
    return cloud


@pytest.mark.parametrize("state", ["active", "error", "rescue", "a new one"])
def test_field_a_disk_that_cinder_shows_free_is_still_that_of_the_machine_that_boots_it(state: str) -> None:
    cloud = freed()
    cloud.nodes[uuid_of(OLD)]["provision_state"] = state
    refused = manage(cloud, [WANTED["cinder"]])[NEW]
    assert f"volume root ({uuid_of('root')}) is the disk of node {OLD} as well, which is {state}" in refused.msg
    assert not cloud.writes


def test_field_nor_is_a_node_deployed_whose_own_target_names_such_a_disk() -> None:
    cloud = freed()
    own = a_target(NEW)
    cloud.targets[own["uuid"]] = own
    refused = manage(cloud, [{**WANTED["cinder"], "volumes": []}])[NEW]
    assert (f"is the disk of node {OLD} as well" in refused.msg, cloud.writes) == (True, [])


@pytest.mark.parametrize(
    ("own", "entry"),
    [("noop", WANTED["cinder"]), ("cinder", {"node": NEW, "volumes": [{"name": "root"}]})],
    ids=["asked for", "the node's own"],
)
def test_the_storage_interface_says_what_a_disk_is(own: str, entry: Json) -> None:
    cloud = freed()
    cloud.nodes[uuid_of(NEW)].update(storage_interface=own, properties={"capabilities": "iscsi_boot:True"})
    refused = manage(cloud, [entry])[NEW]
    assert (f"is the disk of node {OLD} as well" in refused.msg, cloud.writes) == (True, [])


def test_a_node_that_is_only_prepared_for_the_disk_is_in_nobodys_way() -> None:
    cloud = freed()
    cloud.scripts.clear()
    cloud.running.clear()
    cloud.nodes[uuid_of(OLD)].update(provision_state="available", power_state="power off")
    assert manage(cloud, [WANTED["cinder"]])[NEW].msg == ""


def test_a_disk_for_many_machines_may_be_that_of_two() -> None:
    cloud = freed(multiattach=True)
    cloud.scripts.clear()
    assert not manage(cloud, [WANTED["cinder"]], check_mode=True)[NEW].failed


def test_it_may_be_taken_over() -> None:
    assert run(freed(), "cinder", "powered_off").msg == ""


ROOT: Json = WANTED["external"]["targets"][0]


@pytest.mark.parametrize(
    "address",
    [
        LUN,
        {**LUN, "target_iqn": LUN["target_iqn"].upper()},
        {**LUN, "target_portal": "198.51.100.10:3260"},
        {"target_iqn": LUN["target_iqn"], "target_portals": ["192.0.2.10:3260", "198.51.100.10:3260"], "target_lun": 1},
        {"properties": {"target_iqns": [LUN["target_iqn"]], "target_portals": ["192.0.2.10:3260"], "target_luns": [1]}},
    ],
    ids=["as it is there", "in other letters", "by another portal", "by two", "in lists"],
)
def test_field_without_permission_no_node_is_deployed_from_the_lun_of_another(address: Json) -> None:
    cloud = world("external")
    refused = manage(cloud, [{**WANTED["external"], "targets": [{"volume_id": "another id", **address}]}])[NEW]
    assert f"{LUN['target_iqn']} LUN 1 is the disk of node {OLD} as well, which is active" in refused.msg
    assert not cloud.writes


@pytest.mark.parametrize(
    "target",
    [
        {**ROOT, "shared": True},
        {**ROOT, "target_lun": 2},
        {**ROOT, "target_iqn": f"{LUN['target_iqn']}2"},
        {**ROOT, "boot_index": 1, "chap_username": "web", "chap_password": "secret"},
    ],
    ids=["shared", "another LUN", "another IQN", "a LUN of a cluster"],
)
def test_what_may_be_that_of_two_or_is_another_lun_is_in_nobodys_way(target: Json) -> None:
    cloud = world("external")
    targets = [target] if not target.get("boot_index") else [{**ROOT, "target_lun": 7}, target]
    assert manage(cloud, [{**WANTED["external"], "targets": targets}], check_mode=True)[NEW].msg == ""


def test_field_two_nodes_of_one_run_have_a_lun_each() -> None:
    cloud = world("external")
    cloud.nodes[uuid_of(OLD)].update(provision_state="available", power_state="power off")
    cloud.targets.clear()
    both = [{**WANTED["external"], "node": name, "connectors": []} for name in (OLD, NEW)]
    done = manage(cloud, both, state="prepared")
    assert (done[OLD].msg, f"LUN 1 is asked for by node {OLD} as well" in done[NEW].msg) == ("", True)
    shared = [{**one, "targets": [{**ROOT, "shared": True}]} for one in both]
    assert [one.msg for one in manage(cloud, shared, state="prepared").values()] == ["", ""]


def test_machines_that_run_from_one_lun_already_are_left_as_they_are() -> None:
    cloud = world("external")
    cloud.nodes[uuid_of(NEW)].update(provision_state="active", power_state="power on")
    own = a_target(NEW, properties={**LUN}, volume_id="web-1")
    cloud.targets[own["uuid"]] = own
    both = [{"node": name, "connectors": [], "targets": [ROOT]} for name in (OLD, NEW)]
    assert not any("LUN 1" in one.msg for one in manage(cloud, both).values())


@pytest.mark.parametrize("permitted", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_field_a_spare_that_ironic_does_not_reach_takes_nothing_over(mode: str, permitted: bool) -> None:
    """It could not be switched off, and the disk was let go of by then."""
    cloud = world("cinder", dead=mode == "confirmed")
    cloud.nodes[uuid_of(NEW)].update(power_state=None, fault="power failure", maintenance=True)
    refused = run(cloud, "cinder", mode, state="prepared", power_off=permitted)
    assert ("Ironic does not reach its controller (power failure)" in refused.msg, cloud.writes) == (True, [])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"instance_uuid": uuid_of("a server")}, "belongs to Nova"),
        ({"protected": True}, "it is protected"),
        ({"provision_state": "deploying"}, "its provision state is deploying"),
        ({"provision_state": "a new one"}, "its provision state is a new one"),
        ({"provision_state": "deploy hold"}, "its provision state is deploy hold. End its deployment first"),
        ({"provision_state": "service hold"}, "its provision state is service hold. End its service first"),
    ],
    ids=["Nova's", "protected", "deploying", "unknown", "deploy hold", "service hold"],
)
@pytest.mark.parametrize("mode", MODES)
def test_from_some_nodes_nothing_is_taken(fields: Json, words: str, mode: str) -> None:
    cloud = world("cinder", **fields)
    refused = run(cloud, "cinder", mode)
    assert words in refused.msg
    assert not cloud.writes


@pytest.mark.parametrize("state", ["active", "deploy failed", "rescue", "error"])
def test_a_machine_is_taken_over_as_a_whole(state: str) -> None:
    cloud = world("cinder", provision_state=state)
    more = a_target(OLD, "data", boot_index=1)
    cloud.targets[more["uuid"]] = more
    refused = run(cloud, "cinder", "powered_off")
    assert f"volume target 1 ({uuid_of('data')}) as well, which is not asked for" in refused.msg
    assert not cloud.writes


def test_a_disk_that_a_node_has_twice_has_no_place() -> None:
    cloud = world("cinder")
    twice = a_target(OLD, "root", uuid=uuid_of("twice"), boot_index=1)
    cloud.targets[twice["uuid"]] = twice
    refused = run(cloud, "cinder", "powered_off")
    assert "its volume targets 0 and 1 lead to one disk. Remove one of them" in refused.msg
    assert not cloud.writes


def test_the_spare_may_keep_its_own_name() -> None:
    cloud = world("cinder")
    done = run(cloud, "cinder", "powered_off", takeover_initiator="own")
    assert not done.failed
    names = {one["node_uuid"]: one["connector_id"] for one in cloud.connectors.values()}
    assert names == {uuid_of(OLD): INITIATOR, uuid_of(NEW): f"iqn.2017-08.org.openstack.{uuid_of(NEW)}"}


def test_what_the_spare_had_makes_room() -> None:
    cloud = world("external")
    own, other = a_connector(NEW, "iqn.2024-01.org.example:own"), a_target(NEW, "old", properties={**LUN, "target_lun": 7})
    cloud.connectors[own["uuid"]] = own
    cloud.targets[other["uuid"]] = other
    done = run(cloud, "external", "powered_off")
    assert (done.msg, state(cloud)) == ("", at_the_end("external"))
    gone = [line for line in done.plan.destroys if own["uuid"] in line or other["uuid"] in line]
    assert len(gone) == 2


def test_a_disk_is_the_same_in_whatever_case_its_array_is_called() -> None:
    """An array takes an iSCSI name in any case (RFC 3722): both machines would boot from the disk."""
    cloud = world("external")
    cloud.targets[next(iter(cloud.targets))]["properties"]["target_iqn"] = str(LUN["target_iqn"]).upper()
    run(cloud, "external", "powered_off")
    assert [one["node_uuid"] for one in cloud.targets.values()] == [uuid_of(NEW)]
    assert cloud.nodes[uuid_of(OLD)]["provision_state"] != "active"


def test_an_initiator_that_is_asked_for_by_its_name_is_taken_over_as_well() -> None:
    cloud = world("external")
    wanted = {**WANTED["external"], "connectors": [{"type": "iqn", "connector_id": INITIATOR}]}
    done = manage(cloud, [wanted], takeover="powered_off", takeover_initiator="own")[NEW]
    assert (done.msg, state(cloud)) == ("", at_the_end("external"))


def test_the_volume_of_a_node_that_is_off_already_is_let_go() -> None:
    cloud = world("cinder", power_state="power off")
    cloud.running.clear()
    done = run(cloud, "cinder", "powered_off")
    assert (done.msg, state(cloud)) == ("", at_the_end("cinder"))
    assert [volume for volume, _connector in cloud.ended_connections] == [uuid_of("root")]
    assert not any(action.startswith("power off") for action in done.actions)


@pytest.mark.usefixtures("reading")
def test_a_node_whose_initiator_went_to_another_one_does_not_get_it_anew() -> None:
    cloud = world("cinder")
    cloud.connectors = {one["uuid"]: one for one in [a_connector(OLD, f"iqn.2017-08.org.openstack.{uuid_of(OLD)}")]}
    assert not run(cloud, "cinder", "powered_off").failed
    written = len(cloud.writes)
    entry = {"node": OLD, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"name": "new", "image": "debian"}]}
    refused = manage(cloud, [entry])[OLD]
    assert f"iqn.2017-08.org.openstack.{uuid_of(OLD)} is taken by node {uuid_of(NEW)}" in refused.msg
    assert len(cloud.writes) == written
    own = [{"type": "iqn", "connector_id": "iqn.2024-01.org.example:new"}]
    assert manage(cloud, [{**entry, "connectors": own}])[OLD].msg == ""


def test_the_array_is_told_of_the_initiator_that_goes() -> None:
    cloud = world("cinder", dead=True)
    run(cloud, "cinder", "confirmed")
    ((volume, connector),) = cloud.ended_connections
    assert (volume, connector["initiator"], connector["host"]) == (uuid_of("root"), INITIATOR, uuid_of(OLD))


def test_two_nodes_of_one_run_do_not_take_over_from_each_other() -> None:
    cloud = world("cinder")
    other = {"node": OLD, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"name": "new", "image": "debian"}]}
    outcomes = manage(cloud, [WANTED["cinder"], other], takeover="powered_off")
    assert "from node board-1: that is asked for in this run as well" in outcomes[NEW].msg
    assert not [one for one in cloud.writes if one.changes == "holder"]


def test_a_node_that_was_only_prepared_is_not_undeployed() -> None:
    cloud = world("external", provision_state="available", power_state="power off")
    cloud.running.clear()
    cloud.scripts.clear()
    done = run(cloud, "external", "powered_off")
    assert (done.msg, state(cloud)) == ("", at_the_end("external"))
    assert cloud.nodes[uuid_of(OLD)]["provision_state"] == "available"
    assert not any("undeploy" in action or "power off" in action for action in done.actions)


def test_hidden_properties_are_no_answer() -> None:
    cloud = world("external")
    cloud.hides_properties = True
    with pytest.raises(Exception, match="Ironic hides the properties of targets"):
        run(cloud, "external", "powered_off")
    assert not cloud.writes


def test_nobody_is_asked_who_holds_what_where_nothing_may_be_taken_over(reading: None) -> None:
    fair, permitted = world("external"), world("external", provision_state="available", power_state="power off")
    manage(fair, [{**WANTED["external"], "targets": [{"volume_id": "x", **LUN, "target_lun": 9}]}])
    manage(permitted, [{**WANTED["external"], "targets": [{"volume_id": "x", **LUN, "target_lun": 9}]}], takeover="powered_off")
    assert len(fair.reads) <= len(permitted.reads)


@pytest.mark.parametrize("interface", WANTED)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("state", ["deploy failed", "rescue", "rescue failed", "unrescue failed", "service failed"])
def test_a_machine_that_is_not_active_is_undeployed_as_well(interface: str, mode: str, state: str) -> None:
    """Its boot script leads to the disk, or is written anew by what somebody may do from there."""
    whole = world(interface, provision_state=state)
    whole.running.clear()
    assert (run(whole, interface, mode).msg, whole.scripts) == ("", at_the_end(interface)[-1])
    for instant in range(1, whole.instants + 1):
        cloud = world(interface, provision_state=state)
        cloud.running.clear()
        cloud.breaks_at = instant
        with suppress(Killed):
            run(cloud, interface, mode)
        assert (run(cloud, interface, mode).msg, cloud.scripts) == ("", at_the_end(interface)[-1]), f"ended at instant {instant}"
    again = run(whole, interface, mode)
    assert (again.msg, again.actions) == ("", ())


class Contested(World):
    """Another run takes the same disk over, to a node of its own, directly before a write of this one."""

    before = -1

    def send(self, request: Request) -> Json:
        if len(self.writes) == self.before:
            self.before = -1
            self.other = manage(self, [{**self.wanted, "node": "board-3"}], **self.options)["board-3"]
        return super().send(request)


@pytest.mark.parametrize("interface", WANTED)
@pytest.mark.parametrize("mode", MODES)
def test_of_two_runs_at_once_one_has_the_disk(interface: str, mode: str) -> None:
    alone = world(interface, dead=mode == "confirmed")
    assert not run(alone, interface, mode).failed
    for before in range(len(alone.writes)):
        cloud = world(interface, Contested, dead=mode == "confirmed")
        third = a_node("board-3", storage_interface=interface)
        cloud.nodes[third["uuid"]] = third
        cloud.before, cloud.wanted, cloud.options = before, WANTED[interface], MODES[mode]
        own = run(cloud, interface, mode)  # World says when two machines run on the disk
        assert list(cloud.running) == ["board-3" if own.failed else NEW], f"before write {before}: {own.msg} {cloud.other.msg}"


def test_a_node_that_only_has_the_volume_attached_is_undeployed_before_that_is_let_go() -> None:
    """Without a target that moves, nothing but the attachment leads the next run to it."""
    cloud = world("cinder", storage_interface="noop")
    cloud.targets.clear()
    done = run(cloud, "cinder", "powered_off")
    assert (done.msg, cloud.running, cloud.scripts) == ("", {NEW: uuid_of("root")}, {NEW: uuid_of("root")})
    assert [action.partition(" node ")[0] for action in done.actions if OLD in action][:2] == ["power off", "undeploy"]


def test_a_node_whose_storage_interface_was_changed_meanwhile_is_undeployed_as_well() -> None:
    cloud = world("cinder", storage_interface="noop")
    done = run(cloud, "cinder", "powered_off")
    assert (done.msg, cloud.running, cloud.scripts) == ("", {NEW: uuid_of("root")}, {NEW: uuid_of("root")})
