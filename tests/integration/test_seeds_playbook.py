# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbook bfv.openstack.server: the servers of an inventory, and the inventories to start from."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import SERVER, VOLUME

from .lab import IMAGE, PROJECT, Json, Lab
from .runs import BIN, Ansible, Run

pytestmark = pytest.mark.full

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "inventory" / "examples"
PLAYBOOK = "bfv.openstack.server"
BRING = "Bring the server where it should be"


def variables() -> Json:
    (block,) = yaml.safe_load((REPOSITORY / "playbooks" / "tasks" / "server.yml").read_text(encoding="utf-8"))
    return block["vars"]


def test_the_playbook_knows_the_options_of_the_modules() -> None:
    # Found by name, servers and volumes have no id in an inventory.
    assert set(variables()["bfv_server_known"]) == set(SERVER) - {"id"} | {"wait", "timeout"}
    assert set(variables()["bfv_server_volume_known"]) == set(VOLUME) - {"id"} | {"via_golden", "prune_golden", "timeout"}


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_has_only_variables_that_are_known(folder: str) -> None:
    listed = subprocess.run([BIN / "ansible-inventory", "-i", EXAMPLES / folder, "--list"], capture_output=True, check=True)
    inventory = json.loads(listed.stdout)
    hosts = inventory["_meta"]["hostvars"]
    role = yaml.safe_load((REPOSITORY / "roles" / "baremetal_deploy" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    known = {
        *role["argument_specs"]["main"]["options"],
        "bfv_server",
        "bfv_server_defaults",
        "bfv_server_volumes",
        "bfv_server_cloud",
    }
    for name, of_host in hosts.items():
        assert {key for key in of_host if not key.startswith("array_")} <= known, name
        options = {**of_host.get("bfv_server_defaults", {}), **of_host.get("bfv_server", {})}
        assert set(options) <= set(variables()["bfv_server_known"]), name
        for volume in of_host.get("bfv_server_volumes", []):
            assert set(volume) <= set(variables()["bfv_server_volume_known"]), name
    assert hosts


@dataclass(frozen=True)
class Story:
    """Two servers from one inventory, and one whose variables have a slip."""

    image: str
    volume: str
    slip: str
    check: Run
    first: Run
    second: Run
    stopped: Run
    removed: Run


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible) -> Story:
    if not lab.has_servers:
        pytest.fail("The sandbox has no Nova: make sandbox PROFILE=full")
    image, volume, slip = (lab.name(what) for what in ("image", "volume", "slip"))
    inventory = {
        "servers": {
            "vars": {
                "bfv_server_cloud": PROJECT,
                "bfv_server_defaults": {"flavor": "bfv.small", "networks": "none", "boot": {"image": IMAGE}},
            },
            "hosts": {
                image: {},
                volume: {
                    "bfv_server_volumes": [{"name": f"{volume}-root", "image": IMAGE}, {"name": f"{volume}-more", "size": 1}],
                    "bfv_server": {
                        "boot": {"volume": f"{volume}-root"},
                        "block_devices": [{"source_type": "volume", "uuid": f"{volume}-more"}],
                    },
                },
                slip: {"bfv_server": {"security_group": "closed"}},
            },
        }
    }
    arguments = ("-i", str(ansible.file("servers.json", inventory)))
    check = ansible.playbook(PLAYBOOK, *arguments, "--check")
    seen = lab.servers(image)
    first = ansible.playbook(PLAYBOOK, *arguments)
    assert not seen
    return Story(
        image,
        volume,
        slip,
        check,
        first,
        second=ansible.playbook(PLAYBOOK, *arguments),
        stopped=ansible.playbook(PLAYBOOK, *arguments, "--limit", image, "-e", "bfv_server_state=stopped"),
        removed=ansible.playbook(PLAYBOOK, *arguments, "--limit", f"{image},{volume}", "-e", "bfv_server_state=absent"),
    )


def test_servers_of_an_inventory_boot_from_their_volumes(story: Story) -> None:
    image, volume = (story.first.hosts(BRING)[name] for name in (story.image, story.volume))
    assert (image["server"]["status"], image["volume"]["name"]) == ("ACTIVE", f"{story.image}-boot")
    assert (volume["server"]["status"], volume["volume"]["name"]) == ("ACTIVE", f"{story.volume}-root")
    assert len(volume["server"]["volumes"]) == 2


def test_a_second_run_of_the_playbook_changes_nothing(story: Story) -> None:
    recap = story.second.recap
    assert [recap[name]["changed"] for name in (story.image, story.volume)] == [0, 0]
    assert [recap[name]["failed"] for name in (story.image, story.volume)] == [0, 0]


def test_a_misspelt_option_fails_its_own_host(story: Story) -> None:
    recap = story.first.recap
    assert [recap[name]["failed"] for name in (story.image, story.volume, story.slip)] == [0, 0, 1]
    assert "security_group" in story.first.hosts("Check the names of the options")[story.slip]["msg"]


def test_the_state_of_the_command_line_counts(story: Story, lab: Lab) -> None:
    assert story.stopped[BRING]["server"]["status"] == "SHUTOFF"
    assert [one["server"] for one in story.removed.hosts(BRING).values()] == [None, None]
    # The volumes are kept.
    kept = [f"{story.image}-boot", f"{story.volume}-root", f"{story.volume}-more"]
    assert [lab.volumes(name)[0]["status"] for name in kept] == ["available"] * 3


def test_check_mode_tells_what_the_playbook_would_do(story: Story) -> None:
    assert story.check.hosts(BRING)[story.image]["changed"]
    recap = story.check.recap[story.volume]
    assert (recap["changed"], recap["failed"], recap["skipped"]) == (1, 0, 1)  # its volumes, without which no server is planned
