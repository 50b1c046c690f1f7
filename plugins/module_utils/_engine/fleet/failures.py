# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why machines failed, in one line that a person can read: alike reasons are counted, however many there are. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMES = 3
_REASONS = 5


def anonymous(reason: str, names: Iterable[str]) -> str:
    """The reason without what tells its node from others that failed for the same one."""
    reason = _UUID.sub("\0", reason)
    for name in sorted(filter(None, names), key=len, reverse=True):
        reason = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "\0", reason)
    return reason


def of_several(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons that several nodes were told in the very same words: the names in them are those of others as well, and stay."""
    return frozenset(reason for reason, times in Counter(reasons).items() if times > 1)


def told(failed: Mapping[str, str], total: int, noun: str = "node") -> str:
    """One line about those that failed, by the reason that each was told: the most frequent reasons, each in the words of the first with it."""
    alike: dict[str, list[str]] = defaultdict(list)
    same = of_several(failed.values())
    for name, reason in failed.items():
        alike[reason if reason in same else anonymous(reason, [name])].append(name)
    groups = sorted(alike.values(), key=lambda names: -len(names))
    if len(groups) == 1:
        return f"{len(failed)} of {total} {noun}s failed ({_some(groups[0])}): {failed[groups[0][0]]}"
    shown = " ".join(f"{len(names)} ({_some(names)}): {failed[names[0]]}" for names in groups[:_REASONS])
    more = sum(map(len, groups[_REASONS:]))
    rest = f" {more} for {len(groups) - _REASONS} other reasons, which {noun}s tells." if more else ""
    return f"{len(failed)} of {total} {noun}s failed: {shown}{rest}"


def _some(names: Sequence[str]) -> str:
    few = ", ".join(names[:_NAMES])
    return few if len(names) <= _NAMES else f"{few} and {len(names) - _NAMES} more"
