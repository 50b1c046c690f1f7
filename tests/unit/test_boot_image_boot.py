# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine settles when it boots (bfv-boot.service), and what fails a build in which it could not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from . import image_files
from .image_files import ELEMENT, IBFT, OURS, PROGRAMS, start, write

OTHER = "iqn.2017-08.org.openstack.77aa"

pytestmark = pytest.mark.skipif(not image_files.can_overlay(), reason="needs root and overlay file systems")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


# What a machine is known by; ssh-keygen and systemd-machine-id-setup as they are, in short.
IDENTITY = {
    "etc/machine-id": "0123\n",
    "etc/ssh/ssh_host_ed25519_key": "old\n",
    "var/lib/dhcp/dhclient.eth0.leases": "duid\n",
    "stubs/systemd-machine-id-setup": "#!/bin/sh\n[ -s /etc/machine-id ] || echo 4567 > /etc/machine-id\n",
    "stubs/ssh-keygen": "#!/bin/sh\n[ -e /etc/ssh/ssh_host_ed25519_key ] || echo new > /etc/ssh/ssh_host_ed25519_key\n",
    "stubs/cloud-init": "#!/bin/sh\necho cloud-init $*\n",
}
TELL = (
    "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key /var/lib/bfv-iscsi-boot/initiator > /results/identity; "
    "ls /var/lib/dhcp > /results/leases"
)


@pytest.mark.parametrize(
    ("before", "own", "identity", "leases"),
    [
        # The first boot of an image, and each boot after it.
        (None, "yes", f"0123\nold\n{OURS}\n", "dhclient.eth0.leases\n"),
        (OURS, "yes", f"0123\nold\n{OURS}\n", "dhclient.eth0.leases\n"),
        # A copy of another machine's disk.
        (OTHER, "yes", f"4567\nnew\n{OURS}\n", ""),
        (OTHER, "no", f"0123\nold\n{OURS}\n", "dhclient.eth0.leases\n"),
    ],
    ids=["first", "again", "clone", "opted out"],
)
def test_a_clone_becomes_its_own_machine(files: Path, before: str | None, own: str, identity: str, leases: str) -> None:
    texts = {f"{IBFT}/initiator/initiator-name": OURS, "etc/bfv-iscsi-boot.conf": f"OWN_MACHINE={own}\nHOST_NAME=\n"}
    if before:
        texts["var/lib/bfv-iscsi-boot/initiator"] = f"{before}\n"
    code, said, results = start(files, "bfv-own-machine", IDENTITY | texts, TELL, "rm -rf /var/lib/dhcp/*.leases.old")
    assert code == 0, said
    assert (results / "identity").read_text() == identity
    assert (results / "leases").read_text() == leases
    assert ("cloud-init clean" in said) == (leases == "")


def test_a_machine_that_was_not_booted_from_iscsi_stays_what_it_is(files: Path) -> None:
    texts = IDENTITY | {"var/lib/bfv-iscsi-boot/initiator": f"{OTHER}\n"}
    code, said, results = start(files, "bfv-own-machine", texts, TELL)
    assert code == 0, said
    assert (results / "identity").read_text() == f"0123\nold\n{OTHER}\n"


@pytest.mark.parametrize(
    ("texts", "resolver"),
    [
        (
            {"run/net-eth0.conf": "DEVICE='eth0'\nIPV4DNS0='192.0.2.53'\nIPV4DNS1='0.0.0.0'\nDNSDOMAIN='example.org'\n"},
            "nameserver 192.0.2.53\nsearch example.org\n",
        ),
        ({f"{IBFT}/ethernet0/primary-dns": "192.0.2.54\n"}, "nameserver 192.0.2.54\n"),
        (
            {"run/net-eth0.conf": "IPV4DNS0='192.0.2.53'\n", f"{IBFT}/ethernet0/primary-dns": "192.0.2.53\n"},
            "nameserver 192.0.2.53\n",
        ),
        ({"run/net-eth0.conf": "IPV6DNS0=2001:db8::53\nIPV4DNS0=''\n"}, "nameserver 2001:db8::53\n"),
        # The network says it: nothing of it may be executed, or be more than an address.
        ({"run/net-eth0.conf": "IPV4DNS0='$(touch /results/run)'\nDNSDOMAIN='a b; touch /results/run'\n"}, ""),
        ({}, ""),
    ],
    ids=["lease", "iBFT", "both", "IPv6", "hostile", "none"],
)
def test_name_servers_are_the_networks(files: Path, texts: dict[str, str], resolver: str) -> None:
    before = "rm -f /run/net-*.conf.old; ln -sfn ../run/bfv-iscsi-boot/resolv.conf /etc/resolv.conf"
    code, said, results = start(
        files, "bfv-resolver", texts, "cp /etc/resolv.conf /results/resolv; ls /results > /results/all", before
    )
    assert code == 0, said
    assert (results / "resolv").read_text() == resolver
    assert not (results / "run").exists()


