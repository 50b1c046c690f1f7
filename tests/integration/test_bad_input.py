# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input gives one clear line, and nothing is written. Each case is a host of one run, with a task of its own."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import openstack
import pytest

from .lab import LUN, PROJECT, SYSTEM, Lab, Node
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, Task, task

VOLUME, STORAGE, CONNECTOR, TARGET, FLEET, IMAGE, SERVER, INFO = (
    f"bfv.openstack.{name}"
    for name in (
        "bfv_volume",
        "baremetal_node_storage",
        "volume_connector",
        "volume_target",
        "baremetal_fleet",
        "bfv_image",
        "bfv_server",
        "bfv_info",
    )
)
OF_A_PROJECT = (VOLUME, IMAGE, SERVER)
DIGEST = "3f0c51d2a7be4c0d"
UNKNOWN = str(uuid4())
NEW = {"volume_id": UNKNOWN, **LUN}

# The case, its module, the options that are bad, and what the line must say. NODE stands for a node that is there.
CASES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "unknown_node": (STORAGE, {"node": "it-nowhere"}, ("Failed to find node it-nowhere",)),
    "unknown_node_uuid": (CONNECTOR, {"node": UNKNOWN}, (f"Failed to find node {UNKNOWN}",)),
    "node_with_a_slash": (STORAGE, {"node": "it/../nowhere"}, ("it/../nowhere",)),
    "node_with_a_subpath": (STORAGE, {"node": "NODE/states"}, ("NODE/states",)),
    "node_with_a_query": (CONNECTOR, {"node": "NODE?detail=true"}, ("NODE?detail=true",)),
    "volume_id_with_a_subpath": (VOLUME, {"id": "../snapshots"}, ("../snapshots",)),
    "empty_node": (TARGET, {"node": "", **NEW}, ("node",)),
    "unknown_image": (VOLUME, {"name": "it-x", "image": "it-nothing"}, ("Failed to find image it-nothing",)),
    "unknown_image_id": (VOLUME, {"name": "it-x", "image": UNKNOWN}, (f"Failed to find image {UNKNOWN}",)),
    "unknown_volume": (
        TARGET,
        {"node": "NODE", "volume": "it-nothing", "volume_cloud": PROJECT},
        ("no volume it-nothing", "bfv.openstack.bfv_volume"),
    ),
    "volume_of_no_project": (TARGET, {"node": "NODE", "volume": "it-nothing"}, ("without a project", "volume_cloud")),
    "unknown_volume_type": (VOLUME, {"name": "it-x", "size": 1, "volume_type": "it-nothing"}, ("it-nothing",)),
    "volume_without_a_name": (VOLUME, {"size": 1}, ("name", "id")),
    "size_of_zero": (VOLUME, {"name": "it-x", "size": 0}, ("size 0",)),
    "size_that_no_cinder_has": (VOLUME, {"name": "it-x", "size": 2**31}, ("size 2147483648",)),
    "name_with_a_blank": (VOLUME, {"name": "it-x ", "size": 1}, ("begins or ends with a blank",)),
    "name_with_a_line_end": (VOLUME, {"name": "it-x\n", "size": 1}, ("begins or ends with a blank or a line end",)),
    "long_name": (VOLUME, {"name": "it-" + "x" * 253, "size": 1}, ("name has 256 characters",)),
    "key_of_metadata": (VOLUME, {"name": "it-x", "size": 1, "metadata": {"a+b": 1}}, ('the key "a+b"',)),
    "path_in_metadata": (VOLUME, {"name": "it-x", "size": 1, "metadata": {"..": None}}, ('the key ".."',)),
    "long_value_of_metadata": (VOLUME, {"name": "it-x", "size": 1, "metadata": {"a": "v" * 256}}, ("value of metadata a",)),
    "unknown_zone": (VOLUME, {"name": "it-x", "size": 1, "availability_zone": "it-nowhere"}, ("zone it-nowhere",)),
    "image_with_a_short_digest": (IMAGE, {"name": "it-x", "digest": "3f0c", "file": "/dev/null"}, ("less than 12 characters",)),
    "image_without_a_file": (IMAGE, {"name": "it-x", "digest": DIGEST}, ("file",)),
    "image_for_nobody": (IMAGE, {"name": "it-x", "digest": DIGEST, "file": "/dev/null", "visibility": "all"}, ("visibility",)),
    "malformed_iqn": (CONNECTOR, {"node": "NODE", "connector_id": "iqn.2026.org"}, ('"iqn.2026.org" is not an iSCSI name',)),
    "malformed_prefix": (CONNECTOR, {"node": "NODE", "iqn_prefix": "org.example."}, ("is not an iSCSI name",)),
    "malformed_wwn": (CONNECTOR, {"node": "NODE", "type": "wwpn", "connector_id": "5001"}, ('"5001" is not a WWN',)),
    "malformed_mac": (CONNECTOR, {"node": "NODE", "type": "mac", "connector_id": "52:54:00"}, ('"52:54:00" is not a MAC',)),
    "malformed_ip": (CONNECTOR, {"node": "NODE", "type": "ip", "connector_id": "10.0.0"}, ('"10.0.0" is not an IP',)),
    "auto_for_a_mac": (CONNECTOR, {"node": "NODE", "type": "mac"}, ('"auto"',)),
    "malformed_portal": (TARGET, {"node": "NODE", **NEW, "target_portal": "10.0.0.1:x"}, ('"x" is not a TCP port',)),
    "malformed_lun": (TARGET, {"node": "NODE", **NEW, "target_lun": "first"}, ("target_lun", "first")),
    "lun_out_of_range": (TARGET, {"node": "NODE", **NEW, "target_lun": 99999999}, ('"99999999" is not a LUN',)),
    "negative_lun": (TARGET, {"node": "NODE", **NEW, "target_lun": -1}, ('"-1" is not a LUN',)),
    "malformed_target_iqn": (TARGET, {"node": "NODE", **NEW, "target_iqn": "iqn.x"}, ('"iqn.x" is not an iSCSI name',)),
    "negative_boot_index": (TARGET, {"node": "NODE", **NEW, "boot_index": -1}, ("boot_index is -1",)),
    "malformed_capability": (STORAGE, {"node": "NODE", "capabilities": {"a,b": "c"}}, ("is not a capability",)),
    "wrong_type": (VOLUME, {"name": "it-x", "size": "large"}, ("size", "large")),
    "wrong_type_of_a_dict": (VOLUME, {"name": "it-x", "metadata": "nothing to split"}, ("metadata",)),
    "wrong_choice": (STORAGE, {"node": "NODE", "storage_interface": "lvm"}, ("storage_interface", "cinder", "lvm")),
    "unknown_option": (VOLUME, {"name": "it-x", "sise": 1}, ("sise",)),
    "missing_option": (CONNECTOR, {}, ("node",)),
    "unknown_option_of_a_node": (FLEET, {"nodes": [{"node": "NODE", "volume": "x"}]}, ("volume",)),
    "nodes_that_are_no_list": (FLEET, {"nodes": 7}, ("nodes",)),
    "node_twice": (FLEET, {"nodes": [{"node": "NODE"}, {"node": "NODE"}]}, ("twice",)),
    "no_concurrency": (FLEET, {"nodes": [{"node": "NODE"}], "concurrency": 0}, ("concurrency",)),
    "bad_node_of_a_fleet": (
        FLEET,
        {"nodes": [{"node": "NODE", "connectors": [{"connector_id": "x"}]}]},
        ('"x" is not an iSCSI name',),
    ),
    "unknown_cloud": (VOLUME, {"name": "it-x", "cloud": "it-nowhere"}, ("it-nowhere",)),
    "unknown_region": (VOLUME, {"name": "it-x", "region_name": "it"}, ("region", "RegionOne")),
    "unknown_volume_cloud": (TARGET, {"node": "NODE", "volume": "x", "volume_cloud": "it-nowhere"}, ("it-nowhere",)),
}


