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
from ansible_collections.bfv.openstack.plugins.modules.server_fleet import OPTIONS

from .lab import IMAGE, PROJECT, Json, Lab
from .runs import BIN, Ansible, Run

pytestmark = pytest.mark.full

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "inventory" / "examples"
PLAYBOOK = "bfv.openstack.server"
TASK = "Bring the server where it should be"


def options_of(role: str) -> Json:
    """What a role takes, by the names of its variables."""
    spec = yaml.safe_load((REPOSITORY / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return spec["argument_specs"]["main"]["options"]


def shape(options: Json) -> Json:
    """The options as far as both sides must agree. What is set by default, and what is shown, each says for itself."""
    return {
        name: {
            key: shape(value) if key == "options" else value
            for key, value in one.items()
            if key in ("type", "elements", "choices", "options")
        }
        for name, one in options.items()
    }


def test_the_role_knows_the_options_of_the_module() -> None:
    # Found by name, servers and volumes have no id in an inventory.
    of_module, of_role = shape(OPTIONS["servers"]["options"]), shape(options_of("server_deploy"))
    volumes = of_module.pop("volumes")["options"]
    for of_one in (of_module, volumes):
        del of_one["id"]
    assert of_role["server_deploy_options"]["options"] == of_role["server_deploy_defaults"]["options"] == of_module
    assert of_role["server_deploy_volumes"]["options"] == volumes


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_has_only_variables_that_are_known(folder: str) -> None:
    listed = subprocess.run([BIN / "ansible-inventory", "-i", EXAMPLES / folder, "--list"], capture_output=True, check=True)
    inventory = json.loads(listed.stdout)
    hosts = inventory["_meta"]["hostvars"]
    of_servers = options_of("server_deploy")
    known = {*options_of("baremetal_deploy"), *of_servers}
    for name, of_host in hosts.items():
        assert {key for key in of_host if not key.startswith("array_")} <= known, name
        options = {**of_host.get("server_deploy_defaults", {}), **of_host.get("server_deploy_options", {})}
        assert set(options) <= set(of_servers["server_deploy_options"]["options"]), name
        for volume in of_host.get("server_deploy_volumes", []):
            assert set(volume) <= set(of_servers["server_deploy_volumes"]["options"]), name
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
                "server_deploy_cloud": PROJECT,
                "server_deploy_defaults": {"flavor": "bfv.small", "networks": "none", "boot": {"image": IMAGE}},
            },
            "hosts": {
                image: {},
                volume: {
                    "server_deploy_volumes": [{"name": f"{volume}-root", "image": IMAGE}, {"name": f"{volume}-more", "size": 1}],
                    "server_deploy_options": {
                        "boot": {"volume": f"{volume}-root"},
                        "block_devices": [{"source_type": "volume", "uuid": f"{volume}-more"}],
                    },
                },
                slip: {"server_deploy_options": {"security_group": "closed"}},
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
        stopped=ansible.playbook(PLAYBOOK, *arguments, "--limit", image, "-e", "server_deploy_state=stopped"),
        removed=ansible.playbook(PLAYBOOK, *arguments, "--limit", f"{image},{volume}", "-e", "server_deploy_state=absent"),
    )


def of(run: Run, name: str) -> Json:
    """What the role handed to a host."""
    return run.hosts(TASK)[name]


def reason(run: Run, name: str) -> str:
    """Why a host failed."""
    return " ".join(str(one["result"]["msg"]) for one in run.records if one["host"] == name and one["result"].get("failed"))


def test_servers_of_an_inventory_boot_from_their_volumes(story: Story) -> None:
    image, volume = (of(story.first, name) for name in (story.image, story.volume))
    assert (image["server"]["status"], image["volume"]["name"]) == ("ACTIVE", f"{story.image}-boot")
    assert (volume["server"]["status"], volume["volume"]["name"]) == ("ACTIVE", f"{story.volume}-root")
    assert len(volume["server"]["volumes"]) == 2


def test_a_second_run_of_the_playbook_changes_nothing(story: Story) -> None:
    recap = story.second.recap
    assert [recap[name]["changed"] for name in (story.image, story.volume)] == [0, 0]
    assert [recap[name]["failed"] for name in (story.image, story.volume)] == [0, 0]


def test_a_host_is_one_task(story: Story) -> None:
    ran = [(one["host"], one["task"].rpartition(" : ")[2]) for one in story.second.records]
    assert sorted(ran) == sorted((name, TASK) for name in (story.image, story.volume, story.slip))


def test_a_misspelt_option_fails_its_own_host(story: Story) -> None:
    recap = story.first.recap
    assert [recap[name]["failed"] for name in (story.image, story.volume, story.slip)] == [0, 0, 1]
    assert "security_group" in reason(story.first, story.slip)


def test_each_host_counts_its_own_change(story: Story) -> None:
    assert [story.first.recap[name]["changed"] for name in (story.image, story.volume)] == [1, 1]


def test_the_state_of_the_command_line_counts(story: Story, lab: Lab) -> None:
    assert of(story.stopped, story.image)["server"]["status"] == "SHUTOFF"
    assert [of(story.removed, name)["server"] for name in (story.image, story.volume)] == [None, None]
    # The volumes are kept.
    kept = [f"{story.image}-boot", f"{story.volume}-root", f"{story.volume}-more"]
    assert [lab.volumes(name)[0]["status"] for name in kept] == ["available"] * 3


def test_check_mode_tells_what_the_playbook_does(story: Story) -> None:
    for name in (story.image, story.volume):
        assert sorted(of(story.check, name)["actions"]) == sorted(of(story.first, name)["actions"])


def test_a_variable_by_its_old_name_is_refused(ansible: Ansible) -> None:
    inventory = {"servers": {"hosts": {"web-1": {"bfv_server": {"flavor": "bfv.small"}, "bfv_server_cloud": PROJECT}}}}
    run = ansible.playbook(PLAYBOOK, "-i", str(ansible.file("old.json", inventory)))
    assert run.recap["web-1"]["failed"] == 1
    assert "bfv_server, bfv_server_cloud are of release 0.1.0" in reason(run, "web-1")
