# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the role boot_image to a call of diskimage-builder, for every family and boot mode."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

ROLE = Path(__file__).resolve().parents[2] / "roles" / "boot_image"
FAMILIES = ("debian", "ubuntu", "centos-stream", "rocky", "almalinux", "rhel", "fedora")
DEBIANS = ("debian", "ubuntu")
SYSTEM = {
    "debian": ("debian-minimal", "bookworm"),
    "ubuntu": ("ubuntu-minimal", "noble"),
    "centos-stream": ("centos", "9-stream"),
    "rocky": ("rocky-container", "9"),
    "almalinux": ("almalinux-container", "9"),
    "rhel": ("rhel", "9"),
    "fedora": ("fedora", "42"),
}
BLOCK_DEVICE = {"bios": "block-device-mbr", "uefi": "block-device-efi"}
CELLS = [(family, mode) for family in FAMILIES for mode in BLOCK_DEVICE]
# RHEL and Fedora have to be told where their cloud image is.
SOURCE = {"DIB_LOCAL_IMAGE": "/images/cloud.qcow2"}


def run(folder: Path, cases: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """Plan all cases in one run of Ansible. Plan number N, or the reason why it was refused, goes to the file N.json."""
    tasks: list[dict[str, Any]] = []
    for number, options in enumerate(cases):
        role = {"ansible.builtin.include_role": {"name": "bfv.openstack.boot_image", "tasks_from": "plan"}}
        to = {"dest": str(folder / f"{number}.json"), "mode": "0644"}
        planned = {"ansible.builtin.copy": {"content": "{{ boot_image_planned | to_json }}", **to}}
        refused = {"ansible.builtin.copy": {"content": "{{ {'refused': ansible_failed_result.msg} | to_json }}", **to}}
        tasks.append({"block": [role, planned], "rescue": [refused], "vars": {"boot_image_dir": "/images", **options}})
    playbook = folder / "plans.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    command = [ansible("ansible-playbook"), playbook]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def plan(folder: Path, **options: Any) -> dict[str, Any]:
    done = run(folder, [options])
    assert done.returncode == 0, done.stdout
    planned: dict[str, Any] = json.loads((folder / "0.json").read_text())
    return planned


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("matrix")
    cases = [
        {"boot_image_family": family, "boot_image_boot_mode": mode, "boot_image_environment": SOURCE} for family, mode in CELLS
    ]
    done = run(folder, cases)
    assert done.returncode == 0, done.stdout
    return {cell: json.loads((folder / f"{number}.json").read_text()) for number, cell in enumerate(CELLS)}


@pytest.mark.parametrize(("family", "mode"), CELLS)
def test_the_elements_of_each_family_and_boot_mode(matrix: dict[tuple[str, str], dict[str, Any]], family: str, mode: str) -> None:
    dracut = [] if family in DEBIANS else ["dracut-regenerate"]
    cloud_init = ["cloud-init", "cloud-init-datasources", "openssh-server"]
    planned = matrix[family, mode]
    assert planned["elements"] == [SYSTEM[family][0], BLOCK_DEVICE[mode], "vm", "bfv-iscsi-boot", *dracut, *cloud_init]
    assert planned["name"] == f"bfv-{family}-{SYSTEM[family][1]}-{mode}"


@pytest.mark.parametrize(("family", "mode"), CELLS)
def test_the_variables_of_each_family_and_boot_mode(
    matrix: dict[tuple[str, str], dict[str, Any]], family: str, mode: str
) -> None:
    environment = matrix[family, mode]["environment"]
    assert environment["DIB_RELEASE"] == SYSTEM[family][1]
    assert environment["DIB_CLOUD_INIT_DATASOURCES"] == "OpenStack"
    assert environment["DIB_BFV_CLOUD_INIT_NETWORK"] == "0"
    assert environment["DIB_BFV_FIRMWARE"] == "1"
    assert not environment.keys() & {"DIB_BFV_SEED_PARTITION", "DIB_BLOCK_DEVICE_CONFIG", "DIB_BFV_MULTIPATH"}
    assert (environment["DIB_BFV_HOST_NAME"], environment["DIB_BFV_OWN_MACHINE"], environment["DIB_BFV_USERS"]) == ("", "yes", "")
    arguments = "nofb nomodeset gfxpayload=text"
    if family in DEBIANS:
        assert environment["DIB_BOOTLOADER_DEFAULT_CMDLINE"] == f"{arguments} network-config=disabled"
        assert environment["DIB_APT_MINIMAL_CREATE_INTERFACES"] == "0"
    else:
        assert (
            environment["DIB_BOOTLOADER_DEFAULT_CMDLINE"]
            == f"{arguments} rd.iscsi.firmware=1 rd.iscsi.ibft=1 network-config=disabled"
        )
        modules = yaml.safe_load(environment["DIB_DRACUT_ENABLED_MODULES"])
        assert [module["name"] for module in modules] == ["network", "iscsi"]


def test_options_reach_the_plan(tmp_path: Path) -> None:
    planned = plan(
        tmp_path,
        boot_image_family="ubuntu",
        boot_image_boot_mode="uefi",
        boot_image_release="jammy",
        boot_image_kernel="cloud",
        boot_image_kernel_arguments=["quiet"],
        boot_image_cloud_init=False,
        boot_image_packages=["vim"],
        boot_image_extra_elements=["own"],
        boot_image_elements_path=["/own/elements"],
        boot_image_environment={"DIB_GRUB_TIMEOUT": "9"},
        boot_image_shims=True,
    )
    assert planned["name"] == "bfv-ubuntu-jammy-uefi"
    assert planned["elements"] == ["ubuntu-minimal", "block-device-efi", "vm", "bfv-iscsi-boot", "own"]
    own, role = planned["elements_path"]
    assert (own, Path(role).resolve()) == ("/own/elements", ROLE / "files" / "elements")
    assert planned["packages"] == ["vim"]
    assert Path(planned["shims"]).resolve() == ROLE / "files" / "shims"
    environment = planned["environment"]
    assert environment["DIB_UBUNTU_KERNEL"] == "linux-image-virtual"
    assert environment["DIB_GRUB_TIMEOUT"] == "9"
    assert environment["DIB_BOOTLOADER_DEFAULT_CMDLINE"].endswith(" quiet")
    assert "DIB_CLOUD_INIT_DATASOURCES" not in environment


@pytest.mark.parametrize(
    ("mode", "table", "partitions"),
    [
        ("bios", "mbr", [("config-2", "0x0e", "64MiB"), ("root", None, "100%")]),
        (
            "uefi",
            "gpt",
            [("ESP", "EF00", "550MiB"), ("BSP", "EF02", "8MiB"), ("config-2", "0700", "64MiB"), ("root", "8300", "100%")],
        ),
    ],
)
def test_a_seed_partition_comes_before_the_root(tmp_path: Path, mode: str, table: str, partitions: list[Any]) -> None:
    """All else is as diskimage-builder's own elements have it: block-device-mbr, block-device-efi."""
    planned = plan(tmp_path, boot_image_boot_mode=mode, boot_image_seed_partition=True)
    environment = planned["environment"]
    assert planned["elements"][1] == BLOCK_DEVICE[mode]
    assert environment["DIB_BFV_SEED_PARTITION"] == "1"
    assert environment["DIB_CLOUD_INIT_DATASOURCES"] == "ConfigDrive, OpenStack"
    loop, disk = yaml.safe_load(environment["DIB_BLOCK_DEVICE_CONFIG"])
    assert loop == {"local_loop": {"name": "image0"}}
    assert (disk["partitioning"]["base"], disk["partitioning"]["label"]) == ("image0", table)
    found = disk["partitioning"]["partitions"]
    assert [(one["name"], one.get("type"), one["size"]) for one in found] == partitions
    root = found[-1]
    assert root.get("flags") == (["boot", "primary"] if mode == "bios" else None)
    assert root["mkfs"] == {
        **({"type": "ext4"} if mode == "uefi" else {}),
        "mount": {"mount_point": "/", "fstab": {"options": "defaults", "fsck-passno": 1}},
    }
    # The element makes its file system.
    assert "mkfs" not in found[-2]


@pytest.mark.parametrize("family", ["debian", "ubuntu", "rocky"])
def test_several_paths(tmp_path: Path, family: str) -> None:
    planned = plan(tmp_path, boot_image_family=family, boot_image_multipath=True)
    assert planned["environment"]["DIB_BFV_MULTIPATH"] == "1"


def test_a_disk_of_ones_own_comes_before_the_roles(tmp_path: Path) -> None:
    planned = plan(tmp_path, boot_image_seed_partition=True, boot_image_environment={"DIB_BLOCK_DEVICE_CONFIG": "file:///mine"})
    assert planned["environment"]["DIB_BLOCK_DEVICE_CONFIG"] == "file:///mine"


def test_users_and_host_names_reach_the_image(tmp_path: Path) -> None:
    planned = plan(
        tmp_path,
        boot_image_kernel="cloud",
        boot_image_cloud_init=False,
        boot_image_hostname="from_dns",
        boot_image_own_machine=False,
        boot_image_users=[{"name": "ops", "sudo": True, "keys": ["ssh-ed25519 AAAA ops", "ssh-rsa BBBB"]}, {"name": "auditor"}],
    )
    environment = planned["environment"]
    assert environment["DIB_BFV_USERS"] == "ops\tyes\tssh-ed25519 AAAA ops\tssh-rsa BBBB\nauditor\tno"
    assert (environment["DIB_BFV_HOST_NAME"], environment["DIB_BFV_OWN_MACHINE"]) == ("from_dns", "no")
    # Virtual machines need none, unless it is asked for.
    assert environment["DIB_BFV_FIRMWARE"] == "0"
    assert planned["elements"][-1] == "openssh-server"
    assert planned["packages"] == ["sudo"]


@pytest.mark.parametrize(
    ("family", "element"), [("debian", "bfv-local-image"), ("ubuntu", "bfv-local-image"), ("rhel", "rhel"), ("fedora", "fedora")]
)
def test_a_system_comes_from_the_image_of_a_vendor(tmp_path: Path, family: str, element: str) -> None:
    planned = plan(tmp_path, boot_image_family=family, boot_image_local_image="/images/cloud.qcow2")
    assert planned["elements"][0] == element
    environment = planned["environment"]
    assert environment["DIB_LOCAL_IMAGE"] == "/images/cloud.qcow2"
    assert environment.get("DISTRO_NAME") == (family if family in DEBIANS else None)


@pytest.mark.parametrize("options", [{"boot_image_cloud_init": False}, {"boot_image_cloud_init_network": True}])
def test_the_kernel_is_told_nothing_about_a_network_that_is_cloud_inits(tmp_path: Path, options: dict[str, Any]) -> None:
    assert "network-config" not in plan(tmp_path, **options)["environment"]["DIB_BOOTLOADER_DEFAULT_CMDLINE"]


def test_debian_may_have_dracut(tmp_path: Path) -> None:
    planned = plan(tmp_path, boot_image_initramfs="dracut")
    assert "dracut-regenerate" not in planned["elements"]
    assert planned["environment"]["DIB_BFV_INITRAMFS"] == "dracut"
    assert planned["environment"]["DIB_BOOTLOADER_DEFAULT_CMDLINE"].endswith(
        "rd.iscsi.firmware=1 rd.iscsi.ibft=1 network-config=disabled"
    )


def test_an_image_for_other_processors(tmp_path: Path) -> None:
    assert plan(tmp_path)["architecture"] == "amd64"
    (tmp_path / "arm").mkdir()
    planned = plan(tmp_path / "arm", boot_image_architecture="aarch64", boot_image_boot_mode="uefi")
    assert planned["architecture"] == "arm64"


REFUSALS: list[tuple[dict[str, Any], str]] = [
    (
        {"boot_image_family": "fedora"},
        "set boot_image_local_image to a cloud image of it on the builder, or one of DIB_LOCAL_IMAGE, BASE_IMAGE_FILE in",
    ),
    # The element `rhel` takes it together with DIB_CLOUD_IMAGES only, and then for an image of Red Hat's old names.
    ({"boot_image_family": "rhel", "boot_image_environment": {"BASE_IMAGE_FILE": "x"}}, "or one of DIB_LOCAL_IMAGE in"),
    ({"boot_image_local_image": "cloud.qcow2"}, "has to be an absolute path"),
    ({"boot_image_family": "rocky", "boot_image_local_image": "/x.qcow2"}, "rocky is made of a container"),
    ({"boot_image_local_image": "/x.qcow2", "boot_image_environment": SOURCE}, "another one as DIB_LOCAL_IMAGE"),
    ({"boot_image_architecture": "aarch64"}, "aarch64 have no firmware bios"),
    ({"boot_image_hostname": "bm_0"}, "boot_image_hostname (bm_0)"),
    ({"boot_image_users": [{"name": "Ops"}]}, "boot_image_users (Ops)"),
    ({"boot_image_users": [{"name": "ops", "keys": ["a\nb"]}]}, "each of their keys is one line"),
    ({"boot_image_users": [{"keys": []}]}, "missing required arguments: name"),
    ({"boot_image_name": "../disk"}, "boot_image_name (../disk)"),
    ({"boot_image_dir": "images"}, "absolute paths"),
    ({"boot_image_elements_path": ["elements"]}, "absolute paths"),
    ({"boot_image_packages": ["vim; reboot"]}, "names of packages"),
    ({"boot_image_family": "arch"}, "value of boot_image_family must be one of: debian, ubuntu"),
    ({"boot_image_size": -1}, "boot_image_size may not be below 0"),
    ({"boot_image_timeout": 0}, "boot_image_timeout has to be above"),
    ({"boot_image_secrets": {"DIB_PASSWORD": "x"}}, "boot_image_secrets may not hold DIB_PASSWORD"),
    ({"boot_image_datasources": []}, "boot_image_datasources is empty"),
    ({"boot_image_multipath": True, "boot_image_initramfs": "dracut"}, "boot_image_multipath needs initramfs-tools on debian"),
    ({"boot_image_seed_partition": True, "boot_image_cloud_init": False}, "boot_image_cloud_init has to be true"),
    ({"boot_image_seed_partition": True, "boot_image_datasources": ["OpenStack"]}, "ConfigDrive one of boot_image_datasources"),
    ({"boot_image_family": "rocky", "boot_image_kernel": "cloud"}, "boot_image_kernel can be cloud"),
    ({"boot_image_family": "rocky", "boot_image_initramfs": "initramfs-tools"}, "rocky has no initramfs-tools"),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("refusals")
    done = run(folder, [options for options, _reason in REFUSALS])
    assert done.returncode == 0, done.stdout
    return [json.loads((folder / f"{number}.json").read_text()) for number in range(len(REFUSALS))]


@pytest.mark.parametrize(("number", "reason"), [(number, reason) for number, (_options, reason) in enumerate(REFUSALS)])
def test_what_would_fail_later_is_refused(refusals: list[dict[str, Any]], number: int, reason: str) -> None:
    assert reason in refusals[number].get("refused", "")


HOOKS = [
    path
    for folder in (ROLE / "files" / "elements", ROLE / "files" / "shims", ROLE.parents[1] / "tests" / "e2e" / "elements")
    for path in folder.rglob("*")
    if path.is_file() and path.read_bytes().startswith(b"#!")
]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda path: path.name)
def test_hooks_can_be_run(hook: Path) -> None:
    """diskimage-builder silently leaves out hooks that may not be executed."""
    assert os.access(hook, os.X_OK)
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", hook], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_tool_has_a_package() -> None:
    tools = yaml.safe_load((ROLE / "vars" / "main" / "tools.yml").read_text())["boot_image_tools"]
    tables = yaml.safe_load((ROLE / "vars" / "main" / "families.yml").read_text())
    needed = [*tables["boot_image_families"].values(), *tables["boot_image_boot_modes"].values()]
    assert {tool for line in needed for tool in line["tools"]} <= tools.keys()


@pytest.mark.parametrize(
    ("family", "initiator"), [("debian", ["open-iscsi"]), ("redhat", ["iscsi-initiator-utils", "dracut-network", "dracut"])]
)
def test_every_package_has_a_name_in_each_family(family: str, initiator: list[str]) -> None:
    """diskimage-builder asks the package manager for names that are in no map as they are, and dnf leaves out what it does not know."""
    element = ROLE / "files" / "elements" / "bfv-iscsi-boot"
    names = json.loads((element / "pkg-map").read_text())
    mapped = names["default"] | names["family"][family]
    assert yaml.safe_load((element / "package-installs.yaml").read_text()).keys() == mapped.keys()
    assert {*initiator, "openssl"} <= set(mapped.values())


def test_updates_of_the_kernel_keep_the_initiator_in_an_initramfs_of_dracut() -> None:
    configuration = ROLE / "files/elements/bfv-iscsi-boot/dracut.conf.d/60-bfv-iscsi-boot.conf"
    # As dracut reads it, after another file.
    script = f'add_dracutmodules=" crypt"; . {configuration}; echo "$hostonly:$add_dracutmodules"'
    read = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout
    assert read.split() == ["no:", "crypt", "network", "iscsi"]
