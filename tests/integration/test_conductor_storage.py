# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role conductor_storage and a real Keystone: how it signs in, and what it says where that, or the conductor, is not as it should be.

The sandbox's Ironic is asked and never touched: its configuration is a copy, and the command for the restart does nothing.
The molecule scenario conductor_storage restarts real ones.
"""

from __future__ import annotations

import getpass
import grp
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from .lab import SYSTEM, Json
from .runs import Ansible, Run
from .test_bad_input import closed_port

pytestmark = pytest.mark.long

SANDBOX = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent
WRONG = "it-wrong-password"
FILE = "50-bfv-storage.conf"
ASK = "Say why the API cannot be asked"


@dataclass(frozen=True)
class Story:
    """A host for each case, and what is in its folders after a run of all."""

    run: Run = field(repr=False)
    folder: Path
    api: Json = field(repr=False)
    secrets: list[str] = field(repr=False)

    def message(self, host: str) -> str:
        """The last line of a host's failure."""
        failures = [record for record in self.run.records if record["host"] == host and record["result"]["failed"]]
        return str(failures[-1]["result"]["msg"])

    def left(self, host: str) -> list[str]:
        """The files of a host's configuration."""
        return sorted(str(path.relative_to(self.folder / host)) for path in (self.folder / host).rglob("*") if path.is_file())

    def restarts(self, host: str) -> int:
        """How often the conductor would have been restarted."""
        log = self.folder / f"{host}.log"
        return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


@pytest.fixture(scope="module")
def story(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("conductors")
    sandbox = json.loads((SANDBOX / "etc" / "sandbox.json").read_text(encoding="utf-8"))
    clouds = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))["clouds"]
    auth = clouds[SYSTEM]["auth"]
    url = sandbox["catalog"]["baremetal"]
    api = {"url": url, "auth_type": "password", **{name: auth[name] for name in ("auth_url", "username", "password")}}
    service = {"username": "service", "password": sandbox["passwords"]["service"], "project_name": "service"}

    def at(**changes: object) -> Json:
        return {"conductor_storage_api": {**api, **changes}}

    def drop_in(**changes: object) -> Json:
        return {"conductor_storage_target": "drop_in", **at(**changes)}

    missing = {"conductor_storage_interfaces": ["fake"]}
    hosts: dict[str, dict[str, Any]] = {
        "system-scope": at(),
        "other-spellings": at(url=f"{url}/v1/", auth_url=auth["auth_url"].removesuffix("/v3")),
        "project-scope": drop_in(**service),
        "wrong-password": drop_in(password=WRONG),
        "wrong-keystone": drop_in(auth_url=closed_port()),
        "wrong-address": drop_in(url=closed_port()),
        "no-user": {"conductor_storage_api": {"url": url, "auth_type": "password", "auth_url": auth["auth_url"]}},
        "not-offered": {**drop_in(), **missing},
        "not-offered-and-down": {**drop_in(), **missing},
        "interrupted": {**drop_in(url=closed_port()), "conductor_storage_timeout": 1},
        "a-string": {**drop_in(), "conductor_storage_interfaces": "cinder,external"},
        "a-string-of-digits": {**drop_in(), "conductor_storage_timeout": "30"},
    }
    for name, variables in hosts.items():
        place = folder / name
        (place / "ironic.conf.d").mkdir(parents=True)
        shutil.copy(SANDBOX / "etc" / "ironic.conf", place / "ironic.conf")
        variables["conductor_storage_config_files"] = [str(place / "ironic.conf")]
        variables["conductor_storage_config_dirs"] = [str(place / "ironic.conf.d")]
        log = folder / f"{name}.log"
        # Nothing but a line for each call. Where the roll-back is to fail, the second call does.
        then = f"[ $(wc -l <{log}) = 1 ]" if name == "not-offered-and-down" else "true"
        variables["conductor_storage_restart_command"] = ["sh", "-c", f"echo restarted >>{log}; {then}"]
    (folder / "interrupted" / "ironic.conf.d" / f"{FILE}.bfv-before").touch()
    everywhere = {
        "conductor_storage_target": "file",
        "conductor_storage_owner": getpass.getuser(),
        "conductor_storage_group": grp.getgrgid(os.getgid()).gr_name,
        "conductor_storage_python": [str(Path(sandbox["venv"]) / "bin" / "python")],
        "conductor_storage_log_command": ["true"],
        "conductor_storage_timeout": 60,
    }
    inventory = ansible.inventory(hosts, **everywhere)
    play = {"hosts": "all", "gather_facts": False, "strategy": "free", "roles": ["bfv.openstack.conductor_storage"]}
    run = ansible.playbook(str(ansible.file("play.yml", [play])), "-i", str(inventory), "--diff", "-vvv", "--forks", "2")
    return Story(run, folder, api, [WRONG, *sandbox["passwords"].values()])


