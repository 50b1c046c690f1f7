# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pairs of clients of requirements/clients.toml.

python tools/clients.py lock         resolve each into requirements/clients/PAIR.txt
python tools/clients.py venv PAIR    build .cache/clients/PAIR, where it is not there as the lock says
python tools/clients.py table        print what `make test-clients` has counted
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
LOCKS = REPOSITORY / "requirements" / "clients"
PAIRS = tomllib.loads((REPOSITORY / "requirements" / "clients.toml").read_text())
CONDUCTOR = "3.9"  # the oldest Python of a conductor's host: conductor_config runs with it, and with nothing installed
TOOLS = ["hypothesis", "pytest"]
LIBRARIES = ("ansible-core", "openstacksdk", "netaddr")


def lock() -> None:
    for name, pair in PAIRS.items():
        wanted = "\n".join([*pair["packages"], *TOOLS])
        options = [
            "--quiet",
            "--upgrade",
            "--universal",
            "--generate-hashes",
            "--no-header",
            "--no-emit-index-url",
            "--no-annotate",
            "--python-version",
            pair["python"],
        ]
        compiled = ["uv", "pip", "compile", *options, "-", "--output-file", str(LOCKS / f"{name}.txt")]
        subprocess.run(compiled, input=wanted, text=True, check=True, stdout=subprocess.DEVNULL)


def venv(name: str) -> None:
    conductor = REPOSITORY / ".cache" / "clients" / "conductor"
    if not (conductor / "bin" / "python").exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", interpreter(CONDUCTOR), str(conductor)], check=True)
    folder, wanted = REPOSITORY / ".cache" / "clients" / name, LOCKS / f"{name}.txt"
    # The path of the folder as well: a copied checkout builds an environment of its own.
    stamp, content = folder / "ready", f"{folder}\n{PAIRS[name]}\n{wanted.read_text()}"
    if stamp.exists() and stamp.read_text() == content:
        return
    python = folder / "bin" / "python"
    print(f"==> {name}: Python {PAIRS[name]['python']}, {', '.join(versions(name).values())}", flush=True)
    subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", interpreter(PAIRS[name]["python"]), str(folder)], check=True)
    sync = ["uv", "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(python), str(wanted)]
    subprocess.run(sync, check=True)
    with tempfile.TemporaryDirectory() as wheels:
        # Of the wheel only a collection is used, which has no opinion on the Python version.
        download = ["download", "--quiet", "--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--dest", wheels]
        own = PAIRS[name].get("collections")
        wanted_wheel = [own] if own else ["--require-hashes", "--requirement", "requirements/collections.txt"]
        subprocess.run([sys.executable, "-m", "pip", *download, *wanted_wheel], cwd=REPOSITORY, check=True)
        (wheel,) = Path(wheels).glob("ansible-*.whl")
        subprocess.run([str(python), "tools/link_collections.py", str(wheel)], cwd=REPOSITORY, check=True)
    stamp.write_text(content)


def interpreter(version: str) -> str:
    """The Python to build with: one that runs, of those that pyenv has switched off as well; otherwise uv fetches it."""
    installed = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    return str(installed[-1]) if installed else version


def versions(name: str) -> dict[str, str]:
    pins = dict(line.split(" ")[0].split("==") for line in (LOCKS / f"{name}.txt").read_text().splitlines() if "==" in line)
    return {library: f"{library} {pins[library]}" for library in LIBRARIES}


def table() -> None:
    rows = [("pair", "python", *LIBRARIES, "passed", "failed")]
    for name, pair in PAIRS.items():
        counts = REPOSITORY / ".cache" / "results" / f"clients-{name}.count"
        if counts.exists():
            pins = [text.split(" ")[1] for text in versions(name).values()]
            rows.append((name, pair["python"], *pins, *counts.read_text().split()))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    {"lock": lock, "venv": venv, "table": table}[sys.argv[1]](*sys.argv[2:])
