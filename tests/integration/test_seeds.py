# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "From the command lines to tasks": each command line of the guides is on it, and each of its tasks does what it says, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from docutils import nodes
from docutils.core import publish_doctree

from .lab import IMAGE, NETWORK, PROJECT, SYSTEM, Lab, Node
from .runs import Ansible, Run, Task

pytestmark = pytest.mark.full

PAGE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "command_lines.rst"
VOLUME = "8dcf68f9-0321-42f3-a3dc-b861b9335a9b"
LUN = "05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61"
IMAGES = ("ff228647-fd57-47fe-b42d-2b7813bb9115", "255df5fb-e3d4-45a3-9a07-c976debf7c14", "e0b7734d-2331-42a3-b19e-067adc0da17d")
NETWORKS = ("00000000-0000-0000-0000-000000000000", "11111111-1111-1111-1111-111111111111")
NAMES = ("BFB-test-SSD", "BFVServer", "BFTest3", "euca", "yoshi")
IRONIC_PIKE = "openstack --os-baremetal-api-version 1.33 baremetal"
COMMAND_LINES = [
    "nova volume-create 100 --volume-type=SSD --display-name=BFB-test-SSD --image-id=ff228647-fd57-47fe-b42d-2b7813bb9115",
    f"nova boot --flavor general1-1 --block-device-mapping vda={VOLUME}:::0 BFVServer",
    "curl -i 'https://iad.blockstorage.api.rackspacecloud.com/v1/596067/volumes' -X POST",
    "curl -i 'https://preprod.ord.servers.api.rackspacecloud.com/v2/5892688/os-volumes_boot' -X POST",
    "nova boot --flavor general1-1 --block-device source=image,id=e0b7734d-2331-42a3-b19e-067adc0da17d,dest=volume,size=100,"
    "shutdown=preserve,bootindex=0 BFVServer",
    "euca-run-instances ami-XXXX -k mykey -t m1.tiny -b/dev/vdb=vol-00000003::false",
    "curl -D - -H X-Auth-Key:your-key -H X-Auth-Token:your-token -H X-Auth-User:yoshi"
    ' -H "Content-Type: application/json" -X POST -d \'{"server": {"name":"yoshi", "imageRef":"6",'
    ' "flavorRef": "http://localhost:8774/v1.1/flavors/1", "volume": {"id":"7", "mountpoint":"/dev/vda"}}}\''
    " http://localhost:8774/v1.1/servers",
    "baremetal node set --storage-interface cinder $NODE_UUID",
    f"{IRONIC_PIKE} node set --storage-interface cinder $NODE_UUID",
    "baremetal node set --property capabilities=iscsi_boot:True $NODE_UUID",
    f"{IRONIC_PIKE} node set --property capabilities=iscsi_boot:True $NODE_UUID",
    "baremetal volume connector create --node $NODE_UUID --type iqn --connector-id $NODE_UUID",
    f"{IRONIC_PIKE} volume connector create --node $NODE_UUID --type iqn --connector-id iqn.2017-08.org.openstack.$NODE_UUID",
    "baremetal volume target create --node $NODE_UUID --type iscsi --boot-index 0 --volume $VOLUME_UUID",
    f"{IRONIC_PIKE} volume target create --node $NODE_UUID --type iscsi --boot-index 0 --volume $VOLUME_UUID",
    "baremetal node set --storage-interface external $NODE_UUID",
    "baremetal volume target create --node $NODE_UUID --type iscsi --boot-index 0 --volume-id $VOLUME_UUID"
    ' --property target_iqn="" --property target_lun="0" --property target_portal="" --property auth_method="CHAP"'
    ' --property auth_username="ABC" --property auth_password="XYZ"',
    "baremetal node unset --instance-info image_source $NODE_UUID",
    "baremetal node deploy $NODE_UUID",
]
BY_ROLES = [
    "enabled_storage_interfaces = cinder,noop",
    'export DIB_CLOUD_INIT_DATASOURCES="ConfigDrive, OpenStack"',
    "disk-image-create centos7 vm cloud-init-datasources dhcp-all-interfaces iscsi-boot dracut-regenerate block-device-efi"
    " -o $IMAGE_NAME",
]


