# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox, a lab in it for each file of tests, and runs of Ansible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .lab import PREFIX, SYSTEM, Lab
from .proxy import Proxy
from .runs import Ansible


def pytest_configure(config: pytest.Config) -> None:
    # Of the SDK about its own code.
    config.addinivalue_line("filterwarnings", "ignore:Support for InfluxDB")
    config.addinivalue_line("filterwarnings", "ignore:The 'service_type' parameter")
    config.addinivalue_line("filterwarnings", "ignore:The _compute_attributes method")


@pytest.fixture(scope="session", autouse=True)
def _clean_sandbox() -> None:
    """What a killed run left would be in the way of this one."""
    configured = Path(os.environ.get("OS_CLIENT_CONFIG_FILE", ""))
    if not configured.is_file() or SYSTEM not in configured.read_text(encoding="utf-8"):
        pytest.exit("OS_CLIENT_CONFIG_FILE names no clouds.yaml of the sandbox: run `make test-integration`.", returncode=4)
    Lab(PREFIX).clear()


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The sandbox's services. What is made there under the lab's names is removed at the end."""
    lab = Lab(f"{PREFIX}{request.path.stem.removeprefix('test_')}-")
    yield lab
    lab.clear()


# For tests that are to hold whether modules run in Ansible's worker processes, as they do in all other tests, or not.
both_doors = pytest.mark.parametrize("ansible", [True, False], ids=["worker", "process"], indirect=True)


@pytest.fixture(scope="module")
def ansible(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    return Ansible(tmp_path_factory.mktemp("ansible"), in_process=getattr(request, "param", True))


@pytest.fixture(scope="module")
def new_proxy(lab: Lab) -> Iterator[Callable[[], Proxy]]:
    """Makes proxies that live as long as the module's tests."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Proxy(lab.services))


@pytest.fixture
def proxy(lab: Lab) -> Iterator[Proxy]:
    """A proxy for one test."""
    with Proxy(lab.services) as proxy:
        yield proxy
