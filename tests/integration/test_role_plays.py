# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role as people write plays with it: --limit, serial, tags, --check --diff, and runs that stop early."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from .lab import Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, Run

pytestmark = pytest.mark.extra

SITE = "bfv.openstack.site"
ROLE = "bfv.openstack.baremetal_deploy"
TASK = "Bring the node where it should be"
NOWHERE = "it-no-such-node"


def hosts(nodes: list[Node]) -> dict[str, Json]:
    return {node.name: of_array() for node in nodes}


def of_array() -> Json:
    return {
        "baremetal_deploy_storage_interface": "external",
        "baremetal_deploy_targets": [{"volume_id": str(uuid4()), **a_lun()}],
    }


def play(**more: object) -> list[Json]:
    """A play of one's own. Its last task runs on each host that has not failed."""
    after = {
        "name": "Go on",
        "ansible.builtin.debug": {"msg": "{{ baremetal_deploy_result.node.provision_state | default('nothing') }}"},
    }
    return [
        {
            "hosts": "baremetal",
            "gather_facts": False,
            "roles": [{"role": ROLE, "tags": ["machines"]}],
            "post_tasks": [after],
            **more,
        }
    ]


def states(lab: Lab, nodes: list[Node]) -> list[str]:
    return [lab.look(node)["provision_state"] for node in nodes]


def calls(run: Run) -> int:
    """How often the module ran: once for each batch."""
    return len(re.findall(r"^deployed \d+/\d+, \d+ failed, 0 waiting", run.stdout, re.MULTILINE))


# A part of the inventory


def test_limit_leaves_all_others_alone(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    nodes = lab.nodes("limit-a", "limit-b", "limit-c")
    inventory = str(ansible.inventory(hosts(nodes)))
    run = ansible.playbook(SITE, "-i", inventory, "--limit", f"{nodes[0].name},{nodes[2].name}", environment=proxy.environment)
    assert run.code == 0, run.text
    assert run.recap.keys() == {nodes[0].name, nodes[2].name}
    assert states(lab, nodes) == ["active", "available", "active"]
    assert not [one for one in proxy.requests if nodes[1].uuid in one.path or nodes[1].uuid.encode() in one.body]


def test_tags_choose_the_role_or_leave_it_out(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> None:
    (node,) = lab.nodes("tags")
    inventory, book = str(ansible.inventory(hosts([node]))), str(ansible.file("tags.yml", play()))
    for arguments in (("--skip-tags", "machines"), ("--tags", "something-else")):
        skipping = new_proxy()
        run = ansible.playbook(book, "-i", inventory, *arguments, environment=skipping.environment)
        assert (run.code, calls(run), skipping.requests) == (0, 0, []), run.text
    run = ansible.playbook(book, "-i", inventory, "--tags", "machines")
    assert (run.code, calls(run), states(lab, [node])) == (0, 1, ["active"]), run.text


# Batches


@dataclass(frozen=True)
class Serial:
    """Twelve nodes and one that is not there, five at a time."""

    nodes: list[Node]
    run: Run
    again: Run
    asked: Proxy
    states: list[str]


@pytest.fixture(scope="module")
def serial(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Serial:
    nodes = lab.nodes(*(f"serial-{number:02}" for number in range(12)))
    wanted = {nodes[0].name: of_array(), NOWHERE: of_array(), **hosts(nodes[1:])}
    inventory, book = str(ansible.inventory(wanted)), str(ansible.file("serial.yml", play(serial=5)))
    run, asked = ansible.playbook(book, "-i", inventory), new_proxy()
    again = ansible.playbook(book, "-i", inventory, environment=asked.environment)
    return Serial(nodes, run, again, asked, states(lab, nodes))


def test_each_batch_is_one_call(serial: Serial) -> None:
    assert (calls(serial.run), calls(serial.again)) == (3, 3)
    assert [serial.run.stdout.count(f"deployed {counts}") for counts in ("4/5, 1 failed", "5/5, 0 failed", "3/3, 0 failed")] == [
        1,
        1,
        1,
    ]


def test_a_failed_host_of_a_batch_stops_no_other_and_no_further_batch(serial: Serial) -> None:
    assert serial.run.code == 2
    assert {host for host, counts in serial.run.recap.items() if counts["failed"]} == {NOWHERE}
    assert serial.states == ["active"] * 12
    assert set(serial.run.hosts("Go on")) == {node.name for node in serial.nodes}


def test_a_second_run_of_all_batches_changes_nothing(serial: Serial) -> None:
    assert serial.asked.writes == []
    assert {counts["changed"] for counts in serial.again.recap.values()} == {0}


def test_max_fail_percentage_ends_the_play_after_the_batch(lab: Lab, ansible: Ansible) -> None:
    nodes = lab.nodes("percent-a", "percent-b", "percent-c")
    wanted = {nodes[0].name: of_array(), NOWHERE: of_array(), **hosts(nodes[1:])}
    book = str(ansible.file("percent.yml", play(serial=2, max_fail_percentage=10)))
    run = ansible.playbook(book, "-i", str(ansible.inventory(wanted)))
    assert run.code != 0
    assert calls(run) == 1
    assert states(lab, nodes) == ["active", "available", "available"]


# Stopping early


def test_a_run_that_stops_early_begins_nothing_more_and_the_next_one_finishes(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]
) -> None:
    nodes = lab.nodes("stop-a", "stop-b", "stop-c")
    wanted = {**hosts(nodes), NOWHERE: of_array()}
    stopping = new_proxy()
    inventory = str(ansible.inventory(wanted, baremetal_deploy_fail_after="25%"))
    run = ansible.playbook(SITE, "-i", inventory, environment=stopping.environment)
    assert run.code == 2
    assert stopping.writes == []
    told = run.hosts(TASK)
    assert "Failed to find node" in told[NOWHERE]["msg"]
    for node in nodes:
        assert f"Failed to go on with node {node.name}" in told[node.name]["msg"]
        assert "fail_after ends the run then" in told[node.name]["msg"]
    del wanted[NOWHERE]
    again = ansible.playbook(SITE, "-i", str(ansible.inventory(wanted, baremetal_deploy_fail_after=1)))
    assert again.code == 0, again.text
    assert states(lab, nodes) == ["active"] * 3


def test_a_limit_that_cannot_be_read_is_told_by_every_host(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    (node,) = lab.nodes("unreadable")
    run = ansible.playbook(
        SITE, "-i", str(ansible.inventory(hosts([node]), baremetal_deploy_fail_after="some")), environment=proxy.environment
    )
    assert run.code == 2
    assert 'Failed to read fail_after: "some" is neither a number of nodes nor a percentage' in run.text
    assert "Traceback" not in run.text
    assert proxy.writes == []


# What would be done


def test_check_and_diff_show_each_node_and_change_none(lab: Lab, ansible: Ansible, proxy: Proxy, tmp_path: Path) -> None:
    nodes = lab.nodes("check-a", "check-b")
    report = tmp_path / "report.html"
    inventory = str(ansible.inventory(hosts(nodes), baremetal_deploy_report=str(report)))
    run = ansible.playbook(SITE, "-i", inventory, "--check", "--diff", environment=proxy.environment)
    assert run.code == 0, run.text
    assert proxy.writes == []
    assert states(lab, nodes) == ["available"] * 2
    assert report.exists()
    for node in nodes:
        assert f"+++ after: node {node.name}" in run.stdout
        assert run.recap[node.name]["changed"] >= 1
        assert run.hosts(TASK)[node.name]["actions"][-1] == f"deploy node {node.name}"
