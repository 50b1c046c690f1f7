# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.bfv.openstack.plugins.filter.block_devices import FilterModule
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

block_devices = FilterModule().filters()["block_devices"]

ROOT = {"uuid": "root", "source_type": "volume", "destination_type": "volume", "boot_index": 0, "device_name": "vda"}


def test_disks_become_items_in_boot_order() -> None:
    assert block_devices(["vda=root", {"volume_id": "data"}]) == [
        ROOT,
        {"uuid": "data", "source_type": "volume", "destination_type": "volume", "boot_index": -1},
    ]


@pytest.mark.parametrize("disk", ["vda=root", {"volume_id": "root", "device_name": "vda"}])
def test_a_single_disk_is_a_list_of_one(disk: object) -> None:
    assert block_devices(disk) == [ROOT]


def test_data_disks_alone_need_no_boot_disk() -> None:
    data = {"uuid": "data", "source_type": "volume", "destination_type": "volume", "device_name": "vdb"}
    assert block_devices(["vdb=data"], boot_order=False) == [data]
    assert block_devices([], boot_order=False) == []


def test_the_root_device_has_the_name_that_the_image_gives_it() -> None:
    assert block_devices("sda=root", root_device="/dev/sda") == [{**ROOT, "device_name": "sda"}]


@pytest.mark.parametrize(
    ("disks", "reason"),
    [
        (["vda=root", "vdb"], 'Block device 2, "vdb": there is no ='),
        (["vdb=data"], "No block device is the boot disk"),
        (5, "wants a list of disks"),
        (None, "wants a list of disks"),
    ],
)
def test_what_is_wrong_becomes_ansibles_own_error(disks: object, reason: str) -> None:
    with pytest.raises(AnsibleFilterError, match=reason):
        block_devices(disks)


def test_a_template_finds_the_filter_by_its_name(tmp_path: Path) -> None:
    data = {
        "uuid": "data",
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": -1,
        "delete_on_termination": True,
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"volume": "root", "disks": ["vda={{ volume }}", "source=volume,id=data,shutdown=remove"], "items": [ROOT, data]},
        "tasks": [{"ansible.builtin.assert": {"that": "disks | bfv.openstack.block_devices == items"}}],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    command = [ansible("ansible-playbook"), playbook]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert run.returncode == 0, run.stdout
