# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the roles whose hosts are machines, with nodes, and what baremetal_deploy does of them beside the call."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.modules import baremetal_fleet
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying_nodes as nodes
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.deploying import Json
from ansible_collections.bfv.openstack.tests.unit.programs import ansible

ROLE = Path(__file__).resolve().parents[3] / "roles" / "baremetal_deploy"
# What the module takes by other ways: the connection by the cloud, the entries from all hosts, capabilities by one option.
NOT_OF_RUN = {"nodes"}
NOT_OF_NODE = {"iscsi_boot", "fibre_channel_boot", "boot_mode"}


def asked(**more: object) -> Json:
    return {"node": "bm-0", "state": "deployed", "cloud": "here", **more}


def test_all_options_of_the_module_can_be_asked_for() -> None:
    assert set(nodes.OF_RUN) - {"cloud", "volume_cloud", "timeout"} == baremetal_fleet.OPTIONS.keys() - NOT_OF_RUN - {
        "timeout",
        "wait",
    }
    assert set(nodes.OF_NODE) == baremetal_fleet.OPTIONS["nodes"]["options"].keys() - NOT_OF_NODE


def test_all_that_is_asked_for_is_in_the_argument_spec() -> None:
    spec = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    names = {name.removeprefix("baremetal_deploy_") for name in spec}
    assert {*nodes.OF_NODE, *nodes.OF_RUN} <= names


@pytest.mark.parametrize("stage", [nodes.BEFORE, nodes.WAIT])
def test_a_stage_is_a_file_of_the_role(stage: str) -> None:
    assert (ROLE / "tasks" / f"{stage}.yml").is_file()


@pytest.mark.parametrize("name", nodes.OF_RUN)
def test_a_host_that_asks_for_another_run_is_told_which_variable_differs(name: str) -> None:
    assert deploying.differing(nodes, asked(**{name: "other"}), asked()) == [f"baremetal_deploy_{name}"]


@pytest.mark.parametrize("name", nodes.OF_NODE)
def test_each_node_may_ask_for_its_own(name: str) -> None:
    assert deploying.differing(nodes, asked(**{name: "other"}), asked()) == []


def test_the_refusal_tells_what_to_do() -> None:
    told = deploying.refusal_of_another_run("bm-1", ["baremetal_deploy_state"], "bm-0")
    assert "baremetal_deploy_state is other than for host bm-0" in told
    assert "--limit" in told


def test_the_call_has_each_node_and_one_word_about_the_run() -> None:
    volumes: list[Json] = [{"name": "root"}]
    assert deploying.call(nodes, {"one": asked(volumes=volumes), "two": asked(node="bm-1", probe=True)}) == {
        "cloud": "here",
        "state": "deployed",
        "nodes": [{"node": "bm-0", "volumes": volumes}, {"node": "bm-1"}],
    }


@pytest.mark.parametrize(
    ("more", "before"),
    [
        ({}, False),
        ({"checkpoint": "upgrade"}, True),
        ({"checkpoint": "upgrade", "state": "undeployed"}, True),
        ({"probe": True}, True),
        ({"probe": False}, False),
        ({"image": "/images/debian.qcow2"}, True),
        ({"seed": {}}, True),
        ({"seed": {}, "state": "prepared"}, True),
        ({"probe": True, "state": "undeployed"}, False),
        ({"image": "/images/debian.qcow2", "state": "absent"}, False),
        ({"wait_for": {"host": "192.0.2.1"}}, False),
    ],
)
def test_what_comes_before_the_call(more: Json, before: bool) -> None:
    assert nodes.has_stages_before(asked(**more)) is before


@pytest.mark.parametrize(
    ("more", "waits"),
    [
        ({}, False),
        ({"wait_for": {"host": "192.0.2.1"}}, True),
        ({"wait_for": {"host": "192.0.2.1"}, "state": "prepared"}, False),
        ({"wait_for": {"host": "192.0.2.1"}, "check_mode": True}, False),
    ],
)
def test_what_is_waited_for(more: Json, waits: bool) -> None:
    assert nodes.waits(asked(**more)) is waits


def target(iqn: str, lun: object, **more: object) -> Json:
    return {"target_iqn": iqn, "target_lun": lun, **more}


def test_a_disk_that_two_hosts_ask_for_is_told_to_both() -> None:
    by_properties = {"properties": {"target_iqn": "iqn.a", "target_lun": 1}}
    hosts = {
        "one": asked(targets=[target("iqn.a", 1)]),
        "two": asked(targets=[target("iqn.a", 2), by_properties]),
        "three": asked(targets=[target("iqn.b", "1")]),
        "four": asked(),
    }
    assert nodes.sharers(hosts)["one"] == [{"host": "two", "target_iqn": "iqn.a", "target_lun": 1}]
    assert nodes.sharers(hosts)["two"] == [{"host": "one", "target_iqn": "iqn.a", "target_lun": 1}]
    assert nodes.sharers(hosts)["three"] == nodes.sharers(hosts)["four"] == []


