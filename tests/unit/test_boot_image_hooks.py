# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hooks of the element bfv-iscsi-boot that need no Debian, in a throw-away copy of this system's files.

grubby and lsinitrd are small programs here, which do to the files what the real ones do. Needs root and overlay file systems.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from . import image_files
from .image_files import ELEMENT

HOOK = ELEMENT / "finalise.d/60-bfv-iscsi-boot"
ARGUMENTS = "rd.iscsi.firmware=1 rd.iscsi.ibft=1"
GRUBBY = """#!/bin/sh
for entry in /boot/loader/entries/*.conf; do
  case $1 in
    --info=ALL) sed -n 's/^options \\(.*\\)/args="\\1"/p' "$entry" ;;
    --update-kernel=ALL) test -e /grubby-is-broken || sed -i "s/^options.*/& ${2#--args=}/" "$entry" ;;
  esac
done
"""
LSINITRD = """#!/bin/sh
cat "$2"
"""

pytestmark = pytest.mark.skipif(not image_files.can_overlay(), reason="needs root and overlay file systems")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files of an image: a boot entry, the two copies of grub.cfg, an initramfs."""
    files = tmp_path / "files"
    for folder in ("boot/loader/entries", "boot/grub2", "boot/efi/EFI/centos", "etc/kernel", "etc/iscsi", "stubs"):
        (files / folder).mkdir(parents=True)
    (files / "boot/loader/entries/one.conf").write_text("title one\noptions root=LABEL=x ro\n")
    for copy in ("boot/grub2/grub.cfg", "boot/efi/EFI/centos/grub.cfg"):
        (files / copy).write_text("blscfg\n")
    (files / "boot/initramfs-5.14.img").write_text("network\niscsi\n")
    (files / "boot/initramfs-0-rescue-1.img").write_text("base\n")
    (files / "etc/kernel/cmdline").write_text("root=LABEL=x ro\n")
    (files / "etc/iscsi/initiatorname.iscsi").write_text("InitiatorName=iqn.1994-05.com.redhat:baked\n")
    for name, text in (("grubby", GRUBBY), ("lsinitrd", LSINITRD)):
        (files / "stubs" / name).write_text(text)
        (files / "stubs" / name).chmod(0o755)
    (files / "hook").write_text(HOOK.read_text() + "\n[ ! -e /etc/iscsi/initiatorname.iscsi ]\n")
    return files


def run(image: Path, distribution: str = "centos", multipath: str = "0") -> tuple[subprocess.CompletedProcess[str], Path]:
    hook = image / "hook"
    hook.write_text(f"trap 'cp -a /boot /etc/kernel /results' EXIT\n{hook.read_text()}")
    return image_files.run(
        image, DISTRO_NAME=distribution, DIB_BFV_MULTIPATH=multipath, DIB_BFV_HOST_NAME="''", DIB_BFV_OWN_MACHINE="yes"
    )


@pytest.mark.parametrize("distribution", ["centos", "rocky", "almalinux", "rhel", "fedora"])
def test_every_boot_entry_and_the_next_kernels_gets_the_arguments(image: Path, distribution: str) -> None:
    done, results = run(image, distribution)
    assert done.returncode == 0, done.stdout
    assert f"options root=LABEL=x ro {ARGUMENTS}\n" in (results / "boot/loader/entries/one.conf").read_text()
    assert (results / "kernel/cmdline").read_text() == f"root=LABEL=x ro {ARGUMENTS}\n"


def test_an_entry_that_stays_without_fails_the_build(image: Path) -> None:
    (image / "grubby-is-broken").touch()
    done, _results = run(image)
    assert done.returncode != 0
    assert "a boot entry has no rd.iscsi.firmware=1" in done.stdout


def test_an_image_without_any_entry_fails_the_build(image: Path) -> None:
    (image / "boot/loader/entries/one.conf").unlink()
    done, _results = run(image)
    assert done.returncode != 0
    assert "there is no boot entry of any kernel" in done.stdout


@pytest.mark.parametrize("copy", ["boot/grub2/grub.cfg", "boot/efi/EFI/centos/grub.cfg"])
def test_a_copy_of_grub_cfg_without_fails_the_build(image: Path, copy: str) -> None:
    (image / copy).write_text(f"\tlinux /vmlinuz-5 ro {ARGUMENTS}\n\tlinuxefi /vmlinuz-4 ro\n")
    done, _results = run(image)
    assert done.returncode != 0
    assert f"/{copy} has no rd.iscsi.firmware=1" in done.stdout


@pytest.mark.parametrize("missing", ["network", "iscsi"])
def test_an_initramfs_that_cannot_reach_the_volume_fails_the_build(image: Path, missing: str) -> None:
    (image / "boot/initramfs-5.14.img").write_text({"network": "iscsi\n", "iscsi": "network\n"}[missing])
    done, _results = run(image)
    assert done.returncode != 0
    assert f"initramfs-5.14.img has no dracut module {missing}" in done.stdout


def test_an_initramfs_that_cannot_make_a_map_fails_the_build(image: Path) -> None:
    done, _results = run(image, multipath="1")
    assert done.returncode != 0
    assert "initramfs-5.14.img has no dracut module multipath" in done.stdout


INITRAMFS = ("sbin/iscsistart", "iscsi_ibft.ko", "iscsi_tcp.ko", "etc/iscsi.initramfs", "sbin/blkid")
WITH_PATHS = (
    *("scripts/local-top/bfv-root-map", "dm-multipath.ko", "dm-service-time.ko", "sbin/multipath", "etc/multipath.conf"),
    *("lib/multipath/libchecktur.so", "sbin/kpartx", "sbin/dmsetup"),
)


@pytest.mark.parametrize(
    ("multipath", "contents", "missing"),
    [
        ("0", (*INITRAMFS, "scripts/local-top/bfv-root-disk"), ""),
        ("0", INITRAMFS, "bfv-root-disk"),
        ("1", (*INITRAMFS, *WITH_PATHS), ""),
        ("1", (*INITRAMFS, *WITH_PATHS[1:]), "bfv-root-map"),
        ("1", (*INITRAMFS, *(name for name in WITH_PATHS if "dm-multipath" not in name)), "dm-multipath"),
    ],
)
def test_an_initramfs_of_debian_has_all_that_the_root_needs(
    image: Path, multipath: str, contents: tuple[str, ...], missing: str
) -> None:
    for name, text in (("update-initramfs", "exit 0"), ("lsinitramfs", 'cat "$1"')):
        (image / "stubs" / name).write_text(f"#!/bin/sh\n{text}\n")
        (image / "stubs" / name).chmod(0o755)
    (image / "boot/initrd.img-6.1").write_text("\n".join(contents))
    # Beside the hook's folder, as in an element.
    (image / "bfv-iscsi-boot").mkdir()
    shutil.copy(ELEMENT / "bfv-iscsi-boot/iscsi.initramfs", image / "bfv-iscsi-boot")
    hook = (ELEMENT / "post-install.d/60-bfv-initramfs").read_text()
    (image / "hook").write_text(
        f"rm -f /boot/initrd.img-[!6]*\nexport DIB_BFV_KERNEL=generic DIB_BFV_INITRAMFS=initramfs-tools\n{hook}"
    )
    done, _results = run(image, "debian", multipath)
    assert (done.returncode == 0) == (not missing), done.stdout
    assert not missing or f"has no {missing}" in done.stdout


@pytest.mark.parametrize("maker", ["initramfs-tools", "dracut"])
def test_an_image_for_several_paths_gets_its_files(image: Path, maker: str) -> None:
    shutil.copytree(ELEMENT / "bfv-iscsi-boot", image / "bfv-iscsi-boot")
    hook = (ELEMENT / "install.d/60-bfv-iscsi-boot").read_text()
    folder = "mkdir -p" if maker == "initramfs-tools" else "rm -rf"
    (image / "hook").write_text(
        f"{folder} /etc/initramfs-tools\nexport DIB_BFV_CLOUD_INIT_NETWORK=0 DIB_BFV_SEED_PARTITION=0\n{hook}\n"
        "cd /; find etc/multipath.conf usr/local/sbin/bfv-paths etc/systemd/system/bfv-paths.* etc/initramfs-tools/scripts etc/dracut.conf.d"
        " -type f > /etc/kernel/files 2> /dev/null || true\n"
    )
    done, results = run(image, multipath="1")
    assert done.returncode == 0, done.stdout
    first = (
        "etc/dracut.conf.d/62-bfv-multipath.conf" if maker == "dracut" else "etc/initramfs-tools/scripts/local-top/bfv-root-map"
    )
    assert set((results / "kernel/files").read_text().split()) == {
        *(first, "etc/multipath.conf", "usr/local/sbin/bfv-paths"),
        *("etc/systemd/system/bfv-paths.service", "etc/systemd/system/bfv-paths.timer"),
    }


def test_debian_is_left_alone(image: Path) -> None:
    (image / "hook").write_text(HOOK.read_text())
    (image / "grubby-is-broken").touch()
    done, results = run(image, "debian")
    assert done.returncode == 0, done.stdout
    assert ARGUMENTS not in (results / "boot/loader/entries/one.conf").read_text()


def test_a_firmware_partition_may_be_late_and_is_found_by_its_id(image: Path) -> None:
    for name, answer in (("findmnt", "/dev/loop0p1"), ("blkid", "51AF-02BC")):
        (image / "stubs" / name).write_text(f"#!/bin/sh\necho {answer}\n")
        (image / "stubs" / name).chmod(0o755)
    (image / "etc/fstab").write_text("LABEL=root / ext4 defaults 0 1\nLABEL=MKFS_ESP /boot/efi vfat defaults 0 2\n")
    (image / "hook").write_text(HOOK.with_name("61-bfv-firmware-partition").read_text() + "\ncp /etc/fstab /etc/kernel\n")
    done, results = run(image)
    assert done.returncode == 0, done.stdout
    assert (
        results / "kernel/fstab"
    ).read_text() == "LABEL=root / ext4 defaults 0 1\nUUID=51AF-02BC /boot/efi vfat defaults,nofail 0 2\n"


@pytest.mark.parametrize(("allowed", "left_alone"), [("0", True), ("1", False)])
def test_cloud_init_leaves_the_network_alone_unless_it_may_have_it(image: Path, allowed: str, left_alone: bool) -> None:
    shutil.copytree(ELEMENT / "bfv-iscsi-boot", image / "bfv-iscsi-boot")
    hook = (ELEMENT / "install.d/60-bfv-iscsi-boot").read_text()
    wanted = "/etc/cloud/cloud.cfg.d/95-bfv-iscsi-boot-network.cfg"
    (image / "hook").write_text(
        f"export DIB_BFV_CLOUD_INIT_NETWORK={allowed} DIB_BFV_SEED_PARTITION=0 DIB_BFV_MULTIPATH=0\nrm -f {wanted}\n{hook}\n"
        f"cp {wanted} /etc/systemd/system/iscsid.service.d/50-bfv-iscsi-boot.conf /etc/kernel || true\n"
    )
    done, results = run(image)
    assert done.returncode == 0, done.stdout
    network = results / "kernel/95-bfv-iscsi-boot-network.cfg"
    assert network.exists() == left_alone
    assert not left_alone or yaml.safe_load(network.read_text()) == {"network": {"config": "disabled"}}
    assert "ExecStartPre=-/usr/local/sbin/bfv-iscsid-prepare" in (results / "kernel/50-bfv-iscsi-boot.conf").read_text()


@pytest.mark.parametrize(("seed", "name"), [("0", ""), ("1", ""), ("1", "bm-0")])
def test_a_seed_is_looked_for_and_has_no_say_in_host_keys_and_names_that_were_asked_for(
    image: Path, seed: str, name: str
) -> None:
    shutil.copytree(ELEMENT / "bfv-iscsi-boot", image / "bfv-iscsi-boot")
    hook = (ELEMENT / "install.d/60-bfv-iscsi-boot").read_text()
    (image / "hook").write_text(
        "rm -rf /etc/cloud\nexport DIB_BFV_CLOUD_INIT_NETWORK=0 DIB_BFV_MULTIPATH=0 DIB_BFV_SEED_PARTITION="
        f"{seed}\n{hook.replace('$DIB_BFV_HOST_NAME', name)}\ncp -r /etc/cloud /etc/kernel\n"
    )
    done, results = run(image)
    assert done.returncode == 0, done.stdout
    found = {path.name: yaml.safe_load(path.read_text()) for path in (results / "kernel/cloud").rglob("*.cfg")}
    assert found.pop("95-bfv-iscsi-boot-network.cfg") == {"network": {"config": "disabled"}}
    wanted = {"95-bfv-iscsi-boot-seed.cfg": {"ssh_deletekeys": False}, "ds-identify.cfg": {"policy": "enabled"}}
    seeded = {} if name else {"95-bfv-iscsi-boot-hosts.cfg": {"manage_etc_hosts": "localhost"}}
    named = {"95-bfv-iscsi-boot-host-name.cfg": {"preserve_hostname": True}}
    assert found == (wanted | seeded if seed == "1" else {}) | (named if name else {})


@pytest.mark.parametrize(
    ("firmware", "before", "after"),
    [
        ("iqn.2026-01.example:one", None, "InitiatorName=iqn.2026-01.example:one\n"),
        # A volume that was cloned from another node's.
        ("iqn.2026-01.example:one", "InitiatorName=iqn.2026-01.example:other\n", "InitiatorName=iqn.2026-01.example:one\n"),
        (
            "iqn.2026-01.example:one",
            "## Mine\nInitiatorName=iqn.2026-01.example:one\n",
            "## Mine\nInitiatorName=iqn.2026-01.example:one\n",
        ),
        # Not booted from iSCSI.
        (None, "InitiatorName=iqn.2026-01.example:other\n", "InitiatorName=iqn.2026-01.example:other\n"),
    ],
    ids=["none", "of another node", "its own", "no iBFT"],
)
def test_a_node_takes_its_initiator_name_from_the_firmware(
    image: Path, firmware: str | None, before: str | None, after: str
) -> None:
    if firmware:
        ibft = image / "sys/firmware/ibft/initiator/initiator-name"
        ibft.parent.mkdir(parents=True)
        ibft.write_text(f"{firmware}\n")
    name = image / "etc/iscsi/initiatorname.iscsi"
    name.unlink() if before is None else name.write_text(before)
    prepare = (ELEMENT / "bfv-iscsi-boot/bfv-iscsid-prepare").read_text().removesuffix("exit 0\n")
    (image / "hook").write_text(f"{prepare}\ncp -p $file /etc/kernel\n")
    done, results = run(image)
    assert done.returncode == 0, done.stdout
    assert (results / "kernel/initiatorname.iscsi").read_text() == after
