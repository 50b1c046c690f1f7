# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each guide does what it says: its files and commands are taken from the page, and run in order."""

from __future__ import annotations

import getpass
import grp
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from ..unit import disks
from .array import running
from .guides import GUIDES, Command, Shell, UnknownBlockError, follow, steps
from .lab import IMAGE, LUN, PROJECT, SYSTEM, Json, Lab, Node

pytestmark = [pytest.mark.full, pytest.mark.long]

REPOSITORY = GUIDES.parents[2]
SANDBOX = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent


@dataclass(frozen=True)
class Stage:
    """What a guide takes for granted, and what its commands become where they cannot be run as they are."""

    names: tuple[str, ...]  # all that is in the cloud for the guide begins with one of these
    prepare: Callable[[Lab, Path], object]  # what it gives, if anything, is ended with the guide
    instead: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None  # where the reader is; a new folder where it does not matter
    addresses: dict[str, str] = field(default_factory=dict)  # of the guide, and where the tests have what is there


def node(lab: Lab, name: str) -> Node:
    """A node with the name that it has in the guide, and a resource class for the whole rack."""
    made = lab.node()
    lab.patch(made, "/resource_class", name.partition("-")[0])
    lab.patch(made, "/name", name)
    return Node(made.uuid, name)


def host(folder: Path, name: str, **variables: object) -> None:
    """Have a host of the guide's inventory be this machine. A host's variables come before those of its group."""
    path = folder / "inventory" / "host_vars" / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    path.write_text(yaml.safe_dump({**here, **variables}), encoding="utf-8")


def nothing(lab: Lab, folder: Path) -> None:
    """The sandbox is up as it is."""


