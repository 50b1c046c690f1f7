# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine is told of a kind of machine: what ``nodes/kind.py`` and ``servers/kind.py`` offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..cloud.connection import Cloud
from ..resources.settle import Way
from ..resources.volume import plan as volume
from ..resources.volume.needs import Needs
from ..values.errors import BfvError, Invalid
from ..values.plan import Request
from .stage import Stage


class Kind(Protocol):
    """A kind of machine. What is wanted of one has a ``name``, by which it is asked for, and a ``state``; all the rest is the kind's own."""

    @property
    def NOUN(self) -> str:
        """One machine in words; with an s it is the option that names them, and the key of the result."""

    def name_of(self, entry: Mapping[str, Any]) -> str:
        """The name by which an entry of the option asks for its machine."""

    def read(self, params: Mapping[str, Any]) -> tuple[list[Any], dict[str, Invalid]]:
        """What is wanted of each machine, and why it cannot be read of the others. Raises Invalid where the list itself is wrong."""

    def observe(self, cloud: Cloud, wants: list[Any]) -> Mapping[str, Any | BfvError]:
        """What is there of each by its name, read in bulk, or why it is refused."""

    def identity(self, found: Any) -> str | None:
        """The id of the machine that was found, so that no two entries mean the same one."""

    def stages(self, want: Any, found: Any, way: Way) -> list[Stage]:
        """The way to where it is wanted, in order, when so much of it is taken. Pure. Raises Refused."""

    def absorb(self, found: Any, request: Request, answer: Mapping[str, Any]) -> Any | None:
        """What is there after a write, by its answer; None where only another look tells."""

    def look_again(self, run: Any, waiting: list[Any]) -> None:
        """See what has come of what these wait for. Those that cannot be looked at wait on, and know why."""

    def look_at_last(self, run: Any, ones: list[Any]) -> list[str]:
        """See what there is at the end; warnings where that fails."""

    def volumes(self, want: Any, found: Any) -> tuple[Needs | None, Iterable[tuple[volume.Wanted, volume.Found]]]:
        """The volumes that it may make, and what the project may have; None where it makes none."""

    def differs(self, want: Any, found: Any) -> list[str]:
        """What of it is not as asked for, and is left as it is, in words."""

    def view(self, want: Any, found: Any) -> dict[str, object]:
        """What is there of it as the module returns it, the same keys where ``found`` is None."""
