# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that are read one by one, and nodes that are read in bulk, are found and planned alike."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import lists
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
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
    of_image,
    uuid_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NODES = ["bm-0", "bm-1", "bm-2"]
VOLUMES = ["root", "more", "golden"]
MARKS = {"bfv_golden_image_id": uuid_of("debian"), "bfv_golden_image": "debian"}
GIVEN = "iqn.2024-01.org.example:given"


def some(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=strategies)


nodes_there = some(
    provision_state=st.sampled_from(
        ["available", "active", "deploying", "deploy failed", "deleting", "manageable", "clean failed"]
    ),
    power_state=st.sampled_from(["power off", "power on"]),
    storage_interface=st.sampled_from(["cinder", "noop", "external"]),
    properties=st.sampled_from([{}, {"capabilities": "iscsi_boot:true"}, {"capabilities": "boot_mode:uefi,odd"}]),
    instance_uuid=st.sampled_from([None, None, "nova"]),
)
volumes_there = st.builds(
    lambda name, number, fields: a_volume(name, **{"id": uuid_of(f"{name} {number}"), **of_image(), **fields}),
    st.sampled_from(VOLUMES),
    st.integers(0, 1),
    some(
        status=st.sampled_from(["available", "downloading", "error", "deleting"]),
        metadata=st.sampled_from([{}, MARKS]),
        attachments=st.sampled_from([[], attached(uuid_of("bm-0"))["attachments"]]),
        bootable=st.sampled_from(["true", "false"]),
    ),
)
records = st.fixed_dictionaries(
    {
        "nodes": st.lists(st.tuples(st.sampled_from(NODES), nodes_there), min_size=1, unique_by=lambda one: one[0]).map(
            lambda some: [a_node(name, **fields) for name, fields in some]
        ),
        "volumes": st.lists(volumes_there, max_size=4, unique_by=lambda one: one["id"]),
        "images": st.just([an_image(), an_image("trixie")]),
    }
)


@st.composite
def clouds(draw: st.DrawFn) -> Json:
    """The records of a cloud: connectors and targets belong to nodes that are there."""
    there = draw(records)
    names = [one["name"] for one in there["nodes"]]
    iqns = draw(st.lists(st.sampled_from(["a", "b", "given"]), max_size=3, unique=True))
    there["connectors"] = [a_connector(draw(st.sampled_from(names)), f"iqn.2024-01.org.example:{iqn}") for iqn in iqns]
    volumes = [one["id"] for one in there["volumes"]] or [uuid_of("gone")]
    places = draw(st.lists(st.tuples(st.sampled_from(names), st.integers(0, 1)), max_size=3, unique=True))
    there["targets"] = [
        a_target(name, f"{name} {place}", boot_index=place, volume_id=draw(st.sampled_from(volumes))) for name, place in places
    ]
    return there


