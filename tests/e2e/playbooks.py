# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of playbooks that take as long as machines and images take."""

from __future__ import annotations

import os
import signal

from ..integration.runs import Ansible, Run

# A cold build of an image, on a busy machine.
TIMEOUT = 3600


def play(ansible: Ansible, playbook: str, *arguments: str) -> Run:
    """Run a playbook to its end. Where the tests are interrupted, the playbook is too, so that it can clear up."""
    started = ansible.start(playbook, *arguments)
    try:
        stdout, stderr = started.process.communicate(timeout=TIMEOUT)
    finally:
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGINT)
            started.process.wait()
    return Run(started.process.returncode, stdout, stderr, started.records())
