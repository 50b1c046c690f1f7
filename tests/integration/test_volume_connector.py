# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.volume_connector with Ironic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from .lab import SYSTEM, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run, Task, cli_task, task

MODULE = "bfv.openstack.volume_connector"


def connector(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, MODULE, check=check, proxy=proxy, cloud=SYSTEM, **options)


def iqn(node: Node) -> str:
    return f"iqn.2026-01.org.example:{node.name}"


@dataclass(frozen=True)
class Story:
    run: Run
    node: Node
    other: Node  # has its iqn connector from the start
    powered: Node  # available and powered on
    manageable: Node  # powered on as well
    checks: Proxy
    refusals: Proxy
    replaced: Proxy


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    node, other, powered, manageable = lab.nodes("node", "other", "powered", "manageable")
    for one in (other, powered, manageable):
        lab.connector(one, iqn(one))
    lab.provision(manageable, "manage", "manageable")
    lab.power(powered, "power on")
    lab.power(manageable, "power on")
    checks, refusals, replaced = new_proxy(), new_proxy(), new_proxy()
    # Not in Ironic's canonical form: any text is taken there.
    wwpn = f"50:01:43:80:{node.uuid[:2]}:{node.uuid[2:4]}:{node.uuid[4:6]}:{node.uuid[6:8]}"
    changed = {"node": node.uuid, "connector_id": iqn(node), "extra": {"owner": "storage", "row": 7}}
    shown = ("baremetal", "volume", "connector", "list", "--node", node.uuid, "--long")
    run = ansible.tasks(
        connector("check create", check=True, proxy=checks.url, node=node.name),
        connector("create", node=node.name),
        connector("create again", node=node.name),
        cli_task("after create", *shown, cloud=SYSTEM),
        connector("check change", check=True, proxy=checks.url, **changed),
        connector("change", **changed),
        connector("change again", **changed),
        connector("auto keeps it", node=node.name, extra={"owner": None}),
        connector("create wwpn", node=node.name, type="wwpn", connector_id=wwpn),
        connector("create wwpn again", node=node.name, type="wwpn", connector_id=wwpn.replace(":", "").upper()),
        cli_task("after change", *shown, cloud=SYSTEM),
        connector("check remove", check=True, proxy=checks.url, node=node.name, state="absent"),
        connector("remove", node=node.name, state="absent"),
        connector("remove again", node=node.name, state="absent"),
        connector("taken", proxy=refusals.url, node=node.name, connector_id=iqn(other)),
        connector("powered on", proxy=refusals.url, node=powered.name, connector_id=f"{iqn(powered)}-new"),
        connector("powered off for it", node=powered.name, connector_id=f"{iqn(powered)}-new", power_off=True),
        connector("change to taken", proxy=refusals.url, node=powered.name, connector_id=iqn(other)),
        connector("manageable", proxy=replaced.url, node=manageable.name, connector_id=f"{iqn(manageable)}-new"),
    )
    return Story(run, node, other, powered, manageable, checks, refusals, replaced)


def test_an_iqn_is_made_up_as_in_ironics_guide(story: Story) -> None:
    assert story.run["create"]["changed"]
    assert story.run["create"]["connector"]["connector_id"] == f"iqn.2017-08.org.openstack.{story.node.uuid}"


def test_a_second_run_changes_nothing_and_returns_the_same(story: Story) -> None:
    pairs = (
        ("create", "create again"),
        ("change", "change again"),
        ("create wwpn", "create wwpn again"),
        ("remove", "remove again"),
    )
    for first, second in pairs:
        assert story.run[first]["changed"]
        assert not story.run[second]["changed"]
        assert story.run[second].keys() == story.run[first].keys()
        assert story.run[second]["connector"] == story.run[first]["connector"]


def test_the_cli_shows_the_connector_that_was_made(story: Story) -> None:
    (shown,) = story.run.shown("after create")
    assert {name: shown[name] for name in story.run["create"]["connector"]} == story.run["create"]["connector"]


def test_a_node_has_one_iqn_connector_which_is_changed_in_place(story: Story) -> None:
    (shown,) = (one for one in story.run.shown("after change") if one["type"] == "iqn")
    assert shown["uuid"] == story.run["create"]["connector"]["uuid"]
    assert shown["connector_id"] == iqn(story.node)


def test_notes_are_merged_and_null_removes_one(story: Story) -> None:
    assert story.run["change"]["connector"]["extra"] == {"owner": "storage", "row": 7}
    assert story.run["auto keeps it"]["connector"]["extra"] == {"row": 7}
    assert story.run["auto keeps it"]["connector"]["connector_id"] == iqn(story.node)


def test_check_mode_tells_of_the_changes_and_shows_what_was(story: Story) -> None:
    assert story.run["check create"]["changed"]
    assert story.run["check create"]["connector"] is None
    assert story.run["check create"]["diff"]["after"]["connector_id"] == f"iqn.2017-08.org.openstack.{story.node.uuid}"
    assert story.run["check change"]["changed"]
    assert story.run["check change"]["connector"] == story.run["create"]["connector"]
    assert story.run["check remove"]["changed"]
    assert story.run["check remove"]["connector"] == story.run["auto keeps it"]["connector"]


def test_check_mode_makes_no_writing_request(story: Story) -> None:
    assert story.checks.writes == []
    assert story.checks.counts["GET baremetal /v1/volume/connectors"] >= 3


def test_removing_one_connector_leaves_the_others(story: Story, lab: Lab) -> None:
    assert [one["type"] for one in lab.connectors(story.node)] == ["wwpn"]


@pytest.mark.parametrize("case", ["taken", "change to taken"])
def test_a_taken_identifier_is_refused_with_the_node_that_has_it(story: Story, case: str) -> None:
    refused = story.run[case]
    assert refused["failed"]
    assert not refused["changed"]
    assert story.other.uuid in refused["msg"]
    assert iqn(story.other) in refused["msg"]


def test_a_powered_on_node_is_refused_with_the_remedy(story: Story) -> None:
    refused = story.run["powered on"]
    assert refused["failed"]
    assert "power on" in refused["msg"]
    assert "power_off=true" in refused["msg"]


def test_refusals_come_before_any_writing_request(story: Story) -> None:
    assert story.refusals.writes == []
    assert story.refusals.counts["GET baremetal /v1/volume/connectors"] >= 3


def test_power_off_permits_to_power_the_node_off(story: Story, lab: Lab) -> None:
    assert story.run["powered off for it"]["changed"]
    assert story.run["powered off for it"]["connector"]["connector_id"] == f"{iqn(story.powered)}-new"
    assert lab.look(story.powered)["power_state"] == "power off"


def test_in_manageable_a_connector_is_made_anew_and_the_power_stays_on(story: Story, lab: Lab) -> None:
    done = lab.release.changes_powered_on
    assert story.run["manageable"]["changed"] is done
    assert not done or [written.split()[0] for written in story.replaced.writes] == ["DELETE", "POST"]
    assert [one["connector_id"] for one in lab.connectors(story.manageable)] == [
        f"{iqn(story.manageable)}{'-new' if done else ''}"
    ]
    assert lab.look(story.manageable)["power_state"] == "power on"
