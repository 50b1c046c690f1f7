# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What operators made with their command line clients, as Ironic's and Cinder's guides say, is recognised as it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Lab, Node, a_lun
from .runs import Ansible, Run, cli, cli_text, task
from .waiting import until

pytestmark = pytest.mark.extra


def set_up(node: Node, storage: str, volume_id: str, *properties: str) -> None:
    """Deploy a node from a volume by the commands of Ironic's guide."""
    capabilities = "capabilities=boot_mode:uefi,iscsi_boot:True"
    cli_text(SYSTEM, "baremetal", "node", "set", node.uuid, "--storage-interface", storage, "--property", capabilities)
    connector = ("--type", "iqn", "--connector-id", f"iqn.2017-08.org.openstack.{node.uuid}")
    cli(SYSTEM, "baremetal", "volume", "connector", "create", "--node", node.uuid, *connector)
    target = ("--type", "iscsi", "--boot-index", "0", "--volume-id", volume_id)
    options = [word for one in properties for word in ("--property", one)]
    cli(SYSTEM, "baremetal", "volume", "target", "create", "--node", node.uuid, *target, *options)
    cli_text(SYSTEM, "baremetal", "node", "deploy", node.uuid)


@pytest.fixture(scope="module")
def run(lab: Lab, ansible: Ansible) -> Run:
    cinder, external = lab.nodes("cinder", "external")
    lun = a_lun()
    volume, array_volume = f"{cinder.name}-root", str(uuid4())
    made = cli(PROJECT, "openstack", "volume", "create", "--image", IMAGE, "--size", "1", "--description", "by hand", volume)
    until("the volume", lambda: lab.volumes(volume)[0]["status"] == "available")
    with ThreadPoolExecutor(2) as pool:
        on_array = [f"{name}={value}" for name, value in lun.items()]
        ways = [(cinder, "cinder", made["id"]), (external, "external", array_volume, *on_array)]
        list(pool.map(lambda way: set_up(*way), ways))
    for node in (cinder, external):
        until(f"node {node.name}", lambda node=node: lab.look(node)["provision_state"] == "active")

    storage = {"boot_interface": "ipxe", "iscsi_boot": True, "boot_mode": "uefi"}
    root = {"name": volume, "image": IMAGE}
    on_array = {"volume_id": array_volume, **lun}
    node_storage = "bfv.openstack.baremetal_node_storage"
    volume_target = "bfv.openstack.volume_target"
    return ansible.tasks(
        task("volume", "bfv.openstack.bfv_volume", cloud=PROJECT, description="by hand", size=1, **root),
        task("storage", node_storage, cloud=SYSTEM, node=cinder.name, storage_interface="cinder", **storage),
        task("storage of an array", node_storage, cloud=SYSTEM, node=external.name, storage_interface="external", **storage),
        task("connector", "bfv.openstack.volume_connector", cloud=SYSTEM, node=cinder.name),
        task("target", volume_target, cloud=SYSTEM, volume_cloud=PROJECT, node=cinder.name, volume=volume),
        task("target of an array", volume_target, cloud=SYSTEM, node=external.name, **on_array),
        task(
            "fleet",
            "bfv.openstack.baremetal_fleet",
            cloud=SYSTEM,
            volume_cloud=PROJECT,
            nodes=[
                {"node": cinder.name, "storage_interface": "cinder", **storage, "volumes": [root]},
                {"node": external.uuid, "storage_interface": "external", **storage, "targets": [on_array]},
            ],
        ),
    )


@pytest.mark.parametrize("made", ["volume", "storage", "storage of an array", "connector", "target", "target of an array"])
def test_what_was_made_by_hand_is_recognised_as_it_is(run: Run, made: str) -> None:
    assert not run[made]["failed"], run[made].get("msg")
    assert not run[made]["changed"]
    assert "warnings" not in run[made]


def test_nodes_that_were_deployed_by_hand_are_recognised_as_deployed(run: Run) -> None:
    fleet = run["fleet"]
    assert not fleet["failed"], fleet.get("msg")
    assert not fleet["changed"]
    assert [(one["node"]["provision_state"], one["actions"]) for one in fleet["nodes"].values()] == [("active", [])] * 2
