# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one task of the role baremetal_deploy (see one_call.py), which tells each host what the role has left to do for it."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import deploying_nodes
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.deploying import Json
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.one_call import OneCall


class ActionModule(OneCall):
    kind = deploying_nodes
    own_options = ("stages_done",)

    def results(self, known: Mapping[str, Json], task_vars: Json) -> dict[str, Json]:
        found = super().results(known, task_vars)
        # Some may go on without this call: only where all were in it, all know that no host has more to do.
        together = set(task_vars["ansible_play_batch"]) <= found.keys()
        some = any(one.get("stage") for one in found.values()) or not together
        return {host: {**one, "stages_of_some": some, "all_in_one_call": together} for host, one in found.items()}

    def asked(self, asked: Mapping[str, Json], task_vars: Json) -> dict[str, Json]:
        if not self._task.args.get("stages_done", False) and any(map(deploying_nodes.has_stages_before, asked.values())):
            nothing = {
                "changed": False,
                "failed": False,
                "msg": "",
                "actions": [],
                "differs": [],
                "stage": deploying_nodes.BEFORE,
            }
            return {host: {**nothing, "sharers": shared} for host, shared in deploying_nodes.sharers(asked).items()}
        results = super().asked(asked, task_vars)
        for host, one in results.items():
            waits = deploying_nodes.waits(asked[host]) and not self._task.check_mode
            one["stage"] = deploying_nodes.WAIT if waits else deploying_nodes.NOTHING
        return results
