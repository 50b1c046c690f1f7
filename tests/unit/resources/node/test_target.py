# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    a_node,
    a_target,
    a_volume,
    planned,
    settle,
    uuid_of,
)

ISCSI = {"target_iqn": "iqn.2010-10.org.example:array.bm-0", "target_portal": "192.0.2.10:3260", "target_lun": 1}
CHAP = {"chap_username": "bm-0", "chap_password": "hunter2"}
OF_ARRAY = {"node": "bm-0", "volume_id": uuid_of("on the array"), **ISCSI, **CHAP}
STORED = {**ISCSI, "auth_username": "bm-0", "auth_password": "hunter2"}


def with_cinder(*targets: dict, volumes: tuple = (a_volume(),), **fields: Any) -> FakeCloud:
    return FakeCloud(nodes=[a_node(**fields)], targets=targets, volumes=volumes)


def with_array(*targets: dict, **fields: Any) -> FakeCloud:
    return FakeCloud(nodes=[a_node(storage_interface="external", **fields)], targets=targets)


def stored(**fields: Any) -> dict[str, Any]:
    return a_target(volume="on the array", **{"properties": STORED, **fields})


def only(cloud: FakeCloud) -> dict[str, Any]:
    (found,) = cloud.targets.values()
    return found


# What is wanted


def test_properties_get_the_form_that_ironic_needs() -> None:
    portal = "[2001:DB8::1]:3260"
    want = target.wanted(
        {**OF_ARRAY, "target_lun": None, "target_portal": None, "properties": {"target_lun": "10", "target_portal": portal}}
    )
    assert want.properties == {**STORED, "target_lun": 10, "target_portal": "[2001:db8::1]:3260", "target_portals": None}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boot_index": -1}, "counts from 0"),
        ({"volume_id": "x" * 37}, "37 characters"),
        ({"volume": "root", "volume_id": uuid_of("root")}, "both given"),
        ({"target_lun": 1, "properties": {"target_lun": 1}}, "both given"),
        ({"properties": {"target.lun": 1}}, "changes only keys of"),
        ({"properties": {"target_lun": "0x1"}}, "target_lun: .* is not a LUN"),
        ({"properties": {"target_lun": True}}, "is not a LUN"),
        ({"target_iqn": "bm-0"}, "target_iqn: .* is not an iSCSI name"),
        ({"target_portal": "192.0.2.10:3260,1"}, "portal group"),
    ],
)
def test_what_ironic_would_choke_on_later_is_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=f"Failed to read volume target -?[0-9] of node bm-0: .*{words}"):
        target.wanted({"node": "bm-0", **options})


def test_no_secret_is_in_the_text_of_what_is_wanted_or_found() -> None:
    cloud = with_array(stored())
    want = target.wanted(OF_ARRAY)
    assert "hunter2" not in repr(want) + repr(target.from_api(stored())) + repr(target.plan(want, target.observe(cloud, want)))


# Creation


def test_a_volume_of_cinder_is_found_by_its_name() -> None:
    cloud = with_cinder()
    settle(cloud, target, node="bm-0", volume="root")
    assert only(cloud)["volume_id"] == uuid_of("root")


def test_a_volume_of_cinder_is_found_by_its_id() -> None:
    cloud = with_cinder()
    settle(cloud, target, node="bm-0", volume=uuid_of("root"))
    assert only(cloud)["volume_id"] == uuid_of("root")


def test_an_array_is_given_by_its_properties() -> None:
    cloud = with_array()
    settle(cloud, target, **OF_ARRAY)
    assert only(cloud)["properties"] == STORED


@pytest.mark.parametrize("cloud", [with_cinder(), with_cinder(a_target())])
def test_a_second_run_changes_nothing(cloud: FakeCloud) -> None:
    settle(cloud, target, node="bm-0", volume="root")
    assert not planned(cloud, target, node="bm-0", volume="root").changed


def test_the_volume_must_be_named_to_create_a_target() -> None:
    with pytest.raises(Refused, match="no volume is named"):
        planned(with_cinder(), target, node="bm-0")


