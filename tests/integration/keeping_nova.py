# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second API of the sandbox's Nova, which keeps what is deleted by it for a while. The sandbox's own does not.

Nova's API alone decides that, by its option reclaim_instance_interval (nova/api/openstack/compute/servers.py, _delete): the compute
services delete what it has them delete. As theirs is 0, none of them removes later what is kept.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import openstack

from .lab import PROJECT, Api
from .waiting import until


@contextmanager
def keeping_nova(folder: Path) -> Iterator[Api]:
    """Start it as the sandbox starts its own and as that user, at another port; its log is in the folder."""
    programs = RawConfigParser()
    sandbox = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent
    programs.read(sandbox / "etc" / "supervisord.conf", encoding="utf-8")
    program = programs["program:nova-api"]
    own = urlsplit(openstack.connect(cloud=PROJECT).compute.get_endpoint())
    address = f"{own.hostname}:{_free_port(str(own.hostname))}"
    command = shlex.split(program["command"].replace(own.netloc, address))
    environment = {**os.environ, **_pairs(program["environment"]), "OS_DEFAULT__RECLAIM_INSTANCE_INTERVAL": "3600"}
    with (folder / "nova-api.log").open("wb") as log:
        # the database knows users of the machine, by its socket
        owner = (sandbox / "data" / "mysql").stat()
        who = {"user": owner.st_uid, "group": owner.st_gid}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, **who)
        try:
            until("the second API of Nova to answer", lambda: _answers(f"http://{address}/"), 120)
            yield Api(openstack.connect(cloud=PROJECT, compute_endpoint_override=f"http://{address}/v2.1").compute, "2.93")
        finally:
            process.terminate()
            process.wait()


def _free_port(host: str) -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def _pairs(environment: str) -> dict[str, str]:
    """supervisord's form: NAME="value",NAME="value"."""
    words = shlex.shlex(environment, posix=True, punctuation_chars=",")
    words.whitespace_split = True
    return dict(word.split("=", 1) for word in words if word != ",")


def _answers(url: str) -> bool:
    try:
        with urlopen(url):
            return True
    except (URLError, ConnectionError):  # not yet
        return False
