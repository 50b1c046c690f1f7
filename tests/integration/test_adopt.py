# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running cloud becomes an inventory: what is there is written to a file, and a run with that file changes nothing.

Whoever made the nodes: the command line clients, openstack.cloud, Nova, or this collection.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import pytest

from .adoption import Adoption, adoption
from .lab import IMAGE, LUN, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .runs import Ansible, Run, cli, cli_text, task
from .waiting import until

pytestmark = pytest.mark.extra

DEPLOY, UNDEPLOY = "bfv.openstack.deploy", "bfv.openstack.undeploy"
PASSWORD = "hunter2-of-the-array"
PORTALS = ["192.0.2.10:3260", "192.0.2.11:3260"]
PATHS = {"target_iqn": LUN["target_iqn"], "target_portals": PORTALS, "target_lun": LUN["target_lun"]}
TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'id') }}"


def of_array(lab: Lab, name: str) -> str:
    """What Ironic knows a LUN by, for want of an id of Cinder's."""
    return str(UUID(bytes=(lab.prefix + name).encode()[-16:].rjust(16)))


def vault(node: Node, password: str = PASSWORD, place: str = "") -> dict[str, str]:
    """The variable that is asked for in place of the password."""
    return {f"vault_{node.name.replace('-', '_')}_chap_password{place}": password}


# Nodes


@dataclass(frozen=True)
class Nodes:
    made: Mapping[str, Node]
    adoption: Adoption
    text: str
    before: Json
    runs: tuple[Run, ...]
    after: Json
    known: Mapping[str, str]  # the passwords
    targets: list[Json]  # of the node with passwords


def seen(lab: Lab, node: Node) -> Json:
    """All that a run could have changed, by the times of Ironic's records."""
    records = [lab.look(node), *lab.connectors(node), *lab.targets(node)]
    return {one["uuid"]: one["updated_at"] for one in records}


def in_order(lab: Lab, node: Node) -> list[Json]:
    """The node's targets, whoever made them and when."""
    words = ("boot_index", "volume_id", "volume_type", "properties", "extra")
    return sorted(({word: one[word] for word in words} for one in lab.targets(node)), key=lambda one: one["boot_index"])


def by_cli(lab: Lab, node: Node, storage: str, *targets: tuple[str, Json], deploys: bool = True) -> None:
    """Set a node up as Ironic's guide says."""
    capabilities = "capabilities=boot_mode:uefi,iscsi_boot:True"
    cli_text(SYSTEM, "baremetal", "node", "set", node.uuid, "--storage-interface", storage, "--property", capabilities)
    connector = ("--type", "iqn", "--connector-id", f"iqn.2017-08.org.openstack.{node.uuid}")
    cli(SYSTEM, "baremetal", "volume", "connector", "create", "--node", node.uuid, *connector)
    for place, (volume_id, properties) in enumerate(targets):
        options = [word for name, value in properties.items() for word in ("--property", f"{name}={json.dumps(value)}")]
        target = ("--type", "iscsi", "--boot-index", str(place), "--volume-id", volume_id)
        cli(SYSTEM, "baremetal", "volume", "target", "create", "--node", node.uuid, *target, *options)
    state = "" if deploys else "as it is"
    while state in ("", "deploy failed"):  # with several volumes of Cinder Ironic needs a second time: see deployment.py
        cli_text(SYSTEM, "baremetal", "node", "deploy", node.uuid)
        ends = ("active",) if state else ("active", "deploy failed")
        state = until(f"node {node.name}", lambda ends=ends: _landed(lab, node, ends))


def _landed(lab: Lab, node: Node, ends: tuple[str, ...]) -> str:
    state = lab.look(node)["provision_state"]
    return state if state in ends else ""