def test_an_unknown_volume_gives_one_clear_line() -> None:
    with pytest.raises(Refused, match=r"Cinder shows no volume web\. Create it first"):
        planned(with_cinder(), target, node="bm-0", volume="web")


def test_a_name_that_matches_two_volumes_is_refused() -> None:
    volumes = (a_volume(), a_volume(id=uuid_of("second")))
    with pytest.raises(Refused, match="2 volumes have that name"):
        planned(with_cinder(volumes=volumes), target, node="bm-0", volume="root")


def test_a_volume_in_use_elsewhere_is_refused() -> None:
    volumes = (a_volume(status="in-use", attachments=[{"server_id": uuid_of("bm-1"), "device": "/dev/vda"}]),)
    with pytest.raises(Refused, match=f"attached to {uuid_of('bm-1')} and is not multiattach"):
        planned(with_cinder(volumes=volumes), target, node="bm-0", volume="root")


@pytest.mark.parametrize(
    "fields",
    [
        {"multiattach": True, "attachments": [{"server_id": "other", "device": "/dev/vda"}]},
        {"attachments": [{"server_id": uuid_of("bm-0"), "device": "/dev/vda"}]},
    ],
)
def test_a_volume_in_use_may_be_shared_or_the_nodes_own(fields: dict[str, Any]) -> None:
    cloud = with_cinder(volumes=(a_volume(status="in-use", **fields),))
    assert planned(cloud, target, node="bm-0", volume="root").changed


def test_the_boot_volume_must_be_bootable() -> None:
    cloud = with_cinder(volumes=(a_volume(bootable="false"),))
    with pytest.raises(Refused, match="is not bootable"):
        planned(cloud, target, node="bm-0", volume="root")
    assert planned(cloud, target, node="bm-0", volume="root", boot_index=1).changed


@pytest.mark.parametrize("status", ["error", "error_extending", "deleting"])
def test_a_broken_volume_is_refused(status: str) -> None:
    with pytest.raises(Refused, match=f"has status {status}"):
        planned(with_cinder(volumes=(a_volume(status=status),)), target, node="bm-0", volume="root")


def test_cinder_attaches_only_its_own_volumes() -> None:
    with pytest.raises(Refused, match='"lun-7" is no id of one'):
        planned(with_cinder(), target, node="bm-0", volume_id="lun-7")


@pytest.mark.parametrize("missing", sorted(ISCSI))
def test_an_array_needs_iqn_portal_and_lun(missing: str) -> None:
    with pytest.raises(Refused, match=f"without Cinder needs {missing}"):
        planned(with_array(), target, **{**OF_ARRAY, missing: None})


def test_lists_of_iqns_portals_and_luns_do_as_well() -> None:
    properties = {"target_iqns": ["iqn.2010-10.org.example:a"], "target_portals": ["192.0.2.10:3260"], "target_luns": [0]}
    assert planned(with_array(), target, node="bm-0", volume_id=uuid_of("x"), properties=properties).changed


def test_fibre_channel_needs_no_portal() -> None:
    assert planned(with_array(), target, node="bm-0", volume_id=uuid_of("x"), volume_type="fibre_channel").changed


def test_a_further_iscsi_volume_needs_both_chap_keys() -> None:
    with pytest.raises(Refused, match="CHAP keys"):
        planned(with_array(), target, **{**OF_ARRAY, "boot_index": 1, "chap_username": None})
    assert planned(with_array(), target, **{**OF_ARRAY, "boot_index": 1, "chap_username": "", "chap_password": ""}).changed


def test_the_boot_volume_needs_no_chap() -> None:
    assert planned(with_array(), target, **{**OF_ARRAY, "chap_username": None, "chap_password": None}).changed


def test_a_user_without_a_password_is_not_made_and_left_where_it_is() -> None:
    user = {**OF_ARRAY, "chap_password": None}
    with pytest.raises(Refused, match="its CHAP user is bm-0, and there is no password"):
        planned(with_array(), target, **user)
    assert not planned(with_array(stored()), target, **user).changed
    assert not planned(with_array(stored(properties={**ISCSI, "auth_username": "bm-0"})), target, **user).changed


def test_an_ipv6_portal_is_warned_of() -> None:
    plan = planned(with_array(), target, **{**OF_ARRAY, "target_portal": "[2001:db8::1]:3260"})
    assert "drops the brackets" in plan.warnings[0]


