# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbook bfv.openstack.drift: hosts that are not as their inventory has them fail, each with what differs, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, Run
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.extra]

DRIFT = "bfv.openstack.drift"
TELL = "Fail where the machine is not as the inventory has it"

# What is other than in the inventory, and the words that tell it.
NODES = {
    "storage": "storage_interface noop -> external",
    "boot": "boot_interface http-ipxe -> ipxe",
    "capability": "a run would set up the storage of node {name}: capabilities boot_mode:uefi -> boot_mode:uefi,iscsi_boot:True",
    "initiator": "iqn connector: connector_id iqn.2017-08.org.openstack.{uuid} -> iqn.2024-01.org.example:new",
    "no-connector": "a run would create the iqn connector of node {name} as iqn.2017-08.org.openstack.{uuid}",
    "no-target": "volume target 0 is missing",
    "lun": "volume target 0: target_lun 0 -> 1",
    "portal": "volume target 0: target_portal 192.0.2.10:3260 -> 192.0.2.11:3260",
    "undeployed": "a run would deploy node {name}",
    "volume": "volume target 0: volume_id ",
    "gone": "which Cinder does not show to this user",
    "size": "a run would grow the size from 1 to 2 GiB of volume {name}-root",
    "type": "volume {name}-root: volume_type is tgt, and __DEFAULT__ is wanted",
}
SERVERS = {
    "flavor": "its flavor is bfv.small, and bfv.medium is wanted",
    "disk": "is wanted. Permit the change with on_boot_volume_change: replace",
    "power": "a run would start server {name}",
    "metadata": "a run would set metadata rack of server {name}",
    "key": "key_name is none, and ",
}
OF_CINDER = ("volume", "gone", "size", "type", "order-cinder")


def wish(name: str) -> Json:
    """The variables of a node: a disk of Cinder, or of an array."""
    if any(f"-{what}-" in name for what in OF_CINDER):
        return {"baremetal_deploy_volumes": [{"name": f"{name}-root", "size": 1, "bootable": True}]}
    return {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_boot_interface": "ipxe",
        "baremetal_deploy_targets": [{"volume_id": str(uuid4()), **a_lun()}],
    }


@dataclass(frozen=True)
class Story:
    """An inventory that was deployed, what became other than it is in there, and what the playbook says of it."""

    nodes: dict[str, Node]
    servers: dict[str, str]
    run: Run
    order: Run
    again: Run
    asked: Proxy
    report: Path
    lost: str  # the attachment of a volume to a server that is not there

    def told(self, name: str) -> str:
        return str(self.run.hosts(TELL)[name]["msg"])


def in_maintenance(lab: Lab, node: Node, path: str, value: str) -> None:
    """What Ironic changes of an active node in maintenance only."""
    lab.ironic("PUT", f"/nodes/{node.uuid}/maintenance", {})
    lab.patch(node, path, value)
    lab.ironic("DELETE", f"/nodes/{node.uuid}/maintenance")


def forget(lab: Lab, node: Node, kind: str) -> None:
    lab.database(f"DELETE FROM {kind} WHERE node_id = (SELECT id FROM nodes WHERE uuid = '{node.uuid}')")