@dataclass(frozen=True)
class Row:
    """A row of the page's tables: what was done by hand, and the tasks that do it here."""

    chapter: str
    scope: str  # rows of one scope are about the same things
    commands: str
    tasks: tuple[str, ...]  # YAML


@cache
def page() -> tuple[Row, ...]:
    doctree = publish_doctree(PAGE.read_text(encoding="utf-8"), settings_overrides={"report_level": 5})
    rows = []
    for section in doctree.findall(nodes.section):
        for number, row in enumerate(section.findall(nodes.row)):
            left, right = row.children
            blocks = tuple(block.astext() for block in right.findall(nodes.literal_block))
            # The steps in the Control Panel tell one story.
            scope = f"row {number}" if any(left.findall(nodes.literal_block)) else "steps"
            rows.append(Row(section["names"][0], scope, left.astext(), blocks))
    return tuple(rows)


def tasks(*chapters: str) -> list[tuple[Row, str]]:
    return [(row, block) for row in page() for block in row.tasks if row.chapter in chapters]


def names(*chapters: str) -> list[str]:
    return [yaml.safe_load(block)[0]["name"] for _row, block in tasks(*chapters)]


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_each_command_line_has_a_task(command: str) -> None:
    (row,) = (row for row in page() if command in row.commands.splitlines())
    assert row.tasks


@pytest.mark.parametrize("command", BY_ROLES)
def test_what_a_role_does_is_told(command: str) -> None:
    (row,) = (row for row in page() if command in row.commands.splitlines())
    assert row.chapter == "conductors and images"


SERVERS = ("volumes and servers", "before there was an api")
NODES = ("bare metal",)


class Cast:
    """What stands in the sandbox for the things of the page."""

    def __init__(self, lab: Lab, **here: str) -> None:
        self._lab = lab
        (self._image,) = (image["id"] for image in lab.glance.list("/images", "images", name=IMAGE))
        self._here = {
            **dict.fromkeys(IMAGES, self._image),
            "storage-project": PROJECT,
            "baremetal-admin": SYSTEM,
            "general1-1": "bfv.small",
            "general1-2": "bfv.medium",
            "m1.tiny": "bfv.small",
            "volume_type: SSD": "volume_type: tgt",
            "size: 100": "size: 1",
            "size=100": "size=1",
            **here,
        }
        self._names: dict[tuple[str, str, str], str] = {}

    def task(self, row: Row, block: str, again: bool) -> Task:
        """The task of a block, with real names. ``again`` is its second run."""
        for there, here in self._here.items():
            block = block.replace(there, here)
        for there in (VOLUME, *NAMES):
            if there in block:
                block = block.replace(there, self._name(row, there))
        (task,) = yaml.safe_load(block)
        for options in (value for module, value in task.items() if module == "bfv.openstack.bfv_server"):
            # Without it Nova chooses the only network of the project, and other tests make some there meanwhile.
            options.setdefault("networks", NETWORK)
        return {**task, "name": f"{task['name']}{' again' if again else ''}", "ignore_errors": True}

    def _name(self, row: Row, there: str) -> str:
        key = (row.chapter, row.scope, there)
        if key not in self._names:
            named = self._lab.name("disk" if there == VOLUME else there)
            self._names[key] = self._lab.volume(named, imageRef=self._image)["id"] if there == VOLUME else named
        return self._names[key]


def play(ansible: Ansible, cast: Cast, chapters: tuple[str, ...]) -> Run:
    """Each task and its second run, in the order of the page."""
    written = [cast.task(row, block, again) for row, block in tasks(*chapters) for again in (False, True)]
    return ansible.tasks(*written, arguments=("--extra-vars", "vault_chap_password=XYZ"))


@pytest.fixture(scope="module")
def servers(lab: Lab, ansible: Ansible) -> Run:
    if not lab.has_servers:
        pytest.fail("The sandbox has no Nova: make sandbox PROFILE=full")
    key = lab.name("key")
    lab.key(key)
    (network,) = (one["id"] for one in lab.neutron.list("/networks", "networks", name=NETWORK))
    return play(ansible, Cast(lab, mykey=key, **dict.fromkeys(NETWORKS, network)), SERVERS)


@pytest.fixture(scope="module")
def machines(lab: Lab) -> tuple[Node, Node]:
    """One for Cinder, one for an array. An image is left on the second."""
    cinder, external = lab.nodes("cinder", "external")
    lab.patch(external, "/instance_info/image_source", "http://192.0.2.10/old.qcow2")
    return cinder, external


