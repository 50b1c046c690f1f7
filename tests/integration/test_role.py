# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.site and undeploy: an inventory of nodes, from nothing to active from their volumes, and back."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, Run, cli

SITE = "bfv.openstack.site"
UNDEPLOY = "bfv.openstack.undeploy"
TASK = "Bring the node where it should be"


@dataclass(frozen=True)
class Snapshot:
    """What Ironic and Cinder show at some time."""

    states: dict[str, str]
    targets: dict[str, list[Json]]
    connectors: dict[str, list[Json]]
    volumes: list[Json]


def snapshot(lab: Lab, nodes: dict[str, Node]) -> Snapshot:
    return Snapshot(
        {name: lab.look(node)["provision_state"] for name, node in nodes.items()},
        {name: lab.targets(node) for name, node in nodes.items()},
        {name: lab.connectors(node) for name, node in nodes.items()},
        [volume for name in nodes for volume in lab.volumes(f"{name}-root")],
    )


@dataclass(frozen=True)
class Story:
    """Three nodes, of which the last boots from an array without Cinder."""

    nodes: dict[str, Node]
    runs: dict[str, Run]
    seen: dict[str, Snapshot]
    asked: dict[str, Proxy]
    scripts: dict[str, str]
    by_cli: tuple[list[Json], list[Json]]  # nodes, volumes
    password: str

    @property
    def of_cinder(self) -> list[str]:
        return list(self.nodes)[:2]

    @property
    def external(self) -> str:
        return list(self.nodes)[2]


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    nodes = {node.name: node for node in lab.nodes("first", "second", "external")}
    *of_cinder, external = nodes
    password = f"chap-{secrets.token_hex(8)}"
    hosts: dict[str, Json] = {
        name: {"baremetal_deploy_volumes": [{"name": f"{name}-root", "image": IMAGE}]} for name in of_cinder
    }
    chap = {"chap_username": "it", "chap_password": password}
    hosts[external] = {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [{"volume_id": str(uuid4()), **a_lun(), "target_lun": lab.release.lun, **chap}],
    }
    inventory = ansible.inventory(hosts)
    runs, seen, asked = {}, {}, {}

    def run(name: str, playbook: str, *arguments: str) -> None:
        asked[name] = new_proxy()
        runs[name] = ansible.playbook(playbook, "-i", str(inventory), *arguments, environment=asked[name].environment)
        seen[name] = snapshot(lab, nodes)

    run("check", SITE, "--check", "--diff")
    run("deploy", SITE)
    scripts = {name: lab.boot_script(node) for name, node in nodes.items()}
    by_cli = (
        cli(SYSTEM, "baremetal", "node", "list", "--fields", "name", "provision_state", "storage_interface", "properties"),
        cli(PROJECT, "openstack", "volume", "list"),
    )
    run("deploy again", SITE)
    run("deploy one again", SITE, "--limit", of_cinder[0])
    run("check undeploy", UNDEPLOY, "--check", "-e", "baremetal_deploy_volumes_on_undeploy=delete")
    run("undeploy", UNDEPLOY)
    run("deploy from what was kept", SITE)
    run("undeploy and delete", UNDEPLOY, "-e", "baremetal_deploy_volumes_on_undeploy=delete")
    run("undeploy again", UNDEPLOY, "-e", "baremetal_deploy_volumes_on_undeploy=delete")
    return Story(nodes, runs, seen, asked, scripts, by_cli, password)


@pytest.mark.parametrize("name", ["check", "deploy", "deploy again", "deploy one again", "undeploy", "undeploy and delete"])
def test_the_run_succeeds(story: Story, name: str) -> None:
    assert story.runs[name].code == 0, story.runs[name].text


def test_a_check_before_shows_the_actions_of_each_node(story: Story) -> None:
    told = story.runs["check"].hosts(TASK)
    assert told.keys() == story.nodes.keys()
    for name in story.nodes:
        assert told[name]["changed"]
        assert told[name]["actions"][-1] == f"deploy node {name}"
        assert any("storage_interface noop -> " in action for action in told[name]["actions"])
    for name in story.of_cinder:
        assert told[name]["actions"][0] == f"create volume {name}-root (1 GiB, from image {IMAGE})"


def test_a_check_before_shows_a_diff_without_the_password(story: Story) -> None:
    stdout = story.runs["check"].stdout
    for name in story.nodes:
        assert f"+++ after: node {name}" in stdout
    assert "******" in stdout
    assert story.password not in stdout


