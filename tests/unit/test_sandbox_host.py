# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox on a host that has a life of its own: its packages, its ports, its proxy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.tests.unit.sandbox_role import LIB, ROLE, play

sys.path.insert(0, str(LIB))

from bfv_sandbox import prepare

MISSING = {"sandbox_packages_missing": ["mariadb-server", "tgt"]}
# What apt-get says on a host with MySQL.
APT_GET = """#!/bin/sh
echo "$@" >> {said}
echo "Remv mysql-server-8.0 [8.0.36-0ubuntu0.22.04.1]"
echo "Inst tgt (1:1.0.85-1 Debian:12.0/stable [amd64])"
"""


def test_field_k4_who_is_not_root_is_told_what_would_start_by_itself(tmp_path: Path) -> None:
    code, printed = play(tmp_path, "packages", {}, found=MISSING)
    assert code != 0
    assert "apt-get install -y --no-install-recommends mariadb-server tgt && systemctl disable --now mariadb tgt" in printed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_field_k4_nothing_of_the_host_is_removed(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(APT_GET.format(said=said))
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    code, printed = play(tmp_path, "packages", {"sandbox_install_packages": True}, path, MISSING)
    assert code != 0
    assert "for which apt-get would remove mysql-server-8.0. Nothing was installed." in printed
    assert [line for line in said.read_text().splitlines() if "install" in line and "--simulate" not in line] == []


@contextmanager
def listening(address: str) -> Iterator[int]:
    """A port that is taken there."""
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        yield other.getsockname()[1]


def test_field_k4_an_address_that_others_have_taken_is_not_kept(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with listening("127.0.0.1") as port:
        (tmp_path / "address").write_text("127.0.0.1\n")
        prepare.keep_address(tmp_path, run, "", [port])
        assert (tmp_path / "address").read_text() not in ("", "127.0.0.1\n")


def test_the_address_of_a_sandbox_that_is_up_is_kept(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "address").write_text("127.0.0.1\n")
    with listening("127.0.0.1") as port, socket.socket(socket.AF_UNIX) as supervisor:
        supervisor.bind(str(run / "supervisor.sock"))
        supervisor.listen()
        prepare.keep_address(tmp_path, run, "", [port])
    assert (tmp_path / "address").read_text() == "127.0.0.1\n"


@pytest.mark.parametrize(("before", "after"), [("", "127.64.0.1"), ("example.org", "127.64.0.1,example.org")])
def test_field_k4_a_proxy_is_not_asked_for_the_sandbox(before: str, after: str) -> None:
    template = (ROLE / "templates" / "env.j2").read_text()
    (line,) = [line for line in template.splitlines() if "no_proxy" in line]
    script = f"{line.replace('{{ sandbox_ip }}', '127.64.0.1')}; echo $no_proxy"
    environment = {"no_proxy": before} if before else {}
    said = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"{after}\n"
