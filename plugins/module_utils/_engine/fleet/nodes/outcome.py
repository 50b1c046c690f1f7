# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of one node of a fleet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ...resources.node import connector, target
from ...resources.node import storage as node_storage
from ...resources.volume import record as volume_record
from ...values.plan import Plan
from ..journal import Entry
from .observe import NodeFound

_NOTHING = Plan("", {}, {})


@dataclass(frozen=True)
class Outcome:
    """The node by the name it was asked for, what was (or would be) done, why it failed if it did, and what is there now.

    ``differs`` is what is not as asked for, and is left as it is.
    """

    node: str
    msg: str = ""
    actions: tuple[str, ...] = ()
    plan: Plan = _NOTHING
    found: NodeFound | None = None
    history: tuple[Entry, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.msg)

    @property
    def changed(self) -> bool:
        return bool(self.actions)

    @property
    def diff(self) -> dict[str, object]:
        return replace(self.plan, subject=f"node {self.node}").diff

    def result(self) -> dict[str, object]:
        """The node as the module returns it: the same keys whatever became of it."""
        found = self.found
        return {
            "changed": self.changed,
            "failed": self.failed,
            "msg": self.msg,
            "actions": list(self.actions),
            "differs": list(self.differs),
            "node": node_storage.view(found.node) if found else None,
            "connectors": [connector.view(one) for one in found.connectors] if found else [],
            "targets": [target.view(one) for one in found.targets] if found else [],
            "volumes": [volume_record.view(one) for ones in found.volumes.values() for one in ones] if found else [],
            "history": [asdict(entry) for entry in self.history],
        }