def test_an_ipv4_portal_is_not_warned_of() -> None:
    assert planned(with_array(), target, **OF_ARRAY).warnings == ()


def test_a_node_that_ignores_its_targets_is_warned_of() -> None:
    plan = planned(FakeCloud(nodes=[a_node(storage_interface="noop")]), target, **OF_ARRAY)
    assert "storage interface noop, which ignores" in plan.warnings[0]


def test_a_boot_interface_that_cannot_boot_iscsi_is_refused() -> None:
    with pytest.raises(Refused, match="boot interface pxe cannot boot an iSCSI volume"):
        planned(with_array(boot_interface="pxe"), target, **OF_ARRAY)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_nodes_of_nova_are_left_alone(state: str) -> None:
    cloud = with_cinder(a_target(), instance_uuid=uuid_of("server"), provision_state="active")
    with pytest.raises(Refused, match=f"belongs to Nova \\(instance {uuid_of('server')}\\)"):
        planned(cloud, target, node="bm-0", state=state)


# Changes


def test_the_place_in_the_boot_order_is_what_a_target_is_known_by() -> None:
    cloud = with_cinder(a_target(), volumes=(a_volume(), a_volume("web")))
    plan, _settled = settle(cloud, target, node="bm-0", volume="web")
    assert (only(cloud)["volume_id"], plan.actions) == (uuid_of("web"), ["change volume target 0 of node bm-0"])


def test_a_change_patches_single_properties() -> None:
    cloud = with_array(stored(properties={**STORED, "access_mode": "rw"}))
    plan, _settled = settle(cloud, target, **{**OF_ARRAY, "target_lun": 2})
    assert [step.body for step in plan.steps] == [[{"op": "add", "path": "/properties/target_lun", "value": 2}]]
    assert only(cloud)["properties"] == {**STORED, "target_lun": 2, "access_mode": "rw"}


def test_a_property_of_null_is_removed() -> None:
    cloud = with_array(stored(properties={**STORED, "access_mode": "rw"}))
    settle(cloud, target, **OF_ARRAY, properties={"access_mode": None, "never_there": None})
    assert only(cloud)["properties"] == STORED


def test_properties_are_put_where_there_were_none() -> None:
    cloud = with_array(stored(properties=None))
    settle(cloud, target, **OF_ARRAY)
    assert only(cloud)["properties"] == STORED


def test_extra_is_merged_and_null_removes() -> None:
    cloud = with_cinder(a_target(extra={"rack": "3", "old": "x"}))
    settle(cloud, target, node="bm-0", extra={"old": None, "new": "y"})
    assert only(cloud)["extra"] == {"rack": "3", "new": "y"}


@pytest.mark.parametrize("power_state", ["power on", None])
def test_delete_and_create_where_update_is_refused(power_state: str | None) -> None:
    cloud = with_array(stored(extra={"rack": "3"}), power_state=power_state, provision_state="manageable")
    plan, _settled = settle(cloud, target, **{**OF_ARRAY, "target_lun": 2})
    assert [step.method for step in plan.steps] == ["DELETE", "POST"]
    assert only(cloud)["properties"] == {**STORED, "target_lun": 2}
    assert only(cloud)["extra"] == {"rack": "3"}


@pytest.mark.parametrize("options", [{"target_lun": 2}, {"state": "absent"}])
def test_a_node_is_powered_off_only_by_permission(options: dict[str, Any]) -> None:
    cloud = with_array(stored(), power_state="power on")
    with pytest.raises(Refused, match=r"power state is power on .*power_off=true"):
        planned(cloud, target, **{**OF_ARRAY, **options})
    plans = settle(cloud, target, **{**OF_ARRAY, **options, "power_off": True})
    assert plans[0].actions[0] == f"power off node bm-0 ({uuid_of('bm-0')})"
    assert plans[0].actions == [request.what for request in cloud.writes]
    assert len(cloud.targets) == ("state" not in options)