def test_a_resolver_of_somebody_else_stays(files: Path) -> None:
    texts = {"etc/resolv.conf": "nameserver 192.0.2.1\n", "run/net-eth0.conf": "IPV4DNS0=192.0.2.53\n"}
    code, said, results = start(files, "bfv-resolver", texts, "cp /etc/resolv.conf /results/resolv")
    assert code == 0, said
    assert (results / "resolv").read_text() == "nameserver 192.0.2.1\n"


GETENT = {
    "stubs/getent": "#!/bin/sh\n[ $1,$2 = hosts,192.0.2.7 ] && echo 192.0.2.7 node-7.example.org node-7\n",
    f"{IBFT}/ethernet0/ip-addr": "192.0.2.7\n",
}


@pytest.mark.parametrize(
    ("how", "initiator", "texts", "name"),
    [
        ("from_initiator", "iqn.2010-10.com.example:bm-0", {}, "bm-0"),
        ("from_initiator", "iqn.2010-10.com.example:rack:bm-0", {}, "bm-0"),
        ("from_initiator", "iqn.2017-08.org.openstack.5e1f-2a", {}, "5e1f-2a"),
        ("from_initiator", "iqn.2010-10.com.example:bm_0", {}, "before"),
        ("from_initiator", "", {}, "before"),
        ("from_dns", OURS, GETENT, "node-7.example.org"),
        ("from_dns", OURS, {"stubs/getent": "#!/bin/sh\nexit 2\n"}, "before"),
        ("", OURS, GETENT, "before"),
    ],
)
def test_the_host_name(files: Path, how: str, initiator: str, texts: dict[str, str], name: str) -> None:
    settings = {
        "etc/bfv-iscsi-boot.conf": f"OWN_MACHINE=yes\nHOST_NAME={how}\n",
        "etc/hostname": "before\n",
        "proc/sys/kernel/hostname": "before\n",
        f"{IBFT}/initiator/initiator-name": initiator,
    }
    code, said, results = start(
        files, "bfv-host-name", settings | texts, "cp /etc/hostname /results; cp /proc/sys/kernel/hostname /results/kernel"
    )
    assert (results / "hostname").read_text() == (results / "kernel").read_text() == f"{name}\n"
    assert (code == 0) == (name != "before" or how == "")
    assert ("is no host name" in said) == (code != 0)


def grows(status: int) -> dict[str, str]:
    return {
        "stubs/findmnt": "#!/bin/sh\necho /dev/sdq3\n",
        "stubs/readlink": "#!/bin/sh\ncase $2 in /dev/sdq3) echo /dev/sdq3 ;; *) echo /sys/block/sdq ;; esac\n",
        "sys/class/block/sdq3/partition": "3\n",
        "stubs/growpart": f"#!/bin/sh\necho growpart $*\nexit {status}\n",
        "usr/lib/systemd/systemd-growfs": "#!/bin/sh\necho growfs $*\n",
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, "growpart /dev/sdq 3\ngrowfs /\n"), (1, "growpart /dev/sdq 3\ngrowfs /\n"), (2, "growpart /dev/sdq 3\n")],
    ids=["grown", "nothing to grow", "broken"],
)
def test_the_root_grows_with_its_volume(files: Path, status: int, said: str) -> None:
    code, text, _results = start(files, "bfv-grow-root", grows(status), "")
    assert text == said
    assert (code != 0) == (status == 2)


