# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
from collections.abc import Mapping

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import block_devices
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from hypothesis import given
from hypothesis import strategies as st

VOLUME = "8dcf68f9-0321-42f3-a3dc-b861b9335a9b"
IMAGE = "e0b7734d-2331-42a3-b19e-067adc0da17d"
A_VOLUME = {"uuid": VOLUME, "source_type": "volume", "destination_type": "volume"}
A_SNAPSHOT = {"uuid": VOLUME, "source_type": "snapshot", "destination_type": "volume"}
NEW_FROM_IMAGE = {"uuid": IMAGE, "source_type": "image", "destination_type": "volume", "volume_size": 100}
BLANK = {"source_type": "blank", "destination_type": "local", "delete_on_termination": True}

# nova and openstack --block-device-mapping: <device>=<id>:<type>:<size>:<delete>
MAPPINGS: list[tuple[str, dict[str, object]]] = [
    (f"vda={VOLUME}:::0", {**A_VOLUME, "delete_on_termination": False, "device_name": "vda"}),  # Rackspace's command
    (f"vda={VOLUME}", {**A_VOLUME, "device_name": "vda"}),
    (f" vda={VOLUME} ", {**A_VOLUME, "device_name": "vda"}),
    (f"/dev/vdb={VOLUME}:", {**A_VOLUME, "device_name": "/dev/vdb"}),
    (f"vdb={VOLUME}:volume:10:true", {**A_VOLUME, "volume_size": 10, "delete_on_termination": True, "device_name": "vdb"}),
    (f"vdb={VOLUME}:volume:10:", {**A_VOLUME, "volume_size": 10, "device_name": "vdb"}),
    (f"vdb={VOLUME}:snap", {**A_SNAPSHOT, "device_name": "vdb"}),
    (f"vdb={VOLUME}:snapshot:20:False", {**A_SNAPSHOT, "volume_size": 20, "delete_on_termination": False, "device_name": "vdb"}),
    (f"vdb={IMAGE}:image:100:1", {**NEW_FROM_IMAGE, "delete_on_termination": True, "device_name": "vdb"}),
    ("vda=db1 root:::1", {**A_VOLUME, "uuid": "db1 root", "delete_on_termination": True, "device_name": "vda"}),
]

# nova --block-device
NOVA: list[tuple[str, dict[str, object]]] = [
    (  # Rackspace's command
        f"source=image,id={IMAGE},dest=volume,size=100,shutdown=preserve,bootindex=0",
        {**NEW_FROM_IMAGE, "delete_on_termination": False, "boot_index": 0},
    ),
    (  # and its variation with a volume
        f"source=volume,id={VOLUME},dest=volume,size=100,shutdown=preserve,bootindex=0",
        {**A_VOLUME, "volume_size": 100, "delete_on_termination": False, "boot_index": 0},
    ),
    (f"source=volume,id={VOLUME}", A_VOLUME),
    (f"source=snapshot, id={VOLUME}, shutdown=remove", {**A_SNAPSHOT, "delete_on_termination": True}),
    (
        f"source=image,id={IMAGE},bootindex=0",
        {"uuid": IMAGE, "source_type": "image", "destination_type": "local", "delete_on_termination": True, "boot_index": 0},
    ),
    ("size=10", {**BLANK, "volume_size": 10}),
    ("source=blank,size=512,format=swap", {**BLANK, "volume_size": 512, "guest_format": "swap"}),
    (
        "source=blank,dest=volume,size=10,volume_type=ssd",
        {"source_type": "blank", "destination_type": "volume", "volume_size": 10, "volume_type": "ssd"},
    ),
    (
        f"id={VOLUME},source=volume,device=vdb,bus=scsi,type=lun,tag=a=b,bootindex=-1",
        {**A_VOLUME, "device_name": "vdb", "disk_bus": "scsi", "device_type": "lun", "tag": "a=b", "boot_index": -1},
    ),
]

