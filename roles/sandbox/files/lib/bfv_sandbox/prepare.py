# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""Make the folders and keys of a sandbox, and choose its address.

prepare.py BASE RUN CACHE ADDRESS PORT...

An empty ADDRESS chooses a loopback address that is free on all ports, and keeps it in BASE/address.
Runs before the virtual environment exists: standard library only.
"""

import base64
import hashlib
import os
import socket
import sys
from pathlib import Path

FOLDERS = (
    "data/array",
    "data/cinder/conversion",
    "data/cinder/volumes",
    "data/glance/images",
    "data/glance/staging",
    "data/glance/tasks",
    "data/keystone/credential-keys",
    "data/keystone/fernet-keys",
    "data/neutron",
    "data/nova/fake",
    "data/nova/ironic",
    "data/rabbitmq",
    "data/schema",
    "etc",
    "ironic/http",
    "ironic/images",
    "ironic/images_master",
    "ironic/tftp",
    "ironic/tftp_master",
    "lock",
    "log",
)
ATTEMPTS = 20


def make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=0o700)
        print(f"changed: made {folder}")


def make_run_folder(folder: Path) -> None:
    """Make the folder of the sockets, which is below /tmp when the base directory's path is long."""
    make_folder(folder)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        sys.exit(f"{folder} is needed for the sockets of the sandbox, but it is not a private directory of this user.")


def make_keys(folder: Path) -> None:
    """Make Keystone's keys: number 0 is the next one, the highest number signs."""
    for number in ("0", "1"):
        key = folder / number
        if not key.exists():
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(base64.urlsafe_b64encode(os.urandom(32)))
            print(f"changed: made {key}")


def candidate(base: Path, attempt: int) -> str:
    """An address in 127.64.0.0 - 127.127.255.254 that follows from the directory, so that checkouts seldom meet."""
    digest = hashlib.sha256(f"{base}:{attempt}".encode()).digest()
    return f"127.{64 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"


def taken_port(address: str, ports: list[int]) -> int | None:
    for port in ports:
        with socket.socket() as probe:
            # As the services do: a connection that lingers after a stop does not make the port taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return port
    return None


def choose_address(base: Path, ports: list[int]) -> str:
    taken = None
    for attempt in range(ATTEMPTS):
        address = candidate(base, attempt)
        taken = taken_port(address, ports)
        if taken is None:
            return address
    sys.exit(
        f"No loopback address is free for the sandbox: port {taken} is taken on all {ATTEMPTS} that were tried, "
        "probably by a program that listens on 0.0.0.0. Stop it, or give the port another number in sandbox_ports."
    )


def main() -> None:
    base, run, cache = map(Path, sys.argv[1:4])
    address, ports = sys.argv[4], [int(port) for port in sys.argv[5:]]
    os.umask(0o077)
    make_folder(base)
    for folder in FOLDERS:
        make_folder(base / folder)
    make_folder(cache)
    make_run_folder(run)
    make_keys(base / "data/keystone/fernet-keys")
    make_keys(base / "data/keystone/credential-keys")

    chosen = base / "address"
    if address or not chosen.exists():
        text = f"{address or choose_address(base, ports)}\n"
        if not chosen.exists() or chosen.read_text() != text:
            chosen.write_text(text)
            print(f"changed: the sandbox has the address {text.strip()}")


if __name__ == "__main__":
    main()
