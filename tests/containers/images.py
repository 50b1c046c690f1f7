# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images and containers of podman, made from Debian's packages alone, and what lets them reach the package index of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGURATION = {"CONTAINERS_CONF": str(REPOSITORY / "extensions/molecule/shared/containers.conf")}
# What this machine trusts: elsewhere in the container, for its own ca-certificates may be installed meanwhile.
_TRUSTED = "/etc/package-index.crt"
CERTIFICATES = f"{os.environ.get('PIP_CERT', '/etc/ssl/certs/ca-certificates.crt')}:{_TRUSTED}:ro"
INDEX = {"PIP_CERT": _TRUSTED, "SSL_CERT_FILE": _TRUSTED}


def podman(*words: str | Path, given: str = "") -> str:
    """What podman prints; all of it, where it fails."""
    done = subprocess.run(
        ["podman", *words],
        env=os.environ | CONFIGURATION,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def debian() -> str:
    """The name of an image of a Debian 13 with nothing added."""
    return subprocess.run([REPOSITORY / "tools/debian_image.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def tarball() -> Path:
    """The collection as it is published: `make tarball`."""
    (made,) = (REPOSITORY / ".cache/dist").glob("bfv-openstack-*.tar.gz")
    return made
