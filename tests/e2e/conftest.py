# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab for all tests, and what is told after them."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ..integration.lab import PROJECT
from ..integration.runs import Ansible
from . import images, lab
from .lab import BASE, IMAGES, Folders, Lab
from .machine import Model
from .processes import MARK, end_leftovers
from .report import Report

MODELS = [
    Model("array-bios", "bios", 1),
    Model("array-uefi", "uefi", 2),
    Model("cinder-bios", "bios", 3),
    Model("locked-out", "bios", 4),
    Model("nova-bios", "bios", 5),
    Model("spare", "bios", 6),
    Model("wave-1", "bios", 7),
    Model("wave-2", "bios", 8),
]
IMAGE = "bfv-e2e"  # in Glance
REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()
    # Of the SDK about its own code.
    config.addinivalue_line("filterwarnings", "ignore:Support for InfluxDB")
    config.addinivalue_line("filterwarnings", "ignore:The 'service_type' parameter")


@pytest.fixture(scope="session", autouse=True)
def _alone() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.exit(
            "The end-to-end tests need root, for a network namespace and disk images: run `sudo make test-e2e`.", returncode=4
        )
    # As Ctrl-C: what was started has to be ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    BASE.mkdir(parents=True, exist_ok=True)
    with (BASE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.exit(f"The end-to-end tests run already, for {lock.name} is locked.", returncode=4)
        end_leftovers(BASE)
        os.environ[MARK] = str(BASE)
        yield


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash[REPORT]


@pytest.fixture(scope="session")
def disk_images(request: pytest.FixtureRequest, ansible: Ansible, report: Report) -> dict[str, Path]:
    """The image for a BIOS, and those of the kinds that tests are parametrized by, as in `test_it[uefi]`.

    They are built before there is a lab, which has no way to a package mirror.
    """
    built = {}
    for kind in images.KINDS:
        if kind == "bios" or any(item.name.endswith(f"[{kind}]") for item in request.session.items):
            with report.step("image", kind):
                built[kind] = images.build(ansible, kind, IMAGES)
    return built


@pytest.fixture(scope="session")
def the_lab(
    request: pytest.FixtureRequest, disk_images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, report: Report
) -> Iterator[Lab]:
    # Nova costs as much as the rest of the services, also where nobody asks it for anything.
    with_nova = any(item.path.name == "test_nova.py" for item in request.session.items)
    folders = Folders(BASE, tmp_path_factory.mktemp("sockets"))
    folders.renew()
    with ExitStack() as stack:
        with report.step("lab", "start"):
            started = stack.enter_context(lab.running(MODELS, folders, "full" if with_nova else "mini"))
        yield started


@pytest.fixture(scope="session")
def glance_image(the_lab: Lab, disk_images: dict[str, Path], ansible: Ansible, report: Report) -> str:
    """The name of the image in Glance, for the machines with volumes of Cinder."""
    with report.step("image", "upload to Glance"):
        images.upload(ansible, "bios", IMAGES, PROJECT, IMAGE)
    return IMAGE


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    return Ansible(tmp_path_factory.mktemp("ansible"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    if report.lines:
        terminalreporter.section("end to end")
        for line in report.lines:
            terminalreporter.line(line)
    if report.lines and exitstatus != pytest.ExitCode.OK:
        terminalreporter.line(f"Console logs of the machines, and the logs of all services: {BASE / 'logs'}")
