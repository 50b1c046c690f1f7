# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the services into a virtual environment. Several sandboxes may have the same one.

environment.py USER VENV PYTHON REQUIREMENTS DIGEST

The DIGEST tells of which packages an environment was completed: one that has others is updated in place, for services may be running from it.
One that cannot be updated, for it has another Python or another release of OpenStack, is emptied, if it is the sandbox's and nothing runs from it.
REQUIREMENTS is RELEASE.txt, and beside it is uv.txt, the installer: both with the digest of every file that may be installed.
USER is the account that the services run as: it reads the environment, which stays ours.
Runs before the environment exists: standard library only.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bfv_sandbox import folders
from bfv_sandbox.account import Account

FIRST_RELEASE = "2026.2"  # that of an environment which does not tell: there were no others


def install(venv: Path, python: str, requirements: str, digest: str) -> None:
    # Scripts carry the path of the folder in which they were made: a copied environment starts anew.
    place = f"{venv} "
    release = Path(requirements).stem
    complete = f"{place}{version(python)}\n{digest}\n{release}\n"
    marker = venv / ".complete"
    found = marker.read_text() if marker.exists() else ""
    inside = venv / "bin" / "python"
    completed = found.splitlines()[1:]
    # Another Python of the same version will do as well: that of another checkout, for example.
    fits = found.startswith(place) and version(inside) == version(python) and release in (completed[1:] or [FIRST_RELEASE])
    if fits and completed[:1] == [digest]:
        return
    if not fits:
        empty(venv)
        run(python, "-m", "venv", venv)
        run(
            inside, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", Path(requirements).with_name("uv.txt")
        )
    options = ("--quiet", "--compile-bytecode", "--require-hashes", "--python", inside)
    run(inside, "-m", "uv", "pip", "install", *options, "--requirements", requirements)
    # Written last: without it an interrupted installation is repeated.
    marker.write_text(complete)
    print(f"changed: installed the services in {venv}")


def open_to(account: Account, venv: Path, python: str) -> None:
    """Let the account run the environment: it may have been made for root alone, with a Python in root's home."""
    binaries = venv / "bin"
    if any(folder.stat().st_mode & 0o055 != 0o055 for folder in (venv, binaries)):
        run("chmod", "--recursive", "a+rX", venv)
        print(f"changed: opened {venv} to {account.user}")
    if account.ask(binaries / "python", "").returncode:
        for link in binaries.glob("python*"):
            if link.is_symlink():
                link.unlink()
        # Of the same version, so all that is installed stays.
        run(python, "-m", "venv", "--upgrade", "--without-pip", venv)
        print(f"changed: {venv} has the Python {python}, which {account.user} can run")


def version(python: str | Path) -> str:
    """Which Python it is, such as 3.11; nothing if it does not run."""
    tell = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run(
            [python, "-c", tell], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return ""


def empty(venv: Path) -> None:
    """Empty the environment, but for its marker: whoever is killed here leaves a folder that is still the sandbox's."""
    refusal = folders.refusal(venv)
    busy = users(venv)
    if busy:
        refusal = (
            f"The services in {venv} have to be installed anew, but processes {', '.join(map(str, busy))} run from it. "
            "Stop their sandbox (bfv.openstack.sandbox_down), or give another sandbox_venv."
        )
    if refusal:
        sys.exit(refusal)
    folders.mark(venv)
    for path in venv.iterdir():
        if path.name == folders.MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def users(venv: Path) -> list[int]:
    """The processes that run from the environment."""
    inside = f"{venv}/bin/".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")[:2]
        except OSError:
            continue  # ended meanwhile
        if any(word.startswith(inside) for word in words):
            found.append(int(path.parent.name))
    return sorted(found)


def run(*command: str | Path) -> None:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        sys.exit(f"Failed: {' '.join(map(str, command))}")


def main() -> None:
    account, venv, python = Account.named(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    os.umask(0o022)
    venv.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with venv.with_name(f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it made
        install(venv, python, *sys.argv[4:])
        if account.uid != os.getuid():
            open_to(account, venv, python)


if __name__ == "__main__":
    main()
