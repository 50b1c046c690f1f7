# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module server_fleet in Ansible's worker process: there it can tell at once what happens."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.modules import server_fleet
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import progress
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.in_process import InProcess


class ActionModule(InProcess):
    module = server_fleet

    def run_module(self) -> None:
        quiet = self._task.no_log or not progress.are_lines_welcome()
        server_fleet.main(None if quiet else progress.tell)
