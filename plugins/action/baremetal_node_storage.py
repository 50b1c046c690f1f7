# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module baremetal_node_storage in Ansible's worker process."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.modules import baremetal_node_storage
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.in_process import InProcess


class ActionModule(InProcess):
    module = baremetal_node_storage
