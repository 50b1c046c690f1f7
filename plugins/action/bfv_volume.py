# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module bfv_volume in Ansible's worker process."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.modules import bfv_volume
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.in_process import InProcess


class ActionModule(InProcess):
    module = bfv_volume