@pytest.mark.parametrize("name", ["check", "check undeploy", "deploy again", "deploy one again", "undeploy again"])
def test_a_run_that_changes_nothing_makes_no_writing_request(story: Story, name: str) -> None:
    assert story.asked[name].writes == []
    assert any(asked.startswith("GET baremetal /v1/nodes") for asked in story.asked[name].counts)


def test_check_mode_changes_nothing(story: Story) -> None:
    assert set(story.seen["check"].states.values()) == {"available"}
    assert story.seen["check"].volumes == []
    assert story.seen["check undeploy"] == story.seen["deploy again"]


def test_every_node_becomes_active_from_its_volume(story: Story) -> None:
    seen = story.seen["deploy"]
    assert set(seen.states.values()) == {"active"}
    assert [volume["status"] for volume in seen.volumes] == ["in-use", "in-use"]
    for name, volume in zip(story.of_cinder, seen.volumes, strict=True):
        (target,) = seen.targets[name]
        assert target["volume_id"] == volume["id"]
        assert [attachment["server_id"] for attachment in volume["attachments"]] == [story.nodes[name].uuid]


def test_the_clis_show_the_same(story: Story) -> None:
    nodes = {node["name"]: node for node in story.by_cli[0] if node["name"] in story.nodes}
    volumes = {volume["Name"]: volume for volume in story.by_cli[1]}
    for name in story.nodes:
        assert nodes[name]["provision_state"] == "active"
        assert nodes[name]["storage_interface"] == ("external" if name == story.external else "cinder")
        assert nodes[name]["properties"]["capabilities"] == "boot_mode:uefi,iscsi_boot:True"
    for name in story.of_cinder:
        assert (volumes[f"{name}-root"]["Status"], volumes[f"{name}-root"]["Size"]) == ("in-use", 1)


def test_the_boot_script_has_portal_and_lun_of_the_target_and_the_connectors_name(story: Story, lab: Lab) -> None:
    for name, script in story.scripts.items():
        (target,), (connector,) = story.seen["deploy"].targets[name], story.seen["deploy"].connectors[name]
        to = target["properties"]
        host, port = to["target_portal"].split(":")
        assert f"sanhook --drive 0x80 iscsi:{host}::{port}:{to['target_lun']:x}:{to['target_iqn']}" in script
        assert f"set initiator-iqn {connector['connector_id']}" in script
    assert f"set password {story.password}" in story.scripts[story.external]
    assert f":3260:{lab.release.lun:x}:" in story.scripts[story.external]


def test_each_host_gets_the_result_of_its_node(story: Story) -> None:
    results = story.runs["deploy"].hosts(TASK)
    for name, node in story.nodes.items():
        result = results[name]
        assert (result["changed"], result["failed"], result["msg"]) == (True, False, "")
        assert (result["node"]["uuid"], result["node"]["provision_state"]) == (node.uuid, "active")
        assert result["actions"][-1] == f"deploy node {name}"
        assert [target["node_uuid"] for target in result["targets"]] == [node.uuid]
        assert [connector["node_uuid"] for connector in result["connectors"]] == [node.uuid]
        assert [volume["status"] for volume in result["volumes"]] == ([] if name == story.external else ["in-use"])


def test_a_second_run_changes_nothing(story: Story) -> None:
    recap = story.runs["deploy again"].recap
    assert {name: (counts["changed"], counts["failed"]) for name, counts in recap.items()} == dict.fromkeys(story.nodes, (0, 0))
    assert story.seen["deploy again"] == story.seen["deploy"]


@pytest.mark.parametrize("name", ["deploy", "deploy again", "undeploy"])
def test_a_host_costs_one_task_and_all_of_them_together_one_more(story: Story, name: str) -> None:
    recap = story.runs[name].recap
    assert {counts["ok"] for counts in recap.values()} == {1}
    assert sum(counts["skipped"] for counts in recap.values()) == 1


def test_each_host_counts_its_own_change_and_shows_its_own_diff(story: Story) -> None:
    assert {counts["changed"] for counts in story.runs["deploy"].recap.values()} == {1}
    for name, result in story.runs["check"].hosts(TASK).items():
        assert result["diff"]["after_header"] == f"node {name}"


def test_a_second_run_returns_the_same_keys(story: Story) -> None:
    first, second = story.runs["deploy"].hosts(TASK), story.runs["deploy again"].hosts(TASK)
    for host in story.nodes:
        assert second[host].keys() == first[host].keys()


