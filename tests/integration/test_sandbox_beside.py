# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox on a host that has an array of its own: a tgtd on all addresses, and a program on MariaDB's port.

All of it in a network namespace and a process namespace, with which it ends.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PLAYBOOKS = Path(sys.executable).with_name("ansible-playbook")
LISTEN = "import socket, time; here = socket.create_server(('0.0.0.0', 3306)); time.sleep(3600)"
HOST = """
set -eu
ip link set lo up
TGT_IPC_SOCKET={folder}/host tgtd --foreground --iscsi portal=0.0.0.0:3260 &
{python} -c {listen} &
until [ -S {folder}/host.0 ]; do sleep 0.2; done
{commands}
"""

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace")]


def on_the_host(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    script = HOST.format(folder=folder, python=sys.executable, listen=shlex.quote(LISTEN), commands="\n".join(commands))
    confined = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", script]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "true"}
    return subprocess.run(
        confined,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def sandbox(folder: Path, playbook: str, *options: str) -> str:
    """The services of the other sandbox, which need no package index."""
    shared = REPOSITORY / ".sandbox"
    places = (f"sandbox_dir={folder}/sandbox", f"sandbox_venv={shared}/venv", f"sandbox_cache={shared}/cache", "sandbox_nodes=1")
    return shlex.join([str(PLAYBOOKS), playbook, *(word for option in (*places, *options) for word in ("-e", option))])


def test_field_k4_a_port_that_the_host_has_is_named_with_the_remedy(tmp_path: Path) -> None:
    done = on_the_host(tmp_path, sandbox(tmp_path, "bfv.openstack.sandbox"))
    said = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "port 3260 is taken on all" in said
    assert "give the port another number in sandbox_ports" in said


def test_field_k4_with_another_port_both_live_side_by_side(tmp_path: Path) -> None:
    ports = (
        '{"sandbox_ports": {"keystone": 5000, "amqp": 5672, "ironic": 6385, "ironic_http": 6386, "nova": 8774, "cinder": 8776, '
    )
    ports += '"placement": 8778, "glance": 9292, "neutron": 9696, "iscsi": 3261, "amqp_cluster": 25672}}'
    done = on_the_host(
        tmp_path,
        sandbox(tmp_path, "bfv.openstack.sandbox", ports),
        f"TGT_IPC_SOCKET={tmp_path}/host tgtadm --lld iscsi --mode sys --op show > {tmp_path}/hosts",
        sandbox(tmp_path, "bfv.openstack.sandbox_down", ports, "sandbox_purge=true"),
    )
    assert done.returncode == 0, done.stdout
    # The host's array still answers.
    assert "State: ready" in (tmp_path / "hosts").read_text()