def test_a_target_is_removed() -> None:
    cloud = with_cinder(a_target())
    plan, again = settle(cloud, target, node="bm-0", state="absent")
    what = f"remove volume target 0 of node bm-0 ({a_target()['uuid']})"
    assert (plan.actions, again.changed, cloud.targets) == ([what], False, {})


def test_targets_that_an_undeployment_took_are_made_again() -> None:
    cloud = with_cinder(a_target(), provision_state="deleting")
    cloud.tick()
    assert settle(cloud, target, node="bm-0", volume="root")[0].actions == [
        "create volume target 0 of node bm-0 with volume root"
    ]


# Passwords


def test_a_password_is_never_shown() -> None:
    cloud = with_array()
    plans = settle(cloud, target, **OF_ARRAY) + settle(
        cloud, target, **{**OF_ARRAY, "chap_password": "hunter3", "update_password": "on_change"}
    )
    want = target.wanted(OF_ARRAY)
    shown = [(plan.diff, plan.actions, plan.waiting, plan.warnings, repr(plan)) for plan in plans]
    assert "hunter" not in str(shown) + str(target.result(want, target.observe(cloud, want)))


def test_a_password_is_written_once_by_default() -> None:
    cloud = with_array()
    settle(cloud, target, **OF_ARRAY)
    assert not planned(cloud, target, **{**OF_ARRAY, "chap_password": "hunter3"}).changed


def test_a_password_that_was_missing_is_written() -> None:
    cloud = with_array(stored(properties=ISCSI))
    settle(cloud, target, **OF_ARRAY)
    assert only(cloud)["properties"] == STORED


def test_a_password_that_changed_is_written_and_not_shown() -> None:
    cloud = with_array()
    settle(cloud, target, **OF_ARRAY, update_password="on_change")
    plan, again = settle(cloud, target, **{**OF_ARRAY, "chap_password": "hunter3"}, update_password="on_change")
    assert only(cloud)["properties"]["auth_password"] == "hunter3"
    assert plan.after["properties"]["auth_password"] == "****** (new)"
    assert not again.changed


def test_a_password_that_did_not_change_is_not_written() -> None:
    cloud = with_array()
    settle(cloud, target, **OF_ARRAY, update_password="on_change")
    assert not planned(cloud, target, **OF_ARRAY, update_password="on_change").changed


def test_only_a_slow_digest_of_a_password_is_kept_and_each_place_has_its_own() -> None:
    digests = []
    for boot_index in (0, 1):
        cloud = with_array()
        settle(cloud, target, **OF_ARRAY, boot_index=boot_index, update_password="on_change")
        digests.append(only(cloud)["extra"][target.DIGEST])
    assert all(digest.startswith("scrypt:") and "hunter2" not in digest for digest in digests)
    assert digests[0] != digests[1]


def test_a_digest_of_another_place_is_none() -> None:
    cloud = with_array()
    settle(cloud, target, **OF_ARRAY, update_password="on_change")
    kept = only(cloud)["extra"][target.DIGEST]
    cloud = with_array(stored(boot_index=1, extra={target.DIGEST: kept}))
    assert planned(cloud, target, **{**OF_ARRAY, "boot_index": 1}, update_password="on_change").changed


POWERED_ON = {"power_state": "power on", "provision_state": "manageable"}


@pytest.mark.parametrize("power", [{}, POWERED_ON])
def test_field_x2_a_password_is_written_again_after_another_was(power: dict[str, str]) -> None:
    cloud = with_array(**power)
    for password, update in (("hunter2", "on_change"), ("hunter3", "always"), ("hunter2", "on_change")):
        settle(cloud, target, **{**OF_ARRAY, "chap_password": password}, update_password=update)
        assert only(cloud)["properties"]["auth_password"] == password
        assert not planned(cloud, target, **{**OF_ARRAY, "chap_password": password}, update_password="on_change").changed


def test_field_x2_a_target_that_is_made_again_has_the_digest_of_its_password() -> None:
    cloud = with_array(**POWERED_ON)
    settle(cloud, target, **OF_ARRAY, update_password="on_change")
    settle(cloud, target, **{**OF_ARRAY, "chap_password": "hunter3", "extra": {"rack": "3"}}, update_password="on_create")
    written = only(cloud)["properties"]["auth_password"]
    settle(cloud, target, **OF_ARRAY, update_password="on_change")
    assert (written, only(cloud)["properties"]["auth_password"]) == ("hunter3", "hunter2")


