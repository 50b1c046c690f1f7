# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders are the sandbox's: it fills, empties and removes no other ones.

folders.py claim USER BASE VENV CACHE   refuse folders that are somebody's, mark those that are new or empty, and let the services' user through
folders.py check BASE RUN               refuse to remove the data where the folders are not the sandbox's

A folder is the sandbox's by the marker in it, which is written into it while it is empty.
Runs before the virtual environment exists: standard library only.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import sys
from contextlib import suppress
from pathlib import Path

MARKER = ".bfv-sandbox"
TEXT = "The role bfv.openstack.sandbox made this folder, and may empty or remove what is in it.\n"


def is_ours(folder: Path) -> bool:
    marker = folder / MARKER
    return (marker.is_file() and not marker.is_symlink()) or was_ours(folder)


def was_ours(folder: Path) -> bool:
    """Whether release 0.1.0 made the folder, which left no marker: its files tell, and that nobody copied them."""
    complete, settings = folder / ".complete", folder / "etc" / "sandbox.json"
    if complete.is_file():
        return complete.read_text().startswith(f"{folder} ")
    if settings.is_file():
        return json.loads(settings.read_text()).get("base") == str(folder)
    kept = [path.name for path in folder.iterdir()]
    return bool(kept) and all(re.fullmatch(r"[a-z]+-[0-9a-f]{16}\.sql\.gz|bfv-test(-\d)?\.qcow2", name) for name in kept)


def refusal(folder: Path) -> str:
    """Why the folder cannot be the sandbox's, or nothing."""
    if folder in (Path("/"), Path.home()) or folder in Path.home().parents:
        return f"{folder} cannot be a folder of the sandbox: it may empty and remove these. Give a folder of its own."
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return f"{folder} is no folder. Give another one."
    if folder.stat().st_uid != os.getuid():
        return f"{folder} is another user's. Give a folder of this user."
    if any(folder.iterdir()) and not is_ours(folder):
        return (
            f"{folder} is not empty, and the sandbox did not make it: it may empty and remove its folders. Give a folder of its own, "
            f"or, if all of it may go, make the file {folder / MARKER}."
        )
    return ""


def overlap(base: Path, venv: Path, cache: Path) -> str:
    """What would go with another folder, or nothing: the environment may be emptied at any time, and the base's data be removed."""
    for inside, outside in ((base, venv), (cache, venv)):
        if inside == outside or outside in inside.parents:
            return f"{inside} is within {outside}, which is emptied when the services are installed anew. Give folders beside each other."
    for part in ("data", "etc", "ironic", "lock", "log", "run", "secrets"):
        for inside in (venv, cache):
            if base / part in (inside, *inside.parents):
                return f"{inside} is within {base / part}, which is removed with the sandbox's data. Give another folder."
    return ""


def mark(folder: Path) -> bool:
    """Mark a folder that is the sandbox's, and make it where there is none; False if it is marked already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = folder / MARKER
    if marker.exists():
        return False
    with open(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(TEXT)
    return True


def let_through(folder: Path) -> bool:
    """Let others pass the folder, not list it: what is in it has modes of its own. False if they may already."""
    mode = folder.stat().st_mode
    if mode & 0o011 == 0o011:
        return False
    folder.chmod(mode & 0o7777 | 0o011)
    return True


def owners(base: Path) -> set[int]:
    """Whose the data may be: ours, or those of the account that the services ran as. The settings are in a folder that we alone write to."""
    found = {os.getuid()}
    settings = base / "etc" / "sandbox.json"
    if settings.is_file():
        with suppress(KeyError):  # The account is gone.
            found.add(pwd.getpwnam(json.loads(settings.read_text())["user"]).pw_uid)
    return found


def claim(user: str, base: Path, venv: Path, cache: Path) -> None:
    """All are looked at before one is touched."""
    problems = [overlap(base, venv, cache), *map(refusal, (base, venv, cache))]
    if any(problems):
        sys.exit("\n".join(filter(None, problems)))
    for folder in (base, venv, cache):
        if mark(folder):
            print(f"changed: marked {folder}")
    if pwd.getpwnam(user).pw_uid == os.getuid():
        return
    # The environment and the cache may be within the folder of another sandbox. The cache itself is opened to that user alone.
    for folder in dict.fromkeys((base, *base.parents, venv, *venv.parents, *cache.parents)):
        if is_ours(folder) and folder.stat().st_uid == os.getuid() and let_through(folder):
            print(f"changed: let {user} through {folder}")


def check(base: Path, run: Path) -> None:
    if base.exists() and any(base.iterdir()) and not is_ours(base):
        sys.exit(f"{base} is not the sandbox's: it has no file {MARKER}. Nothing was removed.")
    # Below /tmp it may be anybody's.
    if os.path.lexists(run) and (run.is_symlink() or run.lstat().st_uid not in owners(base)):
        sys.exit(f"{run} is not this user's folder. Nothing was removed.")


def main() -> None:
    # The folders above ours, which we may have to make.
    os.umask(0o022)
    match sys.argv[1:]:
        case ["claim", user, *places]:
            claim(user, *map(Path, places))
        case ["check", *places]:
            check(*map(Path, places))


if __name__ == "__main__":
    main()
