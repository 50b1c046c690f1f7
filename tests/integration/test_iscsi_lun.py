# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.iscsi_lun with an array, and with volumes of Cinder."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..unit import disks
from .array import Array, Lun, running
from .conftest import both_doors
from .runs import Ansible, Json, Run, Task, task
from .test_interrupted import kill
from .waiting import until

ADDRESSES = ("127.61.7.1", "127.61.7.2")
INITIATOR = "iqn.2010-10.org.example:node"
MIB = 1024**2
SIZE = 64 * MIB
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtGyl5RtMfqTlLwO3z6nTZQhEkqFfSlHo3C0dQJ7s2n somebody"
SECRET = "a-word-that-nobody-sees"
SEED = {"hostname": "node-1", "ssh_keys": [KEY], "user_data": {"chpasswd": {"users": [{"name": "root", "password": SECRET}]}}}


def lun(title: str, address: Json, /, **options: Any) -> Task:
    return task(title, "bfv.openstack.iscsi_lun", **{"initiator_name": INITIATOR, **address, **options})


@dataclass
class Storage:
    array: Array
    folder: Path
    image: Path
    numbers: int = 0

    def disk(self, content: bytes = b"", size: int = SIZE, initiator: str | None = INITIATOR) -> Disk:
        """A LUN, and the file that it is."""
        self.numbers += 1
        file = self.folder / f"disk-{self.numbers}.raw"
        file.write_bytes(content)
        os.truncate(file, size)
        return Disk(self.array.export(f"d{self.numbers}", file, initiator), file)


@dataclass(frozen=True)
class Disk:
    lun: Lun
    file: Path

    @property
    def address(self) -> Json:
        return self.lun.address

    def has(self, image: Path) -> bool:
        wanted = image.read_bytes()
        return self.file.read_bytes()[: len(wanted)] == wanted


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    folder = tmp_path_factory.mktemp("array")
    image = folder / "image.raw"
    image.write_bytes(disks.bootable(24, more=os.urandom(3 * MIB)))
    with running(folder, ADDRESSES, folder / "array.log") as array:
        yield Storage(array, folder, image)


# Causes


@pytest.fixture(scope="module")
def causes(storage: Storage, ansible: Ansible) -> Run:
    disk = storage.disk()
    mine = disk.address
    return ansible.tasks(
        lun("fine", mine),
        lun("wrong password", mine, chap_password="wrong-wrong-wrong"),
        lun("wrong user", mine, chap_username="nobody"),
        lun("no CHAP", {name: value for name, value in mine.items() if "chap" not in name}),
        lun("another initiator", mine, initiator_name=f"{INITIATOR}-2"),
        lun("another target", mine, iqn="iqn.2010-10.org.example:array.none"),
        lun("another LUN", mine, lun=7),
        lun("the controller", mine, lun=0),
        lun("another port", mine, portals=[f"{ADDRESSES[0]}:3261"]),
        lun("another name", mine, portals=["no-such-host.invalid"]),
        lun("one dead path", mine, portals=[f"{ADDRESSES[0]}:3261", f"{ADDRESSES[1]}:3260"]),
        lun("write with a wrong password", mine, chap_password="wrong-wrong-wrong", image=str(storage.image)),
        lun("two disks", mine, portals=[f"{ADDRESSES[0]}:3260", f"{ADDRESSES[0]}:3260"]),
    )


def test_a_disk_tells_what_it_is(causes: Run) -> None:
    seen = causes["fine"]
    assert seen["reachable"] is True
    assert (seen["size"], seen["block_size"], seen["vendor"], seen["product"]) == (SIZE, 512, "IET", "VIRTUAL-DISK")
    assert seen["serial"]
    assert seen["blank"] is True
    assert (seen["partition_table"], seen["boot_modes"], seen["seed_partition"]) == (None, [], None)
    assert not seen["changed"]


@pytest.mark.parametrize(
    ("title", "cause"),
    [
        ("wrong password", "chap_refused"),
        ("wrong user", "chap_refused"),
        ("no CHAP", "chap_refused"),
        ("another initiator", "no_such_target"),
        ("another target", "no_such_target"),
        ("another LUN", "no_such_lun"),
        ("the controller", "not_a_disk"),
        ("another port", "nobody_listens"),
        ("another name", "unknown_host"),
    ],
)
def test_a_disk_that_does_not_answer_has_its_cause(causes: Run, title: str, cause: str) -> None:
    seen = causes[title]
    assert not seen.get("failed")
    assert (seen["reachable"], seen["cause"]) == (False, cause)


def test_a_dead_path_is_told(causes: Run) -> None:
    seen = causes["one dead path"]
    assert seen["reachable"] is True
    assert [path["cause"] for path in seen["paths"]] == ["nobody_listens", None]
    assert "one path less" in causes.text