# openstack --block-device
OPENSTACK: list[tuple[str, dict[str, object]]] = [
    (f"uuid={VOLUME},source_type=volume", A_VOLUME),
    (f"uuid={IMAGE},source_type=image,volume_size=100", NEW_FROM_IMAGE),
    ("source_type=blank,volume_size=10", {**BLANK, "volume_size": 10}),
    ("destination_type=local,tag=scratch", {**BLANK, "tag": "scratch"}),
    (
        f"uuid={VOLUME},source_type=snapshot,destination_type=volume,disk_bus=virtio,device_type=cdrom,device_name=vdc,volume_size=5,"
        "guest_format=ext4,boot_index=1,delete_on_termination=true,tag=t,volume_type=ssd",
        {
            **A_SNAPSHOT,
            **{"disk_bus": "virtio", "device_type": "cdrom", "device_name": "vdc", "volume_size": 5, "guest_format": "ext4"},
            **{"boot_index": 1, "delete_on_termination": True, "tag": "t", "volume_type": "ssd"},
        },
    ),
]

# euca-run-instances -b
EC2: list[tuple[str, dict[str, object]]] = [
    (f"/dev/vdb=vol-{VOLUME}::false", {**A_VOLUME, "delete_on_termination": False, "device_name": "/dev/vdb"}),
    (f"/dev/vdb=vol-{VOLUME.upper()}", {**A_VOLUME, "device_name": "/dev/vdb"}),
    (f"vdb=snap-{VOLUME}:10:True", {**A_SNAPSHOT, "volume_size": 10, "delete_on_termination": True, "device_name": "vdb"}),
    (f"vdb=snap-{VOLUME}:10", {**A_SNAPSHOT, "volume_size": 10, "device_name": "vdb"}),
    ("/dev/vdb=ephemeral0", {**BLANK, "device_name": "/dev/vdb"}),
    ("vdb=ephemeral12:10:true", {**BLANK, "volume_size": 10, "device_name": "vdb"}),
    ("/dev/vdb=none", {"device_name": "/dev/vdb", "no_device": True}),
    # A fourth part, or a type, makes these names of volumes.
    ("vdb=vol-0003:volume", {**A_VOLUME, "uuid": "vol-0003", "device_name": "vdb"}),
    ("vdb=none:::0", {**A_VOLUME, "uuid": "none", "delete_on_termination": False, "device_name": "vdb"}),
    ("vdb=vol-data", {**A_VOLUME, "uuid": "vol-data", "device_name": "vdb"}),
]

DICTIONARIES: list[tuple[Mapping[str, object], dict[str, object]]] = [
    ({"source_type": "volume", "uuid": VOLUME}, A_VOLUME),
    ({"volume_id": VOLUME}, A_VOLUME),
    ({"volume_id": VOLUME, "uuid": VOLUME, "source_type": "volume"}, A_VOLUME),
    ({"volume_id": 12}, {**A_VOLUME, "uuid": "12"}),
    ({"snapshot_id": VOLUME, "volume_id": None, "tag": None, "boot_index": None}, A_SNAPSHOT),
    ({"image_id": IMAGE, "volume_size": "100"}, NEW_FROM_IMAGE),
    (
        {"volume_id": VOLUME, "boot_index": "0", "delete_on_termination": "true"},
        {**A_VOLUME, "boot_index": 0, "delete_on_termination": True},
    ),
    ({"volume_id": VOLUME, "delete_on_termination": 1}, {**A_VOLUME, "delete_on_termination": True}),
    ({"volume_id": VOLUME, "delete_on_termination": "No"}, {**A_VOLUME, "delete_on_termination": False}),
    ({"volume_id": VOLUME, "no_device": False}, A_VOLUME),
    ({"source_type": "blank"}, {"source_type": "blank", "destination_type": "local"}),
    (
        {"source_type": "blank", "destination_type": "volume", "volume_size": 5},
        {"source_type": "blank", "destination_type": "volume", "volume_size": 5},
    ),
    ({"device_name": "vdb", "no_device": "true"}, {"device_name": "vdb", "no_device": True}),
    # Rackspace's request
    (
        {"volume_id": VOLUME, "delete_on_termination": "0", "device_name": "vda"},
        {**A_VOLUME, "delete_on_termination": False, "device_name": "vda"},
    ),
    # the blueprint's request
    ({"volume": {"id": "7", "mountpoint": "/dev/vda"}}, {**A_VOLUME, "uuid": "7", "boot_index": 0, "device_name": "/dev/vda"}),
    ({"volume": {"id": VOLUME}}, {**A_VOLUME, "boot_index": 0}),
]
ACCEPTED = [*MAPPINGS, *NOVA, *OPENSTACK, *EC2, *DICTIONARIES]