def test_a_root_that_is_no_partition_is_said(files: Path) -> None:
    texts = grows(0) | {"stubs/findmnt": "#!/bin/sh\necho /dev/mapper/vg-root\n"}
    code, said, _results = start(files, "bfv-grow-root", texts, "")
    assert code == 1
    assert "keeps its size" in said


ISCSID = (
    "# Comment\nnode.session.timeo.replacement_timeout = 120\nnode.conn[0].timeo.noop_out_interval = 5\nnode.startup = manual\n"
)


def finished(files: Path) -> None:
    """An image in which all has taken effect."""
    shutil.copytree(PROGRAMS, files / "bfv-iscsi-boot", dirs_exist_ok=True)
    write(
        files,
        {
            "etc/iscsi/iscsid.conf": ISCSID,
            "etc/fstab": "LABEL=bfv-1 / ext4 defaults 0 1\nUUID=51AF-02BC /boot/efi vfat defaults,nofail 0 2\n",
            "etc/machine-id": "",
            "etc/systemd/system/sysinit.target.wants/bfv-boot.service": "",
            "stubs/growpart": "#!/bin/sh\n",
            "usr/lib/systemd/systemd-growfs": "#!/bin/sh\n",
            "hooks.d/timers": (ELEMENT / "install.d/62-bfv-root-timers").read_text(),
            "hooks.d/checks": (ELEMENT / "finalise.d/90-bfv-checks").read_text(),
        },
    )


def check(files: Path, spoil: str = "", label: str = "bfv-1", firmware: str = "0", multipath: str = "0") -> tuple[int, str, Path]:
    write(
        files,
        {
            "hook": "rm -f /etc/ssh/ssh_host_*_key\nset -e\nbash /hooks.d/timers\ncp /etc/iscsi/iscsid.conf /results\n"
            f"{spoil}\nbash /hooks.d/checks\n"
        },
    )
    variables = {"DIB_BFV_SEED_PARTITION": "0", "DIB_BFV_MULTIPATH": multipath, "DIB_BFV_CLOUD_INIT_NETWORK": "0"}
    done, results = image_files.run(files, DIB_ROOT_LABEL=label, DIB_BFV_FIRMWARE=firmware, **variables)
    return done.returncode, done.stdout, results


def test_the_timers_are_those_of_a_root_session(files: Path) -> None:
    finished(files)
    code, said, results = check(files)
    assert code == 0, said
    timers = (PROGRAMS / "root-timers.conf").read_text()
    assert (results / "iscsid.conf").read_text() == f"# Comment\nnode.startup = manual\n{timers}"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("rm /usr/lib/systemd/systemd-growfs", "there is no /usr/lib/systemd/systemd-growfs: the root would never grow"),
        ("rm /stubs/growpart; hash -r; rm -f $(command -v growpart)", "there is no growpart"),
        ("sed -i s/86400/120/ /etc/iscsi/iscsid.conf", "replacement_timeout = 86400"),
        ("touch /etc/ssh/ssh_host_rsa_key", "there are SSH host keys"),
        ("echo 0123 > /etc/machine-id", "/etc/machine-id is not empty"),
        ("rm /etc/systemd/system/sysinit.target.wants/bfv-boot.service", "bfv-boot.service is not enabled"),
        ("sed -i s/UUID=51AF-02BC/LABEL=MKFS_ESP/ /etc/fstab", "looks for the firmware partition by a label"),
    ],
)
def test_a_build_in_which_a_part_is_missing_fails(files: Path, spoil: str, reason: str) -> None:
    finished(files)
    code, said, _results = check(files, f"mkdir -p /etc/ssh; {spoil}")
    assert code != 0
    assert reason in said


