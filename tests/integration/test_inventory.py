# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin bfv.openstack.ironic with Ironic and Cinder."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, SYSTEM, Json, Lab, Node, a_lun
from .proxy import Proxy
from .runs import Ansible, task

pytestmark = pytest.mark.extra

PLUGIN = "bfv.openstack.ironic"
SECRET = "hunter2-of-the-array"
TEMPLATE = "{{ 6 * 7 }}"
READS = ("/v1/nodes", "/v1/volume/connectors", "/v1/volume/targets")


@dataclass(frozen=True)
class Inventory:
    """What ansible-inventory says of a configuration."""

    ansible: Ansible

    def file(self, **options: Any) -> Path:
        return self.ansible.file("nodes.ironic.yml", {"plugin": PLUGIN, "cloud": SYSTEM, **options})

    def ask(self, path: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self.ansible.read_inventory("-i", str(path), *arguments, environment=environment)

    def list(self, path: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Json:
        ended = self.ask(path, "--list", *arguments, environment=environment)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout, object_hook=_plain)

    def refusal(self, **options: Any) -> str:
        """The line in which a configuration is refused."""
        ended = self.ask(self.file(**options), "--list")
        assert "Traceback" not in ended.stderr
        assert json.loads(ended.stdout)["_meta"]["hostvars"] == {}
        first = ended.stderr.strip().splitlines()[0]
        return first.partition("'auto' plugin: ")[2]


def _plain(value: Json) -> Any:
    """ansible-inventory marks what is not to be taken for a template."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


@pytest.fixture(scope="module")
def inventory(ansible: Ansible) -> Inventory:
    return Inventory(ansible)


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> dict[str, Node]:
    """A node that is set up with a secret, and one as it comes; no other has their resource class."""
    found = dict(zip(("array", "bare"), lab.nodes("array", "bare"), strict=True))
    for node in found.values():
        lab.patch(node, "/resource_class", lab.prefix + "class")
    lab.set_up(found["array"])
    lab.target(found["array"], str(uuid4()), **a_lun(), auth_username="array", auth_password=SECRET)
    lab.patch(found["array"], "/properties/note", TEMPLATE)
    return found


@pytest.fixture(scope="module")
def ours(lab: Lab, nodes: dict[str, Node]) -> Json:
    """The filter that leaves them."""
    return {"resource_class": lab.prefix + "class"}


def test_nodes_are_hosts_with_what_is_known_of_them(inventory: Inventory, nodes: dict[str, Node], ours: Json) -> None:
    listed = inventory.list(inventory.file(filters=ours))
    hosts = listed["_meta"]["hostvars"]
    assert set(hosts) == {node.name for node in nodes.values()}
    array = hosts[nodes["array"].name]
    assert (array["ironic_uuid"], array["ironic_storage_interface"], array["ironic_ready"]) == (
        nodes["array"].uuid,
        "external",
        True,
    )
    assert array["ironic_capabilities"] == {"boot_mode": "uefi", "iscsi_boot": "True"}
    assert array["ironic_targets"][0]["properties"]["auth_password"] == "******"
    assert len(hosts[nodes["bare"].name]["ironic_reasons"]) == 4


def test_groups_and_variables_are_made_of_them(inventory: Inventory, nodes: dict[str, Node], ours: Json) -> None:
    path = inventory.file(
        filters=ours,
        strict=True,
        hostvars_prefix="node_",
        compose={"rack": "node_name ~ '-rack'"},
        groups={"broken": "not node_ready"},
        keyed_groups=[{"prefix": "state", "key": "node_provision_state"}],
    )
    listed = inventory.list(path)
    assert listed["broken"]["hosts"] == [nodes["bare"].name]
    assert set(listed["state_available"]["hosts"]) == {node.name for node in nodes.values()}
    assert listed["_meta"]["hostvars"][nodes["bare"].name]["rack"] == f"{nodes['bare'].name}-rack"
    graph = inventory.ask(path, "--graph").stdout
    assert f"@broken:\n  |  |--{nodes['bare'].name}" in graph


@pytest.mark.parametrize(("hostname", "suffix"), [("uuid", ""), ("ironic_uuid ~ '.example.org'", ".example.org"), ("name", None)])
def test_a_host_is_called_as_is_wished(
    inventory: Inventory, nodes: dict[str, Node], ours: Json, hostname: str, suffix: str | None
) -> None:
    hosts = inventory.list(inventory.file(filters=ours, hostname=hostname))["_meta"]["hostvars"]
    assert set(hosts) == {node.name if suffix is None else node.uuid + suffix for node in nodes.values()}


def test_a_node_that_is_called_as_a_group_is_does_not_give_it_its_variables(inventory: Inventory, lab: Lab, ours: Json) -> None:
    uuid = lab.ironic("POST", "/nodes", {"name": "ungrouped", "driver": "fake-hardware", **ours})["uuid"]
    try:
        hosts = inventory.list(inventory.file(filters=ours))["_meta"]["hostvars"]
        assert hosts[uuid]["ironic_name"] == "ungrouped"
        assert "ungrouped" not in hosts
    finally:
        lab.ironic("DELETE", f"/nodes/{uuid}")


def test_what_the_cloud_says_is_no_template(inventory: Inventory, nodes: dict[str, Node], ours: Json, ansible: Ansible) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(ansible.folder / "templates")}
    path = inventory.file(filters=ours, compose={"composed": "ironic_properties.note"}, **cache)
    play = {
        "hosts": nodes["array"].name,
        "gather_facts": False,
        "connection": "local",
        "tasks": [task("show", "ansible.builtin.debug", msg="{{ ironic_properties.note }} {{ composed }}")],
    }
    for _time in ("from the cloud", "out of the cache"):
        run = ansible.playbook(str(ansible.file("play.yml", [play])), "-i", str(path))
        assert run["show"]["msg"] == f"{TEMPLATE} {TEMPLATE}"


def test_the_cache_spares_requests_and_holds_no_secret(
    inventory: Inventory, nodes: dict[str, Node], ours: Json, ansible: Ansible, proxy: Proxy
) -> None:
    folder = ansible.folder / "cache"
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}
    path = inventory.file(filters=ours, **cache)
    first = inventory.list(path, environment=proxy.environment)
    assert [proxy.counts[f"GET baremetal {one}"] for one in READS] == [1, 1, 1]
    asked = len(proxy.requests)
    assert inventory.list(path, environment=proxy.environment) == first
    assert len(proxy.requests) == asked
    inventory.list(path, "--flush-cache", environment=proxy.environment)
    assert len(proxy.requests) > asked
    (kept,) = folder.iterdir()
    assert SECRET not in kept.read_text()
    assert nodes["array"].uuid in kept.read_text()
    ansible.file_at(path, {"plugin": PLUGIN, "cloud": SYSTEM, "filters": {**ours, "ready": True}, **cache})
    assert set(inventory.list(path)["_meta"]["hostvars"]) == {nodes["array"].name}


def test_a_cloud_without_such_nodes_is_an_empty_inventory(inventory: Inventory) -> None:
    assert inventory.list(inventory.file(filters={"resource_class": "it-nix"}))["_meta"]["hostvars"] == {}


REFUSALS: dict[str, tuple[Json, str]] = {
    "unknown cloud": ({"cloud": "it-nix"}, "Failed to read the configuration of cloud 'it-nix': "),
    "no cloud": ({"cloud": ["it-nix"]}, "Failed to read the cloud's configuration: cloud is neither a name"),
    "unknown option": ({"filter": {}}, "filter is no option of bfv.openstack.ironic. See"),
    "unknown filter": ({"filters": {"redy": True}}, "filters.redy is no option of bfv.openstack.ironic. See"),
    "no boolean": ({"filters": {"ready": "maybe"}}, "'maybe' is not a valid boolean"),
    "unknown state": ({"filters": {"provision_state": "resting"}}, "Failed to read the nodes: Ironic says «Provision state"),
    "undefined": ({"cloud": "{{ it_nix }}"}, "Failed to read cloud of "),
    "prefix": ({"hostvars_prefix": "a-"}, 'hostvars_prefix "a-" begins no name of a variable'),
    "one name for all": ({"hostname": "'same'"}, "hostname makes same of it, and of another node as well"),
    "no name": ({"hostname": "ironic_traits"}, "hostname makes [] of it, which is no text"),
    "no expression": ({"hostname": "1 +"}, "Failed to name node "),
    "strict": ({"strict": True, "compose": {"a": "it_nix.b"}}, "Could not set a for host"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_is_told_in_one_line(inventory: Inventory, ours: Json, case: str) -> None:
    options, said = REFUSALS[case]
    assert said in inventory.refusal(**{"filters": ours, **options})


def test_another_file_is_left_to_other_plugins(ansible: Ansible, inventory: Inventory) -> None:
    path = ansible.file("other.yml", {"plugin": PLUGIN, "cloud": SYSTEM})
    assert "could not be verified by inventory plugin" in inventory.ask(path, "--list").stderr


def test_options_may_be_templates(inventory: Inventory, nodes: dict[str, Node], ours: Json) -> None:
    path = inventory.file(cloud="{{ it_cloud }}", filters={"resource_class": "{{ it_class }}"})
    known = ("-e", f"it_cloud={SYSTEM}", "-e", f"it_class={ours['resource_class']}")
    assert set(inventory.list(path, *known)["_meta"]["hostvars"]) == {node.name for node in nodes.values()}


def test_its_hosts_are_deployed_by_the_role(inventory: Inventory, lab: Lab, ansible: Ansible) -> None:
    node = lab.node("role")
    lab.patch(node, "/resource_class", lab.prefix + "role")
    path = inventory.file(
        filters={"resource_class": lab.prefix + "role"},
        volume_cloud=PROJECT,
        volumes=True,
        groups={"baremetal": True, "ready": "ironic_ready"},
        compose={"baremetal_deploy_node": "ironic_uuid"},
    )
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "baremetal_deploy_cloud": SYSTEM,
        "baremetal_deploy_volume_cloud": PROJECT,
        "baremetal_deploy_volumes": [{"name": f"{node.name}-root", "image": IMAGE}],
    }
    run = ansible.playbook("bfv.openstack.deploy", "-i", str(path), "-e", json.dumps(variables))
    assert run.code == 0, run.text
    assert lab.look(node)["provision_state"] == "active"
    listed = inventory.list(path)
    assert listed["ready"]["hosts"] == [node.name]
    assert listed["_meta"]["hostvars"][node.name]["ironic_volumes"][0]["name"] == f"{node.name}-root"
    again = ansible.playbook("bfv.openstack.deploy", "-i", str(path), "-e", json.dumps(variables))
    assert (again.code, again.recap[node.name]["changed"]) == (0, 0)
