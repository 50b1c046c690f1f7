# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One JSON document instead of lines, as ansible.posix.json prints it."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: document
type: stdout
short_description: One JSON document instead of lines
description:
  - For the integration tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "document"

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._display.display(json.dumps({"hosts": sorted(stats.processed)}))
