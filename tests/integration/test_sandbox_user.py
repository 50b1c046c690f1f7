# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""A sandbox that an ordinary user starts, in a folder of his, with an Ansible of his and without any right of root's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Of every Debian, and nobody's.
USER = pwd.getpwnam("games")
# Of the system: the Python of these tests may be in root's home.
PYTHON = "/usr/bin/python3"
# The proxy of an office, which knows nothing of this machine's loopback address, and is not there at that.
PROXY = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="who is no root is the ordinary user of all other tests"),
]


@dataclass(frozen=True)
class Home:
    folder: Path

    @property
    def sandbox(self) -> Path:
        return self.folder / "sandbox"

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """As the user, who has no group of anybody else's and cannot become root again."""
        identity = [f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups", "--no-new-privs"]
        own = {
            "HOME": str(self.folder),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),  # the system says that the home is elsewhere
            "PATH": f"{self.folder}/venv/bin:/usr/bin:/bin",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "LC_ALL": "C.UTF-8",
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))},
        }
        return subprocess.run(
            ["setpriv", *identity, *command],
            cwd=self.folder,
            env=own | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def play(self, playbook: str, *options: str, **environment: str) -> str:
        """Run a playbook, which has to succeed."""
        given = [word for option in (f"sandbox_dir={self.sandbox}", "sandbox_nodes=1", *options) for word in ("-e", option)]
        done = self.run("ansible-playbook", playbook, *given, **environment)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    # Folders of pytest are closed to others.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bfv-user-") as name:
        home = Home(Path(name))
        home.folder.chmod(0o755)
        os.chown(home.folder, USER.pw_uid, USER.pw_gid)
        collection = home.folder / "collections/ansible_collections/bfv/openstack"
        for folder in ("meta", "playbooks", "plugins", "roles"):
            shutil.copytree(REPOSITORY / folder, collection / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPOSITORY / "galaxy.yml", collection)
        subprocess.run(["chmod", "--recursive", "a+rX", home.folder], check=True)
        for command in ((PYTHON, "-m", "venv", "venv"), ("venv/bin/python", "-m", "pip", "install", "--quiet", "ansible-core")):
            done = home.run(*command)
            assert done.returncode == 0, done.stdout
        yield home
        home.play("bfv.openstack.sandbox_down", "sandbox_purge=true")


@pytest.fixture(scope="module")
def started(home: Home) -> str:
    return home.play("bfv.openstack.sandbox")


def test_it_starts_and_all_that_runs_is_the_users(home: Home, started: str) -> None:
    assert "failed=0" in started
    mark = f"BFV_SANDBOX={home.sandbox}".encode()
    owners = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                owners.add(process.stat().st_uid)
        except OSError:
            continue  # ended meanwhile
    assert owners == {USER.pw_uid}


def test_a_second_start_behind_a_proxy_changes_nothing(home: Home, started: str) -> None:
    assert "changed=0" in home.play("bfv.openstack.sandbox", **PROXY)


def test_clients_reach_it_behind_a_proxy(home: Home, started: str) -> None:
    script = f". {home.sandbox}/env && {home.sandbox}/venv/bin/openstack --os-cloud sandbox image list -f value -c Name"
    done = home.run("sh", "-c", script, **PROXY)
    assert (done.returncode, done.stdout.split()) == (0, ["bfv-test"]), done.stdout
