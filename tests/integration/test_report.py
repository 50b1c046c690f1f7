# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run on real services, opened in a real browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from . import browser
from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .runs import Ansible, Run, Task, task

PASSWORD = "it-report-chap-password"
HOSTILE = """"><script>alert(1)</script><img src=http://192.0.2.1/x onerror=alert(1)>"""


def fleet(title: str, nodes: list[Json], report: Path | str, **options: object) -> Task:
    where = {"cloud": SYSTEM, "volume_cloud": PROJECT, "report": str(report)}
    return task(title, "bfv.openstack.baremetal_fleet", nodes=nodes, **{**where, **options})


@dataclass(frozen=True)
class Story:
    """One run: a node from Cinder, one from an array with CHAP, one that Ironic fails to deploy, and one that is refused."""

    run: Run
    nodes: dict[str, Node]
    volume: Json
    page: Path

    @property
    def text(self) -> str:
        return self.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible) -> Story:
    whats = ("cinder", "array", "fails", "refused")
    nodes = dict(zip(whats, lab.nodes(*whats), strict=True))
    root = f"{nodes['cinder'].name}-{HOSTILE}"
    chap = {"chap_username": "it-report", "chap_password": PASSWORD}
    entries = [
        {
            "node": nodes["cinder"].name,
            "storage_interface": "cinder",
            "iscsi_boot": True,
            "volumes": [{"name": root, "image": IMAGE}],
        },
        {
            "node": nodes["array"].name,
            "storage_interface": "external",
            "iscsi_boot": True,
            "targets": [{"volume_id": str(uuid4()), **a_lun(), **chap}],
        },
        {
            "node": nodes["fails"].name,
            "storage_interface": "cinder",
            "iscsi_boot": True,
            "connectors": [],  # Cinder learns of no initiator, and Ironic fails to attach the volume
            "volumes": [{"name": f"{nodes['fails'].name}-root", "size": 1, "bootable": True}],
        },
        {
            "node": nodes["refused"].name,
            "storage_interface": "cinder",
            "volumes": [{"name": nodes["refused"].name, "image": "it-none"}],
        },
    ]
    page = ansible.folder / "reports" / "run.html"
    page.parent.mkdir()
    run = ansible.tasks(fleet("Deploy", entries, page, validate=False), arguments=("--diff", "-vvv"))
    (volume,) = lab.volumes(root)
    return Story(run, nodes, volume, page)


def test_the_run_and_its_report_tell_the_same(story: Story) -> None:
    result = story.run["Deploy"]
    failed = {name for name, one in result["nodes"].items() if one["failed"]}
    assert failed == {story.nodes["fails"].name, story.nodes["refused"].name}
    assert "<h1>2 of 4 nodes are deployed, 2 failed</h1>" in story.text


def test_the_reasons_are_told_in_full(story: Story) -> None:
    reasons = [one["msg"] for one in story.run["Deploy"]["nodes"].values() if one["failed"]]
    assert len(reasons) == 2
    told = browser.html.unescape(story.text)
    assert [reason for reason in reasons if f'<p class="reason">{reason}</p>' not in told] == []


def test_what_ironic_boots_from_is_on_the_page(story: Story, lab: Lab) -> None:
    for what in ("cinder", "array"):
        (target,) = lab.targets(story.nodes[what])
        properties = target["properties"]
        expected = (
            target["volume_id"],
            properties["target_iqn"],
            f"{properties['target_portal']}, LUN {properties['target_lun']}",
        )
        assert [one for one in expected if one not in story.text] == []
    assert story.volume["id"] in story.text


def test_the_bars_tell_the_time_of_each_phase(story: Story) -> None:
    told = re.findall(r'<svg role="img" aria-label="([^"]*)"', story.text)
    setting_up = r"storage interface, connectors, targets [\d.]+ s; deployment [\d.]+ s"
    of_cinder = [one for one in told if re.match(rf"volumes [\d.]+ s; {setting_up}", one)]
    of_array = [one for one in told if re.match(setting_up, one)]
    # The node that was refused took no time.
    assert (len(told), len(of_cinder), len(of_array)) == (3, 2, 1)
    assert [one.endswith("; failed") for one in of_cinder].count(True) == 1


def test_no_secret_is_on_the_page(story: Story) -> None:
    assert PASSWORD not in story.text
    assert PASSWORD not in story.run.text
    assert "auth_password" not in story.text


def test_a_name_from_the_cloud_is_text(story: Story) -> None:
    assert "<script" not in story.text
    assert "<img" not in story.text


def test_the_browser_has_nothing_to_complain_of(story: Story) -> None:
    assert browser.complaints(story.page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_loads_nothing_fits_the_screen_and_can_be_read(story: Story, width: int, dark: bool) -> None:
    look = browser.look(story.page, width, dark)
    assert look.loaded == []
    assert look.wider <= 0
    assert look.contrast >= 4.5
    assert look.dark == dark
    assert (look.rows, look.failed) == (4, 2)


def test_a_run_that_changes_nothing_replaces_the_report(story: Story, ansible: Ansible) -> None:
    page = story.page.with_name("again.html")
    page.write_text("the one before", encoding="utf-8")
    nodes = [{"node": story.nodes[what].name} for what in ("cinder", "array")]
    run = ansible.tasks(fleet("Again", nodes, page))
    assert not run["Again"]["changed"]
    assert "All 2 nodes are deployed" in page.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_stops_the_run_before_it_begins(story: Story, lab: Lab, ansible: Ansible) -> None:
    node = lab.node("untouched")
    entry = {"node": node.name, "storage_interface": "external", "targets": [{"volume_id": str(uuid4()), **a_lun()}]}
    run = ansible.tasks(fleet("Nowhere", [entry], story.page.parent / "nowhere" / "run.html"))
    assert run["Nowhere"]["failed"]
    assert run["Nowhere"]["msg"].startswith("Failed to write the report ")
    assert lab.look(node)["storage_interface"] == "noop"


def test_a_report_of_check_mode_says_what_would_be_done(story: Story, lab: Lab, ansible: Ansible) -> None:
    page = story.page.with_name("check.html")
    node = lab.node("to-come")
    entry = {
        "node": node.name,
        "storage_interface": "external",
        "iscsi_boot": True,
        "targets": [{"volume_id": str(uuid4()), **a_lun()}],
    }
    run = ansible.tasks(fleet("Check", [{"node": story.nodes["cinder"].name}, entry], page), arguments=("--check",))
    assert not run["Check"]["failed"]
    told = page.read_text(encoding="utf-8")
    assert "<h1>Of 2 nodes 1 would be changed</h1>" in told
    assert f"deploy node {node.name}" in told
    assert browser.complaints(page) == []
    assert lab.look(node)["provision_state"] == "available"
