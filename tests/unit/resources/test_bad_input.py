# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import storage as node_storage
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    a_connector,
    a_node,
    a_target,
    a_volume,
    planned,
    uuid_of,
)
from hypothesis import given
from hypothesis import strategies as st

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.just("9" * 5000))
json = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=4,
)
texts = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["auto", "iqn.2024-01.org.example:a", "52:54:00:12:34:56", uuid_of("root")])
)


def dicts(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.one_of(st.sampled_from(names), st.text(max_size=6)), json, max_size=4)


def gives_at_most_one_line(resource: Any, options: dict[str, Any]) -> None:
    """What Ansible lets through is planned, or refused with words; anything else would be a traceback."""
    node = a_node(storage_interface="external")
    cloud = FakeCloud(nodes=[node], volumes=[a_volume()], connectors=[a_connector()], targets=[a_target()])
    with suppress(BfvError):
        planned(cloud, resource, **options)


@given(
    st.integers(-1, 2),
    texts,
    texts,
    st.one_of(st.none(), st.lists(texts, max_size=2)),
    st.one_of(st.none(), dicts("target_iqn", "target_portal", "target_lun", "target_luns", "auth_password", "auth_username")),
    st.one_of(st.none(), dicts("bfv_password_digest", "a")),
    st.sampled_from(["on_create", "always"]),
)
def test_a_target(index: int, volume_id: Any, iqn: Any, portals: Any, properties: Any, extra: Any, update: str) -> None:
    options = {"boot_index": index, "volume_id": volume_id, "target_iqn": iqn, "target_portals": portals}
    options |= {"properties": properties, "extra": extra}
    gives_at_most_one_line(target, {"node": "bm-0", **options, "update_password": update})


@given(st.sampled_from(["iqn", "ip", "mac", "wwnn", "wwpn", "port", "portgroup"]), texts, texts, st.one_of(st.none(), dicts("a")))
def test_a_connector(connector_type: str, connector_id: Any, prefix: Any, extra: Any) -> None:
    options = {"type": connector_type, "connector_id": connector_id, "iqn_prefix": prefix, "extra": extra}
    gives_at_most_one_line(connector, {"node": "bm-0", **options})


@given(dicts("iscsi_boot", "boot_mode"), texts, st.one_of(st.none(), st.booleans()))
def test_a_nodes_storage(capabilities: Any, boot_interface: Any, iscsi_boot: Any) -> None:
    options = {"capabilities": capabilities, "boot_interface": boot_interface, "iscsi_boot": iscsi_boot}
    gives_at_most_one_line(node_storage, {"node": "bm-0", **options})


@given(st.sampled_from([None, "root", "new"]), texts, st.one_of(st.none(), st.integers()), dicts("a"), dicts("same_host"))
def test_a_volume(name: Any, volume_id: Any, size: Any, metadata: Any, hints: Any) -> None:
    options = {"name": name, "id": volume_id, "size": size, "metadata": metadata, "scheduler_hints": hints}
    gives_at_most_one_line(volume, options)
