# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there in the words of the role: a run that is asked for it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import adopt, info
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.adopt import Adopted
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
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
from hypothesis import given
from hypothesis import strategies as st

SECRET = "hunter2"
LUN: Json = {"target_iqn": "iqn.2010-10.org.example:array", "target_portal": "192.0.2.10:3260", "target_lun": 0}
ACTIVE: Json = {"provision_state": "active", "power_state": "power on"}
WWN = "5001438024213faa"


def adopted(cloud: FakeCloud, **params: Any) -> dict[str, Adopted]:
    """What is made of each node, by its name."""
    want = info.wanted(params)
    seen = adopt.observe(cloud, info.observe(cloud, want), without_nova=want.without_nova)  # type: ignore[arg-type]
    return dict(zip((one.setup.node.name for one in seen), adopt.adopted(seen), strict=True))


def one(cloud: FakeCloud) -> Json:
    """The variables of the only node, of which a run changes nothing: in the second look too."""
    ((_name, made),) = adopted(cloud).items()
    assert not made.left_alone
    for _look in ("first", "second"):
        cloud.writes.clear()
        (outcome,) = manage(cloud, [dict(made.entry)], state=made.state).values()
        assert (outcome.msg, cloud.writes) == ("", [])
    return {name.removeprefix("baremetal_deploy_"): value for name, value in adopt.variables(made).items()}


def left_alone(cloud: FakeCloud) -> str:
    ((_name, made),) = adopted(cloud).items()
    assert adopt.variables(made) == {"baremetal_deploy_left_alone": made.left_alone}
    return made.left_alone


def of_cinder(*targets: Json, volumes: tuple[Json, ...] = (), **fields: Any) -> FakeCloud:
    return FakeCloud(nodes=[a_node(**fields)], connectors=[a_connector()], targets=targets, volumes=volumes)


def of_array(*targets: Json, **fields: Any) -> FakeCloud:
    node = a_node(storage_interface="external", **fields)
    return FakeCloud(nodes=[node], connectors=[a_connector()], targets=targets)


def held(name: str, **fields: Any) -> Json:
    return a_volume(name, **attached(uuid_of("bm-0")), **fields)


