# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Lines of text for the person in front of the terminal, while a task runs."""

from __future__ import annotations

from ansible import constants
from ansible.plugins.loader import callback_loader
from ansible.utils.display import Display

# Callbacks that print lines for people, and those made from them. Others, such as ansible.posix.json, print one document.
_LINES = ("ansible.plugins.callback.default", "ansible.plugins.callback.minimal")


def are_lines_welcome() -> bool:
    """Whether what ansible-playbook prints is text, so that further lines of it spoil nothing."""
    name = constants.DEFAULT_STDOUT_CALLBACK  # type: ignore[attr-defined]
    callback = callback_loader.get(name, class_only=True)  # type: ignore[no-untyped-call]
    return any(base.__module__ in _LINES for base in getattr(callback, "__mro__", ()))


def tell(line: str, verbosity: int) -> None:
    """Show a line at once: always, or from ``-v`` on. Safe for threads."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in line)  # names may hold anything
    if verbosity:
        Display().v(plain)
    else:
        Display().display(plain)
