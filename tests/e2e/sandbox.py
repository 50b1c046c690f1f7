# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenStack for the lab: the role sandbox inside the network namespace, with an Ironic that drives Redfish machines as well."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from .network import HOST
from .processes import MARK

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parents[2]
INSTALL = REPOSITORY / "tools" / "services.yml"
# The services of `make sandbox`, whether it runs or not.
SERVICES = REPOSITORY / ".sandbox"
# oslo.config reads options of the environment too. Ironic alone has these.
IRONIC = {
    "OS_DEFAULT__ENABLED_HARDWARE_TYPES": "fake-hardware,redfish",
    "OS_DEFAULT__ENABLED_MANAGEMENT_INTERFACES": "fake,redfish",
    "OS_DEFAULT__ENABLED_POWER_INTERFACES": "fake,redfish",
}


class Sandbox:
    def __init__(self, folder: Path, logs: Path, profile: str) -> None:
        self._folder = folder
        self._profile = profile
        self._logs = logs

    @property
    def http_root(self) -> Path:
        """Where Ironic puts what the machines ask for by HTTP."""
        return self._folder / "ironic" / "http"

    def install(self) -> None:
        """Install the services. This needs a package index, so it comes before the network namespace."""
        self._run(str(INSTALL))

    @contextmanager
    def running(self) -> Iterator[None]:
        """The services, as long as the `with` block runs. They start from nothing, and nothing but their logs stays."""
        self._stop()
        try:
            # The role takes loopback addresses only, for a sandbox has no business on a network. Here the network is as private.
            # The services get nothing of our environment but this.
            more = json.dumps({"sandbox_more_environment": {**IRONIC, MARK: os.environ[MARK]}})
            self._run("bfv.openstack.sandbox", f"sandbox_ip={HOST}", "sandbox_nodes=0", "sandbox_external_nodes=0", more)
            with mock.patch.dict(os.environ, OS_CLIENT_CONFIG_FILE=str(self._folder / "clouds.yaml")):
                yield
        finally:
            if (self._folder / "log").exists():
                shutil.copytree(self._folder / "log", self._logs / "openstack", dirs_exist_ok=True)
            self._stop()

    def _stop(self) -> None:
        self._run("bfv.openstack.sandbox_down", f"sandbox_ip={HOST}", "sandbox_purge=true")

    def _run(self, playbook: str, *variables: str) -> None:
        places = [f"sandbox_dir={self._folder}", f"sandbox_venv={SERVICES / 'venv'}", f"sandbox_cache={SERVICES / 'cache'}"]
        options = [word for pair in (f"sandbox_profile={self._profile}", *places, *variables) for word in ("-e", pair)]
        ended = subprocess.run(
            [BIN / "ansible-playbook", playbook, *options],
            env={**os.environ, "ANSIBLE_NOCOLOR": "true"},
            capture_output=True,
            text=True,
            check=False,
            # Ctrl-C is for the tests alone: an interrupted start is undone by _stop.
            start_new_session=True,
        )
        (self._logs / f"{Path(playbook).stem.rpartition('.')[2]}.log").write_text(ended.stdout + ended.stderr, encoding="utf-8")
        assert ended.returncode == 0, f"{playbook}: {ended.stdout}{ended.stderr}"
