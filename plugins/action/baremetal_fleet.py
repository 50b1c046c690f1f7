# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module baremetal_fleet in Ansible's worker process."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.modules import baremetal_fleet
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import report_nodes
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.fleet_in_process import FleetInProcess


class ActionModule(FleetInProcess):
    module = baremetal_fleet
    kind = report_nodes
