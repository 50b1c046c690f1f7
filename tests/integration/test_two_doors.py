# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task gives the same whether its module runs in Ansible's worker process or in a process of its own.

Each door gets a lab of its own, and the same tasks. What is compared is all of a result, with the lab's names in place of its own.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .lab import LUN, PROJECT, SYSTEM, Lab, Node
from .runs import Ansible, Json, Run, Task, task
from .test_bad_input import CASES, with_node

pytestmark = pytest.mark.long

STORAGE, CONNECTOR, TARGET, VOLUME, SERVER, FLEET, IMAGE, INFO = (
    f"bfv.openstack.{name}"
    for name in (
        "baremetal_node_storage",
        "volume_connector",
        "volume_target",
        "bfv_volume",
        "bfv_server",
        "baremetal_fleet",
        "bfv_image",
        "bfv_info",
    )
)
PASSWORD = "it-hunter2"
OWN_PROCESS = "runs in a process of its own: "
TASKS = re.compile(r"^TASK \[(.*?)\] \**$", re.MULTILINE)
REMOTE = {"ansible_host": "192.0.2.1", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
UNTRUSTED = "{{ 7 * 7 }}"

BAD_INPUT = (
    "unknown_node",
    "malformed_iqn",
    "malformed_lun",
    "negative_boot_index",
    "wrong_type",
    "wrong_type_of_a_dict",
    "wrong_choice",
    "unknown_option",
    "unknown_option_of_a_node",
    "missing_option",
    "nodes_that_are_no_list",
    "bad_node_of_a_fleet",
    "unknown_volume_cloud",
    "image_with_a_short_digest",
)
# Tasks that need a process of their own, and the reason that -vvv tells.
FALLS_BACK = {
    "environment": "its environment has IT",
    "become": "it becomes another user",
    "async": "it is asynchronous",
    "another python": "another Python is asked for",
    "not local": "the connection is not local",
    "switched off": "bfv_in_process is off",
}


@dataclass(frozen=True)
class Door:
    """What came of the tasks at one door."""

    run: Run
    own: dict[str, str]
    logs: tuple[str, str]

    def result(self, name: str) -> Json:
        """The result with everything that is this lab's own in place of a word."""
        (result,) = self.run.hosts(name).values()
        return self._neutral(result)

    def _neutral(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._neutral(key): self._neutral(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._neutral(inner) for inner in value]
        if isinstance(value, float):
            return "a time"
        if not isinstance(value, str):
            return value
        for own, word in self.own.items():
            value = value.replace(own, word)
        value = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+Z]+", "WHEN", value)
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", value)

    def printed(self, name: str) -> str:
        """What ansible-playbook printed of the task."""
        texts = TASKS.split(self.run.stdout)
        return texts[texts.index(name) + 1]


def tasks(node: Node, volume: str, folder: Path) -> list[Task]:
    def storage(title: str, /, check: bool = False, **options: object) -> Task:
        return task(title, STORAGE, check=check, **{"cloud": SYSTEM, "node": node.name, **options})

    def connector(title: str, /, check: bool = False, **options: object) -> Task:
        return task(title, CONNECTOR, check=check, **{"cloud": SYSTEM, "node": node.name, **options})

    secret = {"chap_username": "it", "chap_password": PASSWORD}
    target = {"cloud": SYSTEM, "node": node.name, "volume_id": "it-lun", **LUN, **secret}
    image = {"cloud": PROJECT, "name": f"{volume}-image", "digest": "3" * 64, "file": str(folder / "disk.raw")}
    logged = storage("loop of logs", sdk_log_path="{{ item }}", sdk_log_level="DEBUG")
    return [
        storage(
            "change in check mode", check=True, storage_interface="external", capabilities={"rack": "r3", "iscsi_boot": True}
        ),
        storage("change", storage_interface="external", capabilities={"rack": "r3", "iscsi_boot": True}, boot_mode="uefi"),
        storage("no change", storage_interface="external", capabilities={"rack": "r3"}),
        storage("validation", validate=True),
        storage("node from a variable", node="{{ it_node }}", capabilities="{{ it_capabilities }}", boot_interface="{{ omit }}")
        | {"vars": {"it_node": f"{{{{ '{node.name}' }}}}", "it_capabilities": {"rack": "{{ 'r' ~ 3 }}"}}},
        storage("kept") | {"register": "kept"},
        {
            "name": "what was kept",
            "ignore_errors": True,
            "ansible.builtin.debug": {"msg": "{{ [kept.node.name, kept.changed, kept is failed, kept.keys() | sort] }}"},
        },
        connector("new connector"),
        connector("same connector"),
        {
            "name": "foreign text",
            "ansible.builtin.command": {"argv": ["printf", r"\173\173 7 * 7 \175\175"]},
            "register": "foreign",
        },
        connector("text that looks like a template", extra={"note": "{{ foreign.stdout }}"}) | {"register": "noted"},
        {"name": "what was noted", "ansible.builtin.debug": {"msg": "{{ noted.connector.extra.note }}"}},
        connector(
            "keys that are no text",
            check=True,
            extra="{{ {1: 'one', false: 2.5, 'day': '2026-11-20' | to_datetime('%Y-%m-%d')} }}",
        ),
        task("target", TARGET, **target),
        task("same target", TARGET, **target),
        task("secret in an error", TARGET, **{**target, "target_portal": f"{PASSWORD}:x"}),
        task(
            "secret as a property", TARGET, check=True, **{**target, "properties": {"auth_password": PASSWORD, "note": PASSWORD}}
        ),
        task("secret of a login", STORAGE, node=f"it-{PASSWORD}", auth={"password": PASSWORD}, cloud=SYSTEM),
        task("exclusive", TARGET, cloud=SYSTEM, node=node.name, volume="a", volume_id="b"),
        task(
            "warning",
            VOLUME,
            cloud=PROJECT,
            name=volume,
            availability_zone=f"it-zone-{PASSWORD}",
            metadata={"password": PASSWORD},
            check=True,
        ),
        task("volume", VOLUME, cloud=PROJECT, name=volume, size=1),
        task("no volume", VOLUME, cloud=PROJECT, name=f"{volume}-none", state="absent"),
        task("image", IMAGE, **image),
        task("same image", IMAGE, **image),
        task("image in check mode", IMAGE, check=True, **{**image, "digest": "4" * 64}),
        task("nodes", INFO, cloud=SYSTEM, volume_cloud=PROJECT, nodes=[node.name], volumes=True),
        task("no server", SERVER, cloud=PROJECT, name=f"{volume}-none", state="absent"),
        task("fleet", FLEET, cloud=SYSTEM, state="prepared", nodes=[{"node": node.name}]),
        task("fleet in check mode", FLEET, check=True, cloud=SYSTEM, nodes=[{"node": node.name, "boot_interface": "http-ipxe"}]),
        task(
            "fleet of which one fails", FLEET, cloud=SYSTEM, state="prepared", nodes=[{"node": node.name}, {"node": "it-nowhere"}]
        ),
        storage("loop", node="{{ item }}") | {"loop": [node.name, "it-nowhere", node.name]},
        logged | {"loop": [str(folder / "first.log"), str(folder / "second.log")]},
        storage("until", node="it-nowhere") | {"register": "tried", "until": "tried is success", "retries": 2, "delay": 0},
        storage("censored", node="it-nowhere") | {"no_log": True},
        storage("in time") | {"timeout": 60},
        storage("variables of the cloud", cloud="{{ omit }}") | {"environment": {"OS_CLOUD": SYSTEM, "no_proxy": "{{ '*' }}"}},
        storage("environment") | {"environment": {"IT": "x"}},
        storage("become") | {"become": True, "become_method": "ansible.builtin.su"},
        storage("async") | {"async": 60, "poll": 1},
        storage("another python") | {"vars": {"ansible_python_interpreter": "/usr/bin/python3"}},
        storage("same python") | {"vars": {"ansible_python_interpreter": f"{Path(sys.executable).parent}/../bin/python3"}},
        storage("switched off") | {"vars": {"bfv_in_process": "{{ 1 == 2 }}"}},
        storage("not local") | {"vars": {"ansible_connection": "ssh", "ansible_port": 1}, "ignore_unreachable": True},
        *(task(name, CASES[name][0], **{"cloud": SYSTEM, **with_node(CASES[name][1], node)}) for name in BAD_INPUT),
    ]


def further_plays(node: Node) -> list[Json]:
    """Plays for what only a play or an inventory can say."""
    grouped = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/bfv.openstack.openstack": {"cloud": SYSTEM}, STORAGE: {"node": node.name}},
        "tasks": [task("defaults", STORAGE), task("defaults of the group", CONNECTOR, node=node.name)],
    }
    delegated = task("delegated", STORAGE, cloud=SYSTEM, node=node.name) | {"delegate_to": "localhost"}
    local = task("local host of the inventory", STORAGE, cloud=SYSTEM, node=node.name) | {"vars": {"ansible_connection": "local"}}
    remote = {"hosts": "it-remote", "gather_facts": False, "tasks": [delegated, local]}
    return [grouped, remote]