@pytest.mark.parametrize(("written", "item"), ACCEPTED)
def test_each_way_of_writing_becomes_an_item_of_the_api(written: object, item: dict[str, object]) -> None:
    assert block_devices.block_device(written) == item


@pytest.mark.parametrize("item", [item for written, item in ACCEPTED])
def test_an_item_stays_as_it_is(item: dict[str, object]) -> None:
    assert block_devices.block_device(item) == item


def test_what_was_given_is_not_changed() -> None:
    given = {"volume_id": VOLUME, "boot_index": "0"}
    block_devices.boot_order(block_devices.block_devices([given]))
    assert given == {"volume_id": VOLUME, "boot_index": "0"}


SERVER = "openstackclient.compute.v2.server"
NO_CLIENT = "the pairs of `make test-clients` have no command line client"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:osc_lib")
@pytest.mark.parametrize("text", [text for text, item in MAPPINGS if ":snap" not in text or ":snapshot" in text])
def test_the_openstack_client_reads_its_mapping_alike(text: str) -> None:
    server = pytest.importorskip(SERVER, reason=NO_CLIENT)
    parser = argparse.ArgumentParser()
    parser.add_argument("--block-device-mapping", action=server.BDMLegacyAction)
    parsed = parser.parse_args(["--block-device-mapping", text.strip()]).block_device_mapping
    assert block_devices.block_devices(parsed) == [block_devices.block_device(text)]


@pytest.mark.parametrize(
    "text", [text for text, item in OPENSTACK if "source_type" in text and "delete_on_termination" not in item]
)
def test_the_openstack_client_reads_its_keys_alike(text: str) -> None:
    server = pytest.importorskip(SERVER, reason=NO_CLIENT)
    parser = argparse.ArgumentParser()
    parser.add_argument("--block-device", action=server.BDMAction)
    parsed = parser.parse_args(["--block-device", text]).block_device
    assert block_devices.block_devices(parsed) == [block_devices.block_device(text)]


