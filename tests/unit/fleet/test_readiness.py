# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a node would not boot from its volume: each reason alone, and all of them together."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.readiness import Setup, reasons
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume_record
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    attached,
    uuid_of,
)

ARRAY: Json = {"target_iqn": "iqn.2010-10.org.example:array", "target_portal": "192.0.2.10:3260", "target_lun": 1}
PATHS: Json = {"target_iqn": ARRAY["target_iqn"], "target_portals": ["192.0.2.10:3260", "198.51.100.10:3260"], "target_lun": 1}
CHAP: Json = {"auth_username": "", "auth_password": "******"}
FIBRE: Json = {"properties": {"capabilities": "fibre_channel_boot:True"}}
BY_FIBRE: Json = {"node": FIBRE, "targets": [a_target(volume_type="fibre_channel")]}
PORTS = [a_connector(connector_id="5001438024213faa", type="wwpn"), a_connector(connector_id="5001438024213fab", type="wwnn")]


def by_array(properties: Json, index: int = 0) -> Json:
    """A node that boots from an array, the properties being those of the target with that index."""
    targets = [a_target(properties=ARRAY)] if index else []
    return {
        "node": {"storage_interface": "external"},
        "targets": [*targets, a_target(volume="more", boot_index=index, properties=properties)],
    }


def capable(capabilities: object) -> Json:
    return {"node": {"properties": {"capabilities": capabilities}}}


def why(
    *,
    node: Json | None = None,
    connectors: list[Json] | None = None,
    targets: list[Json] | None = None,
    others: list[Json] | None = None,
    volumes: list[Json] | None = None,
) -> list[str]:
    """The reasons of a node that is ready but for what is given."""
    own = [connector.from_api(one) for one in ([a_connector()] if connectors is None else connectors)]
    taken = defaultdict(list)
    for one in [*own, *map(connector.from_api, others or ())]:
        taken[connector.key_of(one)].append(one)
    return reasons(
        Setup(
            node=_node(node or {}),
            connectors=own,
            targets=[target.from_api(one) for one in ([a_target()] if targets is None else targets)],
            taken=taken,
            volumes=None if volumes is None else {one["id"]: volume_record.from_api(one) for one in volumes},
        )
    )


def _node(fields: Json) -> node.Node:
    return node.from_api(a_node(**fields))


NODES: dict[str, tuple[Json, str]] = {
    "storage noop": (
        {"node": {"storage_interface": "noop"}},
        "storage interface noop ignores the volume targets. Set storage_int",
    ),
    "storage fake": ({"node": {"storage_interface": "fake"}}, "storage interface fake ignores"),
    "no iscsi_boot": (capable("boot_mode:uefi"), "its capabilities have no iscsi_boot:True. Set iscsi_boot"),
    "no capabilities": (capable(None), "no iscsi_boot:True"),
    "iscsi_boot is off": (capable("iscsi_boot:False"), "no iscsi_boot:True"),
    "malformed": (capable("iscsi_boot:True,secure"), 'its capability "secure" is not name:value, which Ironic refuses'),
    "an empty one": (capable("iscsi_boot:True,"), 'its capability "" is not name:value'),
    "two colons": (capable("iscsi_boot:True,a:b:c"), '"a:b:c" is not name:value'),
    "a space": (capable("boot_mode:uefi, iscsi_boot:True"), 'its capability " iscsi_boot" has spaces around its name'),
    "boot interface": (
        {"node": {"boot_interface": "pxe"}},
        "boot interface pxe cannot boot an iSCSI volume. Set boot_interface to ipxe or",
    ),
    "deploy interface": ({"node": {"deploy_interface": "ramdisk"}}, "deploy interface ramdisk does not boot from volumes. Set"),
    "an image": ({"node": {"instance_info": {"image_source": "debian"}}}, 'has the image_source "debian", which Ironic writes'),
    "an empty image": ({"node": {"instance_info": {"image_source": ""}}}, 'has the image_source ""'),
    "maintenance": ({"node": {"maintenance": True}}, "it is in maintenance. End that first"),
    "enroll": ({"node": {"provision_state": "enroll"}}, "its provision state is enroll. Manage and provide it first"),
    "manageable": ({"node": {"provision_state": "manageable"}}, "its provision state is manageable. Provide it first"),
    "error": ({"node": {"provision_state": "error"}}, "its provision state is error. Undeploy it first"),
    "clean failed": ({"node": {"provision_state": "clean failed"}}, "its provision state is clean failed. Repair"),
    "cleaning": ({"node": {"provision_state": "cleaning"}}, "its provision state is cleaning."),
    "rescue": ({"node": {"provision_state": "rescue"}}, "its provision state is rescue."),
    "Nova's": ({"node": {"instance_uuid": "9c0f"}}, "the node belongs to Nova (instance 9c0f)"),
}

