# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a node unfit is said alike by bfv_info and by a fleet, in check mode too, and before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import info
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    attached,
    manage,
    settle,
    uuid_of,
)

SOMEBODY = uuid_of("somebody")
ALLOCATION = uuid_of("allocation")


def prepared(*, node: Json | None = None, volume: Json | None = None, **records: Any) -> FakeCloud:
    """A node that is prepared, and what is given otherwise."""
    return FakeCloud(
        nodes=[a_node(**(node or {}))],
        connectors=[a_connector()],
        targets=[a_target()],
        volumes=[a_volume(**(volume or {}))],
        **records,
    )


def reasons(cloud: FakeCloud, **params: Any) -> str:
    want = info.wanted({"volumes": True, **params})
    (node,) = info.observe(cloud, want)  # type: ignore[arg-type]
    return " ".join(node.reasons)


def entry(**fields: Any) -> Json:
    return {"node": "bm-0", "connectors": [], "targets": [{"volume_id": uuid_of("root")}], **fields}


def refused(cloud: FakeCloud, **params: Any) -> str:
    """Why the node is not deployed: in check mode as in a run, and with nothing written."""
    foreseen = manage(cloud, [entry()], check_mode=True, **params)["bm-0"].msg
    told = manage(cloud, [entry()], **params)["bm-0"].msg
    assert foreseen == told
    assert cloud.writes == []
    return told