def test_field_x2_each_digest_has_a_random_salt_of_its_own() -> None:
    digests = set()
    for _run in range(2):
        cloud = with_array()
        settle(cloud, target, **OF_ARRAY, update_password="on_change")
        digests.add(only(cloud)["extra"][target.DIGEST])
    assert len(digests) == 2


def test_a_password_without_a_digest_is_written_again() -> None:
    cloud = with_array(stored())
    settle(cloud, target, **{**OF_ARRAY, "chap_password": "hunter3"}, update_password="on_change")
    assert only(cloud)["properties"]["auth_password"] == "hunter3"


@pytest.mark.parametrize("power", [{}, {"power_state": "power on", "provision_state": "manageable"}])
def test_a_password_is_written_once_a_run_where_that_is_asked_for(power: dict[str, str]) -> None:
    cloud = with_array(stored(), **power)
    for password in ("hunter2", "hunter3"):
        plan, again = settle(cloud, target, **{**OF_ARRAY, "chap_password": password}, update_password="always")
        assert (plan.changed, again.steps, only(cloud)["properties"]["auth_password"]) == (True, (), password)


def test_only_the_password_is_written_where_only_that_is_new() -> None:
    plan = planned(with_array(stored()), target, **OF_ARRAY, update_password="always")
    assert [step.body for step in plan.steps] == [[{"op": "add", "path": "/properties/auth_password", "value": "hunter2"}]]


@pytest.mark.parametrize("power", [{}, {"power_state": "power on", "provision_state": "manageable"}])
@pytest.mark.parametrize("properties", [STORED, {**STORED, "discovery_auth_password": "secret", "secret": "s3cret"}])
def test_a_mask_is_never_written_back(power: dict[str, str], properties: dict[str, Any]) -> None:
    cloud = with_array(stored(properties=properties), **power)
    try:
        settle(cloud, target, **{**OF_ARRAY, "chap_password": None, "target_lun": 2})
    except Refused:
        assert cloud.writes == []
    assert only(cloud)["properties"] == {**properties, "target_lun": only(cloud)["properties"]["target_lun"]}


def test_a_new_record_needs_the_password_that_only_ironic_knows() -> None:
    cloud = with_array(stored(), power_state="power on", provision_state="manageable")
    with pytest.raises(Refused, match="only Ironic knows its auth_password"):
        planned(cloud, target, **{**OF_ARRAY, "chap_password": None, "target_lun": 2})


def test_other_secret_properties_are_not_written_over_and_over() -> None:
    cloud = with_array()
    options = {**OF_ARRAY, "properties": {"discovery_auth_password": "letmein"}}
    settle(cloud, target, **options)
    assert not planned(cloud, target, **options).changed


def test_hidden_properties_cannot_be_compared() -> None:
    cloud = with_array(stored())
    cloud.hides_properties = True
    with pytest.raises(Refused, match="hides its properties"):
        planned(cloud, target, **OF_ARRAY)


def test_hidden_properties_are_left_alone_where_none_are_wanted() -> None:
    cloud = with_array(stored())
    cloud.hides_properties = True
    assert planned(cloud, target, node="bm-0", boot_index=0).settled


def test_hidden_properties_are_never_written_back() -> None:
    cloud = with_array(stored(), power_state="power on", provision_state="manageable")
    cloud.hides_properties = True
    try:
        settle(cloud, target, node="bm-0", extra={"rack": "3"})
    except Refused:
        assert cloud.writes == []
    assert only(cloud)["properties"] == STORED


def test_the_result_is_the_target_without_its_secrets() -> None:
    cloud = with_array(stored())
    want = target.wanted(OF_ARRAY)
    assert target.result(want, target.observe(cloud, want)) == {
        "target": {
            "uuid": stored()["uuid"],
            "node_uuid": uuid_of("bm-0"),
            "boot_index": 0,
            "volume_type": "iscsi",
            "volume_id": uuid_of("on the array"),
            "properties": {**STORED, "auth_password": "******"},
            "extra": {},
        }
    }
