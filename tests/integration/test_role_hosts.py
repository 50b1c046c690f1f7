# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's one call and its hosts: each has its own word, and none is worked on that does not come to the role."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from .lab import Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, Run

ROLE = "bfv.openstack.baremetal_deploy"
TASK = "Bring the node where it should be"
PASSWORD = "a-word-that-nobody-sees"


def of_array(**more: object) -> Json:
    target = {"volume_id": str(uuid4()), **a_lun(), "chap_username": "it", "chap_password": PASSWORD}
    return {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": [target], **more}


class Playing:
    """Plays of one's own that prepare nodes."""

    def __init__(self, lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
        self.lab, self._ansible, self.proxy = lab, ansible, proxy

    def __call__(self, hosts: dict[str, Json], *tasks: Json, **play: object) -> Run:
        inventory = str(self._ansible.inventory(hosts, baremetal_deploy_state="prepared"))
        whole = [{"hosts": "baremetal", "gather_facts": False, "tasks": list(tasks), **play}]
        book = str(self._ansible.file("play.yml", whole))
        return self._ansible.playbook(book, "-i", inventory, "-vvv", environment=self.proxy.environment)

    def prepared(self, *nodes: Node) -> list[bool]:
        return [self.lab.look(node)["storage_interface"] == "external" for node in nodes]

    @property
    def calls(self) -> int:
        """How often the fleet was asked for: once signed in for each call."""
        return sum(one.is_token for one in self.proxy.requests)


@pytest.fixture
def playing(lab: Lab, ansible: Ansible, proxy: Proxy) -> Playing:
    return Playing(lab, ansible, proxy)


INCLUDE = {"ansible.builtin.include_role": {"name": ROLE}}


def test_a_host_whose_variables_do_not_hold_fails_alone_and_before_anything_is_written(lab: Lab, playing: Playing) -> None:
    bad, undefined, good = nodes = lab.nodes("bad", "undefined", "good")
    hosts = {node.name: of_array() for node in nodes}
    hosts[bad.name]["baremetal_deploy_targets"][0]["target_lnu"] = 1
    hosts[undefined.name]["baremetal_deploy_boot_interface"] = "{{ nobody_says }}"
    run = playing(hosts, {"ansible.builtin.import_role": {"name": ROLE, "rolespec_validate": False}})
    assert {host: counts["failed"] for host, counts in run.recap.items()} == {bad.name: 1, undefined.name: 1, good.name: 0}
    assert "target_lnu" in run.hosts(TASK)[bad.name]["msg"]
    assert "baremetal_deploy_boot_interface" in run.hosts(TASK)[undefined.name]["msg"]
    assert playing.prepared(*nodes) == [False, False, True]
    assert PASSWORD not in run.text + json.dumps(run.records)


def test_a_host_that_asks_for_another_run_is_refused(lab: Lab, playing: Playing) -> None:
    first, other = nodes = lab.nodes("first", "other")
    hosts = {first.name: of_array(), other.name: of_array(baremetal_deploy_power_off=True)}
    run = playing(hosts, roles=[ROLE])
    told = run.hosts(TASK)[other.name]
    assert (told["failed"], run.recap[first.name]["failed"]) == (True, 0)
    assert f"baremetal_deploy_power_off is other than for host {first.name}" in told["msg"]
    assert playing.prepared(*nodes) == [True, False]


def test_a_host_that_does_not_include_the_role_is_left_alone(lab: Lab, playing: Playing) -> None:
    nodes = lab.nodes("left", "mine")
    run = playing({node.name: of_array() for node in nodes}, {**INCLUDE, "when": f"inventory_hostname == '{nodes[1].name}'"})
    assert run.code == 0, run.text
    assert playing.prepared(*nodes) == [False, True]


def test_a_host_that_is_being_rescued_is_left_alone(lab: Lab, playing: Playing) -> None:
    nodes = lab.nodes("mine", "rescued")
    check = {"ansible.builtin.fail": {"msg": "not yet"}, "when": f"inventory_hostname == '{nodes[1].name}'"}
    run = playing(
        {node.name: of_array() for node in nodes}, {"block": [check, INCLUDE], "rescue": [{"ansible.builtin.debug": {}}]}
    )
    assert run.code == 0, run.text
    assert playing.prepared(*nodes) == [True, False]


def test_with_the_strategy_free_each_host_makes_its_own_call(lab: Lab, playing: Playing) -> None:
    nodes = lab.nodes("free-a", "free-b")
    run = playing({node.name: of_array() for node in nodes}, roles=[ROLE], strategy="free")
    assert run.code == 0, run.text
    assert playing.prepared(*nodes) == [True, True]
    assert {host: counts["changed"] for host, counts in run.recap.items()} == {node.name: 1 for node in nodes}
    assert playing.calls == 2


def test_all_hosts_are_one_call(lab: Lab, playing: Playing) -> None:
    nodes = lab.nodes("one-a", "one-b", "one-c")
    run = playing({node.name: of_array() for node in nodes}, INCLUDE)
    assert run.code == 0, run.text
    assert playing.calls == 1
    assert PASSWORD not in run.text + json.dumps(run.records)