@pytest.mark.parametrize("host", ["system-scope", "other-spellings"])
def test_a_conductor_that_has_it_all_is_verified_and_not_restarted(story: Story, host: str) -> None:
    assert story.run.recap[host]["failed"] == 0, story.message(host)
    assert story.run.recap[host]["changed"] == 0
    assert story.run.hosts("Say which interfaces the conductor does not offer")[host]["msg"] == "All assertions passed"
    assert story.restarts(host) == 0


def test_a_timeout_from_the_command_line_is_a_number(story: Story) -> None:
    assert story.run.recap["a-string-of-digits"]["failed"] == 0, story.message("a-string-of-digits")
    assert story.left("a-string-of-digits") == ["ironic.conf", f"ironic.conf.d/{FILE}"]
    assert story.restarts("a-string-of-digits") == 1


REFUSALS = {
    "project-scope": ("{url} does not list hardware types for user service of project service", "leave out project_name"),
    "wrong-password": ("Keystone at {auth_url} gives no token to user {username} with the system scope: HTTP Error 401",),
    "wrong-keystone": ("Keystone at http://127.0.0.1:", "Connection refused"),
    "wrong-address": ("the API at http://127.0.0.1:", "does not answer", "Connection refused"),
}


@pytest.mark.parametrize("host", REFUSALS)
def test_who_cannot_ask_the_api_is_told_so_in_one_line_before_anything_is_changed(story: Story, host: str) -> None:
    message = story.message(host)
    assert [words for one in REFUSALS[host] if (words := one.format(**story.api)) not in message] == []
    assert message.startswith("Failed to ask about the conductor, so nothing was changed: ")
    assert message.endswith("Check conductor_storage_api.")
    assert "\n" not in message
    assert message == story.run.hosts(ASK)[host]["msg"]
    assert story.run.recap[host]["changed"] == 0
    assert story.left(host) == ["ironic.conf"]
    assert story.restarts(host) == 0


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("no-user", "conductor_storage_api needs username, password for auth_type password."),
        ("a-string", "conductor_storage_interfaces has to be a list, such as [one, two]."),
    ],
)
def test_what_would_fail_after_the_restart_is_refused_at_once(story: Story, host: str, reason: str) -> None:
    (refused,) = (item for item in story.run.hosts("Refuse what would fail later")[host]["results"] if item["failed"])
    assert refused["msg"] == reason
    assert story.restarts(host) == 0


def test_interfaces_that_are_not_offered_are_rolled_back_without_a_trace(story: Story) -> None:
    message = story.message("not-offered")
    assert message.startswith("The conductor sandbox is alive, and none of its hardware types (fake-hardware) offers fake.")
    assert message.endswith(f"{FILE}, and it runs with that again.")
    assert story.left("not-offered") == ["ironic.conf"]
    assert story.restarts("not-offered") == 2


def test_what_failed_first_is_told_when_the_roll_back_fails_too(story: Story) -> None:
    message = story.message("not-offered-and-down")
    assert "offers fake." in message
    assert message.endswith("does not come up with it either: conductor_storage_restart_command failed: non-zero return code.")
    assert story.left("not-offered-and-down") == ["ironic.conf"]


def test_an_api_that_an_interrupted_run_may_have_left_down_is_no_obstacle(story: Story) -> None:
    assert story.message("interrupted").startswith(
        "The conductor sandbox did not come up within 1 s: the API at http://127.0.0.1:"
    )
    assert story.left("interrupted") == ["ironic.conf"]
    assert story.restarts("interrupted") == 2


def test_no_password_is_shown(story: Story) -> None:
    assert [number for number, line in enumerate(story.run.text.splitlines()) if any(one in line for one in story.secrets)] == []
    assert "******" in story.run.text or "censored" in story.run.text