def test_a_second_run_of_a_few_nodes_asks_for_each_thing_once(story: Story) -> None:
    """Many are read in bulk: test_bench and test_fleet_of_thirty count that. Of a few a list is asked for first, which is enough where it is
    short: the sandbox may have more nodes, of other tests."""
    counts = story.asked["deploy again"].counts
    each = len(story.nodes)
    alone = [f"GET baremetal /v1/nodes/{name}" for name in story.nodes]
    lists = {
        "GET baremetal /v1/nodes": 0,
        "GET baremetal /v1/volume/connectors": each,
        "GET baremetal /v1/volume/targets": each,
        "GET block-storage /v3/volumes/detail": len(story.of_cinder),
    }
    assert {path: counts[path] for path in lists if counts[path] not in (1, 1 + lists[path])} == {}
    assert [counts[path] for path in alone] in ([0] * each, [1] * each)
    once = {"GET image /v2/images": 1, "POST identity /v3/auth/tokens": 2}  # a token for each cloud
    assert {path: counts[path] for path in once} == once
    versions = {"GET identity /v3", "GET baremetal /", "GET block-storage /v3/", "GET image /"}
    assert counts.keys() - lists.keys() - set(alone) - once.keys() <= versions


def test_waiting_for_a_few_nodes_asks_for_them_and_never_for_all(story: Story) -> None:
    asked = story.asked["deploy"].counts
    assert asked["GET baremetal /v1/nodes"] == 1  # before the first write, to see whether there are few
    assert [one for one in asked if one.startswith("GET block-storage /v3/volumes/") and not one.endswith("/detail")] == []


def test_every_node_is_validated_before_it_is_deployed(story: Story) -> None:
    asked = [str(one) for one in story.asked["deploy"].requests]
    for node in story.nodes.values():
        validated = asked.index(f"GET baremetal /v1/nodes/{node.uuid}/validate")
        assert validated < asked.index(f"PUT baremetal /v1/nodes/{node.uuid}/states/provision")


def test_an_undeployment_takes_the_targets_and_leaves_connectors_and_volumes(story: Story) -> None:
    before, after = story.seen["deploy"], story.seen["undeploy"]
    assert set(after.states.values()) == {"available"}
    assert set(map(len, after.targets.values())) == {0}
    assert after.connectors == before.connectors
    assert [volume["id"] for volume in after.volumes] == [volume["id"] for volume in before.volumes]
    assert [volume["status"] for volume in after.volumes] == ["available", "available"]


def test_the_next_deployment_boots_from_the_volumes_that_were_kept(story: Story) -> None:
    before, after = story.seen["deploy"], story.seen["deploy from what was kept"]
    assert set(after.states.values()) == {"active"}
    assert [volume["id"] for volume in after.volumes] == [volume["id"] for volume in before.volumes]
    for name in story.of_cinder:
        assert [target["volume_id"] for target in after.targets[name]] == [target["volume_id"] for target in before.targets[name]]
    assert "POST block-storage" not in " ".join(story.asked["deploy from what was kept"].writes)


def test_an_undeployment_deletes_the_volumes_when_told_to(story: Story) -> None:
    after = story.seen["undeploy and delete"]
    assert set(after.states.values()) == {"available"}
    assert after.volumes == []
    assert set(map(len, after.connectors.values())) == {1}


def test_a_second_undeployment_changes_nothing(story: Story) -> None:
    recap = story.runs["undeploy again"].recap
    assert {name: (counts["changed"], counts["failed"]) for name, counts in recap.items()} == dict.fromkeys(story.nodes, (0, 0))


def test_deploying_writes_only_what_is_needed(story: Story) -> None:
    (connectors, targets, volumes) = (
        "POST baremetal /v1/volume/connectors",
        "POST baremetal /v1/volume/targets",
        "POST block-storage /v3/volumes",
    )
    mark = "POST block-storage /v3/volumes/ID/metadata"  # that it was made here, in each new volume
    needed = Counter({connectors: 3, targets: 3, volumes: 2, mark: 2})
    for node in story.nodes.values():
        needed[f"PATCH baremetal /v1/nodes/{node.uuid}"] = 1
        needed[f"PUT baremetal /v1/nodes/{node.uuid}/states/provision"] = 1
    asked = Counter(re.sub(r"/volumes/[^/]+/", "/volumes/ID/", write) for write in story.asked["deploy"].writes)
    assert asked == needed
