# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bfv.openstack.bfv_server refuses before it changes anything, in one line that says what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from .lab import IMAGE, PROJECT, Lab
from .proxy import Proxy
from .runs import Ansible, Json, Run, task

pytestmark = pytest.mark.full

BARE_METAL = "bfv.baremetal"

# The options that differ from those of a server that could be made, and the words of the refusal.
CASES: dict[str, tuple[Json, tuple[str, ...]]] = {
    "no flavor": ({"flavor": None}, ("Give flavor",)),
    "unknown flavor": ({"flavor": "it-nothing"}, ("flavor it-nothing", "Check the name")),
    "denied flavor": ({"flavor_denylist": ["^bfv[.]s"]}, ("bfv.small cannot boot from a volume", "^bfv[.]s")),
    "unknown image": ({"boot": {"image": "it-nothing"}}, ("image it-nothing", "Check the name")),
    "unknown snapshot": ({"boot": {"snapshot": "it-nothing"}}, ("snapshot it-nothing", "Check the name")),
    "unknown volume": ({"boot": {"volume": "it-nothing"}}, ("volume it-nothing", "Create it first")),
    "unknown network": ({"networks": "it-nothing"}, ("network it-nothing", "Check the name")),
    "two networks of the name": ({"networks": ["{twin}"]}, ("network {twin}", "2 have that name", "Give the id")),
    "unknown port": ({"networks": [{"port": "it-nothing"}]}, ("port it-nothing", "Check the name")),
    "unknown key": ({"key_name": "it-nothing"}, ("key pair it-nothing", "Create it first")),
    "unknown group": ({"security_groups": ["default", "it-nothing"]}, ("security group it-nothing", "Check the name")),
    "two groups of the name": ({"security_groups": ["{twin}"]}, ("security group {twin}", "2 have that name", "Give the id")),
    "not bootable": ({"boot": {"volume": "{blank}"}}, ("{blank} is not bootable", "set bootable")),
    "in use": ({"boot": {"volume": "{used}"}}, ("{used} is attached to", "not multiattach", "Detach it there")),
    "data volume in use": ({"block_devices": ["vdb={used_id}:::"]}, ("is attached to", "not multiattach")),
    "unknown data volume": ({"block_devices": ["vdb=it-nothing:::"]}, ("volume it-nothing", "Create it first")),
    "below min_disk": ({"boot": {"image": "{demanding}", "size": 1}}, ("size is 1 GiB", "needs 2 GiB", "min_disk 2 GiB")),
    "above the limit": ({"boot": {"image": "{demanding}"}, "image_size_limit": 1}, ("image_size_limit is 1 GiB",)),
    "config drive": ({"flavor": BARE_METAL, "config_drive": True}, ("bare metal", "Leave config_drive out")),
    # S12, S13: what Nova says only when the disk is made
    "unknown zone": ({"availability_zone": "it-nowhere"}, ("availability zone it-nowhere", "nova")),
    "unknown server group": ({"scheduler_hints": {"group": "it-nothing"}}, ("no server group it-nothing", "Create it first")),
    "metadata's alphabet": ({"metadata": {"a+b": "c"}}, ('the key "a+b"',)),
    "long metadata": ({"metadata": {"a": "x" * 256}}, ('the metadata key "a" has 256 characters',)),
    "much metadata": ({"metadata": {f"key{number}": "x" for number in range(129)}}, ("129 items of metadata", "permits 128")),
    "long user data": ({"user_data": "x" * 49150}, ("user_data has 49150 bytes",)),
    "a blank at the end": ({"name": "it-server "}, ("begins or ends with a blank",)),
    "a line end": ({"name": "it-server\n"}, ("begins or ends with a blank or a line end",)),
    "a bus of another name": ({"boot": {"image": IMAGE, "disk_bus": "virtio-blk"}}, ("boot.disk_bus", "virtio")),
    "a tag with a comma": ({"boot": {"image": IMAGE, "tag": "a,b"}}, ("boot.tag", "without commas")),
    "port in use": ({"networks": [{"port": "{port}"}]}, ("port {port}", "is in use by")),
    "port and address": ({"networks": [{"port": "{port}", "fixed_ip": "192.0.2.9"}]}, ("leave out fixed_ip",)),
    "no address": ({"networks": [{"network": "sandbox", "fixed_ip": "233.252.0.9"}]}, ("is in no subnet of network sandbox",)),
    "network without a subnet": ({"networks": "{bare}"}, ("network {bare}", "has no subnet")),
    "unknown type of a disk": (
        {
            "block_devices": [
                {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "volume_type": "it-nothing"}
            ]
        },
        ("no volume type it-nothing",),
    ),
    "local disk": ({"block_devices": ["source=blank,dest=local,size=1"]}, ("local disks have 1 GiB", "bfv.small has 0 GiB")),
    "nothing to boot from": ({"boot": None}, ("nothing to boot from", "boot.volume, boot.image or boot.snapshot")),
    "two boot disks": ({"block_devices": [{"volume_id": "x", "boot_index": 0}]}, ("boot index 0",)),
    "a part too much": ({"block_devices": ["vdb=x:::0:what"]}, ('"what"', "Leave it out")),
}


