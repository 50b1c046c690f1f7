# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for an inventory that is written to a file and read again, where Ansible takes every text for a template.

`ansible-inventory --list --yaml` writes no mark of what is none: what a cloud says could run commands on the controller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import secrets

_BRACE = re.compile(r"\{(?=[{%#])")  # by which an expression, a statement or a comment begins
# Of these each has a spelling of its own as a variable. Others could be two names of one: a-b and a_b.
_NAME = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*")


def literal(value: object) -> object:
    """The value, at any depth with each text that is a template as one that gives just that text. What has a secret name is a placeholder."""
    if isinstance(value, Mapping):
        return {key: inner if secrets.is_secret(key) else literal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(inner) for inner in value]
    return _BRACE.sub("{{ '{' }}", value) if isinstance(value, str) else value


def placeholder(owner: str, id: str, what: str) -> str:
    """A template of the variable that is to hold a secret of an owner. As long as it is not defined, nothing is asked for in its place.

    The owner is called by its id where its name makes no name of a variable.
    """
    name = owner if _NAME.fullmatch(owner) else id
    variable = f"vault_{name.replace('.', '__')}_{what}".replace("-", "_")
    return f"{{{{ {variable} | default(omit) }}}}"