def by_openstack_cloud(lab: Lab, ansible: Ansible, name: str) -> Node:
    """A node by the modules of openstack.cloud, which know no connectors and targets."""
    options = {
        "name": name,
        "driver": "fake-hardware",
        "driver_info": {"deploy_kernel": "file:///dev/null", "deploy_ramdisk": "file:///dev/null"},
        "nics": [{"mac": f"52:54:01:{secrets.token_bytes(3).hex(':')}"}],
        "storage_interface": "external",
        "properties": {"cpus": 1, "capabilities": "iscsi_boot:true,boot_mode:bios"},
    }
    made = ansible.tasks(task("node", "openstack.cloud.baremetal_node", cloud=SYSTEM, **options))
    assert not made["node"]["failed"], made.text
    node = Node(made["node"]["node"]["id"], name)
    lab.power(node, "power off")  # a new one's is unknown
    lab.connector(node, f"iqn.2017-08.org.openstack.{node.uuid}")
    lab.target(node, of_array(lab, "openstack"), **a_lun())
    options = {"name": name, "instance_info": {}}
    deployed = ansible.tasks(task("deploy", "openstack.cloud.baremetal_node_action", cloud=SYSTEM, **options))
    assert not deployed["deploy"]["failed"], deployed.text
    return node


def fibre_channel(lab: Lab, node: Node) -> None:
    """Fake hardware cannot be told to boot from a disk, so it rests."""
    lab.patch(node, "/storage_interface", "external")
    lab.patch(node, "/properties/capabilities", "boot_mode:uefi,fibre_channel_boot:True")
    for kind in ("wwpn", "wwnn"):
        lab.connector(node, f"50:01:43:80:{node.uuid[:2]}:{node.uuid[2:4]}:3f:aa", kind)
    body = {"node_uuid": node.uuid, "volume_type": "fibre_channel", "boot_index": 0, "volume_id": of_array(lab, "fibre")}
    lab.ironic("POST", "/volume/targets", {**body, "properties": {"access_mode": "rw"}})


@pytest.fixture(scope="module")
def nodes(lab: Lab, ansible: Ansible) -> Iterator[Nodes]:
    kinds = ("cli", "array", "role", "fibre", "prepared", "bare", "local")
    made = dict(zip(kinds, lab.nodes(*kinds), strict=True))
    made["dotted"] = dotted = made.pop("array")
    lab.patch(dotted, "/name", f"{dotted.name}.example.org")
    made["dotted"] = Node(dotted.uuid, f"{dotted.name}.example.org")
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    root, data, evil = (lab.name(what) for what in ("root", "data", "evil"))
    wanted = {root: {"imageRef": image["id"]}, data: {}, evil: {"imageRef": image["id"]}}
    with ThreadPoolExecutor(3) as pool:
        volumes = dict(zip(wanted, pool.map(lambda name: lab.volume(name, **wanted[name])["id"], wanted), strict=True))
    lab.cinder("PUT", f"/volumes/{volumes[evil]}", {"volume": {"name": evil + TEMPLATE}})
    chap = {"auth_username": "array", "auth_password": PASSWORD}
    by_cli(lab, made["cli"], "cinder", (volumes[root], {}), (volumes[data], {}))
    disks = [{**PATHS, **chap}, {**LUN, "target_lun": 1, **chap}]
    by_cli(lab, made["dotted"], "external", *((of_array(lab, f"lun {place}"), one) for place, one in enumerate(disks)))
    by_cli(lab, made["prepared"], "cinder", (volumes[evil], {}), deploys=False)
    fibre_channel(lab, made["fibre"])
    lab.patch(made["local"], "/instance_info/image_source", "http://192.0.2.10/disk.qcow2")
    made["openstack"] = by_openstack_cloud(lab, ansible, lab.name("openstack"))
    own = {"baremetal_deploy_volumes": [{"name": lab.name("own"), "image": IMAGE}]}
    assert ansible.playbook(DEPLOY, "-i", str(ansible.inventory({made["role"].name: own}))).code == 0
    for node in made.values():
        lab.ironic_now("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": "/owner", "value": f"{lab.prefix}owner"}])
    unnamed = made["cli"]
    lab.ironic("PATCH", f"/nodes/{unnamed.uuid}", [{"op": "remove", "path": "/name"}])
    made["cli"] = Node(unnamed.uuid, unnamed.uuid)
    try:
        yield round_trip(lab, ansible, made)
    finally:
        lab.patch(unnamed, "/name", unnamed.name)  # by which it is removed


