# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.server_fleet with Nova: many servers with their volumes in one call, and what that asks of the services."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from . import browser
from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, task

pytestmark = pytest.mark.full

FLAVOR = "bfv.small"
COUNT = 6  # more than are asked for one by one


def fleet(title: str, servers: list[Json], /, **options: object) -> Task:
    return task(title, "bfv.openstack.server_fleet", cloud=PROJECT, servers=servers, timeout=900, **options)


def entry(name: str, image: str, **options: object) -> Json:
    """A server on a volume that is cloned from a golden one."""
    root = {"name": f"{name}-root", "image": image, "via_golden": True}
    return {"name": name, "flavor": FLAVOR, "networks": NETWORK, "boot": {"volume": root["name"]}, "volumes": [root], **options}


@dataclass(frozen=True)
class Fleet:
    """Servers with one that is refused, in one playbook, and what was asked for in it."""

    names: list[str]
    refused: str
    run: Run
    first: Proxy
    second: Proxy
    pages: Path  # the folder of the reports

    def page(self, title: str) -> str:
        """The report of a task."""
        return unescape((self.pages / f"{title}.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    image, refused = lab.name("image"), lab.name("refused")
    lab.image(image, tmp_path_factory.mktemp("image"))
    names = [lab.name(f"fleet-{number}") for number in range(COUNT)]
    ones = [entry(name, image) for name in names]
    first, second = new_proxy(), new_proxy()
    pages = tmp_path_factory.mktemp("reports")
    run = ansible.tasks(
        fleet("check", ones, check=True, report=f"{pages}/check.html"),
        fleet("first", [*ones, entry(refused, image, flavor="none-such")], proxy=first.url, report=f"{pages}/first.html"),
        fleet("second", ones, proxy=second.url),
        fleet("report in no folder", ones, state="stopped", report=f"{pages}/nowhere/run.html"),
        fleet("report and async", ones, state="stopped", report=f"{pages}/async.html") | {"async": 60, "poll": 0},
        fleet("stopped", [{**one, "state": "stopped"} for one in ones], report=f"{pages}/stopped.html"),
        fleet("absent in check mode", ones, state="absent", check=True),
        fleet("absent", ones, state="absent"),
        fleet("absent again", ones, state="absent"),
    )
    return Fleet(names, refused, run, first, second, pages)


def of(story: Fleet, title: str) -> dict[str, Json]:
    """What became of each server in a task."""
    result: dict[str, Json] = story.run[title]["servers"]
    return result


def test_each_server_runs_from_its_own_volume(story: Fleet) -> None:
    for name in story.names:
        one = of(story, "first")[name]
        assert (one["msg"], one["changed"], one["server"]["status"]) == ("", True, "ACTIVE")
        assert one["volume"]["name"] == f"{name}-root"
        assert one["server"]["ports"]


def test_a_server_that_is_refused_stops_no_other(story: Fleet, lab: Lab) -> None:
    assert [name for name, one in of(story, "first").items() if one["failed"]] == [story.refused]
    assert "flavor none-such" in of(story, "first")[story.refused]["msg"]
    assert story.run["first"]["failed"]
    assert not lab.volumes(f"{story.refused}-root")


def test_the_image_is_converted_once_for_all(story: Fleet) -> None:
    posts = [one for one in story.first.requests if one.method == "POST" and one.path.endswith("/volumes")]
    made = [json.loads(one.body)["volume"] for one in posts]
    assert sum(bool(one.get("imageRef")) for one in made) == 1
    assert sum(bool(one.get("source_volid")) for one in made) == COUNT


def test_a_second_run_changes_nothing(story: Fleet) -> None:
    assert story.second.writes == []
    assert not story.run["second"]["changed"]
    for name in story.names:
        first, second = of(story, "first")[name], of(story, "second")[name]
        assert list(first) == list(second)
        assert {key: second[key] for key in ("server", "volume", "volumes")} == {
            key: first[key] for key in ("server", "volume", "volumes")
        }


def test_a_second_run_asks_a_constant_number_of_requests(story: Fleet) -> None:
    asked = [str(one) for one in story.second.requests if one.service in ("compute", "block-storage", "image", "network")]
    of_names = [one for one in story.second.requests if any(name in f"{one.path}?{one.query}" for name in story.names)]
    assert of_names == []
    assert len(asked) <= 14, asked  # versions and extensions that the SDK looks up included


def test_check_mode_foresees_the_run(story: Fleet) -> None:
    for name in story.names:
        assert sorted(of(story, "check")[name]["actions"])[-1:] == sorted(of(story, "first")[name]["actions"])[-1:]
    foreseen = {name: one["actions"] for name, one in of(story, "absent in check mode").items()}
    assert foreseen == {name: one["actions"] for name, one in of(story, "absent").items()}


def test_a_state_of_their_own_counts(story: Fleet) -> None:
    assert {one["server"]["status"] for one in of(story, "stopped").values()} == {"SHUTOFF"}


def test_removed_servers_leave_their_volumes(story: Fleet, lab: Lab) -> None:
    assert [one["server"] for one in of(story, "absent").values()] == [None] * COUNT
    assert not story.run["absent again"]["changed"]
    assert [lab.volumes(f"{name}-root")[0]["status"] for name in story.names] == ["available"] * COUNT


def test_lines_tell_what_happens(story: Fleet) -> None:
    assert f"present {COUNT}/{COUNT + 1}, 1 failed, 0 waiting" in story.run.stdout


def test_the_report_tells_what_each_server_boots_from(story: Fleet) -> None:
    page = story.page("first")
    assert f"<h1>{COUNT} of {COUNT + 1} servers are present, 1 failed</h1>" in page
    assert f'<p class="reason">{of(story, "first")[story.refused]["msg"]}</p>' in page
    for name in story.names:
        one = of(story, "first")[name]
        told = (name, one["server"]["id"], f"{name}-root", one["volume"]["id"], *one["server"]["addresses"])
        assert [text for text in told if text not in page] == []
    assert browser.complaints(story.pages / "first.html") == []


def test_the_report_of_check_mode_tells_what_would_be_done(story: Fleet) -> None:
    page = story.page("check")
    assert f"<h1>Of {COUNT} servers {COUNT} would be changed</h1>" in page
    assert [name for name in story.names if f"create server {name} from volume {name}-root" not in page] == []


def test_the_report_has_the_state_that_each_server_was_wanted_in(story: Fleet) -> None:
    assert f"<h1>All {COUNT} servers are stopped</h1>" in story.page("stopped")


@pytest.mark.parametrize(
    ("title", "why"),
    [("report in no folder", "Failed to write the report "), ("report and async", "Give either report or async")],
)
def test_a_report_that_cannot_be_written_stops_the_run_before_it_begins(story: Fleet, title: str, why: str) -> None:
    assert story.run[title]["msg"].startswith(why)
    assert {one["changed"] for one in of(story, "stopped").values()} == {True}


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_servers_fits_the_screen_and_can_be_read(story: Fleet, width: int) -> None:
    look = browser.look(story.pages / "first.html", width, dark=False)
    assert look.loaded == []
    assert look.wider <= 0
    assert look.contrast >= 4.5
    assert (look.rows, look.failed) == (COUNT + 1, 1)


def test_the_role_writes_it_too(story: Fleet, lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    names = [lab.name(f"role-{number}") for number in range(2)]
    hosts = {name: {"ansible_connection": "local"} for name in names}
    variables = {
        "server_deploy_cloud": PROJECT,
        "server_deploy_report": str(tmp_path / "role.html"),
        "server_deploy_options": {"flavor": FLAVOR, "networks": NETWORK, "boot": {"image": IMAGE, "size": 1}},
    }
    inventory = ansible.file("inventory.json", {"servers": {"hosts": hosts, "vars": variables}})
    run = ansible.playbook("bfv.openstack.server", "-i", str(inventory), "--check")
    assert run.code == 0, run.text
    assert "<h1>Of 2 servers 2 would be changed</h1>" in (tmp_path / "role.html").read_text(encoding="utf-8")