def go_through(switch: str, lab: Lab, ansible: Ansible, folder: Path) -> Door:
    node, volume = lab.node(), lab.name("volume")
    volume_id = lab.volume(volume)["id"]
    (folder / "disk.raw").write_bytes(bytes(1024**2))
    first = {"hosts": "localhost", "gather_facts": False, "tasks": tasks(node, volume, folder)}
    inventory = ansible.file("inventory.json", {"all": {"hosts": {"it-remote": REMOTE}}})
    playbook = ansible.file("play.yml", [first, *further_plays(node)])
    run = ansible.playbook(
        str(playbook),
        "-i",
        str(inventory),
        "-vvv",
        "--diff",
        environment={"BFV_IN_PROCESS": switch, "ANSIBLE_INJECT_INVOCATION": "true"},
    )
    logs = (folder / "first.log").read_text(), (folder / "second.log").read_text()
    own = {node.uuid: "NODE-UUID", node.name: "NODE", volume: "VOLUME", volume_id: "VOLUME-ID", str(folder): "FOLDER"}
    return Door(run, own, logs)


@dataclass(frozen=True)
class Doors:
    worker: Door
    process: Door


@pytest.fixture(scope="module")
def doors(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Doors:
    with ThreadPoolExecutor(2) as pool:
        worker, process = (
            pool.submit(go_through, switch, lab, ansible, tmp_path_factory.mktemp("logs")) for switch in ("true", "false")
        )
        return Doors(worker.result(), process.result())


@pytest.fixture(params=["worker", "process"])
def door(request: pytest.FixtureRequest, doors: Doors) -> Door:
    """For what has to be true of the results, and not only the same."""
    chosen: Door = getattr(doors, request.param)
    return chosen


OURS = [one["name"] for one in tasks(Node("", ""), "", Path()) if any(key.startswith("bfv.openstack.") for key in one)]
FURTHER = ["defaults", "defaults of the group", "delegated", "local host of the inventory"]
IN_PROCESS = [name for name in (*OURS, *FURTHER) if name not in FALLS_BACK]


@pytest.mark.parametrize("name", IN_PROCESS)
def test_the_results_are_the_same(doors: Doors, name: str) -> None:
    assert doors.worker.result(name) == doors.process.result(name)


@pytest.mark.parametrize("name", IN_PROCESS)
def test_no_process_is_started(doors: Doors, name: str) -> None:
    assert OWN_PROCESS not in doors.worker.printed(name)
    assert " EXEC " not in doors.worker.printed(name)
    assert f"{OWN_PROCESS}bfv_in_process is off" in doors.process.printed(name)
    assert " EXEC " in doors.process.printed(name)


@pytest.mark.parametrize("name", FALLS_BACK)
def test_what_a_worker_cannot_give_gets_a_process(doors: Doors, name: str) -> None:
    assert f"{OWN_PROCESS}{FALLS_BACK[name]}" in doors.worker.printed(name)


@pytest.mark.parametrize("name", ["environment", "become", "async", "switched off"])
def test_that_process_gives_the_result(doors: Doors, name: str) -> None:
    result = doors.worker.result(name)
    assert (result["failed"], result["changed"], result["node"]["name"]) == (False, False, "NODE")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("change in check mode", True),
        ("change", True),
        ("no change", False),
        ("validation", False),
        ("node from a variable", False),
        ("new connector", True),
        ("same connector", False),
        ("text that looks like a template", True),
        ("target", True),
        ("same target", False),
        ("volume", False),
        ("image", True),
        ("same image", False),
        ("image in check mode", True),
        ("nodes", False),
        ("fleet", False),
        ("fleet in check mode", True),
        ("variables of the cloud", False),
        ("same python", False),
        ("defaults", False),
        ("delegated", False),
        ("local host of the inventory", False),
    ],
)
def test_tasks_that_succeed(door: Door, name: str, changed: bool) -> None:
    result = door.result(name)
    assert (result["failed"], result["changed"]) == (False, changed), result.get("msg")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("secret in an error", "is not a TCP port"),
        ("secret of a login", "requires authentication"),
        ("exclusive", "parameters are mutually exclusive: volume|volume_id"),
        ("unknown_option", "Unsupported parameters for (bfv.openstack.bfv_volume) module: sise"),
        ("wrong_choice", "value of storage_interface must be one of: cinder, external, noop, reset, got: lvm"),
        ("missing_option", "missing required arguments: node"),
        ("unknown_node", "Failed to find node it-nowhere"),
        ("fleet of which one fails", "1 of 2 nodes failed (it-nowhere)"),
        ("loop", "One or more items failed"),
    ],
)
def test_tasks_that_fail(door: Door, name: str, words: str) -> None:
    assert door.result(name)["failed"]
    assert words in door.result(name)["msg"]


