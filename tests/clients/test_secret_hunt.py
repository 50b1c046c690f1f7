# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hunt through Ansible: secrets in every option, and none in its output, its callbacks, its files or the arguments of a process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.tests.integration.arguments import watching_arguments
from ansible_collections.bfv.openstack.tests.integration.runs import Ansible, task
from ansible_collections.bfv.openstack.tests.unit.seeds import CHANGES, LUN, SHAPES, Json, Seeds, login, notes, target

LOOKS = ("--diff", "-vvvv")
# There nobody answers.
AUTH = {"auth_url": "http://127.0.0.1:9", "username": "demo", "project_name": "demo", "user_domain_id": "default"}
Record = Callable[[str, object], None]


class InVariables(Seeds):
    """Seeds as a user keeps them: the values are variables, which a task names."""

    def __init__(self) -> None:
        super().__init__(str)
        self._shapes = itertools.cycle(SHAPES)
        self.values: list[object] = []

    def __call__(self) -> str:
        return self.of(next(self._shapes))

    def of(self, shape: str) -> str:
        """A seed of that shape."""
        self.values.append(SHAPES[shape](super().__call__()))
        return f"{{{{ seeds[{len(self.values) - 1}] }}}}"

    def file(self, folder: Path) -> str:
        """The argument that gives them to a run."""
        return f"@{Ansible.file_at(folder / 'secret.json', {'seeds': self.values})}"


@pytest.fixture(params=[True, False], ids=["worker", "process"])
def ansible(request: pytest.FixtureRequest, tmp_path: Path) -> Ansible:
    ansible = Ansible(tmp_path / "run", request.param)
    ansible.folder.mkdir()
    return ansible


@pytest.fixture
def kept(ansible: Ansible) -> dict[str, str]:
    """Has Ansible write down all that it can."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "records,ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(ansible.folder / "junit"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ansible.folder / "cache"),
        "ANSIBLE_LOG_PATH": str(ansible.folder / "log"),
    }


def connection(ansible: Ansible, seeds: Seeds) -> Json:
    """A cloud that does not answer, and a log of all that is said to it."""
    log = {"sdk_log_path": str(ansible.folder / "sdk.log"), "sdk_log_level": "DEBUG"}
    return {"auth": {**AUTH, "password": seeds()}, "timeout": 1, "api_timeout": 1, **log}


def hunt(ansible: Ansible, seeds: Seeds, output: str, arguments: Iterable[str], places: Iterable[str], record: Record) -> None:
    """Look for the seeds in all that a run has left. It has to have left these places, each told by a part of its path."""
    texts = {str(path): path.read_text(errors="replace") for path in ansible.folder.rglob("*") if path.is_file()}
    assert [place for place in places if not any(place in path for path in texts)] == []
    texts.update(output=output, arguments="\n".join(arguments))
    found = {place: cores for place, text in texts.items() if (cores := seeds.found(text))}
    record("secrets seeded", len(seeds.cores) * len(texts))
    record("secrets found", sum(map(len, found.values())))
    assert found == {}


def test_secret_hunt_through_the_modules(ansible: Ansible, kept: dict[str, str], tmp_path: Path, record_property: Record) -> None:
    seeds = InVariables()
    modules = {**CHANGES, **LUN, "bfv_info": lambda _seeds: {}}
    tasks = [
        task(f"{module} {way}", f"bfv.openstack.{module}", **{**options(seeds), **connection(ansible, seeds), **wrong})
        for module, options in modules.items()
        for way, wrong in (
            ("fails", {}),
            ("has a wrong option", {"unknown": "x"}),
            ("has all ways to sign in", {"auth": login(seeds)}),
        )
    ]
    conductor = ansible.folder / "ironic.conf"
    conductor.write_text("[DEFAULT]\nenabled_storage_interfaces = noop\n")
    # Each on one line, as options of a file are.
    of_cinder, of_database = seeds.of("quotes"), seeds.of("slashes and percents")
    secrets = {"cinder": {"password": of_cinder}, "database": {"connection": f"mysql://ironic:{of_database}@192.0.2.1/ironic"}}
    works = [task("conductor_config works", "bfv.openstack.conductor_config", path=str(conductor), secrets=secrets)]
    fails = [task("conductor_config fails", "bfv.openstack.conductor_config", path="/nowhere/x.conf", secrets=secrets)]
    with watching_arguments() as arguments:
        run = ansible.tasks(*tasks, *works, *fails, arguments=[*LOOKS, "-e", seeds.file(tmp_path)], environment=kept)
    assert all(run[one["name"]]["failed"] for one in [*tasks, *fails])
    assert run["conductor_config works"]["changed"]
    conductor.unlink()  # which holds them, as it should
    hunt(ansible, seeds, run.text, arguments, ["junit", "sdk.log", "/log"], record_property)


def test_secret_hunt_through_the_role(ansible: Ansible, kept: dict[str, str], tmp_path: Path, record_property: Record) -> None:
    seeds = InVariables()
    hosts: Json = {
        "bm-0": {"baremetal_deploy_targets": [target(seeds)], "baremetal_deploy_connectors": [{"extra": notes(seeds)}]},
        "bm-1": {"baremetal_deploy_targets": [{**target(seeds), "target_lun": "x", "lum": 1}]},
    }
    everywhere = {
        "baremetal_deploy_cloud": connection(ansible, seeds),
        "baremetal_deploy_storage_interface": "external",
    }
    inventory = tmp_path / "inventory.json"
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    Ansible.file_at(inventory, {"baremetal": {"hosts": hosts, "vars": {**local, **everywhere}}})
    with watching_arguments() as arguments:
        runs = [
            ansible.playbook(
                "bfv.openstack.site", "-i", str(inventory), *LOOKS, *more, "-e", seeds.file(tmp_path), environment=kept
            )
            for more in ([], ["--limit", "bm-0"])
        ]
    assert [run.code for run in runs] == [2, 2]
    hunt(ansible, seeds, "".join(run.text for run in runs), arguments, ["junit", "/log"], record_property)


@pytest.mark.parametrize("ansible", [True], indirect=True)  # it has one door
def test_secret_hunt_through_the_inventory(ansible: Ansible, kept: dict[str, str], record_property: Record) -> None:
    seeds, sources, environment = Seeds(str), [], dict(kept)
    for number, make in enumerate(SHAPES.values()):
        environment[f"SEED_{number}"] = make(seeds())
        auth = {**AUTH, "password": f"{{{{ lookup('ansible.builtin.env', 'SEED_{number}') }}}}"}
        sources += [
            "-i",
            str(ansible.file("nodes.ironic.yml", {"plugin": "bfv.openstack.ironic", "auth": auth, "api_timeout": 1})),
        ]
    with watching_arguments() as arguments:
        listed = ansible.read_inventory("--list", "-vvvv", *sources, environment=environment)
    assert listed.stderr.count("Failed to reach Ironic: no connection") >= len(SHAPES)
    hunt(ansible, seeds, listed.stdout + listed.stderr, arguments, ["/log"], record_property)
