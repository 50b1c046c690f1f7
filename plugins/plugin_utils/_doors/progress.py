# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of text for the person in front of the terminal, while a task runs."""

from __future__ import annotations

from collections.abc import Iterable

from ansible.utils.display import Display

from ...module_utils._engine.values.text import plain
from . import ansible_core

# Callbacks that print lines for people, and those made from them. Others, such as ansible.posix.json, print one document.
_LINES = ("ansible.plugins.callback.default", "ansible.plugins.callback.minimal")


def are_lines_welcome() -> bool:
    """Whether what ansible-playbook prints is text, so that further lines of it spoil nothing."""
    return any(base.__module__ in _LINES for base in getattr(ansible_core.stdout_callback(), "__mro__", ()))


def tell(line: str, verbosity: int) -> None:
    """Show a line at once: always, or from as many ``-v`` on. Safe for threads."""
    shown = plain(line)  # names may hold anything
    if verbosity:
        Display().verbose(shown, caplevel=verbosity - 1)
    else:
        Display().display(shown)


def tell_together(lines: Iterable[str]) -> None:
    """Show several lines at once, between which those of no other process come."""
    text = "\n".join(map(plain, lines))
    if text:
        Display().display(text)
