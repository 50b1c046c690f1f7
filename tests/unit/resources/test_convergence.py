# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage as node_storage
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import secrets
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    planned,
    settle,
    uuid_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

IQNS = ("iqn.2024-01.org.example:a", "iqn.2024-01.org.example:b")
WWPNS = ("5001438024213faa", "50:01:43:80:24:21:3f:ab")


@pytest.fixture(autouse=True, scope="module")
def _quick_digests() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(secrets._SCRYPT, "n", 2)
        yield


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, *values))


def options(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=strategies)


extras = st.dictionaries(st.sampled_from("ab"), maybe("1", "2"), max_size=2)
present_or_absent = st.sampled_from(["present", "absent"])
nodes = options(
    power_state=maybe("power off", "power on"),
    provision_state=st.sampled_from(["enroll", "manageable", "available", "active", "deploy failed", "error"]),
    maintenance=st.booleans(),
    storage_interface=st.sampled_from(["noop", "cinder", "external"]),
    boot_interface=st.sampled_from(["pxe", "ipxe"]),
    instance_uuid=maybe("nova"),
    properties=st.one_of(
        st.just({}),
        st.builds(dict, capabilities=maybe("", "boot_mode:uefi", "boot_mode:bios, iscsi_boot:true", "x,iscsi_boot:no")),
    ),
    instance_info=st.sampled_from([{}, {"image_source": ""}, {"image_source": None}, {"image_source": "x"}]),
)


def converges(cloud: FakeCloud, resource: Any, options: Json) -> None:
    """Either it is refused before anything is changed, or it comes to what the first plan promised, and stays there."""
    try:
        first = planned(cloud, resource, **options)
    except Refused:
        return
    last = settle(cloud, resource, **options)[-1]
    again = planned(cloud, resource, **options).seen({"target"})  # a password that is always written is, once a run
    assert (again.steps, again.waiting) == ((), "")
    assert first.changed == bool(cloud.writes)
    assert _known(last.before, first.after) == _known(first.after, first.after)


def _known(view: Any, promised: Any) -> Json:
    """What was promised: not what Cinder chose itself, nor that a password is new."""
    shown = {key: view.get(key) for key, value in promised.items() if value is not None}
    properties = shown.get("properties") or {}
    if "metadata" in shown:  # the id of a new volume is in its own metadata
        shown["metadata"] = {key: value for key, value in (shown["metadata"] or {}).items() if key != "bfv_made"}
    return {**shown, "properties": {key: str(value).removesuffix(" (new)") for key, value in properties.items()}}


@given(
    nodes,
    options(
        storage_interface=st.sampled_from(["noop", "cinder", "external", "reset"]),
        boot_interface=st.sampled_from(["pxe", "ipxe"]),
        capabilities=st.dictionaries(st.sampled_from(["boot_mode", "iscsi_boot", "x"]), maybe(True, False, "uefi"), max_size=2),
        image_source=maybe("absent"),
    ),
)
def test_node_storage_converges(node: Json, wanted: Json) -> None:
    converges(FakeCloud(nodes=[a_node(**node)]), node_storage, {"node": "bm-0", **wanted})


connectors_there = st.lists(
    st.builds(
        lambda node, identifier, extra: a_connector(node, identifier, type="iqn" if identifier in IQNS else "wwpn", extra=extra),
        st.sampled_from(["bm-0", "bm-1"]),
        st.sampled_from(IQNS + WWPNS),
        st.dictionaries(st.sampled_from("ab"), st.just("1")),
    ),
    unique_by=lambda one: one["connector_id"],
    max_size=3,
)


@given(
    nodes,
    connectors_there,
    st.sampled_from([("iqn", "auto"), *(("iqn", one) for one in IQNS), *(("wwpn", one) for one in WWPNS)]),
    options(extra=extras, state=present_or_absent, power_off=st.booleans()),
)
def test_a_connector_converges(node: Json, there: list[Json], what: tuple[str, str], wanted: Json) -> None:
    cloud = FakeCloud(nodes=[a_node(**node), a_node("bm-1")], connectors=there)
    converges(cloud, connector, {"node": "bm-0", "type": what[0], "connector_id": what[1], **wanted})


ready_nodes = options(
    power_state=maybe("power off", "power off", "power on"),
    provision_state=st.sampled_from(["manageable", "available"]),
    storage_interface=st.sampled_from(["cinder", "external", "noop"]),
)
targets_there = st.lists(
    st.builds(
        lambda index, volume, properties, extra: a_target(
            volume=volume, uuid=uuid_of(f"target {index}"), boot_index=index, properties=properties, extra=extra
        ),
        st.integers(0, 1),
        st.sampled_from(["root", "web"]),
        st.one_of(
            st.none(),
            options(
                target_lun=st.just(1),
                target_portal=st.just("192.0.2.1:3260"),
                target_portals=st.just(["192.0.2.1:3260"]),
                auth_username=st.just("u"),
                auth_password=st.just("p"),
                secret=st.just("s"),
            ),
        ),
        st.dictionaries(st.sampled_from("ab"), st.just("1")),
    ),
    unique_by=lambda one: one["boot_index"],
    max_size=2,
)


@settings(max_examples=300)
@given(
    ready_nodes,
    targets_there,
    st.one_of(st.sampled_from([{}, {"volume": "root"}, {"volume": "web"}, {"volume_id": uuid_of("array")}])),
    st.sampled_from(
        [
            {},
            {"target_iqn": IQNS[0], "target_portal": "192.0.2.1:3260", "target_lun": 1},
            {"target_iqn": IQNS[0], "target_portals": ["192.0.2.1:3260", "192.0.2.2:3260"], "target_lun": 1},
        ]
    ),
    options(
        boot_index=st.integers(0, 1),
        volume_type=maybe("iscsi", "fibre_channel"),
        chap_username=maybe("u", "v"),
        chap_password=maybe("p", "q"),
        properties=st.dictionaries(st.sampled_from(["secret", "access_mode"]), maybe("s", "t"), max_size=2),
        update_password=st.sampled_from(["on_create", "always", "on_change"]),
        extra=extras,
        state=present_or_absent,
        power_off=st.booleans(),
    ),
)
def test_a_target_converges(node: Json, there: list[Json], volume: Json, array: Json, wanted: Json) -> None:
    cloud = FakeCloud(nodes=[a_node(**node)], targets=there, volumes=[a_volume(), a_volume("web", bootable="false")])
    converges(cloud, target, {"node": "bm-0", **volume, **array, **wanted})
    assert "******" not in str([one["properties"] for one in cloud.targets.values()])


@settings(max_examples=300)
@given(
    st.lists(
        options(
            status=st.sampled_from(
                ["creating", "downloading", "available", "in-use", "extending", "deleting", "error", "reserved"]
            ),
            bootable=st.sampled_from(["true", "false"]),
            metadata=st.dictionaries(st.sampled_from("ab"), st.just("1")),
            attachments=st.sampled_from([[], [], [{"server_id": "other", "device": "/dev/vda"}]]),
        ),
        max_size=1,
    ),
    options(
        image=maybe("debian"),
        size=maybe(1, 10, 12, 15),
        description=maybe("", "d"),
        metadata=extras,
        bootable=maybe(True, False),
        state=present_or_absent,
    ),
)
def test_a_volume_converges(there: list[Json], wanted: Json) -> None:
    volumes = [a_volume(**fields) for fields in there]
    converges(FakeCloud(volumes=volumes, images=[an_image()]), volume, {"name": "root", **wanted})