def lose(lab: Lab, name: str) -> None:
    """Delete a volume under the machine that runs from it."""
    (volume,) = lab.volumes(name)
    for attachment in volume["attachments"]:
        lab.act(lab.cinder_admin, volume["id"], "os-detach", {"attachment_id": attachment["attachment_id"]})
    lab.set_status(volume["id"], "available")
    lab.cinder("DELETE", f"/volumes/{volume['id']}")
    until(f"volume {name} to be gone", lambda: not lab.volumes(name))


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    whats = (*NODES, "order", "order-cinder")
    nodes = dict(zip(whats, lab.nodes(*whats), strict=True))
    servers = {what: lab.name(what) for what in (*SERVERS, "order-server")}
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    key = lab.name("key-pair")
    lab.key(key)
    groups: Json = {
        "baremetal": {
            "hosts": {node.name: wish(node.name) for node in nodes.values()},
            "vars": {"baremetal_deploy_cloud": SYSTEM, "baremetal_deploy_volume_cloud": PROJECT, **here},
        },
        "servers": {
            "hosts": {name: {"server_deploy_options": {"metadata": {"rack": "1"}}} for name in servers.values()},
            "vars": {
                "server_deploy_cloud": PROJECT,
                "server_deploy_defaults": {
                    "flavor": "bfv.small",
                    "boot": {"image": IMAGE},
                    "networks": "none",
                    "state": "started",
                },
                **here,
            },
        },
    }
    before = str(ansible.file("before.json", groups))
    for playbook in ("bfv.openstack.deploy", "bfv.openstack.server"):
        made = ansible.playbook(playbook, "-i", before)
        assert made.code == 0, made.text

    # What becomes other than it is in the inventory ...
    in_maintenance(lab, nodes["storage"], "/storage_interface", "noop")
    in_maintenance(lab, nodes["boot"], "/boot_interface", "http-ipxe")
    lab.patch(nodes["capability"], "/properties/capabilities", "boot_mode:uefi")
    forget(lab, nodes["no-connector"], "volume_connectors")
    forget(lab, nodes["no-target"], "volume_targets")
    lab.provision(nodes["undeployed"], "deleted", "available")
    lose(lab, f"{nodes['gone'].name}-root")
    ids = {what: lab.servers(name)[0]["id"] for what, name in servers.items()}
    lab.nova("POST", f"/servers/{ids['power']}/action", {"os-stop": None})
    lab.nova("DELETE", f"/servers/{ids['metadata']}/metadata/rack")
    until("the server to be off", lambda: lab.servers(servers["power"])[0]["status"] == "SHUTOFF")

    # ... and what the inventory has otherwise from now on
    after = deepcopy(groups)
    hosts, of_servers = after["baremetal"]["hosts"], after["servers"]["hosts"]
    hosts[nodes["initiator"].name]["baremetal_deploy_connectors"] = [{"connector_id": "iqn.2024-01.org.example:new"}]
    hosts[nodes["lun"].name]["baremetal_deploy_targets"][0]["target_lun"] = 1
    hosts[nodes["portal"].name]["baremetal_deploy_targets"][0]["target_portal"] = "192.0.2.11:3260"
    other = lab.volume(lab.name("other"))
    lab.act(lab.cinder, other["id"], "os-set_bootable", {"bootable": True})
    hosts[nodes["volume"].name]["baremetal_deploy_volumes"][0]["name"] = other["name"]
    hosts[nodes["size"].name]["baremetal_deploy_volumes"][0]["size"] = 2
    hosts[nodes["type"].name]["baremetal_deploy_volumes"][0]["volume_type"] = "__DEFAULT__"
    of_servers[servers["flavor"]]["server_deploy_options"]["flavor"] = "bfv.medium"
    of_servers[servers["disk"]]["server_deploy_options"]["boot"] = {"volume": other["id"]}
    of_servers[servers["key"]]["server_deploy_options"]["key_name"] = key

    lost = lab.volume(lab.name("lost"))
    lab.attach(lost["id"], str(uuid4()))
    (attachment,) = lab.cinder.list("/attachments", "attachments", volume_id=lost["id"])
    after["baremetal"]["vars"]["baremetal_deploy_wait_for"] = {"host": "192.0.2.1", "timeout": 600}  # nobody waits for it
    inventory = str(ansible.file("after.json", after))
    asked, report = new_proxy(), ansible.folder / "drift.html"
    order = ",".join(name for name in (nodes["order"].name, nodes["order-cinder"].name, servers["order-server"]))
    said = json.dumps({"drift_report": str(report)})
    run = ansible.playbook(DRIFT, "-i", inventory, "-e", said, environment=asked.environment)
    return Story(
        nodes,
        servers,
        run,
        ansible.playbook(DRIFT, "-i", inventory, "--limit", f"{order},localhost"),
        ansible.playbook(DRIFT, "-i", inventory, "--check", "--tags", "servers", "--limit", servers["order-server"]),
        asked,
        report,
        attachment["id"],
    )


@pytest.mark.parametrize("what", NODES)
def test_a_node_that_differs_fails_with_what_differs(story: Story, what: str) -> None:
    node = story.nodes[what]
    said = story.told(node.name)
    assert said.startswith(f"{node.name} is not as the inventory has it: ")
    assert NODES[what].format(name=node.name, uuid=node.uuid) in said


@pytest.mark.parametrize("what", SERVERS)
def test_a_server_that_differs_fails_with_what_differs(story: Story, what: str) -> None:
    name = story.servers[what]
    said = story.told(name)
    assert said.startswith(f"{name} is not as the inventory has it: ")
    assert SERVERS[what].format(name=name) in said


def test_hosts_that_are_in_order_stay_green(story: Story) -> None:
    order = {story.nodes["order"].name, story.nodes["order-cinder"].name, story.servers["order-server"]}
    every = {one.name for one in story.nodes.values()} | set(story.servers.values())
    assert {host for host, counts in story.run.recap.items() if counts["failed"]} == every - order
    assert {story.told(name) for name in order} == {f"{name} is as the inventory has it" for name in order}


def test_the_exit_status_tells_a_nightly_job(story: Story) -> None:
    assert (story.run.code, story.order.code, story.again.code) == (2, 0, 0), story.order.text


def test_nothing_is_written_with_or_without_check(story: Story) -> None:
    assert story.asked.writes == []
    assert any(one.startswith("GET compute") for one in story.asked.counts)


def test_one_host_keeps_no_other_from_being_looked_at(story: Story) -> None:
    looked_at = {one.name for one in story.nodes.values()} | set(story.servers.values())
    assert set(story.run.hosts(TELL)) == looked_at


@pytest.mark.parametrize("run", ["run", "order", "again"])
def test_left_overs_are_listed_with_the_command_and_let_no_host_fail(story: Story, run: str) -> None:
    stdout = getattr(story, run).stdout
    command = f"openstack --os-cloud {PROJECT} --os-volume-api-version 3.27 volume attachment delete {story.lost}"
    assert stdout.count(f"(item={command})") == 1


def test_the_report_says_what_would_be_done(story: Story) -> None:
    page = story.report.read_text(encoding="utf-8")
    assert '<h2 id="done">What would be done</h2>' in page
    assert f"deploy node {story.nodes['undeployed'].name}" in page
