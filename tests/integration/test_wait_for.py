# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""baremetal_deploy_wait_for: after the deployment, the role waits until the machine itself answers.

The sandbox has no machines, so the test answers in their place. tests/e2e has machines.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest

from .lab import Json, Lab, a_lun
from .runs import Ansible, Run

pytestmark = pytest.mark.extra

ADDRESS = "127.0.0.1"
SAY = "Say that the machine did not start"
Play = Callable[..., Run]


@pytest.fixture(scope="module")
def play(lab: Lab, ansible: Ansible) -> Play:
    """Runs a playbook for one node, which is active after the first run."""
    node = lab.node()
    target = {"volume_id": str(uuid4()), **a_lun()}
    variables = {"baremetal_deploy_storage_interface": "external", "baremetal_deploy_targets": [target]}

    def play(wait_for: Json, *arguments: str, playbook: str = "bfv.openstack.deploy") -> Run:
        inventory = ansible.inventory({node.name: {**variables, "baremetal_deploy_wait_for": wait_for}})
        return ansible.playbook(playbook, "-i", str(inventory), *arguments)

    return play


@pytest.fixture
def closed() -> Iterator[int]:
    """A port at which nobody answers."""
    with socket.socket() as holder:
        holder.bind((ADDRESS, 0))
        yield holder.getsockname()[1]


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server((ADDRESS, 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def web(*statuses: int) -> Iterator[str]:
    """A URL that answers with these statuses, one after the other, and with the last one for ever."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """The test asks for nothing of it."""

    server = HTTPServer((ADDRESS, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_machine_whose_port_is_open_has_started(play: Play, open_port: int) -> None:
    run = play({"host": ADDRESS, "port": open_port})
    assert run.code == 0, run.text


def test_a_machine_whose_port_stays_closed_fails_its_host(play: Play, closed: int) -> None:
    run = play({"host": ADDRESS, "port": closed, "timeout": 2})
    assert run.code == 2
    message = run[SAY]["msg"]
    assert "within 2 s" in message
    assert f"{ADDRESS}:{closed}" in message
    assert "Look at its console" in message


def test_a_url_has_to_answer_with_success(play: Play) -> None:
    with web(503, 503, 200) as url:
        run = play({"url": url, "timeout": 60})
    assert run.code == 0, run.text


def test_a_url_that_never_does_fails_the_host(play: Play) -> None:
    with web(503) as url:
        run = play({"url": url, "timeout": 4})
    assert run.code == 2
    assert "503" in run[SAY]["msg"]


def test_nothing_is_waited_for_in_check_mode(play: Play, closed: int) -> None:
    run = play({"host": ADDRESS, "port": closed, "timeout": 2}, "--check")
    assert run.code == 0, run.text


def test_a_place_to_ask_is_needed_before_anything_is_done(play: Play) -> None:
    run = play({"port": 22})
    assert run.code == 2
    assert "one of the following is required: host, url" in run.text
    assert run["Bring the node where it should be"]["actions"] == []


def test_an_undeployed_machine_is_not_waited_for(play: Play, closed: int) -> None:
    run = play({"host": ADDRESS, "port": closed, "timeout": 2}, playbook="bfv.openstack.undeploy")
    assert run.code == 0, run.text
