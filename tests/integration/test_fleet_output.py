# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What baremetal_fleet shows while it runs, and the page that it writes."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import SYSTEM, Lab, Node, a_lun
from .proxy import Proxy, Request
from .runs import Ansible, Json, Run, Task, task

FLEET = "bfv.openstack.baremetal_fleet"
SUMMARY = re.compile(r"^deployed (\d)/2, (\d) failed, (\d) waiting, \d\d:\d\d$", re.MULTILINE)
MISSING = "it-nowhere"


def fleet(title: str, /, *nodes: Json, **other: object) -> Task:
    return task(title, FLEET, cloud=SYSTEM, nodes=list(nodes), **other)


def booted(node: Node, **chap: str) -> Json:
    target = {"volume_id": str(uuid4()), **a_lun(), **chap}
    return {"node": node.name, "storage_interface": "external", "iscsi_boot": True, "targets": [target]}


@dataclass(frozen=True)
class Seen:
    node: Node
    run: Run
    waited_for: list[bool]  # whether the line was there each time that Ironic waited for it
    password: str
    page: str


@pytest.fixture(scope="module")
def seen(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Seen:
    """A run that is read while it goes on. Of its two nodes one is missing.

    Once the deployment has begun, Ironic answers nothing before a line has told that a node is waited for.
    """
    node, password, page = lab.node(), f"chap-{secrets.token_hex(8)}", ansible.folder / "fleet.html"
    told, proxy = threading.Event(), new_proxy()
    waited_for: list[bool] = []

    def hold(request: Request) -> None:
        if request.method == "GET" and any(written.endswith("/states/provision") for written in proxy.writes):
            waited_for.append(told.wait(30))

    proxy.instead = hold
    asked = fleet("deploy", booted(node, chap_username="it", chap_password=password), {"node": MISSING}, report=str(page))
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [asked]}
    # Without it Python keeps what goes into a pipe back, whatever it is, until there is much of it.
    started = ansible.start(str(ansible.file("play.yml", [play])), environment={**proxy.environment, "PYTHONUNBUFFERED": "1"})
    lines = []
    assert started.process.stdout
    for line in started.process.stdout:
        lines.append(line)
        if " 1 waiting, " in line:
            told.set()
    run = Run(started.process.wait(), "".join(lines), "", started.records())
    return Seen(node, run, waited_for, password, page.read_text(encoding="utf-8"))


def test_lines_come_while_the_fleet_is_deployed(seen: Seen) -> None:
    assert seen.waited_for
    assert all(seen.waited_for)


def test_a_line_tells_why_a_node_failed(seen: Seen) -> None:
    assert f"\n{MISSING}: Failed to find node {MISSING}" in seen.run.stdout


def test_a_summary_tells_how_far_the_fleet_has_come(seen: Seen) -> None:
    counts = [tuple(map(int, one)) for one in SUMMARY.findall(seen.run.stdout)]
    assert counts[-1] == (1, 1, 0)
    assert counts == sorted(set(counts))


def test_lines_are_plain_and_hold_no_secret(seen: Seen) -> None:
    assert [letter for letter in seen.run.stdout if not letter.isprintable() and letter != "\n"] == []
    assert seen.password not in seen.run.stdout + seen.page


def test_the_report_is_written_after_a_failure(seen: Seen) -> None:
    assert seen.run["deploy"]["failed"]
    assert seen.page.startswith("<!DOCTYPE html>")
    assert [name for name in (seen.node.name, MISSING) if name not in seen.page] == []


@pytest.fixture(scope="module")
def quiet(seen: Seen, ansible: Ansible) -> Run:
    """Runs that are to say nothing on the way."""
    node, page = seen.node, str(ansible.folder / "never.html")
    undeploy = {"state": "undeployed"}
    return ansible.tasks(
        fleet("check mode", {"node": node.name}, check=True, report=str(ansible.folder / "foreseen.html"), **undeploy),
        fleet("censored", {"node": MISSING}, **undeploy) | {"no_log": True},
        fleet("own process", {"node": MISSING}, **undeploy) | {"vars": {"bfv_in_process": False}},
        fleet("async", {"node": node.name}, report=page, **undeploy) | {"async": 60, "poll": 0},
        fleet("no folder", {"node": node.name}, report="/nowhere/at/all.html", **undeploy),
        fleet("wrong options", {"node": node.name}, report=page, state="upgraded"),
        fleet("report of a process", {"node": MISSING}, report=str(ansible.folder / "process.html"), **undeploy)
        | {"vars": {"bfv_in_process": False}},
    )


@pytest.mark.parametrize("name", ["check mode", "censored", "own process"])
def test_where_nothing_can_be_told_nothing_is(quiet: Run, name: str) -> None:
    text = quiet.stdout.partition(f"TASK [{name}]")[2].partition("TASK [")[0]
    assert re.findall(r"^(?:it-\S+: |undeployed \d).*", text, re.MULTILINE) == []


def test_a_report_and_async_are_refused(quiet: Run, seen: Seen, lab: Lab) -> None:
    assert quiet["async"]["failed"]
    assert quiet["async"]["msg"].startswith("Give either report or async")
    assert lab.look(seen.node)["provision_state"] == "active"


def test_a_report_that_cannot_be_written_is_found_out_before_the_run(quiet: Run, seen: Seen, lab: Lab) -> None:
    assert quiet["no folder"]["failed"]
    assert "there is no folder /nowhere/at" in quiet["no folder"]["msg"]
    assert lab.look(seen.node)["provision_state"] == "active"


def test_no_report_is_written_where_there_is_nothing_to_report(quiet: Run, ansible: Ansible) -> None:
    assert quiet["wrong options"]["failed"]
    assert not (ansible.folder / "never.html").exists()


def test_a_report_tells_what_check_mode_foresees(quiet: Run, seen: Seen, ansible: Ansible) -> None:
    assert quiet["check mode"]["changed"]
    page = (ansible.folder / "foreseen.html").read_text(encoding="utf-8")
    assert seen.node.name in page
    assert "would be" in page


def test_a_report_is_written_wherever_the_module_runs(quiet: Run, ansible: Ansible) -> None:
    assert quiet["report of a process"]["failed"]
    assert MISSING in (ansible.folder / "process.html").read_text(encoding="utf-8")


def test_a_document_is_not_spoiled_by_lines(lab: Lab, ansible: Ansible) -> None:
    run = ansible.tasks(
        fleet("missing", {"node": MISSING}, state="undeployed"), arguments=[], environment={"ANSIBLE_STDOUT_CALLBACK": "document"}
    )
    assert json.loads(run.stdout) == {"hosts": ["localhost"]}
    assert run["missing"]["failed"]


def test_more_is_told_with_v(lab: Lab, ansible: Ansible) -> None:
    node = lab.node("verbose")
    run = ansible.tasks(fleet("prepare", booted(node), state="prepared"), arguments=["-v"])
    assert f"\n{node.name}: " in run.stdout