def test_what_cannot_be_reached_cannot_be_written(causes: Run) -> None:
    seen = causes["write with a wrong password"]
    assert seen["failed"]
    assert seen["cause"] == "chap_refused"
    assert "refuses user" in seen["msg"]
    assert "Nothing was written" in seen["msg"]


def test_a_portal_twice_is_refused(causes: Run) -> None:
    assert "twice" in causes["two disks"]["msg"]


def test_portals_of_different_disks_are_refused(storage: Storage, ansible: Ansible, tmp_path: Path) -> None:
    """Such as those of two arrays that were set up from one configuration."""
    one = storage.disk()
    name = one.lun.iqn.rpartition(".")[2]
    (tmp_path / "other.raw").write_bytes(bytes(SIZE * 2))
    with running(tmp_path, ["127.61.7.3"], tmp_path / "array.log") as other:
        other.export(name, tmp_path / "other.raw", INITIATOR, (one.lun.username, one.lun.password))
        portals = [storage.array.portals[0], other.portals[0]]
        seen = ansible.tasks(lun("fill", one.address, portals=portals, image=str(storage.image)))["fill"]
    assert seen["failed"]
    assert "lead to different disks" in seen["msg"]
    assert not any(one.file.read_bytes())


# Filling


@dataclass(frozen=True)
class Filled:
    run: Run
    disk: Disk
    other: Disk


@pytest.fixture(scope="module")
def filled(storage: Storage, ansible: Ansible) -> Filled:
    disk, other = storage.disk(), storage.disk(b"somebody's data" * 1000)
    image = str(storage.image)
    run = ansible.tasks(
        lun("check", disk.address, check=True, image=image, seed=SEED),
        lun("look", disk.address),
        lun("fill", disk.address, image=image, seed=SEED),
        lun("again", disk.address, image=image, seed=SEED),
        lun("another seed", disk.address, image=image, seed={**SEED, "hostname": "node-2"}),
        lun("another seed again", disk.address, seed={**SEED, "hostname": "node-2"}),
        lun("look at the end", disk.address),
        lun("a machine runs", disk.address, seed=SEED, in_use=True),
        lun("held", other.address, image=image),
        lun("never", other.address, image=image, write="never"),
        arguments=("--diff", "-vvv"),
    )
    return Filled(run, disk, other)


def test_a_blank_disk_is_filled_and_a_second_run_writes_nothing(filled: Filled, storage: Storage) -> None:
    run = filled.run
    assert run["check"]["actions"] == run["fill"]["actions"] != []
    assert run["look"]["blank"] is True
    assert run["fill"]["changed"], run["fill"]
    assert run["fill"]["boot_modes"] == ["bios", "uefi"]
    assert len(run["fill"]["digest"]) == 64
    assert not run["again"]["changed"]
    start, end = 2 * MIB, 4 * MIB  # where the seed is
    have, wanted = filled.disk.file.read_bytes(), storage.image.read_bytes()
    assert have[:start] == wanted[:start]
    assert have[end : len(wanted)] == wanted[end:]
    assert not any(have[len(wanted) :])


def test_another_seed_alone_is_written_alone(filled: Filled) -> None:
    assert filled.run["fill"]["seed_partition"]["content"] == "seed"
    (action,) = filled.run["another seed"]["actions"]
    assert "partition 2" in action
    assert not filled.run["another seed again"]["changed"]


def test_a_seed_is_a_config_drive(filled: Filled, tmp_path: Path) -> None:
    place = filled.run["look at the end"]["seed_partition"]
    drive = tmp_path / "drive.iso"
    drive.write_bytes(filled.disk.file.read_bytes()[place["start"] :][: place["size"]])
    label = subprocess.run(["blkid", "-p", "-o", "value", "-s", "LABEL", drive], capture_output=True, text=True, check=True)
    assert label.stdout.strip() == "config-2"
    shown = subprocess.run(
        ["isoinfo", "-R", "-x", "/openstack/latest/meta_data.json", "-i", drive], capture_output=True, text=True, check=True
    )
    told = json.loads(shown.stdout)
    assert told["hostname"] == "node-2"
    assert list(told["public_keys"].values()) == [KEY]


def test_nothing_is_written_where_a_machine_runs(filled: Filled) -> None:
    assert "a machine runs from it" in filled.run["a machine runs"]["msg"]


def test_a_disk_that_holds_something_is_left_alone(filled: Filled) -> None:
    for title in ("held", "never"):
        assert not filled.run[title].get("failed")
        assert not filled.run[title]["changed"]
        assert filled.run[title]["blank"] is False
    assert filled.other.file.read_bytes().startswith(b"somebody's data" * 1000)


def test_no_secret_is_shown(filled: Filled) -> None:
    shown = filled.run.text + json.dumps(filled.run.records)
    assert SECRET not in shown
    assert filled.disk.lun.password not in shown


