# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the result of each task as one line of JSON, so that the tests need not read it out of the text for people."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: records
type: notification
short_description: Keep the result of each task as one line of JSON
description:
  - For the integration tests. The file is named by the environment variable C(BFV_RECORDS).
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "records"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep(result, failed=False)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep(result, failed=True)

    def _keep(self, result: Any, *, failed: bool) -> None:
        record = {"host": result.host.name, "task": result.task.name, "result": {**result.result, "failed": failed}}
        with open(os.environ["BFV_RECORDS"], "a", encoding="utf-8") as records:
            records.write(json.dumps(record) + "\n")