HAS_PATHS = (
    "cp /bfv-iscsi-boot/multipath.conf /etc; for name in multipath multipathd kpartx dmsetup sfdisk; do cp /bin/true /stubs/$name; done; "
    "cd /etc/systemd/system; mkdir -p timers.target.wants; ln -sf /x timers.target.wants/bfv-paths.timer; "
    "ln -sf /x sysinit.target.wants/multipathd.service"
)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("", ""),
        ("sed -i s/15/86400/ /etc/iscsi/iscsid.conf", "replacement_timeout = 15"),
        ("rm /stubs/multipathd", "there is no multipathd"),
        ("rm /etc/multipath.conf", "/etc/multipath.conf is another one"),
        ("sed -i /greedy/d /etc/multipath.conf", "/etc/multipath.conf is another one"),
        ("rm sysinit.target.wants/multipathd.service", "multipathd.service is not enabled"),
        ("rm timers.target.wants/bfv-paths.timer", "bfv-paths.timer is not enabled"),
    ],
)
def test_an_image_for_several_paths_has_all_of_it(files: Path, spoil: str, reason: str) -> None:
    finished(files)
    code, said, results = check(files, f"{HAS_PATHS}; {spoil}", multipath="1")
    assert (code == 0) == (not reason), said
    assert reason in said
    timers = (PROGRAMS / "multipath-timers.conf").read_text()
    assert (results / "iscsid.conf").read_text() == f"# Comment\nnode.startup = manual\n{timers}"


@pytest.mark.parametrize("label", ["cloudimg-rootfs", "img-rootfs"])
def test_a_label_of_everybodys_fails_the_build(files: Path, label: str) -> None:
    finished(files)
    code, said, _results = check(files, label=label)
    assert code != 0
    assert f"label is {label}" in said


@pytest.mark.parametrize(
    ("spoil", "passes"), [("mkdir -p /lib/firmware/bnx2x", True), ("rm -rf /lib/firmware; mkdir /lib/firmware", False)]
)
def test_firmware_that_was_asked_for_is_there(files: Path, spoil: str, passes: bool) -> None:
    finished(files)
    code, said, _results = check(files, spoil, firmware="1")
    assert (code == 0) == passes, said
    assert ("/lib/firmware is empty" in said) != passes


@pytest.mark.parametrize(
    ("arguments", "network", "passes"),
    [
        ("nofb network-config=disabled quiet", "0", True),
        ("nofb", "0", False),
        ("network-config=disabledx", "0", False),
        ("nofb", "1", True),
    ],
)
def test_cloud_init_is_kept_from_the_network_by_the_kernels_arguments(
    files: Path, arguments: str, network: str, passes: bool
) -> None:
    finished(files)
    write(files, {"stubs/cloud-init": "#!/bin/sh\n"})
    export = f"export DIB_BFV_CLOUD_INIT_NETWORK={network} DIB_BOOTLOADER_DEFAULT_CMDLINE='{arguments}'"
    code, said, _results = check(files, export)
    assert (code == 0) == passes, said
    assert ("cloud-init would write down settings" in said) != passes


SEED_LIST = "datasource_list: [  ConfigDrive, OpenStack, None ]\n"
# A file in place of the partition: /seed.
HAS_SEED = "truncate -s 64M /seed; mkfs.vfat -n config-2 /seed > /dev/null 2>&1"


def check_seed(files: Path, spoil: str, sources: str = SEED_LIST) -> tuple[int, str]:
    finished(files)
    write(files, {"etc/cloud/cloud.cfg.d/91-dib-cloud-init-datasources.cfg": sources})
    export = "export DIB_BFV_SEED_PARTITION=1 IMAGE_BLOCK_DEVICES=' [image0]=/dev/null  [config-2]=/seed '"
    code, said, _results = check(files, f"{export}; {spoil}")
    return code, said


@pytest.mark.skipif(not shutil.which("mkfs.vfat"), reason="needs dosfstools")
@pytest.mark.parametrize(
    ("spoil", "sources", "reason"),
    [
        (HAS_SEED, SEED_LIST, ""),
        ("truncate -s 64M /seed", SEED_LIST, "no partition has the label config-2"),
        (f"{HAS_SEED}; fatlabel /seed CONFIG-2", SEED_LIST, "no partition has the label config-2"),
        (f"{HAS_SEED}; IMAGE_BLOCK_DEVICES='[image0]=/dev/null'", SEED_LIST, "no partition has the label config-2"),
        (HAS_SEED, "datasource_list: [  OpenStack, None ]\n", "ConfigDrive is not in cloud-init's datasource_list"),
        (f"{HAS_SEED}; echo 'datasource_list: [None]' > /etc/cloud/cloud.cfg.d/99-mine.cfg", SEED_LIST, "ConfigDrive is not in"),
        (HAS_SEED, "", "ConfigDrive is not in"),
    ],
    ids=["there", "no file system", "in capitals", "no partition", "not asked for", "taken away", "no list"],
)
def test_a_seed_partition_is_there_and_read(files: Path, spoil: str, sources: str, reason: str) -> None:
    code, said = check_seed(files, spoil, sources)
    assert (code == 0) == (not reason), said
    assert reason in said


