# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one task of a role whose hosts are machines: the first host makes one call for all of them, and each takes its own result.

The action of the module that is called is loaded where the call is made, and not in ansible-playbook, which would be a larger process to
fork for each host.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from . import ansible_core, deploying, hosts, progress
from .deploying import Json, Kind
from .role_variables import BadVariables, RoleVariables
from .together import Together


class OneCall(ActionBase):
    """Each action plugin names what its role's machines are."""

    kind: Kind
    # Options of the task that are the role's own. All others are those of the module.
    own_options: tuple[str, ...] = ()

    supports_raw_params = False

    # Those of the run are nobody's: they are shown once, with the host that makes the call.
    _warnings: tuple[Any, ...] = ()

    def run(self, tmp: Any = None, task_vars: Json | None = None) -> Json:
        """Hand a host what became of its machine."""
        variables = task_vars or {}
        super().run(tmp, variables)
        host = variables["inventory_hostname"]
        alone = hosts.reason_to_be_alone(self, variables)
        if alone:
            Display().vvv(f"Each host makes a call of its own: {alone}")
            result = self.results({host: variables}, variables)[host]
        else:
            folder = Path(ansible_core.folder_of_this_run()) / f"bfv-{ansible_core.identity(self._task)}"

            def call(left: list[str]) -> dict[str, Json]:
                known = {host: variables, **hosts.companions(self, variables)}
                return self.results({one: known[one] for one in left if one in known}, variables)

            result = Together(folder).result_of(host, variables["ansible_play_batch"], call)
        self._tell(host, result)
        return {**result, **({"warnings": list(self._warnings)} if self._warnings else {})}

    def results(self, known: Mapping[str, Json], task_vars: Json) -> dict[str, Json]:
        """The results of all these hosts, of which the first says for all what the run is to do."""
        role = RoleVariables(self.kind.ROLE)
        asked: dict[str, Json] = {}
        found: dict[str, Json] = {}
        for host, variables in known.items():
            refusal = self.kind.refusal(host, variables)
            if refusal:
                found[host] = deploying.failure(refusal)
                continue
            try:
                one = role.of(host, variables, self._templar_of(variables, task_vars))
            except BadVariables as error:
                found[host] = deploying.failure(str(error))
                continue
            first = next(iter(asked), host)
            differing = deploying.differing(self.kind, one, asked.get(first, one))
            if differing:
                found[host] = deploying.failure(deploying.refusal_of_another_run(host, differing, first))
            else:
                asked[host] = one
        return {**found, **(self.asked(asked, task_vars) if asked else {})}

    def asked(self, asked: Mapping[str, Json], task_vars: Json) -> dict[str, Json]:
        """The results of the hosts whose variables hold."""
        given = {name: value for name, value in self._task.args.items() if name not in self.own_options}
        fleet = self._fleet({**given, **deploying.call(self.kind, asked)}, task_vars)
        self._warnings = (*fleet.get("warnings", ()), *deploying.warnings(self.kind, fleet))
        return deploying.results(self.kind, asked, fleet)

    def _templar_of(self, variables: Json, task_vars: Json) -> Any:
        return self._templar if variables is task_vars else self._templar.copy_with_new_env(available_variables=variables)

    def _fleet(self, options: Json, task_vars: Json) -> Json:
        """The module's own action, with this one's connection to the controller."""
        task = self._task.copy()
        task.action, task.args = self.kind.MODULE, options
        action = self._shared_loader_obj.action_loader.get(
            self.kind.MODULE,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        try:
            result: Json = action.run(task_vars=task_vars)
        except AnsibleError as error:  # all hosts fail of it, and none of the others tries again
            Display().vvv(traceback.format_exc())
            return {"failed": True, "msg": str(error)}
        return result

    def _tell(self, host: str, result: Json) -> None:
        """What was done, or would be, which Ansible itself shows with -v alone. Where a host fails it shows that anyway."""
        if not result["failed"] and progress.are_lines_welcome():
            would = "would " if self._task.check_mode else ""
            progress.tell_together(f"{host}: {would}{action}" for action in result["actions"])
