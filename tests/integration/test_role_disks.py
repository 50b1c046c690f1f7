# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.deploy from empty disks: looked at before anything is written to Ironic, filled, and given each node's own data."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..unit import disks
from .array import Lun, running
from .lab import Json, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run

DEPLOY = "bfv.openstack.deploy"
UNDEPLOY = "bfv.openstack.undeploy"
SAY = "Say why the node could not boot from the disk"
LOOK = "Look at the disk as the node will see it"
ADDRESSES = ("127.61.8.1", "127.61.8.2")
MIB = 1024**2
SECRET = "a-word-that-nobody-sees"


@dataclass
class Rack:
    """Nodes whose disks are LUNs of an array, each for its own node's initiator."""

    lab: Lab
    nodes: dict[str, Node]
    luns: dict[str, Lun]
    files: dict[str, Path]
    image: Path

    def host(self, what: str, **variables: object) -> Json:
        """What the inventory says of a node."""
        return {
            "baremetal_deploy_storage_interface": "external",
            "baremetal_deploy_targets": [self.luns[what].target(volume_id=f"lun-{what}")],
            "baremetal_deploy_node": self.nodes[what].name,
            **variables,
        }


@pytest.fixture(scope="module")
def rack(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder = tmp_path_factory.mktemp("array")
    image = folder / "image.raw"
    image.write_bytes(disks.bootable(24, more=os.urandom(3 * MIB)))
    bios = disks.dos(8, [(disks.Part(1, 6), 0x83)])
    contents = {
        "blank": b"",
        "filled": b"",
        "wrong": b"",
        "bios": bios,
        "data": b"somebody's data" * 100,
        "whole": image.read_bytes(),
    }
    with running(folder, ADDRESSES, folder / "array.log") as array:
        nodes, luns, files = {}, {}, {}
        for what, node in zip(contents, lab.nodes(*contents), strict=True):
            files[what] = folder / f"{what}.raw"
            files[what].write_bytes(contents[what])
            os.truncate(files[what], 64 * MIB)
            nodes[what] = node
            luns[what] = array.export(what, files[what], f"iqn.2017-08.org.openstack.{node.uuid}")
        yield Rack(lab, nodes, luns, files, image)


@dataclass(frozen=True)
class Looked:
    run: Run
    asked: Proxy
    seconds: float


@pytest.fixture(scope="module")
def looked(rack: Rack, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Looked:
    """Six disks, of which a node could boot from one."""
    hosts = {what: rack.host(what) for what in rack.nodes}
    hosts["wrong"]["baremetal_deploy_targets"][0]["chap_password"] = "not-the-password"
    dead = {"target_portals": [*rack.luns["whole"].portals[:1], f"{ADDRESSES[0]}:3261"]}
    hosts["whole"]["baremetal_deploy_targets"][0].update(dead)
    proxy = new_proxy()
    inventory = ansible.inventory(
        hosts, baremetal_deploy_probe=True, baremetal_deploy_capabilities={"iscsi_boot": True, "boot_mode": "uefi"}
    )
    began = time.monotonic()
    run = ansible.playbook(DEPLOY, "-i", str(inventory), "-f", "6", environment=proxy.environment)
    return Looked(run, proxy, time.monotonic() - began)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("blank", "its boot disk is blank"),
        ("filled", "its boot disk is blank"),
        ("wrong", "refuses user array-wrong or the password"),
        ("bios", "its boot mode is uefi, and its boot disk is for bios only"),
        ("data", "neither BIOS nor UEFI could boot"),
    ],
)
def test_a_node_that_could_not_boot_is_left_as_it_is(looked: Looked, rack: Rack, what: str, words: str) -> None:
    assert looked.run.recap[what]["failed"] == 1
    message = looked.run.hosts(SAY)[what]["msg"]
    assert words in message
    assert "Nothing of the node was changed in Ironic" in message
    node = rack.nodes[what]
    assert rack.lab.look(node)["provision_state"] == "available"
    assert rack.lab.look(node)["storage_interface"] != "external"
    assert rack.lab.targets(node) == rack.lab.connectors(node) == []
    writes = [
        one for one in looked.asked.requests if one.service == "baremetal" and one.method != "GET" and node.uuid in one.path
    ]
    assert writes == []


def test_the_others_are_deployed_and_a_dead_path_is_told(looked: Looked, rack: Rack) -> None:
    assert rack.lab.look(rack.nodes["whole"])["provision_state"] == "active"
    assert "one path less" in looked.run.text
    (target,) = rack.lab.targets(rack.nodes["whole"])
    assert len(target["properties"]["target_portals"]) == 2


@dataclass(frozen=True)
class Filled:
    runs: dict[str, Run]
    contents: dict[str, bytes]


