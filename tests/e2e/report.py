# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long everything took, and what the machines printed: shown after the tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Report:
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, subject: str, what: str) -> Iterator[None]:
        """Measure a step; one that fails is told too."""
        started = time.monotonic()
        end = "failed"
        try:
            yield
            end = "ok"
        finally:
            self.lines.append(f"{subject:<12} {what:<34} {time.monotonic() - started:6.1f} s  {end}")

    def tell(self, subject: str, text: str) -> None:
        self.lines.append(f"{subject:<12} {text}")