@pytest.mark.skipif(not shutil.which("mkfs.vfat"), reason="needs dosfstools")
@pytest.mark.parametrize(
    ("wanted", "devices", "passes"), [("1", "[config-2]={}", True), ("1", "[root]={}", False), ("0", "[config-2]={}", True)]
)
def test_the_seed_partition_gets_an_empty_file_system(tmp_path: Path, wanted: str, devices: str, passes: bool) -> None:
    partition = tmp_path / "partition"
    with partition.open("wb") as empty:
        empty.truncate(64 * 1024**2)
    variables = {"DIB_BFV_SEED_PARTITION": wanted, "IMAGE_BLOCK_DEVICES": f" [image0]=/dev/loop9 {devices.format(partition)} "}
    hook = ELEMENT / "pre-finalise.d/60-bfv-seed-partition"
    done = subprocess.run([hook], env=os.environ | variables, check=False, capture_output=True, text=True)
    assert (done.returncode == 0) == passes, done.stderr
    assert ("has no partition config-2" in done.stderr) != passes
    blkid = ["blkid", "--probe", "--output", "value", "--match-tag", "LABEL", partition]
    label = subprocess.run(blkid, check=False, capture_output=True, text=True).stdout.strip()
    assert label == ("config-2" if wanted == "1" and passes else "")


def test_users_get_their_keys_and_may_become_root(files: Path) -> None:
    lines = "ops\tyes\tssh-ed25519 AAAA ops@example.org\tssh-ed25519 BBBB two\nauditor\tno\n"
    write(
        files,
        {
            "users": lines,
            "hooks.d/users": (ELEMENT / "install.d/61-bfv-users").read_text(),
            "hook": "mkdir -p /etc/sudoers.d\nDIB_BFV_USERS=$(cat /users) bash /hooks.d/users || exit\n"
            "cp /home/ops/.ssh/authorized_keys /etc/sudoers.d/90-bfv-* /results\nstat -c '%U %a' /home/ops/.ssh/authorized_keys > /results/mode\n"
            "getent passwd auditor > /results/auditor\n",
        },
    )
    done, results = image_files.run(files)
    assert done.returncode == 0, done.stdout
    assert (results / "authorized_keys").read_text() == "ssh-ed25519 AAAA ops@example.org\nssh-ed25519 BBBB two\n"
    assert (results / "mode").read_text() == "ops 600\n"
    assert (results / "90-bfv-ops").read_text() == "ops ALL=(ALL) NOPASSWD:ALL\n"
    assert not (results / "90-bfv-auditor").exists()
    assert "/home/auditor" in (results / "auditor").read_text()


@pytest.mark.parametrize(
    ("distribution", "cloud_init_network", "links"),
    [("debian", "0", True), ("ubuntu", "0", True), ("debian", "1", False), ("rocky", "0", False)],
)
def test_no_image_has_the_builders_name_servers(tmp_path: Path, distribution: str, cloud_init_network: str, links: bool) -> None:
    etc = tmp_path / "root/etc"
    etc.mkdir(parents=True)
    for name in ("resolv.conf", "resolv.conf.ORIG"):
        (etc / name).write_text("nameserver 192.0.2.99\n")
    variables = {
        "TARGET_ROOT": str(tmp_path / "root"),
        "DISTRO_NAME": distribution,
        "DIB_BFV_CLOUD_INIT_NETWORK": cloud_init_network,
    }
    subprocess.run([ELEMENT / "cleanup.d/60-bfv-resolver"], env=os.environ | variables, check=True)
    assert not (etc / "resolv.conf.ORIG").exists()
    assert (etc / "resolv.conf").is_symlink() == links
    assert not links or str((etc / "resolv.conf").readlink()) == "../run/bfv-iscsi-boot/resolv.conf"