CONDUCTOR: Json = {"hostname": "c", "conductor_group": "", "alive": True, "drivers": ["fake-hardware"]}
UNFIT: dict[str, tuple[Json, str]] = {
    "B10 no port": ({"ports": []}, "it has no port, by which it would boot"),
    "B10 no port with pxe_enabled": (
        {"ports": [{"uuid": uuid_of("p"), "node_uuid": uuid_of("bm-0"), "pxe_enabled": False}]},
        "none of its ports has pxe_enabled. Set it on the port that it boots by, while the node is in maintenance or manageable",
    ),
    "B10 no conductor": ({"conductors": []}, "no living conductor of the default conductor group has its driver fake-hardware"),
    "B10 no living conductor": ({"conductors": [{**CONDUCTOR, "alive": False}]}, "no living conductor"),
    "B10 none of its group": (
        {
            "node": {"conductor_group": "east"},
            "conductors": [CONDUCTOR, {**CONDUCTOR, "hostname": "d", "conductor_group": "West"}],
        },
        "no living conductor of conductor group east has its driver fake-hardware. Start one, or give the node another group "
        """(baremetal node set --conductor-group '""', or baremetal node set --conductor-group west).""",
    ),
    "B10 none with its driver": (
        {"conductors": [{**CONDUCTOR, "drivers": ["redfish"]}]},
        "has its driver fake-hardware. Start one.",
    ),
    "B1 retired": ({"node": {"provision_state": "deploy failed", "retired": True}}, "it is retired"),
    "B1 a fault": (
        {"node": {"maintenance": True, "fault": "power failure"}},
        "it is in maintenance for a power failure. Repair its power interface",
    ),
    "B1 clean failed": (
        {"node": {"provision_state": "clean failed"}},
        "Repair what its last_error says, then manage and provide it",
    ),
    "B4 an unknown state": (
        {"node": {"provision_state": "beaming"}},
        "its provision state is beaming. This collection does not know",
    ),
    "B9 attached elsewhere": ({"volume": attached(SOMEBODY)}, f"is attached to {SOMEBODY}"),
    "B9 reserved": ({"volume": {"status": "reserved"}}, "has status reserved"),
    "B9 in error": ({"volume": {"status": "error"}}, "has status error"),
    "B9 gone": ({"volume": {"id": uuid_of("another"), "name": "another"}}, f"Cinder shows no volume {uuid_of('root')}"),
    "B3 of Nova": ({"node": {"instance_uuid": SOMEBODY}}, f"the node belongs to Nova (instance {SOMEBODY})"),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.usefixtures("reading")
def test_field_B9_B10_a_fleet_and_bfv_info_share_one_list_of_reasons(case: str) -> None:
    given, said = UNFIT[case]
    cloud = prepared(**given)
    assert said in reasons(cloud)
    assert said in refused(cloud)


@pytest.mark.usefixtures("reading")
def test_field_B10_what_a_user_may_not_see_is_no_reason() -> None:
    cloud = prepared(conductors=[])
    cloud.denied = {"conductors", "ports"}
    assert reasons(cloud) == ""
    assert manage(cloud, [entry()])["bm-0"].msg == ""


@pytest.mark.parametrize("state", ["prepared", "undeployed"])
def test_field_B10_nothing_of_that_is_asked_where_nothing_is_deployed(state: str) -> None:
    cloud = prepared(ports=[])
    assert manage(cloud, [entry()], state=state)["bm-0"].msg == ""
    assert [path for path in cloud.reads if path in ("/ports", "/conductors")] == []


@pytest.mark.parametrize("volume", ["root", uuid_of("root")])
def test_field_B9_a_target_of_a_volume_by_name_is_checked_too(volume: str) -> None:
    cloud = prepared(volume=attached(SOMEBODY))
    outcome = manage(cloud, [entry(targets=[{"volume": volume}])])["bm-0"]
    assert f"is attached to {SOMEBODY}" in outcome.msg
    assert cloud.writes == []


def test_field_B9_the_single_module_checks_a_target_that_stays_as_it_is() -> None:
    with pytest.raises(Refused, match="is attached to"):
        settle(prepared(volume=attached(SOMEBODY)), target, node="bm-0", volume="root")


def test_field_B9_the_volume_of_a_running_machine_is_in_use_and_that_is_right() -> None:
    cloud = prepared(node={"provision_state": "active"}, volume={"status": "detaching"})
    assert settle(cloud, target, node="bm-0", volume="root")[-1].settled
    assert manage(cloud, [entry()])["bm-0"].msg == ""


def allocated(**node: Any) -> FakeCloud:
    return prepared(
        node={"instance_uuid": ALLOCATION, **node}, allocations=[{"uuid": ALLOCATION, "node_uuid": uuid_of("bm-0"), "name": None}]
    )


@pytest.mark.usefixtures("reading")
def test_field_B3_an_allocation_of_ironic_is_not_nova() -> None:
    cloud = allocated()
    assert reasons(cloud) == ""
    assert manage(cloud, [entry()])["bm-0"].msg == ""
    (volume,) = cloud.volumes.values()
    assert volume["attachments"][0]["server_id"] == ALLOCATION
    assert reasons(cloud) == ""
    assert not manage(cloud, [entry()])["bm-0"].changed
    gone = manage(cloud, [entry()], state="undeployed")["bm-0"]
    assert gone.msg == ""
    assert f"undeploy node bm-0 ({uuid_of('bm-0')}), and with it its allocation {ALLOCATION}" in gone.actions
    assert (cloud.allocations, volume["status"]) == ({}, "available")


def test_field_B3_a_machine_that_runs_from_its_allocations_volume_is_not_redeployed() -> None:
    cloud = allocated()
    named = entry(targets=None, volumes=[{"name": "root"}])
    assert manage(cloud, [named])["bm-0"].msg == ""
    again = manage(cloud, [named], on_drift="redeploy")["bm-0"]
    assert (again.msg, again.changed) == ("", False)


@pytest.mark.usefixtures("reading")
def test_field_B3_nova_is_asked_where_the_user_may_see_all_servers() -> None:
    cloud = prepared(node={"instance_uuid": SOMEBODY})
    cloud.compute.shows_all_projects = True
    assert reasons(cloud) == ""
    assert manage(cloud, [entry()])["bm-0"].msg == ""


@pytest.mark.parametrize("shows", [False, True])
def test_field_B3_a_running_machine_is_never_taken_for_nobodys(shows: bool) -> None:
    cloud = prepared(node={"instance_uuid": SOMEBODY, "provision_state": "active"})
    cloud.compute.shows_all_projects = shows
    assert "belongs to Nova" in refused(cloud, state="undeployed")


@pytest.mark.usefixtures("reading")
def test_field_B3_a_person_may_say_that_no_nova_uses_the_nodes() -> None:
    cloud = prepared(node={"instance_uuid": SOMEBODY})
    assert "without_nova=true" in reasons(cloud)
    assert "without_nova=true" in refused(cloud)
    assert reasons(cloud, without_nova=True) == ""
    assert manage(cloud, [entry()], without_nova=True)["bm-0"].msg == ""
    assert manage(cloud, [entry()], without_nova=True, state="undeployed")["bm-0"].msg == ""


@pytest.mark.parametrize("given", [False, True])
def test_field_B3_the_single_modules_know_it_too(given: bool) -> None:
    cloud = prepared(node={"instance_uuid": SOMEBODY, "power_state": "power on"})
    options: Json = {"node": "bm-0", "power_off": True, "without_nova": given}
    if given:
        settle(cloud, connector, connector_id="iqn.2024-01.org.example:new", **options)
        settle(cloud, target, boot_index=0, volume_id=uuid_of("root"), extra={"a": "b"}, **options)
        return
    with pytest.raises(Refused, match="runs a server of Nova"):
        settle(cloud, connector, connector_id="iqn.2024-01.org.example:new", **options)
    with pytest.raises(Refused, match="belongs to Nova"):
        settle(cloud, target, volume_id=uuid_of("root"), **options)


def two(*volumes: Json, **fields: Any) -> FakeCloud:
    return FakeCloud(
        nodes=[a_node(name, **fields) for name in ("bm-0", "bm-1")],
        connectors=[a_connector(name, f"iqn.2024-01.org.example:{name}") for name in ("bm-0", "bm-1")],
        volumes=volumes,
    )


@pytest.mark.parametrize("first", [{"volume": "root"}, {"volume_id": uuid_of("root")}])
@pytest.mark.parametrize("second", [{"volume": uuid_of("root")}, {"volume_id": uuid_of("root")}])
@pytest.mark.parametrize("state", ["prepared", "deployed"])
@pytest.mark.usefixtures("reading")
def test_field_B11_one_volume_for_two_nodes_of_a_call_is_refused(first: Json, second: Json, state: str) -> None:
    cloud = two(a_volume())
    nodes: list[Json] = [{"node": "bm-0", "targets": [first]}, {"node": "bm-1", "targets": [second]}]
    found = manage(cloud, nodes, state=state, check_mode=True)
    assert found["bm-0"].msg == ""
    assert f"volume root ({uuid_of('root')}) is asked for by node bm-0 as well, and is not multiattach" in found["bm-1"].msg
    done = manage(cloud, nodes, state=state)
    assert [outcome.msg for outcome in done.values()] == [outcome.msg for outcome in found.values()]


@pytest.mark.usefixtures("reading")
def test_field_B11_a_multiattach_volume_may_be_shared() -> None:
    cloud = two(a_volume(multiattach=True))
    nodes: list[Json] = [{"node": name, "targets": [{"volume": "root"}]} for name in ("bm-0", "bm-1")]
    assert [outcome.msg for outcome in manage(cloud, nodes, state="prepared").values()] == ["", ""]


PROTECTED = {"provision_state": "active", "protected": True}


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_field_B1_a_protected_node_is_not_undeployed(state: str) -> None:
    said = refused(prepared(node=PROTECTED), state=state)
    assert "it is protected. Take that back first (baremetal node unset --protected)" in said


@pytest.mark.parametrize("field", ["protected", "retired", "maintenance"])
def test_field_B1_a_machine_that_could_not_come_back_is_not_redeployed(field: str) -> None:
    cloud = prepared(node={"provision_state": "active", field: True}, volume=attached(uuid_of("bm-0")))
    differs = entry(storage_interface="cinder", boot_interface="http-ipxe")
    outcome = manage(cloud, [differs], on_drift="redeploy")["bm-0"]
    assert field in outcome.msg
    assert cloud.writes == []


def test_field_B1_a_retired_node_is_undeployed_to_manageable_and_check_mode_says_so() -> None:
    cloud = prepared(node={"provision_state": "active", "retired": True}, volume=attached(uuid_of("bm-0")))
    foreseen = manage(cloud, [entry()], state="undeployed", check_mode=True)["bm-0"]
    assert "manageable" in str(foreseen.diff["after"])
    assert manage(cloud, [entry()], state="undeployed")["bm-0"].msg == ""
    assert cloud.nodes[uuid_of("bm-0")]["provision_state"] == "manageable"


@pytest.mark.parametrize("state", ["prepared", "deployed", "undeployed", "absent"])
def test_field_B4_an_unknown_state_is_said_and_left_alone(state: str) -> None:
    cloud = prepared(node={"provision_state": "beaming", "storage_interface": "noop"})
    outcome = manage(cloud, [entry(storage_interface="cinder", connectors=[{"type": "iqn"}])], state=state, power_off=True)[
        "bm-0"
    ]
    assert "beaming" in outcome.msg
    assert cloud.writes == []


def reserved(attachments: list[Json]) -> FakeCloud:
    return prepared(volume={"status": "reserved" if attachments else "attaching"}, attachments=attachments)


LEFT_OVER: Json = {"id": uuid_of("left over"), "volume_id": uuid_of("root"), "instance": SOMEBODY, "status": "reserved"}


@pytest.mark.parametrize("target", [{"volume": "root"}, {"volume_id": uuid_of("root")}])
@pytest.mark.usefixtures("reading")
def test_field_B1_a_left_over_reservation_is_named_with_what_lets_go_of_it(target: Json) -> None:
    cloud = reserved([LEFT_OVER])
    said = (
        f"has status reserved, by attachment {LEFT_OVER['id']} for {SOMEBODY}. Where nothing waits for that any more, remove it"
    )
    assert said in reasons(cloud)
    outcome = manage(cloud, [entry(targets=[target])])["bm-0"]
    assert said in outcome.msg
    assert f"volume attachment delete {LEFT_OVER['id']}" in outcome.msg
    assert cloud.writes == []


def test_field_B1_a_reservation_without_an_attachment_is_set_free_by_an_admin() -> None:
    said = f"no attachment says for whom. Where nothing attaches it any more, an admin sets it free (openstack volume set --state available {uuid_of('root')})"
    assert said in reasons(reserved([]))
    assert said in refused(reserved([]))


def test_field_B9_what_cinder_does_not_tell_this_user_is_no_reason() -> None:
    class Silent(FakeCloud):
        def find_in_cinder(self, kind: str, name: str) -> Json | None:
            raise Refused("Failed to reach Cinder: there is none.")

    cloud = Silent(nodes=[a_node()], connectors=[a_connector()], targets=[a_target()])
    assert manage(cloud, [entry()])["bm-0"].msg == ""


def test_field_B9_a_machine_does_not_go_down_for_a_volume_that_cannot_be_attached() -> None:
    cloud = prepared(node={"provision_state": "active"}, volume=attached(uuid_of("bm-0")))
    cloud.volumes[uuid_of("new")] = a_volume("new", **attached(SOMEBODY))
    outcome = manage(cloud, [entry(targets=[{"volume_id": uuid_of("new")}])], on_drift="redeploy")["bm-0"]
    assert f"is attached to {SOMEBODY}" in outcome.msg
    assert cloud.writes == []


def rooted(name: str, **volume: Any) -> Json:
    return {"node": name, "volumes": [{"name": f"{name}-root", "size": 10, "bootable": True, **volume}]}


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"volume_type": "gone"}, "Cinder shows no volume type gone"),
        ({"availability_zone": "mars"}, "availability zone mars is not one of Cinder's"),
        ({"size": 100}, "of the project's quota"),
    ],
)
def test_field_S13_what_cinder_would_refuse_of_a_fleets_volume_is_refused_first(volume: Json, said: str) -> None:
    cloud = two()
    cloud.limits["gigabytes"] = 50
    for check_mode in (True, False):
        outcomes = manage(cloud, [rooted("bm-0", **volume)], state="prepared", check_mode=check_mode)
        assert said in outcomes["bm-0"].msg
    assert cloud.writes == []


def test_field_S13_the_quota_is_for_all_nodes_of_a_call_together() -> None:
    cloud = two()
    cloud.limits["gigabytes"] = 15
    outcomes = manage(cloud, [rooted("bm-0"), rooted("bm-1")], state="prepared", check_mode=True)
    assert outcomes["bm-0"].msg == outcomes["bm-1"].msg
    assert "15 GiB are left, and 20 are needed" in outcomes["bm-1"].msg
    assert "There is room for 1 of 2 nodes, and not for bm-1." in outcomes["bm-1"].msg
