# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What is said of nodes with an instance_uuid."""

    DOCUMENTATION = r"""
options:
  without_nova:
    description:
      - Says that no Nova uses the node. A C(instance_uuid) that a person or another program set is then no reason to leave it alone.
      - Left out, an C(instance_uuid) that is an allocation of Ironic is told by itself; any other counts as a server of Nova. Of a node on
        which no machine runs, Nova is asked where the user may see the servers of all projects.
    type: bool
    default: false
    version_added: 1.0.0
"""