REFUSED: list[tuple[object, str]] = [
    # no known form
    ("", "there is no = in it"),
    ("vda", "there is no = in it"),
    (5, "neither text nor a dictionary"),
    (None, "neither text nor a dictionary"),
    ([VOLUME], "neither text nor a dictionary"),
    # <device>=<id>:<type>:<size>:<delete>
    ("vda=", "there is no id"),
    ("vda=:volume:10:0", "there is no id"),
    (f"={VOLUME}", 'device_name "" is not a device name'),
    (f"v da={VOLUME}", 'device_name "v da" is not a device name'),
    (f"/dev/={VOLUME}", 'device_name "/dev/" is not a device name'),
    (f"vda={VOLUME}:disk", 'the type "disk" is not known'),  # nova takes it for a volume
    (f"vda={VOLUME}:::0:1", '"1" is more than the four parts'),  # nova ignores it
    (f"vda={VOLUME}:::0:1:2", '"1:2" is more than the four parts'),
    (f"vda={VOLUME}::ten", 'volume_size "ten" is not a size'),
    (f"vda={VOLUME}::0", 'volume_size "0" is not a size'),
    (f"vda={VOLUME}::-1", 'volume_size "-1" is not a size'),
    (f"vda={VOLUME}::²", 'volume_size "²" is not a size'),
    (f"vda={VOLUME}::2147483648", "is not a size"),
    (f"vda={VOLUME}::99999999999999999999", "is not a size"),
    (f"vda={VOLUME}::false", 'the size is "false", the third part'),  # the order of EC2
    (f"vda={VOLUME}:::remove", 'delete_on_termination "remove" is neither true nor false'),
    (f"vda= {VOLUME}", "is not usable"),
    (f"vda={IMAGE}:image", "how large"),
    # EC2
    ("/dev/vdb=vol-00000003::false", '"vol-00000003" is an id of EC2'),  # the blueprint's command
    ("/dev/vdb=vol-0003::false", "id that OpenStack gave to the volume, or its name, as <device>=<id>:volume:<size>:<delete>"),
    ("/dev/vdb=snap-0a1b2c3d4e5f60718:10:true", "id that OpenStack gave to the snapshot"),
    ("/dev/vdb=ephemeral0::false", "the local disk ephemeral0 goes with its server"),
    ("/dev/vdb=none:10", "no_device takes away"),
    ("/dev/vdb=none::true", "no_device takes away"),
    # key=value
    (f"sorce=volume,id={VOLUME}", '"sorce" is not a key'),
    (f"vda={VOLUME},size=10", '"vda" is not a key'),
    (f"source=volume,{VOLUME}", f'"{VOLUME}" is not key=value'),
    (f"source=volume,id={VOLUME},", '"" is not key=value'),
    ("source=,size=10", 'the key "source" has no value'),
    (f"source=volume,id={VOLUME},id={VOLUME}", 'the key "id" comes twice'),
    (f"source=volume,uuid={VOLUME}", "source is a key of the nova client, uuid one of the openstack client"),
    (f"source=disk,id={VOLUME}", 'source_type "disk" is not known'),
    (f"source=volume,id={VOLUME},dest=disk", 'destination_type "disk" is not known'),
    ("size=10,shutdown=true", 'shutdown "true" is not known. Write remove or preserve'),
    (f"id={VOLUME}", f'made from nothing. Leave out "{VOLUME}"'),  # nova's default is a blank disk
    (f"source=image,id={IMAGE}", "only as the boot disk"),  # nova's default is a local disk
    # dictionaries
    ({}, "there is no source_type"),
    ({"uuid": VOLUME}, "there is no source_type"),
    ({"id": VOLUME}, '"id" is not a key of a block device. Write uuid'),
    ({"colour": "red"}, '"colour" is not a key of a block device. Known are uuid, '),
    ({"connection_info": "{}"}, '"connection_info" is not a key'),
    ({1: "red"}, '"1" is not a key'),
    ({"volume_id": VOLUME, "image_id": IMAGE}, 'contradicts source_type "volume"'),
    ({"volume_id": VOLUME, "uuid": IMAGE}, f'contradicts uuid "{IMAGE}"'),
    ({"volume_id": VOLUME, "source_type": "snapshot"}, 'contradicts source_type "snapshot"'),
    ({"volume_id": True}, 'uuid "True" is not usable'),
    ({"volume_id": ""}, 'uuid "" is not usable'),
    ({"volume_id": "x" * 256}, "is not usable"),
    ({"volume_id": "a\nb"}, 'uuid "a?b" is not usable'),
    ({"volume_id": VOLUME, "volume_size": True}, 'volume_size "True" is not a size'),
    ({"volume_id": VOLUME, "volume_size": 10.5}, 'volume_size "10.5" is not a size'),
    ({"volume_id": VOLUME, "boot_index": False}, 'boot_index "False" is not a boot index'),
    ({"volume_id": VOLUME, "boot_index": "first"}, 'boot_index "first" is not a boot index'),
    ({"volume_id": VOLUME, "delete_on_termination": ""}, 'delete_on_termination "" is neither'),
    ({"volume_id": VOLUME, "delete_on_termination": 2}, 'delete_on_termination "2" is neither'),
    ({"volume_id": VOLUME, "device_name": "x" * 256}, "is not a device name"),
    ({"volume_id": VOLUME, "device_type": "tape"}, 'device_type "tape" is not known. Write one of disk, cdrom, lun, floppy'),
    ({"volume_id": VOLUME, "disk_bus": "nvme"}, 'disk_bus "nvme" is not known. Write one of fdc, ide, sata, '),
    ({"volume_id": VOLUME, "tag": "a/b"}, 'tag "a/b" is not a tag'),
    ({"volume_id": VOLUME, "tag": "x" * 61}, "is not a tag"),
    ({"volume": VOLUME}, "volume has to stand alone, with an id"),
    ({"volume": {"mountpoint": "vda"}}, "volume has to stand alone, with an id"),
    ({"volume": {"id": "7", "size": 1}}, "volume has to stand alone, with an id"),
    ({"volume": {"id": "7"}, "boot_index": 0}, "volume has to stand alone"),
    ({"volume": {"id": None}}, "nothing says which volume"),
    # Nova's own rules
    ({"source_type": "blank", "uuid": VOLUME}, "made from nothing"),
    ({"source_type": "volume"}, "nothing says which volume"),
    ({"source_type": "image", "volume_size": 5}, "nothing says which image"),
    ({"image_id": IMAGE, "destination_type": "local"}, "only as the boot disk"),
    ({"image_id": IMAGE, "destination_type": "local", "boot_index": 1}, "only as the boot disk"),
    ({"image_id": IMAGE}, "how large"),
    ({"source_type": "blank", "destination_type": "volume"}, "how large"),
    ({"volume_id": VOLUME, "volume_type": "ssd"}, "an existing volume keeps its type"),
    ({"source_type": "blank", "volume_type": "ssd"}, "a local disk has no volume_type"),
    ({"image_id": IMAGE, "destination_type": "local", "boot_index": 0, "volume_type": "ssd"}, "a local disk has no volume_type"),
    ({"volume_id": VOLUME, "destination_type": "local"}, "a volume cannot become a local disk"),
    ({"snapshot_id": VOLUME, "destination_type": "local"}, "a snapshot cannot become a local disk"),
    ({"no_device": True}, "no_device takes away"),
    ({"no_device": True, "device_name": "vdb", "volume_id": VOLUME}, "no_device takes away"),
]