@pytest.fixture(scope="module")
def filled(rack: Rack, ansible: Ansible) -> Filled:
    """Two blank disks, from nothing to active, and a node whose own data change while it is off."""
    both = ("blank", "filled")

    def inventory(of: tuple[str, ...], rack_name: str) -> str:
        hosts = {
            what: rack.host(what, baremetal_deploy_seed={"hostname": what, "meta": {"rack": rack_name}, "user_data": SECRET})
            for what in of
        }
        return str(ansible.inventory(hosts, baremetal_deploy_image=str(rack.image)))

    first, second = inventory(both, "rack-1"), inventory(both, "rack-2")
    runs, contents = {}, {}
    for title, play, given, *options in (
        ("check", DEPLOY, first, "--check", "--diff"),
        ("deploy", DEPLOY, first, "--diff", "-vvv"),
        ("again", DEPLOY, first, "--diff"),
        ("other data while it is on", DEPLOY, second),
        ("undeploy", UNDEPLOY, first),
        ("other data", DEPLOY, second),
    ):
        runs[title] = ansible.playbook(play, "-i", given, *options)
        assert runs[title].code == 0, runs[title].text
        contents[title] = rack.files["blank"].read_bytes()
    return Filled(runs, contents)


def test_blank_disks_become_machines_in_one_run(filled: Filled, rack: Rack) -> None:
    for what in ("blank", "filled"):
        assert len(filled.runs["deploy"].hosts(LOOK)[what]["actions"]) == 2
        assert filled.runs["again"].recap[what]["changed"] == 0
        assert rack.lab.look(rack.nodes[what])["provision_state"] == "active"


def test_check_mode_tells_and_writes_nothing(filled: Filled) -> None:
    assert filled.runs["check"].hosts(LOOK)["blank"]["actions"] == filled.runs["deploy"].hosts(LOOK)["blank"]["actions"]
    assert not any(filled.contents["check"])


def test_each_disk_has_its_own_nodes_data(filled: Filled, rack: Rack) -> None:
    start, end = 2 * MIB, 4 * MIB
    blank, other = (filled.contents["deploy"], rack.files["filled"].read_bytes())
    assert blank[end:] == other[end:]
    assert blank[start:end] != other[start:end]


def test_other_data_wait_until_the_node_is_off_and_are_written_alone(filled: Filled) -> None:
    assert filled.contents["other data while it is on"] == filled.contents["again"]
    (action,) = filled.runs["other data"].hosts(LOOK)["blank"]["actions"]
    assert "the node's own data" in action


def test_no_secret_is_shown(filled: Filled, looked: Looked, rack: Rack) -> None:
    shown = "".join(run.text for run in (*filled.runs.values(), looked.run))
    assert SECRET not in shown
    assert "not-the-password" not in shown
    assert not any(lun.password in shown for lun in rack.luns.values())


def test_a_node_that_is_switched_on_is_not_looked_at(lab: Lab, ansible: Ansible, rack: Rack) -> None:
    node = lab.node("on")
    lab.power(node, "power on")
    host = {**rack.host("wrong"), "baremetal_deploy_node": node.name}
    run = ansible.playbook(DEPLOY, "-i", str(ansible.inventory({"on": host}, baremetal_deploy_probe=True)))
    assert run.recap["on"]["failed"] == 1
    assert (
        "its power state is power on. Nothing was changed. Switch it off" in run["Refuse a node that may be switched on"]["msg"]
    )
    assert lab.targets(node) == []


def test_the_disk_of_another_node_is_left_alone(lab: Lab, ansible: Ansible, rack: Rack, looked: Looked) -> None:
    """An inventory with a mistake: a new node asks for the LUN from which another one runs, or two for the same one."""
    node = lab.node("twin")
    twin = rack.host(
        "whole", baremetal_deploy_node=node.name, baremetal_deploy_image=str(rack.image), baremetal_deploy_seed={"hostname": "x"}
    )
    # The array is no help where it admits both.
    twin["baremetal_deploy_connectors"] = [{"connector_id": f"iqn.2017-08.org.openstack.{rack.nodes['whole'].uuid}"}]
    other = rack.host("data", baremetal_deploy_seed={"hostname": "y"})
    same = {**other, "baremetal_deploy_node": rack.nodes["bios"].name}
    before = {what: rack.files[what].read_bytes() for what in ("whole", "data")}
    run = ansible.playbook(DEPLOY, "-i", str(ansible.inventory({"twin": twin, "one": other, "same": same})))
    told = {host: result["msg"] for host, result in run.hosts("Refuse to write to a disk that is another node's as well").items()}
    assert f"that of {rack.nodes['whole'].name} as well" in told["twin"]
    assert "that of same as well" in told["one"]
    assert "that of one as well" in told["same"]
    assert {what: rack.files[what].read_bytes() for what in before} == before
    assert lab.targets(node) == []


def test_a_volume_of_cinder_gets_its_nodes_data(lab: Lab, ansible: Ansible, rack: Rack) -> None:
    node = lab.node("cinder")
    host = {
        "baremetal_deploy_volumes": [{"name": f"{node.name}-root", "size": 1, "bootable": True}],
        "baremetal_deploy_node": node.name,
        "baremetal_deploy_image": str(rack.image),
        "baremetal_deploy_seed": {"hostname": "node"},
    }
    inventory = str(ansible.inventory({"cinder": host}))
    check, first, second = (ansible.playbook(DEPLOY, "-i", inventory, *more) for more in (["--check"], [], []))
    assert check.code == first.code == second.code == 0, check.text + first.text + second.text
    assert len(first[LOOK]["actions"]) == 2
    assert second.recap["cinder"]["changed"] == 0
    (volume,) = lab.volumes(f"{node.name}-root")
    assert volume["status"] == "in-use"
    with lab.disk(volume["id"]).open("rb") as disk:
        assert disk.read(MIB) == rack.image.read_bytes()[:MIB]
