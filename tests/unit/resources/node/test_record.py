# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.service import Service
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import a_node
from ansible_collections.bfv.openstack.tests.unit.scripted import Proxy


@pytest.mark.parametrize("name", ["", "a/b", "a?b", "a#b", "../volume/targets", "a b", "n\u00f6de", ".", "..", "a\n"])
def test_a_name_that_no_node_can_have_is_not_asked_for(name: str) -> None:
    proxy = Proxy()
    cloud: Any = SimpleNamespace(baremetal=Service(proxy, "Ironic", "1.33"))
    with pytest.raises(BfvError, match="shows no node of that name"):
        node.observe(cloud, name)
    assert not proxy.asked


def test_what_ironic_leaves_empty_has_its_old_meaning() -> None:
    names = (
        "provision_state",
        "power_state",
        "storage_interface",
        "boot_interface",
        "deploy_interface",
        "properties",
        "instance_info",
    )
    found = node.from_api(a_node(**dict.fromkeys(names)))
    assert (found.provision_state, found.storage_interface, found.boot_interface, found.capabilities) == (
        "available",
        "noop",
        "",
        None,
    )


@pytest.mark.parametrize(
    ("power_state", "provision_state", "update", "delete"),
    [
        ("power off", "available", True, True),
        ("power off", "active", True, True),
        ("power on", "available", False, False),
        (None, "available", False, False),
        ("power on", "enroll", False, True),
        (None, "manageable", False, True),
        ("power on", "adopt failed", False, True),
        ("rebooting", "active", False, False),
    ],
)
def test_records_may_change_as_ironic_allows_it(
    power_state: str | None, provision_state: str, update: bool, delete: bool
) -> None:
    found = node.from_api(a_node(power_state=power_state, provision_state=provision_state))
    assert (node.may_update_records(found), node.may_delete_records(found)) == (update, delete)


@pytest.mark.parametrize(
    ("storage_interface", "capabilities", "boots"),
    [
        ("cinder", "iscsi_boot:true", True),
        ("external", "iscsi_boot:1", True),
        ("noop", "iscsi_boot:true", False),
        ("cinder", "a:b", False),
    ],
)
def test_a_node_boots_iscsi_by_its_storage_interface_and_its_capability(
    storage_interface: str, capabilities: str, boots: bool
) -> None:
    found = node.from_api(a_node(storage_interface=storage_interface, properties={"capabilities": capabilities}))
    assert found.boots_iscsi is boots
