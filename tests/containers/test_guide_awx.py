# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide of AWX does what it says: its image is built, and boots nodes of the sandbox. AWX itself is not here.

The guide's base image is in a registry, and openstack.cloud on Ansible Galaxy: the tests reach neither, and have both in another way.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import ansible_collections.openstack as openstack_collections
import jinja2
import pytest
import yaml

from ..integration.guides import GUIDES, Command, File, Shell, follow, steps
from ..integration.lab import Lab
from ..integration.test_guides import at_a_terminal, clouds, node
from .images import CERTIFICATES, CONFIGURATION, INDEX, debian, podman, tarball

GUIDE = (GUIDES / "guide_awx.rst").read_text(encoding="utf-8")
IMAGE = "bfv-openstack"
BASE = "localhost/bfv-ee-base"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """What the guide takes for granted. Nobody else in the sandbox has things of these names."""
    lab = Lab("rack8-")
    lab.clear()
    yield lab
    lab.clear()


@pytest.fixture
def base() -> str:
    """What the guide's image is built on: Debian, and openstack.cloud of these tests."""
    collections = Path(next(iter(openstack_collections.__path__)))
    added = "COPY cloud /usr/share/ansible/collections/ansible_collections/openstack/cloud"
    recipe = f"FROM {debian()}\n{added}\nENV PIP_CERT={INDEX['PIP_CERT']}\n"
    podman("build", "--quiet", "--tag", BASE, "--file", "-", collections, given=recipe)
    return BASE


@pytest.fixture
def shell(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A reader's, in a folder with the tarball."""
    shutil.copy(tarball(), tmp_path)
    with at_a_terminal(tmp_path_factory.mktemp("home"), tmp_path) as shell:
        for name, value in CONFIGURATION.items():
            shell.run(f"export {name}={value}")
        yield shell


def instead(base: str) -> dict[str, str]:
    """What the commands become: the base image is here, and the sandbox on a loopback address."""
    build = (
        f"ansible-builder build --tag {IMAGE} --build-arg EE_BASE_IMAGE={base} --build-arg ANSIBLE_GALAXY_CLI_COLLECTION_OPTS=--offline"
        f" --extra-build-cli-args='--network=host --volume={CERTIFICATES}'"
    )
    lines = [step.line for step in steps(GUIDE) if isinstance(step, Command)]
    runs = {
        line: line.replace("podman run", "podman run --network host --env ANSIBLE_NOCOLOR=true")
        for line in lines
        if line.startswith("podman run")
    }
    return runs | {"pip install ansible-builder": "true", f"ansible-builder build --tag {IMAGE}": build}


def test_the_guide_builds_an_image_that_boots_nodes(lab: Lab, base: str, shell: Shell) -> None:
    lab.image("rack8-debian-13", shell.folder)
    for name in ("rack8-01", "rack8-02"):
        node(lab, name)
    wrong = follow(GUIDE, shell, instead(base))
    assert not wrong, wrong


def test_the_credential_is_a_file_that_the_modules_read() -> None:
    """As AWX does it: the template into a file, and the path of that into the environment."""
    files = {step.name: yaml.safe_load(step.text) for step in steps(GUIDE) if isinstance(step, File)}
    inputs, injectors = (files[f"credential_type/{name}.yml"] for name in ("inputs", "injectors"))
    text = yaml.safe_dump(clouds())
    given = {field["id"]: text for field in inputs["fields"]}
    assert inputs["required"] == list(given)
    assert jinja2.Template(injectors["file"]["template"]).render(given) == text
    (variable,) = injectors["env"]
    path = jinja2.Template(injectors["env"][variable]).render(tower={"filename": "/runner/env/one"})
    assert (variable, path) == ("OS_CLIENT_CONFIG_FILE", "/runner/env/one")
