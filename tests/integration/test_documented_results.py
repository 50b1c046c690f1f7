# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module returns is what its RETURN says: the keys, their types, and samples that could be true.

Each module runs in the cheapest way that fills its result: in check mode where that does.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from ..unit import disks
from .array import running
from .documented import ANSIBLE, MISSING, Part, contained, parts, promised, returned, sampled
from .lab import IMAGE, LUN, NETWORK, PROJECT, SYSTEM, Json, Lab, Node
from .runs import Ansible, Run, Task, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

SANDBOX = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent
MODULES = sorted(path.stem for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py"))
ADDRESS = "127.61.9.1"
INITIATOR = "iqn.2010-10.org.example:node"
NOT_HERE = {"conductor_config.secontext"}  # no SELinux

Results = dict[str, list[Json]]


def of(run: Run, *titles: str) -> list[Json]:
    """The results of tasks, without what is Ansible's own."""
    found = [result for title in titles for result in run.hosts(title).values()]
    assert [one.get("msg") for one in found if one["failed"]] == []
    return [{name: value for name, value in one.items() if name not in ANSIBLE and not name.startswith("_")} for one in found]


def at(module: str, title: str, /, check: bool = False, **options: object) -> Task:
    return task(title, f"bfv.openstack.{module}", check=check, **options)


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> tuple[Node, Node, Node]:
    """A node that runs from an array, one that is to boot from Cinder, and one that is not set up."""
    active, free, new = lab.nodes("active", "free", "new")
    lab.deploy(active)
    lab.set_up(free, "cinder")
    return active, free, new


@pytest.fixture(scope="module")
def of_nodes(lab: Lab, ansible: Ansible, nodes: tuple[Node, Node, Node]) -> Results:
    """Nodes, a volume of one of them with checkpoints, and what is left over."""
    active, free, _new = nodes
    lost = lab.volume(lab.name("lost"))
    lab.attach(lost["id"], str(uuid4()))
    root = {"name": lab.name("root"), "image": IMAGE}
    where = {"cloud": SYSTEM, "volume_cloud": PROJECT}
    more = {"name": lab.name("more"), "image": IMAGE}
    host = {"cloud": SYSTEM, "node": free.name}
    saved = {**where, "node": free.name, "name": lab.name("saved")}
    run = ansible.tasks(
        at("bfv_volume", "volume", cloud=PROJECT, **root),
        at("baremetal_node_storage", "storage", check=True, **host, validate=True),
        at("volume_connector", "connector", **host),
        at("volume_target", "target", **where, node=free.name, volume=root["name"]),
        at(
            "volume_target",
            "target of an array",
            cloud=SYSTEM,
            node=active.name,
            **disk_of(lab, active),
        ),
        at("boot_checkpoint", "checkpoint", **saved),
        at("boot_checkpoint", "way back", check=True, **saved, state="reverted"),
        at(
            "baremetal_fleet",
            "fleet",
            **where,
            state="prepared",
            volume_prices={"lvm": 0.1},
            nodes=[{"node": free.name, "volumes": [root, more]}, {"node": active.name}],
        ),
        at("bfv_info", "nodes", **where, nodes=[active.name, free.name], volumes=True, checkpoints=True),
        at("bfv_info", "others", **where, gather=["volumes", "leftovers"], spares_for=active.name),
    )
    return {
        "bfv_volume": of(run, "volume"),
        "baremetal_node_storage": of(run, "storage"),
        "volume_connector": of(run, "connector"),
        "volume_target": of(run, "target", "target of an array"),
        "boot_checkpoint": of(run, "checkpoint", "way back"),
        "baremetal_fleet": of(run, "fleet"),
        "bfv_info": of(run, "nodes", "others"),
    }


def disk_of(lab: Lab, node: Node) -> Json:
    """What the node's target leads to, as options."""
    (target,) = lab.targets(node)
    return {"volume_id": target["volume_id"], **{name: target["properties"][name] for name in LUN}}


@pytest.fixture(scope="module")
def of_the_role(lab: Lab, ansible: Ansible, nodes: tuple[Node, Node, Node]) -> Results:
    """The task of the role baremetal_deploy, for two hosts that name one disk and one volume."""
    active, _free, new = nodes
    target = {**disk_of(lab, active), "shared": True}
    hosts = {
        node.name: {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": [target]}
        for node in (active, new)
    }
    everywhere = {
        "baremetal_deploy_node": "{{ inventory_hostname }}",
        "baremetal_deploy_state": "prepared",
        "baremetal_deploy_probe": True,
    }
    one = {"baremetal_deploy_volumes": [{"name": lab.name("shared")}]}
    first = {"name": "look", "bfv.openstack.baremetal_deploy": {}, "delegate_to": "localhost", "vars": one}
    second = {"name": "call", "bfv.openstack.baremetal_deploy": {"stages_done": True}, "delegate_to": "localhost"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [first, second]}
    inventory = ansible.inventory(hosts, **everywhere)
    run = ansible.playbook(str(ansible.file("role.yml", [play])), "-i", str(inventory))
    return {"baremetal_deploy": of(run, "look", "call")}


@pytest.fixture(scope="module")
def of_servers(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A server, what another disk would do to it, and an image."""
    server = {"name": lab.name("server"), "flavor": "bfv.small", "networks": NETWORK, "boot": {"image": IMAGE}}
    other = {"name": lab.name("other"), "image": IMAGE}
    exchange = {
        **server,
        "boot": {"volume": other["name"]},
        "on_boot_volume_change": "replace",
        "replace_may_lose": ["user_data"],
    }
    of_host = {**server, "description": "the shop"}
    file = tmp_path_factory.mktemp("image") / "disk.raw"
    file.write_bytes(bytes(2**20))
    run = ansible.tasks(
        at("bfv_server", "server", cloud=PROJECT, **server),
        at("bfv_volume", "other", cloud=PROJECT, **other),
        at("bfv_server", "exchange", check=True, cloud=PROJECT, **exchange),
        at("server_fleet", "fleet", cloud=PROJECT, servers=[{**server, "description": "the front page", "volumes": [other]}]),
        at("server_deploy", "role")
        | {"vars": {"server_deploy_cloud": PROJECT, "server_deploy_options": of_host, "server_deploy_volumes": [other]}},
        at("bfv_info", "volumes", cloud=PROJECT, gather=["volumes"]),
        at("bfv_image", "image", cloud=PROJECT, name=lab.name("image"), digest="3" * 64, file=str(file)),
    )
    return {
        "bfv_server": of(run, "server", "exchange"),
        "server_fleet": of(run, "fleet"),
        "server_deploy": of(run, "role"),
        "bfv_info": of(run, "volumes"),
        "bfv_image": of(run, "image"),
    }


@pytest.fixture(scope="module")
def of_luns(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A disk of an array that one could boot, by one path that answers and one that does not; and a volume."""
    folder = tmp_path_factory.mktemp("array")
    file = folder / "disk.raw"
    file.write_bytes(disks.bootable(24))
    os.truncate(file, 64 * 2**20)
    volume = lab.volume(lab.name("lun"))
    with running(folder, [ADDRESS], folder / "array.log") as array:
        address = array.export("d1", file, INITIATOR).address
        address["portals"] = [f"{ADDRESS}:3261", *address["portals"]]
        run = ansible.tasks(
            at("iscsi_lun", "LUN", initiator_name=INITIATOR, **address),
            at("iscsi_lun", "volume", check=True, cloud=PROJECT, volume=volume["name"]),
        )
    return {"iscsi_lun": of(run, "LUN", "volume")}


@pytest.fixture(scope="module")
def of_conductors(ansible: Ansible) -> Results:
    """The sandbox's configuration in a copy, and its conductor as a systemctl would tell of it."""
    folder = ansible.folder
    config, program = folder / "ironic.conf", folder / "systemctl"
    shutil.copy(SANDBOX / "etc" / "ironic.conf", config)
    python = Path(json.loads((SANDBOX / "etc" / "sandbox.json").read_text(encoding="utf-8"))["venv"]) / "bin" / "python"
    started = f"argv[]={python.parent}/ironic-conductor --config-file {config} ;"
    program.write_text(
        "#!/bin/sh\nprintf 'LoadState=loaded\\nActiveState=inactive\\nMainPID=0\\nUser=ironic\\n'\n"
        f"echo 'ExecStart={{ path=x ; {started} }}'\n"
    )
    program.chmod(0o700)
    look = at("conductor_info", "conductor", service="ironic-conductor")
    look["environment"] = {"PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    asked = {"path": str(config), "storage_interfaces": ["cinder", "external"], "python": [str(python)]}
    run = ansible.tasks(look, at("conductor_config", "config", check=True, **asked))
    return {"conductor_info": of(run, "conductor"), "conductor_config": of(run, "config")}


@pytest.fixture(scope="module")
def results(of_nodes: Results, of_the_role: Results, of_servers: Results, of_luns: Results, of_conductors: Results) -> Results:
    """All results by module."""
    everywhere = (of_nodes, of_the_role, of_servers, of_luns, of_conductors)
    return {module: [one for some in everywhere for one in some.get(module, [])] for module in MODULES}


def seen(results: Results, module: str) -> list[Part]:
    return [part for one in results[module] for part in parts(returned(module), one, module)]


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_returns_is_documented(results: Results, module: str) -> None:
    assert {part.path for part in seen(results, module) if part.about is None} == set()


@pytest.mark.parametrize("module", MODULES)
def test_what_is_promised_is_there(results: Results, module: str) -> None:
    assert {part.path for part in seen(results, module) if part.is_promised and part.value is MISSING} == set()


@pytest.mark.parametrize("module", MODULES)
def test_what_is_documented_was_seen(results: Results, module: str) -> None:
    there = {part.path for part in seen(results, module) if part.value is not MISSING}
    assert {part.path for part in promised(returned(module), module)} - there - NOT_HERE == set()


@pytest.mark.parametrize("module", MODULES)
def test_values_have_the_documented_type(results: Results, module: str) -> None:
    assert {part.path: part.value for part in seen(results, module) if not part.is_of_its_type} == {}


@pytest.mark.parametrize("module", MODULES)
def test_samples_could_be_true(module: str) -> None:
    wrong = [one.path for part in promised(returned(module), module) for one in sampled(part) if not one.is_of_its_type]
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
def test_every_value_has_a_sample(module: str) -> None:
    """A value that has others in it may leave that to these."""
    bare = [part for part in promised(returned(module), module) if part.about and "sample" not in part.about]
    assert [part.path for part in bare if part.about and "contains" not in part.about] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_keys_of_each_element_are_documented(module: str) -> None:
    lists = [part for part in promised(returned(module), module) if part.about and part.about.get("elements") == "dict"]
    assert [part.path for part in lists if part.about and contained(part.path, part.about) is None] == []
