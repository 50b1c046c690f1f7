# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that the SDK writes its log to: for its owner alone, and without the secrets that requests and answers hold.

keystoneauth itself hides tokens and the sign-in; a server's user data and first password it does not.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from io import TextIOWrapper

from ..values.secrets import MASK, is_secret

# A name and its text, as JSON and Python write them.
_PAIR = re.compile(r"""(?P<whole>(["'])(?P<name>[^"'\\\s]{1,64})\2: )(["'])(?:(?!\4)[^\\]|\\.)*\4""")
_ALSO_SECRET = ("admin_pass", "contents", "private_key")


def masked(text: str) -> str:
    """A line of the log without secrets."""

    def shown(pair: re.Match[str]) -> str:
        name = pair["name"]
        return f'{pair["whole"]}"{MASK}"' if is_secret(name) or name in _ALSO_SECRET else pair[0]

    return _PAIR.sub(shown, text)


class Log(logging.FileHandler):
    """Appends to a file that is no link, and that only its owner can read. Raises OSError."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open(self.baseFilename, flags, 0o600)
        if stat.S_ISREG(os.fstat(number).st_mode):
            os.fchmod(number, 0o600)
        return open(number, "a", encoding="utf-8", errors="backslashreplace")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
