# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed is completed by the next one."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from .lab import IMAGE, Lab
from .proxy import Answer, Proxy, Request
from .runs import Ansible

pytestmark = pytest.mark.extra

SITE = "bfv.openstack.site"


def kill(pid: int, but: str = "") -> None:
    """Kill a process and all that came of it, in whatever process groups they are, and give none a chance to clear up.

    Programs of the name ``but`` are left to end by themselves.
    """
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _end, words = stat.read_text().partition("(")[2].rpartition(")")
            if name != but:
                parents[int(stat.parent.name)] = int(words.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    doomed = {pid}
    while more := {child for child, parent in parents.items() if parent in doomed} - doomed:
        doomed |= more
    for one in doomed:
        with suppress(ProcessLookupError):  # ended meanwhile
            os.kill(one, signal.SIGKILL)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v3/volumes"),
        ("PATCH", "/v1/nodes/"),
        ("POST", "/v1/volume/targets"),
        ("PUT", "/states/provision"),
    ],
    ids=["while its volume is made", "while it is set up", "when its target was made", "while it is deployed"],
)
def test_a_killed_deployment_is_completed_by_the_next_run(
    lab: Lab, ansible: Ansible, proxy: Proxy, method: str, path: str
) -> None:
    node = lab.node()
    volume = f"{node.name}-root"
    inventory = ansible.inventory({node.name: {"baremetal_deploy_volumes": [{"name": volume, "image": IMAGE}]}})
    reached, killed = threading.Event(), threading.Event()

    def hold_the_answer(request: Request, answer: Answer) -> Answer:
        """The service has done it, and nobody hears of that."""
        if request.method == method and path in request.path:
            reached.set()
            killed.wait(60)
        return answer

    proxy.change = hold_the_answer
    started = ansible.start(SITE, "-i", str(inventory), environment=proxy.environment)
    assert reached.wait(60)
    kill(started.process.pid)
    killed.set()
    started.process.communicate(timeout=60)
    assert started.process.returncode == -signal.SIGKILL

    completing = ansible.playbook(SITE, "-i", str(inventory))
    assert completing.code == 0, completing.text
    assert lab.look(node)["provision_state"] == "active"
    (there,) = lab.volumes(volume)
    assert [attachment["server_id"] for attachment in there["attachments"]] == [node.uuid]
    assert [target["volume_id"] for target in lab.targets(node)] == [there["id"]]
    assert len(lab.connectors(node)) == 1