CONNECTORS: dict[str, tuple[Json, str]] = {
    "none": ({"connectors": []}, "there is no iqn connector, by which storage knows the node. Register one"),
    "none for an array": ({**by_array(ARRAY), "connectors": []}, "there is no iqn connector"),
    "other types only": (
        {"connectors": [a_connector(connector_id="52:54:00:12:34:56", type="mac")]},
        "there is no iqn connector",
    ),
    "two": (
        {"connectors": [a_connector(), a_connector(connector_id="iqn.2024-01.org.example:b")]},
        "there are 2 iqn connectors (iqn.2024-01.org.example:bm-0, iqn.2024-01.org.example:b), and Ironic would tell Cinder the first",
    ),
    "malformed": (
        {"connectors": [a_connector(connector_id=uuid_of("bm-0"))]},
        f'its iqn connector is malformed: "{uuid_of("bm-0")}" is not an iSCSI name',
    ),
    "malformed address": (
        {"connectors": [a_connector(), a_connector(connector_id="52:54", type="mac")]},
        'its mac connector is malformed: "52:54" is not a MAC',
    ),
    "another node's": (
        {
            "connectors": [a_connector(), a_connector(connector_id="5001438024213faa", type="wwpn")],
            "others": [a_connector("bm-1", "50:01:43:80:24:21:3F:AA", type="wwpn")],
        },
        f"its wwpn connector 5001438024213faa is that of node {uuid_of('bm-1')} as well",
    ),
    "fibre channel without any": ({**BY_FIBRE, "connectors": []}, "there are 0 wwpn and 0 wwnn connectors"),
    "fibre channel with one half": ({**BY_FIBRE, "connectors": PORTS[:1]}, "there are 1 wwpn and 0 wwnn connectors"),
}

TARGETS: dict[str, tuple[Json, str]] = {
    "none": ({"targets": []}, "there is no volume target with boot_index 0 to boot from. Make one"),
    "none to boot from": ({"targets": [a_target(boot_index=1)]}, "there is no volume target with boot_index 0"),
    "unknown type": (
        {"targets": [a_target(), a_target(boot_index=1, volume_type="rbd")]},
        'volume target 1: its volume_type is "rbd", and Ironic knows iscsi and fibre_channel',
    ),
    "no id of Cinder": (
        {"targets": [a_target(volume_id="lun-7")]},
        'volume target 0: storage interface cinder attaches Cinder\'s volumes, and "lun-7"',
    ),
    "no portal": (
        by_array({**ARRAY, "target_portal": None}),
        "volume target 0: an iSCSI volume without Cinder needs target_portal.",
    ),
    "no address": (by_array({}), "an iSCSI volume without Cinder needs target_iqn, target_portal, target_lun."),
    "text as LUN": (
        by_array({**ARRAY, "target_lun": "1"}),
        'volume target 0: its target_lun is the text "1", and Ironic formats a whole',
    ),
    "no number as LUN": (by_array({**ARRAY, "target_lun": "first"}), "its target_lun is malformed"),
    "malformed portal": (by_array({**ARRAY, "target_portal": "192.0.2.10:http"}), "its target_portal is malformed"),
    "malformed IQN": (by_array({**ARRAY, "target_iqn": "array"}), "its target_iqn is malformed"),
    "IPv6": (by_array({**ARRAY, "target_portal": "[2001:db8::1]:3260"}), "Ironic drops the brackets of an IPv6 portal"),
    "IPv6 among several": (
        by_array({**PATHS, "target_portals": ["192.0.2.10:3260", "[2001:db8::1]:3260"]}),
        "volume target 0: Ironic drops the brackets of an IPv6 portal, and iPXE cannot read [2001:db8::1]:3260",
    ),
    "malformed among several": (
        by_array({**PATHS, "target_portals": ["192.0.2.10:3260", "198.51.100.10:http"]}),
        "its target_portals is malformed",
    ),
    "no portals": (by_array({**ARRAY, "target_portals": []}), "the list is empty: write one at least. Set target_portals."),
    "several portals without an IQN": (
        by_array({**PATHS, "target_iqn": None}),
        "volume target 0: an iSCSI volume without Cinder needs target_iqn.",
    ),
    "a further one without CHAP": (
        by_array(ARRAY, index=1),
        "volume target 1: Ironic cannot boot with a further iSCSI volume that has no CHAP",
    ),
    "hidden": (
        by_array({"redacted_contents": "** Value redacted **"}),
        "volume target 0: Ironic hides its properties from this user",
    ),
}

VOLUMES: dict[str, tuple[Json, str]] = {
    "gone": ({"volumes": []}, f"volume target 0: Cinder shows no volume {uuid_of('root')} to this user."),
    "in error": ({"volumes": [a_volume(status="error")]}, "volume target 0: volume root has status error. Repair it"),
    "going": ({"volumes": [a_volume(status="deleting")]}, "has status deleting"),
    "being made": ({"volumes": [a_volume(status="downloading")]}, "has status downloading. Run again"),
    "elsewhere": (
        {"volumes": [a_volume(**attached("9c0f"))]},
        "volume root is attached to 9c0f and is not multiattach",
    ),
    "not bootable": ({"volumes": [a_volume(bootable="false")]}, "volume root is not bootable"),
}