def test_a_node_that_this_collection_deployed() -> None:
    cloud = FakeCloud(nodes=[a_node(storage_interface="noop", properties={})], images=[an_image()])
    manage(
        cloud,
        [{"node": "bm-0", "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"name": "root", "image": "debian"}]}],
    )
    (connector,) = cloud.connectors.values()
    assert one(cloud) == {
        "node": "bm-0",
        "state": "deployed",
        "storage_interface": "cinder",
        "boot_interface": "ipxe",
        "capabilities": {"iscsi_boot": True},
        "connectors": [{"type": "iqn", "connector_id": connector["connector_id"]}],
        "volumes": [{"name": "root"}],
    }


def test_a_node_at_rest_is_left_at_rest() -> None:
    told = one(of_cinder(a_target(), volumes=(a_volume("root"),)))
    assert (told["state"], told["volumes"]) == ("prepared", [{"name": "root"}])


def test_a_bare_node_gets_nothing_that_the_role_has_by_default() -> None:
    told = one(FakeCloud(nodes=[a_node(storage_interface="noop", properties={})]))
    assert (told["storage_interface"], told["capabilities"], told["connectors"]) == ("noop", {}, [])
    assert "volumes" not in told
    assert "targets" not in told


def test_data_disks_have_their_places() -> None:
    disks = ("root", "logs", "data")
    targets = [a_target(volume=name, boot_index=place) for name, place in zip(disks, (0, 3, 1), strict=True)]
    told = one(of_cinder(*targets, volumes=tuple(map(held, disks)), **ACTIVE))
    assert told["volumes"] == [{"name": "root"}, {"name": "data"}, {"name": "logs"}]
    assert [(one["boot_index"], one["volume"]) for one in told["targets"]] == [(0, "root"), (1, "data"), (3, "logs")]
    in_order = [a_target(volume=name, boot_index=place) for place, name in enumerate(disks)]
    assert "targets" not in one(of_cinder(*in_order, volumes=tuple(map(held, disks)), **ACTIVE))


def test_a_volume_whose_name_another_has_is_called_by_its_id() -> None:
    told = one(of_cinder(a_target(), volumes=(held("root"), {**a_volume("other"), "name": "root"}), **ACTIVE))
    assert told["volumes"] == [{"id": uuid_of("root")}]


def test_a_volume_of_several_nodes_is_no_ones_own() -> None:
    nodes = ("bm-0", "bm-1")
    shared = {**a_volume("data"), "multiattach": True, "status": "in-use"}
    shared["attachments"] = [{"server_id": uuid_of(name), "device": ""} for name in nodes]
    cloud = FakeCloud(
        nodes=[a_node(name, **ACTIVE) for name in nodes],
        connectors=[a_connector(name, f"iqn.2024-01.org.example:{name}") for name in nodes],
        targets=[
            a_target(name, volume, boot_index=place) for name in nodes for place, volume in enumerate((f"root of {name}", "data"))
        ],
        volumes=[*(a_volume(f"root of {name}", **attached(uuid_of(name))) for name in nodes), shared],
    )
    made = adopted(cloud)
    assert [one.entry["volumes"] for one in made.values()] == [[{"name": "root of bm-0"}], [{"name": "root of bm-1"}]]
    outcomes = manage(cloud, [dict(one.entry) for one in made.values()])
    assert ([one.msg for one in outcomes.values()], cloud.writes) == (["", ""], [])


@pytest.mark.parametrize("masks", [True, False], ids=["as of today", "before 29.0.6"])
def test_secrets_of_an_array_are_variables_to_be_defined(masks: bool) -> None:
    chap = {"auth_username": "array", "auth_password": SECRET}
    cloud = of_array(
        a_target(properties={**LUN, **chap, "auth_method": "CHAP"}),
        a_target(volume="data", boot_index=2, properties={**LUN, "target_lun": 7, **chap, "discovery_auth_password": SECRET}),
        **ACTIVE,
    )
    cloud.masks_passwords = masks
    told = one(cloud)
    assert told["targets"] == [
        {
            "boot_index": 0,
            "volume_id": uuid_of("root"),
            **LUN,
            "chap_username": "array",
            "chap_password": "{{ vault_bm_0_chap_password | default(omit) }}",
            "properties": {"auth_method": "CHAP"},
        },
        {
            "boot_index": 2,
            "volume_id": uuid_of("data"),
            **LUN,
            "target_lun": 7,
            "chap_username": "array",
            "chap_password": "{{ vault_bm_0_chap_password_2 | default(omit) }}",
            "properties": {"discovery_auth_password": "{{ vault_bm_0_discovery_auth_password_2 | default(omit) }}"},
        },
    ]
    assert SECRET not in str(told)
    assert "***" not in str(told)


def test_several_paths_stay_several() -> None:
    portals = ["192.0.2.10:3260", "198.51.100.10:3260"]
    properties = {name: value for name, value in LUN.items() if name != "target_portal"} | {"target_portals": portals}
    told = one(of_array(a_target(properties=properties), **ACTIVE))
    assert told["targets"][0]["target_portals"] == portals
    assert "target_portal" not in told["targets"][0]


def test_the_plural_forms_stay_what_they_are() -> None:
    plural = {"target_iqns": [LUN["target_iqn"]], "target_portals": [LUN["target_portal"]], "target_luns": [0]}
    (target,) = one(of_array(a_target(properties=plural), **ACTIVE))["targets"]
    assert (target["target_portals"], target["properties"]) == (
        plural["target_portals"],
        {"target_iqns": plural["target_iqns"], "target_luns": [0]},
    )


def test_fibre_channel_is_told_with_its_names() -> None:
    cloud = FakeCloud(
        nodes=[a_node(properties={"capabilities": "fibre_channel_boot:true"}, **ACTIVE)],
        connectors=[a_connector(connector_id=WWN, type=kind, uuid=uuid_of(kind)) for kind in ("wwpn", "wwnn")],
        targets=[a_target(volume_type="fibre_channel")],
        volumes=[held("root")],
    )
    told = one(cloud)
    assert told["connectors"] == [{"type": kind, "connector_id": WWN} for kind in ("wwpn", "wwnn")]
    assert told["targets"] == [{"boot_index": 0, "volume_type": "fibre_channel", "volume": "root"}]
    assert told["capabilities"] == {"fibre_channel_boot": True}


def test_a_node_without_a_name_is_called_by_its_uuid() -> None:
    node = {**a_node(storage_interface="external", **ACTIVE), "name": None}
    target = a_target(properties={**LUN, "auth_username": "array", "auth_password": SECRET})
    told = one(FakeCloud(nodes=[node], connectors=[a_connector()], targets=[target]))
    assert told["node"] == uuid_of("bm-0")
    assert (
        told["targets"][0]["chap_password"]
        == f"{{{{ vault_{uuid_of('bm-0').replace('-', '_')}_chap_password | default(omit) }}}}"
    )


def test_notes_are_kept_without_secrets_and_what_is_masked() -> None:
    notes = {"rack": "3", "seen": "password = ******", "bfv_password_digest": "scrypt:x", "deep": {"token": "t"}}
    cloud = of_array(a_target(properties=LUN, extra=notes), **ACTIVE)
    assert one(cloud)["targets"][0]["extra"] == {"rack": "3"}


def test_what_a_cloud_says_is_no_template() -> None:
    name = "{{ lookup('pipe', 'id') }}"
    told = one(of_cinder(a_target(volume="root"), volumes=({**held("root"), "name": name},), **ACTIVE))
    assert told["volumes"] == [{"name": "{{ '{' }}" + name.removeprefix("{")}]


@pytest.mark.parametrize(
    "capabilities", ["boot_mode:uefi, iscsi_boot:True", {"boot_mode": "uefi", "iscsi_boot": True}, ["iscsi_boot"]]
)
def test_capabilities_that_a_run_would_respell_are_not_told(capabilities: object) -> None:
    node: Json = {"properties": {"capabilities": capabilities}, **ACTIVE}
    assert one(of_cinder(a_target(), volumes=(held("root"),), **node))["capabilities"] == {}


def test_capabilities_are_told_as_they_are() -> None:
    node: Json = {"properties": {"capabilities": "raid:1,boot_mode:bios,iscsi_boot:true,fibre_channel_boot:no"}, **ACTIVE}
    told = one(of_cinder(a_target(), volumes=(held("root"),), **node))
    assert told["capabilities"] == {"boot_mode": "bios", "iscsi_boot": True, "fibre_channel_boot": "no"}


def test_connectors_of_a_type_that_nobody_knows_are_left() -> None:
    cloud = of_cinder(a_target(), volumes=(held("root"),), **ACTIVE)
    cloud.connectors["x"] = a_connector(connector_id="nqn", type="nqn", uuid="x")
    assert [one["type"] for one in one(cloud)["connectors"]] == ["iqn"]


def test_an_allocations_node_is_not_novas() -> None:
    cloud = of_cinder(a_target(), volumes=(held("root"),), instance_uuid=uuid_of("allocation"), **ACTIVE)
    cloud.allocations[uuid_of("allocation")] = {"uuid": uuid_of("allocation"), "name": None, "node_uuid": uuid_of("bm-0")}
    assert one(cloud)["state"] == "deployed"


IMAGE_SOURCE: Json = {"instance_info": {"image_source": "debian"}}
LEFT: dict[str, tuple[FakeCloud, str]] = {
    "of Nova": (of_cinder(a_target(), volumes=(held("root"),), instance_uuid=uuid_of("server"), **ACTIVE), "belongs to Nova"),
    "from its own disk": (of_cinder(storage_interface="noop", **IMAGE_SOURCE, **ACTIVE), "a run would set up the storage"),
    "on its way": (of_cinder(a_target(), volumes=(held("root"),), provision_state="deploying"), "a run would wait for node bm-0"),
    "going": (of_cinder(provision_state="deleting"), "a run would wait for node bm-0"),
    "unknown state": (of_cinder(provision_state="polishing"), "provision state is polishing"),
    "another storage interface": (of_cinder(storage_interface="fake"), "storage interface is fake"),
    "a volume of another project": (of_cinder(a_target(), **ACTIVE), "volume_cloud"),
    "a LUN as text": (of_array(a_target(properties={**LUN, "target_lun": "0"}), **ACTIVE), "volume target 0"),
    "both forms of a portal": (
        of_array(a_target(properties={**LUN, "target_portals": ["192.0.2.11:3260"]}), **ACTIVE),
        "are both given",
    ),
    "a portal that is none": (of_array(a_target(properties={**LUN, "target_portal": "a:b"})), "target_portal"),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_run_would_change_or_refuse_is_left_alone_and_told(case: str) -> None:
    cloud, said = LEFT[case]
    assert said in left_alone(cloud)
    assert cloud.writes == []


def test_properties_that_are_hidden_are_not_made_up() -> None:
    cloud = of_array(a_target(properties=LUN), **ACTIVE)
    cloud.hides_properties = True
    assert "Ironic hides its properties" in left_alone(cloud)


def test_two_initiator_names_are_told() -> None:
    cloud = of_cinder(a_target(), volumes=(held("root"),), **ACTIVE)
    cloud.connectors["x"] = a_connector(connector_id="iqn.2024-01.org.example:second", uuid="x")
    assert "one iqn connector at the most" in left_alone(cloud)


nodes = st.fixed_dictionaries(
    {
        "provision_state": st.sampled_from(["active", "available", "manageable", "deploy failed", "rescue", "deleting", "error"]),
        "power_state": st.sampled_from(["power on", "power off", None]),
        "storage_interface": st.sampled_from(["cinder", "external", "noop"]),
        "boot_interface": st.sampled_from(["ipxe", "pxe"]),
        "maintenance": st.booleans(),
        "retired": st.booleans(),
        "instance_info": st.sampled_from([{}, {"image_source": "debian"}]),
        "properties": st.sampled_from(
            [{}, *({"capabilities": text} for text in ("iscsi_boot:True", "boot_mode:uefi, iscsi_boot:1", "iscsi_boot:no,x"))]
        ),
    }
)
targets = st.lists(
    st.fixed_dictionaries(
        {
            "boot_index": st.integers(0, 3),
            "volume_type": st.sampled_from(["iscsi", "fibre_channel"]),
            "volume_id": st.sampled_from([uuid_of("root"), uuid_of("data"), "lun-7"]),
            "properties": st.sampled_from(
                [{}, LUN, {**LUN, "auth_username": "a", "auth_password": SECRET}, {**LUN, "target_lun": "9"}]
            ),
        }
    ),
    unique_by=lambda one: one["boot_index"],
    max_size=3,
)


@given(node=nodes, targets=targets, connectors=st.lists(st.sampled_from(["iqn", "wwpn", "ip"]), max_size=3), used=st.booleans())
def test_whatever_is_there_a_run_changes_nothing_of_it(
    node: Json, targets: list[Json], connectors: list[str], used: bool
) -> None:
    names = {"iqn": "iqn.2024-01.org.example:{}", "wwpn": "500143802421000{}", "ip": "192.0.2.{}"}
    cloud = FakeCloud(
        nodes=[a_node(**node)],
        connectors=[a_connector(type=kind, connector_id=names[kind].format(place)) for place, kind in enumerate(connectors)],
        targets=[a_target(**one, uuid=uuid_of(f"target {one['boot_index']}")) for one in targets],
        volumes=[held(name) if used else a_volume(name) for name in ("root", "data")],
    )
    ((_name, made),) = adopted(cloud).items()
    assert SECRET not in str(adopt.variables(made))
    if made.left_alone:
        return
    (outcome,) = manage(cloud, [dict(made.entry)], state=made.state).values()
    assert (outcome.msg, outcome.actions, cloud.writes) == ("", (), [])
