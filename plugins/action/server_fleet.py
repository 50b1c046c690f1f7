# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module server_fleet in Ansible's worker process."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.modules import server_fleet
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import report_servers
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.fleet_in_process import FleetInProcess


class ActionModule(FleetInProcess):
    module = server_fleet
    kind = report_servers