@dataclass(frozen=True)
class Bad:
    run: Run
    node: Node
    asked: Proxy
    old: Proxy


def with_node(value: Any, node: Node) -> Any:
    """The options with the name of a node that is there."""
    if isinstance(value, dict):
        return {key: with_node(inner, node) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_node(inner, node) for inner in value]
    return value.replace("NODE", node.name) if isinstance(value, str) else value


def configuration(cloud: str, **other: Any) -> dict[str, Any]:
    """A cloud of clouds.yaml as a dict."""
    config = openstack.config.OpenStackConfig().cloud_config["clouds"][cloud]
    auth = {**config["auth"], **other.pop("auth", {})}
    return {**config, "auth": auth, **other}


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def as_old_ironic(request: Request, answer: Answer) -> Answer:
    """Ironic 7 (Ocata): no volume targets yet. No such Ironic runs with today's Keystone."""
    if request.service != "baremetal" or request.path not in ("/", "/v1", "/v1/"):
        return answer
    headers = tuple((name, "1.31" if name.lower().endswith("maximum-version") else value) for name, value in answer.headers)
    return Answer(answer.status, headers, re.sub(rb'("version": ")1\.\d+(")', rb"\g<1>1.31\g<2>", answer.body))


# What a cloud may not have, and a task that needs it.
LACKING: dict[str, tuple[str, dict[str, Any]]] = {
    "block-storage": (VOLUME, {"name": "it-x", "size": 1}),
    "image": (VOLUME, {"name": "it-x", "image": "it-y"}),
    "compute": (SERVER, {"name": "it-x", "state": "absent"}),
    "network": (SERVER, {"name": "it-x", "flavor": "bfv.small", "boot": {"image": "bfv-test"}, "networks": "it-y"}),
    "baremetal": (STORAGE, {"node": "NODE"}),
}