@pytest.mark.parametrize(("written", "reason"), REFUSED)
def test_what_nova_would_refuse_or_drop_is_refused(written: object, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        block_devices.block_device(written)
    line = str(caught.value)
    assert reason in line
    assert line.startswith("Block device ")
    assert line.isprintable()


def test_the_line_names_the_disk() -> None:
    with pytest.raises(Invalid, match=r'^Block device 2, "vdb=:::": there is no id'):
        block_devices.block_devices([f"vda={VOLUME}", "vdb=:::"])
    with pytest.raises(Invalid, match=r"^Block device 1, \{tag: root, uuid: x\}: there is no source_type"):
        block_devices.block_devices([{"tag": "root", "uuid": "x"}])


def test_a_long_disk_is_named_by_its_beginning() -> None:
    with pytest.raises(Invalid) as caught:
        block_devices.block_device("x" * 10_000)
    assert len(str(caught.value)) < 300


def test_two_disks_of_one_device_name_are_refused() -> None:
    with pytest.raises(Invalid, match="Block devices 1 and 3 are both named vda"):
        block_devices.block_devices(["vda=a", "vdb=b", {"volume_id": "c", "device_name": "/dev/vda"}])


def test_a_list_may_hold_disks_of_all_kinds() -> None:
    written = [written for written, item in ACCEPTED if "device_name" not in item]
    assert block_devices.block_devices(written) == [block_devices.block_device(disk) for disk in written]


@pytest.mark.parametrize(
    ("written", "root_device", "indexes"),
    [
        ([f"vda={VOLUME}:::0"], "vda", [0]),
        ([f"/dev/vda={VOLUME}", "vdb=data"], "vda", [0, -1]),
        (["vdb=data", f"vda={VOLUME}"], "/dev/vda", [-1, 0]),
        ([f"sda={VOLUME}", "vda=data"], "sda", [0, -1]),
        ([{"volume_id": VOLUME, "boot_index": 0}, {"volume_id": "data"}], "vda", [0, -1]),
        (
            [{"volume_id": "a", "boot_index": 1}, {"volume_id": "b", "boot_index": 0}, {"volume_id": "c", "boot_index": -1}],
            "vda",
            [1, 0, -1],
        ),
        (["vda=a", {"volume_id": "b", "boot_index": 1}], "vda", [0, 1]),
        ([{"volume": {"id": "7", "mountpoint": "vdc"}}], "vda", [0]),
        ([f"source=image,id={IMAGE},bootindex=0", "/dev/vdb=ephemeral0", "/dev/vdc=none"], "vda", [0, -1, None]),
    ],
)
def test_each_disk_gets_its_boot_index(written: list[object], root_device: str, indexes: list[int | None]) -> None:
    ordered = block_devices.boot_order(block_devices.block_devices(written), root_device)
    assert [item.get("boot_index") for item in ordered] == indexes


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ([], "No block device is the boot disk"),
        ([f"vdb={VOLUME}"], "Give the disk to boot from boot_index 0, or the device name vda"),
        ([{"volume_id": VOLUME, "boot_index": -1, "device_name": "vda"}], "No block device is the boot disk"),
        (["vda=ephemeral0"], "No block device is the boot disk"),
        (["vda=none"], "No block device is the boot disk"),
        ([{"volume_id": "a", "boot_index": 1}], "No block device is the boot disk"),
        ([{"volume_id": "a", "boot_index": 0}, {"volume_id": "b", "boot_index": 2}], "The boot indexes 0, 2 leave one out"),
        (["vda=a", {"volume_id": "b", "boot_index": 0}], "both have boot index 0 (the device name vda stands for 0)"),
        ([{"volume_id": "a", "boot_index": 0}, "vdb=b", {"volume_id": "c", "boot_index": 0}], "Block devices 1, {uuid: a, "),
    ],
)
def test_a_boot_sequence_that_nova_refuses_is_refused(written: list[object], reason: str) -> None:
    items = block_devices.block_devices(written)
    with pytest.raises(Invalid) as caught:
        block_devices.boot_order(items)
    assert reason in str(caught.value)