CASES = {
    f"{kind} {case}": said
    for kind, cases in (("node", NODES), ("connectors", CONNECTORS), ("targets", TARGETS), ("volumes", VOLUMES))
    for case, said in cases.items()
}


@pytest.mark.parametrize("case", CASES)
def test_each_defect_is_the_only_reason_and_one_line(case: str) -> None:
    given, said = CASES[case]
    (reason,) = why(**given)
    assert said in reason
    assert "\n" not in reason
    assert reason.endswith(".")


READY: dict[str, Json] = {
    "with Cinder": {},
    "deployed": {"node": {"provision_state": "active", "power_state": "power on"}},
    "deployed and in maintenance": {"node": {"provision_state": "active", "maintenance": True}},
    "deployed by Nova": {"node": {"provision_state": "active", "instance_uuid": "9c0f"}},
    "on its way": {"node": {"provision_state": "deploying"}},
    "failed": {"node": {"provision_state": "deploy failed", "last_error": "No space left"}},
    "with an array": by_array(ARRAY),
    "with an array and CHAP": by_array({**ARRAY, **CHAP}, index=1),
    "with several portals": by_array(PATHS),
    "with several portals and one that is not read": by_array({**PATHS, "target_portal": "[2001:db8::1]:3260"}),
    "with several portals for data": by_array({**PATHS, **CHAP}, index=1),
    "with one portal in a list": by_array({**PATHS, "target_portals": ["192.0.2.10:3260"]}),
    "with lists alone": by_array(
        {"target_iqns": ["iqn.2010-10.org.example:a"], "target_portals": ["192.0.2.1:3260"], "target_luns": [1]}
    ),
    "with a value in another spelling": capable("iscsi_boot:yes"),
    "with an unknown type of connector": {"connectors": [a_connector(), a_connector(connector_id="?", type="nvme")]},
    "with its own connector in two spellings": {
        "connectors": [
            a_connector(),
            *(a_connector(connector_id=wwpn, type="wwpn") for wwpn in ("5001438024213faa", "50:01:43:80:24:21:3F:AA")),
        ]
    },
    "with fibre channel": {**BY_FIBRE, "connectors": PORTS},
    "with hidden properties that Cinder writes": {"targets": [a_target(properties={"redacted_contents": "**"})]},
    "with its volume": {"volumes": [a_volume()]},
    "with its volume attached": {"volumes": [a_volume(**attached(uuid_of("bm-0")))]},
    "with its server's volume": {
        "node": {"provision_state": "active", "instance_uuid": "9c0f"},
        "volumes": [a_volume(**attached("9c0f"))],
    },
    "with a volume for data": {
        "targets": [a_target(), a_target(volume="more", boot_index=1)],
        "volumes": [a_volume(), a_volume("more", bootable="false")],
    },
    "with an array and Cinder asked": {**by_array(ARRAY), "volumes": []},
}


@pytest.mark.parametrize("case", READY)
def test_a_node_that_is_in_order_is_ready(case: str) -> None:
    assert why(**READY[case]) == []


def test_a_fibre_channel_volume_asks_for_its_own_capability_and_connectors() -> None:
    found = why(node=FIBRE)
    assert ["no iscsi_boot:True" in reason for reason in found] == [True]
    found = why(targets=[a_target(volume_type="fibre_channel")])
    assert [word for word, reason in zip(("fibre_channel_boot:True", "wwpn"), found, strict=True) if word not in reason] == []


def test_a_node_without_a_volume_is_judged_by_what_its_capabilities_announce() -> None:
    assert why(node=FIBRE, connectors=PORTS, targets=[]) == [
        "there is no volume target with boot_index 0 to boot from. Make one (bfv.openstack.volume_target)."
    ]


def test_of_targets_that_are_ignored_no_defects_are_told() -> None:
    (reason,) = why(**{**by_array({}), "node": {"storage_interface": "noop"}})
    assert "noop" in reason


def test_all_reasons_are_told_and_not_only_the_first() -> None:
    fields: Json = {
        "storage_interface": "noop",
        "boot_interface": "pxe",
        "properties": {},
        "provision_state": "enroll",
        "maintenance": True,
    }
    found = why(node=fields, connectors=[], targets=[])
    words = ("maintenance", "enroll", "noop", "iscsi_boot", "pxe", "iqn connector", "boot_index 0")
    assert [word for word, reason in zip(words, found, strict=True) if word not in reason] == []


def test_targets_are_told_in_their_boot_order() -> None:
    targets: list[Any] = [a_target(volume="b", boot_index=2), a_target(boot_index=1, volume="a"), a_target()]
    found = why(node={"storage_interface": "external"}, targets=targets)
    assert [reason.partition(":")[0] for reason in found] == [
        "volume target 0",
        *["volume target 1"] * 2,
        *["volume target 2"] * 2,
    ]
