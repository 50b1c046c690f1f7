# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to build, as the role says it (vars/main/plan.yml), and where its files are."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """One image. Everything that reaches the image is an input of its digest (inputs.py)."""

    name: str
    directory: Path
    work: Path
    format: str
    # diskimage-builder's name of it, such as amd64.
    architecture: str
    elements: tuple[str, ...]
    elements_path: tuple[Path, ...]
    packages: tuple[str, ...]
    environment: dict[str, str]
    # Variables that are no inputs, and that nobody may see.
    secrets: dict[str, str] = field(repr=False)
    # Without the element `base`, which diskimage-builder adds by itself.
    base: bool
    # GiB; 0 is as small as possible.
    size: int
    # Any text: another one makes another image of the same inputs.
    serial: str
    # Folder of the shims, or empty.
    shims: str
    # Seconds.
    timeout: int

    @property
    def scratch(self) -> Path:
        """All that a build makes is below this folder until it is finished."""
        return self.work / "build" / self.name

    def version(self, digest: str) -> Version:
        return Version(self.directory, self.name, self.format, digest)


@dataclass(frozen=True)
class Version:
    """The files of one image that is built. If `image` is there, all of them are."""

    directory: Path
    name: str
    format: str
    digest: str

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.digest[:12]}"

    @property
    def root_label(self) -> str:
        """Label of the root file system, which no other version and nobody else's image has. XFS takes twelve characters."""
        return f"bfv-{self.digest[:8]}"

    @property
    def image(self) -> Path:
        return self.directory / f"{self.stem}.{self.format}"

    @property
    def checksum(self) -> Path:
        return self.directory / f"{self.stem}.{self.format}.sha256"

    @property
    def manifest(self) -> Path:
        return self.directory / f"{self.stem}.{self.format}.json"

    @property
    def log(self) -> Path:
        return self.directory / f"{self.stem}.log"

    @property
    def link(self) -> Path:
        """The name without the digest, for people and for playbooks: it points to the newest version."""
        return self.directory / f"{self.name}.{self.format}"

    @property
    def obstacle(self) -> str:
        """What stands where the link is to be, and is none of ours: a disk of that name, for example. Or nothing."""
        if not self.link.is_symlink():
            return f"{self.link} is there, and is no link of this role" if self.link.exists() else ""
        target = str(self.link.readlink())
        ours = re.fullmatch(rf"{re.escape(self.name)}-[0-9a-f]{{12}}\.{re.escape(self.format)}", target)
        return "" if ours else f"{self.link} is a link to {target}, which this role did not make"


def parse(text: str) -> Plan:
    wanted = json.loads(text)
    return Plan(
        name=wanted["name"],
        directory=Path(wanted["directory"]),
        work=Path(wanted["work"]),
        format=wanted["format"],
        architecture=wanted["architecture"],
        elements=tuple(wanted["elements"]),
        elements_path=tuple(Path(folder) for folder in wanted["elements_path"]),
        packages=tuple(wanted["packages"]),
        environment={name: str(value) for name, value in wanted["environment"].items()},
        # Only a build is told of them.
        secrets={name: str(value) for name, value in wanted.get("secrets", {}).items()},
        base=wanted["base"],
        size=wanted["size"],
        serial=wanted["serial"],
        shims=wanted["shims"],
        timeout=wanted["timeout"],
    )


def read() -> Plan:
    """Read the plan from standard input: an argument would show the environment in the list of processes."""
    return parse(sys.stdin.read())
