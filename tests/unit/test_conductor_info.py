# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bfv.openstack.conductor_info: what systemd, the kernel and the files tell of a conductor, here by a stand-in of systemctl."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils._engine.conductor import info, process
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused

DEBIAN, RED_HAT, ONE = (process.Unit(name, is_there=True) for name in process.UNITS)
STARTS = ("/usr/bin/ironic-conductor", "--config-file", "/etc/ironic/ironic.conf", "--config-file=/etc/ironic/conductor.conf")


def runs(name: str) -> process.Unit:
    return process.Unit(name, is_there=True, is_active=True, pid=7)


def gone(name: str) -> process.Unit:
    return process.Unit(name, is_there=False)


def test_a_unit_is_what_systemctl_shows() -> None:
    shown = (
        "Id=ironic-conductor.service\nLoadState=loaded\nActiveState=active\nMainPID=4711\nUser=ironic\n"
        "ExecStart={ path=/usr/bin/ironic-conductor ; argv[]=/usr/bin/ironic-conductor --config-file /etc/ironic/ironic.conf ; "
        "ignore_errors=no ; start_time=[n/a] ; pid=0 }\n"
        'Environment=OS_CINDER__AUTH_URL=x "OS_DEFAULT__HOST=a b"\n'
    )
    environment = ("OS_CINDER__AUTH_URL=x", "OS_DEFAULT__HOST=a b")
    expected = process.Unit("ironic-conductor", True, True, 4711, "ironic", STARTS[:3], environment)
    assert process.unit("ironic-conductor", shown) == expected
    assert process.unit("x", "Id=x.service\nLoadState=not-found\nMainPID=0\n") == process.Unit("x", False, user="root")


@pytest.mark.parametrize(
    ("units", "meant"),
    [
        ((DEBIAN, gone("openstack-ironic-conductor")), DEBIAN.name),
        ((gone("ironic-conductor"), RED_HAT, gone("ironic")), RED_HAT.name),
        ((DEBIAN, runs("ironic")), "ironic"),
    ],
)
def test_the_unit_is_the_one_that_is_there_or_runs(units: tuple[process.Unit, ...], meant: str) -> None:
    assert process.only(units).name == meant


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ((gone("ironic-conductor"), gone("ironic")), "systemd knows no unit ironic-conductor or ironic"),
        ((DEBIAN, ONE), "units ironic-conductor and ironic are there, and none of them runs"),
        ((runs("ironic-conductor"), runs("ironic")), "units ironic-conductor and ironic run"),
    ],
)
def test_a_unit_that_is_not_certain_is_refused(units: tuple[process.Unit, ...], words: str) -> None:
    with pytest.raises(Refused, match=words):
        process.only(units)


@pytest.mark.parametrize(
    ("cmdline", "words"),
    [
        ("\0".join(STARTS) + "\0", STARTS),
        (f"ironic-conductor: master process [{' '.join(STARTS)}]\0\0\0", STARTS),
        ("/usr/bin/python3\0/usr/bin/ironic\0", ("/usr/bin/python3", "/usr/bin/ironic")),
    ],
)
def test_the_words_of_a_process(cmdline: str, words: tuple[str, ...]) -> None:
    assert process.command(cmdline) == words


def test_files_and_folders_are_those_that_it_was_told_of_or_that_oslo_config_looks_for() -> None:
    assert process.config_files(STARTS) == ["/etc/ironic/ironic.conf", "/etc/ironic/conductor.conf"]
    assert process.config_dirs(STARTS) == ["/etc/ironic/ironic.conf.d", "/etc/ironic/ironic-conductor.conf.d"]
    one = ("/usr/bin/python3", "/usr/local/bin/ironic", "--config-dir", "/srv/ironic")
    assert (process.config_files(one), process.config_dirs(one)) == (["/etc/ironic/ironic.conf"], ["/srv/ironic"])
    assert process.reads(one) == ["/etc/ironic/ironic.conf", "/srv/ironic"]


def test_files_that_it_was_told_of_come_behind_the_folders_that_it_looks_for() -> None:
    told = ["/etc/ironic/ironic.conf", "/etc/ironic/conductor.conf"]
    assert process.reads(STARTS) == ["/etc/ironic/ironic.conf.d", "/etc/ironic/ironic-conductor.conf.d", *told]
    assert process.reads((*STARTS, "--config-dir=/srv/ironic")) == [*told, "/srv/ironic"]


def test_the_environment_wins_by_names_of_options_alone() -> None:
    lines = ["OS_DEFAULT__ENABLED_STORAGE_INTERFACES=noop", "OS_CINDER__AUTH_URL=x", "OS_CLOUD=mine", "PATH=/bin", ""]
    assert process.set_by_environment(lines) == [("DEFAULT", "enabled_storage_interfaces"), ("cinder", "auth_url")]


@pytest.mark.parametrize(
    ("words", "options", "file"),
    [
        ((*STARTS, "--log-file", "/var/log/ironic/c.log"), {}, "/var/log/ironic/c.log"),
        (STARTS, {("DEFAULT", "log_file"): "c.log", ("DEFAULT", "log_dir"): "/var/log/ironic"}, "/var/log/ironic/c.log"),
        (STARTS, {("DEFAULT", "log_dir"): "/var/log/ironic"}, "/var/log/ironic/ironic-conductor.log"),
        (STARTS, {}, None),
    ],
)
def test_where_it_logs(words: tuple[str, ...], options: dict[tuple[str, str], str], file: str | None) -> None:
    assert process.log_file(words, options) == file


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose conductor is this very process, as far as systemctl is concerned."""
    (tmp_path / "ironic.conf").write_text("[DEFAULT]\nlog_dir = /var/log/ironic\n")
    arguments = f"{tmp_path}/bin/ironic-conductor --config-file {tmp_path}/ironic.conf"
    program = tmp_path / "systemctl"
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\n[ "$last" = openstack-ironic-conductor ] || exec printf "LoadState=not-found\\n"\n'
        'printf "LoadState=loaded\\nActiveState=inactive\\nMainPID=0\\nUser=ironic\\nEnvironment=OS_PXE__X=1\\n"\n'
        f'echo "ExecStart={{ path=x ; argv[]={arguments} ; ignore_errors=no }}"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def look(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        info.run()
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_a_conductor_that_does_not_run_is_told_by_its_unit(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = look(capsys)
    seen.pop("invocation", None)  # not with ansible-core 2.21 and newer
    assert seen == {
        "changed": False,
        "service": "openstack-ironic-conductor",
        "running": False,
        "user": "ironic",
        "command": [f"{host}/bin/ironic-conductor", "--config-file", f"{host}/ironic.conf"],
        "python": f"{host}/bin/python3",
        "config_files": [f"{host}/ironic.conf"],
        "config_dirs": ["/etc/ironic/ironic.conf.d"],
        "reads": ["/etc/ironic/ironic.conf.d", f"{host}/ironic.conf"],
        "environment": ["[pxe] x"],
        "log_file": "/var/log/ironic/ironic-conductor.log",
    }


def test_an_unknown_unit_is_one_line(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(capsys, service="ironik")["msg"].startswith("Failed to find the conductor: systemd knows no unit ironik. Name it")