def test_secrets_are_in_no_output(door: Door) -> None:
    assert [line for line in door.run.text.splitlines() if PASSWORD in line] == []
    assert [record["task"] for record in door.run.records if PASSWORD in str(record["result"])] == []


def test_warnings_are_told(door: Door) -> None:
    (warning,) = door.result("warning")["warnings"]
    assert "********" in warning


def test_a_loop_goes_on_after_an_item_that_fails(door: Door) -> None:
    assert [item.get("failed", False) for item in door.result("loop")["results"]] == [False, True, False]


def test_a_registered_result_can_be_used(door: Door) -> None:
    name, changed, failed, keys = door.result("what was kept")["msg"]
    assert (name, changed, failed) == ("NODE", False, False)
    assert {"node", "changed", "failed"} <= set(keys)


def test_foreign_text_is_never_a_template(door: Door) -> None:
    assert door.result("text that looks like a template")["connector"]["extra"] == {"note": UNTRUSTED}
    assert door.result("what was noted")["msg"] == UNTRUSTED


def test_keys_become_text(door: Door) -> None:
    keys = door.result("keys that are no text")["invocation"]["module_args"]["extra"]
    assert keys.keys() == {"1", "false", "day"}


def test_each_item_of_a_loop_has_its_own_log(door: Door) -> None:
    first, second = door.logs
    assert first.count("REQ: curl") == second.count("REQ: curl") > 0