def test_anew_writes_over_what_is_there_and_what_is_there_is_left(storage: Storage, ansible: Ansible) -> None:
    disk = storage.disk(b"\xff" * SIZE)
    wanted = {"image": str(storage.image), "write": "anew"}
    run = ansible.tasks(lun("write", disk.address, **wanted), lun("again", disk.address, **wanted))
    assert run["write"]["changed"]
    assert any("write: anew" in line for line in run["write"]["diff"]["after"]["destroys"])
    assert not run["again"]["changed"]
    assert disk.has(storage.image)
    assert not any(disk.file.read_bytes()[-MIB:])


def test_a_qcow2_image_is_written_as_the_disk_in_it(storage: Storage, ansible: Ansible) -> None:
    disk, image = storage.disk(), storage.folder / "image.qcow2"
    subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", storage.image, image], check=True)
    assert ansible.tasks(lun("write", disk.address, image=str(image)))["write"]["changed"]
    assert disk.has(storage.image)


def test_an_image_is_checked_before_anything_is_written(storage: Storage, ansible: Ansible) -> None:
    disk, folder = storage.disk(), storage.folder
    (folder / "broken.raw").write_bytes(storage.image.read_bytes())
    (folder / "broken.raw.sha256").write_text(f"{'0' * 64}  broken.raw\n")
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", storage.image, "-F", "raw", folder / "half.qcow2"], check=True
    )
    (folder / "large.raw").touch()
    os.truncate(folder / "large.raw", 2 * SIZE)
    titles = ("broken.raw", "half.qcow2", "large.raw", "missing.raw")
    run = ansible.tasks(*(lun(title, disk.address, image=str(folder / title)) for title in titles))
    words = ("SHA-256", "half a disk", "the image has", "no such file")
    for title, word in zip(titles, words, strict=True):
        assert run[title]["failed"]
        assert word in run[title]["msg"]
    assert not any(disk.file.read_bytes())


def test_a_run_that_is_killed_leaves_nothing_that_boots_and_the_next_one_ends_it(storage: Storage, ansible: Ansible) -> None:
    image = storage.folder / "slow.raw"
    image.write_bytes(disks.bootable(400, more=os.urandom(380 * MIB)))
    disk = storage.disk(size=420 * MIB)
    started = ansible.start(str(ansible.file("play.yml", [play(lun("fill", disk.address, image=str(image)))])))
    until("the image's data to come", lambda: any(disk.file.read_bytes()[8 * MIB : 9 * MIB]), 60)
    kill(started.process.pid, but="qemu-img")
    started.process.wait()
    time.sleep(1)
    written = disk.file.read_bytes()
    assert written[510:512] != b"\x55\xaa"
    assert b"is being written" in written[:100]
    assert not disk.has(image)
    time.sleep(1)
    assert disk.file.read_bytes() == written, "something goes on writing for a run that is gone"

    run = ansible.tasks(lun("look", disk.address), lun("fill", disk.address, image=str(image)))
    assert run["look"]["boot_modes"] == []
    assert run["look"]["unfinished"]
    assert run["fill"]["changed"], run["fill"]
    assert disk.has(image)


def test_ten_disks_are_filled_at_once(storage: Storage, ansible: Ansible) -> None:
    ten = [storage.disk() for _number in range(10)]
    hosts: dict[str, Json] = {f"host-{number}": disk.address for number, disk in enumerate(ten)}
    inventory = ansible.inventory(hosts)
    tasks = [lun("fill", {name: f"{{{{ {name} }}}}" for name in ten[0].address}, image=str(storage.image))]
    book = ansible.file("ten.yml", [{"hosts": "baremetal", "gather_facts": False, "tasks": tasks}])
    run = ansible.playbook(str(book), "-i", str(inventory), "-f", "10")
    assert all(result["changed"] for result in run.hosts("fill").values()), run.text
    assert all(disk.has(storage.image) for disk in ten)


@both_doors
def test_both_doors_tell_the_same(storage: Storage, ansible: Ansible) -> None:
    disk = storage.disk()
    assert ansible.tasks(lun("fill", disk.address, image=str(storage.image)))["fill"]["changed"]


def test_bad_input_is_refused_in_one_line(storage: Storage, ansible: Ansible) -> None:
    address = storage.disk().address
    wrong = {
        "portals": [],
        "iqn": "array",
        "lun": 70000,
        "initiator_name": "node",
        "chap_password": None,
        "seed": {"hostname": "a b"},
        "image": "/no/such/image.raw",
    }
    run = ansible.tasks(*(lun(name, address, **{name: value}) for name, value in wrong.items()))
    for name in wrong:
        assert run[name]["failed"], name
        assert "\n" not in run[name]["msg"]


def play(*tasks: Task) -> Json:
    return {"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}
