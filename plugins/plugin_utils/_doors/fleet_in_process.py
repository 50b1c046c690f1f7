# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's module in Ansible's worker process: there it can tell at once what happens.

The report is written here, on the controller, wherever the module runs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import progress, report
from .in_process import InProcess, Json
from .report_machines import Kind, Wanted


class FleetInProcess(InProcess):
    """The action of a module for many machines. Each action plugin names its module and what the report shows of these machines."""

    kind: Kind

    def run(self, tmp: Any = None, task_vars: Json | None = None) -> Json:
        path = self._task.args.get("report")
        if path:
            reason = self._obstacle_of_report(str(path))
            if reason:
                return {"changed": False, "failed": True, "msg": reason}
        result: Json = super().run(tmp, task_vars)
        # Without machines there is nothing to report: the options were wrong, or no machine could be looked at.
        return self._reported(str(path), result) if path and f"{self.kind.NOUN}s" in result else result

    def run_module(self) -> None:
        quiet = self._task.no_log or not progress.are_lines_welcome()
        self.module.main(None if quiet else progress.tell)

    def _obstacle_of_report(self, path: str) -> str:
        if self._task.async_val:
            return "Give either report or async: an asynchronous task has no result to report."
        try:
            report.check(path)
        except report.ReportError as error:
            return str(error)
        return ""

    def _reported(self, path: str, result: Json) -> Json:
        options = self._task.args
        state = options.get("state") or self.module.OPTIONS["state"]["default"]
        wanted = Wanted(state, self.kind.own_states(options))
        try:
            report.write(path, self.kind, result, wanted, finished=datetime.now(UTC), foreseen=bool(self._task.check_mode))
        except report.ReportError as error:
            said = " ".join(filter(None, [result.get("msg"), str(error)]))
            return {**result, "failed": True, "msg": said}
        return result
