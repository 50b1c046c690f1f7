# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_connector, a_node, planned, settle, uuid_of

IQN = "iqn.2024-01.org.example:bm-0"
OTHER_IQN = "iqn.2024-01.org.example:other"
WWPN = "5001438024213faa"


def a_cloud(*connectors: dict, **fields: object) -> FakeCloud:
    return FakeCloud(nodes=[a_node(**fields), a_node("bm-1")], connectors=connectors)


def ids(cloud: FakeCloud) -> list[str]:
    return [one["connector_id"] for one in cloud.connectors.values()]


def test_an_iqn_is_made_of_the_prefix_and_the_nodes_uuid() -> None:
    cloud = a_cloud()
    settle(cloud, connector, node="bm-0")
    assert ids(cloud) == [f"iqn.2017-08.org.openstack.{uuid_of('bm-0')}"]


def test_the_prefix_of_a_made_up_iqn_is_an_option() -> None:
    cloud = a_cloud()
    settle(cloud, connector, node="bm-0", iqn_prefix="iqn.2024-01.org.example:")
    assert ids(cloud) == [f"iqn.2024-01.org.example:{uuid_of('bm-0')}"]


def test_auto_is_content_with_the_iqn_that_is_there() -> None:
    cloud = a_cloud(a_connector())
    assert planned(cloud, connector, node="bm-0").settled


def test_a_second_run_changes_nothing() -> None:
    cloud = a_cloud()
    settle(cloud, connector, node="bm-0", type="wwpn", connector_id=WWPN, extra={"rack": "3"})
    assert not planned(cloud, connector, node="bm-0", type="wwpn", connector_id=WWPN, extra={"rack": "3"}).changed


def test_a_second_iqn_connector_is_refused() -> None:
    cloud = a_cloud(a_connector(), a_connector(connector_id=OTHER_IQN))
    with pytest.raises(Refused, match=r"there are 2 .*Remove all but one"):
        planned(cloud, connector, node="bm-0")


def test_another_iqn_replaces_the_one_that_is_there() -> None:
    cloud = a_cloud(a_connector())
    plan, _settled = settle(cloud, connector, node="bm-0", connector_id=OTHER_IQN)
    assert ids(cloud) == [OTHER_IQN]
    assert plan.actions == [f"change the iqn connector of node bm-0 from {IQN} to {OTHER_IQN}"]


def test_a_node_may_have_many_wwpns() -> None:
    cloud = a_cloud(a_connector(connector_id=WWPN, type="wwpn"))
    settle(cloud, connector, node="bm-0", type="wwpn", connector_id="5001438024213fab")
    assert ids(cloud) == [WWPN, "5001438024213fab"]


def test_a_wwpn_in_another_form_is_the_same() -> None:
    cloud = a_cloud(a_connector(connector_id="50:01:43:80:24:21:3F:AA", type="wwpn"))
    assert planned(cloud, connector, node="bm-0", type="wwpn", connector_id=WWPN).settled


def test_only_hardware_knows_identifiers_other_than_iqns() -> None:
    with pytest.raises(Invalid, match="for the type iqn only"):
        connector.wanted({"node": "bm-0", "type": "wwpn"})


@pytest.mark.parametrize(
    "options",
    [{"connector_id": "bm-0"}, {"type": "mac", "connector_id": IQN}, {"iqn_prefix": "bm-"}, {"iqn_prefix": "iqn.2017-08.org "}],
)
def test_a_malformed_identifier_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=r"Failed to read the \w+ connector of node bm-0: .* is not"):
        connector.wanted({"node": "bm-0", **options})


@pytest.mark.parametrize("stored", [WWPN, "50:01:43:80:24:21:3F:AA"])
def test_a_connector_of_another_node_is_refused_and_the_node_is_named(stored: str) -> None:
    cloud = a_cloud(a_connector("bm-1", stored, type="wwpn"))
    with pytest.raises(Refused, match=f"taken by node {uuid_of('bm-1')}"):
        planned(cloud, connector, node="bm-0", type="wwpn", connector_id=WWPN)


def test_an_iqn_cannot_be_changed_to_that_of_another_node() -> None:
    cloud = a_cloud(a_connector(), a_connector("bm-1", OTHER_IQN))
    with pytest.raises(Refused, match="is taken by node"):
        planned(cloud, connector, node="bm-0", connector_id=OTHER_IQN)


