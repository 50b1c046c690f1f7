# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one task of the role server_deploy (see one_call.py)."""

from __future__ import annotations

from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying_servers
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.one_call import OneCall


class ActionModule(OneCall):
    kind = deploying_servers
