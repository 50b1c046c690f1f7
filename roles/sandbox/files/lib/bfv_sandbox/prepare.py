# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the folders and keys of a sandbox, and choose its address.

prepare.py USER BASE RUN CACHE ADDRESS PORT...

The services run as USER. What they write is theirs, and what they read, such as their configuration, is ours: who got hold of a service would
otherwise have us run what it likes.
An empty ADDRESS chooses a loopback address that is free on all ports, and keeps it in BASE/address.
Runs before the virtual environment exists: standard library only.
"""

import base64
import hashlib
import os
import secrets
import socket
import stat
import sys
from pathlib import Path

from bfv_sandbox import folders
from bfv_sandbox.account import Account

# What the services write to.
WRITTEN = ("data", "ironic", "lock", "log")
FOLDERS = (
    "data/array",
    "data/cinder/backups",
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
    "ironic/http",
    "ironic/images",
    "ironic/images_master",
    "ironic/tftp",
    "ironic/tftp_master",
)
ATTEMPTS = 20


def make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=0o700)
        print(f"changed: made {folder}")


def make_run_folder(folder: Path, owners: set[int]) -> None:
    """Make the folder of the sockets, which is below /tmp when the base directory's path is long."""
    make_folder(folder)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid not in owners or status.st_mode & 0o077:
        sys.exit(f"{folder} is needed for the sockets of the sandbox, but it is not a private directory of this user.")


def hand_over(folder: Path, account: Account) -> None:
    """Give the folder and all in it to the account. By descriptors, and no links are followed: whoever has it now may be changing it.

    The folder itself comes last, so an interrupted run is taken up by the next one.
    """
    if folder.lstat().st_uid == account.uid:
        return
    for _path, names, files, descriptor in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in (*names, *files):
            os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.fchown(descriptor, account.uid, account.gid)
    os.close(descriptor)
    print(f"changed: gave {folder} to {account.user}")


def let_write(folder: Path, account: Account) -> None:
    """Let the account write to the folder, which stays ours, and read what is in it."""
    if allow(folder, account, 0o770):
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink():
                allow(path, account, 0o640)


def allow(path: Path, account: Account, mode: int) -> bool:
    """Give the account's group its part of the mode, and the others none; False if it has it already."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    fits = (status.st_gid, stat.S_IMODE(status.st_mode)) == (account.gid, mode)
    if not fits:
        os.fchown(descriptor, -1, account.gid)
        os.fchmod(descriptor, mode)
        print(f"changed: let {account.user} use {path}")
    os.close(descriptor)
    return not fits


def make_keys(folder: Path) -> None:
    """Make Keystone's keys: number 0 is the next one, the highest number signs."""
    for number in ("0", "1"):
        key = folder / number
        if not key.exists():
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(base64.urlsafe_b64encode(os.urandom(32)))
            print(f"changed: made {key}")


def make_cookie(folder: Path) -> None:
    """Make the cookie by which RabbitMQ's node knows its friends: it runs whatever they ask. Erlang makes one of capital letters from the clock."""
    cookie = folder / ".erlang.cookie"
    if cookie.exists() and not cookie.read_text().isupper():
        return
    cookie.unlink(missing_ok=True)
    with open(os.open(cookie, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        file.write(secrets.token_hex(32))
    print(f"changed: made {cookie}")


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


def runs(run: Path) -> bool:
    """Whether the sandbox is up: the ports of its address are taken by itself."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(run / "supervisor.sock")) == 0


def keep_address(base: Path, run: Path, address: str, ports: list[int]) -> None:
    """Keep an address that is given. One that is remembered has to be free still: others may have come since the last start."""
    chosen = base / "address"
    remembered = chosen.read_text().strip() if chosen.exists() else ""
    if not address and remembered and (runs(run) or taken_port(remembered, ports) is None):
        return
    wanted = address or choose_address(base, ports)
    if wanted != remembered:
        chosen.write_text(f"{wanted}\n")
        print(f"changed: the sandbox has the address {wanted}")


def share(account: Account, base: Path, run: Path, cache: Path) -> None:
    """What only root can do: give the account what it writes to, and let it read the configuration."""
    for folder in (*(base / name for name in WRITTEN), run):
        hand_over(folder, account)
    if account.uid != os.getuid():
        allow(base / "etc", account, 0o750)
        let_write(cache, account)


def main() -> None:
    account = Account.named(sys.argv[1])
    base, run, cache = map(Path, sys.argv[2:5])
    os.umask(0o077)
    make_folder(base)
    for name in ("etc", *WRITTEN):
        make_folder(base / name)
    make_folder(cache)
    make_run_folder(run, {account.uid, *folders.owners(base)})
    keep_address(base, run, sys.argv[5], [int(port) for port in sys.argv[6:]])
    if os.getuid() == 0:
        share(account, base, run, cache)
    account.become()
    for folder in FOLDERS:
        make_folder(base / folder)
    make_keys(base / "data/keystone/fernet-keys")
    make_keys(base / "data/keystone/credential-keys")
    make_cookie(base / "data/rabbitmq")


if __name__ == "__main__":
    main()
