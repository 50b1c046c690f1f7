# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is advised about the things that a server is made of: each advice is followed once, and the task then does its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .runs import Ansible, Task, task
from .test_server_needs import SMALL, bootable, server
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.long]


def volume(title: str, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_volume", cloud=PROJECT, **options)


def test_a_deactivated_image_can_be_activated(lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    name = lab.name("image")
    image = lab.image(name, tmp_path)
    wish: Json = {"name": lab.name("from-image"), "image": name}
    lab.glance_admin("POST", f"/images/{image}/actions/deactivate")
    refused = ansible.tasks(volume("refused", **wish))["refused"]
    assert "have it activated (openstack image set --activate)" in refused["msg"]
    lab.glance_admin("POST", f"/images/{image}/actions/reactivate")
    done = ansible.tasks(volume("done", **wish))["done"]
    assert (done["failed"], done["volume"]["bootable"]) == (False, True), done["msg"]


def test_a_boot_volume_that_nobody_attaches_any_more_can_be_set_free(lab: Lab, ansible: Ansible) -> None:
    root = bootable(lab, "reserved")
    lab.set_status(root["id"], "attaching")
    wish: Json = {"name": lab.name("from-reserved"), "flavor": SMALL, "networks": "none", "boot": {"volume": root["name"]}}
    refused = ansible.tasks(server("refused", **wish))["refused"]
    assert f"an admin sets it free (openstack volume set --state available {root['id']})" in refused["msg"]
    lab.set_status(root["id"], "available")
    done = ansible.tasks(server("done", **wish))["done"]
    assert (done["failed"], done["volume"]["id"]) == (False, root["id"]), done["msg"]


def test_a_port_without_an_address_can_be_given_one(lab: Lab, ansible: Ansible) -> None:
    (network,) = lab.neutron.list("/networks", "networks", name=NETWORK)
    body = {"name": lab.name("port"), "network_id": network["id"], "fixed_ips": []}
    port = lab.neutron("POST", "/ports", {"port": body})["port"]
    wish: Json = {"name": lab.name("at-port"), "flavor": SMALL, "boot": {"image": IMAGE}, "networks": [{"port": port["name"]}]}
    refused = ansible.tasks(server("refused", **wish))["refused"]
    assert "has no address. Give it one (openstack port set --fixed-ip)" in refused["msg"]
    address = {"fixed_ips": [{"subnet_id": network["subnets"][0]}]}
    (given,) = lab.neutron("PUT", f"/ports/{port['id']}", {"port": address})["port"]["fixed_ips"]
    done = ansible.tasks(server("done", **wish))["done"]
    assert not done["failed"], done["msg"]
    assert done["server"]["addresses"] == [given["ip_address"]]


def test_a_further_disk_can_be_detached_to_become_the_boot_disk(lab: Lab, ansible: Ansible) -> None:
    root, other = bootable(lab, "root"), bootable(lab, "other")
    wish: Json = {"name": lab.name("exchanged"), "flavor": SMALL, "networks": "none"}
    first = {**wish, "boot": {"volume": root["id"]}, "block_devices": [{"volume_id": other["id"]}]}
    then = {**wish, "boot": {"volume": other["id"]}, "on_boot_volume_change": "replace", "replace_may_lose": ["user_data"]}
    run = ansible.tasks(server("first", **first), server("refused", **then))
    made = run["first"]["server"]["id"]
    assert f"Detach it first (openstack server remove volume {made} {other['id']})" in run["refused"]["msg"]
    lab.nova("DELETE", f"/servers/{made}/os-volume_attachments/{other['id']}")
    free = f"volume {other['name']} to be available"
    until(free, lambda: lab.cinder("GET", f"/volumes/{other['id']}")["volume"]["status"] == "available", 240)
    done = ansible.tasks(server("done", **then))["done"]
    assert (done["failed"], done["volume"]["id"]) == (False, other["id"]), done["msg"]
