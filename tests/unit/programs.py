# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's programs, as tests run them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def ansible(name: str) -> str:
    """The program that is of the Python that runs the tests: beside it, or in PATH, where ansible-test has programs of its own."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found, f"{name} is neither beside {sys.executable} nor in PATH"
    return found
