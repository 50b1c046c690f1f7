# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away copy of this system's files, in which hooks and programs of the element bfv-iscsi-boot run as they do in an image.

Needs root and overlay file systems.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ELEMENT = Path(__file__).resolve().parents[2] / "roles/boot_image/files/elements/bfv-iscsi-boot"
PROGRAMS = ELEMENT / "bfv-iscsi-boot"
IBFT = "sys/firmware/ibft"
OURS = "iqn.2017-08.org.openstack.5e1f"
PREPARE = """
set -e
mount -t tmpfs tmpfs {work}
mkdir {work}/upper {work}/work {work}/root
mount -t overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/work overlay {work}/root
cp -a {files}/. {work}/root/
mkdir -p {work}/root/results
status=0
chroot {work}/root env -i {environment} PATH=/stubs:/usr/sbin:/usr/bin:/sbin:/bin bash /hook || status=$?
cp -a {work}/root/results/. {results}
exit $status
"""


def can_overlay() -> bool:
    script = "mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w o /mnt/r"
    return (
        os.geteuid() == 0
        and not subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, check=False).returncode
    )


def run(files: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run `hook` of these files, which are laid over this system's. What it leaves in /results is given back."""
    work, results = files.parent / "work", files.parent / "results"
    work.mkdir()
    results.mkdir()
    variables = " ".join(f"{name}={value}" for name, value in environment.items())
    script = PREPARE.format(work=work, files=files, results=results, environment=variables)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False), results


def write(files: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_text(text)
        if text.startswith("#!"):
            (files / name).chmod(0o755)


def start(files: Path, program: str, texts: dict[str, str], after: str, before: str = "") -> tuple[int, str, Path]:
    """Run a program as the unit does; then `after`, of which the results are given back."""
    settings = {"etc/bfv-iscsi-boot.conf": "OWN_MACHINE=yes\nHOST_NAME=\n"}
    hook = f"{before}\n/program > /results/said 2>&1\nstatus=$?\n{after}\nexit $status\n"
    write(files, settings | texts | {"program": (PROGRAMS / program).read_text(), "hook": hook})
    (files / "program").chmod(0o755)
    done, results = run(files)
    said = (results / "said").read_text() if (results / "said").exists() else done.stdout
    return done.returncode, said, results
