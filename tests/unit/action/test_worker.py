# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that runs within Ansible's worker process, and what is left of it there: nothing."""

from __future__ import annotations

import json
import locale
import logging
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud import connection
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import worker

OPTIONS = json.dumps({"ANSIBLE_MODULE_ARGS": {"name": "root", "_ansible_check_mode": True}}).encode()


def module(**other: Any) -> basic.AnsibleModule:
    return basic.AnsibleModule(argument_spec={"name": {"type": "str"}, **other}, supports_check_mode=True, no_log=True)


def state() -> dict[str, Any]:
    """All that a module could leave behind in a process."""
    umask = os.umask(0)
    os.umask(umask)
    names = ("", "openstack", "keystoneauth", "urllib3", "stevedore")
    return {
        "arguments": [getattr(basic, name) for name in ("_ANSIBLE_ARGS", "_ANSIBLE_PROFILE", "_PARSED_MODULE_ARGS")],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "loggers": [(name, logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names],
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "umask": umask,
    }


def test_a_module_gets_its_options_and_gives_its_result() -> None:
    def main() -> None:
        run = module()
        run.exit_json(name=run.params["name"], checked=run.check_mode)

    done = worker.run(main, OPTIONS, {})
    result = json.loads(done["stdout"])
    assert (done["rc"], result["name"], result["checked"]) == (0, "root", True)


def test_a_module_has_the_environment_of_its_task_and_the_next_one_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLOUD", "one")
    seen: list[tuple[str | None, str | None]] = []

    def main() -> None:
        seen.append((os.environ["OS_CLOUD"], os.environ.get("http_proxy")))
        module().exit_json()

    monkeypatch.delenv("http_proxy", raising=False)
    worker.run(main, OPTIONS, {"OS_CLOUD": "another", "http_proxy": "http://192.0.2.1:3128"})
    worker.run(main, OPTIONS, {})
    assert seen == [("another", "http://192.0.2.1:3128"), ("one", None)]


def test_a_module_that_fails_gives_its_result() -> None:
    done = worker.run(lambda: module().fail_json(msg="no"), OPTIONS, {})
    assert (done["rc"], json.loads(done["stdout"])["msg"]) == (1, "no")


def test_options_are_checked() -> None:
    done = worker.run(lambda: module(size={"type": "int", "required": True}), OPTIONS, {})
    assert json.loads(done["stdout"])["msg"] == "missing required arguments: size"


def test_an_error_of_its_code_is_told_as_ansible_tells_one() -> None:
    with pytest.raises(AnsibleError, match=r"^Module failed: integer division") as raised:
        worker.run(lambda: print(1 // 0), OPTIONS, {})
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_what_is_printed_reaches_nobody_by_another_way(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        print("a remark of some library")
        print("a warning", file=sys.stderr)
        module().exit_json()

    done = worker.run(main, OPTIONS, {})
    assert done["stdout"].startswith("a remark of some library\n")
    assert done["stderr"] == "a warning\n"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("ends", ["well", "with a failure", "with an error"])
def test_nothing_is_left_behind(tmp_path: Path, ends: str) -> None:
    def main() -> None:
        run = module()
        os.environ["LC_ALL"] = "C"
        del os.environ["PATH"]
        locale.setlocale(locale.LC_ALL, "C")
        os.chdir(tmp_path)
        for name in ("openstack", "keystoneauth", "urllib3"):
            logging.getLogger(name).setLevel(logging.DEBUG)
            logging.getLogger(name).addHandler(logging.FileHandler(tmp_path / "sdk.log"))
        if ends == "well":
            run.exit_json()
        if ends == "with a failure":
            run.fail_json(msg="no")
        raise ValueError(ends)

    before = state()
    files = len(os.listdir("/proc/self/fd"))
    try:
        worker.run(main, OPTIONS, {})
    except AnsibleError:
        assert ends == "with an error"
    assert state() == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    sdk = SimpleNamespace(
        session=SimpleNamespace(session=SimpleNamespace(adapters={}, mount=None, close=lambda: closed.append("closed")))
    )
    monkeypatch.setattr(connection.openstack, "connect", lambda **_settings: sdk)

    def main() -> None:
        assert connection.Cloud({"cloud": "x"})._main is sdk
        module().exit_json()

    for _item in range(2):
        worker.run(main, OPTIONS, {})
    assert closed == ["closed", "closed"]
