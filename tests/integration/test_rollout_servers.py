# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.rollout for servers: each gets a new disk and keeps its addresses; what is not well goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .lab import IMAGE, NETWORK, Json, Lab
from .proxy import Proxy
from .runs import Ansible, Run

ROLLOUT = "bfv.openstack.rollout"
SERVER = "bfv.openstack.server"

pytestmark = [pytest.mark.full, pytest.mark.extra]


@dataclass
class Shop:
    """Two servers, and what each run left of them."""

    runs: dict[str, Run] = field(default_factory=dict)
    seen: dict[str, dict[str, tuple[str, str, str]]] = field(default_factory=dict)  # boot volume, address, status
    written: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def shop(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop, image = Shop(), lab.name("next")
    lab.image(image, tmp_path_factory.mktemp("image"))
    names = {f"shop-{number}": lab.name(f"shop-{number}") for number in (1, 2)}
    hosts: dict[str, Json] = {
        host: {
            "server_deploy_options": {
                "name": name,
                "flavor": "bfv.small",
                "networks": NETWORK,
                "boot": {"volume": f"{name}-root"},
                "replace_may_lose": ["user_data"],
            },
            "server_deploy_volumes": [{"name": f"{name}-root", "image": IMAGE}],
            "rollout_image": image,
            # Nobody listens at the second one's.
            "rollout_gate": {"host": "127.0.0.1", "port": 9, "timeout": 5} if host == "shop-2" else {},
        }
        for host, name in names.items()
    }
    inventory = _inventory(ansible, hosts)

    def look(name: str) -> tuple[str, str, str]:
        (server,) = lab.servers(name)
        volumes = lab.nova.list(f"/servers/{server['id']}/os-volume_attachments", "volumeAttachments")
        ports = lab.neutron.list("/ports", "ports", device_id=server["id"])
        status = lab.nova("GET", f"/servers/{server['id']}")["server"]["status"]
        return volumes[0]["volumeId"], ports[0]["fixed_ips"][0]["ip_address"], status

    def run(what: str, playbook: str, *arguments: str) -> None:
        proxy = new_proxy()
        shop.runs[what] = ansible.playbook(playbook, "-i", str(inventory), *arguments, environment=proxy.environment)
        shop.written[what] = proxy.writes
        shop.seen[what] = {host: look(name) for host, name in names.items()}

    waves = ("-e", '{"rollout_waves": [1]}')
    run("boot", SERVER)
    run(
        "lossy",
        ROLLOUT,
        *waves,
        "-e",
        json.dumps({"server_deploy_options": {"name": names["shop-1"]}}),
    )
    run("check", ROLLOUT, *waves, "--check")
    run("the second is ill", ROLLOUT, *waves)
    run("resume", ROLLOUT, *waves, "-e", '{"rollout_gate": {}}')
    run("again", ROLLOUT, *waves)
    run("boot again", SERVER)
    return shop


def _inventory(ansible: Ansible, hosts: dict[str, Json]) -> Path:
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return ansible.file("servers.json", {"servers": {"hosts": hosts, "vars": {**here, "server_deploy_cloud": "sandbox"}}})


def test_the_runs_end_as_they_should(shop: Shop) -> None:
    codes = {what: run.code for what, run in shop.runs.items()}
    expected = {"boot": 0, "lossy": 2, "check": 0, "the second is ill": 2, "resume": 0, "again": 0, "boot again": 0}
    assert codes == expected, "\n".join(run.text for run in shop.runs.values())


def test_the_one_that_is_not_well_goes_back(shop: Shop) -> None:
    before, after = shop.seen["boot"], shop.seen["the second is ill"]
    assert before["shop-1"][0] != after["shop-1"][0]
    assert before["shop-2"] == after["shop-2"]


def test_all_have_new_disks_and_their_old_addresses(shop: Shop) -> None:
    for host, (volume, address, status) in shop.seen["resume"].items():
        assert volume != shop.seen["boot"][host][0]
        assert (address, status) == (shop.seen["boot"][host][1], "ACTIVE")


@pytest.mark.parametrize("what", ["lossy", "check", "again", "boot again"])
def test_what_changes_nothing_writes_nothing(shop: Shop, what: str) -> None:
    assert shop.written[what] == []