# fmt: off
_FIELDS = [
    "uuid", "volume_id", "snapshot_id", "image_id", "source_type", "destination_type", "boot_index", "volume_size", "no_device",
    "delete_on_termination", "device_name", "device_type", "disk_bus", "guest_format", "tag", "volume_type",
]
_WORDS = [
    "0", "-1", "10", "true", "False", "none", "ephemeral0", "vol-3", "vda", "/dev/vdb", "volume", "image", "snap", "blank", "local",
    "remove", "lun", "scsi", "id", "source", "dest", "size", "uuid", "source_type", "volume_size", "tag",
]
# fmt: on
_word = st.sampled_from(["", VOLUME, f"snap-{VOLUME}", *_WORDS])
_text = st.one_of(st.text(), st.lists(st.one_of(_word, st.sampled_from("=:,")), max_size=20).map("".join))
_value = st.one_of(st.none(), st.booleans(), st.integers(-2, 5), st.floats(), _word, st.text(max_size=3))
_dictionary = st.one_of(
    st.dictionaries(st.sampled_from(_FIELDS), _value, max_size=4),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.sampled_from(_FIELDS)), _value, max_size=3),
)
_mapping = st.builds(
    "{}={}:{}:{}:{}".format,
    st.sampled_from(["vda", "vdb", "/dev/vda"]),
    st.sampled_from([VOLUME, "root", f"vol-{VOLUME}"]),
    st.sampled_from(["", "volume", "snap", "snapshot", "image"]),
    st.sampled_from(["10", "20"]),
    st.sampled_from(["", "0", "1", "true", "false"]),
)
_pairs = st.dictionaries(
    st.sampled_from(["source", "id", "dest", "size", "bootindex", "shutdown", "device", "tag"]), _word, max_size=5
).map(lambda pairs: ",".join(f"{key}={value}" for key, value in pairs.items()))
_disk = st.one_of(_mapping, _pairs, _dictionary, _text)


def _ordered(written: list[object]) -> list[dict[str, object]]:
    return block_devices.boot_order(block_devices.block_devices(written))


def _refusal(written: list[object]) -> str:
    try:
        _ordered(written)
    except Invalid as problem:
        return str(problem)
    return ""


@given(st.lists(_disk, max_size=4))
def test_whatever_is_written_a_refusal_is_one_line(written: list[object]) -> None:
    assert _refusal(written).isprintable()


@given(_disk)
def test_an_item_that_came_of_a_disk_stays_as_it_is(written: object) -> None:
    try:
        item = block_devices.block_device(written)
    except Invalid:
        return
    assert block_devices.block_device(item) == item
    assert None not in item.values()


@given(st.lists(st.one_of(_mapping, _mapping, _disk), max_size=4))
def test_an_order_has_one_boot_disk_and_stays_as_it_is(written: list[object]) -> None:
    if not _refusal(written):
        ordered = _ordered(written)
        assert [item.get("boot_index") for item in ordered].count(0) == 1
        assert _refusal(list(ordered)) == ""
        assert _ordered(list(ordered)) == ordered