def without(missing: str) -> Callable[[Request, Answer], Answer]:
    """A cloud in whose catalogue a service is missing."""

    def change(request: Request, answer: Answer) -> Answer:
        if not request.is_token:
            return answer
        body = json.loads(answer.body)
        catalog = body["token"]["catalog"]
        body["token"]["catalog"] = [one for one in catalog if one["type"] != missing]
        assert len(body["token"]["catalog"]) < len(catalog)
        return Answer(answer.status, answer.headers, json.dumps(body).encode())

    return change


@pytest.fixture(scope="module")
def bad(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Bad:
    node = lab.node()
    lab.patch(node, "/storage_interface", "external")
    folder = tmp_path_factory.mktemp("tasks")
    nobody = folder / "clouds.yaml"
    nobody.write_text("clouds: {}\n", encoding="utf-8")
    with Proxy(lab.services) as asked, Proxy(lab.services) as old, ExitStack() as stack:
        old.change = as_old_ironic
        lacking = {missing: stack.enter_context(Proxy(lab.services)) for missing in LACKING}
        for missing, proxy in lacking.items():
            proxy.change = without(missing)
        tasks = {
            name: task(
                name,
                module,
                proxy=asked.url,
                **{"cloud": PROJECT if module in OF_A_PROJECT else SYSTEM, **with_node(options, node)},
            )
            for name, (module, options, _words) in CASES.items()
        }
        wrong = configuration(PROJECT, auth={"password": "it-wrong"})
        down = configuration(SYSTEM, baremetal_endpoint_override=closed_port())
        elsewhere = configuration(SYSTEM, region_name="it")
        no_keystone = configuration(PROJECT, auth={"auth_url": closed_port()})
        found_nothing = task("missing_credentials", VOLUME, name="it-x", state="absent")
        found_nothing["environment"] = {"OS_CLIENT_CONFIG_FILE": str(nobody)}
        tasks |= {
            "missing_credentials": found_nothing,
            "incomplete_credentials": task("incomplete_credentials", VOLUME, name="it-x", auth={"username": "it"}),
            "wrong_password": task("wrong_password", VOLUME, proxy=asked.url, cloud=wrong, name="it-x", size=1),
            "service_down": task("service_down", STORAGE, cloud=down, node=node.name),
            "keystone_down": task("keystone_down", VOLUME, cloud=no_keystone, name="it-x", size=1),
            "fleet_down": task("fleet_down", FLEET, cloud=down, nodes=[{"node": node.name}]),
            "project_scope": task("project_scope", STORAGE, proxy=asked.url, cloud=PROJECT, node=node.name),
            "no_such_service": task("no_such_service", STORAGE, proxy=asked.url, cloud=elsewhere, node=node.name),
            "old_ironic": task("old_ironic", TARGET, proxy=old.url, cloud=SYSTEM, node=node.name, **NEW),
        }
        for missing, (module, options) in LACKING.items():
            there = {"cloud": PROJECT if module in OF_A_PROJECT else SYSTEM, **with_node(options, node)}
            tasks[f"without_{missing}"] = task(f"without_{missing}", module, proxy=lacking[missing].url, **there)
        return Bad(play(ansible, folder, tasks), node, asked, old)


def play(ansible: Ansible, folder: Path, tasks: dict[str, Task]) -> Run:
    """Run each task on a host of its own, which stops when it fails."""
    for name, one in tasks.items():
        one.pop("ignore_errors")
        ansible.file_at(folder / f"{name}.yml", [one])
    inventory = ansible.inventory({name: {} for name in tasks})
    including = {"name": "Run the host's task", "ansible.builtin.include_tasks": f"{folder}/{{{{ inventory_hostname }}}}.yml"}
    playbook = [{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [including]}]
    return ansible.playbook(str(ansible.file("play.yml", playbook)), "-i", str(inventory), "-vvv", "--diff")


EVERY = {name: case[2] for name, case in CASES.items()} | {
    "missing_credentials": ("clouds.yaml", "OS_CLOUD"),
    "incomplete_credentials": ("auth_url",),
    "wrong_password": ("Check the user, the password",),
    "service_down": ("no connection", "Check that the service runs"),
    "keystone_down": ("no connection", "Check that the service runs"),
    "fleet_down": ("no connection", "Check that the service runs"),
    "project_scope": ("system scope",),
    "no_such_service": ("this cloud has no bare metal service (region it, interface public)",),
    "without_block-storage": ("Cinder: this cloud has no block storage service (region RegionOne",),
    "without_image": ("Glance: this cloud has no image service (region RegionOne",),
    "without_compute": ("Nova: this cloud has no compute service (region RegionOne",),
    "without_network": ("Neutron: this cloud has no network service (region RegionOne",),
    "without_baremetal": ("Ironic: this cloud has no bare metal service (region RegionOne",),
    "old_ironic": ("microversions up to 1.31", "1.33", "Update the service"),
}


def marked(case: str) -> Any:
    """A sandbox without Nova and Neutron has no catalogue from which either could be missing alone."""
    return pytest.param(case, marks=pytest.mark.full) if case in ("without_compute", "without_network") else case


@pytest.mark.parametrize("case", map(marked, EVERY))
def test_bad_input_gives_one_clear_line(bad: Bad, case: str) -> None:
    result = bad.run.hosts(case)[case]
    assert result["failed"]
    assert "\n" not in result["msg"]
    assert [word for word in with_node(list(EVERY[case]), bad.node) if word not in result["msg"]] == []
    assert not result.get("changed")
    assert "module_stderr" not in result
    assert bad.run.recap[case]["failed"] == 1


def test_the_run_says_that_it_failed(bad: Bad) -> None:
    assert bad.run.code == 2


def test_there_is_no_traceback_even_when_asked_for_all_details(bad: Bad) -> None:
    assert "Traceback" not in bad.run.text
    assert "MODULE FAILURE" not in bad.run.text


def test_nothing_is_written(bad: Bad) -> None:
    assert (bad.asked.writes, bad.old.writes) == ([], [])
    assert bad.asked.counts.total() > len(CASES)
