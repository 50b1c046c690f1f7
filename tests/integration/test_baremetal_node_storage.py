# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.baremetal_node_storage with Ironic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from .lab import SYSTEM, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, cli_task, task

MODULE = "bfv.openstack.baremetal_node_storage"


def storage(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, MODULE, check=check, proxy=proxy, cloud=SYSTEM, **options)


@dataclass(frozen=True)
class Story:
    run: Run
    checks: Proxy  # what the tasks in check mode asked


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    node, ready, active = lab.nodes("node", "ready", "active")
    lab.patch(node, "/instance_info/image_source", "bfv-test")
    lab.set_up(ready, "cinder")
    lab.deploy(active)
    checks = new_proxy()
    new = {
        "node": node.name,
        "storage_interface": "cinder",
        "boot_interface": "http-ipxe",
        "iscsi_boot": True,
        "capabilities": {"rack": "r3"},
        "image_source": "absent",
    }
    other = {"node": node.name, "boot_interface": "ipxe", "capabilities": {"rack": None, "row": 7}}
    reset = {"node": node.name, "storage_interface": "reset", "capabilities": {"iscsi_boot": None}}
    show = (
        "baremetal",
        "node",
        "show",
        node.name,
        "--fields",
        "storage_interface",
        "boot_interface",
        "properties",
        "instance_info",
    )
    run = ansible.tasks(
        storage("check set up", check=True, proxy=checks.url, **new),
        storage("set up", **new),
        storage("set up again", **new),
        cli_task("after set up", *show, cloud=SYSTEM),
        storage("check change", check=True, proxy=checks.url, **other),
        storage("change", **other),
        storage("change again", **other),
        storage("validate without a connector", node=node.name, validate=True),
        storage("check reset", check=True, proxy=checks.url, **reset),
        storage("reset", **reset),
        storage("reset again", **reset),
        cli_task("after reset", *show, cloud=SYSTEM),
        storage("validate", node=ready.name, validate=True),
        storage("validate in check mode", check=True, proxy=checks.url, node=ready.uuid, validate=True),
        storage("remove what is not there", node=node.name, capabilities={"never_there": None}),
        storage("interface of an active node", node=active.name, storage_interface="cinder"),
        storage("interface that boots no volume", node=ready.name, boot_interface="fake"),
    )
    return Story(run, checks)


def test_a_second_run_changes_nothing_and_returns_the_same(story: Story) -> None:
    for first, second in (("set up", "set up again"), ("change", "change again"), ("reset", "reset again")):
        assert story.run[first]["changed"]
        assert not story.run[second]["changed"]
        assert story.run[second].keys() == story.run[first].keys()
        assert story.run[second]["node"] == story.run[first]["node"]


def test_the_cli_shows_the_set_up(story: Story) -> None:
    shown = story.run.shown("after set up")
    assert (shown["storage_interface"], shown["boot_interface"]) == ("cinder", "http-ipxe")
    assert shown["properties"]["capabilities"].split(",") == ["boot_mode:uefi", "rack:r3", "iscsi_boot:True"]


def test_other_properties_of_the_node_stay(story: Story) -> None:
    kept = story.run.shown("after set up")["properties"]
    assert {key: kept[key] for key in kept if key != "capabilities"} == {
        "cpus": 1,
        "memory_mb": 64,
        "local_gb": 1,
        "cpu_arch": "x86_64",
    }


def test_the_image_is_removed_and_not_emptied(story: Story) -> None:
    assert "image_source" not in story.run.shown("after set up")["instance_info"]
    assert story.run["set up"]["node"]["image_source"] is None


def test_capabilities_are_merged_and_null_removes_one(story: Story) -> None:
    assert story.run["change"]["node"]["capabilities"] == {"boot_mode": "uefi", "iscsi_boot": "True", "row": "7"}
    assert not story.run["remove what is not there"]["changed"]


def test_reset_gives_the_conductors_default(story: Story) -> None:
    shown = story.run.shown("after reset")
    assert shown["storage_interface"] == "noop"
    assert shown["properties"]["capabilities"] == "boot_mode:uefi,row:7"
    assert story.run["reset"]["node"]["storage_interface"] == "noop"


def test_check_mode_tells_of_the_changes_and_shows_the_node_as_it_was(story: Story) -> None:
    would = story.run["check set up"]
    assert would["changed"]
    assert would["diff"]["before"]["image_source"] == "bfv-test"
    assert would["diff"]["after"] == {
        "storage_interface": "cinder",
        "boot_interface": "http-ipxe",
        "capabilities": "boot_mode:uefi,rack:r3,iscsi_boot:True",
        "image_source": None,
    }
    assert would["node"]["storage_interface"] == "noop"
    assert story.run["check change"]["node"] == story.run["set up"]["node"]
    assert story.run["check reset"]["node"] == story.run["change"]["node"]


def test_check_mode_makes_no_writing_request(story: Story) -> None:
    assert story.checks.writes == []
    assert sum(count for asked, count in story.checks.counts.items() if "/v1/nodes/" in asked) >= 4


def test_ironics_validation_of_each_interface_is_returned(story: Story) -> None:
    for validated in (story.run["validate"], story.run["validate in check mode"]):
        assert not validated["changed"]
        assert validated["validation"]["storage"] == {"result": True, "reason": None}
        assert {"boot", "deploy", "power", "storage"} <= validated["validation"].keys()


def test_storage_that_is_not_in_order_fails_with_ironics_reason(story: Story) -> None:
    refused = story.run["validate without a connector"]
    assert refused["failed"]
    assert "iqn" in refused["msg"]
    assert "connectors" in refused["msg"]


def test_interfaces_of_an_active_node_are_refused_with_the_remedy(story: Story) -> None:
    refused = story.run["interface of an active node"]
    assert refused["failed"]
    assert "active" in refused["msg"]
    assert "Undeploy it first" in refused["msg"]


def test_a_boot_interface_that_boots_no_volume_is_refused(story: Story) -> None:
    refused = story.run["interface that boots no volume"]
    assert refused["failed"]
    assert "http-ipxe" in refused["msg"]
