# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.bfv_info with Ironic and Cinder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import IMAGE, LUN, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, Run, Task, task

MODULE = "bfv.openstack.bfv_info"
SECRET = "hunter2-of-the-array"


def info(title: str, /, proxy: str | None = None, check: bool = False, **options: object) -> Task:
    return task(title, MODULE, check=check, proxy=proxy, cloud=SYSTEM, **options)


@dataclass(frozen=True)
class Story:
    run: Run
    nodes: dict[str, Node]
    asked: dict[str, Proxy]
    volume_id: str

    def told(self, title: str) -> dict[str, Json]:
        """What the task told of each of our nodes."""
        names = {node.name: what for what, node in self.nodes.items()}
        return {names[node["name"]]: node for node in self.run[title]["nodes"] if node["name"] in names}


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    whats = ("active", "bare", "array", "broken", "cinder")
    nodes = dict(zip(whats, lab.nodes(*whats), strict=True))
    lab.deploy(nodes["active"])
    lab.set_up(nodes["array"])
    lab.target(nodes["array"], str(uuid4()), **a_lun(), auth_username="array", auth_password=SECRET)
    broken = nodes["broken"]
    lab.patch(broken, "/storage_interface", "external")
    lab.patch(broken, "/properties/capabilities", "boot_mode:uefi, iscsi_boot:True,secure")
    lab.patch(broken, "/instance_info/image_source", "http://images.example/debian.raw")
    lab.connector(broken, broken.uuid)
    lab.target(broken, str(uuid4()), **{**LUN, "target_lun": "0"})
    lab.ironic("PUT", f"/nodes/{broken.uuid}/maintenance", {"reason": "it is broken"})
    lab.set_up(nodes["cinder"], storage="cinder")
    volume = lab.volume(lab.name("root"), imageRef=lab.glance.list("/images", "images", name=IMAGE)[0]["id"])["id"]
    lab.target(nodes["cinder"], volume)
    lab.attach(volume, str(uuid4()))
    asked = {title: new_proxy() for title in ("all", "with volumes", "by state", "one")}
    mine = [node.name for node in nodes.values()]
    run = ansible.tasks(
        info("all", proxy=asked["all"].url),
        info("with volumes", proxy=asked["with volumes"].url, volumes=True, volume_cloud=PROJECT),
        info("check", check=True, nodes=mine),
        info("one", proxy=asked["one"].url, nodes=[nodes["active"].uuid]),
        info("by state", proxy=asked["by state"].url, filters={"provision_state": "active", "resource_class": "it"}),
        info("ready", filters={"ready": True, "storage_interface": ["external"]}),
        info("unknown", nodes=["it-nix", nodes["bare"].name, "it-nox"]),
        info("no such state", filters={"provision_state": ["resting"]}),
        arguments=("--diff", "-vvv"),
    )
    return Story(run, nodes, asked, volume)


def test_nodes_that_are_in_order_are_ready(story: Story) -> None:
    told = story.told("all")
    assert {what: node["ready"] for what, node in told.items()} == {
        "active": True,
        "array": True,
        "cinder": True,  # Cinder was not asked
        "bare": False,
        "broken": False,
    }
    assert [node["reasons"] for node in told.values() if node["ready"]] == [[]] * 3


def test_a_node_as_it_comes_lacks_all_that_booting_from_a_volume_takes(story: Story) -> None:
    words = ("storage interface noop", "no iscsi_boot:True", "no iqn connector", "no volume target with boot_index 0")
    reasons = story.told("all")["bare"]["reasons"]
    assert [word for word, reason in zip(words, reasons, strict=True) if word not in reason] == []


def test_every_defect_is_a_reason_of_its_own(story: Story) -> None:
    words = (
        "it is in maintenance",
        'image_source "http://images.example/debian.raw"',
        'capability "secure" is not name:value',
        'capability " iscsi_boot" has spaces',
        "its iqn connector is malformed",
        'its target_lun is the text "0"',
    )
    reasons = story.told("all")["broken"]["reasons"]
    assert [word for word, reason in zip(words, reasons, strict=True) if word not in reason] == []
    assert story.told("all")["broken"]["maintenance_reason"] == "it is broken"


