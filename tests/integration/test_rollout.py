# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.rollout: a new image in waves. A wave that is not well goes back, and the rest is never touched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .lab import IMAGE, Json, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run

ROLLOUT = "bfv.openstack.rollout"
DEPLOY = "bfv.openstack.deploy"
WAVES = '{"rollout_waves": [1, 2, "100%"]}'
TELL = "Tell what the machine boots from, and will"
SAY = "Say that the machine went back"


@dataclass
class Gate:
    """Answers for machines, of which some are not well."""

    port: int = 0
    ill: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{{{{ inventory_hostname }}}}"


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    gate = Gate()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path.strip("/") in gate.ill else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    gate.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield gate
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Rack:
    """Nodes that run from volumes, what was run, and what each booted from afterwards."""

    lab: Lab
    nodes: dict[str, Node]
    names: dict[str, str]  # of their boot disks
    image: str
    runs: dict[str, Run] = field(default_factory=dict)
    booted: dict[str, dict[str, str]] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)

    def disks(self) -> dict[str, str]:
        """The volume of each node's boot target."""
        return {name: next(one["volume_id"] for one in self.lab.targets(node)) for name, node in self.nodes.items()}

    def volume(self, id: str) -> Json:
        return self.lab.cinder("GET", f"/volumes/{id}")["volume"]


@pytest.fixture(scope="module", params=[4, pytest.param(20, marks=pytest.mark.long)])
def rack(
    request: pytest.FixtureRequest,
    lab: Lab,
    ansible: Ansible,
    gate: Gate,
    new_proxy: Callable[[], Proxy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Rack:
    whats = [f"{request.param}-{number:02}" for number in range(request.param)]
    nodes = {f"web-{what}": node for what, node in zip(whats, lab.nodes(*whats), strict=True)}
    image = lab.image(lab.name("next"), tmp_path_factory.mktemp("image"))
    names = {name: lab.name(f"{name}-root") for name in nodes}
    rack = Rack(lab, nodes, names, image)
    hosts: dict[str, Json] = {
        name: {
            "baremetal_deploy_node": node.name,
            "baremetal_deploy_volumes": [{"name": names[name], "image": IMAGE}],
            "baremetal_deploy_golden": True,
            "baremetal_deploy_concurrency": 8,
            "rollout_image": image,
            "rollout_name": "next",
            "rollout_gate": {"url": gate.url, "timeout": 6},
        }
        for name, node in nodes.items()
    }
    inventory = ansible.inventory(hosts)

    def run(what: str, playbook: str, *arguments: str) -> None:
        proxy = new_proxy()
        rack.runs[what] = ansible.playbook(playbook, "-i", str(inventory), *arguments, environment=proxy.environment)
        rack.written[what] = proxy.writes
        rack.booted[what] = rack.disks()

    run("deploy", DEPLOY)
    run("check", ROLLOUT, "-e", WAVES, "--check")
    gate.ill = {list(nodes)[2]}
    run("wave 2 is ill", ROLLOUT, "-e", WAVES)
    gate.ill = set()
    run("resume", ROLLOUT, "-e", WAVES, "-e", "rollout_old_disks=delete_when_all_are_well")
    run("again", ROLLOUT, "-e", WAVES)
    run("deploy again", DEPLOY)
    return rack


def moved(rack: Rack, before: str, after: str) -> list[str]:
    return [name for name in rack.nodes if rack.booted[before][name] != rack.booted[after][name]]


def test_the_runs_end_as_they_should(rack: Rack) -> None:
    codes = {what: run.code for what, run in rack.runs.items()}
    assert codes == {"deploy": 0, "check": 0, "wave 2 is ill": 2, "resume": 0, "again": 0, "deploy again": 0}, "\n".join(
        run.text for run in rack.runs.values()
    )


def test_check_mode_tells_the_waves_and_writes_nothing(rack: Rack) -> None:
    text, names = rack.runs["check"].text, list(rack.nodes)
    assert f"1 of {len(names)}: {names[0]}" in text
    assert f"2 of {len(names)}: {names[1]}, {names[2]}" in text
    assert f"{len(names) - 3} of {len(names)}: {', '.join(names[3:])}" in text
    assert rack.written["check"] == []
    assert rack.booted["check"] == rack.booted["deploy"]


def test_a_wave_that_is_not_well_goes_back_and_the_rest_is_never_touched(rack: Rack) -> None:
    names = list(rack.nodes)
    assert moved(rack, "deploy", "wave 2 is ill") == names[:1]
    recap = rack.runs["wave 2 is ill"].recap
    assert [name for name in names if recap.get(name, {}).get("failed")] == names[1:3]
    assert not any(name in rack.runs["wave 2 is ill"].hosts(TELL) for name in names[3:])
    for name in names[1:3]:
        assert f"It is back on volume {rack.names[name]}" in rack.runs["wave 2 is ill"].hosts(SAY)[name]["msg"]
    untouched = [rack.nodes[name].uuid for name in names[3:]]
    assert not [line for line in rack.written["wave 2 is ill"] if any(uuid in line for uuid in untouched)]


def test_a_rerun_goes_on_with_the_machines_that_are_left(rack: Rack) -> None:
    assert moved(rack, "wave 2 is ill", "resume") == list(rack.nodes)[1:]
    for name in rack.nodes:
        volume = rack.volume(rack.booted["resume"][name])
        assert volume["name"] == rack.names[name]
        assert volume["volume_image_metadata"]["image_id"] == rack.image


def test_the_old_disks_are_gone_when_all_are_well(rack: Rack) -> None:
    there = {one["id"] for one in rack.lab.cinder.list("/volumes/detail", "volumes")}
    assert not there & set(rack.booted["deploy"].values())


@pytest.mark.parametrize("what", ["again", "deploy again"])
def test_a_further_run_changes_nothing(rack: Rack, what: str) -> None:
    assert {host["changed"] for host in rack.runs[what].recap.values()} == {0}
    assert rack.written[what] == []
    assert rack.booted[what] == rack.booted["resume"]
