# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import seed
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import disk_layout
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.disk_layout import Partition
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtGyl5RtMfqTlLwO3z6nTZQhEkqFfSlHo3C0dQJ7s2n somebody"
GIVEN: dict[str, Any] = {"hostname": "node-1", "ssh_keys": [KEY], "user_data": {"packages": ["tmux"]}, "meta": {"rack": "3"}}


def test_a_seed_is_what_nova_would_tell() -> None:
    found = seed.wanted(GIVEN, "a")
    assert found.metadata["hostname"] == found.metadata["name"] == "node-1"
    assert found.metadata["public_keys"] == {"key-0": KEY}
    assert found.metadata["meta"] == {"rack": "3"}
    assert found.user_data == '#cloud-config\n{"packages": ["tmux"]}\n'


def test_the_same_seed_of_the_same_disk_is_the_same_instance() -> None:
    assert seed.wanted(GIVEN, "a") == seed.wanted(dict(reversed(GIVEN.items())), "a")


@pytest.mark.parametrize(
    ("given", "of"), [({**GIVEN, "hostname": "node-2"}, "a"), ({**GIVEN, "user_data": None}, "a"), (GIVEN, "b")]
)
def test_another_seed_or_another_disk_is_another_instance(given: dict[str, Any], of: str) -> None:
    one, other = seed.wanted(GIVEN, "a"), seed.wanted(given, of)
    assert one.metadata["uuid"] != other.metadata["uuid"]
    assert one.digest != other.digest


def test_an_instance_id_of_ones_own_stays() -> None:
    own = "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"
    one, other = (seed.wanted({"uuid": own, "hostname": name}, "a") for name in ("x", "y"))
    assert one.metadata["uuid"] == other.metadata["uuid"] == own
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hostname": "node_1"}, 'hostname is "node_1"'),
        ({"hostname": ""}, 'hostname is ""'),
        ({"hostname": "a" * 65}, "64 characters"),
        ({"hostname": "x\n127.0.0.1"}, "hostname is"),
        ({"ssh_keys": ["~/.ssh/id_ed25519.pub"]}, "which is no public key"),
        ({"ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}, "which is no public key"),
        ({"uuid": "7"}, "uuid"),
        ({"user_data": ["a"]}, "user_data is neither text nor a dictionary"),
    ],
)
def test_what_no_machine_could_use_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        seed.wanted(given, "a")


@pytest.fixture
def mkisofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's builder, without the program that it runs."""
    import base64
    import gzip

    from .. import disks

    def build(*_given: object, **_more: object) -> str:
        return base64.b64encode(gzip.compress(disks.iso())).decode()

    monkeypatch.setattr(seed.configdrive, "build", build)


@pytest.mark.usefixtures("mkisofs")
def test_a_drive_tells_its_seed() -> None:
    wanted = seed.wanted(GIVEN, "a")
    drive = seed.build(wanted, room=2**20)
    assert disk_layout.stamped(drive) == wanted.digest
    assert disk_layout.is_seed(Partition(1, 0, 0), drive)


@pytest.mark.usefixtures("mkisofs")
def test_a_drive_without_room_is_refused() -> None:
    with pytest.raises(Refused, match=r"and the partition for it has 2048\. Nothing was written"):
        seed.build(seed.wanted(GIVEN, "a"), room=2048)


def test_a_host_without_the_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match=r"xorrisofs.*Nothing was written"):
        seed.build(seed.wanted(GIVEN, "a"), room=2**20)
