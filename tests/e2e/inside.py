# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine as one finds it who logs in to it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..integration.waiting import until

USER = "tests"
KEY = "tests.key"
# An SSH server of a machine that is emulated, and may have been without its disk.
LOGIN_TIMEOUT = 600

FACTS = """
set -eu
root=$(findmnt --noheadings --output SOURCE /)
device=$(basename "$(readlink -f "$root")")
disk=$(basename "$(readlink -f "/sys/class/block/$device/..")")
# The root on a multipath map: the first path.
paths=1
while below=$(ls "/sys/class/block/$device/slaves" 2> /dev/null) && [ -n "$below" ]; do
  device=$(echo "$below" | head -n 1)
  disk=$device
  paths=$(echo "$below" | wc -w)
done
session=$(readlink -f "/sys/block/$disk/device" | grep -o 'session[0-9]*')
echo "machine_id=$(cat /etc/machine-id)"
echo "host_key=$(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2)"
echo "seeded=$(cat /var/tmp/seeded 2> /dev/null || true)"
echo "host_name=$(cat /proc/sys/kernel/hostname)"
echo "name_servers=$(sed -n 's/^nameserver //p' /etc/resolv.conf | paste -s -d ,)"
echo "disk=$(($(cat "/sys/block/$disk/size") * 512))"
echo "root=$(df --block-size=1 --output=size / | tail -n 1 | tr -d ' ')"
echo "paths=$paths"
echo "label=$(sudo blkid --output value --match-tag LABEL "$root")"
echo "kernel_root=$(sed 's/.*root=\\([^ ]*\\).*/\\1/' /proc/cmdline)"
echo "local_disks=$(ls /sys/block | grep -c ^vd || true)"
echo "recovery=$(cat "/sys/class/iscsi_session/$session/recovery_tmo")"
"""


@dataclass(frozen=True)
class Inside:
    address: str
    keys: Path

    def run(self, script: str, timeout: float = 900) -> str:
        """What a script of sh prints there, as a user who may become root."""
        done = subprocess.run([*self._ssh(), "sh"], input=script, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, f"{self.address}: status {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def facts(self) -> dict[str, str]:
        self.wait()
        return dict(line.split("=", 1) for line in self.run(FACTS).splitlines())

    def wait(self) -> None:
        """Wait until one can log in."""

        def answers() -> bool:
            try:
                return not subprocess.run(
                    [*self._ssh(), "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
                ).returncode
            except subprocess.TimeoutExpired:
                return False

        until(f"a login to {self.address}", answers, LOGIN_TIMEOUT)

    def _ssh(self) -> list[str]:
        # Machines come and go under these addresses, each with a host key of its own.
        options = {"BatchMode": "yes", "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "ConnectTimeout": "30"}
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-q", "-F", "/dev/null", "-i", str(self.keys / KEY), *given, f"{USER}@{self.address}"]


def make_key(folder: Path) -> None:
    """The key is an input of the images, and stays with them."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{KEY}.pub").exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", folder / KEY], check=True)