def round_trip(lab: Lab, ansible: Ansible, made: Mapping[str, Node]) -> Nodes:
    adopts = adoption(
        ansible, "ironic", cloud=SYSTEM, volume_cloud=PROJECT, deploy_variables=True, filters={"owner": f"{lab.prefix}owner"}
    )
    text = adopts.write()
    name = made["dotted"].name.replace(".", "__")
    known = vault(Node("", name)) | vault(Node("", name), place="_1")
    before = {kind: seen(lab, node) for kind, node in made.items()}
    runs = tuple(adopts.play(DEPLOY, **known) for _look in ("first", "second"))
    prepared = [{"hosts": "baremetal_prepared", "gather_facts": False, "roles": ["bfv.openstack.baremetal_deploy"]}]
    runs += (adopts.play(str(ansible.file("prepared.yml", prepared)), **known),)
    after = {kind: seen(lab, node) for kind, node in made.items()}
    return Nodes(made, adopts, text, before, runs, after, known, in_order(lab, made["dotted"]))


DEPLOYED = ("cli", "dotted", "role", "openstack")
RESTING = ("prepared", "bare", "fibre")


def test_a_run_with_what_is_there_changes_nothing(nodes: Nodes) -> None:
    expected = [DEPLOYED, DEPLOYED, RESTING]
    for run, kinds in zip(nodes.runs, expected, strict=True):
        assert run.code == 0, run.text
        assert {host: (count["changed"], count["failed"]) for host, count in run.recap.items()} == {
            nodes.made[kind].name: (0, 0) for kind in kinds
        }
    assert nodes.after == nodes.before


def test_a_node_that_boots_otherwise_is_listed_and_left_alone(nodes: Nodes) -> None:
    (left,) = nodes.adoption.groups["ungrouped"].items()
    assert left[0] == nodes.made["local"].name
    assert left[1].keys() == {"baremetal_deploy_left_alone"}
    assert "image_source" in left[1]["baremetal_deploy_left_alone"]


def test_each_node_is_told_as_it_is(nodes: Nodes, lab: Lab) -> None:
    hosts = {
        kind: {name.removeprefix("baremetal_deploy_"): value for name, value in nodes.adoption.groups[group][node.name].items()}
        for kinds, group in ((DEPLOYED, "baremetal"), (RESTING, "baremetal_prepared"))
        for kind, node in ((kind, nodes.made[kind]) for kind in kinds)
    }
    assert [(one["cloud"], one["volume_cloud"]) for one in hosts.values()] == [(SYSTEM, PROJECT)] * len(hosts)
    assert [len(one["volumes"]) for one in (hosts["cli"], hosts["role"], hosts["prepared"])] == [2, 1, 1]
    assert hosts["openstack"]["capabilities"] == {"iscsi_boot": True, "boot_mode": "bios"}
    assert [one["type"] for one in hosts["fibre"]["connectors"]] == ["wwpn", "wwnn"]
    assert hosts["fibre"]["targets"][0]["properties"] == {"access_mode": "rw"}
    first, second = hosts["dotted"]["targets"]
    assert first["target_portals"] == PORTALS
    assert [first["chap_password"], second["chap_password"]] == [f"{{{{ {name} | default(omit) }}}}" for name in nodes.known]
    assert hosts["bare"]["connectors"] == []


def test_the_file_has_no_secret_and_no_template_of_the_clouds(nodes: Nodes) -> None:
    assert PASSWORD not in nodes.text
    assert "***" not in nodes.text
    assert TEMPLATE not in nodes.text
    assert "uid=" not in nodes.text + "".join(run.text for run in nodes.runs)


def test_passwords_that_nobody_gives_are_missed_when_they_are_needed(nodes: Nodes, lab: Lab) -> None:
    node = nodes.made["dotted"]
    limit = ("--limit", node.name)
    run = nodes.adoption.play(DEPLOY, *limit)
    assert (run.code, run.recap[node.name]["changed"]) == (0, 0), run.text
    assert nodes.adoption.play(UNDEPLOY, *limit).code == 0
    run = nodes.adoption.play(DEPLOY, *limit)
    assert run.code != 0
    assert "its CHAP user is array, and there is no password. Give chap_password." in run.text
    assert (lab.look(node)["provision_state"], lab.targets(node)) == ("available", [])


def test_the_file_brings_a_node_back(nodes: Nodes, lab: Lab) -> None:
    node = nodes.made["dotted"]
    run = nodes.adoption.play(DEPLOY, "--limit", node.name, **nodes.known)
    assert run.code == 0, run.text
    assert lab.look(node)["provision_state"] == "active"
    assert in_order(lab, node) == nodes.targets
    assert PASSWORD in lab.boot_script(node)
