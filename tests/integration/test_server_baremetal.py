# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare-metal server by Nova on a node that our modules prepared: Nova makes the volume target, and ours leave it alone.

It gets another disk on the same node, the only one of its kind: Nova offers that again when it has seen that it is free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node
from .runs import Ansible, Run, task
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.extra]

RESOURCE_CLASS = "it-server-baremetal"


@pytest.fixture(scope="module")
def flavor(lab: Lab) -> Iterator[str]:
    """A flavor that only the lab's node offers."""
    body = {"name": lab.name("flavor"), "ram": 64, "vcpus": 1, "disk": 0}
    made = lab.nova_admin("POST", "/flavors", {"flavor": body})["flavor"]
    resources = {"resources:CUSTOM_IT_SERVER_BAREMETAL": "1"}
    specs = {**resources, "resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}
    lab.nova_admin("POST", f"/flavors/{made['id']}/os-extra_specs", {"extra_specs": specs})
    yield made["name"]
    lab.nova_admin("DELETE", f"/flavors/{made['id']}")


@dataclass(frozen=True)
class Story:
    node: Node
    booted: Run
    on_node: Json  # Ironic's view of the node while the server runs
    targets: list[Json]
    exchanged: Run
    then_on_node: Json
    then_targets: list[Json]
    removed: Run


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, flavor: str) -> Story:
    node, name = lab.node(), lab.name("server")
    lab.patch(node, "/resource_class", RESOURCE_CLASS)
    prepared = ansible.tasks(
        task(
            "storage",
            "bfv.openstack.baremetal_node_storage",
            cloud=SYSTEM,
            node=node.name,
            storage_interface="cinder",
            iscsi_boot=True,
        ),
        task("connector", "bfv.openstack.volume_connector", cloud=SYSTEM, node=node.name),
    )
    assert prepared.recap["localhost"]["ignored"] == 0, prepared.text
    lab.until_nova_knows(node)

    def server(title: str, **options: object) -> Json:
        return task(title, "bfv.openstack.bfv_server", cloud=PROJECT, name=name, **options)

    boot = {"boot": {"image": IMAGE, "delete_on_termination": True}, "flavor": flavor, "networks": "none"}
    target = {"cloud": SYSTEM, "volume_cloud": PROJECT, "node": node.name}
    booted = ansible.tasks(
        server("boot", **boot),
        server("boot again", **boot),
        task("target", "bfv.openstack.volume_target", volume=f"{name}-boot", **target),
        task("no target", "bfv.openstack.volume_target", state="absent", **target),
    )
    on_node, targets = lab.look(node), lab.targets(node)
    other = {"boot": {"volume": f"{name}-other", "delete_on_termination": True}}
    exchange = {**other, "on_boot_volume_change": "replace", "replace_may_lose": ["user_data"]}
    exchanged = ansible.tasks(
        task("other", "bfv.openstack.bfv_volume", cloud=PROJECT, name=f"{name}-other", image=IMAGE),
        server("exchange", **exchange),
        server("exchange again", **exchange),
    )
    then_on_node, then_targets = lab.look(node), lab.targets(node)
    removed = ansible.tasks(server("remove", state="absent"), server("remove again", state="absent"))
    return Story(node, booted, on_node, targets, exchanged, then_on_node, then_targets, removed)


def test_the_server_runs_on_the_prepared_node(story: Story) -> None:
    booted = story.booted["boot"]
    assert not booted["failed"], booted.get("msg")
    assert booted["server"]["status"] == "ACTIVE"
    assert (story.on_node["provision_state"], story.on_node["instance_uuid"]) == ("active", booted["server"]["id"])
    assert not story.booted["boot again"]["changed"]


def test_nova_makes_the_target(story: Story) -> None:
    (target,) = story.targets
    assert (target["volume_id"], target["boot_index"]) == (story.booted["boot"]["volume"]["id"], 0)
    assert target["properties"]["target_iqn"]


@pytest.mark.parametrize("title", ["target", "no target"])
def test_our_target_module_leaves_the_node_to_nova(story: Story, title: str) -> None:
    refused = story.booted[title]
    assert refused["failed"]
    assert "Nova" in refused["msg"]
    assert story.on_node["instance_uuid"] in refused["msg"]


def test_it_gets_another_disk_on_the_same_node_and_keeps_the_first(story: Story, lab: Lab) -> None:
    exchanged, first = story.exchanged["exchange"], story.booted["boot"]["volume"]
    assert not exchanged["failed"], exchanged["msg"]
    assert (story.then_on_node["provision_state"], story.then_on_node["instance_uuid"]) == ("active", exchanged["server"]["id"])
    (target,) = story.then_targets
    assert (target["volume_id"], target["boot_index"]) == (story.exchanged["other"]["volume"]["id"], 0)
    assert exchanged["kept_boot_volume"] == {"id": first["id"], "name": first["name"]}
    assert [volume["status"] for volume in lab.volumes(first["name"])] == ["available"]
    assert not story.exchanged["exchange again"]["changed"]


def test_a_removed_server_frees_the_node_and_its_volume(story: Story, lab: Lab) -> None:
    assert story.removed["remove"]["changed"], story.removed["remove"]
    assert not story.removed["remove again"]["changed"]
    until("the node to be free", lambda: lab.look(story.node)["provision_state"] == "available")
    assert lab.targets(story.node) == []
    until("the volume to be gone", lambda: lab.volumes(story.exchanged["other"]["volume"]["name"]) == [])