@pytest.fixture(scope="module")
def bare_metal(lab: Lab, ansible: Ansible, machines: tuple[Node, Node]) -> Run:
    here = {"rack1-01": machines[0].name, "rack2-07": machines[1].name, LUN: str(uuid4())}
    return play(ansible, Cast(lab, **here), NODES)


def check(run: Run, name: str) -> None:
    first, second = run[name], run[f"{name} again"]
    assert not first["failed"], first.get("msg")
    # One server is asked for in two ways: the second finds it done.
    assert first["changed"] == ("in today's words" not in name)
    assert not second["failed"], second.get("msg")
    assert not second["changed"]
    assert "warnings" not in second


@pytest.mark.parametrize("name", names(*SERVERS))
def test_each_task_about_servers_does_its_work_once(servers: Run, name: str) -> None:
    check(servers, name)


@pytest.mark.parametrize("name", names(*NODES))
def test_each_task_about_nodes_does_its_work_once(bare_metal: Run, name: str) -> None:
    check(bare_metal, name)


@pytest.mark.parametrize("name", ["Prepare the volume independently", "Create the volume as by the API"])
def test_a_volume_is_as_the_command_made_it(servers: Run, name: str) -> None:
    volume = servers[name]["volume"]
    assert (volume["status"], volume["bootable"], volume["size"], volume["volume_type"]) == ("available", True, 1, "tgt")


@pytest.mark.parametrize("name", [name for name in names(*SERVERS) if name.startswith(("Boot", "Build"))])
def test_a_server_is_as_the_command_made_it(servers: Run, name: str, lab: Lab) -> None:
    server = servers[name]["server"]
    assert server["status"] == "ACTIVE"
    # As Nova sees it: no image, and the disks survive the server.
    seen = lab.nova("GET", f"/servers/{server['id']}")["server"]
    assert seen["image"] == ""
    assert [disk["delete_on_termination"] for disk in seen["os-extended-volumes:volumes_attached"]] == [False] * len(
        server["volumes"]
    )
    assert len(server["volumes"]) == (2 if "second disk" in name else 1)


def test_a_server_gets_both_networks_of_the_request(servers: Run) -> None:
    assert len(servers["Boot from the volume as by the API"]["server"]["addresses"]) == 2


def test_a_server_keeps_disk_and_address_under_another_flavor(servers: Run) -> None:
    small, larger = servers["Create a server with a bootable volume"], servers["Move the disk under another flavor"]
    assert (small["server"]["flavor"], larger["server"]["flavor"]) == ("bfv.small", "bfv.medium")
    assert small["server"]["id"] != larger["server"]["id"]
    assert small["server"]["addresses"] == larger["server"]["addresses"]
    assert small["volume"]["id"] == larger["volume"]["id"]


def test_a_volume_survives_its_server(servers: Run, lab: Lab) -> None:
    volume = servers["Move the disk under another flavor"]["volume"]
    assert servers["Delete the server and keep its volume"]["server"] is None
    assert lab.cinder("GET", f"/volumes/{volume['id']}")["volume"]["status"] == "available"


def test_a_node_of_cinder_is_as_the_commands_made_it(bare_metal: Run, machines: tuple[Node, Node], lab: Lab) -> None:
    node, _external = machines
    seen = lab.look(node)
    assert seen["storage_interface"] == "cinder"
    assert set(seen["properties"]["capabilities"].split(",")) == {"boot_mode:uefi", "iscsi_boot:True"}
    assert [one["connector_id"] for one in lab.connectors(node)] == [f"iqn.2017-08.org.openstack.{node.uuid}"]
    assert [(one["boot_index"], one["volume_type"]) for one in lab.targets(node)] == [(0, "iscsi")]


def test_a_node_of_an_array_is_deployed_from_its_lun(bare_metal: Run, machines: tuple[Node, Node], lab: Lab) -> None:
    _cinder, node = machines
    seen = lab.look(node)
    assert (seen["provision_state"], seen["storage_interface"]) == ("active", "external")
    assert "image_source" not in seen["instance_info"]
    assert "sanhook --drive 0x80 iscsi:192.168.0.123::3260:0:iqn.2010-10.com.example:vol-X" in lab.boot_script(node)
