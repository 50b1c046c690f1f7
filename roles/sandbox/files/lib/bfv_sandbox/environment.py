# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""Install the services into a virtual environment. Several sandboxes may have the same one.

environment.py VENV PYTHON REQUIREMENTS DIGEST

The DIGEST tells of which packages an environment was completed: one that has others is updated in place, for services may be running from it.
Runs before the environment exists: standard library only.
"""

import fcntl
import subprocess
import sys
from pathlib import Path


def install(venv: Path, python: str, requirements: str, digest: str) -> None:
    # Scripts carry the path of the folder in which they were made: a copied environment starts anew.
    place = f"{venv} {python}\n"
    complete = f"{place}{digest}\n"
    marker = venv / ".complete"
    found = marker.read_text() if marker.exists() else ""
    if found == complete:
        return
    inside = venv / "bin" / "python"
    if not found.startswith(place):
        run(python, "-m", "venv", "--clear", venv)
        run(inside, "-m", "pip", "install", "--quiet", "uv")
    run(inside, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", inside, "--requirements", requirements)
    # Written last: without it an interrupted installation is repeated.
    marker.write_text(complete)
    print(f"changed: installed the services in {venv}")


def run(*command: str | Path) -> None:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        sys.exit(f"Failed: {' '.join(map(str, command))}")


def main() -> None:
    venv = Path(sys.argv[1])
    venv.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with venv.with_name(f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second finds it made
        install(venv, *sys.argv[2:])


if __name__ == "__main__":
    main()