@dataclass(frozen=True)
class Refusals:
    run: Run
    proxy: Proxy
    things: dict[str, str]

    def words(self, case: str) -> list[str]:
        return [word.format(**self.things) for word in CASES[case][1]]


@pytest.fixture(scope="module")
def refusals(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    things = {what: lab.name(what) for what in ("twin", "blank", "used", "demanding", "server", "port", "bare")}
    lab.image(things["demanding"], tmp_path_factory.mktemp("images"), min_disk=2)
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    for _number in range(2):
        lab.neutron("POST", "/networks", {"network": {"name": things["twin"]}})
        lab.neutron("POST", "/security-groups", {"security_group": {"name": things["twin"]}})
    with ThreadPoolExecutor(2) as pool:
        bodies = {things["blank"]: {}, things["used"]: {"imageRef": image["id"]}}
        _blank, used = pool.map(lambda name: lab.volume(name, **bodies[name]), bodies)
    lab.server(lab.name("holder"), used["id"])
    things["used_id"] = used["id"]
    lab.neutron("POST", "/networks", {"network": {"name": things["bare"]}})
    (sandbox,) = lab.neutron.list("/networks", "networks", name="sandbox")
    port = {"name": things["port"], "network_id": sandbox["id"], "device_id": "it-machine"}
    lab.neutron("POST", "/ports", {"port": port})
    with Proxy(lab.services) as proxy:
        usual = {"name": things["server"], "flavor": "bfv.small", "boot": {"image": IMAGE}, "networks": "none"}
        tasks = (
            task(case, "bfv.openstack.bfv_server", proxy=proxy.url, cloud=PROJECT, **_filled({**usual, **options}, things))
            for case, (options, _words) in CASES.items()
        )
        run = ansible.tasks(*tasks)
    return Refusals(run, proxy, things)


def _filled(options: Json, things: dict[str, str]) -> Json:
    """The options with the names of this run's things, and without those that are None."""

    def fill(value: object) -> object:
        if isinstance(value, str):
            return value.format(**things)
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        return [fill(one) for one in value] if isinstance(value, list) else value

    return {key: fill(value) for key, value in options.items() if value is not None}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_refused_in_one_line(refusals: Refusals, case: str) -> None:
    refused = refusals.run[case]
    assert refused["failed"]
    assert not refused["changed"]
    assert [word for word in refusals.words(case) if word not in refused["msg"]] == [], refused["msg"]
    assert "\n" not in refused["msg"]
    assert "Traceback" not in str(refused)


def test_refusals_come_before_any_writing_request(refusals: Refusals, lab: Lab) -> None:
    assert refusals.proxy.writes == []
    assert lab.servers(refusals.things["server"]) == []
    assert lab.volumes(f"{refusals.things['server']}-boot") == []
