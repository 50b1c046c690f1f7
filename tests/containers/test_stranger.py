# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has the tarball alone follows README, on a Debian 13 with nothing on it: the installation, the first example, and that again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .images import CERTIFICATES, INDEX, REPOSITORY, debian, podman, tarball

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:^ {4}\S.*\n)+", README, re.MULTILINE)
(INSTALLATION,) = (block for block in BLOCKS if "bfv-openstack-" in block)
(EXAMPLE,) = (block for block in BLOCKS if "bfv.openstack.sandbox" in block)
FROM_GALAXY = "ansible-galaxy collection install bfv"
# README's own words for where Ansible Galaxy is not reached.
WITHOUT_GALAXY = "pip install ansible && ansible-galaxy collection install --no-deps bfv"
RECAP = re.compile(r"changed=(\d+) +unreachable=(\d+) +failed=(\d+)")


@dataclass(frozen=True)
class Stranger:
    container: str

    def types(self, commands: str) -> str:
        """All that commands print that are typed one after the other, in the folder with the tarball; they have to succeed."""
        environment = [word for name, value in INDEX.items() for word in ("--env", f"{name}={value}")]
        return podman(
            "exec", "--interactive", *environment, "--workdir", "/srv/try", self.container, "bash", "-e", given=commands
        )


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    init = ("bash", "-c", "sleep infinity & wait")  # it waits for all children that ended
    where = ("--volume", f"{tarball()}:/srv/try/{tarball().name}:ro", "--volume", CERTIFICATES)
    container = podman("run", "--detach", "--rm", "--network", "host", *where, debian(), *init)
    try:
        stranger = Stranger(container)
        stranger.types("apt-get update")
        yield stranger
    finally:
        podman("rm", "--force", "--time", "0", container)


def test_readme_installs_the_tarball_and_its_first_example_works_twice(stranger: Stranger) -> None:
    assert FROM_GALAXY in INSTALLATION
    stranger.types(INSTALLATION.replace(FROM_GALAXY, WITHOUT_GALAXY))
    start, boot = (f". .venv/bin/activate\n{line}\n" for line in EXAMPLE.splitlines())
    stranger.types(start)
    try:
        first, again = (RECAP.findall(stranger.types(boot)) for _run in range(2))
    finally:
        stranger.types(". .venv/bin/activate && ansible-playbook bfv.openstack.sandbox_down")
    assert first
    assert {(unreachable, failed) for _changed, unreachable, failed in first} == {("0", "0")}
    assert any(changed != "0" for changed, *_others in first)
    assert set(again) == {("0", "0", "0")}
    assert len(again) == len(first)
