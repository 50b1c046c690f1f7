# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CHAP password is nowhere to be seen: not in output, logs, arguments of processes or temporary files."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from .arguments import watching_arguments
from .conftest import both_doors
from .lab import SYSTEM, Lab, Node, a_lun
from .releases import MASK
from .runs import Ansible, Run, task

pytestmark = both_doors

LOOKS = ("--diff", "-vvvv")


@dataclass(frozen=True)
class Seen:
    """Runs with the password, and all that they left behind."""

    password: str
    modules: Run
    role: Run
    arguments: set[str]
    sdk_log: Path
    page: Path
    left: list[Path]
    nodes: list[Node]


@pytest.fixture(scope="module")
def seen(lab: Lab, ansible: Ansible) -> Seen:
    password = f"chap-{secrets.token_hex(12)}"
    nodes = lab.nodes("node", "fleet", "role", "broken", "powered")
    node, fleet, deployed, broken, powered = nodes
    lab.set_up(node)
    lab.set_up(powered)
    lab.target(powered, str(uuid4()), **a_lun())
    lab.power(powered, "power on")
    sdk_log, page = ansible.folder / "sdk.log", ansible.folder / "report.html"
    secret = {"chap_username": "it", "chap_password": "{{ it_password }}"}
    new = {"volume_id": str(uuid4()), **a_lun(), **secret}
    target = "bfv.openstack.volume_target"
    options = {"cloud": SYSTEM, "sdk_log_path": str(sdk_log), "sdk_log_level": "DEBUG"}

    def of_fleet(one: Node, **other: object) -> dict[str, object]:
        return {"node": one.name, "storage_interface": "external", "iscsi_boot": True, "targets": [{**new, **other}]}

    given = ansible.file("password.json", {"it_password": password})
    with watching_arguments() as arguments:
        modules = ansible.tasks(
            task("create", target, node=node.name, update_password="on_change", **new, **options),
            task("change", target, node=node.name, update_password="always", **secret, **options),
            task("as a property", target, node=node.name, properties={"auth_password": "{{ it_password }}"}, **options),
            task("malformed", target, node=node.name, **{**new, "target_portal": "x:y"}, **options),
            task("wrong type", target, node=node.name, **{**new, "target_lun": "x"}, **options),
            task("unknown option", target, node=node.name, unknown="x", **new, **options),
            task("refused", target, node=powered.name, **secret, **options),
            task("fleet", "bfv.openstack.baremetal_fleet", state="prepared", nodes=[of_fleet(fleet)], **options),
            task("fleet fails", "bfv.openstack.baremetal_fleet", nodes=[of_fleet(broken, target_portal="x:y")], **options),
            arguments=[*LOOKS, "-e", f"@{given}"],
        )
        host = {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_report": str(page)}
        inventory = ansible.inventory(
            {
                deployed.name: {**host, "baremetal_deploy_targets": [new]},
                broken.name: {**host, "baremetal_deploy_targets": [{**new, "target_portal": "x:y"}]},
                "it-mistyped": {**host, "baremetal_deploy_targets": [{**new, "target_lun": "x", "lum": 1}]},
            },
            it_password=password,
        )
        role = ansible.playbook("bfv.openstack.site", "-i", str(inventory), *LOOKS)
    left = [path for folder in ansible.temporary for path in folder.rglob("*") if path.is_file()]
    return Seen(password, modules, role, arguments, sdk_log, page, left, nodes)


def test_the_password_reaches_ironic(seen: Seen, lab: Lab) -> None:
    node, fleet, deployed = seen.nodes[:3]
    for one in (node, fleet, deployed):
        assert [there["properties"]["auth_password"] for there in lab.targets(one)] == [lab.release.chap_password(seen.password)]
    assert f"set password {seen.password}" in lab.boot_script(deployed)


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("create", False),
        ("change", False),
        ("as a property", False),
        ("malformed", True),
        ("wrong type", True),
        ("unknown option", True),
        ("refused", True),
        ("fleet", False),
        ("fleet fails", True),
    ],
)
def test_results_do_not_hold_it_whether_the_task_fails_or_not(seen: Seen, name: str, failed: bool) -> None:
    assert seen.modules[name]["failed"] is failed, seen.modules[name].get("msg")
    assert seen.password not in str(seen.modules[name])


def test_it_is_in_no_output_of_the_modules_at_any_verbosity(seen: Seen) -> None:
    assert MASK in seen.modules.stdout
    assert [line for line in seen.modules.text.splitlines() if seen.password in line] == []


def test_it_is_in_no_output_of_the_role_at_any_verbosity(seen: Seen) -> None:
    for name in (seen.nodes[3].name, "it-mistyped"):
        assert seen.role.recap[name]["failed"] == 1
    assert [line for line in seen.role.text.splitlines() if seen.password in line] == []
    assert [record["task"] for record in seen.role.records if seen.password in str(record)] == []


def test_it_is_not_in_the_sdks_log_of_every_request(seen: Seen) -> None:
    log = seen.sdk_log.read_text(encoding="utf-8")
    assert "/v1/nodes" in log
    assert [line for line in log.splitlines() if seen.password in line] == []


def test_it_is_not_in_the_report(seen: Seen) -> None:
    page = seen.page.read_text(encoding="utf-8")
    assert seen.nodes[2].name in page
    assert seen.password not in page


def test_it_is_in_the_arguments_of_no_process(seen: Seen, ansible: Ansible) -> None:
    # Tests beside this one run modules too, in folders of their own.
    own = [one for one in seen.arguments if str(ansible.folder) in one]
    assert any("AnsiballZ_volume_target" in one for one in own) is not ansible.in_process
    assert [one for one in seen.arguments if seen.password in one] == []


def test_no_temporary_file_is_left(seen: Seen) -> None:
    assert seen.left == []