@pytest.mark.parametrize(
    "other",
    [
        target("iqn.a", " 1 "),
        target("IQN.A", 1),
        {"properties": {"target_iqns": ["iqn.b", "iqn.a"], "target_luns": [2, "1"]}},
        {"target_iqn": "iqn.a", "properties": {"target_luns": [1]}},
    ],
    ids=["blanks", "another case", "several paths", "several numbers"],
)
def test_a_shared_disk_is_seen_however_it_is_written(other: Json) -> None:
    hosts = {"one": asked(targets=[target("iqn.a", 1)]), "two": asked(targets=[other])}
    assert nodes.sharers(hosts)["one"] == [{"host": "two", "target_iqn": "iqn.a", "target_lun": 1}]


NODES = [
    {"uuid": "1", "name": "bm-0", "targets": []},
    {"uuid": "2", "name": "bm-1", "targets": [{"volume_id": "x", "properties": {"target_iqn": "iqn.b", "target_lun": 1}}]},
]


@pytest.mark.parametrize(
    ("properties", "holders"),
    [
        ({"target_iqn": "iqn.a", "target_lun": 1}, "bm-1"),
        ({"target_iqn": "iqn.a", "target_lun": 2}, ""),
        ({"target_iqn": "iqn.b", "target_lun": 1}, ""),
        ({"target_iqn": "IQN.A", "target_lun": "1"}, "bm-1"),
        ({"target_iqns": ["iqn.b", "iqn.a"], "target_luns": [0, 1]}, "bm-1"),
        ({"target_iqn": None, "target_iqns": ["iqn.a"], "target_lun": 1}, "bm-1"),
        ({}, ""),
    ],
    ids=["the disk", "another number", "another target", "another spelling", "several paths", "null", "Cinder's"],
)
def test_another_node_that_has_the_disk_is_seen_however_ironic_has_it(tmp_path: Path, properties: Json, holders: str) -> None:
    """Its machine may run, and the node's own data would be written over what it runs from."""
    nodes = [NODES[0], {**NODES[1], "targets": [{"volume_id": "x", "properties": properties}]}]
    seen = {
        "baremetal_deploy_there": {"nodes": nodes},
        "baremetal_deploy_node": "bm-0",
        "baremetal_deploy_takeover": "never",
        "baremetal_deploy_volume": {},
        "baremetal_deploy_lun_at": {"target_iqn": "iqn.a", "target_lun": 1},
        "baremetal_deploy_result": {"sharers": []},
    }
    told = {"ansible.builtin.debug": {"msg": "found {{ baremetal_deploy_sharers | trim }}."}}
    tasks = [{"ansible.builtin.set_fact": seen}, {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")}, told]
    assert f"found {holders}." in run_on(tmp_path, tasks, {"localhost": {}})


def test_another_host_that_the_task_has_not_compared_is_seen_by_its_inventory(tmp_path: Path) -> None:
    seen = {
        "baremetal_deploy_there": {"nodes": NODES},
        "baremetal_deploy_node": "bm-0",
        "baremetal_deploy_takeover": "never",
        "baremetal_deploy_lun_at": {"target_iqn": "iqn.a", "target_lun": 1},
        "baremetal_deploy_result": {"sharers": []},
    }
    told = {"ansible.builtin.debug": {"msg": "found {{ baremetal_deploy_sharers | trim }}."}, "when": "targets is not defined"}
    tasks = [{"ansible.builtin.set_fact": seen}, {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")}, told]
    others = [target("IQN.A", "1"), {"properties": {"target_iqns": ["iqn.a"], "target_luns": [1]}}, target("iqn.a", 2)]
    hosts = {f"other-{number}": {"targets": True, "baremetal_deploy_targets": [one]} for number, one in enumerate(others)}
    found = run_on(tmp_path, tasks, {"localhost": {}, **hosts}).partition('"found ')[2].partition('."')[0]
    assert found.split() == ["other-0", "other-1"]


def run_on(folder: Path, tasks: list[Json], hosts: Json) -> str:
    """What a play of these hosts prints."""
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}))
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    command = [ansible("ansible-playbook"), "-i", "hosts.json", "play.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_volume_that_two_hosts_ask_for_is_told_to_both() -> None:
    """Each would write its own data to it: only the call that comes later refuses the second one."""
    hosts = {
        "one": asked(volumes=[{"name": "root"}]),
        "two": asked(volumes=[{"name": "data"}, {"name": "root"}]),
        "three": asked(volumes=[{"id": "3"}, {"name": "Root"}]),
        "four": asked(volumes=[{"id": "3"}]),
    }
    assert nodes.sharers(hosts)["one"] == [{"host": "two", "volume": "root"}]
    assert nodes.sharers(hosts)["two"] == [{"host": "one", "volume": "root"}]
    assert nodes.sharers(hosts)["four"] == [{"host": "three", "volume": "3"}]


@pytest.mark.parametrize(
    ("sharers", "volumes", "found"),
    [
        ([{"host": "web-9", "volume": "root"}], [], "web-9"),
        ([{"host": "web-9", "volume": "data"}, {"host": "web-9", "target_iqn": "iqn.a", "target_lun": 1}], [], ""),
        ([], [{"name": "root", "image": "debian"}], ""),  # of another cloud it may be another one
        ([], [{"id": "3"}], "other"),
        ([], [{"name": "data"}, {"id": "4"}], ""),
    ],
    ids=["in the call", "another one in the call", "by its name in another call", "by its id", "another one"],
)
def test_another_host_that_asks_for_the_volume_is_seen(
    tmp_path: Path, sharers: list[Json], volumes: list[Json], found: str
) -> None:
    seen = {
        "baremetal_deploy_there": {"nodes": NODES},
        "baremetal_deploy_node": "bm-0",
        "baremetal_deploy_takeover": "never",
        "baremetal_deploy_volume": {"volume": {"id": "3", "name": "root"}},
        "baremetal_deploy_lun_at": {},
        "baremetal_deploy_result": {"sharers": sharers},
    }
    told = {
        "ansible.builtin.debug": {"msg": "found {{ baremetal_deploy_sharers | trim }}."},
        "when": "inventory_hostname != 'other'",
    }
    tasks = [{"ansible.builtin.set_fact": seen}, {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")}, told]
    assert f"found {found}." in run_on(tmp_path, tasks, {"localhost": {}, "other": {"baremetal_deploy_volumes": volumes}})


def test_targets_without_a_name_are_no_shared_disk() -> None:
    assert nodes.sharers({"one": asked(targets=[{}]), "two": asked(targets=[{"volume": "root"}])})["one"] == []


def node(changed: bool, failed: bool = False, msg: str = "") -> Json:
    return {
        "changed": changed,
        "failed": failed,
        "msg": msg,
        "actions": ["deploy"] * changed,
        "differs": [],
        "node": {"name": "it"},
    }


def test_each_host_gets_its_own_part_and_its_own_diff() -> None:
    fleet = {"nodes": {"bm-0": node(False), "bm-1": node(True), "bm-2": node(True)}, "diff": [{"after": "1"}, {"after": "2"}]}
    hosts = {name: asked(node=name) for name in ("bm-2", "bm-1", "bm-0")}
    results = deploying.results(nodes, hosts, fleet)
    assert {host: (one["changed"], one.get("diff")) for host, one in results.items()} == {
        "bm-0": (False, None),
        "bm-1": (True, {"after": "1"}),
        "bm-2": (True, {"after": "2"}),
    }


def test_a_node_may_be_called_by_a_number() -> None:
    assert not deploying.results(nodes, {"one": asked(node=101)}, {"nodes": {"101": node(False)}})["one"]["failed"]


def test_a_node_that_failed_tells_the_reason_and_not_what_ironic_shows() -> None:
    (result,) = deploying.results(nodes, {"one": asked()}, {"nodes": {"bm-0": node(False, True, "no")}, "failed": True}).values()
    assert result == {"changed": False, "failed": True, "msg": "no", "actions": [], "differs": []}


def test_every_host_tells_why_no_node_could_be_looked_at() -> None:
    results = deploying.results(nodes, {"one": asked(), "two": asked()}, {"failed": True, "msg": "no cloud"})
    assert [(one["failed"], one["msg"]) for one in results.values()] == [(True, "no cloud")] * 2


def test_a_report_that_was_not_written_is_warned_of() -> None:
    fleet = {"nodes": {"bm-0": node(True)}, "failed": True, "msg": "Failed to write the report"}
    assert deploying.warnings(nodes, fleet) == ["Failed to write the report"]
    assert deploying.warnings(nodes, {"nodes": {"bm-0": node(False, True)}, "failed": True, "msg": "1 of 1 failed"}) == []
    assert deploying.warnings(nodes, {"failed": True, "msg": "no cloud"}) == []
