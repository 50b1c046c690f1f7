# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox that an ordinary user starts, in a folder of his, with an Ansible of his and without any right of root's.

On this machine, and on a Debian 13 in a container, with the Python of that.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


# What is on a Debian 13 whose administrator has installed what the role names.
PACKAGES = "ca-certificates,libiscsi-bin,mariadb-client,mariadb-server,procps,python3,python3-venv,qemu-utils,tgt"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # of the package index, as this machine sees it
INIT = ("bash", "-c", "sleep infinity & wait")  # it waits for all children that ended
CONTAINERS = {"CONTAINERS_CONF": str(REPOSITORY / "extensions/molecule/shared/containers.conf")}


@dataclass(frozen=True)
class Home:
    folder: Path
    container: str = ""

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
        variables = [f"{name}={value}" for name, value in (own | environment).items()]
        where = ["podman", "exec", "--workdir", str(self.folder), self.container] if self.container else []
        return subprocess.run(
            [*where, "setpriv", *identity, "env", "-i", *variables, *command],
            cwd=self.folder,
            env=os.environ | CONTAINERS,
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


def podman(*words: str) -> str:
    done = subprocess.run(["podman", *words], env=os.environ | CONTAINERS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def debian_13() -> str:
    """An image for podman, which stays for the next run."""
    made = REPOSITORY / ".cache/molecule" / f"trixie-{hashlib.sha256(PACKAGES.encode()).hexdigest()[:12]}.tar"
    if not made.exists():
        subprocess.run([REPOSITORY / "tools/need.sh", "podman:podman", "runc:runc", "debootstrap:debootstrap"], check=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as root:
            bootstrap = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", root]
            subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["tar", "--create", "--file", f"{made}.new", "--directory", root, "."], check=True)
        Path(f"{made}.new").replace(made)
    image = f"localhost/bfv-{made.stem}"
    podman("import", "--quiet", str(made), image)
    return image


@contextmanager
def container(folder: Path) -> Iterator[str]:
    """A Debian 13 that sees the folder, and this machine's network, since it needs a package index."""
    volumes = ["--volume", f"{folder}:{folder}", "--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    running = podman("run", "--detach", "--rm", "--network", "host", *volumes, debian_13(), *INIT)
    try:
        yield running
    finally:
        podman("rm", "--force", "--time", "0", running)


@pytest.fixture(scope="module", params=["here", "debian-13"])
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    with ExitStack() as stack:
        # Folders of pytest are closed to others.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bfv-user-")))
        home = Home(folder, stack.enter_context(container(folder)) if request.param != "here" else "")
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
