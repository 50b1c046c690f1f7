# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip.py that ansible-test downloads from a server of its own: runs the pip of the wheel beside it.

tools/ansible_test.sh puts it into ansible-test's cache, so that `make test` needs a package index and no other server.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    (wheel,) = Path(__file__).parent.glob("pip-*.whl")
    sys.path.insert(0, str(wheel))
    # get-pip.py installs the named packages, and has two options that pip does not know.
    sys.argv = ["pip", "install", *(word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel"))]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