volumes_wanted = st.builds(
    lambda by_id, name, fields: {**({"id": uuid_of(f"{name} 0")} if by_id else {"name": name}), **fields},
    st.booleans(),
    st.sampled_from(VOLUMES),
    some(
        image=st.sampled_from(["debian", "trixie", "unknown"]),
        recreate=st.sampled_from(["on_error", "on_drift"]),
        size=st.just(10),
    ),
)
targets_wanted = st.one_of(
    st.none(),
    st.lists(
        st.builds(
            lambda place, volume: {"boot_index": place, "volume": volume},
            st.integers(0, 1),
            st.sampled_from([*VOLUMES, uuid_of("root 0"), uuid_of("more 1"), "unknown"]),
        ),
        max_size=2,
    ),
)
entries = st.lists(
    st.builds(
        lambda name, fields: {"node": name, **fields},
        st.sampled_from([*NODES, *map(uuid_of, NODES), "no-such", "no such/../one"]),
        some(
            storage_interface=st.sampled_from(["cinder", "external", "noop"]),
            iscsi_boot=st.booleans(),
            connectors=st.sampled_from([[], [{"type": "iqn"}], [{"type": "iqn", "connector_id": GIVEN}]]),
            volumes=st.lists(volumes_wanted, max_size=2),
            targets=targets_wanted,
        ),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: uuid_of(one["node"]) if one["node"] in NODES else one["node"],
)
options = some(
    state=st.sampled_from(["prepared", "undeployed", "absent"]),
    golden=st.booleans(),
    on_drift=st.just("redeploy"),
    power_off=st.booleans(),
    volumes_on_undeploy=st.just("delete"),
)


def planned(there: Json, wanted: list[Json], given: Json, few: int) -> object:
    cloud = FakeCloud(**there)
    with patch.object(lists, "FEW", few):
        try:
            outcomes = manage(cloud, wanted, check_mode=True, **given)
        except Invalid as error:
            return str(error)
    assert cloud.writes == []
    return {name: (outcome.msg, outcome.plan, outcome.result()) for name, outcome in outcomes.items()}


@settings(max_examples=150)
@given(clouds(), entries, options)
def test_few_and_many_nodes_are_planned_alike(there: Json, wanted: list[Json], given: Json) -> None:
    assert planned(there, wanted, given, 0) == planned(there, wanted, given, 100)


def managed(there: Json, wanted: list[Json], given: Json, few: int) -> object:
    cloud = FakeCloud(**there)
    with patch.object(lists, "FEW", few):
        try:
            outcomes = manage(cloud, wanted, **given, concurrency=1)
        except Invalid as error:
            return str(error)
    done = {name: (outcome.msg, outcome.actions, outcome.result()["targets"]) for name, outcome in outcomes.items()}
    return done, cloud.nodes, cloud.connectors, cloud.targets, cloud.volumes


@settings(max_examples=80)
@given(clouds(), entries, options)
def test_few_and_many_nodes_end_alike(there: Json, wanted: list[Json], given: Json) -> None:
    assert managed(there, wanted, given, 0) == managed(there, wanted, given, 100)


@pytest.mark.parametrize("few", [0, 100])
def test_a_node_goes_by_its_uuid_as_well(few: int) -> None:
    cloud = FakeCloud(nodes=[a_node("bm-0"), a_node("bm-1")], images=[an_image()])
    wanted = [{"node": uuid_of("bm-0"), "volumes": [{"name": "root", "image": "debian"}]}]
    with patch.object(lists, "FEW", few):
        for state, end in (("deployed", "active"), ("absent", "available")):
            (outcome,) = manage(cloud, wanted, state=state).values()
            assert (outcome.name, outcome.msg) == (uuid_of("bm-0"), "")
            assert [node["provision_state"] for node in cloud.nodes.values()] == [end, "available"]
            assert not manage(cloud, wanted, state=state)[uuid_of("bm-0")].changed


@pytest.mark.parametrize("few", [0, 100])
@pytest.mark.parametrize("state", ["prepared", "deployed", "undeployed", "absent"])
@pytest.mark.parametrize("name", ["no-such", "", "..", "../nodes", "a b", "bm-0?fields=uuid", "\u00e9", uuid_of("no-such")])
def test_a_node_that_ironic_does_not_know_fails_alone(few: int, state: str, name: str) -> None:
    cloud = FakeCloud(nodes=[a_node()], images=[an_image()])
    with patch.object(lists, "FEW", few):
        outcomes = manage(
            cloud, [{"node": name}, {"node": "bm-0", "volumes": [{"name": "root", "image": "debian"}]}], state=state
        )
    assert f"Failed to find node {name}: Ironic shows no node" in outcomes[name].msg
    assert outcomes["bm-0"].msg == ""


@pytest.mark.parametrize("few", [0, 100])
def test_a_node_without_a_name_goes_by_its_uuid(few: int) -> None:
    cloud = FakeCloud(nodes=[{**a_node("nameless"), "name": None}], images=[an_image()])
    wanted = [{"node": uuid_of("nameless"), "volumes": [{"name": "root", "image": "debian"}]}]
    with patch.object(lists, "FEW", few):
        (outcome,) = manage(cloud, wanted, state="prepared").values()
    assert (outcome.msg, outcome.changed) == ("", True)


@pytest.mark.parametrize("state", ["prepared", "undeployed", "absent"])
def test_a_node_under_two_names_is_begun_under_neither(state: str) -> None:
    own = a_connector(connector_id=f"iqn.2017-08.org.openstack.{uuid_of('bm-0')}")
    cloud = FakeCloud(nodes=[a_node()], connectors=[own], volumes=[a_volume()])
    outcomes = manage(cloud, [{"node": "bm-0", "targets": [{"volume": "root"}]}, {"node": uuid_of("bm-0")}], state=state)
    assert [
        f"is also there as {other}" in outcomes[name].msg
        for name, other in (("bm-0", uuid_of("bm-0")), (uuid_of("bm-0"), "bm-0"))
    ] == [True, True]
    assert cloud.writes == []