def test_ironic_itself_agrees_about_what_is_ready(story: Story, lab: Lab) -> None:
    """And finds less: it does not look at the LUN, nor at spaces and images."""
    for what, node in story.told("all").items():
        said = lab.ironic("GET", f"/nodes/{node['uuid']}/validate")
        if node["ready"]:
            assert said["storage"]["result"], what
            assert said["boot"]["result"], what


def test_a_volume_that_is_in_use_elsewhere_is_a_reason_once_cinder_is_asked(story: Story) -> None:
    (reason,) = story.told("with volumes")["cinder"]["reasons"]
    assert "is attached to" in reason
    (volume,) = story.told("with volumes")["cinder"]["volumes"]
    assert (volume["id"], volume["status"], volume["bootable"]) == (story.volume_id, "in-use", True)
    assert story.told("all")["cinder"]["volumes"] == []


def test_a_password_is_masked(story: Story) -> None:
    (target,) = story.told("all")["array"]["targets"]
    assert target["properties"]["auth_password"] == "******"
    assert SECRET not in story.run.text


def without_instances(proxy: Proxy) -> dict[str, int]:
    """How often what was asked, but for whose a node with an instance is: other tests may have such nodes at that moment."""
    instances = ("/v1/allocations", " compute ")
    return {path: count for path, count in proxy.counts.items() if not any(words in path for words in instances)}


def test_a_handful_of_requests_whatever_the_number_of_nodes(story: Story) -> None:
    lists = {
        "GET baremetal /v1/nodes": 1,
        "GET baremetal /v1/volume/connectors": 1,
        "GET baremetal /v1/volume/targets": 1,
        "GET baremetal /v1/ports": 1,
        "GET baremetal /v1/conductors": 1,
    }
    counts = without_instances(story.asked["all"])
    assert {path: count for path, count in counts.items() if "/v1/" in path and "baremetal" in path} == lists
    assert sum(counts.values()) <= 8  # with the token and the versions
    counts = without_instances(story.asked["with volumes"])
    assert sum(count for path, count in counts.items() if path.endswith("/volumes/detail")) == 1
    assert sum(counts.values()) <= 16  # two clouds, two tokens


def test_ironic_filters_what_it_can(story: Story) -> None:
    # A set: on a busy machine a lost connection may be tried again.
    (query,) = {one.query for one in story.asked["by state"].requests if one.path == "/v1/nodes"}
    assert {"provision_state=active", "resource_class=it"} <= set(query.split("&"))
    assert set(story.told("by state")) == {"active"}
    assert {node["provision_state"] for node in story.run["by state"]["nodes"]} == {"active"}
    assert set(story.told("ready")) == {"active", "array"}


def test_a_node_that_is_named_is_read_by_itself(story: Story) -> None:
    assert set(story.told("one")) == {"active"}
    assert story.run["one"]["nodes"] == [story.told("all")["active"]]
    assert "GET baremetal /v1/nodes" not in story.asked["one"].counts


def test_nothing_is_written(story: Story) -> None:
    assert [proxy.writes for proxy in story.asked.values()] == [[]] * len(story.asked)
    assert [story.run[title]["changed"] for title in ("all", "check", "one")] == [False] * 3
    assert set(story.told("check")) == set(story.nodes)


def test_unknown_nodes_and_states_give_one_line(story: Story) -> None:
    assert story.run["unknown"]["failed"]
    assert story.run["unknown"]["msg"].startswith("Failed to find node it-nix, it-nox: ")
    assert story.run["no such state"]["msg"].startswith("Failed to read the nodes: Ironic says «Provision state")
    assert "Traceback" not in story.run.text