def servers(lab: Lab, folder: Path) -> None:
    lab.image("ubuntu-24.04", folder)
    lab.key("operations")
    network = lab.neutron("POST", "/networks", {"network": {"name": "internal"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "198.51.100.0/24", "gateway_ip": None, "enable_dhcp": False}
    lab.neutron("POST", "/subnets", {"subnet": subnet})
    for name, memory in (("general-2", 64), ("general-4", 128)):
        lab.nova_admin("POST", "/flavors", {"flavor": {"name": name, "ram": memory, "vcpus": 1, "disk": 0}})


def a_shop(lab: Lab, folder: Path) -> None:
    lab.image("shop-image", folder)
    network = lab.neutron("POST", "/networks", {"network": {"name": "shop-net"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "198.51.100.0/24", "gateway_ip": None, "enable_dhcp": False}
    lab.neutron("POST", "/subnets", {"subnet": subnet})
    lab.nova_admin("POST", "/flavors", {"flavor": {"name": "shop-small", "ram": 64, "vcpus": 1, "disk": 0}})
    node(lab, "shop-metal")


def installer(lab: Lab, folder: Path) -> None:
    """An ISO image with nothing on it: Glance looks for the descriptor at its start."""
    image = lab.glance("POST", "/images", {"name": "installer-13", "disk_format": "iso", "container_format": "bare"})["id"]
    descriptor = b"\x01CD001\x01".ljust(2048, b"\0")
    headers = {"Content-Type": "application/octet-stream"}
    lab.glance("PUT", f"/images/{image}/file", data=bytes(32 * 1024) + descriptor + bytes(2**20), headers=headers)
    lab.nova_admin("POST", "/flavors", {"flavor": {"name": "install-2", "ram": 64, "vcpus": 1, "disk": 0}})


def rack_of_cinder(lab: Lab, folder: Path) -> None:
    lab.image("debian-13-iscsi", folder)
    third = [node(lab, f"rack1-0{number}") for number in (1, 2, 3)][-1]
    lab.ironic("PUT", f"/nodes/{third.uuid}/maintenance", {"reason": "new memory"})


def rack_of_two_images(lab: Lab, folder: Path) -> None:
    for image in ("rack6-debian-13", "rack6-debian-14"):
        lab.image(image, folder)
    for number in (1, 2, 3):
        node(lab, f"rack6-0{number}")


def rack_with_spares(lab: Lab, folder: Path) -> None:
    lab.image("blade-debian", folder)
    second = [node(lab, f"blade-0{number}") for number in (1, 2, 3)][1]
    lab.ironic("PUT", f"/nodes/{second.uuid}/maintenance", {"reason": "new memory"})


def rack_of_an_array(lab: Lab, folder: Path) -> None:
    """Fake hardware never starts: Keystone's port answers for the machines. test_wait_for has those that do not answer."""
    keystone = urlsplit(clouds()["clouds"]["baremetal-admin"]["auth"]["auth_url"])
    for name in ("rack2-07", "rack2-08"):
        node(lab, name)
        host(folder, name, baremetal_deploy_wait_for={"host": keystone.hostname, "port": keystone.port})


def a_hall(lab: Lab, folder: Path) -> None:
    lab.image("hall1-debian-13", folder)
    for number in (1, 2, 3, 4):
        node(lab, f"hall1-0{number}")


def a_night(lab: Lab, folder: Path) -> None:
    for number in (1, 2, 3):
        node(lab, f"night-0{number}")
    lab.nova_admin("POST", "/flavors", {"flavor": {"name": "night-small", "ram": 64, "vcpus": 1, "disk": 0}})


def made_by_hand(lab: Lab, folder: Path) -> None:
    """Two nodes that run from disks elsewhere, and one that does not; and a server."""
    cinder, array, local = (node(lab, f"rack9-0{number}") for number in (1, 2, 3))
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    root, old = (lab.volume(f"{name}-root", imageRef=image["id"]) for name in (cinder.name, "old-web-1"))
    lab.set_up(cinder, "cinder")
    lab.target(cinder, root["id"])
    lab.set_up(array)
    lab.target(array, "array-lun-2", **LUN, auth_username=array.name, auth_password="first-of-array")
    for one in (cinder, array):
        lab.provision(one, "active", "active")
    lab.patch(local, "/instance_info/image_source", "http://192.0.2.10/disk.qcow2")
    lab.server("old-web-1", old["id"])


@contextmanager
def rack_of_empty_luns(lab: Lab, folder: Path) -> Iterator[None]:
    """Two nodes and their blank LUNs at two portals, and an image as the role builds them."""
    (folder / "images").mkdir()
    (folder / "images" / "rack4.raw").write_bytes(disks.bootable(24))
    (folder / "rack4.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtGyl5RtMfqTlLwO3z6nTZQhEkqFfSlHo3C0dQJ7s2n operations"
    )
    keystone = urlsplit(clouds()["clouds"]["baremetal-admin"]["auth"]["auth_url"])
    with running(folder, tuple(PORTALS.values()), folder / "array.log") as array:
        for name, password in (("rack4-01", "first-of-array"), ("rack4-02", "other-of-array")):
            disk = folder / f"{name}.lun"
            disk.touch()
            os.truncate(disk, 64 * 2**20)
            array.export(name, disk, f"iqn.2026-01.org.example:{name}", (name, password))
            node(lab, name)
            host(folder, name, baremetal_deploy_wait_for={"host": keystone.hostname, "port": keystone.port})
        yield


def conductors(lab: Lab, folder: Path) -> None:
    """Two hosts that stand for the sandbox's conductor: checked by its Ironic, written to copies of its configuration, verified by its API.

    It is not restarted, and offers all interfaces before as after: the molecule scenario conductor_storage restarts real ones.
    """
    configuration = SANDBOX / "etc" / "ironic.conf"
    (address,) = (f"http://{host}" for host, service in lab.services.items() if service == "baremetal")
    api = clouds()["clouds"]["baremetal-admin"]["auth"]
    for name in ("conductor-1", "conductor-2"):
        copy = folder / "conductors" / name
        (copy / "ironic.conf.d").mkdir(parents=True)
        text = configuration.read_text(encoding="utf-8")
        (copy / "ironic.conf").write_text(
            re.sub(r"(enabled_storage_interfaces) = .*", r"\1 = cinder,noop", text), encoding="utf-8"
        )
        host(
            folder,
            name,
            conductor_storage_become=False,
            conductor_storage_config_files=[str(copy / "ironic.conf")],
            conductor_storage_config_dirs=[str(copy / "ironic.conf.d")],
            conductor_storage_owner=getpass.getuser(),
            conductor_storage_group=grp.getgrgid(os.getgid()).gr_name,
            conductor_storage_python=[str(SANDBOX / "venv" / "bin" / "python")],
            conductor_storage_restart_command=["true"],
            conductor_storage_api={
                "url": address,
                "auth_type": "password",
                **{name: api[name] for name in ("auth_url", "username", "password")},
            },
        )
    host(
        folder,
        "builder-1",
        ansible_become=False,
        boot_image_dir=str(folder / "images"),
        boot_image_shims=True,
        boot_image_install_packages=True,
    )


def in_the_database(values: str) -> str:
    """A command that changes Ironic's record of a node of guide_takeover."""
    statement = f"UPDATE nodes SET {values} WHERE name = 'blade-01'"
    return f'mariadb --socket={SANDBOX}/run/mariadb.sock --user=root ironic --execute "{statement}"'


DEMO = "tools/demo.sh"  # `make demo` starts the sandbox before, which is up here
IMAGE_RUN = "ansible-playbook -i inventory bfv.openstack.image -e boot_image_builder=builder-1"
SITE_RUN = "ansible-playbook -i inventory bfv.openstack.site --tags conductors,image"
ARRAY_IMAGE_RUN = "ansible-playbook bfv.openstack.image -e @image.yml"
TAKEN_FROM = "baremetal --os-cloud baremetal-admin node show blade-01 -f value"
DYING = f"{TAKEN_FROM} -c fault -c maintenance -c provision_state"
DEAD = f"{TAKEN_FROM} -c maintenance -c provision_state"
UNSEEN = "power_state = 'error', maintenance = 1, fault = 'power failure'"
DIES = in_the_database(UNSEEN)
ENDS_IN_ERROR = in_the_database(f"provision_state = 'error', {UNSEEN}")
UNDEPLOYED = f"until {TAKEN_FROM} -c provision_state | grep -qx available; do sleep 2; done"
PORTALS = {"192.0.2.10": "127.61.6.1", "198.51.100.10": "127.61.6.2"}
STAGES = {
    # An image takes five minutes: the molecule scenario boot_image builds one.
    "guide_conductors": Stage(("debian-12-iscsi",), conductors, {run: f"{run} --check" for run in (IMAGE_RUN, SITE_RUN)}),
    # The tests need the sandbox on: after them .ci/run takes it down.
    "guide_sandbox": Stage(("try-",), nothing, {"make demo": DEMO, "make down": "make --dry-run down"}, REPOSITORY),
    "guide_servers": Stage(("web-", "db-", "internal", "operations", "general-", "ubuntu-24.04"), servers),
    "guide_checkpoints": Stage(("shop-",), a_shop),
    "guide_cd_boot": Stage(("install-", "installer-13"), installer),
    "guide_cinder": Stage(("rack1-", "debian-13-iscsi"), rack_of_cinder),
    # Nobody listens there.
    "guide_rollout": Stage(("rack6-",), rack_of_two_images, addresses={"192.0.2.20": "127.61.6.20"}),
    "guide_adopt": Stage(("rack9-", "old-"), made_by_hand),
    "guide_external": Stage(("rack2-",), rack_of_an_array),
    "guide_ten_thousand": Stage(("hall1-",), a_hall),
    "guide_drift": Stage(("night-",), a_night),
    # Fake hardware does not die: Ironic has what it would have then. e2e has a controller that is gone.
    "guide_takeover": Stage(
        ("blade-",),
        rack_with_spares,
        {
            DYING: f"{DIES} && {DYING}",
            DEAD: f"{UNDEPLOYED} && {ENDS_IN_ERROR} && {DEAD}",
        },
    ),
    # The image is made for the test: e2e builds one with the role, and boots from it.
    "guide_array": Stage(("rack4-",), rack_of_empty_luns, {ARRAY_IMAGE_RUN: "true"}, addresses=PORTALS),
}


def clouds() -> Json:
    """The sandbox under the names of the guides."""
    sandbox = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))["clouds"]
    return {"clouds": {"storage-project": sandbox[PROJECT], "baremetal-admin": sandbox[SYSTEM]}}


@contextmanager
def at_a_terminal(home: Path, folder: Path) -> Iterator[Shell]:
    """A shell in the folder, with the guides' clouds."""
    configuration = home / "clouds.yaml"
    configuration.touch(mode=0o600)
    configuration.write_text(yaml.safe_dump(clouds()), encoding="utf-8")
    shell = Shell(folder, {"OS_CLIENT_CONFIG_FILE": str(configuration), "ANSIBLE_HOME": str(home / "ansible")})
    try:
        yield shell
    finally:
        shell.close()


def prepared(stage: Stage, lab: Lab, folder: Path) -> AbstractContextManager[object]:
    """What a guide takes for granted, as long as it is followed."""
    made = stage.prepare(lab, folder)
    return made if isinstance(made, AbstractContextManager) else nullcontext()


def text(name: str) -> str:
    """A guide, with the addresses of the tests."""
    guide = (GUIDES / f"{name}.rst").read_text(encoding="utf-8")
    for address, here in STAGES[name].addresses.items():
        guide = guide.replace(address, here)
    return guide


def clear(labs: list[Lab]) -> None:
    """Nobody else in the sandbox has things of these names, or he is just trying the guide."""
    for lab in labs:
        lab.clear()
        for flavor in lab.nova.list("/flavors", "flavors"):
            if flavor["name"].startswith(lab.prefix):
                lab.nova_admin("DELETE", f"/flavors/{flavor['id']}")


@pytest.mark.parametrize("name", STAGES)
def test_the_guide_does_what_it_says(name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = STAGES[name]
    labs = [Lab(prefix) for prefix in stage.names]
    clear(labs)
    try:
        home = tmp_path_factory.mktemp("home")
        with prepared(stage, labs[0], tmp_path), at_a_terminal(home, stage.folder or tmp_path) as shell:
            wrong = follow(text(name), shell, stage.instead)
        assert not wrong, wrong
    finally:
        clear(labs)


def test_no_guide_is_left_out() -> None:
    followed_by_test_ee = {"guide_awx"}
    assert {path.stem for path in GUIDES.glob("guide_*.rst")} == set(STAGES) | followed_by_test_ee


@pytest.mark.parametrize("name", STAGES)
def test_what_is_run_instead_is_in_the_guide(name: str) -> None:
    lines = {step.line for step in steps(text(name)) if isinstance(step, Command)}
    assert set(STAGES[name].instead) - lines == set()


@pytest.mark.parametrize("block", [".. code-block:: shell\n\n   ls", ".. code-block:: yaml\n\n   a: 1", "Like this::\n\n   ls"])
def test_a_block_that_cannot_be_run_is_noticed(block: str) -> None:
    with pytest.raises(UnknownBlockError):
        steps(block)


@pytest.mark.parametrize(
    ("prints", "command", "complaint"),
    [
        ("one\n...\nfour", "seq 3 && echo four", "prints something else"),
        ("1\n...\nfour", "seq 3 && echo four", ""),
        ("1\n2", "seq 3", "prints something else"),
        ("2\n...", "seq 3", "prints something else"),
        ("...\n2\n...\n2", "seq 2", "prints something else"),
        ("...\n2\n3\n...\n5", "seq 5", ""),
        ("host ... changed=0 ...", "echo 'host ok=1 changed=0 failed=0'", ""),
        ("...\na ... changed=0 ...", "echo a changed=1 .; echo b changed=0 .", "prints something else"),
        ("", "exit_code() { return 3; }; exit_code", "ends with 3"),
        ("...\nfatal: ...", "echo fatal: it works", "ends with 0"),
        ("...\nfatal: ...", "echo fatal: it fails; false", ""),
    ],
)
def test_a_command_that_does_something_else_is_noticed(tmp_path: Path, prints: str, command: str, complaint: str) -> None:
    with at_a_terminal(tmp_path, tmp_path) as shell:
        assert Command(command, prints).complaint(*shell.run(command)) == complaint
