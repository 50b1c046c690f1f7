# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account the services run as: where root starts them, one that has no rights but over the sandbox's data.

account.py ACCOUNT LIB BASE VENV CACHE   prints, as JSON, the account and the Python of the services, and why they run as root if they do

Nothing is changed. The account has to get to LIB, and to where the others are or will be: these are the sandbox's, which opens them itself.
Runs before the virtual environment exists: standard library only.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bfv_sandbox import folders

# Asked as the account itself, so the kernel answers, and with all that it knows: groups, access lists, user namespaces.
PROBE = "import os, sys; print(*[path for path in sys.argv[1:] if not os.access(path, os.X_OK if os.path.isdir(path) else os.R_OK)][:1])"
REMEDY = "Give places that it can get to, or sandbox_service_user=root if that is meant."


@dataclass(frozen=True)
class Account:
    user: str
    group: str
    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> Account:
        try:
            return cls._of(pwd.getpwnam(name))
        except KeyError:
            sys.exit(f"There is no account {name} on this machine. Give another sandbox_service_user.")

    @classmethod
    def starter(cls) -> Account:
        return cls._of(pwd.getpwuid(os.getuid()))

    @classmethod
    def _of(cls, entry: pwd.struct_passwd) -> Account:
        return cls(entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name, entry.pw_uid, entry.pw_gid)

    @property
    def prefix(self) -> list[str]:
        """What runs a command as this account: nothing, where it is the one that we are."""
        if self.uid == os.getuid():
            return []
        # setpriv starts its command with the rights of root still in force (PR_SET_KEEPCAPS), so a program that the account cannot get to is
        # started, and looks for its files elsewhere. env has none of them.
        return [
            "/usr/bin/setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--init-groups",
            "--inh-caps=-all",
            "/usr/bin/env",
        ]

    def ask(self, python: str | Path, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a line of Python as this account, away from the current folder, which may be closed to it."""
        command = [*self.prefix, python, "-I", "-c", code, *arguments]
        return subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def become(self) -> None:
        if self.uid != os.getuid():
            os.initgroups(self.user, self.gid)
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)


@dataclass(frozen=True)
class Choice:
    account: Account
    python: str
    warning: str = ""


def on_the_way(lib: Path, own: list[Path]) -> list[Path]:
    """What has to be passed and is not the sandbox's, in this order. What is not there yet will be open."""
    found = [*reversed(lib.parents), lib, lib / "bfv_sandbox" / "supervise.py"]
    for folder in own:
        for part in reversed(folder.parents):
            if not part.exists() or part in own or folders.is_ours(part):
                break
            found.append(part)
    return list(dict.fromkeys(found))


def python_for(account: Account) -> str:
    """Our Python, or else the system's of the same version, if the account can run it and make environments with it; nothing if it cannot."""
    system = "/usr/bin/python{}.{}".format(*sys.version_info[:2])
    for python in (sys.executable, system):
        real = Path(python).resolve()
        if real.exists() and account.ask(real, "import ensurepip, venv").returncode == 0:
            return python
    return ""


def choose(starter: Account, name: str, lib: Path, own: list[Path]) -> Choice:
    as_starter = Choice(starter, sys.executable)
    if starter.uid != 0:
        return as_starter
    wanted = Account.named(name)
    if wanted.uid == 0:
        return as_starter
    why = refusal(wanted)
    python = "" if why else python_for(wanted)
    if not why and not python:
        why = (
            f"cannot run {Path(sys.executable).resolve()}, and there is no other Python of its version in /usr/bin that has venv"
        )
    why = why or closed(wanted, python, on_the_way(lib, own))
    if why:
        return Choice(starter, sys.executable, f"The services of the sandbox run as {starter.user}, for {name} {why}. {REMEDY}")
    return Choice(wanted, python)


def refusal(account: Account) -> str:
    """Why we cannot become the account, or nothing: where there are no rights for it, or the user namespace has no other account."""
    tried = subprocess.run([*account.prefix, "/usr/bin/true"], capture_output=True, text=True, check=False)
    return f"cannot be taken here ({tried.stderr.strip()})" if tried.returncode else ""


def closed(account: Account, python: str, paths: list[Path]) -> str:
    """Which of the paths the account cannot pass, or nothing."""
    asked = account.ask(Path(python).resolve(), PROBE, *paths)
    where = asked.stdout.strip() or asked.stderr.strip()
    return f"cannot get through {where}" if where else ""


def main() -> None:
    name, lib, *own = sys.argv[1:]
    choice = choose(Account.starter(), name, Path(lib), [Path(path) for path in own])
    account = choice.account
    told = {"user": account.user, "group": account.group, "prefix": account.prefix, "python": choice.python}
    print(json.dumps({**told, "warning": choice.warning}))


if __name__ == "__main__":
    main()
