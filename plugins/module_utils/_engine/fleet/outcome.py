# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of one machine of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..values.plan import Plan
from .journal import Entry

_NOTHING = Plan("", {}, {})


@dataclass(frozen=True)
class Outcome:
    """The machine by the name it was asked for, what was (or would be) done, why it failed if it did, and what is there now.

    ``differs`` is what is not as asked for, and is left as it is. ``view`` is what is there now as the module returns it.
    """

    name: str
    msg: str = ""
    actions: tuple[str, ...] = ()
    plan: Plan = _NOTHING
    found: Any = None
    history: tuple[Entry, ...] = ()
    differs: tuple[str, ...] = ()
    view: Mapping[str, object] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.msg)

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    @property
    def diff(self) -> dict[str, object]:
        return self.plan.diff

    def result(self) -> dict[str, object]:
        """The machine as the module returns it: the same keys whatever became of it."""
        return {
            "changed": self.changed,
            "failed": self.failed,
            "msg": self.msg,
            "actions": list(self.actions),
            "differs": list(self.differs),
            **self.view,
            "history": [asdict(entry) for entry in self.history],
        }