def test_all_connectors_are_read_only_where_one_is_made() -> None:
    cloud = a_cloud(a_connector())
    planned(cloud, connector, node="bm-0")
    assert cloud.reads.count("/volume/connectors") == 1


def test_extra_is_merged_and_null_removes() -> None:
    cloud = a_cloud(a_connector(extra={"rack": "3", "old": "x"}))
    settle(cloud, connector, node="bm-0", extra={"old": None, "new": "y"})
    assert [one["extra"] for one in cloud.connectors.values()] == [{"rack": "3", "new": "y"}]


def test_a_powered_off_nodes_connector_is_patched() -> None:
    plan = planned(a_cloud(a_connector()), connector, node="bm-0", connector_id=OTHER_IQN)
    assert [step.method for step in plan.steps] == ["PATCH"]


@pytest.mark.parametrize("power_state", ["power on", None])
def test_delete_and_create_where_update_is_refused(power_state: str | None) -> None:
    cloud = a_cloud(a_connector(extra={"rack": "3"}), power_state=power_state, provision_state="manageable")
    plan, _settled = settle(cloud, connector, node="bm-0", connector_id=OTHER_IQN)
    assert [step.method for step in plan.steps] == ["DELETE", "POST"]
    assert [one["extra"] for one in cloud.connectors.values()] == [{"rack": "3"}]


@pytest.mark.parametrize("options", [{"connector_id": OTHER_IQN}, {"state": "absent"}])
def test_a_node_is_powered_off_only_by_permission(options: dict[str, str]) -> None:
    cloud = a_cloud(a_connector(), power_state="power on")
    with pytest.raises(Refused, match=r"power state is power on .*power_off=true"):
        planned(cloud, connector, node="bm-0", **options)
    plans = settle(cloud, connector, node="bm-0", power_off=True, **options)
    assert plans[0].actions[0] == f"power off node bm-0 ({uuid_of('bm-0')})"
    assert plans[0].actions == [request.what for request in cloud.writes]
    assert plans[0].waiting == "node bm-0 to be powered off"
    assert ids(cloud) == [name for option, name in options.items() if option == "connector_id"]


def test_a_node_in_manageable_need_not_be_off_to_lose_a_connector() -> None:
    cloud = a_cloud(a_connector(), power_state="power on", provision_state="manageable")
    plan, _settled = settle(cloud, connector, node="bm-0", state="absent")
    assert plan.actions == [f"remove the iqn connector of node bm-0 ({IQN}) ({uuid_of(IQN)})"]
    assert plan.destroys[0].startswith(uuid_of(IQN))
    assert ids(cloud) == []


def test_what_is_absent_stays_absent() -> None:
    plan = planned(a_cloud(a_connector("bm-1")), connector, node="bm-0", state="absent")
    assert (plan.changed, plan.settled) == (False, True)


def test_only_the_named_iqn_is_removed() -> None:
    cloud = a_cloud(a_connector(), a_connector(connector_id=OTHER_IQN))
    settle(cloud, connector, node="bm-0", state="absent", connector_id=OTHER_IQN)
    assert ids(cloud) == [IQN]


def test_which_of_two_iqns_is_to_go_must_be_said() -> None:
    cloud = a_cloud(a_connector(), a_connector(connector_id=OTHER_IQN))
    with pytest.raises(Refused, match="Say which one with connector_id"):
        planned(cloud, connector, node="bm-0", state="absent")


def test_a_connector_that_is_not_there_leaves_the_others() -> None:
    plan = planned(a_cloud(a_connector()), connector, node="bm-0", state="absent", connector_id=OTHER_IQN)
    assert plan.settled


def test_an_unknown_node_gives_one_clear_line() -> None:
    with pytest.raises(Refused, match="no node of that name or UUID"):
        planned(a_cloud(), connector, node="bm-7")


@pytest.mark.parametrize("connectors", [(), (a_connector(extra={"rack": "3"}),)])
def test_the_result_has_the_same_keys_whether_it_is_there_or_not(connectors: tuple) -> None:
    cloud = a_cloud(*connectors)
    want = connector.wanted({"node": "bm-0"})
    shown = connector.result(want, connector.observe(cloud, want))["connector"]
    expected = {
        "uuid": uuid_of(IQN),
        "node_uuid": uuid_of("bm-0"),
        "type": "iqn",
        "connector_id": IQN,
        "extra": {"rack": "3"},
    }
    assert shown == (expected if connectors else None)
